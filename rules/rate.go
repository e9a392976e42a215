package rules

import (
	"time"

	"meldefunk/city"
)

// Rate compares how fast a quantity changes, in its unit per hour, over a span. The rate is
// the median of the slopes between all pairs of readings in the span (Theil–Sen), so that
// single outliers count for nothing. Unknown with fewer than three values, or where they
// cover less than half of the span.
type Rate struct {
	Quantity  city.Quantity
	Condition Condition // of the rate per hour
	Over      time.Duration
}

// String writes it like "rate of fill_level over 6h >= 5 %/h".
func (r Rate) String() string {
	return "rate of " + r.Quantity.String() + " over " + lasting(r.Over) + " " + r.Condition.Compare.String() + " " +
		amount(r.Condition.Limit, r.Quantity) + "/h"
}

// Needs is the quantity.
func (r Rate) Needs() Needs { return Needs{Quantities: []city.Quantity{r.Quantity}, Span: r.Over} }

// Limit is the rate compared with, per hour.
func (r Rate) Limit() float64 { return r.Condition.Limit }

// WithLimit is the same with another limit.
func (r Rate) WithLimit(limit float64) Signal { r.Condition.Limit = limit; return r }

// Eval gives the rate per hour as its value.
func (r Rate) Eval(v *View) Outcome {
	o := Outcome{Quantity: r.Quantity, Limit: r.Condition.Limit}
	var l line
	if _, measured := v.Value(0, r.Quantity); !measured {
		return o
	}
	l.gather(v, r.Quantity, r.Over)
	if l.n < 3 || 2*l.span() < r.Over {
		return o
	}
	o.Value = l.slope()
	o.Truth = city.Known(r.Condition.Met(o.Value))
	return o
}

// Explain tells the rate.
func (r Rate) Explain(v *View) []city.Part {
	o := r.Eval(v)
	p := part(r, o)
	if o.Truth != city.Unknown {
		p.Value += "/h"
	}
	return []city.Part{p}
}
