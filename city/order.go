package city

import (
	"errors"
	"time"
)

// Order is what a ticket system is told: the case, where it is, and the words for people.
type Order struct {
	Case    Case
	Asset   *Asset    // nil: no longer in the inventory
	SentAt  time.Time // begin of the last create
	At      time.Time // when what is told now was decided: a note, a reopening; stays however often it is told
	Title   string    // German, one line
	Text    string    // German, ends with the marker
	Closing string    // German, why it is closed; "" while the case is wanted
	Place   string    // German, one line, where; also of a group of assets
	Marker  string    // how the case's ref stands in Text, and what is searched for
	Code    string    // the ticket system's category; "": by its own map of services

	Attributes []Attribute // the same for machines, in a fixed order
}

// Attribute is one fact of an Order, for machines.
type Attribute struct {
	Code  string // "messwert"
	Value string // numbers with decimal point, times as RFC 3339
}

// Outcome says what a failed call of a ticket system means for the next step. It is also a
// metric label.
type Outcome uint8

// The outcomes. The zero value is the careful one.
const (
	Unsure  Outcome = iota // it may have been done: search before anything else
	Retry                  // definitely not done: try again later
	Refused                // will not work by repeating: a human must look
	Cannot                 // the ticket system has no such function
)

var outcomeNames = [...]string{"unsure", "retry", "refused", "cannot"}

func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return "unknown"
}

// Failure is the error of a ticket system.
type Failure struct {
	Outcome Outcome
	// Accepted, with Unsure: the ticket system has taken the order but gave no number
	// yet. It may be searched for, but never sent again.
	Accepted bool
	// Ambiguous, with Refused: a search has found what may be the ticket and may be somebody
	// else's. A human must say.
	Ambiguous bool
	After     time.Duration // how long the ticket system asks to be left alone; 0: it does not say
	Err       error         // for people, without secrets
}

func (f *Failure) Error() string { return f.Err.Error() }

// Unwrap gives Err.
func (f *Failure) Unwrap() error { return f.Err }

// AsFailure gives err as a Failure; what is not one is Unsure.
func AsFailure(err error) *Failure {
	var f *Failure
	if errors.As(err, &f) {
		return f
	}
	return &Failure{Outcome: Unsure, Err: err}
}
