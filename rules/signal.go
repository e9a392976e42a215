package rules

import (
	"time"

	"meldefunk/city"
)

// Signal is a condition: something that can be asked of the last readings of an asset. It
// is a value, safe for use by many, and String is its meaning in words: two signals that
// write the same decide the same.
type Signal interface {
	String() string
	// Needs tells what must be kept of readings for it.
	Needs() Needs
	// Eval says whether it is true at the newest reading of the view, with the value that
	// decides and the limit it was compared with.
	Eval(v *View) Outcome
	// Explain tells the same as Eval in parts, for the record of a decision.
	Explain(v *View) []city.Part
}

// Limited is a Signal with a limit that an Override can change.
type Limited interface {
	Signal
	Limit() float64
	WithLimit(limit float64) Signal
}

// Outcome is what a Signal says.
type Outcome struct {
	Truth    city.Truth
	Quantity city.Quantity // of Value and Limit; QuantityUnknown: neither has one
	Value    float64
	Limit    float64
}

// Needs is what a Signal looks at.
type Needs struct {
	Quantities []city.Quantity
	Faults     bool
	Period     bool          // asks View.Period
	Span       time.Duration // how far it looks back; for checks by the loader
}
