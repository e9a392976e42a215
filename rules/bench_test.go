package rules

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"meldefunk/city"
)

// ten are ten rules of simple forms for bins, on five quantities.
func ten() []Rule {
	threshold := func(id string, q city.Quantity, open, clear Condition) Rule {
		return Rule{ID: id, Kinds: []city.Kind{city.Bin}, Service: "S", Title: "T", Levels: []Level{{
			Severity: 1, Readings: 2, ClearReadings: 2, Open: Threshold{q, open}, Clear: Threshold{q, clear}}}}
	}
	rules := []Rule{
		threshold("bin-full", city.FillLevel, Condition{AtLeast, 90}, Condition{AtMost, 30}),
		threshold("bin-nearly-full", city.FillLevel, Condition{AtLeast, 75}, Condition{AtMost, 30}),
		threshold("bin-tilted", city.Tilt, Condition{Equal, 1}, Condition{Equal, 0}),
		threshold("bin-battery-low", city.BatteryLevel, Condition{AtMost, 15}, Condition{AtLeast, 50}),
		threshold("bin-battery-empty", city.BatteryLevel, Condition{AtMost, 5}, Condition{AtLeast, 50}),
		threshold("bin-hot", city.Temperature, Condition{AtLeast, 60}, Condition{AtMost, 40}),
		threshold("bin-frozen", city.Temperature, Condition{AtMost, -20}, Condition{AtLeast, -5}),
		threshold("bin-blind", city.Distance, Condition{AtMost, 20}, Condition{AtLeast, 50}),
		threshold("bin-far", city.Distance, Condition{AtLeast, 4000}, Condition{AtMost, 3000}),
		threshold("bin-empty", city.FillLevel, Condition{AtMost, 2}, Condition{AtLeast, 10}),
	}
	rules[0].Levels[0].For = 30 * time.Minute
	return rules
}

// history is n readings of a bin, every ten minutes, some frames lost, as a real sensor
// sends them; full: everything that the rules look for is true.
func history(n int, full bool) []*city.Reading {
	all := make([]*city.Reading, n)
	for i := range all {
		level := float64(20+i*7%50) + 1.0/3
		values := []city.Value{{Quantity: city.FillLevel, Number: level}, {Quantity: city.Tilt, Number: 0}, {Quantity: city.BatteryLevel, Number: 87},
			{Quantity: city.Temperature, Number: 15 + float64(i%40)/10}, {Quantity: city.Distance, Number: 1200 - 10*level}}
		if full {
			values = []city.Value{{Quantity: city.FillLevel, Number: 95 + float64(i%40)/10}, {Quantity: city.Tilt, Number: 1}, {Quantity: city.BatteryLevel, Number: 4},
				{Quantity: city.Temperature, Number: 61 + float64(i%40)/10}, {Quantity: city.Distance, Number: 10}}
		}
		r := reading(city.Bin, 10*i, values...)
		r.Time.At = r.Time.At.Add(time.Duration(i*7919) * time.Microsecond)
		r.DevEUI, r.Epoch, r.FCnt = city.EUI{1, 2, 3, 4, 5, 6, 7, 8}, 1, uint32(30_000+i+i/6)
		all[i] = r
	}
	return all
}

// BenchmarkStepLive is one reading more of one asset after the other.
func BenchmarkStepLive(b *testing.B) {
	set := mustNew(b, ten(), Options{})
	readings := history(5000, false)
	minds := make([]city.Mind, 100)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if i == len(minds)*len(readings) {
			i = 0
			clear(minds)
		}
		r := readings[i/len(minds)]
		at := i % len(minds)
		minds[at], _, _ = set.Step(minds[at], &city.Sight{Asset: bin, Reading: r, Now: r.Time.At})
		i++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10, "ns/rule")
}

// BenchmarkStep is one reading more of the same asset, as in a replay.
func BenchmarkStep(b *testing.B) {
	silent := ten()
	silent[9] = Rule{ID: "silent", Levels: []Level{{Severity: 1, Open: Silence{Periods: 3, AtLeast: time.Hour}}}}
	forecast := ten()
	forecast[9] = Rule{ID: "soon", Levels: []Level{{Severity: 1, Open: Forecast{city.FillLevel, Condition{AtLeast, 100}, 12 * time.Hour, Low}}}}
	for _, bb := range []struct {
		name  string
		rules []Rule
		full  bool
	}{{"idle", ten(), false}, {"open", ten(), true}, {"with silence", silent, false}, {"with forecast", forecast, false}, {"one rule", ten()[:1], false}} {
		b.Run(bb.name, func(b *testing.B) {
			set := mustNew(b, bb.rules, Options{})
			readings := history(5000, bb.full)
			var m city.Mind
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if i == len(readings) {
					i, m = 0, nil
				}
				m, _, _ = set.Step(m, &city.Sight{Asset: bin, Reading: readings[i], Now: readings[i].Time.At})
				i++
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(bb.rules)), "ns/rule")
		})
	}
}

// BenchmarkStepLate is a reading that comes when seven newer ones are there.
func BenchmarkStepLate(b *testing.B) {
	set := mustNew(b, ten(), Options{})
	readings := history(40, false)
	var m city.Mind
	for i, r := range readings {
		if i != 32 {
			m, _, _ = set.Step(m, &city.Sight{Asset: bin, Reading: r, Now: r.Time.At})
		}
	}
	late := &city.Sight{Asset: bin, Reading: readings[32], Now: readings[39].Time.At}
	b.ReportAllocs()
	for b.Loop() {
		set.Step(m, late)
	}
}

// BenchmarkAppendBinary is what a commit stores.
func BenchmarkAppendBinary(b *testing.B) {
	set := mustNew(b, ten(), Options{})
	m := mindOf(set, bin, history(40, true))
	kept, _ := m.AppendBinary(nil)
	b.ReportAllocs()
	for b.Loop() {
		kept, _ = m.AppendBinary(kept[:0])
	}
	b.ReportMetric(float64(len(kept)), "bytes")
}

func mindOf(set *Set, a *city.Asset, readings []*city.Reading) city.Mind {
	var m city.Mind
	for _, r := range readings {
		m, _, _ = set.Step(m, &city.Sight{Asset: a, Reading: r, Now: r.Time.At})
	}
	return m
}

// BenchmarkMemory tells what a million assets with ten rules take, by a hundred thousand of
// them: rings full, and one asset in twenty, or every one, with all rules open. The map and
// the asset's name, which the road keeps, are not in it.
func BenchmarkMemory(b *testing.B) {
	for _, share := range []int{20, 1} {
		b.Run(fmt.Sprintf("1 of %d open", share), func(b *testing.B) {
			for b.Loop() {
				set := mustNew(b, ten(), Options{})
				idle, busy := history(40, false), history(40, true)
				const n = 100_000
				minds := make([]city.Mind, n)
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				one, other := mindOf(set, bin, idle[:39]), mindOf(set, bin, busy[:39])
				for i := range minds {
					// The last step makes bytes of its own for each.
					if i%share == 0 {
						minds[i], _, _ = set.Step(other, &city.Sight{Asset: bin, Reading: busy[39], Now: busy[39].Time.At})
					} else {
						minds[i], _, _ = set.Step(one, &city.Sight{Asset: bin, Reading: idle[39], Now: idle[39].Time.At})
					}
				}
				runtime.GC()
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/asset")
				b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n*1e6/(1<<20), "MB/1M")
				runtime.KeepAlive(minds)
			}
		})
	}
}
