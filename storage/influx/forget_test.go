package influx

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/storage/influxtest"
)

// inPlace gives readings as they are after something was mended: the number i-th one says
// less than the one it stands for, under another model.
func inPlace(readings []city.Reading, id int64, places ...int) []city.Reading {
	var all []city.Reading
	for _, i := range places {
		r := readings[i]
		r.ID, r.Poorer, r.Faults, r.Model = id, true, nil, "test/mended"
		r.Values = []city.Value{{Quantity: city.BatteryLevel, Number: 7}}
		id++
		all = append(all, r)
	}
	return all
}

// A point that lost a field is deleted first and written anew; what is between the two may
// fail as often as it likes.
func TestForgetsBeforeItWrites(t *testing.T) {
	run(t, testConfig(t), 100, func(t *testing.T, r *rig) {
		settled(0)
		failures := 3
		r.server.set(func(w http.ResponseWriter, _ *http.Request, _ []string) bool {
			if failures--; failures < 0 {
				return false
			}
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		})
		r.source.add(inPlace(makeReadings(1, 100), 101, 3, 4, 50)...)
		r.Wake()
		settled(linger)
		r.wantStored(t, 97) // deleted, and not yet written
		settled(time.Minute)
		r.wantStored(t, 100)
		if n := r.server.deleted(); n != 4*3 {
			t.Errorf("%d deletions, want three for each of four tries", n)
		}
		for line := range r.server.points {
			if strings.Contains(line, "battery_level=7") != strings.Contains(line, "model=test/mended") {
				t.Errorf("a line of two readings: %s", line)
			}
		}
	})
}

// A reading that got another time leaves no point at its former ones.
func TestForgetsFormerTimes(t *testing.T) {
	run(t, testConfig(t), 10, func(t *testing.T, r *rig) {
		settled(0)
		moved := makeReadings(1, 10)[3]
		moved.ID, moved.Former = 11, []time.Time{moved.Time.At, moved.Time.At.Add(time.Hour)}
		moved.Time = city.Stamp{At: moved.Time.At.Add(-time.Minute + 7), Source: city.TimeEstimated}
		r.source.add(moved)
		r.Wake()
		settled(linger)
		r.wantStored(t, 10)
		if n := r.server.deleted(); n != 2 {
			t.Errorf("%d deletions, want one for each former time", n)
		}
		want := fmt.Sprintf(`time_source="estimated" %d`, moved.Time.At.UnixNano())
		found := false
		for line := range r.server.points {
			found = found || strings.Contains(line, want)
		}
		if !found {
			t.Errorf("no point with %s", want)
		}
	})
}

// A deletion that is refused says nothing about the reading: it is kept, and tried again.
func TestDeletionRefused(t *testing.T) {
	for name, c := range map[string]struct {
		status        int
		misconfigured bool
	}{
		"not allowed":    {http.StatusForbidden, true},
		"not understood": {http.StatusBadRequest, false},
		"too large":      {http.StatusRequestEntityTooLarge, false},
		"away":           {http.StatusServiceUnavailable, false},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, testConfig(t), 10, func(t *testing.T, r *rig) {
				settled(0)
				r.wire.change(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
					if req.URL.Path == "/api/v2/delete" {
						v2Error(w, c.status, "some code", "some words")
						return
					}
					r.server.ServeHTTP(w, req)
				}))
				r.source.add(inPlace(makeReadings(1, 10), 11, 3)...)
				r.Wake()
				settled(time.Hour)
				s := r.State()
				if r.source.cursor() != 10 || len(r.source.refusals()) != 0 || s.Misconfigured != c.misconfigured || !strings.Contains(s.Error, "delete a point") {
					t.Errorf("cursor %d, refused %v, state %+v", r.source.cursor(), r.source.refusals(), s)
				}
				r.wire.change(r.server)
				settled(2 * time.Minute)
				if r.source.cursor() != 11 || r.State().Error != "" {
					t.Errorf("afterwards: cursor %d, state %+v", r.source.cursor(), r.State())
				}
			})
		})
	}
}

// cutter is a carrier that ends the writer's life between a deletion and its write.
type cutter struct {
	next http.RoundTripper
	cut  context.CancelFunc
}

func (c cutter) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/write") {
		c.cut()
		return nil, errRefused
	}
	return c.next.RoundTrip(r)
}

// The real InfluxDB holds what the readings say now and no more, by either interface, also
// when the writer was killed between a deletion and its write.
func TestRealForgets(t *testing.T) {
	for name, like18 := range map[string]bool{"2.x": false, "1.8": true} {
		t.Run(name, func(t *testing.T) {
			s := influxtest.Start(t)
			if like18 {
				s.Like18()
			}
			before := makeReadings(1, 2000)
			for i := range before { // neighbours a nanosecond apart
				before[i].Time.At = noon.Add(time.Duration(i))
				before[i].DevEUI[7] = byte(i % 2)
				before[i].Faults = []city.Fault{city.FaultProbe}
			}
			source := newMemory(before)
			first := newWriter(t, realConfig(t, s), source, zerolog.Nop())
			first.size = 2000
			if _, err := first.turn(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := len(points(t, s)); n != 2000 {
				t.Fatalf("%d points, want 2000", n)
			}

			var places []int
			for i := 100; i < 1900; i += 30 {
				places = append(places, i)
			}
			source.add(inPlace(before, 2001, places...)...)
			ctx, cut := context.WithCancel(t.Context())
			first.connect(newCarrier(cutter{first.carrier.base, cut}, s.Token))
			if _, err := first.turn(ctx); err == nil {
				t.Error("the write went through")
			}
			if n := len(points(t, s)); n != 2000-len(places) {
				t.Errorf("%d points after the kill, want %d: the neighbours and no others", n, 2000-len(places))
			}

			second := newWriter(t, realConfig(t, s), source, zerolog.Nop())
			defer second.http.CloseIdleConnections()
			began := time.Now()
			if _, err := second.turn(t.Context()); err != nil {
				t.Fatal(err)
			}
			t.Logf("%d points deleted and written in %v", len(places), time.Since(began).Round(time.Millisecond))
			all := points(t, s)
			if len(all) != 2000 {
				t.Errorf("%d points, want 2000", len(all))
			}
			for _, i := range places {
				row := all[before[i].DevEUI.String()+" "+before[i].Time.At.Format(time.RFC3339Nano)]
				want := map[string]any{"battery_level": 7.0, "fcnt": float64(before[i].FCnt), "rssi": -97.0, "snr": -7.5, "sf": 9.0,
					"gateways": 2.0, "late": false, "time_source": "gateway"}
				if row.Tags["model"] != "test/mended" || !maps.Equal(row.Fields, want) {
					t.Fatalf("reading %d is %v %v, want %v", i, row.Tags, row.Fields, want)
				}
			}
		})
	}
}

// What was withdrawn is deleted, also alone in a batch, and the cursor goes past it.
func TestForgetsWhatWasWithdrawn(t *testing.T) {
	run(t, testConfig(t), 10, func(t *testing.T, r *rig) {
		settled(0)
		for i, of := range []int{3, 7} {
			gone := makeReadings(1, 10)[of]
			gone = city.Reading{ID: int64(11 + i), DevEUI: gone.DevEUI, Time: city.Stamp{At: gone.Time.At}, Withdrawn: true}
			r.source.add(gone)
			r.Wake()
			settled(linger)
			r.wantStored(t, 9-i)
		}
		r.source.add(makeReadings(13, 1)...)
		r.Wake()
		settled(linger)
		r.wantStored(t, 9)
		if n := r.server.deleted(); n != 2 {
			t.Errorf("%d deletions, want one for each", n)
		}
	})
}
