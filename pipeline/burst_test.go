package pipeline_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"meldefunk/city"
)

// heardAt is a frame with the counter fcnt that the network server claims to be of the time
// at, and that arrives a second later.
func (w *world) heardAt(fcnt uint32, at time.Duration) city.Arrival {
	a := w.up("s", fcnt, byte(fcnt%80), at)
	a.Message.Received = start.Add(at + time.Second)
	a.Event.Uplink.Received = a.Message.Received
	return a
}

// every is n frames in a period, from the counter first on.
func (w *world) every(period time.Duration, first, n uint32) (all []city.Arrival) {
	for i := range n {
		all = append(all, w.heardAt(first+i, time.Duration(first+i)*period))
	}
	return all
}

// burst is n frames that come at once, a second apart.
func (w *world) burst(first, n uint32, at time.Duration) (all []city.Arrival) {
	for i := range n {
		all = append(all, w.heardAt(first+i, at+time.Duration(i)*time.Second))
	}
	return all
}

// copies are other deliveries of what burst gave.
func (w *world) copies(first, n uint32, at time.Duration) []city.Arrival {
	all := w.burst(first, n, at)
	for i := range all {
		all[i].Event.Uplink.Radio = city.Radio{Gateways: 1, Gateway: "b", SNR: 3}
	}
	return all
}

func sourced(all []city.Arrival, source city.TimeSource) []city.Arrival {
	for i := range all {
		all[i].Event.Uplink.Time.Source = source
	}
	return all
}

// times gives "counter:minutes" of every reading in order of event time; "~" marks what
// was estimated. Frames must have the times of their readings.
func (w *world) times() string {
	w.t.Helper()
	readings := w.readings()
	slices.SortFunc(readings, func(a, b city.Reading) int { return a.Time.At.Compare(b.Time.At) })
	frames, err := w.store.FramesOf(context.Background(), sensor, 0, 1e6)
	if err != nil {
		w.t.Fatal(err)
	}
	if len(frames) != len(readings) {
		w.t.Errorf("%d frames, %d readings", len(frames), len(readings))
	}
	taken := map[time.Time]bool{}
	for _, r := range readings {
		taken[r.Time.At] = true
	}
	var all []string
	for i, r := range readings {
		for _, at := range r.Former {
			if taken[at] {
				w.t.Errorf("reading %d was of %v, and another one is now", r.FCnt, at)
			}
		}
		mark := ""
		if r.Time.Source == city.TimeEstimated {
			mark = "~"
		}
		all = append(all, fmt.Sprintf("%d:%s%v", r.FCnt, mark, r.Time.At.Sub(start).Minutes()))
		f := frames[slices.IndexFunc(frames, func(f city.Frame) bool { return f.Uplink.FCnt == r.FCnt && f.Epoch == r.Epoch })]
		if f.Uplink.Time != r.Time {
			w.t.Errorf("frame %d is of %v, its reading of %v", r.FCnt, f.Uplink.Time, r.Time)
		}
		if r.Time.At.After(r.Received.Add(2 * time.Minute)) {
			w.t.Errorf("reading %d is of %v, after it came (%v)", r.FCnt, r.Time.At, r.Received)
		}
		if i > 0 && !readings[i-1].Time.At.Before(r.Time.At) {
			w.t.Errorf("readings %d and %d are of one time", readings[i-1].FCnt, r.FCnt)
		}
	}
	return strings.Join(all, " ")
}

// A device sends every ten minutes, seven frames live. Then frames are held up and come at
// once; "live" are the minutes of the first ones.
func TestBursts(t *testing.T) {
	const m = time.Minute
	const live = "0:0 1:10 2:20 3:30 4:40 5:50 6:60 "
	for name, c := range map[string]struct {
		then func(w *world) []city.Arrival
		want string
	}{
		"an hour's frames at once": {func(w *world) []city.Arrival { return w.burst(7, 6, 125*m) },
			live + "7:~70 8:~80 9:~90 10:~100 11:~110 12:~120"},
		"one lost in the air": {func(w *world) []city.Arrival { return slices.Delete(w.burst(7, 6, 125*m), 2, 3) },
			live + "7:~70 8:~80 10:~100 11:~110 12:~120"},
		"the first lost in the air": {func(w *world) []city.Arrival { return w.burst(8, 5, 125*m) },
			live + "8:~80 9:~90 10:~100 11:~110 12:~120"},
		"then live again": {func(w *world) []city.Arrival {
			return append(w.burst(7, 3, 99*m), w.heardAt(10, 100*m), w.heardAt(11, 110*m))
		}, live + "7:~70 8:~80 9:~90 10:100 11:110"},
		"a live one right behind": {func(w *world) []city.Arrival {
			return append(w.burst(7, 3, 99*m+50*time.Second), w.heardAt(10, 100*m))
		}, live + "7:~70 8:~80 9:~90 10:100"}, // as reckoned
		"the period is not exact": {func(w *world) []city.Arrival { return w.burst(7, 6, 117*m) }, // the last is 117 min 5 s
			live + "7:~67.08333333333333 8:~77.08333333333333 9:~87.08333333333333 10:~97.08333333333333 11:~107.08333333333333 12:117.08333333333333"},
		"two sent one right after the other": {func(w *world) []city.Arrival { return w.burst(7, 2, 70*m) },
			live + "7:70 8:70.01666666666667"},
		"two at the end of a silence": {func(w *world) []city.Arrival { return w.burst(7, 2, 300*m) },
			live + "7:300 8:300.01666666666665"},
		"by satellite": {func(w *world) []city.Arrival { return sourced(w.burst(7, 2, 82*m), city.TimeGPS) },
			live + "7:82 8:82.01666666666667"},
		"by a gateway's clock at delivery": {func(w *world) []city.Arrival { return sourced(w.burst(7, 2, 82*m), city.TimeGateway) },
			live + "7:~70 8:~80"},
		"by a gateway's clock when heard, delivered at once": {func(w *world) []city.Arrival {
			all := sourced(w.every(10*m, 7, 6), city.TimeGateway)
			for i := range all {
				all[i].Event.Uplink.Received = start.Add(125 * m)
			}
			return all
		}, live + "7:70 8:80 9:90 10:100 11:110 12:120"},
		"the platform was away": {func(w *world) []city.Arrival {
			all := append(w.every(10*m, 7, 2), w.burst(9, 4, 125*m)...)
			for i := range all {
				all[i].Event.Uplink.Received = start.Add(600 * m)
			}
			return all
		}, live + "7:70 8:80 9:~90 10:~100 11:~110 12:~120"},
		"came one by one": {func(w *world) []city.Arrival {
			all := w.burst(7, 6, 125*m)
			for i := range all {
				all[i].Event.Uplink.Received = start.Add(125*m + time.Duration(i)*2*m)
			}
			return all
		}, live + "7:125 8:125.01666666666667 9:125.03333333333333 10:125.05 11:125.06666666666666 12:125.08333333333333"},
		"a second burst": {func(w *world) []city.Arrival {
			return append(w.burst(7, 3, 99*m), w.burst(10, 3, 129*m)...)
		}, live + "7:~70 8:~80 9:~90 10:~100 11:~110 12:~120"},
		"at the very same time": {func(w *world) []city.Arrival {
			return []city.Arrival{w.heardAt(7, 95*m), w.heardAt(8, 95*m), w.heardAt(9, 95*m)}
		}, live + "7:~70 8:~80 9:~90"},
		"more of them than the time allows": {func(w *world) []city.Arrival {
			return []city.Arrival{w.heardAt(7, 82*m), w.heardAt(8, 82*m), w.heardAt(9, 82*m), w.heardAt(10, 92*m)}
		}, live + "7:~70 8:~80 9:82.00000000003334 10:92"}, // not at a time that 7 and 8 had
		"heard by another gateway too": {func(w *world) []city.Arrival {
			return append(w.burst(7, 6, 125*m), w.copies(7, 6, 125*m)...)
		}, live + "7:~70 8:~80 9:~90 10:~100 11:~110 12:~120"},
		"counter began anew": {func(w *world) []city.Arrival {
			return append(w.burst(0, 0, 0), w.up("t", 0, 1, 99*m), w.up("t", 1, 2, 99*m+time.Second))
		}, live + "0:99 1:99.01666666666667"},
	} {
		for _, restarts := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/restarts=%v", name, restarts), func(t *testing.T) {
				w := newWorld(t)
				all := append(w.every(10*m, 0, 7), c.then(w)...)
				if restarts {
					for _, a := range append(all, all...) { // and everything delivered again
						w.carry(a)
					}
				} else {
					w.carry(append(all, all...)...)
				}
				if got := w.times(); got != c.want {
					t.Errorf("\n got %s\nwant %s", got, c.want)
				}
			})
		}
	}
}

// Devices that send at changes have no period: their frames stay where they are.
func TestNoPeriodNoEstimate(t *testing.T) {
	w := newWorld(t)
	var all []city.Arrival
	for n, at := range []int{0, 3, 4, 30, 31, 90, 92, 170} {
		all = append(all, w.heardAt(uint32(n), time.Duration(at)*time.Minute))
	}
	w.carry(append(all, w.burst(8, 4, 250*time.Minute)...)...)
	if got := w.times(); strings.Contains(got, "~") {
		t.Errorf("estimated: %s", got)
	}
}

// Of a burst that was put right the rules have seen every frame, and the newest reading of
// the asset is that of the last.
func TestBurstIsJudgedInOrder(t *testing.T) {
	for _, batch := range []int{1, 2, 4096} {
		w := newWorld(t)
		w.batch = batch
		all := append(w.every(10*time.Minute, 0, 7), w.burst(7, 6, 125*time.Minute)...)
		w.carry(all...)
		for _, r := range w.readings() {
			// Those that were committed before the burst was known for one.
			if batch == 1 && r.FCnt >= 7 && r.FCnt <= 10 {
				if want := start.Add(125*time.Minute + time.Duration(r.FCnt-7)*time.Second); !slices.Equal(r.Former, []time.Time{want}) {
					t.Errorf("reading %d was at %v, want %v", r.FCnt, r.Former, want)
				}
			} else if batch == 1 && r.Former != nil {
				t.Errorf("reading %d was at %v", r.FCnt, r.Former)
			}
			if r.Late {
				t.Errorf("batches of %d: reading %d is late", batch, r.FCnt)
			}
		}
		state, err := w.store.State(t.Context(), "PK-1", "")
		if err != nil {
			t.Fatal(err)
		}
		latest, err := w.store.Latest(t.Context())
		if err != nil || len(latest) != 1 || latest[0].FCnt != 12 || state.Judged != latest[0].Time.At {
			t.Errorf("batches of %d: newest %+v, judged %v, %v", batch, latest, state.Judged, err)
		}
	}
}

// However a burst falls into batches, with restarts or without, the stored times are the
// same.
func TestAnySplitOfABurstGivesTheSameTimes(t *testing.T) {
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := f.Value.Set("25"); err != nil { // each opens files and syncs them
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		period := time.Duration(rapid.IntRange(2, 90).Draw(rt, "minutes")) * time.Minute
		live := rapid.Uint32Range(5, 20).Draw(rt, "live")
		held := rapid.Uint32Range(2, 25).Draw(rt, "held")
		wait := time.Duration(rapid.IntRange(-120, 120).Draw(rt, "percent")) * period / 100
		gap := time.Duration(rapid.IntRange(0, 1500).Draw(rt, "gap")) * time.Millisecond
		lost := rapid.SliceOfN(rapid.Bool(), int(live+held+3), int(live+held+3)).Draw(rt, "lost")
		cuts := rapid.SliceOfN(rapid.IntRange(0, 4), int(live+held+3), int(live+held+3)).Draw(rt, "cuts")

		play := func(split bool) string {
			w := newWorld(t)
			defer w.closeStore()
			var all []city.Arrival
			delivered := time.Duration(live+held-1)*period + wait
			for n := range live + held + 3 {
				if lost[n] && n%5 == 4 {
					continue
				}
				switch {
				case n < live:
					jitter := time.Duration(n*n%7) * period / 100
					all = append(all, w.heardAt(n, time.Duration(n)*period+jitter))
				case n < live+held:
					all = append(all, w.heardAt(n, delivered+time.Duration(n-live)*gap))
				default:
					all = append(all, w.heardAt(n, max(time.Duration(n)*period, delivered+time.Duration(n-live)*gap)))
				}
			}
			if !split {
				w.carry(all...)
			}
			for i := 0; split && i < len(all); {
				n := min(1+cuts[i]*cuts[i], len(all)-i)
				w.batch = 1 + cuts[i]
				w.carry(all[i : i+n]...)
				i += n
			}
			return w.times()
		}
		whole, parts := play(false), play(true)
		if whole != parts {
			rt.Errorf("\nat once   %s\nin parts  %s", whole, parts)
		}
	})
}

// The last frame of a burst was heard at the very time at which the first was delivered. That
// time was the first one's, and whoever copies readings is told to forget what is there.
func TestATimeHasOneOwner(t *testing.T) {
	w := newWorld(t)
	w.carry(w.every(10*time.Minute, 0, 10)...)
	for _, a := range w.burst(10, 3, 120*time.Minute) {
		w.carry(a)
	}
	w.times() // says so if it had two
}
