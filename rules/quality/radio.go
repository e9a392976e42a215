package quality

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// The trouble that readings are in.
const (
	Loss       = 0.15
	Outliers   = 0.02
	Duplicates = 0.03

	// tries is how often a sensor that sends on change sends each change: until it is
	// acknowledged, as Nwave's and others do.
	tries = 3

	gateways     = 10
	outageEvery  = 20 * 24 * time.Hour // of a gateway, on average
	restartEvery = 5 * 24 * time.Hour  // of ours, on average
)

// weather is the trouble that assets share.
type weather struct {
	outages [gateways][]Span // a gateway hears, but cannot hand on until it is over
	down    []Span           // of ours; the broker keeps what comes
}

func newWeather(r *rand.Rand, end time.Duration) *weather {
	w := &weather{}
	for g := range w.outages {
		for t := after(r, outageEvery); t < end; t += after(r, outageEvery) {
			s := Span{t, t + time.Duration((0.5+11.5*r.Float64())*float64(time.Hour))}
			w.outages[g], t = append(w.outages[g], s), s.To
		}
	}
	for t := after(r, restartEvery); t < end; t += after(r, restartEvery) {
		s := Span{t, t + time.Duration((0.5+14.5*r.Float64())*float64(time.Minute))}
		w.down, t = append(w.down, s), s.To
	}
	return w
}

func after(r *rand.Rand, mean time.Duration) time.Duration {
	return time.Duration(r.ExpFloat64() * float64(mean))
}

// radio makes messages of what a sensor sees, in the order in which we hear them.
func (s *Subject) radio(r *rand.Rand, seen []float32, period time.Duration, w *weather) []Message {
	var all []Message
	outages := w.outages[r.IntN(gateways)]
	var fcnt uint32
	send := func(at time.Duration, value float64, tries int) {
		m := Message{At: at, FCnt: fcnt, Value: value}
		fcnt++
		for ; tries > 0 && r.Float64() < Loss; tries-- {
			m.At += 5 * time.Second
		}
		if tries == 0 {
			return
		}
		m.Heard = w.arrival(r, outages, m.At)
		all = append(all, m)
		if r.Float64() < Duplicates {
			later := time.Duration(math.Exp(r.Float64()*math.Log(7200)) * float64(time.Second)) // 1 s to 2 h
			m.Heard = w.wait(m.Heard + later)
			all = append(all, m)
		}
	}
	next := time.Duration(r.Float64() * float64(period))
	before := seen[0]
	for m, v := range seen {
		at := time.Duration(m) * minute
		if s.change && v != before {
			send(at, float64(v), tries)
		}
		before = v
		for ; next < at+minute; next += period {
			at := next + time.Duration((r.Float64()-0.5)*0.04*float64(period))
			if at < 0 || at/minute >= time.Duration(len(seen)) {
				continue
			}
			v := float64(seen[at/minute])
			switch {
			case !s.change:
				send(at, s.measure(r, v), 1)
			case r.Float64() < Outliers:
				// Seen wrongly for a moment, and put right with the next look.
				send(at, 1-v, tries)
				send(at+time.Minute+time.Duration(r.Float64()*2*float64(time.Minute)), v, tries)
			default:
				send(at, v, 1)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Message) int { return int(a.Heard - b.Heard) })
	return all
}

// measure is what the sensor makes of a value in percent: now and then anything.
func (s *Subject) measure(r *rand.Rand, v float64) float64 {
	if r.Float64() < Outliers {
		switch r.IntN(4) {
		case 0:
			return 0
		case 1:
			return 100
		}
		return math.Round(r.Float64() * 100)
	}
	return math.Round(min(max(v+s.noise*r.NormFloat64(), 0), 100))
}

// arrival is when we hear what was sent at some time. After an outage a gateway hands on within
// minutes what it has kept, oldest first but for neighbours; what it hears meanwhile queues up
// behind.
func (w *weather) arrival(r *rand.Rand, outages []Span, at time.Duration) time.Duration {
	heard := at + time.Second + time.Duration(r.Float64()*2*float64(time.Second))
	for _, o := range outages {
		if at >= o.From {
			heard = max(heard, o.To+(at-o.From)/200+time.Duration(r.Float64()*float64(time.Second)))
		}
	}
	return w.wait(heard)
}

// wait is when we hear what the broker has at some time.
func (w *weather) wait(at time.Duration) time.Duration {
	for _, d := range w.down {
		if at >= d.From && at < d.To {
			return d.To + (at-d.From)/100 + time.Second
		}
	}
	return at
}
