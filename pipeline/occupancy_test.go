package pipeline_test

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
)

// bay is a frame of a parking sensor.
func (w *world) bay(fcnt uint32, occupied byte, at time.Duration) city.Arrival {
	a := w.up("s", fcnt, occupied, at)
	a.Event.Uplink.FPort = 3
	return a
}

// bays shows readings of a bay as "minute: occupied, since minute[, after minutes]".
func bays(readings []city.Reading) []string {
	var all []string
	for i := range readings {
		r := &readings[i]
		occupied, told := r.Value(city.Occupied)
		if !told {
			continue
		}
		text := fmt.Sprintf("%v: %v", r.Time.At.Sub(start).Minutes(), occupied)
		if since, ok := r.Value(city.OccupiedSince); ok {
			text += fmt.Sprintf(" since %v", (since-float64(start.Unix()))/60)
		}
		if lasted, ok := r.Value(city.FormerDuration); ok {
			text += fmt.Sprintf(" after %v", lasted)
		}
		all = append(all, text)
	}
	return all
}

func TestOccupancy(t *testing.T) {
	w := newWorld(t)
	simulated := w.bay(90, 0, 26*time.Minute)
	simulated.Event.Uplink.Simulated = true
	for _, a := range []city.Arrival{ // a restart before each
		w.bay(1, 1, 0),
		w.bay(2, 1, 10*time.Minute),
		w.bay(3, 0, 20*time.Minute), // the beginning of what ends here was not seen
		w.bay(5, 0, 25*time.Minute),
		simulated,
		w.bay(6, 1, 30*time.Minute),
		w.bay(4, 0, 22*time.Minute), // late
		w.up("s", 7, 50, 35*time.Minute),
		w.bay(8, 1, 40*time.Minute),
		w.bay(9, 0, 100*time.Minute),
	} {
		w.carry(a)
	}
	want := []string{
		"0: 1 since 0", "10: 1 since 0", "20: 0 since 20", "25: 0 since 20", "26: 0", "30: 1 since 30 after 10", "22: 0",
		"40: 1 since 30", "100: 0 since 100 after 70",
	}
	if got := bays(w.readings()); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
	state, err := w.store.State(t.Context(), "PK-1", "")
	if o := state.Occupancy; err != nil || o == nil || o.Occupied || !o.Began || !o.Since.Equal(start.Add(100*time.Minute)) {
		t.Errorf("state %+v, %v", state, err)
	}
}

// A burst becomes known as one frame after the other is committed at the time of its delivery.
// What the readings say of the bay is what they would say had it come in one go.
func TestOccupancyOfABurst(t *testing.T) {
	const period = 10 * time.Minute
	says := func(apart bool) []string {
		w := newWorld(t)
		var all []city.Arrival
		for n := range uint32(20) {
			at := time.Duration(n) * period
			if n >= 10 && n < 17 { // the line is down
				at = 16*period + time.Duration(n-10)*time.Second
			}
			occupied := byte(1)
			if n/3%2 == 0 {
				occupied = 0
			}
			all = append(all, w.bay(n, occupied, at))
		}
		for len(all) > 0 && apart {
			w.carry(all[0])
			all = all[1:]
		}
		w.carry(all...)
		got := bays(w.readings())
		slices.SortFunc(got, func(a, b string) int { return cmp.Compare(minute(t, a), minute(t, b)) })
		return got
	}
	want, got := says(false), says(true)
	if !slices.Equal(got, want) {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
}

func minute(t *testing.T, text string) float64 {
	before, _, _ := strings.Cut(text, ":")
	n, err := strconv.ParseFloat(before, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
