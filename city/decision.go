package city

import "time"

// Change is what a verdict is about.
type Change uint8

// The changes.
const (
	Opened      Change = iota + 1 // a case is wanted from now on
	Closed                        // no longer: the matter is over
	Revoked                       // no longer: late readings show that it never should have been
	Escalated                     // the case is worse than it was
	Deescalated                   // the case is less bad than it was
	Moved                         // the rule has moved on, but what is wanted is as it was
	Overlooked                    // of no rule: the reading came too late to be thought of
	Renewed                       // of no rule: the case was closed by people, lasts, and goes on as another one
)

var changeNames = [...]string{"", "opened", "closed", "revoked", "escalated", "deescalated", "moved", "overlooked", "renewed"}

func (c Change) String() string {
	if int(c) < len(changeNames) {
		return changeNames[c]
	}
	return ""
}

// MarshalText gives the name.
func (c Change) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Decision is the record of a verdict: everything that one needs to see to agree with it,
// or not. It is kept as JSON.
type Decision struct {
	Rule    string    `json:"rule"`
	Version string    `json:"version"` // of the rule's meaning: see Verdict.Version
	Asset   string    `json:"asset,omitempty"`
	Group   string    `json:"group,omitempty"` // instead of Asset
	Change  string    `json:"change"`          // as Change.String gives it
	At      time.Time `json:"at"`              // event time at which it became so
	Decided time.Time `json:"decided"`         // our clock
	Since   time.Time `json:"since,omitzero"`  // event time since when the condition has held

	From         string `json:"from"` // phase, as Phase.String gives it
	To           string `json:"to"`
	FromSeverity Grade  `json:"from_severity,omitempty"`
	ToSeverity   Grade  `json:"to_severity,omitempty"`

	Quantity string     `json:"quantity,omitempty"`
	Value    float64    `json:"value"`
	Limit    float64    `json:"limit"`
	Parts    []Part     `json:"parts,omitempty"`    // what was asked of the readings, and what they said
	Readings []Evidence `json:"readings,omitempty"` // oldest first
	Settings []Setting  `json:"settings,omitempty"` // thresholds and spans, and where each comes from
	Members  []string   `json:"members,omitempty"`  // of a group: for whom it is true, 100 at most
	Counted  int        `json:"counted,omitempty"`  // members for whom it is true
	Total    int        `json:"total,omitempty"`    // members

	Muted    string `json:"muted,omitempty"`    // why no case is wanted although the condition holds
	Shadow   bool   `json:"shadow,omitempty"`   // the rule only tries
	Flapping bool   `json:"flapping,omitempty"` // it changed so often that closing takes four times as long
	Late     bool   `json:"late,omitempty"`     // the reading at hand was older than others that had been judged
	Note     string `json:"note,omitempty"`     // what else there is to say, in German
}

// Evidence is one reading that a decision rests on.
type Evidence struct {
	Time   time.Time          `json:"time"`
	DevEUI EUI                `json:"dev_eui"`
	FCnt   uint32             `json:"fcnt"`
	Values map[string]float64 `json:"values,omitempty"` // by the name of the quantity
	Faults []Fault            `json:"faults,omitempty"`
	Truth  string             `json:"truth,omitempty"` // of the asked condition at this reading
}

// Part is a condition, or a part of one, and what came out.
type Part struct {
	Text  string `json:"text"`  // "fill_level >= 90 %", as in a rule file
	Value string `json:"value"` // "93 %", "unknown"
	Truth string `json:"truth,omitempty"`
}

// Setting is a figure that a decision used.
type Setting struct {
	Name   string `json:"name"`   // "open", "for", "max_gap", "period", "k"
	Value  string `json:"value"`  // "90", "30m"
	Source string `json:"source"` // "rule", "asset:PK-0042", "tour:5", "learned", "model"
}
