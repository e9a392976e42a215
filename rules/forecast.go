package rules

import (
	"math"
	"time"

	"meldefunk/city"
)

// Reliability is how far a forecast can be trusted.
type Reliability uint8

// The reliabilities.
const (
	Low    Reliability = iota // three values or more on a line that leads there
	Medium                    // five values or more, that stray by a quarter of the way at most
	High                      // seven values or more, that stray by a tenth of the way at most, over a third of the span looked ahead or more
)

var reliabilityNames = [...]string{"low", "medium", "high"}

func (r Reliability) String() string {
	if int(r) < len(reliabilityNames) {
		return reliabilityNames[r]
	}
	return "unknown"
}

// Forecast is true when a quantity will meet a condition within a span if it goes on as it
// did, and when it meets it already. It goes by the line through the last 9 readings at
// most, from the last jump on: an emptied bin begins anew. Unknown with fewer than three
// values, and where the forecast is less reliable than wanted.
type Forecast struct {
	Quantity  city.Quantity
	Condition Condition     // what will be met
	Within    time.Duration // more than 0
	Reliable  Reliability   // at least
}

// String writes it like "fill_level >= 100 % within 12h, reliability low".
func (f Forecast) String() string {
	return f.Quantity.String() + " " + f.Condition.In(f.Quantity) + " within " + lasting(f.Within) + ", reliability " + f.Reliable.String()
}

// Needs is the quantity.
func (f Forecast) Needs() Needs {
	return Needs{Quantities: []city.Quantity{f.Quantity}, Span: f.Within}
}

// Limit is what will be reached.
func (f Forecast) Limit() float64 { return f.Condition.Limit }

// WithLimit is the same with another limit.
func (f Forecast) WithLimit(limit float64) Signal { f.Condition.Limit = limit; return f }

// Eval gives as its value what the quantity will be at the end of the span.
func (f Forecast) Eval(v *View) Outcome {
	o, _ := f.predict(v)
	return o
}

// prediction is what a forecast says beside its truth.
type prediction struct {
	made     bool
	hours    float64 // until the condition is met; +Inf: never
	slope    float64 // per hour
	reliable Reliability
	n        int
}

func (f Forecast) predict(v *View) (Outcome, prediction) {
	o := Outcome{Quantity: f.Quantity, Limit: f.Condition.Limit}
	p := prediction{hours: math.Inf(1)}
	value, measured := v.Value(0, f.Quantity)
	if !measured {
		return o, p
	}
	if f.Condition.Met(value) {
		o.Value, o.Truth = value, city.True
		return o, prediction{made: true, reliable: High, n: 1}
	}
	var l line
	l.gather(v, f.Quantity, math.MaxInt64)
	l.sinceJump(f.Condition.Compare.upward())
	if p.n = l.n; l.n < 3 {
		return o, p
	}
	p.made = true
	p.slope = l.slope()
	level := l.level(p.slope)
	o.Value = level + p.slope*f.Within.Hours()
	way := f.Condition.Limit - level
	if way*p.slope > 0 {
		p.hours = way / p.slope
	}
	// What strays counts against what was gone so far: a flat line says just as reliably that
	// nothing will happen as a steep one that it will.
	gone := math.Max(math.Abs(p.slope)*l.span().Hours(), math.Abs(way)/4)
	stray := l.spread(p.slope, level)
	switch {
	case l.n >= 7 && stray <= gone/10 && 3*l.span() >= f.Within:
		p.reliable = High
	case l.n >= 5 && stray <= gone/4:
		p.reliable = Medium
	}
	if p.reliable >= f.Reliable {
		o.Truth = city.Known(p.hours <= f.Within.Hours())
	}
	return o, p
}

// sinceJump forgets what was before the quantity last jumped away from where it is going, by
// more than half of the range it has covered: the bin was emptied, the tree watered.
func (l *line) sinceJump(upward bool) {
	lowest, highest := math.Inf(1), math.Inf(-1)
	for _, v := range l.value[:l.n] {
		lowest, highest = math.Min(lowest, v), math.Max(highest, v)
	}
	for i := 0; i+1 < l.n; i++ {
		back := l.value[i+1] - l.value[i]
		if !upward {
			back = -back
		}
		if back > (highest-lowest)/2 {
			l.n = i + 1
			return
		}
	}
}

// Explain tells the rate, the time left and the reliability.
func (f Forecast) Explain(v *View) []city.Part {
	o, p := f.predict(v)
	parts := []city.Part{part(f, o)}
	if !p.made {
		return parts
	}
	left := "never"
	if !math.IsInf(p.hours, 1) {
		left = lasting(time.Duration(math.Min(p.hours, longest.Hours()) * float64(time.Hour)).Truncate(time.Minute))
	}
	return append(parts,
		city.Part{Text: "rate of " + f.Quantity.String(), Value: amount(rounded(p.slope), f.Quantity) + "/h"},
		city.Part{Text: "time left", Value: left},
		city.Part{Text: "reliability", Value: p.reliable.String()})
}
