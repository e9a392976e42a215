package lorawan

import (
	"testing"
)

func TestFullFCnt(t *testing.T) {
	for _, c := range []struct {
		name string
		last uint32
		air  uint16
		want uint32
	}{
		{"first", 0, 0, 0},
		{"next", 5, 6, 6},
		{"repeat", 5, 5, 5},
		{"overtaken", 5, 4, 4},
		{"over the edge", 0xffff, 0, 0x10000},
		{"back over the edge", 0x10000, 0xffff, 0xffff},
		{"gap of 16384", 0xf000, 0x3000, 0x13000},
		{"farthest ahead", 0x20000, 0x7fff, 0x27fff},
		{"farthest back", 0x20000, 0x8000, 0x18000},
		{"nothing before the first", 3, 0xfff0, 0xfff0},
		{"nothing just before the first", 5, 0xffff, 0xffff},
		{"nothing just after the last", 0xffffffff, 0, 0xffff0000},
		{"nothing after the last", 0xfffffff0, 3, 0xffff0003},
		{"the last", 0xfffffff0, 0xffff, 0xffffffff},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := FullFCnt(c.last, c.air); got != c.want {
				t.Errorf("%#x after %#x is %#x, want %#x", c.air, c.last, got, c.want)
			}
		})
	}
}
