package sqlite_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/storage/sqlite"
)

// TestArrivals holds a pass over history against the readings as they are read one by one.
func TestArrivals(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	const hours, devices = 12, 7
	var all []city.Reading
	for i := range hours {
		c := town(i, devices)
		if i == 5 {
			c.Readings[2].Simulated = true
			c.Readings[3].Faults = []city.Fault{city.FaultNoEcho, city.FaultDevice}
			c.Readings[3].Values = nil
		}
		// Some readings tell the gateway, and of some only the frame knows: those of older versions.
		for j := range c.Frames {
			name := []string{"7076ff0056000001", "", "gw \x1e\x1f'=\"ä", "="}[(i+j)%4]
			c.Frames[j].Uplink.Radio.Gateway, c.Readings[j].Radio.Gateway = name, name
			if j%3 == 0 {
				c.Readings[j].Radio.Gateway = ""
			}
		}
		if err := s.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		for j := range c.Readings { // as the frame has it
			c.Readings[j].Radio.Gateway = c.Frames[j].Uplink.Radio.Gateway
		}
		all = append(all, c.Readings...)
	}
	begun, one := all[0].Received, all[3].Asset
	for _, c := range []struct {
		name string
		span sqlite.Span
	}{
		{"everything", sqlite.Span{From: begun, To: begun.Add(1000 * time.Hour)}},
		{"some hours", sqlite.Span{From: begun.Add(3 * time.Hour), To: begun.Add(8 * time.Hour)}},
		{"one asset", sqlite.Span{From: begun, To: begun.Add(1000 * time.Hour), Asset: one}},
		{"with gateways", sqlite.Span{From: begun, To: begun.Add(1000 * time.Hour), Gateways: true}},
		{"nothing", sqlite.Span{From: begun.Add(1000 * time.Hour), To: begun.Add(1001 * time.Hour)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var want []city.Reading
			for _, r := range all {
				if r.Simulated || r.Received.Before(c.span.From) || !r.Received.Before(c.span.To) || c.span.Asset != "" && r.Asset != c.span.Asset {
					continue
				}
				want = append(want, r)
			}
			n, before := 0, 0.0
			err := s.Arrivals(t.Context(), c.span, 5, func(page []city.Reading, done float64) error {
				if done < before || done > 1 {
					t.Errorf("done goes from %v to %v", before, done)
				}
				before = done
				for i := range page {
					if n == len(want) {
						t.Fatalf("more than %d readings", n)
					}
					got, w := &page[i], &want[n]
					if got.ID != w.ID || got.Asset != w.Asset || got.DevEUI != w.DevEUI || got.Kind != w.Kind || got.Epoch != w.Epoch ||
						got.FCnt != w.FCnt || !got.Time.At.Equal(w.Time.At) || !got.Received.Equal(w.Received) ||
						!slices.Equal(got.Faults, w.Faults) || !sameValues(got, w) {
						t.Errorf("got  %+v\nwant %+v", *got, *w)
					}
					if c.span.Gateways && got.Radio.Gateway != w.Radio.Gateway {
						t.Errorf("gateway %q, want %q", got.Radio.Gateway, w.Radio.Gateway)
					}
					n++
				}
				return nil
			})
			if err != nil || n != len(want) {
				t.Errorf("%d readings, want %d; error %v", n, len(want), err)
			}
		})
	}
}

// gatewaysOf gives the gateways of all readings, in order.
func gatewaysOf(t *testing.T, s *sqlite.Store) []string {
	t.Helper()
	var all []string
	err := s.Arrivals(t.Context(), sqlite.Span{To: time.Unix(1<<33, 0), Gateways: true}, 5, func(page []city.Reading, _ float64) error {
		for i := range page {
			all = append(all, page[i].Radio.Gateway)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A commit that failed has given no numbers to gateways: the same names come again.
func TestGatewaysOfAFailedCommit(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	defer s.Close()
	db := raw(t, dir)
	exec := func(text string) {
		t.Helper()
		if _, err := db.Exec(text); err != nil {
			t.Fatal(err)
		}
	}
	exec(`CREATE TRIGGER full BEFORE INSERT ON readings BEGIN SELECT RAISE(ABORT, 'no room'); END`)
	c := town(0, 2)
	c.Frames, c.Readings[0].Radio.Gateway, c.Readings[1].Radio.Gateway = nil, "first", "second"
	if err := s.Commit(t.Context(), c); err == nil {
		t.Fatal("the commit has not failed")
	}
	exec(`DROP TRIGGER full`)
	other := town(1, 1)
	other.Frames, other.Readings[0].Radio.Gateway = nil, "third"
	other.Readings[0].ID = 9
	for _, c := range []*city.Commit{other, c, c} {
		if err := s.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := gatewaysOf(t, s), []string{"first", "second", "third"}; !slices.Equal(got, want) {
		t.Errorf("gateways %q, want %q", got, want)
	}
}

// Names of gateways are bounded: of a reading through one more, its frame tells.
func TestTooManyGateways(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	defer s.Close()
	if _, err := raw(t, dir).Exec(`INSERT INTO gateways VALUES (1, 'known'), (?, 'last')`, sqlite.MaxGateways); err != nil {
		t.Fatal(err)
	}
	c := town(0, 4)
	names := []string{"one more", "known", "last", "two more"}
	for i, name := range names {
		c.Frames[i].Uplink.Radio.Gateway, c.Readings[i].Radio.Gateway = name, name
	}
	if err := s.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if got := gatewaysOf(t, s); !slices.Equal(got, names) {
		t.Errorf("gateways %q, want %q", got, names)
	}
	var kept int
	if err := raw(t, dir).QueryRow(`SELECT count(*) FROM gateways`).Scan(&kept); err != nil || kept != 2 {
		t.Errorf("%d names are kept, want 2; error %v", kept, err)
	}
}

// What stands in the file may be damaged: then we say where, and do not make up a reading.
func TestDamagedHistory(t *testing.T) {
	for _, tt := range []struct{ name, damage, want string }{
		{"measured", `measured = '{"fill_level":}'`, `measured values`},
		{"measured, an end", `measured = '{'`, `measured values`},
		{"measured, a name", `measured = '{fill_level:1}'`, `measured values`},
		{"kind", `kind = 'tram'`, `tram`},
		{"device", `dev_eui = 'a84041'`, `DevEUI "a84041"`},
		{"device that is too long", `dev_eui = 'a84041000100000000'`, `DevEUI "a84041000100000000"`},
		{"device with an end of row", `dev_eui = char(30)`, `reading`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			defer s.Close()
			c := town(0, 3)
			if err := s.Commit(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if _, err := raw(t, dir).Exec(`UPDATE readings SET ` + tt.damage + ` WHERE id = 2`); err != nil {
				t.Fatal(err)
			}
			for _, asset := range []string{"", c.Readings[1].Asset} {
				err := s.Arrivals(t.Context(), sqlite.Span{To: time.Unix(1<<33, 0), Asset: asset}, 5, func([]city.Reading, float64) error { return nil })
				if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), `"2\x1f`) {
					t.Errorf("asset %q: error %v, want one about number 2 and %q", asset, err, tt.want)
				}
			}
		})
	}
}

// A quantity of another version is passed over wherever it stands.
func TestUnknownQuantityInHistory(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	defer s.Close()
	if err := s.Commit(t.Context(), town(0, 4)); err != nil {
		t.Fatal(err)
	}
	for id, measured := range map[int]string{1: `{"phlogiston":1,"fill_level":2}`, 2: `{"fill_level":3,"phlogiston":1}`, 3: `{"phlogiston":7}`, 4: `{}`} {
		if _, err := raw(t, dir).Exec(`UPDATE readings SET measured = ? WHERE id = ?`, measured, id); err != nil {
			t.Fatal(err)
		}
	}
	var got [][]city.Value
	err := s.Arrivals(t.Context(), sqlite.Span{To: time.Unix(1<<33, 0)}, 5, func(page []city.Reading, _ float64) error {
		for i := range page {
			got = append(got, slices.Clone(page[i].Values))
		}
		return nil
	})
	want := [][]city.Value{{{Quantity: city.FillLevel, Number: 2}}, {{Quantity: city.FillLevel, Number: 3}}, {}, {}}
	if err != nil || !slices.EqualFunc(got, want, slices.Equal[[]city.Value]) {
		t.Errorf("got %v, want %v; error %v", got, want, err)
	}
}

// Who gives up in the middle gets no more pages, and leaves the store as it was.
func TestArrivalsBrokenOff(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	if err := s.Commit(t.Context(), town(0, 600)); err != nil {
		t.Fatal(err)
	}
	for range 6 { // more often than there are connections
		ctx, cancel := context.WithCancel(t.Context())
		pages := 0
		err := s.Arrivals(ctx, sqlite.Span{To: time.Unix(1<<33, 0)}, 100, func([]city.Reading, float64) error { pages++; cancel(); return nil })
		if !errors.Is(err, context.Canceled) || pages != 1 {
			t.Errorf("%d pages, error %v", pages, err)
		}
	}
	if n := len(gatewaysOf(t, s)); n != 600 {
		t.Errorf("%d readings afterwards", n)
	}
}

func sameValues(a, b *city.Reading) bool {
	if len(a.Values) != len(b.Values) {
		return false
	}
	for _, v := range a.Values {
		if n, ok := b.Value(v.Quantity); !ok || n != v.Number {
			return false
		}
	}
	return true
}

// BenchmarkArrivals is what reading history takes, without judging it.
func BenchmarkArrivals(b *testing.B) {
	s := open(b, b.TempDir())
	defer s.Close()
	const hours, devices = 50, 2000
	var first time.Time
	for i := range hours {
		c := town(i, devices)
		if i == 0 {
			first = c.Readings[0].Received
		}
		if err := s.Commit(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
	for _, gateways := range []bool{false, true} {
		name := "readings"
		if gateways {
			name = "with gateways"
		}
		b.Run(name, func(b *testing.B) {
			n := 0
			for b.Loop() {
				err := s.Arrivals(b.Context(), sqlite.Span{From: first, To: first.Add(1000 * time.Hour), Gateways: gateways}, 10_000,
					func(page []city.Reading, _ float64) error { n += len(page); return nil })
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/reading")
		})
	}
}
