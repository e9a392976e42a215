package rules

import (
	"encoding/binary"

	"meldefunk/city"
)

// AppendBinary appends the mind as it is stored.
func (m *groupMind) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, storedGroup)
	b = binary.AppendVarint(b, m.deadline)
	b = appendText(b, m.name)
	b = binary.AppendUvarint(b, uint64(len(m.rules)))
	for i := range m.rules {
		g := &m.rules[i]
		b = appendText(b, g.id)
		b = binary.LittleEndian.AppendUint64(b, g.version)
		b = appendTime(b, g.last, 0)
		b = binary.AppendUvarint(b, uint64(len(g.members)))
		for j := range g.members {
			x := &g.members[j]
			b = appendText(b, x.id)
			b = append(b, byte(x.truth))
			b = appendTime(b, x.at, g.last)
		}
		w := work{plan: &plan{layout: layout{refs: []ref{{levels: len(g.machines)}}}}, published: []published{g.published}}
		b = append(b, byte(len(g.machines)))
		b = w.encodeStates(b, nil, g.machines, []changes{g.changes}, g.last)
		b = w.encodePublished(b, nil, g.last)
	}
	return b, nil
}

// recallGroup reads what AppendBinary of a group has written.
func (s *Set) recallGroup(name string, kept []byte) (city.Mind, error) {
	d := &decoder{b: kept}
	d.byte()
	m := &groupMind{deadline: d.varint(), name: d.text()}
	if m.name != name {
		return nil, errMind
	}
	for n := d.count(len(kept)); n > 0 && !d.bad; n-- {
		g := groupRule{id: d.text(), version: d.fixed64()}
		g.last = d.time(0)
		for n := d.count(len(kept)); n > 0 && !d.bad; n-- {
			x := member{id: d.text(), truth: city.Truth(d.byte())}
			x.at = d.time(g.last)
			g.members = append(g.members, x)
		}
		levels := int(d.byte())
		if levels == 0 || levels > maxLevels {
			return nil, errMind
		}
		w := work{plan: &plan{layout: layout{refs: []ref{{levels: levels}}}}, published: make([]published, 1)}
		g.machines = make([]machine, levels)
		cs := make([]changes, 1)
		w.decodeStates(d, g.machines, cs, g.last)
		w.decodePublished(d, g.last)
		g.changes, g.published = cs[0], w.published[0]
		m.rules = append(m.rules, g)
	}
	if d.bad || d.left() > 0 {
		return nil, errMind
	}
	return m, nil
}
