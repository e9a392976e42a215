// Package rules says when a reading is somebody's business. A rule has a condition that
// opens a case, another one that closes it again, and says for how long and how often
// each must have held; all of it in event time.
//
// It does not know where readings come from, what a ticket system is, where standings
// are kept, or what time it is now: silence neither opens nor closes anything here.
package rules

import (
	"time"

	"meldefunk/city"
)

// Rule is one rule as it was read from a file.
type Rule struct {
	ID       string    // lower-case letters, digits and hyphens: "bin-full"
	Kind     city.Kind // of the assets it looks at
	Quantity city.Quantity

	Open     Condition     // a case is wanted when this has held …
	For      time.Duration // … for at least this span between the first and the last reading
	Readings uint32        // … on at least so many readings in a row, 1 or more

	Clear         Condition // an open case is no longer wanted when this has held …
	ClearFor      time.Duration
	ClearReadings uint32

	Service string // ticket category: upper-case letters, digits and hyphens
	Title   string // words for the ticket: what is the matter
	Advice  string // words for the ticket: what to do; may be empty
}

// Set is a set of rules that fit together. It does not change: a reload makes a new one.
type Set struct {
	rules  []Rule
	byKind map[city.Kind][]Rule
}

// newSet puts rules in the order of their file behind the kinds they look at.
func newSet(rules []Rule) *Set {
	s := &Set{rules: rules, byKind: make(map[city.Kind][]Rule)}
	for _, r := range rules {
		s.byKind[r.Kind] = append(s.byKind[r.Kind], r)
	}
	return s
}

// Rules lists the rules in the order of their file. The caller may keep and change the
// slice.
func (s *Set) Rules() []Rule { return append([]Rule(nil), s.rules...) }

// measures lists what can be measured at assets of a kind: what a rule for them may look
// at. The health of a device can be measured everywhere.
func measures(k city.Kind) []city.Quantity {
	var own []city.Quantity
	switch k {
	case city.Bin:
		own = []city.Quantity{city.FillLevel, city.Distance, city.Tilt}
	case city.Soil:
		own = []city.Quantity{city.SoilMoisture, city.SoilTemperature, city.Conductivity}
	case city.Parking:
		own = []city.Quantity{city.Occupied}
	default:
		return nil
	}
	return append(own, city.Temperature, city.BatteryVoltage, city.BatteryLevel)
}
