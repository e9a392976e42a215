package chirpstack

import (
	"bytes"
	"errors"
	"io"
	"math"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"meldefunk/city"
)

// wire reads a protobuf message field by field (protobuf.dev, "Encoding"). It goes into
// a message within the message only where it is told to, so no input decides how deep it
// goes, and what is not asked for costs nothing. The first error stays: after it there
// is no next field and every value is zero.
type wire struct {
	body    []byte
	at, end int    // of the message being read: the next byte, and the one after the last
	event   string // whose fields these are, for errors: "ChirpStack v4"
	err     error

	// The present field.
	field protowire.Number
	typ   protowire.Type
	start int    // where its value begins
	bits  uint64 // its value, where it is a number
	bytes []byte // its value, where it is not; part of body
}

// readEither has a body read as JSON or as protobuf. "{" would begin a group, which proto3
// does not have, and after a line feed a first field of 123 bytes, where ChirpStack has an
// id of 36 or a time.
func readEither(body []byte, asJSON, asWire func(body []byte) error) error {
	switch start := bytes.TrimLeft(body, " \t\r\n"); {
	case len(start) == 0:
		return malformed("the message is empty")
	case start[0] == '{':
		return asJSON(body)
	}
	return asWire(body)
}

// readWire has read take all fields of a body.
func readWire(body []byte, event string, read func(w *wire)) error {
	w := wire{body: body, end: len(body), event: event}
	for w.next() {
		read(&w)
	}
	return w.err
}

// next goes on to the next field of the present message.
func (w *wire) next() bool {
	if w.err != nil || w.at == w.end {
		return false
	}
	begin := w.at
	var n int
	w.field, w.typ, n = protowire.ConsumeTag(w.body[w.at:w.end])
	if n < 0 {
		return w.broken(begin, n)
	}
	w.at += n
	w.start, w.bytes = w.at, nil
	switch rest := w.body[w.at:w.end]; w.typ {
	case protowire.VarintType:
		w.bits, n = protowire.ConsumeVarint(rest)
	case protowire.Fixed32Type:
		var bits uint32
		bits, n = protowire.ConsumeFixed32(rest)
		w.bits = uint64(bits)
	case protowire.Fixed64Type:
		w.bits, n = protowire.ConsumeFixed64(rest)
	case protowire.BytesType:
		w.bytes, n = protowire.ConsumeBytes(rest)
		w.start += n - len(w.bytes)
	default:
		return w.fail("wire type %d at byte %d: neither JSON nor this event of %s", w.typ, begin, w.event)
	}
	if n < 0 {
		return w.broken(begin, n)
	}
	w.at += n
	return true
}

// broken keeps an error code of protowire, of the field that begins at a byte.
func (w *wire) broken(begin, code int) bool {
	if errors.Is(protowire.ParseError(code), io.ErrUnexpectedEOF) {
		return w.fail("cut off: the field at byte %d reaches beyond byte %d", begin, w.end)
	}
	return w.fail("no field can begin like the one at byte %d: neither JSON nor this event of %s", begin, w.event)
}

// fail keeps the first error. It is always false, for callers to return.
func (w *wire) fail(format string, args ...any) bool {
	if w.err == nil {
		w.err = malformed("as protobuf, "+format, args...)
	}
	return false
}

// is refuses the present field unless it has the type that its name has in ChirpStack.
func (w *wire) is(name string, typ protowire.Type) bool {
	if w.typ == typ {
		return w.err == nil
	}
	return w.fail("%s at byte %d has wire type %d, want %d: neither JSON nor this event of %s", name, w.start, w.typ, typ, w.event)
}

// message has read take all fields of the message that the present field is. After it
// the present field is the same as before.
func (w *wire) message(name string, read func()) {
	if !w.is(name, protowire.BytesType) {
		return
	}
	outer := *w
	w.at, w.end = w.start, w.start+len(w.bytes)
	for w.next() {
		read()
	}
	outer.err = w.err
	*w = outer
}

// uint is a number from 0 to most.
func (w *wire) uint(name string, most uint64) uint64 {
	if !w.is(name, protowire.VarintType) {
		return 0
	}
	if w.bits > most {
		w.fail("%s at byte %d is %d: want a whole number from 0 to %d", name, w.start, w.bits, most)
		return 0
	}
	return w.bits
}

func (w *wire) uint8(name string) uint8 { return uint8(w.uint(name, math.MaxUint8)) }

func (w *wire) uint32(name string) uint32 { return uint32(w.uint(name, math.MaxUint32)) }

// int16 is a number that is an int32 in ChirpStack and never needs that much.
func (w *wire) int16(name string) int16 {
	if !w.is(name, protowire.VarintType) {
		return 0
	}
	n := int64(w.bits)
	if n != int64(int16(n)) {
		w.fail("%s at byte %d is %d: want a whole number from -32768 to 32767", name, w.start, n)
		return 0
	}
	return int16(n)
}

func (w *wire) bool(name string) bool {
	return w.is(name, protowire.VarintType) && w.bits != 0
}

func (w *wire) float32(name string) float32 {
	if !w.is(name, protowire.Fixed32Type) {
		return 0
	}
	return float32(w.finite(name, float64(math.Float32frombits(uint32(w.bits)))))
}

func (w *wire) float64(name string) float64 {
	if !w.is(name, protowire.Fixed64Type) {
		return 0
	}
	return w.finite(name, math.Float64frombits(w.bits))
}

// finite refuses what JSON has no number for, and what a float32 cannot hold: nothing
// that is measured is so large.
func (w *wire) finite(name string, f float64) float64 {
	if !(math.Abs(f) <= math.MaxFloat32) {
		w.fail("%s at byte %d is %g: want a number", name, w.start, f)
		return 0
	}
	return f
}

// text is a string; a copy.
func (w *wire) text(name string) string {
	if !w.is(name, protowire.BytesType) {
		return ""
	}
	if !utf8.Valid(w.bytes) {
		w.fail("%s at byte %d is not valid UTF-8", name, w.start)
		return ""
	}
	return string(w.bytes)
}

// data is a string of bytes; a copy.
func (w *wire) data(name string) []byte {
	if !w.is(name, protowire.BytesType) {
		return nil
	}
	return bytes.Clone(w.bytes)
}

// id is what has n bytes, or none where it is unset; part of the body.
func (w *wire) id(name string, n int) []byte {
	if !w.is(name, protowire.BytesType) {
		return nil
	}
	if len(w.bytes) != n && len(w.bytes) != 0 {
		w.fail("%s at byte %d has %d bytes: want %d", name, w.start, len(w.bytes), n)
		return nil
	}
	return w.bytes
}

// eui is an EUI in hex digits.
func (w *wire) eui(name string) city.EUI {
	s := w.text(name)
	if w.err != nil {
		return city.EUI{}
	}
	eui, err := city.ParseEUI(s)
	if err != nil {
		w.fail("%s at byte %d is %q: want 16 hex digits", name, w.start, head(s, 40))
	}
	return eui
}

// The years 1 and 9999 bound google.protobuf.Timestamp (timestamp.proto), in seconds.
const (
	firstSecond = -62135596800
	lastSecond  = 253402300799
)

// time is a google.protobuf.Timestamp, in UTC.
func (w *wire) time(name string) time.Time {
	seconds, nanos := w.secondsAndNanos(name)
	if seconds < firstSecond || seconds > lastSecond || nanos < 0 || nanos > 999999999 {
		w.fail("%s at byte %d is %d s and %d ns: want a time of the years 1 to 9999", name, w.start, seconds, nanos)
	}
	if w.err != nil {
		return time.Time{}
	}
	return time.Unix(seconds, nanos).UTC()
}

// sinceGPS is a google.protobuf.Duration since the GPS epoch, of at most 200 years.
func (w *wire) sinceGPS(name string) sinceGPS {
	seconds, nanos := w.secondsAndNanos(name)
	if seconds < 0 || seconds > 200*365*24*3600 || nanos < 0 || nanos > 999999999 {
		w.fail("%s at byte %d is %d s and %d ns: want a time since 1980", name, w.start, seconds, nanos)
	}
	if w.err != nil {
		return 0
	}
	return sinceGPS(time.Duration(seconds)*time.Second + time.Duration(nanos))
}

// secondsAndNanos are the fields of a google.protobuf.Timestamp or Duration.
func (w *wire) secondsAndNanos(name string) (seconds, nanos int64) {
	w.message(name, func() {
		switch w.field {
		case 1:
			if w.is(name, protowire.VarintType) {
				seconds = int64(w.bits)
			}
		case 2:
			if w.is(name, protowire.VarintType) {
				nanos = int64(w.bits)
			}
		}
	})
	return seconds, nanos
}
