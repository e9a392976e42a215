package mac

import (
	"math/bits"
	"time"
)

// maxChannels is how many channels a device can hold (RP section 2.2.2).
const maxChannels = 16

// setChannel puts a channel in and switches it on. Those which are not told their data rates
// have 0 to 5 (RP section 2.2.4).
func (p *parameters) setChannel(i int, hz uint32, minDR, maxDR uint8) {
	p.Up[i], p.Down[i], p.MinDR[i], p.MaxDR[i] = hz, 0, minDR, maxDR
	p.Mask |= 1 << i
}

// removeChannel takes one out.
func (p *parameters) removeChannel(i uint8) {
	p.Up[i], p.Down[i], p.MinDR[i], p.MaxDR[i] = 0, 0, 0, 0
	p.Mask &^= 1 << i
}

// hears tells whether the radio can be tuned to a frequency to listen.
func hears(hz uint32) bool { return 863e6 <= hz && hz <= 870e6 }

// defined gives the channels there are, as a mask.
func (p *parameters) defined() (mask uint16) {
	for i, hz := range p.Up {
		if hz != 0 {
			mask |= 1 << i
		}
	}
	return mask
}

// carries tells whether one of the channels of a mask has a data rate.
func (p *parameters) carries(mask uint16, dr uint8) bool {
	for m := mask; m != 0; m &= m - 1 {
		if i := bits.TrailingZeros16(m); p.MinDR[i] <= dr && dr <= p.MaxDR[i] {
			return true
		}
	}
	return false
}

// usable tells whether a channel that is switched on has a data rate.
func (p *parameters) usable(dr uint8) bool { return p.carries(p.Mask, dr) }

// choice is a channel a frame can go out on, and when.
type choice struct {
	channel uint8
	from    instant
}

// choose gives a channel for a frame that is on air for some time: at t, one at random of
// those on which the duty cycle allows it; if there is none, ok is false and the choice is
// the first to become free. With draw unset only that is asked for and no randomness used.
func (d *Device) choose(t instant, dr uint8, onAir time.Duration, joins, draw bool) (best choice, ok bool) {
	best.from = never
	p := &d.mem.P
	mask := p.Mask
	if joins { // on the three of the band only, RP section 2.2.2
		mask = 7
	}
	var free [maxChannels]uint8
	n := 0
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros16(m)
		if !joins && (dr < p.MinDR[i] || p.MaxDR[i] < dr) {
			continue
		}
		from := d.duty.from(t, p.Up[i], onAir)
		if from <= t {
			free[n] = uint8(i)
			n++
		}
		if from < best.from {
			best = choice{uint8(i), from}
		}
	}
	if n == 0 {
		return best, false
	}
	if draw {
		best = choice{free[d.rng.IntN(n)], t}
	}
	return best, true
}
