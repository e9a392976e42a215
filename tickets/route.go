package tickets

import (
	"time"

	"meldefunk/city"
)

// Router decides where the ticket of a case goes, and how it is looked after there. It is
// pure and may be called by several goroutines. The asset is nil of a group, or when it is no
// longer in the inventory.
type Router interface {
	Route(c *city.Case, a *city.Asset) Route
}

// Route is what was decided of one case. The zero value goes nowhere and leaves the words as
// the rule has them.
type Route struct {
	System string // name of a ticket system
	Unit   string // German, who is to do it; "": not told
	Code   string // the ticket system's category; "": by its own map of services

	// Words for people, which may hold placeholders; "": those of the rule.
	Title, Advice string
	Contact       string // German, whom to ask; "": nobody is named

	Hours     Hours     // in which a create may go out
	AutoClose AutoClose // never also where the ticket system cannot close
	Priority  string    // a Priority…

	Respect       time.Duration // how long a close by a human is respected while the case lasts
	ReopenWithin  time.Duration // so soon after our own close its ticket is opened again; 0: never
	EscalateAfter time.Duration // so long after the opening somebody should have taken it on; 0: no matter
	AtLeastOnce   bool          // where a ticket cannot be searched for: rather send it twice than never
}

// AutoClose says whether we close a ticket when its case is over.
type AutoClose string

// The ways.
const (
	AutoCloseAlways    AutoClose = "always"
	AutoCloseUntouched AutoClose = "untouched" // unless somebody looks after it there
	AutoCloseNever     AutoClose = "never"     // a human closes it
)

// The priorities, as ticket systems and people get to read them.
const (
	PriorityLow    = "niedrig"
	PriorityNormal = "normal"
	PriorityHigh   = "hoch"
)

// priority follows from how bad a case is: the mildest grade is the usual one.
func priority(c *city.Case) string {
	if c.Grade > 1 {
		return PriorityHigh
	}
	return PriorityNormal
}
