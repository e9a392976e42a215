package rules

import (
	"time"

	"meldefunk/city"
)

// context is how many readings before the one at hand a signal can see. It is fixed, not
// "as many as there are", so that what is thought of a reading now and after a late one has
// come is the same.
const context = 8

// View is what a Signal sees: the reading at hand and up to 8 readings before it, in order
// of event time; or the members of a group.
type View struct {
	work   *work
	at     int // index in the ring of the reading at hand
	oldest int // of the oldest one in sight
	tally  *Tally
}

// Asset is whose readings they are; nil for a group.
func (v *View) Asset() *city.Asset {
	if v.work == nil {
		return nil
	}
	return v.work.asset
}

// Time is the event time of the reading at hand; zero: there is none.
func (v *View) Time() time.Time {
	if v.Len() == 0 {
		return time.Time{}
	}
	return when(v.work.ring[v.at].at)
}

// Len is how many readings are in sight, the one at hand included.
func (v *View) Len() int {
	if v.work == nil || len(v.work.ring) == 0 {
		return 0
	}
	return v.at - v.oldest + 1
}

// Before is how long before the reading at hand another one was; back is less than Len.
func (v *View) Before(back int) time.Duration {
	return time.Duration(v.work.ring[v.at].at - v.work.ring[v.at-back].at)
}

// Value gives a quantity of the reading at hand (back 0) or one before it, and whether it was
// measured; back is less than Len. Only what a Signal's Needs name is kept. Numbers with
// more digits than a short decimal has are rounded to seven.
func (v *View) Value(back int, q city.Quantity) (float64, bool) {
	if v.Len() <= back {
		return 0, false
	}
	slot := v.work.plan.slot[q]
	if slot == noSlot {
		return 0, false
	}
	s := &v.work.ring[v.at-back]
	if s.has&(1<<slot) == 0 {
		return 0, false
	}
	return s.values[slot], true
}

// Last gives the newest measured value of a quantity in sight, and how long before the
// reading at hand it was.
func (v *View) Last(q city.Quantity) (value float64, before time.Duration, measured bool) {
	for back := 0; back < v.Len(); back++ {
		if value, measured := v.Value(back, q); measured {
			return value, v.Before(back), true
		}
	}
	return 0, 0, false
}

// Faults lists the faults that a reading reports.
func (v *View) Faults(back int) []city.Fault {
	if v.Len() <= back {
		return nil
	}
	return faults(v.work.ring[v.at-back].faults)
}

// Has tells whether the reading at hand reports a fault.
func (v *View) Has(f city.Fault) bool {
	return v.Len() > 0 && v.work.ring[v.at].faults&faultBit(f) != 0
}

// Rate is how fast a quantity changes in an hour, by the readings in sight that are not
// older than a span (see Rate); false: too few to tell.
func (v *View) Rate(q city.Quantity, over time.Duration) (float64, bool) {
	o := Rate{Quantity: q, Over: over}.Eval(v)
	return o.Value, o.Truth != city.Unknown
}

// HoursTo is in how many hours a quantity will reach a limit if it goes on as it did (see
// Forecast): 0 if it is there, +Inf if it is not going there; false: too few readings to
// tell.
func (v *View) HoursTo(q city.Quantity, limit float64) (float64, bool) {
	value, measured := v.Value(0, q)
	if !measured {
		return 0, false
	}
	c := Condition{AtLeast, limit}
	if value > limit {
		c.Compare = AtMost
	}
	_, p := Forecast{Quantity: q, Condition: c, Within: time.Hour}.predict(v)
	return p.hours, p.made
}

// Period is how often the device of the reading at hand sends, declared or learned; false:
// no telling yet.
func (v *View) Period() (time.Duration, bool) {
	if v.Len() == 0 {
		return 0, false
	}
	p := v.work.period(v.at, v.oldest)
	return p, p > 0
}

// when is the time of nanoseconds since 1970, UTC. 0 is no time.
func when(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}
