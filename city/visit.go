package city

import "time"

// Visit is what somebody says he did at an asset: a bin emptied, a tree watered, or why not.
type Visit struct {
	ID      int64 // rising
	At      time.Time
	Asset   string
	Tour    string // on which it was; "": none
	By      string // name of a human
	Outcome VisitOutcome
	Note    string // why not

	Withdrawn   time.Time // zero: it holds; else it was a mistake
	WithdrawnBy string
}

// VisitOutcome says how a visit ended.
type VisitOutcome string

// The outcomes.
const (
	VisitDone   VisitOutcome = "done"
	VisitFailed VisitOutcome = "failed" // it could not be done: see Visit.Note
)
