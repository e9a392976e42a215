package rules

import (
	"math"
	"math/bits"
	"time"

	"meldefunk/city"
)

// machine is where one level of a rule stands.
//
//	idle ──met──► pending ──enough──► open ──clear met──► clearing ──enough──► idle
//	  ▲              │                  ▲                     │
//	  └───broken─────┘                  └───────broken────────┘
type machine struct {
	phase  city.Phase
	opened int64 // since when the condition has held that opened it; while open or clearing

	// The run: of pending or clearing.
	since int64  // event time of its first reading, ns since 1970
	last  int64  // of its last one that told anything; see enough.brief
	count uint16 // readings that met the condition
	hits  uint8  // whether the last readings met it, newest in the lowest bit …
	seen  uint8  // … and how many of the bits count
}

// enough is how much of a condition is enough.
type enough struct {
	span     time.Duration
	readings int
	of       int // 0: in a row

	// brief goes with what holds by itself: the contrary breaks a run only by lasting so long,
	// and machine.last is when it began. 0: at once.
	brief time.Duration
}

// maxOf bounds enough.of: hits has a byte.
const maxOf = 8

// running tells whether a run is under way.
func (m *machine) running() bool {
	return m.phase == city.PhasePending || m.phase == city.PhaseClearing
}

// rest ends a run without an outcome.
func (m *machine) rest() {
	if m.phase == city.PhasePending {
		*m = machine{}
		return
	}
	*m = machine{phase: city.PhaseOpen, opened: m.opened}
}

// done ends a run with its outcome.
func (m *machine) done() {
	if m.phase == city.PhasePending {
		*m = machine{phase: city.PhaseOpen, opened: m.since}
		return
	}
	*m = machine{}
}

// see takes in what a reading says of the condition that the machine waits for: to open
// while it is idle or pending, to clear otherwise. A run breaks when the condition is not
// met too often, and when nothing was told for longer than gap.
func (m *machine) see(truth city.Truth, at int64, e enough, gap time.Duration) {
	if m.running() && gap > 0 && time.Duration(at-m.last) > gap {
		m.rest()
	}
	if m.running() && m.contrary(e) && truth != city.Unknown && time.Duration(at-m.last) >= e.brief {
		m.rest()
	}
	switch truth {
	case city.True:
		if !m.running() {
			m.phase++ // idle to pending, open to clearing
			m.since, m.count, m.hits, m.seen = at, 0, 0, 0
		}
		m.last = at
		if m.count < math.MaxUint16 {
			m.count++
		}
		m.note(1)
		if m.often(e) && time.Duration(at-m.since) >= e.span {
			m.done()
		}
	case city.False:
		if !m.running() || m.contrary(e) {
			return
		}
		m.last = at
		m.note(0)
		if e.brief > 0 {
			return
		}
		if e.of == 0 || m.misses(e.of) > e.of-e.readings {
			m.rest()
		}
	}
}

// due is when a run comes to its outcome if what was said last holds by itself until then; 0:
// there is none, or it waits for more readings.
func (m *machine) due(e enough) int64 {
	if !m.running() || !m.often(e) || m.contrary(e) {
		return 0
	}
	return m.since + int64(e.span)
}

func (m *machine) note(hit uint8) {
	m.hits = m.hits<<1 | hit
	if m.seen < maxOf {
		m.seen++
	}
}

// contrary tells whether the run goes on only because the contrary has not lasted yet.
func (m *machine) contrary(e enough) bool { return e.brief > 0 && m.hits&1 == 0 }

// often tells whether enough readings met the condition.
func (m *machine) often(e enough) bool {
	if e.of == 0 {
		return int(m.count) >= e.readings
	}
	return bits.OnesCount8(m.hits&mask(e.of)) >= e.readings
}

// misses is how many of the last readings of the run did not meet it.
func (m *machine) misses(of int) int {
	of = min(of, int(m.seen))
	return of - bits.OnesCount8(m.hits&mask(of))
}

func mask(n int) uint8 { return uint8(1<<n - 1) }

// wantedNow tells whether the level is open.
func (m *machine) wantedNow() bool { return m.phase == city.PhaseOpen || m.phase == city.PhaseClearing }

// changes are when a rule's case would have begun and ended, newest first; 0: none. They
// tell whether it flaps.
type changes [4]int64

// flapTime is the span in which so many changes as there is room for are too many.
const flapTime = 24 * time.Hour

func (c *changes) add(at int64) { c[3], c[2], c[1], c[0] = c[2], c[1], c[0], at }

// flapping tells whether there were too many changes before a time.
func (c *changes) flapping(at int64) bool {
	return c[3] != 0 && time.Duration(at-c[3]) <= flapTime
}

// forget drops what can no longer matter from a time on. What is left moves up: one that came
// late may be older than those behind it.
func (c *changes) forget(at int64) {
	was, left := *c, 0
	*c = changes{}
	for _, t := range was {
		if t != 0 && time.Duration(at-t) <= flapTime {
			c[left] = t
			left++
		}
	}
}
