package rules

import (
	"time"

	"meldefunk/city"
)

// Episode is a case as a play has it, from its opening to its end.
type Episode struct {
	Rule         string     `json:"rule"`
	Asset        string     `json:"asset,omitempty"`
	Group        string     `json:"group,omitempty"` // instead of Asset
	Service      string     `json:"service"`
	Severity     city.Grade `json:"severity"`       // the highest it had
	Since        time.Time  `json:"since,omitzero"` // event time since when the condition has held
	Opened       time.Time  `json:"opened"`         // our clock
	Closed       time.Time  `json:"closed,omitzero"`
	Ended        time.Time  `json:"ended,omitzero"` // event time since when it is over; zero: no reading says so
	Revoked      bool       `json:"revoked,omitempty"`
	Value, Limit float64    `json:"-"` // at opening
	now          city.Grade
}

// place is where an episode takes place: an asset or a group.
func (e *Episode) place() string { return e.Asset + e.Group }

// Ledger keeps the cases of a play.
type Ledger struct {
	Episodes []*Episode // in the order of their opening
	open     map[matter]*Episode
}

type matter struct{ rule, asset, group string }

// Add takes what was said.
func (l *Ledger) Add(all []Said) {
	if l.open == nil {
		l.open = make(map[matter]*Episode)
	}
	for i := range all {
		s, v := &all[i], &all[i].Verdict
		m := matter{v.Rule, s.Asset, s.Group}
		e := l.open[m]
		switch v.Change {
		case city.Opened:
			e = &Episode{Rule: v.Rule, Asset: s.Asset, Group: s.Group, Service: v.Service, Severity: v.Severity, now: v.Severity,
				Since: v.Since, Opened: s.Now, Value: v.Value, Limit: v.Limit}
			l.open[m], l.Episodes = e, append(l.Episodes, e)
		case city.Escalated, city.Deescalated:
			if e != nil {
				e.Severity, e.now = max(e.Severity, v.Severity), v.Severity
			}
		case city.Closed, city.Revoked:
			if e != nil {
				e.Closed, e.Ended, e.Revoked = s.Now, v.Since, v.Change == city.Revoked
				delete(l.open, m)
			}
		}
	}
}

// Open lists the cases that are open, in the order of their opening.
func (l *Ledger) Open() []*Episode {
	var all []*Episode
	for _, e := range l.Episodes {
		if e.Closed.IsZero() {
			all = append(all, e)
		}
	}
	return all
}
