package rules

import "meldefunk/city"

// Threshold compares a measured number, or a yes-or-no, with a limit. Unknown where the
// reading does not carry the quantity.
type Threshold struct {
	Quantity  city.Quantity
	Condition Condition
}

// String writes it like "fill_level >= 90 %".
func (t Threshold) String() string { return t.Quantity.String() + " " + t.Condition.In(t.Quantity) }

// Needs is the quantity.
func (t Threshold) Needs() Needs { return Needs{Quantities: []city.Quantity{t.Quantity}} }

// Limit is what is compared with.
func (t Threshold) Limit() float64 { return t.Condition.Limit }

// WithLimit is the same with another limit.
func (t Threshold) WithLimit(limit float64) Signal { t.Condition.Limit = limit; return t }

// Eval compares the value of the reading at hand.
func (t Threshold) Eval(v *View) Outcome {
	o := Outcome{Quantity: t.Quantity, Limit: t.Condition.Limit}
	value, measured := v.Value(0, t.Quantity)
	if measured {
		o.Value, o.Truth = value, city.Known(t.Condition.Met(value))
	}
	return o
}

// Explain tells the value.
func (t Threshold) Explain(v *View) []city.Part { return []city.Part{part(t, t.Eval(v))} }
