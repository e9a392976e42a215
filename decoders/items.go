package decoders

import (
	"encoding/binary"
	"fmt"
	"slices"

	"meldefunk/city"
)

// item is one entry of a frame made of keys with data.
type item struct {
	key    uint32 // one or two bytes, big endian
	size   int    // bytes of data
	fields []field
	read   func(data []byte, r *city.Reading) // what fields cannot say; may be nil
	record bool                               // 4 bytes of Unix time, little endian, then fields of that time
	kinds  []item                             // of a record: the byte after the time says which it is; nil: there is one kind
	labels []label                            // what stands beside the fields
	rest   string                             // names the bytes that nothing else does: "acceleration"
}

// items is a frame of items in any order, each with its key in front. From the first item
// that is unknown or cut short nothing more can be read, because its length is not known:
// what came before is kept, the rest is the tail. A frame that begins with such an item is
// rejected.
type items struct {
	keySize int
	list    []item
	keys    []uint32 // of list, side by side, because they are searched for every item
}

// itemsOf makes a frame of items whose keys have keySize bytes, 1 or 2.
func itemsOf(keySize int, list ...item) *items {
	l := &items{keySize: keySize, list: list}
	for i := range list {
		l.keys = append(l.keys, list[i].key)
	}
	return l
}

func (l *items) decode(payload []byte, r *city.Reading) *city.Rejection {
	for at := 0; at < len(payload); {
		rest := payload[at:]
		it := l.find(rest)
		if it == nil || len(rest) < l.keySize+it.size {
			if at == 0 {
				return l.badStart(it, payload)
			}
			leaveTail(r, rest)
			return nil
		}
		it.decode(rest[l.keySize:l.keySize+it.size], r)
		at += l.keySize + it.size
	}
	return nil
}

// find gives what an item is, nil for unknown.
func (l *items) find(rest []byte) *item {
	if len(rest) < l.keySize {
		return nil
	}
	key := uint32(rest[0])
	if l.keySize == 2 {
		key = key<<8 | uint32(rest[1])
	}
	i := slices.Index(l.keys, key)
	if i < 0 {
		return nil
	}
	it := &l.list[i]
	if at := l.keySize + recordTime; it.kinds != nil && len(rest) > at {
		return findKind(it.kinds, rest[at])
	}
	return it
}

// recordTime is the length of a record's time.
const recordTime = 4

// findKind gives the kind of record that begins with a byte after its time, nil for unknown.
func findKind(kinds []item, kind byte) *item {
	for i := range kinds {
		if kinds[i].key == uint32(kind) {
			return &kinds[i]
		}
	}
	return nil
}

// badStart says why not even the first item could be read; it is what it is, where known.
func (l *items) badStart(it *item, payload []byte) *city.Rejection {
	switch {
	case len(payload) < l.keySize:
		return wrongLength(payload, fmt.Sprintf("at least %d: type and data", l.keySize+1))
	case it == nil:
		return city.Reject(city.ReasonUndecodable, "byte 0: unknown type %x (payload %s)",
			payload[:l.keySize], cutHex(payload))
	}
	return city.Reject(city.ReasonUndecodable, "byte %d: type %x has %d bytes of data, want %d (payload %s)",
		l.keySize, payload[:l.keySize], len(payload)-l.keySize, it.size, cutHex(payload))
}

func (it *item) decode(data []byte, r *city.Reading) {
	if it.record {
		if len(it.fields) == 0 {
			return
		}
		addRecord(r, binary.LittleEndian.Uint32(data), len(it.fields), func() { it.readFields(data, r) })
		return
	}
	it.readFields(data, r)
}

func (it *item) readFields(data []byte, r *city.Reading) {
	for i := range it.fields {
		it.fields[i].read(data, r)
	}
	if it.read != nil {
		it.read(data, r)
	}
}

func (l *items) remembers() bool {
	return slices.ContainsFunc(l.list, func(it item) bool { return it.record })
}

// memory walks as decode does.
func (l *items) memory(payload []byte) (records, values int) {
	for len(payload) > 0 {
		it := l.find(payload)
		if it == nil || len(payload) < l.keySize+it.size {
			break
		}
		if it.record && len(it.fields) > 0 {
			records++
			values += len(it.fields) + computed
		}
		payload = payload[l.keySize+it.size:]
	}
	return records, values
}

func (l *items) carries() []city.Quantity { return carriedBy(l.list) }

// carriedBy lists what items say of the present.
func carriedBy(list []item) []city.Quantity {
	var all []city.Quantity
	for i := range list {
		if !list[i].record {
			all = addQuantities(all, list[i].fields)
		}
	}
	return all
}

func (l *items) encode(values []city.Value) ([]byte, error) {
	return encodeItems(l.list, values, func(payload []byte, it *item) []byte {
		if l.keySize == 2 {
			payload = append(payload, byte(it.key>>8))
		}
		return append(payload, byte(it.key))
	})
}

// encodeItems writes items that say all of the values, each once, in the order of the list,
// which is the order of the device. Where a quantity can stand in several items, the one that
// says more of the values is taken, and of two alike the first. head appends what stands
// before an item's data.
func encodeItems(list []item, values []city.Value, head func(payload []byte, it *item) []byte) ([]byte, error) {
	var written []city.Quantity
	chosen := make([]bool, len(list))
	for {
		best, most := -1, 0
		for i := range list {
			if n := list[i].says(values, written); n > most {
				best, most = i, n
			}
		}
		if best < 0 {
			break
		}
		chosen[best] = true
		written = addQuantities(written, list[best].fields)
	}
	if !carriesAll(written, values) {
		return nil, errNoFrame
	}
	var payload []byte
	for i := range list {
		if !chosen[i] {
			continue
		}
		data := make([]byte, list[i].size)
		for j := range list[i].fields {
			if err := list[i].fields[j].write(data, values); err != nil {
				return nil, err
			}
		}
		payload = append(head(payload, &list[i]), data...)
	}
	return payload, nil
}

// says counts the values that an item says. It is 0 for an item that says something that is
// written already, or that is not given and has no code for that.
func (it *item) says(values []city.Value, written []city.Quantity) int {
	if it.record {
		return 0
	}
	n := 0
	for i := range it.fields {
		f := &it.fields[i]
		_, given := find(values, f.quantity)
		if slices.Contains(written, f.quantity) || !given && len(f.codes) == 0 {
			return 0
		}
		if given {
			n++
		}
	}
	return n
}
