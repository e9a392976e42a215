package pipeline_test

import (
	"fmt"
	"testing"
	"time"

	"meldefunk/city"
)

// frames opens frames of four bytes: device, session, counter and fill level. Of device 0
// nobody knows, and device 9 has another key. Sessions from 'r' on may count anew.
type frames struct{}

func (frames) OpenFrame(f *city.RawFrame, last func(city.EUI, string) (uint32, bool)) (city.Uplink, error) {
	b := f.PHYPayload
	u := city.Uplink{
		Server: f.Server, DevEUI: sensor, Session: string(b[1:2]), FCnt: uint32(b[2]), FPort: 1, Payload: b[3:],
		Proven: b[1] < 'r', Time: f.Time, Received: f.Received, Ident: f.Ident, Radio: f.Radio,
	}
	switch u.DevEUI[7] = b[0]; b[0] {
	case 0:
		return city.Uplink{}, city.ErrForeign
	case 9:
		return u, city.Reject(city.ReasonMIC, "another key")
	}
	if top, heard := last(u.DevEUI, u.Session); heard && top > 200 {
		u.FCnt += 256
	}
	return u, nil
}

// raw is a frame as a gateway hears it; every call is another delivery.
func (w *world) raw(device, session byte, fcnt uint32, level byte, at time.Duration) city.Arrival {
	w.serial++
	received := start.Add(at)
	return city.Arrival{
		Message: city.Message{Server: "gw", Topic: "t", Body: fmt.Appendf(nil, "raw %d", w.serial), Received: received},
		Event: city.Event{Kind: city.EventRaw, Ident: w.serial, Raw: &city.RawFrame{
			Server: "gw", PHYPayload: []byte{device, session, byte(fcnt), level}, Received: received, Ident: w.serial,
			Time: city.Stamp{At: received, Source: city.TimeGateway},
		}},
	}
}

// metric reads a counter of the last road.
func (w *world) metric(name string) float64 {
	w.t.Helper()
	families, err := w.reg.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	w.t.Fatalf("no metric %s", name)
	return 0
}

func (w *world) rawReadings() []string {
	w.t.Helper()
	var got []string
	for _, r := range w.readings() {
		got = append(got, fmt.Sprintf("%d %d", r.Epoch, r.FCnt))
	}
	return got
}

func TestRawFrames(t *testing.T) {
	const minute = time.Minute
	late := func(a city.Arrival, by time.Duration) city.Arrival {
		a.Event.Raw.Time.At = a.Event.Raw.Time.At.Add(-by)
		return a
	}
	for name, c := range map[string]struct {
		batches func(w *world) [][]city.Arrival
		want    string // epoch and counter of each reading
		repeats float64
		aside   string
	}{
		"in order": {func(w *world) [][]city.Arrival {
			return [][]city.Arrival{{w.raw(1, 'a', 1, 10, 0), w.raw(1, 'a', 2, 20, minute)}}
		}, "[1 1 1 2]", 0, "[]"},
		"two gateways, seconds and hours apart": {func(w *world) [][]city.Arrival {
			return [][]city.Arrival{{w.raw(1, 'a', 1, 10, 0), w.raw(1, 'a', 1, 10, time.Second)}, {w.raw(1, 'a', 1, 10, 3*time.Hour)}}
		}, "[1 1]", 2, "[]"},
		"an old frame sent again": {func(w *world) [][]city.Arrival {
			return [][]city.Arrival{{w.raw(1, 'a', 5, 10, 0), w.raw(1, 'a', 90, 20, minute)}, {w.raw(1, 'a', 5, 10, time.Hour)}}
		}, "[1 5 1 90]", 1, "[]"},
		"an old frame that nobody heard, now": {func(w *world) [][]city.Arrival {
			return [][]city.Arrival{{w.raw(1, 'a', 90, 20, minute)}, {w.raw(1, 'a', 5, 10, time.Hour)}}
		}, "[1 90]", 0, "[counter]"},
		"an old frame that nobody heard, while newer ones come": {func(w *world) [][]city.Arrival {
			return [][]city.Arrival{{w.raw(1, 'a', 90, 20, minute), w.raw(1, 'a', 91, 20, 2*time.Hour), w.raw(1, 'a', 5, 10, time.Hour)}}
		}, "[1 90 1 91]", 0, "[counter]"},
		"an old frame that a gateway kept": {func(w *world) [][]city.Arrival {
			return [][]city.Arrival{{w.raw(1, 'a', 90, 20, minute)}, {late(w.raw(1, 'a', 5, 10, time.Hour), 2*time.Hour)}}
		}, "[1 90 1 5]", 0, "[]"},
		"one that was overtaken": {func(w *world) [][]city.Arrival {
			return [][]city.Arrival{{w.raw(1, 'a', 90, 20, minute), w.raw(1, 'a', 89, 10, time.Hour)}}
		}, "[1 90 1 89]", 0, "[]"},
		"counts anew, as allowed": {func(w *world) [][]city.Arrival {
			return [][]city.Arrival{{w.raw(1, 'r', 90, 20, minute), w.raw(1, 'r', 5, 10, time.Hour)}}
		}, "[1 90 2 5]", 0, "[]"},
		"new keys": {func(w *world) [][]city.Arrival {
			return [][]city.Arrival{{w.raw(1, 'a', 90, 20, minute)}, {w.raw(1, 'b', 1, 10, time.Hour), w.raw(1, 'a', 91, 10, 2*time.Hour)}}
		}, "[1 90 2 1 1 91]", 0, "[]"},
		"counter goes on after a restart": {func(w *world) [][]city.Arrival {
			return [][]city.Arrival{{w.raw(1, 'a', 250, 20, minute)}, {w.raw(1, 'a', 256+4, 10, time.Hour)}}
		}, "[1 250 1 260]", 0, "[]"},
		"another key":              {func(w *world) [][]city.Arrival { return [][]city.Arrival{{w.raw(9, 'a', 1, 10, 0)}} }, "[]", 0, "[mic]"},
		"not in the inventory":     {func(w *world) [][]city.Arrival { return [][]city.Arrival{{w.raw(7, 'a', 1, 10, 0)}} }, "[]", 0, "[unknown_device]"},
		"undecodable":              {func(w *world) [][]city.Arrival { return [][]city.Arrival{{w.raw(1, 'a', 1, 0xff, 0)}} }, "[]", 0, "[undecodable]"},
		"somebody else's, dropped": {func(w *world) [][]city.Arrival { return [][]city.Arrival{{w.raw(0, 'a', 1, 10, 0)}} }, "[]", 0, "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			var repeats float64
			offered := 0
			for _, batch := range c.batches(w) {
				w.carry(batch...)
				repeats += w.metric("meldefunk_road_repeats_total")
				offered += len(batch)
			}
			var reasons []city.Reason
			for _, a := range w.asides() {
				reasons = append(reasons, a.Reason)
			}
			if got := fmt.Sprint(w.rawReadings()); got != c.want || repeats != c.repeats || fmt.Sprint(reasons) != c.aside || w.acks.n != offered {
				t.Errorf("readings %s, %v repeats, aside %v, %d acknowledged; want %s, %v, %s, %d", got, repeats, reasons, w.acks.n, c.want, c.repeats, c.aside, offered)
			}
		})
	}
}

// TestForeignFrames are counted and leave nothing behind.
func TestForeignFrames(t *testing.T) {
	w := newWorld(t)
	var all []city.Arrival
	for range 1000 {
		all = append(all, w.raw(0, 'a', 1, 10, 0))
	}
	w.carry(all...)
	if n := w.metric("meldefunk_road_foreign_frames_total"); n != 1000 || w.acks.n != 1000 || len(w.asides())+len(w.readings()) != 0 {
		t.Errorf("%v foreign, %d acknowledged, %d set aside", n, w.acks.n, len(w.asides()))
	}
}

// TestRawReplay runs a frame again that was set aside for its key, and one for its payload.
func TestRawReplay(t *testing.T) {
	w := newWorld(t)
	mended := w.raw(9, 'a', 1, 10, 0)
	payload := w.raw(1, 'a', 2, 0xff, time.Minute)
	w.carry(mended, payload)
	if n := len(w.asides()); n != 2 {
		t.Fatalf("%d set aside", n)
	}
	mended.Event.Raw.PHYPayload[0] = 1 // the key is there
	mended.Replay, payload.Replay = true, true
	w.carry(mended, payload)
	if got := fmt.Sprint(w.rawReadings()); got != "[1 1]" || len(w.asides()) != 1 {
		t.Errorf("readings %s, %d set aside", got, len(w.asides()))
	}
	w.carry(mended)
	if got := fmt.Sprint(w.rawReadings()); got != "[1 1]" {
		t.Errorf("readings %s after another replay", got)
	}
}
