package sim

import (
	"math"
	"time"

	"meldefunk/city"
)

// patient is a device that faults of a plan strike: what it measures in place of what a
// healthy sensor would.
type patient struct {
	plan    *faultPlan
	id      city.EUI
	faults  []int
	frozen  []city.Value // what a stuck sensor repeats
	froze   time.Time    // beginning of the strike that frozen belongs to
	stuckIn int          // and the number of its fault
}

// newPatient of a device; nil when it is healthy for the whole play.
func (p *faultPlan) newPatient(id city.EUI) *patient {
	if p == nil || len(p.devices[id]) == 0 {
		return nil
	}
	return &patient{plan: p, id: id, faults: p.devices[id], stuckIn: -1}
}

// theftTakes is how long a stolen device is still heard. Assumed.
const theftTakes = 20 * time.Minute

// silent tells whether the device says nothing at t: dead, carried away, or mute.
func (d *patient) silent(t time.Time) bool {
	if d == nil {
		return false
	}
	for _, kind := range [...]FaultKind{FaultSilence, FaultDeath} {
		if _, now := d.plan.device(kind, d.id, t); now {
			return true
		}
	}
	s, now := d.plan.device(FaultTheft, d.id, t)
	return now && t.Sub(s.from) >= theftTakes
}

// blind tells whether the device has nothing to measure with at t.
func (d *patient) blind(t time.Time) bool {
	if d == nil {
		return false
	}
	_, now := d.plan.device(FaultBlind, d.id, t)
	return now
}

// clockError is by how much the device's own clock is ahead at t; negative: behind.
func (d *patient) clockError(t time.Time) time.Duration {
	if d == nil {
		return 0
	}
	s, now := d.plan.device(FaultClock, d.id, t)
	if !now {
		return 0
	}
	return time.Duration(s.Size * float64(time.Second))
}

// feel changes what a healthy sensor measures at t, in place, and appends to told what did
// it. The first value is the one that faults are about: distance, moisture, occupancy. It
// stays within the range of its quantity, so that an Encoder takes it.
func (d *patient) feel(t time.Time, values []city.Value, told []FaultKind) ([]city.Value, []FaultKind) {
	if d == nil || len(values) == 0 {
		return values, told
	}
	for _, number := range d.faults {
		s, now := d.plan.at(number, t)
		if !now || !d.plan.hits(s, d.id, t) {
			continue
		}
		v := &values[0]
		before := v.Number
		switch s.Kind {
		case FaultStuck:
			if d.stuckIn != number || !d.froze.Equal(s.from) {
				d.stuckIn, d.froze = number, s.from
				d.frozen = append(d.frozen[:0], values...)
			}
			values = append(values[:0], d.frozen...)
			told = append(told, s.Kind)
			continue
		case FaultNoise:
			d.scatter(v, s, t)
		case FaultSpike:
			d.spike(v, s, t)
		case FaultDrift:
			if !v.Quantity.Boolean() {
				v.Number += s.Size * t.Sub(s.from).Hours() / 24
			}
		case FaultTheft:
			d.steal(values, s, t)
			told = append(told, s.Kind)
			continue
		default:
			continue
		}
		low, high := v.Quantity.Range()
		if v.Number = round(clamp(v.Number, low, high), 100); v.Number != before {
			told = append(told, s.Kind)
		}
	}
	return values, told
}

func (d *patient) scatter(v *city.Value, s strike, t time.Time) {
	seed := d.plan.seed + uint64(s.number) + euiNumber(d.id)
	if v.Quantity.Boolean() {
		if lot(seed, lotNoise, uint64(t.UnixNano())) < s.Size {
			v.Number = 1 - v.Number
		}
		return
	}
	v.Number += s.Size * noise(seed, t, 0)
}

func (d *patient) spike(v *city.Value, s strike, t time.Time) {
	switch {
	case v.Quantity.Boolean():
		v.Number = 1 - v.Number
	case lot(d.plan.seed+uint64(s.number), lotNoise, euiNumber(d.id)^uint64(t.UnixNano())) < 0.5:
		v.Number -= s.Size
	default:
		v.Number += s.Size
	}
}

// steal lets the device hang askew and see whatever passes by.
func (d *patient) steal(values []city.Value, s strike, t time.Time) {
	for i := range values {
		switch values[i].Quantity {
		case city.Tilt:
			values[i].Number = 1
		case city.Distance:
			away := lot(d.plan.seed+uint64(s.number), lotNoise, euiNumber(d.id)^uint64(t.UnixNano()))
			values[i].Number = math.Round(mix(300, 3000, away))
		case city.SoilMoisture, city.Occupied:
			values[i].Number = 0
		}
	}
}
