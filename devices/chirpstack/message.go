package chirpstack

import (
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// message is a protobuf message, field by field. An update in ChirpStack replaces all that
// it has of a thing; so fields that this package does not know must stay in a message that
// was read, changed and sent back.
type message []field

// field is a field with its value: bits of numbers, bytes of all else.
type field struct {
	number protowire.Number
	typ    protowire.Type
	bits   uint64
	bytes  []byte
}

// readMessage reads the fields of a message; those of messages in it are not looked at.
func readMessage(b []byte) (message, error) {
	var m message
	for at := 0; at < len(b); {
		number, typ, n := protowire.ConsumeTag(b[at:])
		if n < 0 {
			return nil, fmt.Errorf("no field begins at byte %d: %w", at, protowire.ParseError(n))
		}
		f := field{number: number, typ: typ}
		rest := b[at+n:]
		var length int
		switch typ {
		case protowire.VarintType:
			f.bits, length = protowire.ConsumeVarint(rest)
		case protowire.Fixed64Type:
			f.bits, length = protowire.ConsumeFixed64(rest)
		case protowire.Fixed32Type:
			var bits uint32
			bits, length = protowire.ConsumeFixed32(rest)
			f.bits = uint64(bits)
		case protowire.BytesType:
			f.bytes, length = protowire.ConsumeBytes(rest)
		default:
			return nil, fmt.Errorf("field %d at byte %d has the wire type %d, which proto3 does not have", number, at, typ)
		}
		if length < 0 {
			return nil, fmt.Errorf("field %d at byte %d: %w", number, at, protowire.ParseError(length))
		}
		m = append(m, f)
		at += n + length
	}
	return m, nil
}

// bytes gives the message as it goes over the wire.
func (m message) bytes() []byte {
	var b []byte
	for _, f := range m {
		b = protowire.AppendTag(b, f.number, f.typ)
		switch f.typ {
		case protowire.VarintType:
			b = protowire.AppendVarint(b, f.bits)
		case protowire.Fixed64Type:
			b = protowire.AppendFixed64(b, f.bits)
		case protowire.Fixed32Type:
			b = protowire.AppendFixed32(b, uint32(f.bits))
		default:
			b = protowire.AppendBytes(b, f.bytes)
		}
	}
	return b
}

// last gives the field of a number that counts: the last one. Zero where there is none.
func (m message) last(number protowire.Number, typ protowire.Type) field {
	for _, f := range slices.Backward(m) {
		if f.number == number && f.typ == typ {
			return f
		}
	}
	return field{}
}

func (m message) text(number protowire.Number) string {
	return string(m.last(number, protowire.BytesType).bytes)
}

func (m message) uint(number protowire.Number) uint64 {
	return m.last(number, protowire.VarintType).bits
}

func (m message) bool(number protowire.Number) bool { return m.uint(number) != 0 }

// message gives the message in a field; without fields where there is none.
func (m message) message(number protowire.Number) (message, error) {
	return readMessage(m.last(number, protowire.BytesType).bytes)
}

// messages gives those in a field that is repeated.
func (m message) messages(number protowire.Number) ([]message, error) {
	var all []message
	for _, f := range m {
		if f.number != number || f.typ != protowire.BytesType {
			continue
		}
		inner, err := readMessage(f.bytes)
		if err != nil {
			return nil, err
		}
		all = append(all, inner)
	}
	return all, nil
}

// Fields of an entry of a map (protobuf.dev, "Maps").
const (
	entryKey   protowire.Number = 1
	entryValue protowire.Number = 2
)

// texts gives a map of texts, never nil.
func (m message) texts(number protowire.Number) (map[string]string, error) {
	entries, err := m.messages(number)
	all := make(map[string]string, len(entries))
	for _, e := range entries {
		all[e.text(entryKey)] = e.text(entryValue)
	}
	return all, err
}

// without gives a copy that lacks a field.
func (m message) without(number protowire.Number) message {
	return slices.DeleteFunc(slices.Clone(m), func(f field) bool { return f.number == number })
}

// The setters give a copy in which a field has another value. What is zero is left out, as
// proto3 does.

func (m message) setText(number protowire.Number, s string) message {
	if s == "" {
		return m.without(number)
	}
	return append(m.without(number), field{number: number, typ: protowire.BytesType, bytes: []byte(s)})
}

func (m message) setUint(number protowire.Number, n uint64) message {
	if n == 0 {
		return m.without(number)
	}
	return append(m.without(number), field{number: number, typ: protowire.VarintType, bits: n})
}

func (m message) setBool(number protowire.Number, b bool) message {
	if b {
		return m.setUint(number, 1)
	}
	return m.without(number)
}

func (m message) setMessage(number protowire.Number, inner message) message {
	return append(m.without(number), field{number: number, typ: protowire.BytesType, bytes: inner.bytes()})
}

func (m message) setTexts(number protowire.Number, texts map[string]string) message {
	m = m.without(number)
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		entry := message{}.setText(entryKey, key).setText(entryValue, texts[key])
		m = append(m, field{number: number, typ: protowire.BytesType, bytes: entry.bytes()})
	}
	return m
}
