package rules

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
	"time"

	"meldefunk/city"
)

// errMind is all there is to say about bytes that are no mind.
var errMind = errors.New("this is not what the rules have stored, or it is damaged")

// decoder reads an encoded mind. After the first mistake everything it reads is zero.
type decoder struct {
	b   []byte
	at  int // how far it has come; an index, because b[1:] again and again costs write barriers
	bad bool
}

func (d *decoder) fail() { d.bad, d.at = true, len(d.b) }

// left is how many bytes are left.
func (d *decoder) left() int { return len(d.b) - d.at }

func (d *decoder) uvarint() uint64 {
	if d.at < len(d.b) && d.b[d.at] < 0x80 {
		u := uint64(d.b[d.at])
		d.at++
		return u
	}
	return d.long()
}

// long is uvarint of more than one byte.
func (d *decoder) long() uint64 {
	u, n := binary.Uvarint(d.b[d.at:])
	if n <= 0 {
		d.fail()
		return 0
	}
	d.at += n
	return u
}

// count reads a number below a bound.
func (d *decoder) count(below int) int {
	u := d.uvarint()
	if u >= uint64(below) {
		d.fail()
		return 0
	}
	return int(u)
}

func (d *decoder) byte() byte {
	if d.left() == 0 {
		d.fail()
		return 0
	}
	c := d.b[d.at]
	d.at++
	return c
}

func (d *decoder) varint() int64 {
	u := d.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

func (d *decoder) time(origin int64) int64 {
	u := d.uvarint()
	z := u >> 2
	switch i := int64(z>>1) ^ -int64(z&1); u & 3 {
	case timeMillis:
		return origin + i*1e6
	case timeNanos:
		return origin + i
	case timeNone:
		return 0
	}
	d.fail()
	return 0
}

// maxText bounds a name in an encoded mind, in bytes.
const maxText = 1 << 10

func (d *decoder) text() string {
	n := d.count(maxText)
	if n > d.left() {
		d.fail()
		return ""
	}
	d.at += n
	return string(d.b[d.at-n : d.at])
}

// decode reads a mind that stands in the layout of the work's plan.
func (w *work) decode(d *decoder) error {
	w.source = d.b[d.at:]
	start := d.at
	if d.left() > math.MaxUint16 {
		return errMind
	}
	devices := d.count(maxHeard + 1)
	for i := 0; i < devices && !d.bad; i++ {
		var h heard
		if d.left() < len(h.eui) {
			return errMind
		}
		d.at += copy(h.eui[:], d.b[d.at:])
		h.learned = time.Duration(d.count(1<<31)) * time.Second
		w.heard = append(w.heard, h)
	}
	samples := d.count(ringSize + 1)
	w.based = d.count(samples + 1)
	if cap(w.ring) < ringSize+1 {
		w.ring = make([]sample, 0, ringSize+1)
	}
	w.ring = w.ring[:samples]
	for i := range w.ring {
		s := &w.ring[i]
		if i > 0 {
			*s = w.ring[i-1]
		} else {
			*s = sample{}
		}
		s.from = uint16(d.at - start)
		s.decode(d, len(w.plan.quantities))
		s.to = uint16(d.at - start)
		if int(s.dev) >= devices {
			d.fail()
		}
		if d.bad {
			return errMind
		}
		w.heard[s.dev].last = max(w.heard[s.dev].last, s.at)
	}
	for i := range w.heard {
		w.heard[i].last += d.varint()
	}
	origin := w.origin()
	w.decodeStates(d, w.base, w.baseChanges, origin)
	w.decodeStates(d, w.current, w.currentChanges, origin)
	w.until = d.time(origin)
	w.gateway = d.text()
	w.decodePublished(d, origin)
	if d.bad || d.left() > 0 {
		return errMind
	}
	return nil
}

// decode makes the sample of the one before it, whose copy it is.
func (s *sample) decode(d *decoder, slots int) {
	head := d.byte()
	if u := d.uvarint(); u&1 == 0 {
		s.at += int64(u >> 1 * 1e6)
	} else {
		s.at += int64(u >> 1)
	}
	s.fcnt++
	if head&sampleDevice != 0 {
		s.dev = d.byte()
	}
	if head&sampleEpoch != 0 {
		s.epoch = uint32(d.uvarint())
	}
	if head&sampleFCnt != 0 {
		s.fcnt = uint32(d.uvarint())
	}
	if head&sampleFaults != 0 {
		s.faults = uint32(d.uvarint())
	}
	if head&sampleHas != 0 {
		s.has = uint32(d.uvarint())
	}
	if head&sampleChanged != 0 {
		changed := d.uvarint()
		if changed>>slots != 0 {
			d.fail()
		}
		for ; changed != 0 && !d.bad; changed &= changed - 1 {
			s.values[bits.TrailingZeros64(changed)] = d.number()
		}
	}
}

func (w *work) decodeStates(d *decoder, ms []machine, cs []changes, origin int64) {
	for n := int(d.byte()); n > 0 && !d.bad; n-- {
		i := d.count(len(w.plan.refs))
		if d.bad {
			return
		}
		r := &w.plan.refs[i]
		for j := r.first; j < r.first+r.levels; j++ {
			ms[j].decode(d, origin)
		}
		kept := int(d.byte())
		if kept > len(cs[i]) {
			d.fail()
			return
		}
		for j := range cs[i][:kept] {
			cs[i][j] = d.time(origin)
		}
	}
}

func (m *machine) decode(d *decoder, origin int64) {
	m.phase = city.Phase(d.byte())
	if m.phase > city.PhaseClearing {
		d.fail()
		return
	}
	if m.wantedNow() {
		m.opened = d.time(origin)
	}
	if m.running() {
		m.since = d.time(origin)
		m.last = d.time(m.since)
		m.count = uint16(d.count(1 << 16))
		m.hits, m.seen = d.byte(), d.byte()
		if m.seen > maxOf {
			d.fail()
		}
	}
}

func (w *work) decodePublished(d *decoder, origin int64) {
	for n := int(d.byte()); n > 0 && !d.bad; n-- {
		i := d.count(len(w.plan.refs))
		if d.bad {
			return
		}
		p := &w.published[i]
		head := d.byte()
		p.open, p.orphan, p.flapping = head&publishedOpen != 0, head&publishedOrphan != 0, head&publishedFlapping != 0
		if p.open {
			p.severity = city.Grade(d.byte())
			p.since, p.decided = d.time(origin), d.time(origin)
		}
		if head&publishedMuted != 0 {
			p.muted = d.text()
		}
		if head&publishedShared != 0 {
			p.shared, p.group = city.Truth(d.byte()), d.text()
		}
	}
}
