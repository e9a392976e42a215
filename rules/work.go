package rules

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"time"

	"meldefunk/city"
)

const (
	// reach is how many of the newest readings of an asset are thought anew when a late one
	// comes among them.
	reach = 8
	// ringSize is how many are kept: as many before those as signals can see.
	ringSize = reach + context
	// maxHeard bounds the devices of one asset that are remembered.
	maxHeard = 8
)

// work is a mind unpacked, to be thought over. It is used again for the next.
type work struct {
	plan  *plan
	asset *city.Asset
	now   int64 // our clock

	ring    []sample // in order of event time
	based   int      // how many of them, from the oldest, the base has taken in
	heard   []heard  // in order of EUI
	gateway string   // of the newest reading, where the plan wants it

	base, current               []machine // after the first based samples; after all
	baseChanges, currentChanges []changes // by rule
	until                       int64     // up to when time has been let pass for what holds; 0: not beyond the newest sample
	published                   []published

	holds  *mind  // the mind that this is, unpacked; nil: none
	source []byte // its bytes
	bytes  []byte // room to encode in

	view    View
	tracing bool
	trace   []trace      // by rule: what happened in this step
	was     []city.Phase // by rule: before this step
}

// sample is what is kept of a reading.
type sample struct {
	at     int64 // event time, ns since 1970
	epoch  uint32
	fcnt   uint32
	faults uint32
	has    uint32 // bit for each slot measured
	dev    uint8  // index in heard
	values [maxSlots]float64

	// Where it stands in the work's source, behind the sample before it; 0: it does not. What
	// still stands behind the same sample need not be encoded again.
	from, to uint16
}

// heard is what is known of a device.
type heard struct {
	eui     city.EUI
	last    int64         // event time of its newest reading, ns since 1970
	learned time.Duration // how often it sent when it was last in sight; 0: no telling

	// Of this step only.
	declared time.Duration // how often it should send; 0: nobody says so
	absent   bool          // hangs on the asset no more
	// And only where a rule is about silence.
	sends  time.Duration // how often it does by what is in the ring, where nothing is declared; 0: no telling
	period time.Duration // declared or learned, for the rule at hand; 0: not known
	deaf   time.Duration // in which we could not hear it, since last
	loss   float64       // share of its frames that do not arrive
}

// silent is how long it could have been heard, and was not.
func (h *heard) silent(now int64) time.Duration { return time.Duration(now-h.last) - h.deaf }

// published is what the road was told about a rule.
type published struct {
	open     bool
	orphan   bool // late readings have shown that it should not be; it stays until it clears
	severity city.Grade
	since    int64
	decided  int64 // by our clock
	muted    string
	flapping bool
	shared   city.Truth // what the group was told
	group    string     // which group
}

func (p *published) idle() bool { return *p == published{} }

// trace is the last thing that happened to a rule in a step.
type trace struct {
	sample int // index in the ring of the reading at hand
	at     int64
	closed int64 // when its case last ended; 0: it did not
	began  int64 // since when clear had held then
}

// reset makes room for a plan, with nothing in it.
func (w *work) reset(p *plan) {
	w.plan, w.asset, w.now, w.based, w.gateway, w.until = p, nil, 0, 0, "", 0
	w.tracing, w.source, w.holds = false, nil, nil
	w.ring, w.heard = w.ring[:0], w.heard[:0]
	w.resize(&p.layout)
	w.trace, w.was = clean(w.trace, len(p.rules)), clean(w.was, len(p.rules))
}

// again makes the work ready for another step from the mind that it holds.
func (w *work) again() {
	w.tracing = false
	clear(w.trace)
	for i := range w.heard {
		h := &w.heard[i]
		w.heard[i] = heard{eui: h.eui, last: h.last, learned: h.learned}
	}
}

func (w *work) resize(l *layout) {
	w.base, w.current = clean(w.base, l.machines), clean(w.current, l.machines)
	w.baseChanges, w.currentChanges = clean(w.baseChanges, len(l.refs)), clean(w.currentChanges, len(l.refs))
	w.published = clean(w.published, len(l.refs))
}

// clean is a slice of n zeros, in the same room if it is large enough.
func clean[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// device finds a device, or makes a place for it; -1: there is no room.
func (w *work) device(eui city.EUI) int {
	i, found := slices.BinarySearchFunc(w.heard, eui, func(h heard, eui city.EUI) int { return bytes.Compare(h.eui[:], eui[:]) })
	if found {
		return i
	}
	if len(w.heard) == maxHeard && !w.forget() {
		return -1
	}
	i, _ = slices.BinarySearchFunc(w.heard, eui, func(h heard, eui city.EUI) int { return bytes.Compare(h.eui[:], eui[:]) })
	w.heard = slices.Insert(w.heard, i, heard{eui: eui})
	for j := range w.ring {
		if int(w.ring[j].dev) >= i {
			w.ring[j].dev++
		}
		w.ring[j].to = 0
	}
	return i
}

// forget drops the device that was heard longest ago, of those that are not in the ring.
func (w *work) forget() bool {
	oldest := -1
	for i := range w.heard {
		if !w.inRing(i) && (oldest < 0 || w.heard[i].last < w.heard[oldest].last) {
			oldest = i
		}
	}
	if oldest >= 0 {
		w.remove(oldest)
	}
	return oldest >= 0
}

// remove drops a device that is not in the ring.
func (w *work) remove(dev int) {
	w.heard = slices.Delete(w.heard, dev, dev+1)
	for j := range w.ring {
		if int(w.ring[j].dev) > dev {
			w.ring[j].dev--
		}
		w.ring[j].to = 0
	}
}

func (w *work) inRing(dev int) bool {
	for i := range w.ring {
		if int(w.ring[i].dev) == dev {
			return true
		}
	}
	return false
}

// compare orders samples: by event time, then by what a frame is.
func (w *work) compare(a, b *sample) int {
	if c := cmp.Compare(a.at, b.at); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(a.dev, b.dev), cmp.Compare(a.epoch, b.epoch), cmp.Compare(a.fcnt, b.fcnt))
}

// take makes a sample of a reading.
func (w *work) take(r *city.Reading, dev int) sample {
	s := sample{at: r.Time.At.UnixNano(), epoch: r.Epoch, fcnt: r.FCnt, dev: uint8(dev)}
	for i := range r.Values {
		v := &r.Values[i]
		slot := w.plan.slot[v.Quantity]
		if slot == noSlot || math.IsNaN(v.Number) || math.IsInf(v.Number, 0) {
			continue
		}
		s.has |= 1 << slot
		s.values[slot] = kept(v.Number)
	}
	if w.plan.faults {
		for _, f := range r.Faults {
			s.faults |= faultBit(f)
		}
	}
	return s
}

// period is how often the device of a sample sends, as it is declared or as far as the
// samples from oldest on tell; 0: no telling.
func (w *work) period(at, oldest int) time.Duration {
	if h := &w.heard[w.ring[at].dev]; h.declared > 0 {
		return h.declared
	}
	var steps [ringSize]float64
	return middle(w.steps(&steps, max(0, oldest), at))
}

// steps gives the times between frames of the device of a sample, in seconds, divided by
// how many frames it had sent, in the samples from oldest to at.
func (w *work) steps(into *[ringSize]float64, oldest, at int) []float64 {
	n := 0
	dev := w.ring[at].dev
	newer := -1
	for i := at; i >= oldest; i-- {
		s := &w.ring[i]
		if s.dev != dev {
			continue
		}
		if newer >= 0 {
			t := &w.ring[newer]
			if t.epoch == s.epoch && t.fcnt > s.fcnt && t.at > s.at {
				into[n] = time.Duration(t.at-s.at).Seconds() / float64(t.fcnt-s.fcnt)
				n++
			}
		}
		newer = i
	}
	return into[:n]
}

// middle is the median of some seconds; 0: there are none.
func middle(seconds []float64) time.Duration {
	return time.Duration(median(seconds) * float64(time.Second))
}

// most is what nine in ten of some seconds do not exceed, for as few as fit in the ring: the
// longest but one, or the longest where they are less than ten; 0: there are none.
func most(seconds []float64) time.Duration {
	var longest, next float64
	for _, s := range seconds {
		if s > longest {
			longest, next = s, longest
		} else if s > next {
			next = s
		}
	}
	if len(seconds) < 10 {
		next = longest
	}
	return time.Duration(next * float64(time.Second))
}
