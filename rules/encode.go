package rules

import (
	"encoding/binary"
	"time"

	"meldefunk/city"
)

// An encoded mind is what is kept of an asset in memory, and, behind a table of names, what
// is stored. All numbers are varints, times of the ring as differences to the sample
// before, values only where they differ from those before, and rules that are idle not at
// all: a bin with three quantities takes about 200 bytes.

// bits of a sample's head: what differs from the sample before.
const (
	sampleDevice  = 1 << iota
	sampleEpoch   // the same otherwise
	sampleFCnt    // one more otherwise
	sampleFaults  // the same otherwise
	sampleHas     // the same otherwise
	sampleChanged // no value otherwise
)

// encode appends a mind, with the rules and machines as they stand in a layout. place gives
// for each of the work's rules its index in the layout, -1: not in it; nil: the same.
func (w *work) encode(b []byte, place []int) []byte {
	b = binary.AppendUvarint(b, uint64(len(w.heard)))
	for i := range w.heard {
		h := &w.heard[i]
		b = append(b, h.eui[:]...)
		b = binary.AppendUvarint(b, uint64(h.learned/time.Second))
	}
	b = binary.AppendUvarint(b, uint64(len(w.ring)))
	b = binary.AppendUvarint(b, uint64(w.based))
	b = w.encodeRing(b)
	var newest [maxHeard]int64
	for i := range w.ring {
		newest[w.ring[i].dev] = max(newest[w.ring[i].dev], w.ring[i].at)
	}
	for i := range w.heard { // mostly the newest in the ring, so 0
		b = binary.AppendVarint(b, w.heard[i].last-newest[i])
	}
	origin := w.origin()
	b = w.encodeStates(b, place, w.base, w.baseChanges, origin)
	b = w.encodeStates(b, place, w.current, w.currentChanges, origin)
	b = appendTime(b, w.until, origin)
	b = appendText(b, w.gateway)
	return w.encodePublished(b, place, origin)
}

// encodeRing appends the samples, and notes where each of them is from now on. Those that
// follow each other as they did in the source are copied from it.
func (w *work) encodeRing(b []byte) []byte {
	none := sample{}
	before, ended := &none, uint16(0) // the sample before, and where it ended in the source
	for i := 0; i < len(w.ring); {
		s := &w.ring[i]
		start := len(b)
		if i == 0 || s.to == 0 || ended != s.from {
			b = s.encode(b, before, len(w.plan.quantities))
			before, ended, i = s, s.to, i+1
			s.from, s.to = uint16(start), uint16(len(b))
			continue
		}
		from := s.from
		for i < len(w.ring) && w.ring[i].to != 0 && w.ring[i].from == ended {
			before, ended, i = &w.ring[i], w.ring[i].to, i+1
			before.from, before.to = uint16(start)+before.from-from, uint16(start)+before.to-from
		}
		b = append(b, w.source[from:ended]...)
	}
	return b
}

// origin is what times of states are written as differences to.
func (w *work) origin() int64 {
	if len(w.ring) == 0 {
		return 0
	}
	return w.ring[len(w.ring)-1].at
}

func (s *sample) encode(b []byte, before *sample, slots int) []byte {
	head := 0
	if s.dev != before.dev {
		head |= sampleDevice
	}
	if s.epoch != before.epoch {
		head |= sampleEpoch
	}
	if s.fcnt != before.fcnt+1 {
		head |= sampleFCnt
	}
	if s.faults != before.faults {
		head |= sampleFaults
	}
	if s.has != before.has {
		head |= sampleHas
	}
	changed := uint64(0)
	for i := 0; i < slots; i++ {
		// Only the sample right before it counts: then it stands by itself when those before go.
		if s.has&(1<<i) != 0 && (before.has&(1<<i) == 0 || s.values[i] != before.values[i]) {
			changed |= 1 << i
		}
	}
	if changed != 0 {
		head |= sampleChanged
	}
	b = append(b, byte(head))
	// Whole milliseconds are common.
	if d := uint64(s.at - before.at); d%1e6 == 0 {
		b = binary.AppendUvarint(b, d/1e6<<1)
	} else {
		b = binary.AppendUvarint(b, d<<1|1)
	}
	if head&sampleDevice != 0 {
		b = append(b, s.dev)
	}
	if head&sampleEpoch != 0 {
		b = binary.AppendUvarint(b, uint64(s.epoch))
	}
	if head&sampleFCnt != 0 {
		b = binary.AppendUvarint(b, uint64(s.fcnt))
	}
	if head&sampleFaults != 0 {
		b = binary.AppendUvarint(b, uint64(s.faults))
	}
	if head&sampleHas != 0 {
		b = binary.AppendUvarint(b, uint64(s.has))
	}
	if head&sampleChanged != 0 {
		b = binary.AppendUvarint(b, changed)
		for i := 0; i < slots; i++ {
			if changed&(1<<i) != 0 {
				b = appendNumber(b, s.values[i])
			}
		}
	}
	return b
}

// encodeStates appends the rules that are not idle: how many, then each with its place, its
// machines, and its changes.
func (w *work) encodeStates(b []byte, place []int, ms []machine, cs []changes, origin int64) []byte {
	n := 0
	count := len(b)
	b = append(b, 0)
	for i := range w.plan.refs {
		r := &w.plan.refs[i]
		mine := ms[r.first : r.first+r.levels]
		at := i
		if place != nil {
			at = place[i]
		}
		if at < 0 || idle(mine) && cs[i] == (changes{}) {
			continue
		}
		n++
		b = binary.AppendUvarint(b, uint64(at))
		for j := range mine {
			b = mine[j].encode(b, origin)
		}
		kept := 0
		for kept < len(cs[i]) && cs[i][kept] != 0 {
			kept++
		}
		b = append(b, byte(kept))
		for _, c := range cs[i][:kept] {
			b = appendTime(b, c, origin)
		}
	}
	b[count] = byte(n)
	return b
}

func idle(ms []machine) bool {
	for i := range ms {
		if ms[i].phase != city.PhaseIdle {
			return false
		}
	}
	return true
}

func (m *machine) encode(b []byte, origin int64) []byte {
	b = append(b, byte(m.phase))
	if m.wantedNow() {
		b = appendTime(b, m.opened, origin)
	}
	if m.running() {
		b = appendTime(b, m.since, origin)
		b = appendTime(b, m.last, m.since)
		b = binary.AppendUvarint(b, uint64(m.count))
		b = append(b, m.hits, m.seen)
	}
	return b
}

// bits of what was published.
const (
	publishedOpen = 1 << iota
	publishedOrphan
	publishedFlapping
	publishedMuted
	publishedShared
)

func (w *work) encodePublished(b []byte, place []int, origin int64) []byte {
	n := 0
	count := len(b)
	b = append(b, 0)
	for i := range w.published {
		p := &w.published[i]
		at := i
		if place != nil {
			at = place[i]
		}
		if at < 0 || p.idle() {
			continue
		}
		n++
		b = binary.AppendUvarint(b, uint64(at))
		head := byte(0)
		if p.open {
			head |= publishedOpen
		}
		if p.orphan {
			head |= publishedOrphan
		}
		if p.flapping {
			head |= publishedFlapping
		}
		if p.muted != "" {
			head |= publishedMuted
		}
		if p.group != "" {
			head |= publishedShared
		}
		b = append(b, head)
		if p.open {
			b = append(b, byte(p.severity))
			b = appendTime(b, p.since, origin)
			b = appendTime(b, p.decided, origin)
		}
		if p.muted != "" {
			b = appendText(b, p.muted)
		}
		if p.group != "" {
			b = append(b, byte(p.shared))
			b = appendText(b, p.group)
		}
	}
	b[count] = byte(n)
	return b
}

// The last two bits of a time say what the others are.
const (
	timeNone   = iota // nothing: there is no time
	timeMillis        // difference in milliseconds
	timeNanos         // difference in nanoseconds
)

// appendTime writes a time as difference to another.
func appendTime(b []byte, at, origin int64) []byte {
	if at == 0 {
		return append(b, timeNone)
	}
	d := at - origin
	if d%1e6 == 0 {
		return binary.AppendUvarint(b, zigzag(d/1e6)<<2|timeMillis)
	}
	return binary.AppendUvarint(b, zigzag(d)<<2|timeNanos)
}

func zigzag(i int64) uint64 { return uint64(i<<1 ^ i>>63) }

func appendText(b []byte, text string) []byte {
	b = binary.AppendUvarint(b, uint64(len(text)))
	return append(b, text...)
}
