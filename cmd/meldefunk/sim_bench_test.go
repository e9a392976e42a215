package main

import (
	"slices"
	"testing"
	"time"

	"meldefunk/decoders"
	sim "meldefunk/firmware-sim"
	"meldefunk/gateway-bridge/brokertest"
)

// BenchmarkSimLoad is the load generator at full speed against mosquitto, devices, frames
// and network server included, and beside it a bare publisher of the same messages, made
// before. bar is what the load generator has to reach: 20,000 messages a second.
func BenchmarkSimLoad(b *testing.B) {
	const count, bar, flatOut = 100_000, 20_000, 1_000_000
	cfg := sim.DefaultConfig()
	cfg.Bins, cfg.Trees, cfg.Bays, cfg.Period, cfg.Story = 6000, 2000, 2000, 10*time.Minute, false
	p := sim.Play{City: sim.New(cfg), Encoder: decoders.New()}
	from := time.Date(2026, time.June, 1, 4, 0, 0, 0, time.UTC)
	play := func(emit func(sim.Message) error) error { return p.Events(from, from.AddDate(1, 0, 0), emit) }
	var made []sim.Message
	_ = play(func(m sim.Message) error {
		m.Body = slices.Clone(m.Body)
		if made = append(made, m); len(made) == count {
			return sim.ErrEnough
		}
		return nil
	})
	again := func(emit func(sim.Message) error) error {
		for _, m := range made {
			if err := emit(m); err != nil {
				return err
			}
		}
		return nil
	}
	for _, c := range []struct {
		name string
		play func(func(sim.Message) error) error
	}{{"city", play}, {"bare", again}} {
		b.Run(c.name, func(b *testing.B) {
			client := brokertest.Start(b).Client("load")
			defer client.Disconnect(250)
			var best loadSummary
			for b.Loop() {
				s, err := generateLoad(b.Context(), client, flatOut, count, c.play, func(int, float64) {})
				if err != nil {
					b.Fatal(err)
				}
				if s.Rate > best.Rate {
					best = s
				}
			}
			b.ReportMetric(best.Rate, "messages/s")
			b.ReportMetric(best.Rate/bar, "of-bar")
			b.ReportMetric(float64(best.P99.Microseconds()), "p99-µs")
		})
	}
}
