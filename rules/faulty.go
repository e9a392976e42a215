package rules

import (
	"slices"
	"strings"

	"meldefunk/city"
)

// Faulty is true when a reading reports one of some faults, and false when it reports none
// of them.
type Faulty struct {
	Faults []city.Fault // empty: any
}

// String writes it like "fault no_echo or probe_broken".
func (f Faulty) String() string {
	if len(f.Faults) == 0 {
		return "any fault"
	}
	names := make([]string, len(f.Faults))
	for i, x := range f.Faults {
		names[i] = string(x)
	}
	return "fault " + strings.Join(names, " or ")
}

// Needs is the faults of readings.
func (f Faulty) Needs() Needs { return Needs{Faults: true} }

// Eval gives how many of the faults are reported as its value.
func (f Faulty) Eval(v *View) Outcome {
	o := Outcome{Limit: 1}
	for _, x := range v.Faults(0) {
		if len(f.Faults) == 0 || slices.Contains(f.Faults, x) {
			o.Value++
		}
	}
	o.Truth = city.Known(o.Value > 0)
	return o
}

// Explain tells the faults.
func (f Faulty) Explain(v *View) []city.Part {
	p := city.Part{Text: f.String(), Value: "none", Truth: f.Eval(v).Truth.String()}
	if all := v.Faults(0); len(all) > 0 {
		p.Value = Faulty{all}.String()
	}
	return []city.Part{p}
}
