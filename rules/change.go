package rules

import (
	"time"

	"meldefunk/city"
)

// Change is true when a quantity has fallen or risen by so much within a span: a bin was
// emptied, a battery has collapsed. It compares with the highest (or lowest) value within
// the span, as far as 8 readings reach back, and is unknown where there is none.
type Change struct {
	Quantity city.Quantity
	By       float64       // in the quantity's unit; negative: has fallen
	Within   time.Duration // more than 0
}

// String writes it like "fill_level changes by -40 % within 1h".
func (c Change) String() string {
	return c.Quantity.String() + " changes by " + amount(c.By, c.Quantity) + " within " + lasting(c.Within)
}

// Needs is the quantity.
func (c Change) Needs() Needs {
	return Needs{Quantities: []city.Quantity{c.Quantity}, Span: c.Within}
}

// Limit is By.
func (c Change) Limit() float64 { return c.By }

// WithLimit is the same for another change.
func (c Change) WithLimit(limit float64) Signal { c.By = limit; return c }

// Eval gives the change as its value.
func (c Change) Eval(v *View) Outcome {
	o := Outcome{Quantity: c.Quantity, Limit: c.By}
	now, measured := v.Value(0, c.Quantity)
	if !measured {
		return o
	}
	most, seen := 0.0, false
	for back := 1; back < v.Len() && v.Before(back) <= c.Within; back++ {
		was, measured := v.Value(back, c.Quantity)
		if !measured {
			continue
		}
		if d := now - was; !seen || c.By < 0 && d < most || c.By >= 0 && d > most {
			most, seen = d, true
		}
	}
	if seen {
		o.Value = most
		o.Truth = city.Known(c.By < 0 && most <= c.By || c.By >= 0 && most >= c.By)
	}
	return o
}

// Explain tells the change.
func (c Change) Explain(v *View) []city.Part { return []city.Part{part(c, c.Eval(v))} }
