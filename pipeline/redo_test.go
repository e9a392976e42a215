package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/pipeline"
	"meldefunk/storage/sqlite"
)

// mended is oneByte after somebody has put it right.
type mended struct {
	oneByte
	mend func(*city.Uplink, *city.Reading) error // nil: there was nothing to mend
}

func (d mended) Decode(dev *city.Device, a *city.Asset, u *city.Uplink, r *city.Reading) error {
	err := d.oneByte.Decode(dev, a, u, r)
	if d.mend != nil {
		for i := range r.History {
			r.History[i].Values = slices.Clone(r.History[i].Values) // the world's own
		}
		return errors.Join(err, d.mend(u, r))
	}
	return err
}

// less takes from every level, also those from memory.
func less(by float64) func(*city.Uplink, *city.Reading) error {
	return func(_ *city.Uplink, r *city.Reading) error {
		all := [][]city.Value{r.Values}
		for i := range r.History {
			all = append(all, r.History[i].Values)
		}
		for _, values := range all {
			for i := range values {
				values[i].Number -= by
			}
		}
		return nil
	}
}

type redone struct {
	asset   *city.Asset
	devices []*city.Device
	mend    func(*city.Uplink, *city.Reading) error
	which   pipeline.Which
	dry     bool
}

var (
	bin1    = &city.Asset{ID: "PK-1", Kind: city.Bin}
	device1 = &city.Device{DevEUI: sensor, Model: "test/one-byte", Asset: "PK-1"}
	device2 = &city.Device{DevEUI: second, Model: "test/one-byte", Asset: "PK-1"}
)

// redo decodes again, as after a restart, and shows what changes: "minute: before→after".
func (w *world) redo(o redone) []string {
	w.t.Helper()
	if o.asset == nil {
		o.asset = bin1
	}
	if o.devices == nil {
		o.devices = []*city.Device{device1}
	}
	road := pipeline.New(pipeline.DefaultConfig(), pipeline.Parts{
		Inventory: w.known(), Keys: flip{w}, Decoder: mended{oneByte{w}, o.mend}, Judge: at90{}, Store: w.store, Follow: func(*city.Commit) {},
		Ref: func() string { w.refs++; return fmt.Sprintf("S-%08d", w.refs) },
		Now: func() time.Time { return start.Add(365 * 24 * time.Hour) },
	}, zerolog.Nop(), prometheus.NewRegistry())
	var changes []string
	err := road.Redo(context.Background(), w.store, o.asset, o.devices, o.which, o.dry, func(c pipeline.Change) error {
		changes = append(changes, changed(&c))
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return changes
}

func changed(c *pipeline.Change) string {
	level := func(r *city.Reading) string {
		if r == nil {
			return ""
		}
		for _, q := range []city.Quantity{city.FillLevel, city.Occupied} {
			if n, ok := r.Value(q); ok {
				return fmt.Sprint(n)
			}
		}
		return "-"
	}
	at := c.Old
	if at == nil {
		at = c.New
	}
	text := fmt.Sprintf("%v: %s→%s", at.Time.At.Sub(start).Minutes(), level(c.Old), level(c.New))
	if c.Err != nil {
		text += "!"
	}
	return text
}

// levels shows what is stored, in order of event time: "minute: level", with * for memory.
func (w *world) levels() []string {
	w.t.Helper()
	readings := w.readings()
	slices.SortStableFunc(readings, func(a, b city.Reading) int { return a.Time.At.Compare(b.Time.At) })
	var all []string
	for i := range readings {
		r := &readings[i]
		n, _ := r.Value(city.FillLevel)
		text := fmt.Sprintf("%v: %v", r.Time.At.Sub(start).Minutes(), n)
		if r.Time.Source == city.TimeDevice {
			text += "*"
		}
		all = append(all, text)
	}
	return all
}

func want(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

func record(minute int, level float64) city.Record {
	return city.Record{Time: start.Add(time.Duration(minute) * time.Minute), Values: []city.Value{{Quantity: city.FillLevel, Number: level}}}
}

// withMemory is a frame that carries records.
func (w *world) withMemory(fcnt uint32, level byte, minute int) city.Arrival {
	a := w.up("s", fcnt, level, time.Duration(minute)*time.Minute)
	a.Event.Uplink.FPort = 2
	return a
}

// What a device sent from its memory is put right with the rest: each record takes the
// place of its reading, what is new is added, nothing is doubled, and what the decoder no
// longer gives stays as it was.
func TestRedoReachesMemory(t *testing.T) {
	w := newWorld(t)
	w.history = []city.Record{record(20, 96), record(10, 95), record(20, 1)}       // one time twice
	w.carry(w.up("s", 1, 50, 0), w.withMemory(2, 60, 30), w.withMemory(3, 70, 40)) // the second time the same records
	want(t, "at first", w.levels(), "0: 50", "10: 95*", "20: 96*", "30: 60", "40: 70")

	if changes := w.redo(redone{}); changes != nil {
		t.Errorf("nothing was mended, and %q changed", changes)
	}
	all := []string{"0: 50→45", "10: 95→90", "20: 96→91", "30: 60→55", "40: 70→65"}
	want(t, "dry run", w.redo(redone{mend: less(5), dry: true}), all...)
	want(t, "after the dry run", w.levels(), "0: 50", "10: 95*", "20: 96*", "30: 60", "40: 70")
	want(t, "mended", w.redo(redone{mend: less(5)}), all...)
	want(t, "again", w.redo(redone{mend: less(5)}))
	want(t, "mended", w.levels(), "0: 45", "10: 90*", "20: 91*", "30: 55", "40: 65")

	w.history = []city.Record{record(20, 96), record(15, 80), record(40, 1)} // the last is what a frame said itself
	want(t, "one vanished, one new", w.redo(redone{mend: less(5)}), "15: →75")
	want(t, "one vanished, one new", w.levels(), "0: 45", "10: 90*", "15: 75*", "20: 91*", "30: 55", "40: 65")
	want(t, "again", w.redo(redone{mend: less(5)}))
	broken := func(u *city.Uplink, r *city.Reading) error {
		r.Values = nil
		if u.FCnt == 3 {
			r.History = nil
			return city.Reject(city.ReasonUndecodable, "no more")
		}
		return nil
	}
	want(t, "no longer decoded", w.redo(redone{mend: broken}), "40: 65→!", "15: 75→80", "20: 91→96")
	want(t, "no longer decoded", w.levels(), "0: 45", "10: 90*", "15: 80*", "20: 96*", "30: 55", "40: 65")
}

// The first frame that carried a record decides; another one only where the first was not
// kept.
func TestRedoOfARecordInTwoFrames(t *testing.T) {
	w := newWorld(t)
	w.history = []city.Record{record(10, 95)}
	w.carry(w.withMemory(1, 50, 20), w.withMemory(2, 50, 30))
	second := func(u *city.Uplink, r *city.Reading) error { // counts differently
		if u.FCnt == 2 {
			return less(40)(u, r)
		}
		return nil
	}
	want(t, "both kept", w.redo(redone{mend: second}), "30: 50→10")
	want(t, "both kept", w.redo(redone{mend: second}))
	if p, err := w.store.Prune(t.Context(), sqlite.Outdated{Frames: start.Add(25 * time.Minute)}); err != nil || p.Frames != 1 {
		t.Fatalf("pruned %+v, %v", p, err)
	}
	want(t, "the first pruned", w.redo(redone{mend: second}), "10: 95→55")
	want(t, "the first pruned", w.levels(), "10: 55*", "20: 50", "30: 10")
}

// A reading belongs to the asset at which the sensor hung.
func TestRedoLeavesOtherAssetsAlone(t *testing.T) {
	w := newWorld(t)
	w.history = []city.Record{record(10, 95)}
	w.carry(w.up("s", 1, 50, 0), w.withMemory(2, 60, 20))
	moved := &city.Device{DevEUI: sensor, Model: "test/one-byte", Asset: "PK-2"}
	got := w.redo(redone{asset: &city.Asset{ID: "PK-2", Kind: city.Bin}, devices: []*city.Device{moved}, mend: less(5)})
	want(t, "moved", got)
	want(t, "moved", w.levels(), "0: 50", "10: 95*", "20: 60")
}

// second is another sensor on the same asset.
func (w *world) second(a city.Arrival) city.Arrival {
	a.Event.DevEUI, a.Event.Uplink.DevEUI = second, second
	return a
}

// Two sensors watch one asset, and both were wrong: the rules see the series once, after
// both are mended, whatever their order. Seen with one mended, it would open a case.
func TestRedoOfTwoDevices(t *testing.T) {
	for name, devices := range map[string][]*city.Device{"one way": {device1, device2}, "the other": {device2, device1}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.carry(w.up("s", 1, 60, 0), w.second(w.up("t", 1, 60, 10*time.Minute)),
				w.up("s", 2, 92, 20*time.Minute), w.second(w.up("t", 2, 93, 20*time.Minute+time.Second)))
			first := w.cases()
			want(t, "cases", first, "92 open")
			more := func(u *city.Uplink, r *city.Reading) error { return less(-4)(u, r) }
			want(t, "more", w.redo(redone{devices: devices, mend: more}), "0: 60→64", "10: 60→64", "20: 92→96", "20.016666666666666: 93→97")
			want(t, "cases stay", w.cases(), "92 open")
			w.redo(redone{devices: devices, mend: less(80)})
			want(t, "never full", w.cases(), "92 closed")
			want(t, "levels", w.levels(), "0: -20", "10: -20", "20: 12", "20.016666666666666: 13")
			want(t, "again", w.redo(redone{devices: devices, mend: less(80)}))
			w.redo(redone{devices: devices})
			want(t, "full after all", w.cases(), "92 closed", "92 open")
		})
	}
}

func (w *world) cases() []string {
	w.t.Helper()
	cases, err := w.store.Cases(context.Background(), false, 10)
	if err != nil {
		w.t.Fatal(err)
	}
	var all []string
	for _, c := range cases {
		all = append(all, fmt.Sprint(c.Case.Value, map[bool]string{true: " open", false: " closed"}[c.Case.Wanted()]))
	}
	slices.Sort(all)
	return all
}

// A bay that was decoded upside down: with the states turn their beginnings and durations.
func TestRedoTellsOccupancyAnew(t *testing.T) {
	w := newWorld(t)
	w.carry(w.bay(1, 1, 0), w.bay(2, 0, 10*time.Minute), w.bay(3, 1, 20*time.Minute), w.bay(4, 1, 30*time.Minute), w.bay(5, 0, 40*time.Minute))
	want(t, "nothing to mend", w.redo(redone{}))
	mend := func(u *city.Uplink, r *city.Reading) error { // frame 3 said the opposite
		if u.FCnt == 3 {
			r.Values[0].Number = 0
		}
		return nil
	}
	want(t, "mended", w.redo(redone{mend: mend}), "20: 1→0", "30: 1→1", "40: 0→0")
	readings := w.readings()
	slices.SortFunc(readings, func(a, b city.Reading) int { return a.Time.At.Compare(b.Time.At) })
	want(t, "mended", bays(readings), "0: 1 since 0", "10: 0 since 10", "20: 0 since 10", "30: 1 since 30 after 20", "40: 0 since 40 after 10")
	var poorer []uint32
	for _, r := range readings {
		if r.Poorer {
			poorer = append(poorer, r.FCnt)
		}
	}
	if !slices.Equal(poorer, []uint32{3}) { // it had a former duration
		t.Errorf("readings that say less than before: %v, want that of frame 3", poorer)
	}
	want(t, "again", w.redo(redone{mend: mend}))
	w.carry(w.bay(6, 1, 50*time.Minute))
	if got := bays(w.readings()); got[len(got)-1] != "50: 1 since 50 after 10" {
		t.Errorf("the road goes on with %q", got[len(got)-1])
	}
}

// Readings of bays from a time before occupancy get it.
func TestRedoOfOldBays(t *testing.T) {
	w := newWorld(t)
	var c city.Commit
	for n := range int64(3) {
		u := w.bay(uint32(n), byte(n%2), time.Duration(n)*10*time.Minute).Event.Uplink
		c.Frames = append(c.Frames, city.Frame{ID: n + 1, Epoch: 1, Uplink: u})
		c.Readings = append(c.Readings, city.Reading{ID: n + 1, DevEUI: sensor, Asset: "PK-1", Kind: city.Parking, Model: "test/one-byte", Epoch: 1,
			FCnt: u.FCnt, Time: u.Time, Received: u.Received, Values: []city.Value{{Quantity: city.Occupied, Number: float64(n % 2)}}})
	}
	c.Mark = city.Mark{Frame: 3, Reading: 3}
	if err := w.store.Commit(t.Context(), &c); err != nil {
		t.Fatal(err)
	}
	w.redo(redone{asset: &city.Asset{ID: "PK-1", Kind: city.Parking}})
	want(t, "decoded again", bays(w.readings()), "0: 0 since 0", "10: 1 since 10", "20: 0 since 20 after 10")
}

// What was late stays marked as such and is judged in its place, what was sent by hand stays
// unjudged; a range restricts.
func TestRedoKeepsItsDistance(t *testing.T) {
	w := newWorld(t)
	byHand := w.up("s", 9, 99, 25*time.Minute)
	byHand.Event.Uplink.Simulated = true
	w.carry(w.up("s", 1, 50, 0), w.up("s", 3, 60, 20*time.Minute), w.up("s", 2, 70, 10*time.Minute), byHand)
	which := pipeline.Which{From: start.Add(10 * time.Minute), To: start.Add(time.Hour)}
	want(t, "from the tenth minute", w.redo(redone{mend: less(-30), which: which}), "10: 70→100", "20: 60→90", "25: 99→129")
	for _, r := range w.readings() {
		if r.Late != (r.FCnt == 2) || r.Simulated != (r.FCnt == 9) {
			t.Errorf("frame %d: late %v, simulated %v", r.FCnt, r.Late, r.Simulated)
		}
	}
	want(t, "cases", w.cases(), "100 open")
}

// Many frames of one device, every reading of which changes: what is in memory is what
// changes, not the series. 100,000 frames took 13 s and 39 MiB.
func TestRedoOfALongSeries(t *testing.T) {
	const frames = 10_000
	w := newWorld(t)
	c := city.Commit{Sessions: []city.Session{{DevEUI: sensor, Epoch: 1, Cause: city.SessionFirst, Opened: start}}}
	for n := int64(1); n <= frames; n++ {
		at := start.Add(time.Duration(n) * time.Minute)
		u := city.Uplink{Server: "ns", DevEUI: sensor, FCnt: uint32(n), FPort: 1, Payload: []byte{byte(n % 80)},
			Time: city.Stamp{At: at, Source: city.TimeServer}, Received: at, Ident: uint64(n)}
		c.Frames = append(c.Frames, city.Frame{ID: n, Epoch: 1, Uplink: u})
		c.Readings = append(c.Readings, city.Reading{ID: n, DevEUI: sensor, Asset: "PK-1", Kind: city.Bin, Model: "test/one-byte",
			Epoch: 1, FCnt: u.FCnt, Time: u.Time, Received: at, Values: []city.Value{{Quantity: city.FillLevel, Number: float64(n % 80)}}})
	}
	c.Mark = city.Mark{Frame: frames, Reading: frames}
	if err := w.store.Commit(t.Context(), &c); err != nil {
		t.Fatal(err)
	}
	c = city.Commit{}
	runtime.GC()
	var before, during runtime.MemStats
	runtime.ReadMemStats(&before)
	changes, began := 0, time.Now()
	road := pipeline.New(pipeline.DefaultConfig(), pipeline.Parts{
		Inventory: inventory{}, Decoder: mended{oneByte{w}, less(-1)}, Judge: at90{}, Store: w.store, Ref: func() string { return "S-00000001" }, Now: time.Now,
	}, zerolog.Nop(), prometheus.NewRegistry())
	err := road.Redo(t.Context(), w.store, bin1, []*city.Device{device1}, pipeline.Which{}, false, func(pipeline.Change) error {
		if changes++; changes == frames { // everything is staged
			runtime.GC()
			runtime.ReadMemStats(&during)
		}
		return nil
	})
	if err != nil || changes != frames {
		t.Fatalf("%d changes, %v; want %d", changes, err, frames)
	}
	live := int64(during.HeapAlloc) - int64(before.HeapAlloc)
	t.Logf("%d frames in %v, %d MiB live at the end, %d bytes for each change", frames, time.Since(began).Round(time.Millisecond), live>>20, live/frames)
	if live/frames > 1500 {
		t.Errorf("%d bytes for each change, want at most 1500", live/frames)
	}
}

// A sandbox that does not answer is no word about a frame: nothing is committed.
func TestRedoStopsWhereTheDecoderFails(t *testing.T) {
	w := newWorld(t)
	w.carry(w.up("s", 1, 50, 0), w.up("s", 2, 60, time.Minute))
	road := pipeline.New(pipeline.DefaultConfig(), pipeline.Parts{
		Inventory: inventory{}, Decoder: mended{oneByte{w}, func(u *city.Uplink, r *city.Reading) error {
			if u.FCnt == 2 {
				return errors.New("out of order")
			}
			return less(5)(u, r)
		}}, Judge: at90{}, Store: w.store, Now: time.Now,
	}, zerolog.Nop(), prometheus.NewRegistry())
	err := road.Redo(t.Context(), w.store, bin1, []*city.Device{device1}, pipeline.Which{}, false, func(pipeline.Change) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "out of order") {
		t.Errorf("redo: %v", err)
	}
	want(t, "levels", w.levels(), "0: 50", "1: 60")
}
