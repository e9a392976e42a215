package city

import "time"

// Phase is where a rule stands for one asset.
type Phase uint8

// The phases.
const (
	PhaseIdle     Phase = iota // condition not met
	PhasePending               // met, but not yet for long enough or often enough
	PhaseOpen                  // met: a case is wanted
	PhaseClearing              // open; clear condition met, but not yet for long enough or often enough
)

var phaseNames = [...]string{"idle", "pending", "open", "clearing"}

func (p Phase) String() string {
	if int(p) < len(phaseNames) {
		return phaseNames[p]
	}
	return "unknown"
}

// Standing is where a rule stands for one asset, or one group of them.
type Standing struct {
	Rule     string
	Phase    Phase
	Since    time.Time // event time of the first reading of the present run (pending or clearing), or of the opening
	Count    uint32    // readings in the present run
	Severity Grade     // of what is open; 0 while nothing is
	Muted    string    // why no case is wanted although the phase says so; "": it is wanted
	Flapping bool      // so many changes that closing takes four times as long
}

// AssetState is what judging needs to know about an asset, or about a group of assets, from
// one reading to the next.
type AssetState struct {
	Asset     string
	Group     string     // instead of Asset; see Share.Group
	Server    string     // network server of the newest reading
	Reading   int64      // id of the newest reading by event time
	Judged    time.Time  // its event time
	Mind      []byte     // Mind as it is stored; nil: there is none
	Cases     []OpenCase // in the order they were opened
	Deadline  time.Time  // when time alone may change something; zero: never
	Occupancy *Occupancy // nil: no reading has told; never changed, only replaced
}

// OpenCase is a case that is wanted.
type OpenCase struct {
	Rule  string
	Ref   string
	Since time.Time // event time since when the condition has held
	Grade Grade
}

// Occupancy is the state of a parking bay and since when it holds.
type Occupancy struct {
	Occupied bool
	Since    time.Time // event time of the first reading that showed it
	Began    bool      // the change to it was seen; false: Since is only when the bay was first heard of
}

// Verdict is a rule's word on one asset, or one group of them. Only changes are verdicts;
// where things stand is in the Standing.
type Verdict struct {
	Rule     string
	Version  string // 16 hex digits that change with whatever decides in the rule, and with nothing else
	Change   Change
	Severity Grade
	Service  string    // ticket category
	Since    time.Time // event time since when it is so; zero: no reading says so, the rule is gone
	Quantity Quantity
	Value    float64 // the deciding value
	Limit    float64 // the threshold it was compared with
	Title    string  // words for the ticket: what is the matter
	Advice   string  // words for the ticket: what to do
	Record   *Decision
}

// Case is one episode of one matter at one asset, or one group of them. It is wanted from
// Opened until Closed. What the ticket system knows of it is not here.
type Case struct {
	Ref      string // "S-" and 8 characters: stands in the ticket, found again there
	Rule     string
	Service  string
	Asset    string
	Group    string   // instead of Asset; see Share.Group, or "rule:bin-full" of what the safety brake holds back
	Members  []string // of a group: for whom it is so, 100 at most; those told last
	Quantity Quantity
	Value    float64 // the deciding value at opening
	Limit    float64
	Since    time.Time // event time since when the condition has held
	Grade    Grade     // how bad it is now
	Title    string
	Advice   string
	Held     bool // by the safety brake: no ticket yet

	Opened time.Time // when it was decided
	Closed time.Time // zero: still wanted
	// The deciding value and its event time at closing.
	ClosedValue float64
	ClosedSince time.Time
	Revoked     bool   // late readings have shown that it never should have been opened
	Follows     string // Ref of the case it goes on from: a human closed that ticket, and the matter lasted
}

// CaseUpdate is a wanted case that has changed.
type CaseUpdate struct {
	Ref     string
	Grade   Grade
	Members []string
	Value   float64
}

// Wanted tells whether the case should be open.
func (c *Case) Wanted() bool { return c.Closed.IsZero() }

// Ruling is a decision as it is kept, with its place in the order of all.
type Ruling struct {
	ID   int64  // rising
	Case string // Ref of the case it is about; "": it is about none
	Decision
}

// Deafness is a time in which we could not hear a network server.
type Deafness struct {
	Server string // "": none at all, for we were not there
	Since  time.Time
	Until  time.Time // as far as is known by now
}

// Due says when a state wants to be looked at.
type Due struct {
	Asset, Group string    // one of them
	At           time.Time // zero: time alone changes nothing
}
