package listener

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// fields takes a packet apart from its front. Once something was missing or wrong, bad is
// set and everything further is empty.
type fields struct {
	rest []byte
	bad  bool
}

// take gives the next n bytes, none of them copied.
func (f *fields) take(n int) []byte {
	if f.bad || n > len(f.rest) {
		f.bad, f.rest = true, nil
		return nil
	}
	part := f.rest[:n]
	f.rest = f.rest[n:]
	return part
}

func (f *fields) byte() byte {
	if b := f.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (f *fields) uint16() uint16 {
	if b := f.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

// varint is a Variable Byte Integer (version 5 section 1.5.5): up to four bytes of seven bits
// each.
func (f *fields) varint() int {
	value := 0
	for shift := 0; shift < 28; shift += 7 {
		b := f.byte()
		value |= int(b&0x7f) << shift
		if b < 0x80 {
			return value
		}
	}
	f.bad, f.rest = true, nil
	return 0
}

// binary is a length of two bytes and that many bytes.
func (f *fields) binary() []byte { return f.take(int(f.uint16())) }

// text is UTF-8 without U+0000 (section 1.5.4 of version 5, 1.5.3 of 3.1.1).
func (f *fields) text() string {
	b := f.binary()
	if !utf8.Valid(b) || bytes.IndexByte(b, 0) >= 0 {
		f.bad, f.rest = true, nil
		return ""
	}
	return string(b)
}

// Properties of version 5 that mean something here (section 2.2.2.2).
const (
	propAssignedID      = 0x12
	propServerKeepAlive = 0x13
	propAuthMethod      = 0x15
	propReason          = 0x1f
	propReceiveMaximum  = 0x21
	propTopicAlias      = 0x23
	propMaximumPacket   = 0x27
)

// properties walks over a list of properties and gives the identifiers in it that mean
// something here as bits; all others are skipped. An identifier that does not exist makes
// the packet malformed.
func (f *fields) properties() (seen uint64) {
	list := fields{rest: f.take(f.varint()), bad: f.bad}
	for len(list.rest) > 0 && !list.bad {
		id := list.varint()
		switch id {
		case 0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2a:
			list.take(1)
		case 0x13, 0x21, 0x22, 0x23:
			list.take(2)
		case 0x02, 0x11, 0x18, 0x27:
			list.take(4)
		case 0x0b:
			list.varint()
		case 0x03, 0x08, 0x12, 0x15, 0x1a, 0x1c, 0x1f:
			list.text()
		case 0x09, 0x16:
			list.binary()
		case 0x26:
			list.text()
			list.text()
		default:
			list.bad = true
		}
		seen |= 1 << (id & 63)
	}
	f.bad = f.bad || list.bad
	return seen
}

// has tells whether a property is among those seen.
func has(seen uint64, id int) bool { return seen&(1<<id) != 0 }
