package pipeline_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/pipeline"
)

// removals is an inventory with one device, and where it hung when.
type removals struct{ hangs city.Hangings }

func (in *removals) Find(_ string, devEUI city.EUI) (*city.Device, city.Hangings, bool) {
	return &city.Device{DevEUI: devEUI, Model: "test/one-byte"}, in.hangs, devEUI == sensor
}

func (in *removals) Asset(id string) (*city.Asset, bool) {
	for _, h := range in.hangs {
		if h.Asset.ID == id {
			return h.Asset, true
		}
	}
	return nil, false
}

func (in *removals) Devices(string) []*city.Device { return nil }

func hour(n int) time.Time { return start.Add(time.Duration(n) * time.Hour) }

// moved hung on PK-1 for ten hours, was taken down for two, and hangs on PK-2 since.
func moved() *removals {
	return &removals{city.Hangings{
		{Asset: &city.Asset{ID: "PK-1", Kind: city.Bin}, From: hour(0), To: hour(10)},
		{Asset: &city.Asset{ID: "PK-2", Kind: city.Bin, Bin: &city.BinCalibration{Offset: 10}}, From: hour(12)},
	}}
}

func (w *world) known() pipeline.Inventory {
	if w.inventory == nil {
		return inventory{}
	}
	return w.inventory
}

// hung shows what is stored, by event time: "asset hour: level", with * for memory; and the
// frames that are of nobody's use: "- hour".
func (w *world) hung() string {
	w.t.Helper()
	type line struct {
		at   time.Time
		text string
	}
	var all []line
	taken := map[time.Time]bool{}
	for _, r := range w.readings() {
		if r.Withdrawn {
			continue
		}
		n, _ := r.Value(city.FillLevel)
		text := fmt.Sprintf("%s %v: %v", r.Asset, r.Time.At.Sub(start).Hours(), n)
		if r.Time.Source == city.TimeDevice {
			text += "*"
		}
		if taken[r.Time.At] {
			text += " twice"
		}
		taken[r.Time.At] = true
		all = append(all, line{r.Time.At, text})
	}
	stored, err := w.store.FramesOf(w.t.Context(), sensor, 0, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range stored {
		if f.Fate == city.FateLoose {
			all = append(all, line{f.Uplink.Time.At, fmt.Sprintf("- %v", f.Uplink.Time.At.Sub(start).Hours())})
		}
	}
	slices.SortStableFunc(all, func(a, b line) int { return a.at.Compare(b.at) })
	var texts []string
	for _, l := range all {
		texts = append(texts, l.text)
	}
	return strings.Join(texts, ", ")
}

// Readings go by where their device hung at their event time, whichever way that is told, and
// however the day is cut into batches.
func TestReadingsFollowTheirDevice(t *testing.T) {
	const half = 30 * time.Minute
	memory := func(w *world, at time.Duration, level byte, fcnt uint32) city.Arrival {
		a := w.up("s", fcnt, level, at)
		a.Event.Uplink.FPort = 2
		for _, h := range []int{13, 9, 11} {
			w.history = append(w.history, city.Record{Time: hour(h).Add(time.Minute), Values: []city.Value{{Quantity: city.FillLevel, Number: 50}}})
		}
		return a
	}
	for name, c := range map[string]struct {
		arrivals func(w *world) []city.Arrival
		want     string // of the last hours
	}{
		"live": {func(w *world) []city.Arrival {
			return []city.Arrival{w.up("s", 1, 20, 9*time.Hour), w.up("s", 2, 20, 11*time.Hour), w.up("s", 3, 20, 13*time.Hour)}
		}, "PK-1 9: 20, - 11, PK-2 13: 30"},
		"the moments themselves": {func(w *world) []city.Arrival {
			return []city.Arrival{w.up("s", 1, 20, 10*time.Hour), w.up("s", 2, 20, 12*time.Hour)}
		}, "- 10, PK-2 12: 30"},
		"before it was anywhere": {func(w *world) []city.Arrival { return []city.Arrival{w.up("s", 1, 20, -time.Hour)} }, "- -1"},
		"from memory":            {func(w *world) []city.Arrival { return []city.Arrival{memory(w, 14*time.Hour, 20, 1)} }, "PK-1 9.016666666666667: 50*, PK-2 13.016666666666667: 60*, PK-2 14: 30"},
		"from memory, taken down": {func(w *world) []city.Arrival {
			a := memory(w, 11*time.Hour+half, 20, 1)
			return []city.Arrival{a}
		}, "PK-1 9.016666666666667: 50*, PK-2 13.016666666666667: 60*"},
		"a burst": {func(w *world) []city.Arrival {
			return append(w.every(half, 14, 5), w.burst(19, 9, 13*time.Hour+50*time.Minute)...)
		}, "PK-1 9: 18, PK-1 9.5: 19, - 10, - 10.5, - 11, - 11.5, PK-2 12: 34, PK-2 12.5: 35, PK-2 13: 36, PK-2 13.5: 37"},
		"a burst while it was down": {func(w *world) []city.Arrival {
			return append(w.every(half, 12, 6), w.burst(18, 3, 10*time.Hour+10*time.Minute)...)
		}, "PK-1 8.5: 17, PK-1 9: 18, PK-1 9.5: 19, - 10"},
	} {
		for batch, cut := range map[string]int{"one batch": 0, "one by one": 1} {
			t.Run(name+"/"+batch, func(t *testing.T) {
				w := newWorld(t)
				w.batch, w.inventory = cut, moved()
				w.carry(c.arrivals(w)...)
				if got := w.hung(); !strings.HasSuffix(got, c.want) {
					t.Errorf("%s\nwant %s", got, c.want)
				}
				if n := len(w.asides()); n != 0 {
					t.Errorf("%d set aside", n)
				}
			})
		}
	}
}

// copied follows the readings as InfluxDB's copy does: a device has one point at a time, which
// keeps the asset of each that was written there until it is deleted.
type copied struct {
	after  int64
	points map[time.Time][]string
}

func (c *copied) follow(w *world) string {
	w.t.Helper()
	news, err := w.store.ReadingsAfter(w.t.Context(), c.after, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range news {
		r := &news[i]
		c.after = r.ID
		if r.Poorer || r.Withdrawn {
			delete(c.points, r.Time.At)
		}
		for _, at := range r.Former {
			delete(c.points, at)
		}
		if !r.Withdrawn && !slices.Contains(c.points[r.Time.At], r.Asset) {
			c.points[r.Time.At] = append(c.points[r.Time.At], r.Asset)
		}
	}
	var all []string
	for at, assets := range c.points {
		all = append(all, fmt.Sprintf("%05.2f %s", at.Sub(start).Hours(), strings.Join(assets, "+")))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// Somebody tells later where a device hung: replaying puts every reading where it belongs, in
// the store and in what follows it, and a second time changes nothing.
func TestRedoFollowsBindings(t *testing.T) {
	hang := func(asset string, from, to int) city.Hanging {
		h := city.Hanging{Asset: &city.Asset{ID: asset, Kind: city.Bin}, From: hour(from)}
		if asset == "PK-2" {
			h.Asset.Bin = &city.BinCalibration{Offset: 10}
		}
		if to != 0 {
			h.To = hour(to)
		}
		return h
	}
	const want = "PK-1 8: 20, PK-1 9: 20, PK-1 9.016666666666667: 50*, - 11, PK-2 13: 30, PK-2 13.016666666666667: 60*, PK-2 14: 30"
	const points = "08.00 PK-1, 09.00 PK-1, 09.02 PK-1, 13.00 PK-2, 13.02 PK-2, 14.00 PK-2"
	for name, before := range map[string]city.Hangings{
		"as it was":            moved().hangs,
		"all on the first":     {hang("PK-1", 0, 0)},
		"all on the second":    {hang("PK-2", 0, 0)},
		"nowhere":              nil,
		"swapped":              {hang("PK-2", 0, 12), hang("PK-1", 12, 0)},
		"hung up later":        {hang("PK-2", 14, 0)},
		"taken down too early": {hang("PK-1", 0, 8)},
	} {
		for _, order := range [][]int{{0, 1}, {1, 0}} {
			t.Run(fmt.Sprint(name, order), func(t *testing.T) {
				w := newWorld(t)
				w.inventory = &removals{before}
				for _, h := range []int{13, 9, 11} {
					w.history = append(w.history, city.Record{Time: hour(h).Add(time.Minute), Values: []city.Value{{Quantity: city.FillLevel, Number: 50}}})
				}
				last := w.up("s", 5, 20, 14*time.Hour)
				last.Event.Uplink.FPort = 2
				w.carry(w.up("s", 1, 20, 8*time.Hour), w.up("s", 2, 20, 9*time.Hour), w.up("s", 3, 20, 11*time.Hour), w.up("s", 4, 20, 13*time.Hour), last)
				follower := &copied{points: map[time.Time][]string{}}
				follower.follow(w)

				now := moved()
				w.inventory = now
				for round := range 2 {
					var changes []string
					for _, i := range order {
						changes = append(changes, w.redo(redone{asset: now.hangs[i].Asset, devices: []*city.Device{{DevEUI: sensor, Model: "test/one-byte"}}})...)
					}
					if got := w.hung(); got != want {
						t.Errorf("%s\nwant %s", got, want)
					}
					if got := follower.follow(w); got != points {
						t.Errorf("a copy has %s\nwant %s", got, points)
					}
					if round > 0 && len(changes) > 0 {
						t.Errorf("a second time changes %v", changes)
					}
				}
				for _, h := range now.hangs {
					state, err := w.store.State(t.Context(), h.Asset.ID, "")
					stored, err2 := w.store.History(t.Context(), h.Asset.ID, 100)
					if err != nil || err2 != nil || !slices.ContainsFunc(stored, func(r city.Reading) bool { return r.ID == state.Reading }) {
						t.Errorf("%s: its newest reading is %d, which is not stored there (%v, %v)", h.Asset.ID, state.Reading, err, err2)
					}
				}
			})
		}
	}
}
