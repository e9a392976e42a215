package city

import "time"

// Truth is what can be said of a condition. Silence, a blind sensor or too little evidence
// make it Unknown, which is not False.
type Truth uint8

// The three values.
const (
	Unknown Truth = iota
	False
	True
)

var truthNames = [...]string{"unknown", "false", "true"}

func (t Truth) String() string {
	if int(t) < len(truthNames) {
		return truthNames[t]
	}
	return truthNames[Unknown]
}

// Known makes a truth of yes or no.
func Known(yes bool) Truth {
	if yes {
		return True
	}
	return False
}

// Grade is how bad a matter is, from 1, the mildest. 0 is none.
type Grade uint8

// Mind is what the rules remember of one asset, or of one group of assets. It is a value:
// a step makes a new one and leaves the old as it was. nil is the mind of what was never
// seen.
type Mind interface {
	// AppendBinary appends the mind as it is stored. It carries its own version and the
	// names of what it speaks of, so that it can be read after the rules have changed.
	AppendBinary(b []byte) ([]byte, error)
	// Deadline is when time alone may change something: the mind wants to be shown a Sight
	// without reading then. Zero: never.
	Deadline() time.Time
	// Standings tells, for people, where the rules stand that are not idle.
	Standings() []Standing
}

// Sight is one thing the rules get to see: a reading of an asset, the share of a member of
// a group, or that time has passed.
type Sight struct {
	Asset   *Asset   // nil: a group
	Sensors []Sensor // what hangs on the asset; nil: not told, then what was heard counts
	Server  string   // network server of the reading's device, for Deaf; of Sensors each has its own
	Group   string   // see Share.Group; "": an asset
	Reading *Reading // also a late one, also one the rules have seen; nil: none
	Share   *Share   // how things now stand at a member of the group; nil: none

	// Now is our clock. It decides what is about time passing, like silence; never what is
	// about values.
	Now time.Time

	// Deaf tells how long we could not hear a network server between two times: we were
	// down, its broker was, or its session. nil: never.
	Deaf func(server string, from, to time.Time) time.Duration
	// Mutes tells whether a case of a rule about a whole group is open. nil: none is.
	Mutes func(group, rule string) bool
}

// Sensor is a device as the rules know it: who should be heard, and how often.
type Sensor struct {
	DevEUI EUI
	Server string        // network server, for Sight.Deaf
	Period time.Duration // between its frames as its model or the city declares; 0: to be learned
	Since  time.Time     // in service since; a device never heard is silent from then on. Zero: only once it was heard
}

// Share is how a rule stands at one member of a group.
type Share struct {
	Group  string // what kind of group and which: "tour:5", "district:Altstadt", "street:Domhof", "gateway:7076…", "kind:bin"
	Rule   string
	Member string // asset
	Truth  Truth
	At     time.Time // event time since when
	Gone   bool      // no longer a member
}
