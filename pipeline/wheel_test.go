package pipeline

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"meldefunk/city"
)

// come takes all from a wheel up to a time, as "second name".
func come(w *wheel, now time.Time) (all []string) {
	for s := w.next(now); s != nil; s = w.next(now) {
		all = append(all, fmt.Sprint(s.waits.Unix(), " ", s.subject().name()))
		w.remove(s)
	}
	return all
}

// The wheel brings everybody at his time: in the order of times, then groups, then names.
func TestWheel(t *testing.T) {
	at := func(second int64) time.Time { return time.Unix(second, 0).UTC() }
	w := newWheel()
	state := func(asset, group string, due int64) *assetState {
		s := &assetState{AssetState: city.AssetState{Asset: asset, Group: group, Deadline: at(due)}}
		w.put(s)
		return s
	}
	state("b", "", 305)
	state("", "tour", 305)
	state("a", "", 305)
	c := state("c", "", 310)
	d := state("d", "", 500)
	e := state("e", "", 700)
	c.Deadline = at(900) // later than was thought: he stays where he is
	w.put(c)
	d.Deadline = at(290) // sooner, in another minute
	w.put(d)
	if got := come(w, at(289)); got != nil {
		t.Errorf("%q came early", got)
	}
	state("f", "", 295) // his minute has come already
	e.poke = at(304)    // sooner, and near
	w.put(e)
	if got, want := come(w, at(304)), []string{"290 d", "295 f", "304 e"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := come(w, at(100_000)), []string{"305 tour", "305 a", "305 b", "310 c"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// However often deadlines move to and fro, and the clock is set back, each state waits in one
// place, and comes once and in its order.
func TestWheelDoesNotGrow(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	w := newWheel()
	states := make([]*assetState, 50)
	for i := range states {
		states[i] = &assetState{AssetState: city.AssetState{Asset: fmt.Sprint(i)}}
	}
	const span = 20_000 // seconds
	for now := int64(1); now < span; now += random.Int64N(20) {
		s := states[random.IntN(len(states))]
		s.Deadline = time.Unix(now+random.Int64N(span), 0)
		w.put(s)
		if random.IntN(100) == 0 {
			w.setBack()
		}
		var last time.Time
		for s := w.next(time.Unix(now, 0)); s != nil; s = w.next(time.Unix(now, 0)) {
			if s.waits.Before(last) || s.waits.After(time.Unix(now, 0)) {
				t.Fatalf("%s comes at %d, who waited until %d", s.Asset, now, s.waits.Unix())
			}
			last = s.waits
			w.remove(s)
		}
		waiting := 0
		for _, s := range states {
			if !s.waits.IsZero() {
				waiting++
			}
		}
		places := len(w.near)
		for _, slot := range w.slots {
			places += len(slot)
		}
		if places != waiting {
			t.Fatalf("%d states wait in %d places", waiting, places)
		}
	}
}
