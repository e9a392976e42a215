// Package quality is an experiment: it makes up bins, trees and parking bays whose truth is
// known, lets their readings go astray as radio does, and counts how often somebody who
// decides by these readings opens a case for nothing, or none where one was due.
//
// Beside whatever is put to the test it knows models of how three other products decide.
// They are models of one rule of each product, not the products.
package quality

import "time"

// Start is when the simulated time begins: a Friday in spring, so that trees want water.
var Start = time.Date(2026, time.May, 1, 0, 0, 0, 0, time.UTC)

// Subject is a sort of assets and the matter that is looked for. All that decide are asked
// the same: open when the value has been beyond Open for For, close when it has been beyond
// Clear for ClearFor.
type Subject struct {
	Name string

	Above    bool // the matter is a high value; false: a low one
	Open     float64
	For      time.Duration
	Clear    float64
	ClearFor time.Duration

	// Margin is how well the sensor measures, in the unit of the value. Nobody can be blamed for
	// what is decided by less.
	Margin float64

	noise  float64 // standard deviation of a measurement, in the unit of the value
	change bool    // the sensor also sends when its value changes
	live   func(l *life) []float32
}

// Subjects lists them. The figures are those of the shipped rules.
func Subjects() []Subject {
	return []Subject{
		{Name: "bins", Above: true, Open: 90, For: 30 * time.Minute, Clear: 50, ClearFor: 15 * time.Minute, Margin: 3, noise: 1.5, live: bin},
		{Name: "soil", Open: 30, For: 23 * time.Hour, Clear: 50, ClearFor: 6 * time.Hour, Margin: 3, noise: 1.2, live: soil},
		{Name: "parking", Above: true, Open: 1, For: 24 * time.Hour, Clear: 0, ClearFor: 15 * time.Minute, change: true, live: bay},
	}
}

// met tells whether a value is beyond the limit for opening, moved by so much towards the
// harder.
func (s *Subject) met(v, harder float64) bool {
	if s.Above {
		return v >= s.Open+harder
	}
	return v <= s.Open-harder
}

// over tells whether a value is beyond the limit for closing, moved likewise.
func (s *Subject) over(v, harder float64) bool {
	if s.Above {
		return v <= s.Clear-harder
	}
	return v >= s.Clear+harder
}

// Message is one reading on its way. All times count from Start.
type Message struct {
	At    time.Duration // when it was measured
	Heard time.Duration // when it came to us
	FCnt  uint32
	Value float64
}

// Span is from one time up to another.
type Span struct{ From, To time.Duration }

// Case is what a Decider wanted done. Closed is 0 while it is open.
type Case struct{ Opened, Closed time.Duration }

// Decider decides for one asset.
type Decider interface {
	// Hear tells of a message; Message.Heard never falls.
	Hear(m *Message)
	// Restart tells that we were down.
	Restart(down Span)
	// Pass tells that time has passed up to an instant.
	Pass(to time.Duration)
	// Cases lists all cases so far, in the order of their opening.
	Cases() []Case
}

// cases keeps the cases of a Decider.
type cases struct {
	list []Case
	open bool
}

func (c *cases) Cases() []Case { return c.list }

func (c *cases) begin(at time.Duration) {
	if !c.open {
		c.open, c.list = true, append(c.list, Case{Opened: at})
	}
}

func (c *cases) end(at time.Duration) {
	if c.open {
		c.open, c.list[len(c.list)-1].Closed = false, at
	}
}
