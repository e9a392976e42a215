package events

import (
	"math"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"meldefunk/city"
)

// The functions below append one protobuf field, or nothing where its value is zero, as
// proto3 does for all that is not repeated or a message.

func wireUint(b []byte, field protowire.Number, n uint64) []byte {
	if n == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), n)
}

func wireInt(b []byte, field protowire.Number, n int64) []byte { return wireUint(b, field, uint64(n)) }

func wireBool(b []byte, field protowire.Number, v bool) []byte {
	return wireUint(b, field, protowire.EncodeBool(v))
}

func wireFloat(b []byte, field protowire.Number, f float32) []byte {
	if f == 0 {
		return b
	}
	return protowire.AppendFixed32(protowire.AppendTag(b, field, protowire.Fixed32Type), math.Float32bits(f))
}

func wireDouble(b []byte, field protowire.Number, f float64) []byte {
	if f == 0 {
		return b
	}
	return protowire.AppendFixed64(protowire.AppendTag(b, field, protowire.Fixed64Type), math.Float64bits(f))
}

func wireString(b []byte, field protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
}

func wireBytes(b []byte, field protowire.Number, s []byte) []byte {
	if len(s) == 0 {
		return b
	}
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), s)
}

func wireUUID(b []byte, field protowire.Number, id UUID) []byte {
	return id.Append(append(protowire.AppendTag(b, field, protowire.BytesType), 36))
}

func wireEUI(b []byte, field protowire.Number, e city.EUI) []byte {
	return appendEUI(append(protowire.AppendTag(b, field, protowire.BytesType), 16), e)
}

// wireOpen begins a message. What is appended until wireClose, which wants the place, is
// in it.
func wireOpen(b []byte, field protowire.Number) ([]byte, int) {
	b = append(protowire.AppendTag(b, field, protowire.BytesType), 0)
	return b, len(b)
}

// wireClose puts in the length of a message that begins at start. Most are shorter than
// 128 bytes, and their length fits into the byte kept for it.
func wireClose(b []byte, start int) []byte {
	n := len(b) - start
	if n < 0x80 {
		b[start-1] = byte(n)
		return b
	}
	more := protowire.SizeVarint(uint64(n)) - 1
	var room [8]byte
	b = append(b, room[:more]...)
	copy(b[start+more:], b[start:start+n])
	protowire.AppendVarint(b[:start-1], uint64(n))
	return b
}

// wireTime appends a google.protobuf.Timestamp.
func wireTime(b []byte, field protowire.Number, t time.Time) []byte {
	return wireSpan(b, field, duration{t.Unix(), t.Nanosecond()})
}

// wireSpan appends a google.protobuf.Duration, which has the form of a Timestamp.
func wireSpan(b []byte, field protowire.Number, d duration) []byte {
	b, start := wireOpen(b, field)
	b = wireInt(b, 1, d.seconds)
	b = wireInt(b, 2, int64(d.nanos))
	return wireClose(b, start)
}

// wireTags appends a map of strings.
func wireTags(b []byte, field protowire.Number, tags []Tag) []byte {
	for _, t := range tags {
		var start int
		b, start = wireOpen(b, field)
		b = wireString(b, 1, t.Key)
		b = wireString(b, 2, t.Value)
		b = wireClose(b, start)
	}
	return b
}

// wireObject appends a google.protobuf.Struct.
func wireObject(b []byte, field protowire.Number, object []Field) []byte {
	b, all := wireOpen(b, field)
	for _, f := range object {
		var entry, value int
		b, entry = wireOpen(b, 1)
		b = wireString(b, 1, f.Name)
		b, value = wireOpen(b, 2)
		if f.Text != "" {
			b = wireString(b, 3, f.Text)
		} else { // of a oneof zero is written too
			b = protowire.AppendTag(b, 2, protowire.Fixed64Type)
			b = protowire.AppendFixed64(b, math.Float64bits(f.Number))
		}
		b = wireClose(wireClose(b, value), entry)
	}
	return wireClose(b, all)
}
