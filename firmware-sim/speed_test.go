package sim

import (
	"runtime"
	"syscall"
	"testing"
	"time"
)

// eightHundred is a city of 800 assets whose sensors speak every hour.
func eightHundred() Config {
	cfg := DefaultConfig()
	cfg.Bins, cfg.Trees, cfg.Bays = 450, 200, 150
	return cfg
}

// TestHoursAreSoonOver keeps what costs more and more as a city grows, or as more is on its
// way, from coming in. The limits are twenty times what is needed, for the race
// detector: a month takes less than a minute (BenchmarkMonth).
func TestHoursAreSoonOver(t *testing.T) {
	for name, faults := range map[string][]Fault{
		"a day":            nil,
		"all is kept back": {{Kind: FaultBackhaul, Share: 1, From: 2 * time.Hour, For: 7 * time.Hour}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := eightHundred()
			cfg.Period, cfg.Faults = 30*time.Minute, faults
			before := processorTime(t)
			truth := truthOfPlay(t, Play{City: New(cfg), Encoder: &tinyEncoder{}}, noon, 10*time.Hour)
			if took := processorTime(t) - before; took > 30*time.Second {
				t.Errorf("ten hours of 800 assets took %s of the processor, want 30 s at most", took)
			}
			if len(truth.Uplinks) < 15_500 {
				t.Errorf("%d uplinks, want 15,500", len(truth.Uplinks))
			}
		})
	}
}

// BenchmarkMonth is 30 days of 800 assets, with all that is published; the target is a
// minute on two processors.
func BenchmarkMonth(b *testing.B) {
	uplinks, bytes, months := 0, 0, 0
	for b.Loop() {
		months++
		err := Play{City: New(eightHundred()), Encoder: &tinyEncoder{}, Manifest: NewManifest(&nothing{})}.Events(noon, noon.AddDate(0, 0, 30), func(m Message) error {
			uplinks++
			bytes += len(m.Body)
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(months), "s/month")
	b.ReportMetric(float64(uplinks)/b.Elapsed().Seconds(), "messages/s")
	b.ReportMetric(float64(bytes)/float64(uplinks), "B/message")
}

// BenchmarkHundredThousand is what one message costs of 100,000 devices that speak every
// ten minutes, and how much memory a device takes.
func BenchmarkHundredThousand(b *testing.B) {
	const devices = 100_000
	cfg := DefaultConfig()
	cfg.Bins, cfg.Trees, cfg.Bays, cfg.Story, cfg.Period = devices/2, devices/4, devices/4, false, 10*time.Minute
	before := inUse()
	p, err := Play{City: New(cfg), Encoder: &tinyEncoder{}}.begin(noon)
	if err != nil {
		b.Fatal(err)
	}
	for p.now().Before(noon.Add(45 * time.Minute)) { // all have spoken
		if _, err := p.step(); err != nil {
			b.Fatal(err)
		}
	}
	perDevice := float64(inUse()-before) / devices
	published := 0
	cpu, begun := processorTime(b), p.now()
	for b.Loop() {
		for done := false; !done; {
			messages, err := p.step()
			if err != nil {
				b.Fatal(err)
			}
			published += len(messages)
			done = len(messages) > 0
		}
	}
	used := processorTime(b) - cpu
	b.ReportMetric(float64(used.Nanoseconds())/float64(published), "cpu-ns/message")
	b.ReportMetric(perDevice, "B/device")
	if world := p.now().Sub(begun); world > time.Minute { // else too little to tell
		b.ReportMetric(100*used.Seconds()/world.Seconds(), "%cpu")
	}
	runtime.KeepAlive(p)
}

func (p *play) now() time.Time {
	at, _ := p.soonest()
	return at
}

// inUse is the heap that is reachable.
func inUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// processorTime is what this process has used so far.
func processorTime(tb testing.TB) time.Duration {
	tb.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
