package tickets

import (
	"errors"
	"time"
)

// Kind says what a failed call means for the next step. It is also a metric label.
type Kind uint8

// The kinds. The zero value is the careful one.
const (
	Unsure  Kind = iota // the outcome is unknown: search before anything else
	Retry               // definitely not done: try again later
	Refused             // will not work by repeating: a human must look
	Cannot              // the ticket system has no such function
)

var kindNames = [...]string{"unsure", "retry", "refused", "cannot"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Failure is the error of a System.
type Failure struct {
	Kind Kind
	// Accepted, with Unsure: the ticket system has taken the order but gave no number
	// yet. It may be searched for, but never sent again.
	Accepted bool
	After    time.Duration // how long the ticket system asks to be left alone; 0: it does not say
	Err      error         // for people, without secrets
}

func (f *Failure) Error() string { return f.Err.Error() }

// Unwrap gives Err.
func (f *Failure) Unwrap() error { return f.Err }

// asFailure gives err as a Failure; what is not one is Unsure.
func asFailure(err error) *Failure {
	var f *Failure
	if errors.As(err, &f) {
		return f
	}
	return &Failure{Kind: Unsure, Err: err}
}
