package sqlite

import (
	"testing"
	"time"
)

// Steps that take long become small, steps that take no time become large, within bounds;
// the longest is remembered.
func TestStepsAdapt(t *testing.T) {
	e := (&Store{}).eraser()
	for _, test := range []struct {
		name  string
		took  time.Duration
		times int
		size  func(before int) bool
	}{
		{"as long as they may", stepTime, 5, func(before int) bool { return e.size == before }},
		{"too long, once", 2 * stepTime, 1, func(before int) bool { return e.size == before/2 }},
		{"too long for long", 5 * stepTime, 20, func(int) bool { return e.size == smallestStep }},
		{"no time, once", 0, 1, func(before int) bool { return e.size > before }},
		{"no time for long", time.Microsecond, 50, func(int) bool { return e.size == largestStep }},
	} {
		before := e.size
		for range test.times {
			e.adapt(test.took)
		}
		if !test.size(before) {
			t.Errorf("%s: %d rows became %d", test.name, before, e.size)
		}
	}
	if e.longest != 5*stepTime {
		t.Errorf("longest %v, want %v", e.longest, 5*stepTime)
	}
}
