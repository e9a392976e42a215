package pipeline

import (
	"testing"
	"time"

	"meldefunk/city"
)

// Times in which a network server could not be heard add up without counting any twice, and
// what falls into one of them waits for its end.
func TestHearing(t *testing.T) {
	at := func(minute int) time.Time { return time.Unix(int64(minute)*60, 0).UTC() }
	h := newHearing([]city.Deafness{
		{Server: "a", Since: at(10), Until: at(20)},
		{Server: "", Since: at(15), Until: at(30)},
		{Server: "a", Since: at(16), Until: at(18)},
		{Server: "b", Since: at(0), Until: at(100)},
		{Server: "a", Since: at(200), Until: at(200)},
	})
	h.open["a"] = true
	for name, c := range map[string]struct {
		server   string
		from, to int
		deaf     int
		after    int // of from; -1: deaf still
	}{
		"before all":           {"a", 0, 9, 0, 0},
		"ours and its own":     {"a", 5, 40, 20, 5},
		"from within":          {"a", 17, 40, 13, 30},
		"until within":         {"a", 5, 12, 2, 5},
		"another":              {"c", 0, 40, 15, 0},
		"another, from within": {"c", 20, 40, 10, 30},
		"one after the other":  {"b", 20, 120, 80, 100},
		"it goes on":           {"a", 190, 260, 60, 190},
		"while it goes on":     {"a", 210, 260, 50, -1},
		"ours only":            {"", 12, 40, 15, 12},
		"the wrong way":        {"a", 40, 10, 0, 40},
	} {
		t.Run(name, func(t *testing.T) {
			if got := h.deaf(c.server, at(c.from), at(c.to)); got != time.Duration(c.deaf)*time.Minute {
				t.Errorf("deaf for %v, want %d min", got, c.deaf)
			}
			got, heard := h.after(c.server, at(c.from))
			if heard != (c.after >= 0) || heard && !got.Equal(at(c.after)) {
				t.Errorf("heard %v at %v, want minute %d", heard, got, c.after)
			}
		})
	}
}

// A road without a brake counts nothing: there are rules that open cases all the time.
func TestNoBrakeCountsNothing(t *testing.T) {
	b := newBrake()
	for i := range 1000 {
		if b.holds("r", 0, time.Unix(int64(i), 0)) {
			t.Fatal("a case waits without a brake")
		}
	}
	if n := len(b.begun["r"]); n > 0 {
		t.Errorf("%d cases are remembered", n)
	}
}

// Of deaf times ahead nothing is left when the clock is set back; those before stay.
func TestHearingSetBack(t *testing.T) {
	at := func(minute int) time.Time { return time.Unix(int64(minute)*60, 0).UTC() }
	h := newHearing([]city.Deafness{{Since: at(0), Until: at(5)}, {Since: at(10), Until: at(9000)}, {Server: "a", Since: at(8000), Until: at(8005)}})
	if got := h.setBack(at(12)); len(got) != 2 || !got[0].Until.Equal(at(12)) || !got[1].Until.Equal(got[1].Since) {
		t.Errorf("changed: %+v", got)
	}
	if got := h.deaf("a", at(0), at(9500)); got != 7*time.Minute {
		t.Errorf("deaf for %v, want 7 min", got)
	}
	if got, heard := h.after("a", at(11)); !heard || !got.Equal(at(12)) || !h.last.Equal(at(12)) {
		t.Errorf("heard again %v at %v, last %v", heard, got, h.last)
	}
}
