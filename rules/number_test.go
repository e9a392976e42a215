package rules

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestNumber(t *testing.T) {
	for _, tt := range []struct {
		f     float64
		bytes int
	}{{0, 1}, {1, 1}, {93, 2}, {3.3, 2}, {21.45, 3}, {-12.5, 2}, {1013.25, 3}, {100.0 / 3, 5}, {1e30, 5}, {123456.789, 5}} {
		if got := len(appendNumber(nil, kept(tt.f))); got != tt.bytes {
			t.Errorf("%v takes %d bytes, want %d", tt.f, got, tt.bytes)
		}
	}
	for _, f := range []float64{3.3, 0.1, 89.99, -0.000001, 52.279911} {
		if kept(f) != f {
			t.Errorf("%v is kept as %v", f, kept(f))
		}
	}
	if math.Signbit(kept(math.Copysign(0, -1))) {
		t.Error("zero has a sign")
	}
}

// Every number is read back as it is kept, and kept twice is kept once.
func TestNumberReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.Float64().Draw(t, "f")
		if math.IsNaN(f) || math.IsInf(f, 0) {
			t.Skip("is not kept")
		}
		k := kept(f)
		d := &decoder{b: appendNumber(nil, k)}
		if got := d.number(); got != k || d.bad || d.left() > 0 {
			t.Fatalf("%v is kept as %v and read back as %v", f, k, got)
		}
		if kept(k) != k {
			t.Fatalf("%v is kept as %v, then as %v", f, k, kept(k))
		}
		if near := math.Abs(k - f); near > math.Abs(f)*1e-7 && math.Abs(f) < 1e38 && math.Abs(f) > 1e-37 {
			t.Fatalf("%v is kept as %v", f, k)
		}
	})
}
