package mac

import (
	"time"

	"meldefunk/city/lorawan"
)

// The hour of the duty cycle is counted in slices. An hour touches at most hourSlices of
// them; one more holds the end of a frame that began in the slice before. Shorter slices
// would take more memory; with these a device that talks all it can gets six sevenths of
// its share.
const (
	slice      = 10 * time.Minute
	hourSlices = int64(time.Hour/slice) + 1
	keptSlices = hourSlices + 1
	bands      = 6
)

// whole is the allowance of an hour, as a number of equal parts. A frame's part is rounded
// up, so that rounding never allows too much.
const whole = 1<<16 - 1

// duty keeps to the share of time a sender may be on air, in each part of the band.
//
// Two rules hold at once. After a frame its sub-band is silent for a while, as LoRaWAN 1.0
// prescribed and most firmware still does; that spreads frames, but lets an hour have one
// too many. So the hour is counted as well: no frame begins that would bring any 60 minutes
// over the limit (EN 300 220-2 table B.1).
type duty struct {
	silent [bands]instant // until when, by sub-band
	quiet  instant        // until when in all of them: DutyCycleReq
	last   int64          // the newest slice, counted from 1970
	spent  [bands][keptSlices]uint16
}

// bandOf gives the number of the sub-band a frequency lies in; false if one must not send
// there.
func bandOf(hz uint32) (int, bool) {
	b, ok := eu868{}.SubBand(hz)
	if !ok {
		return 0, false
	}
	switch b.Name {
	case "K":
		return 0, true
	case "L":
		return 1, true
	case "M":
		return 2, true
	case "N":
		return 3, true
	case "P":
		return 4, true
	}
	return 5, true // Q
}

func part(onAir time.Duration, b lorawan.SubBand) uint32 {
	hour := int64(b.PerHour())
	return uint32((int64(onAir)*whole + hour - 1) / hour)
}

// from gives the first time from t on at which a frame may begin; never for one that is
// longer than an hour allows.
func (u *duty) from(t instant, hz uint32, onAir time.Duration) instant {
	band, ok := bandOf(hz)
	if !ok {
		return never
	}
	t = max(t, u.silent[band], u.quiet)
	b, _ := eu868{}.SubBand(hz)
	want := part(onAir, b)
	if want > whole {
		return never
	}
	n := int64(t) / int64(slice)
	for u.sum(band, n)+want > whole {
		n++
		t = instant(n * int64(slice))
	}
	return t
}

// sum gives what was spent in the hour that ends within slice n.
func (u *duty) sum(band int, n int64) (sum uint32) {
	for k := max(n-hourSlices+1, u.last-keptSlices+1); k <= u.last; k++ {
		sum += uint32(u.spent[band][k%keptSlices])
	}
	return sum
}

// add counts a frame. limit is what DutyCycleReq set: one part in two to the power of it.
func (u *duty) add(t instant, hz uint32, onAir time.Duration, limit uint8) {
	band, _ := bandOf(hz)
	b, _ := eu868{}.SubBand(hz)
	end := t.add(onAir)
	u.silent[band] = end.add(b.Pause(onAir))
	u.quiet = end.add(onAir * (1<<limit - 1))
	first, last := int64(t)/int64(slice), int64(end)/int64(slice)
	for n := first; n <= last; n++ { // a frame over a border counts on both sides of it
		u.advance(n)
		u.spent[band][n%keptSlices] += uint16(part(onAir, b))
	}
}

// advance begins slice n, if it is new, and forgets those that are older than an hour.
func (u *duty) advance(n int64) {
	for k := max(u.last+1, n-keptSlices+1); k <= n; k++ {
		for band := range u.spent {
			u.spent[band][k%keptSlices] = 0
		}
	}
	u.last = max(u.last, n)
}
