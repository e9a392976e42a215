package rules

import (
	"fmt"
	"math"
	"time"

	"meldefunk/city"
)

// Silence is true when a device of the asset has not been heard for so many of its periods,
// and for so long. Time in which we could not have heard it does not count. Unknown while
// a device's period is neither declared nor learned, unless AtLeast alone decides.
type Silence struct {
	// Periods is how many; 0: as many as bring the chance that a healthy device loses all of
	// them down to one in a thousand, by the share of frames it loses otherwise.
	Periods float64
	AtLeast time.Duration // and at least so long; where no period is known this alone
}

// String writes it like "silent for 3 periods, 24h at least".
func (s Silence) String() string {
	text := "silent for " + number(s.Periods) + " periods"
	if s.Periods == 0 {
		text = "silent"
	}
	if s.AtLeast > 0 {
		text += ", " + lasting(s.AtLeast) + " at least"
	}
	return text
}

// Needs nothing of what was measured.
func (s Silence) Needs() Needs { return Needs{Period: true} }

// Limit is the number of periods.
func (s Silence) Limit() float64 { return s.Periods }

// WithLimit is the same for another number of periods.
func (s Silence) WithLimit(limit float64) Signal { s.Periods = limit; return s }

// Eval gives the hours of silence as its value.
func (s Silence) Eval(v *View) Outcome {
	o, _ := s.judge(v)
	return o
}

// chance is how seldom a healthy device may seem silent.
const chance = 0.001

// allowed is how long a device may be silent; 0: no telling.
func (s Silence) allowed(h *heard) time.Duration {
	k := s.Periods
	if k == 0 {
		k = math.Max(3, math.Ceil(math.Log(chance)/math.Log(h.loss)))
	}
	return max(time.Duration(k*float64(h.period)), s.AtLeast)
}

// judge finds the device that is over its time by most.
func (s Silence) judge(v *View) (Outcome, *heard) {
	o := Outcome{}
	var worst *heard
	over := time.Duration(math.MinInt64)
	for i := range v.work.heard {
		h := &v.work.heard[i]
		allowed := s.allowed(h)
		if allowed <= 0 || h.last == 0 || h.absent {
			continue
		}
		silent := h.silent(v.work.now)
		if silent-allowed > over {
			over, worst = silent-allowed, h
			o.Value, o.Limit = rounded(silent.Hours()), rounded(allowed.Hours())
		}
	}
	if worst != nil {
		o.Truth = city.Known(over > 0)
	}
	return o, worst
}

// Explain tells which device, since when, and how often it should send.
func (s Silence) Explain(v *View) []city.Part {
	o, h := s.judge(v)
	parts := []city.Part{{Text: s.String(), Value: "unknown", Truth: o.Truth.String()}}
	if h == nil {
		return parts
	}
	parts[0].Value = fmt.Sprintf("%s h of %s h", number(o.Value), number(o.Limit))
	return append(parts,
		city.Part{Text: "device", Value: h.eui.String()},
		city.Part{Text: "last heard", Value: when(h.last).UTC().Format(time.RFC3339)},
		city.Part{Text: "period", Value: lasting(h.period.Truncate(time.Second))},
		city.Part{Text: "we were deaf", Value: lasting(h.deaf.Truncate(time.Second))})
}
