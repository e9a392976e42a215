package rules

import (
	"encoding/binary"
	"hash/fnv"
	"slices"
	"time"

	"meldefunk/city"
)

// mind is what is remembered of an asset: encoded, because there are a million of them and
// most of the time nobody looks.
type mind struct {
	plan     *plan // in whose layout body is; nil: body is as it was stored, names and all
	asset    *city.Asset
	body     []byte
	deadline int64 // ns since 1970; 0: never
}

// The first byte of what is stored: what it is, and in which version.
const (
	storedAsset = 0x01
	storedGroup = 0x81
)

// Deadline is when time alone may change something.
func (m *mind) Deadline() time.Time { return when(m.deadline) }

// AppendBinary appends the mind with the names of the rules that are not idle.
func (m *mind) AppendBinary(b []byte) ([]byte, error) {
	if m.plan == nil {
		return append(b, m.body...), nil
	}
	w := m.plan.set.works.Get().(*work)
	defer m.plan.set.works.Put(w)
	w.reset(m.plan)
	if err := w.decode(&decoder{b: m.body}); err != nil {
		return nil, err
	}
	return w.store(b, m.deadline), nil
}

// store appends the work with the names of the rules that are not idle.
func (w *work) store(b []byte, deadline int64) []byte {
	b = append(b, storedAsset)
	b = binary.AppendVarint(b, deadline)
	b = binary.LittleEndian.AppendUint64(b, w.plan.hash)
	b = append(b, byte(len(w.plan.quantities)))
	for _, q := range w.plan.quantities {
		b = binary.LittleEndian.AppendUint32(b, nameHash(q.String()))
	}
	place := make([]int, len(w.plan.refs))
	count := len(b)
	b = append(b, 0)
	for i := range w.plan.refs {
		r := &w.plan.refs[i]
		place[i] = -1
		if idle(w.base[r.first:r.first+r.levels]) && idle(w.current[r.first:r.first+r.levels]) &&
			w.baseChanges[i] == (changes{}) && w.currentChanges[i] == (changes{}) && w.published[i].idle() {
			continue
		}
		place[i] = int(b[count])
		b[count]++
		b = appendText(b, r.id)
		b = binary.LittleEndian.AppendUint64(b, r.version)
		b = append(b, byte(r.levels))
	}
	return w.encode(b, place)
}

// nameHash stands for the name of a quantity in what is stored; a test says that no two are
// the same.
func nameHash(name string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(name)) // never fails
	return h.Sum32()
}

// quantityOf finds the quantity of a hash; QuantityUnknown: there is none any more.
func quantityOf(hash uint32) city.Quantity {
	for _, q := range city.Quantities() {
		if nameHash(q.String()) == hash {
			return q
		}
	}
	return city.QuantityUnknown
}

// restore reads what store has written, in the layout it was written in.
func restore(b []byte) (*work, int64, error) {
	d := &decoder{b: b}
	if d.byte() != storedAsset {
		return nil, 0, errMind
	}
	deadline := d.varint()
	p := &plan{}
	p.hash = d.fixed64()
	slots := d.count(maxSlots + 1)
	for range slots {
		p.quantities = append(p.quantities, quantityOf(d.fixed32()))
	}
	for n := int(d.byte()); n > 0 && !d.bad; n-- {
		r := ref{id: d.text(), version: d.fixed64(), first: p.machines, levels: int(d.byte())}
		if r.levels == 0 || r.levels > maxLevels {
			return nil, 0, errMind
		}
		p.machines += r.levels
		p.refs = append(p.refs, r)
	}
	if d.bad {
		return nil, 0, errMind
	}
	w := &work{}
	w.reset(p)
	return w, deadline, w.decode(d)
}

func (d *decoder) fixed64() uint64 {
	if d.left() < 8 {
		d.fail()
		return 0
	}
	d.at += 8
	return binary.LittleEndian.Uint64(d.b[d.at-8:])
}

func (d *decoder) fixed32() uint32 {
	if d.left() < 4 {
		d.fail()
		return 0
	}
	d.at += 4
	return binary.LittleEndian.Uint32(d.b[d.at-4:])
}

// Recall reads a mind as AppendBinary wrote it, by whatever set of rules. Nothing kept is
// nil. An error says that the bytes are damaged; then the asset begins anew.
func (s *Set) Recall(asset string, kept []byte) (city.Mind, error) {
	if len(kept) == 0 {
		return nil, nil
	}
	if kept[0] == storedGroup {
		return s.recallGroup(asset, kept)
	}
	_, deadline, err := restore(kept)
	if err != nil {
		return nil, err
	}
	return &mind{body: slices.Clone(kept), deadline: deadline}, nil
}

// Standings tells where the rules stand that are not idle.
func (m *mind) Standings() []city.Standing {
	var w *work
	if m.plan == nil {
		var err error
		if w, _, err = restore(m.body); err != nil {
			return nil // Recall has read it
		}
	} else {
		w = &work{}
		w.reset(m.plan)
		if err := w.decode(&decoder{b: m.body}); err != nil {
			return nil // it was encoded here
		}
	}
	var all []city.Standing
	for i := range w.plan.refs {
		r, p := &w.plan.refs[i], &w.published[i]
		phase, x := r.phase(w.current)
		if phase == city.PhaseIdle && !p.open {
			continue
		}
		s := city.Standing{Rule: r.id, Phase: phase, Count: uint32(x.count), Muted: p.muted, Flapping: p.flapping, Severity: p.severity}
		switch {
		case x.running():
			s.Since = when(x.since)
		case p.open:
			s.Phase, s.Since = city.PhaseOpen, when(p.since)
		default:
			s.Since = when(x.opened)
		}
		all = append(all, s)
	}
	return all
}

// bind unpacks a mind for a plan. It gives the work's names of rules that wanted something
// and are no more, and whether everything has to be thought anew because the rules have
// changed.
func (w *work) bind(m *mind, p *plan) (gone []goneRule, anew bool, err error) {
	if m != nil && w.holds == m && m.plan == p { // one asset after the other, as in a replay
		w.again()
		return nil, false, nil
	}
	w.reset(p)
	if m == nil {
		return nil, false, nil
	}
	if m.plan == p {
		return nil, false, w.decode(&decoder{b: m.body})
	}
	stored := m.body
	if m.plan != nil {
		if stored, err = m.AppendBinary(nil); err != nil {
			return nil, false, err
		}
	}
	old, _, err := restore(stored)
	if err != nil {
		return nil, false, err
	}
	return w.translate(old), old.plan.hash != p.hash, nil
}

// goneRule is a rule of which something is left that nobody looks after any more.
type goneRule struct {
	id    string
	cased bool   // it had a case of its own
	group string // it had a share in this group
}

// translate takes over what another work knows, by its names. A rule that now decides
// otherwise begins anew, but what was open stays open until the new rule closes it.
func (w *work) translate(old *work) []goneRule {
	w.heard = append(w.heard, old.heard...)
	w.based, w.until, w.gateway = old.based, old.until, old.gateway
	for i := range old.ring {
		s := old.ring[i]
		s.has, s.values, s.from, s.to = 0, [maxSlots]float64{}, 0, 0
		for j, q := range old.plan.quantities {
			if slot := w.plan.slot[q]; slot != noSlot && q != city.QuantityUnknown && old.ring[i].has&(1<<j) != 0 {
				s.has |= 1 << slot
				s.values[slot] = old.ring[i].values[j]
			}
		}
		w.ring = append(w.ring, s)
	}
	var gone []goneRule
	for i := range old.plan.refs {
		from, p := &old.plan.refs[i], old.published[i]
		at := slices.IndexFunc(w.plan.refs, func(r ref) bool { return r.id == from.id })
		if at < 0 {
			if p.open || p.group != "" {
				gone = append(gone, goneRule{from.id, p.open && p.group == "", p.group})
			}
			continue
		}
		to, r := &w.plan.refs[at], &w.plan.rules[at]
		shares := r.member || r.GroupBy != NoGroup
		if shares != (p.group != "") && (p.open || p.group != "") {
			gone = append(gone, goneRule{from.id, p.open && p.group == "", p.group})
			p = published{}
		}
		if to.version == from.version {
			copy(w.base[to.first:to.first+to.levels], old.base[from.first:from.first+from.levels])
			copy(w.current[to.first:to.first+to.levels], old.current[from.first:from.first+from.levels])
			w.baseChanges[at], w.currentChanges[at], w.published[at] = old.baseChanges[i], old.currentChanges[i], p
			continue
		}
		p.muted, p.flapping = "", false
		w.published[at] = p
		if p.open {
			m := machine{phase: city.PhaseOpen, opened: p.since}
			w.base[to.first+r.nearest(p.severity)] = m
			w.current[to.first+r.nearest(p.severity)] = m
		}
	}
	return gone
}

// nearest is the level of a severity, or the highest below it, or the mildest.
func (r *ruled) nearest(s city.Grade) int {
	for i := len(r.Levels) - 1; i > 0; i-- {
		if r.Levels[i].Severity <= s {
			return i
		}
	}
	return 0
}
