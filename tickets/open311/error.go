package open311

import "time"

// Outcome says whether a request that failed may have been done all the same.
type Outcome uint8

// The outcomes. The zero value is the careful one.
const (
	Unsure  Outcome = iota // it may have been done
	Retry                  // it was not done; later it may work
	Refused                // it was not done; repeating will not help
	Cannot                 // the endpoint has no such function
)

// Error is the error of every call.
type Error struct {
	Outcome Outcome
	// Accepted, with Unsure: the endpoint gave a token in place of a number. It has the
	// request, so it must not be sent again.
	Accepted bool
	After    time.Duration // Retry-After; 0: none
	Status   int           // HTTP status; 0: no answer
	msg      string
	err      error
}

// Error says what happened; the API key is not in it.
func (e *Error) Error() string { return e.msg }

// Unwrap gives the network's error where there was no answer.
func (e *Error) Unwrap() error { return e.err }
