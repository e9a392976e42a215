package sqlite_test

import (
	"slices"
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
		if err := s.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		for j := range c.Readings {
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
