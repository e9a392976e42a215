package decoders

import (
	"slices"
	"time"

	"meldefunk/city"
)

// Calibrate makes of what a device measured what is true at its asset: offsets first, then
// fill level, water level, usable field capacity and soil tension. What must be calibrated
// depends on the asset, because the same sensor hangs over bins and over water; kind is what
// the device's model is made for, where the asset does not say. Decode has done it already; it
// is for what was decoded elsewhere.
func Calibrate(kind city.Kind, a *city.Asset, r *city.Reading) {
	if a != nil && a.Kind != city.KindUnknown {
		kind = a.Kind
	}
	if a != nil && a.Offsets != nil {
		addOffsets(a.Offsets.Values, r)
	}
	putFillLevel(kind == city.Bin, a, r)
	putWaterLevel(a, r)
	putFieldCapacity(a, r)
	putSoilTension(r)
}

// Told lists what readings of an asset say whose device measures these quantities: they, and
// what Calibrate makes of them. kind is as there.
func Told(kind city.Kind, a *city.Asset, measured []city.Quantity) []city.Quantity {
	var r city.Reading
	for _, q := range measured {
		least, _ := q.Range() // nothing far away: a water level is what is left of a distance
		r.Values = append(r.Values, city.Value{Quantity: q, Number: least})
	}
	if a != nil {
		bare := *a
		bare.Offsets = nil // they change values and add none
		a = &bare
	}
	Calibrate(kind, a, &r)
	all := make([]city.Quantity, len(r.Values))
	for i, v := range r.Values {
		all[i] = v.Quantity
	}
	return all
}

// addOffsets corrects measured values. One that leaves the physical range is a fault.
func addOffsets(offsets []city.Value, r *city.Reading) {
	for _, offset := range offsets {
		i := slices.IndexFunc(r.Values, func(v city.Value) bool { return v.Quantity == offset.Quantity })
		if i < 0 || offset.Quantity.Boolean() {
			continue
		}
		if n := r.Values[i].Number + offset.Number; possible(offset.Quantity, n) {
			r.Values[i].Number = n
		} else {
			r.Values = slices.Delete(r.Values, i, i+1)
			fault(r, city.FaultImplausible)
		}
	}
}

// clockTolerance is how far a device's clock may be ahead of the network's. Devices are set
// by the network to within seconds and drift by minutes in a year.
const clockTolerance = time.Hour

// finishHistory calibrates the records and drops those of the future.
func finishHistory(m *model, a *city.Asset, now time.Time, r *city.Reading) {
	kept := 0
	for i := range r.History {
		past := &r.History[i]
		if !now.IsZero() && past.Time.After(now.Add(clockTolerance)) {
			fault(r, city.FaultClock)
			continue
		}
		present, faults := r.Values, r.Faults
		r.Values, r.Faults = past.Values, past.Faults
		Calibrate(m.kind, a, r)
		past.Values, past.Faults = r.Values, r.Faults
		r.Values, r.Faults = present, faults
		if kept < i {
			r.History[kept] = *past
		}
		kept++
	}
	r.History = r.History[:kept]
}
