package rules

import (
	"encoding/binary"
	"math"
)

// Most of what sensors send has few digits: such numbers are kept as they are, in one to
// four bytes. What was computed, like a fill level from a distance, is rounded to a
// float32, which has seven digits.

var tens = [...]float64{1, 10, 100, 1000, 10_000, 100_000, 1_000_000}

// maxMantissa bounds the digits of a number that is kept as it is.
const maxMantissa = 1 << 40

// decimal gives a number as an integer and how many of its digits are behind the point.
func decimal(f float64) (mantissa int64, behind int, short bool) {
	for i, ten := range tens {
		m := f * ten
		if math.Abs(m) > maxMantissa {
			return 0, 0, false
		}
		half := 0.5
		if m < 0 {
			half = -half
		}
		if r := int64(m + half); float64(r)/ten == f {
			return r, i, true
		}
	}
	return 0, 0, false
}

// kept is a number as it will be read back.
func kept(f float64) float64 {
	if _, _, short := decimal(f); short {
		return f + 0 // no negative zero
	}
	if g := float64(float32(f)); !math.IsInf(g, 0) {
		return g
	}
	return math.Copysign(math.MaxFloat32, f)
}

const wide = 7 // in place of the digits behind the point: a float32 follows

func appendNumber(b []byte, f float64) []byte {
	if m, behind, short := decimal(f); short {
		return binary.AppendUvarint(b, uint64(m<<1^m>>63)<<3|uint64(behind))
	}
	b = append(b, wide)
	return binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(f)))
}

func (d *decoder) number() float64 {
	u := d.uvarint()
	behind := int(u & 7)
	if behind == wide {
		f := math.Float32frombits(d.fixed32())
		if f != f || math.IsInf(float64(f), 0) {
			d.fail()
		}
		return float64(f)
	}
	z := u >> 3
	return float64(int64(z>>1)^-int64(z&1)) / tens[behind]
}
