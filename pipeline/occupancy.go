package pipeline

import (
	"slices"

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
	values = append(values, city.Value{Quantity: city.OccupiedSince, Number: float64(now.Since.UnixMilli()) / 1000})
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
