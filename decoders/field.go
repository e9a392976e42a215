package decoders

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"meldefunk/city"
)

// form is how a number's bytes are laid out.
type form uint8

const (
	u8 form = iota
	s8
	u16be
	u16le
	s16be
	s16le
	m16be // highest bit is the sign, the others the magnitude
	u24be
	s24le
	u32be
	u32le
	u32mid // two words of 16 bits, the lower one first, each big endian
	s32be
	s32le
	bcd8le // 8 decimal digits, lowest first
	f32be  // IEEE 754
	f32le
)

// size is the number of bytes.
func (f form) size() int {
	switch {
	case f <= s8:
		return 1
	case f <= m16be:
		return 2
	case f <= s24le:
		return 3
	}
	return 4
}

func (f form) signed() bool {
	switch f {
	case s8, s16be, s16le, s24le, s32be, s32le:
		return true
	}
	return false
}

func (f form) float() bool { return f >= f32be }

// little tells whether the lowest byte comes first.
func (f form) little() bool {
	switch f {
	case u16le, s16le, s24le, u32le, s32le, f32le:
		return true
	}
	return false
}

// standing is a mask of the number as one of its bytes as they stand.
func (f form) standing(mask uint32) uint32 {
	if f.little() {
		return bits.ReverseBytes32(mask) >> (32 - 8*f.size())
	}
	return mask
}

// get reads the number; of a float, the bits.
func (f form) get(b []byte) int64 {
	switch f {
	case u8:
		return int64(b[0])
	case s8:
		return int64(int8(b[0]))
	case u16be:
		return int64(binary.BigEndian.Uint16(b))
	case u16le:
		return int64(binary.LittleEndian.Uint16(b))
	case s16be:
		return int64(int16(binary.BigEndian.Uint16(b)))
	case s16le:
		return int64(int16(binary.LittleEndian.Uint16(b)))
	case m16be:
		n := int64(binary.BigEndian.Uint16(b))
		if n > 0x7fff {
			return 0x8000 - n
		}
		return n
	case u24be:
		return int64(b[0])<<16 | int64(b[1])<<8 | int64(b[2])
	case s24le:
		return int64(b[0]) | int64(b[1])<<8 | int64(int8(b[2]))<<16
	case u32be, f32be:
		return int64(binary.BigEndian.Uint32(b))
	case u32le, f32le:
		return int64(binary.LittleEndian.Uint32(b))
	case bcd8le:
		return decimal(b)
	case u32mid:
		return int64(binary.BigEndian.Uint16(b)) | int64(binary.BigEndian.Uint16(b[2:]))<<16
	case s32be:
		return int64(int32(binary.BigEndian.Uint32(b)))
	}
	return int64(int32(binary.LittleEndian.Uint32(b)))
}

// decimal reads 8 digits of half a byte each, lowest first; -1 where one is none.
func decimal(b []byte) int64 {
	n := int64(0)
	for i := 3; i >= 0; i-- {
		high, low := int64(b[i]>>4), int64(b[i]&0x0f)
		if high > 9 || low > 9 {
			return -1
		}
		n = n*100 + high*10 + low
	}
	return n
}

// set writes the number's low bytes over b; bits outside mask stay.
func (f form) set(b []byte, n int64, mask uint32) {
	if f == m16be && n < 0 {
		n = 0x8000 - n
	}
	n = n&int64(mask) | f.get(b)&^int64(mask)
	if f == bcd8le {
		for i := range 4 {
			b[i] = byte(n%10 | n/10%10<<4)
			n /= 100
		}
		return
	}
	if f == u32mid {
		binary.BigEndian.PutUint16(b, uint16(n))
		binary.BigEndian.PutUint16(b[2:], uint16(n>>16))
		return
	}
	size := f.size()
	for i := range size {
		at := size - 1 - i
		if f.little() {
			at = i
		}
		b[at] = byte(n >> (8 * i))
	}
}

// field is how one quantity stands in a frame: value = (raw × times + plus) / per. Whole
// numbers are scaled before they are divided, so that 0.1 °C steps come out as the nearest
// floating-point number and go back into a frame unchanged.
type field struct {
	quantity city.Quantity
	at       int // first byte
	form     form
	mask     uint32  // bits that belong to it; 0: all
	times    float64 // 0: 1
	plus     float64
	per      float64 // 0: 1
	inverted bool    // of a boolean: 0 is yes
	nonzero  bool    // of a boolean: any number but 0 is yes
	codes    []code  // raw numbers that are no value
	slack    float64 // how far beyond the physical range a number still counts as its end
	highest  int64   // raw numbers above it say nothing; 0: no such limit
	lowest   int64   // raw numbers below it are of something too close; 0: no such limit
}

// code is a raw number with a meaning of its own. Without a fault it says that nothing is
// measured by design, such as a probe that was never bought.
type code struct {
	raw   int64 // as the form gives it, masked and shifted down
	fault city.Fault
}

// shift is how far the mask stands from the right.
func (f *field) shift() int {
	if f.mask == 0 {
		return 0
	}
	return bits.TrailingZeros32(f.mask)
}

// read puts the quantity, or its fault, into r. data reaches to the end of the field.
func (f *field) read(data []byte, r *city.Reading) {
	if n, ok := f.measure(data, r); ok {
		put(r, f.quantity, n)
	}
}

// readAll reads the fields of a fixed frame. Each quantity has one place in it, so that r need
// not be searched for it first: that would be most of the work in a long frame.
func readAll(fields []field, data []byte, r *city.Reading) {
	values := r.Values
	for i := range fields {
		f := &fields[i]
		n, ok := f.measure(data, r)
		switch {
		case !ok:
		case possible(f.quantity, n):
			values = append(values, city.Value{Quantity: f.quantity, Number: n})
		default:
			fault(r, city.FaultImplausible)
		}
	}
	r.Values = values
}

// measure gives the number that stands in data. Where it is a code, it puts the fault into r
// instead.
func (f *field) measure(data []byte, r *city.Reading) (n float64, ok bool) {
	raw := f.number(data[f.at:])
	for i := range f.codes {
		if f.codes[i].raw == raw {
			if f.codes[i].fault != "" {
				fault(r, f.codes[i].fault)
			}
			return 0, false
		}
	}
	if f.highest != 0 && raw > f.highest {
		return 0, false
	}
	if f.lowest != 0 && raw < f.lowest {
		fault(r, city.FaultTooClose)
		return 0, false
	}
	n = f.value(raw)
	if f.slack > 0 {
		lowest, highest := f.quantity.Range()
		if n >= lowest-f.slack && n <= highest+f.slack {
			n = min(max(n, lowest), highest)
		}
	}
	return n, true
}

// number is the raw number that stands in data, which begin with it.
func (f *field) number(data []byte) int64 {
	var raw int64
	if f.form == u16be { // most numbers are
		raw = int64(binary.BigEndian.Uint16(data))
	} else {
		raw = f.form.get(data)
	}
	if f.mask != 0 {
		raw = raw & int64(f.mask) >> f.shift()
	}
	return raw
}

// value is what a raw number means.
func (f *field) value(raw int64) float64 {
	if f.inverted || f.nonzero {
		return city.Bool((raw != 0) != f.inverted)
	}
	n := float64(raw)
	if f.form.float() {
		n = float64(math.Float32frombits(uint32(raw)))
	}
	if f.times != 0 {
		n *= f.times
	}
	n += f.plus
	if f.per != 0 {
		n /= f.per
	}
	return n
}

// raw is the number that stands in a frame for n. A number that means something else there
// does not fit, unless it is a fault: so a broken probe can be played.
func (f *field) raw(n float64) (int64, error) {
	scaled := n
	if f.inverted {
		scaled = 1 - n
	}
	if f.per != 0 {
		scaled *= f.per
	}
	scaled -= f.plus
	if f.times != 0 {
		scaled /= f.times
	}
	if f.form.float() {
		if short := float32(scaled); !math.IsNaN(scaled) && !math.IsInf(float64(short), 0) {
			return int64(math.Float32bits(short)), nil
		}
		return 0, fmt.Errorf("%s %v does not fit: want a number that 32 bits hold", f.quantity, n)
	}
	lowest, highest := f.limits()
	scaled = math.Round(scaled)
	fits := scaled >= float64(lowest) && scaled <= float64(highest)
	for _, c := range f.codes {
		fits = fits && (c.fault != "" || float64(c.raw) != scaled)
	}
	if !fits {
		low, high := f.value(lowest), f.value(highest)
		return 0, fmt.Errorf("%s %v does not fit: the frame holds %v to %v %s",
			f.quantity, n, min(low, high), max(low, high), f.quantity.Unit())
	}
	return int64(scaled), nil
}

// limits are the lowest and highest raw numbers.
func (f *field) limits() (lowest, highest int64) {
	width := 8 * f.form.size()
	switch {
	case f.quantity.Boolean():
		return 0, 1
	case f.highest != 0:
		return 0, f.highest
	case f.form == m16be:
		return -0x7fff, 0x7fff
	case f.form == bcd8le:
		return 0, 99_999_999
	case f.mask != 0:
		return 0, int64(f.mask >> f.shift())
	case f.form.signed():
		return -1 << (width - 1), 1<<(width-1) - 1
	}
	return f.lowest, 1<<width - 1
}

// write puts the quantity's number into a frame: the given one, or where there is none the
// code for that.
func (f *field) write(data []byte, values []city.Value) error {
	n, given := find(values, f.quantity)
	var raw int64
	switch {
	case given:
		var err error
		if raw, err = f.raw(n); err != nil {
			return err
		}
	case len(f.codes) > 0:
		raw = f.codes[0].raw
	default:
		return fmt.Errorf("%s is missing: it is in every frame", f.quantity)
	}
	mask := f.mask
	if mask == 0 {
		mask = math.MaxUint32
	}
	f.form.set(data[f.at:], raw<<f.shift(), mask)
	return nil
}

// trouble is a bit by which the device reports a fault.
type trouble struct {
	at    int
	mask  byte
	fault city.Fault
}

func (t *trouble) read(data []byte, r *city.Reading) {
	if data[t.at]&t.mask != 0 {
		fault(r, t.fault)
	}
}
