package pipeline

import (
	"math"
	"slices"
	"time"

	"meldefunk/city"
)

// occupancy adds to a reading since when its bay has been occupied or free, and, where it
// shows a change, how long the state before lasted. was is what earlier readings have
// shown, nil: nothing. It gives what is known now.
//
// Devices that count such a duration themselves report it as PreviousDuration. Neither
// takes the place of the other: the device sees changes whose frames were lost, but counts
// in its own steps, and bays with devices of different makes must stay comparable.
func occupancy(was *city.Occupancy, r *city.Reading) *city.Occupancy {
	number, told := r.Value(city.Occupied)
	if !told {
		return was
	}
	now := was
	values := slices.Clip(r.Values) // its array may be shared
	if occupied := number != 0; was == nil || was.Occupied != occupied {
		now = &city.Occupancy{Occupied: occupied, Since: r.Time.At, Began: was != nil}
		// Without a beginning that was seen there is no duration.
		if was != nil && was.Began && r.Time.At.After(was.Since) {
			lasted := r.Time.At.Sub(was.Since).Truncate(1e9).Minutes()
			values = append(values, city.Value{Quantity: city.FormerDuration, Number: lasted})
		}
	}
	values = append(values, city.Value{Quantity: city.OccupiedSince, Number: seconds(now.Since)})
	r.Values = values
	return now
}

// withoutOccupancy gives values without what occupancy adds.
func withoutOccupancy(values []city.Value) []city.Value {
	added := func(v city.Value) bool {
		return v.Quantity == city.OccupiedSince || v.Quantity == city.FormerDuration
	}
	if !slices.ContainsFunc(values, added) {
		return values
	}
	return slices.DeleteFunc(slices.Clone(values), added)
}

// moves are the readings of a burst that were committed before and get other event times, in
// order of their counters: what they say of occupancy refers to these times.
type moves struct {
	times []move
	since float64 // of the reading before, as it was
}

// move is a reading's event time before and after.
type move struct{ from, to time.Time }

// occupancy corrects what a reading, which had another event time, says of its bay.
// FormerDuration, of whole seconds, may be one second off.
func (m *moves) occupancy(r *city.Reading, was time.Time) {
	m.times = append(m.times, move{was, r.Time.At})
	since, told := r.Value(city.OccupiedSince)
	if !told {
		return
	}
	lasted := m.by(since) - m.by(m.since)
	r.Values = slices.Clone(r.Values)
	for i := range r.Values {
		switch v := &r.Values[i]; v.Quantity {
		case city.OccupiedSince:
			v.Number = seconds(m.to(since))
		case city.FormerDuration:
			v.Number += lasted.Truncate(time.Second).Minutes()
		}
	}
	m.since = since
}

// to gives the new time of what was at a time, told in seconds.
func (m *moves) to(since float64) time.Time {
	for _, move := range m.times {
		if seconds(move.from) == since {
			return move.to
		}
	}
	return time.UnixMilli(int64(math.Round(since * 1000)))
}

// by is how far that is away.
func (m *moves) by(since float64) time.Duration {
	return m.to(since).Sub(time.UnixMilli(int64(math.Round(since * 1000)))).Round(time.Millisecond)
}

// seconds is how OccupiedSince tells a time.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
