package pipeline_test

import (
	"reflect"
	"testing"
	"time"

	"meldefunk/city"
)

// One frame, told by three deliveries: what each gateway heard comes together, once, however
// often and in whichever batches it is delivered.
func TestReceptionsOfSeveralDeliveriesMerge(t *testing.T) {
	rx := func(name string, rssi int16, snr float32) city.Reception {
		return city.Reception{Gateway: name, RSSI: rssi, SNR: snr}
	}
	for name, restarts := range map[string]bool{"one batch": false, "a restart before each": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			all := []city.Arrival{
				w.up("s", 7, 50, 0), w.up("s", 7, 50, time.Second), w.up("s", 7, 50, 2*time.Second), w.up("s", 8, 60, time.Hour),
			}
			for i, heard := range [][]city.Reception{
				{rx("a", -90, 2)},
				{rx("b", -80, 5)},
				{rx("a", -85, 3), rx("c", -118, -7.5)},
				{rx("a", -90, 2)},
			} {
				u := &all[i].Event.Uplink
				u.Radio.SpreadingFactor, u.Radio.Frequency = 9, 868_100_000
				for _, by := range heard {
					u.Heard = u.Radio.Hear(u.Heard, by)
				}
			}
			for range 2 {
				if !restarts {
					w.carry(all...)
					continue
				}
				for _, a := range all {
					w.carry(a)
				}
			}
			readings := w.readings()
			if len(readings) != 2 {
				t.Fatalf("%d readings, want 2", len(readings))
			}
			of := map[uint32]city.Radio{}
			for _, r := range readings {
				of[r.FCnt] = r.Radio
			}
			if want := (city.Radio{RSSI: -80, SNR: 5, SpreadingFactor: 9, Gateways: 3, Gateway: "b"}); of[7] != want {
				t.Errorf("reading 7: %+v, want %+v", of[7], want)
			}
			if of[8].Gateways != 1 {
				t.Errorf("reading 8: %+v", of[8])
			}
			frames, err := w.store.FramesOf(t.Context(), sensor, 0, 10)
			if err != nil || len(frames) != 2 {
				t.Fatalf("frames %+v, %v", frames, err)
			}
			u := &frames[0].Uplink
			if want := (city.Radio{RSSI: -80, SNR: 5, SpreadingFactor: 9, Gateways: 3, Frequency: 868_100_000, Gateway: "b"}); u.Radio != want {
				t.Errorf("frame 7: %+v, want %+v", u.Radio, want)
			}
			if want := []city.Reception{rx("a", -90, 2), rx("b", -80, 5), rx("c", -118, -7.5)}; !reflect.DeepEqual(u.Heard, want) {
				t.Errorf("frame 7 was heard %v, want %v", u.Heard, want)
			}
			latest, err := w.store.Latest(t.Context())
			if err != nil || len(latest) != 1 || latest[0].FCnt != 8 {
				t.Errorf("newest: %+v, %v", latest, err)
			}
		})
	}
}

// The newest reading of an asset stays the newest when another gateway's copy comes.
func TestNewestReadingHeardAgain(t *testing.T) {
	w := newWorld(t)
	again := w.up("s", 7, 95, time.Second)
	again.Event.Uplink.Radio = city.Radio{Gateways: 1, Gateway: "b", RSSI: -70}
	w.carry(w.up("s", 7, 95, 0))
	w.carry(again)
	latest, err := w.store.Latest(t.Context())
	if err != nil || len(latest) != 1 || latest[0].Radio.RSSI != -70 || latest[0].Radio.Gateways != 1 {
		t.Errorf("newest: %+v, %v", latest, err)
	}
	want(t, "cases", w.cases(), "95 open")
	if got := w.counter("meldefunk_road_readings_total"); got != 0 {
		t.Errorf("the copy counts as %v readings", got)
	}
}

// Two frames with one counter and different contents are both kept, and the second is
// flagged; a counter that began anew, and the same frame again, are not.
func TestConflicts(t *testing.T) {
	w := newWorld(t)
	all := []city.Arrival{
		w.up("s", 5, 10, 0), w.up("s", 6, 20, time.Hour), w.up("s", 6, 21, time.Hour+5*time.Second), w.up("s", 7, 30, 2*time.Hour), w.up("s", 7, 30, 2*time.Hour+30*time.Minute),
		w.up("s", 500, 30, 3*time.Hour), w.up("s", 0, 40, 4*time.Hour), w.up("s", 0, 40, 4*time.Hour+time.Second),
	}
	w.carry(all...)
	if got := w.counter("meldefunk_road_conflicts_total"); got != 1 {
		t.Errorf("%v conflicts counted, want 1", got)
	}
	w.carry(all...)
	readings := w.readings()
	if len(readings) != 7 {
		t.Fatalf("%d readings, want 7", len(readings))
	}
	for _, r := range readings {
		if v, _ := r.Value(city.FillLevel); r.Conflict != (v == 21) {
			t.Errorf("reading %d:%d: conflict %v", r.Epoch, r.FCnt, r.Conflict)
		}
	}
	frames, err := w.store.FramesOf(t.Context(), sensor, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range frames {
		if f.Conflict != (f.Uplink.Payload[0] == 21) {
			t.Errorf("frame %d:%d: conflict %v", f.Epoch, f.Uplink.FCnt, f.Conflict)
		}
	}
	w.redo(redone{mend: less(1)})
	for _, r := range w.readings() {
		if v, _ := r.Value(city.FillLevel); r.Conflict != (v == 20 && r.FCnt == 6 && r.Epoch > 1) {
			t.Errorf("decoded again, reading %d:%d: conflict %v", r.Epoch, r.FCnt, r.Conflict)
		}
	}
}

// What a message claims is taken in order of trust, as far as it is possible.
func TestClaimsInOrderOfTrust(t *testing.T) {
	at := func(d time.Duration, source city.TimeSource) city.Stamp {
		return city.Stamp{At: start.Add(d), Source: source}
	}
	const day = 24 * time.Hour
	gps, gateway, server := at(-3*time.Second, city.TimeGPS), at(-2*time.Second, city.TimeGateway), at(-time.Second, city.TimeServer)
	for name, c := range map[string]struct {
		claims [3]city.Stamp
		want   city.Stamp
	}{
		"all":                      {[3]city.Stamp{gps, gateway, server}, gps},
		"no satellites":            {[3]city.Stamp{gateway, server}, gateway},
		"server only":              {[3]city.Stamp{server}, server},
		"nothing":                  {[3]city.Stamp{}, at(0, city.TimeReceived)},
		"receiver in the future":   {[3]city.Stamp{at(3*time.Minute, city.TimeGPS), gateway, server}, gateway},
		"receiver a little ahead":  {[3]city.Stamp{at(2*time.Minute, city.TimeGPS), gateway, server}, at(2*time.Minute, city.TimeGPS)},
		"gateway eight days ago":   {[3]city.Stamp{at(-8*day, city.TimeGateway), server}, server},
		"gateway seven days ago":   {[3]city.Stamp{at(-7*day, city.TimeGateway), server}, at(-7*day, city.TimeGateway)},
		"nothing that is possible": {[3]city.Stamp{at(-8*day, city.TimeGateway), at(3*time.Minute, city.TimeServer)}, at(0, city.TimeReceived)},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			a := w.up("s", 1, 50, 0)
			a.Event.Uplink.Time, a.Event.Uplink.Fallback = c.claims[0], [2]city.Stamp(c.claims[1:])
			w.carry(a)
			if got := w.readings(); len(got) != 1 || got[0].Time != c.want {
				t.Errorf("got %v, want %v", got[0].Time, c.want)
			}
		})
	}
}

// counter sums a metric of the last road up.
func (w *world) counter(name string) (sum float64) {
	w.t.Helper()
	families, err := w.reg.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}
