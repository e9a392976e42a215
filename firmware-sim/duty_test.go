package sim

import (
	"cmp"
	"container/heap"
	"math"
	"slices"
	"testing"
	"time"

	"meldefunk/city"
)

// onAir is a transmission: of whom, where, from when on and how long.
type onAir struct {
	device city.EUI
	band   string
	start  time.Time
	length time.Duration
}

// allowed is how long a sender may be on air in an hour in each of the sub-bands of bandAt.
const allowed = time.Hour / 100

// bandAt gives the sub-band of EN 300 220-2 annex B that a frequency lies in; "" where the
// devices of the city have no channel.
func bandAt(hz uint32) string {
	switch {
	case hz >= 865_000_000 && hz < 868_000_000:
		return "L"
	case hz >= 868_000_000 && hz < 868_600_000:
		return "M"
	}
	return ""
}

// loraAirtime is the formula of the Semtech SX1276 data sheet, section 4.1.1.7, for uplinks:
// 125 kHz, coding rate 4/5, explicit header, CRC, preamble of 8 symbols.
func loraAirtime(sf, size int) time.Duration {
	symbol := math.Exp2(float64(sf)) / 125e3
	low := 0.0
	if sf >= 11 {
		low = 1
	}
	payload := 8 + max(0, math.Ceil(float64(8*size-4*sf+28+16)/(4*(float64(sf)-2*low)))*5)
	return time.Duration((8 + 4.25 + payload) * symbol * 1e9)
}

// transmissionsOf plays, and gives all that goes on air. Every frame must be heard by a
// gateway, if late.
func transmissionsOf(t *testing.T, cfg Config, length time.Duration) []onAir {
	t.Helper()
	p, err := Play{City: New(cfg), Encoder: &tinyEncoder{}}.begin(noon)
	if err != nil {
		t.Fatal(err)
	}
	var all []onAir
	for {
		at, ok := p.soonest()
		if !ok || !at.Before(noon.Add(length)) {
			return all
		}
		before := p.serial
		if _, err := p.step(); err != nil {
			t.Fatal(err)
		}
		if p.serial == before {
			continue
		}
		i := slices.IndexFunc(p.arrivals, func(a *arrival) bool { return a.serial == p.serial })
		a := p.arrivals[i]
		name := bandAt(a.radio.Frequency)
		if name == "" {
			t.Fatalf("%s sends at %d Hz", a.sensor.site.device.DevEUI, a.radio.Frequency)
		}
		airtime := loraAirtime(int(a.radio.SpreadingFactor), len(a.frame))
		if diff := (airtime - a.airtime).Abs(); diff > time.Microsecond || a.radio.Bandwidth != 125_000 {
			t.Fatalf("%d bytes with SF%d in %d Hz: %s on air, want %s", len(a.frame), a.radio.SpreadingFactor, a.radio.Bandwidth, a.airtime, airtime)
		}
		all = append(all, onAir{a.sensor.site.device.DevEUI, name, a.end.Add(-airtime), airtime})
		if a.late { // nothing is of interest any more but that it was sent
			heap.Remove(&p.arrivals, i)
		}
	}
}

// busiest gives the most that a device was on air in any 60 minutes in one sub-band, as a
// share of what is allowed, and a transmission at an edge of that hour.
func busiest(all []onAir) (most float64, who onAir) {
	type key struct {
		device city.EUI
		band   string
	}
	by := map[key][]onAir{}
	for _, a := range all {
		k := key{a.device, a.band}
		by[k] = append(by[k], a)
	}
	for _, mine := range by {
		slices.SortFunc(mine, func(a, b onAir) int { return cmp.Compare(a.start.UnixNano(), b.start.UnixNano()) })
		// The sum is largest in an hour that begins with a frame, or ends with one.
		for _, edge := range mine {
			for _, from := range [...]time.Time{edge.start, edge.start.Add(edge.length - time.Hour)} {
				var sum time.Duration
				i, _ := slices.BinarySearchFunc(mine, from.Add(-5*time.Second), func(a onAir, t time.Time) int { return a.start.Compare(t) })
				for ; i < len(mine) && mine[i].start.Before(from.Add(time.Hour)); i++ {
					begin, end := mine[i].start, mine[i].start.Add(mine[i].length)
					if begin.Before(from) {
						begin = from
					}
					if end.After(from.Add(time.Hour)) {
						end = from.Add(time.Hour)
					}
					sum += max(0, end.Sub(begin))
				}
				if share := float64(sum) / float64(allowed); share > most {
					most, who = share, edge
				}
			}
		}
	}
	return most, who
}

// TestNobodyIsOnAirForTooLong: no device exceeds in any 60 minutes of a day what EN 300 220
// allows, not even while a whole city joins again and again and is not answered.
func TestNobodyIsOnAirForTooLong(t *testing.T) {
	day := DefaultConfig()
	day.Bins, day.Trees, day.Bays, day.Story, day.Loss = 20, 10, 10, false, 0
	with := func(change func(*Config)) Config {
		cfg := day
		change(&cfg)
		return cfg
	}
	for name, c := range map[string]struct {
		cfg   Config
		least float64 // of the allowance is used by somebody: else the test shows nothing
	}{
		"a day": {day, 0.01},
		"a word each minute": {with(func(c *Config) {
			c.Period, c.Devices.Confirmed = time.Minute, 0.5
		}), 0.5},
		"all join every 20 minutes": {with(func(c *Config) {
			c.Faults = []Fault{
				{Kind: FaultRejoin, Share: 1, From: time.Hour, For: time.Second, Every: 20 * time.Minute},
				{Kind: FaultReboot, Share: 1, From: 50 * time.Minute, For: time.Second, Every: 30 * time.Minute},
			}
		}), 0.03},
		"nobody is answered": {with(func(c *Config) {
			c.Period, c.Devices.Confirmed = 5*time.Minute, 0.5
			c.Faults = []Fault{
				{Kind: FaultLate, Share: 1, From: 2 * time.Hour, For: 48 * time.Hour},
				{Kind: FaultReboot, Share: 1, From: 3 * time.Hour, For: time.Second, Every: 30 * time.Minute},
			}
		}), 0.5},
	} {
		t.Run(name, func(t *testing.T) {
			all := transmissionsOf(t, c.cfg, 24*time.Hour)
			most, who := busiest(all)
			if most > 1 {
				t.Errorf("%s is on air for %.2f %% of the hour around %s in sub-band %s, 1 %% is allowed", who.device, most, who.start, who.band)
			}
			if most < c.least || len(all) < 900 {
				t.Errorf("%d frames, at most %.1f %% of the allowance: too little to mean anything", len(all), most*100)
			}
			t.Logf("%d frames, at most %.1f %% of the allowance", len(all), most*100)
		})
	}
}
