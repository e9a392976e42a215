package rules

import (
	"math"
	"strings"

	"meldefunk/city"
)

// Implausible is true when a quantity is what it cannot be: outside of a range, the very
// same for too long, or changing faster than it can. What is not asked for is zero.
type Implausible struct {
	Quantity city.Quantity
	Outside  *Range  // of values that can be
	Stuck    int     // the very same value so many times in a row, 2 to 9
	Jump     float64 // changes by more than this in an hour, between two readings in a row
}

// Range is from Min to Max, both included.
type Range struct{ Min, Max float64 }

// String writes it like "fill_level stuck 8 times or jumps more than 200 %/h".
func (p Implausible) String() string {
	var all []string
	if p.Outside != nil {
		all = append(all, "outside "+number(p.Outside.Min)+" to "+amount(p.Outside.Max, p.Quantity))
	}
	if p.Stuck > 0 {
		all = append(all, "stuck "+number(float64(p.Stuck))+" times")
	}
	if p.Jump > 0 {
		all = append(all, "jumps more than "+amount(p.Jump, p.Quantity)+"/h")
	}
	return p.Quantity.String() + " " + strings.Join(all, " or ")
}

// Needs is the quantity.
func (p Implausible) Needs() Needs { return Needs{Quantities: []city.Quantity{p.Quantity}} }

// Eval is True if any of what is asked for is, and False only if all of it is.
func (p Implausible) Eval(v *View) Outcome {
	var sum Outcome
	for i, ask := range p.asks() {
		o := ask.eval(v)
		switch {
		case o.Truth == city.True:
			return o
		case i == 0:
			sum = o
		case o.Truth == city.Unknown:
			sum.Truth = city.Unknown
		}
	}
	return sum
}

// Explain tells each of what is asked for.
func (p Implausible) Explain(v *View) []city.Part {
	var parts []city.Part
	for _, ask := range p.asks() {
		parts = append(parts, part(ask.only, ask.eval(v)))
	}
	return parts
}

// asked is one of what an Implausible asks for.
type asked struct {
	only Implausible
	eval func(v *View) Outcome
}

func (p Implausible) asks() []asked {
	all := make([]asked, 0, 3)
	if p.Outside != nil {
		all = append(all, asked{Implausible{Quantity: p.Quantity, Outside: p.Outside}, p.outside})
	}
	if p.Stuck > 0 {
		all = append(all, asked{Implausible{Quantity: p.Quantity, Stuck: p.Stuck}, p.stuck})
	}
	if p.Jump > 0 {
		all = append(all, asked{Implausible{Quantity: p.Quantity, Jump: p.Jump}, p.jump})
	}
	return all
}

func (p Implausible) outside(v *View) Outcome {
	o := Outcome{Quantity: p.Quantity}
	if value, measured := v.Value(0, p.Quantity); measured {
		o.Value, o.Limit = value, p.Outside.Max
		if value < p.Outside.Min {
			o.Limit = p.Outside.Min
		}
		o.Truth = city.Known(value < p.Outside.Min || value > p.Outside.Max)
	}
	return o
}

func (p Implausible) stuck(v *View) Outcome {
	o := Outcome{Quantity: p.Quantity}
	value, measured := v.Value(0, p.Quantity)
	if !measured {
		return o
	}
	o.Value, o.Limit = value, value
	same := 1
	for back := 1; back < v.Len() && same < p.Stuck; back++ {
		was, measured := v.Value(back, p.Quantity)
		if !measured {
			continue
		}
		if was != value {
			o.Truth = city.False
			return o
		}
		same++
	}
	if same >= p.Stuck {
		o.Truth = city.True
	}
	return o
}

func (p Implausible) jump(v *View) Outcome {
	o := Outcome{Quantity: p.Quantity, Limit: p.Jump}
	value, measured := v.Value(0, p.Quantity)
	if !measured {
		return o
	}
	for back := 1; back < v.Len(); back++ {
		if was, measured := v.Value(back, p.Quantity); measured {
			hours := math.Max(v.Before(back).Hours(), 1.0/60)
			o.Value = rounded((value - was) / hours)
			o.Truth = city.Known(math.Abs(o.Value) > p.Jump)
			return o
		}
	}
	return o
}
