package rules

import (
	"time"

	"meldefunk/city"
)

// work is a mind unpacked, to be thought over. It is used again for the next.
type work struct {
	plan  *plan
	asset *city.Asset
	now   int64 // our clock
	ring  []sample
	heard []heard
}

// sample is what is kept of a reading.
type sample struct {
	at     int64 // event time, ns since 1970
	fcnt   uint32
	epoch  uint32
	dev    uint8 // index in heard
	faults uint32
	has    uint32 // bit for each slot measured
	values [maxSlots]float64
}

// heard is what is known of a device.
type heard struct {
	eui    city.EUI
	last   int64         // event time of its newest reading, ns since 1970
	period time.Duration // 0: not known
	deaf   time.Duration // in which we could not hear it, since last
	loss   float64       // share of its frames that do not arrive
}

// silent is how long it could have been heard, and was not.
func (h *heard) silent(now int64) time.Duration { return time.Duration(now-h.last) - h.deaf }

func (w *work) period(at int) time.Duration { return w.heard[w.ring[at].dev].period }
