package city

import (
	"testing"
	"time"
)

func TestHangings(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 5, n, 0, 0, 0, 0, time.UTC) }
	a, b := &Asset{ID: "a"}, &Asset{ID: "b"}
	moved := Hangings{{a, day(3), day(10)}, {b, day(12), time.Time{}}}
	for name, test := range map[string]struct {
		h    Hangings
		at   time.Time
		want *Asset
	}{
		"before all":           {moved, day(2), nil},
		"from the first":       {moved, day(3), a},
		"until the last":       {moved, day(10).Add(-1), a},
		"the end is not in it": {moved, day(10), nil},
		"in between":           {moved, day(11), nil},
		"the second":           {moved, day(12), b},
		"still":                {moved, day(30), b},
		"for ever":             {Hangings{{Asset: a}}, time.Time{}, a},
		"taken down":           {moved[:1], day(30), nil},
		"never":                {nil, day(3), nil},
	} {
		if got := test.h.At(test.at); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
	if !moved.Told() || (Hangings{{Asset: a}}).Told() || !(Hangings)(nil).Told() {
		t.Error("told or not")
	}
}
