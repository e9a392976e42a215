package rules

import (
	"strconv"

	"meldefunk/city"
)

// Aggregate compares for how many members of a group the rule's Member is true, in number
// or in percent. Members of whom nothing is known count as that: it is true only where it
// would be true whatever they said, and likewise false. Area occupancy is an Aggregate of
// bays that are occupied.
type Aggregate struct {
	Percent   bool
	Condition Condition // of the share in percent, or of the number
	Least     int       // unknown with fewer members than this
}

// String writes it like "share >= 30 % of 5 members or more".
func (a Aggregate) String() string {
	text := "number " + a.Condition.Compare.String() + " " + number(a.Condition.Limit)
	if a.Percent {
		text = "share " + a.Condition.Compare.String() + " " + number(a.Condition.Limit) + " %"
	}
	if a.Least > 0 {
		text += " of " + strconv.Itoa(a.Least) + " members or more"
	}
	return text
}

// Needs nothing of readings: a group has none.
func (a Aggregate) Needs() Needs { return Needs{} }

// Limit is the share or number compared with.
func (a Aggregate) Limit() float64 { return a.Condition.Limit }

// WithLimit is the same with another limit.
func (a Aggregate) WithLimit(limit float64) Signal { a.Condition.Limit = limit; return a }

// Eval gives the share or number as its value, members of whom nothing is known counted as
// false.
func (a Aggregate) Eval(v *View) Outcome {
	o := Outcome{Limit: a.Condition.Limit}
	t := v.tally
	if t == nil || t.total() == 0 {
		return o
	}
	o.Value = a.figure(t.True, t.total())
	least, most := a.Condition.Met(o.Value), a.Condition.Met(a.figure(t.True+t.Unknown, t.total()))
	if t.total() >= a.Least && least == most {
		o.Truth = city.Known(least)
	}
	return o
}

func (a Aggregate) figure(n, of int) float64 {
	if a.Percent {
		return 100 * float64(n) / float64(of)
	}
	return float64(n)
}

// Explain tells how many.
func (a Aggregate) Explain(v *View) []city.Part {
	o := a.Eval(v)
	parts := []city.Part{{Text: a.String(), Value: number(rounded(o.Value)), Truth: o.Truth.String()}}
	if a.Percent {
		parts[0].Value += " %"
	}
	if t := v.tally; t != nil {
		parts = append(parts, city.Part{Text: "members", Value: strconv.Itoa(t.True) + " true, " +
			strconv.Itoa(t.False) + " false, " + strconv.Itoa(t.Unknown) + " unknown"})
	}
	return parts
}
