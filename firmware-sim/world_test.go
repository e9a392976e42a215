package sim

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"meldefunk/city"
)

// fillOf does what a decoder does: payload and calibration to %, not capped.
func fillOf(payload []byte, c *city.BinCalibration) (level float64, ok bool) {
	mm := binary.LittleEndian.Uint16(payload[5:])
	if mm == 0xffff {
		return 0, false
	}
	return (c.Empty - (float64(mm) + c.Offset)) / (c.Empty - c.Full) * 100, true
}

// verdict is a rule at work: fill level from 90 % for 30 minutes and two readings opens,
// two readings up to 30 % close.
type verdict struct {
	since          time.Time
	high, low      int
	opened, closed time.Time
	lastLevel      float64
}

func (v *verdict) judge(at time.Time, level float64) {
	v.lastLevel = level
	if level >= 90 {
		if v.high++; v.high == 1 {
			v.since = at
		}
	} else {
		v.high = 0
	}
	if level <= 30 {
		v.low++
	} else {
		v.low = 0
	}
	if v.opened.IsZero() && v.high >= 2 && at.Sub(v.since) >= 30*time.Minute {
		v.opened = at
	}
	if !v.opened.IsZero() && v.closed.IsZero() && v.low >= 2 {
		v.closed = at
	}
}

// verdictsOf plays a city and judges its bins by what is on the air.
func verdictsOf(t *testing.T, cfg Config, from time.Time, length time.Duration) map[string]*verdict {
	t.Helper()
	c := New(cfg)
	bins := map[city.EUI]*city.Asset{}
	for _, s := range c.sites {
		if !s.unknown && s.asset.Kind == city.Bin {
			bins[s.device.DevEUI] = &s.asset
		}
	}
	verdicts := map[string]*verdict{}
	eachUp(t, Play{City: c, Encoder: &tinyEncoder{}}, from, from.Add(length), func(_ Message, up *upEvent) {
		asset := bins[up.DeviceInfo.DevEUI]
		if asset == nil || up.FPort == 0 {
			return
		}
		if level, ok := fillOf(up.Data, asset.Bin); ok {
			v := verdicts[asset.ID]
			if v == nil {
				v = &verdict{}
				verdicts[asset.ID] = v
			}
			v.judge(up.Time, level)
		}
	})
	return verdicts
}

func TestTheStoryIsToldWheneverItStarts(t *testing.T) {
	monday := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	whole := DefaultConfig()
	whole.Trees, whole.Bays = 0, 0
	bad := whole
	bad.Seed, bad.Loss = 99, 0.3
	tiny := Config{Seed: 5, Bins: 2, Period: time.Hour, Story: true, Loss: 0.3}
	for _, c := range []struct {
		name           string
		cfg            Config
		opened, closed int
	}{
		{"demo", whole, 6, 6},
		{"bad radio", bad, 6, 6},
		{"two bins", tiny, 1, 1},
	} {
		for start := range 16 {
			from := monday.Add(time.Duration(start) * 11 * time.Hour) // every hour of the day, every day of the week
			t.Run(fmt.Sprintf("%s %s", c.name, from.Format("Mon 15")), func(t *testing.T) {
				const told = 6 * time.Hour
				stay, left := 0, 0
				for _, v := range verdictsOf(t, c.cfg, from, told) {
					switch {
					case v.opened.IsZero():
					case v.closed.IsZero() && v.lastLevel >= 90 && v.opened.Sub(from) <= 200*time.Minute:
						stay++
					case !v.closed.IsZero() && v.lastLevel <= 40 && v.closed.Sub(from) <= 260*time.Minute:
						left++
					}
				}
				if stay < c.opened || left < c.closed {
					t.Errorf("%d bins ran over and stayed, want %d; %d full ones were emptied, want %d", stay, c.opened, left, c.closed)
				}
			})
		}
	}
}

func TestDistancesFitTheCalibration(t *testing.T) {
	c := New(DefaultConfig())
	bins := map[string]*city.BinCalibration{}
	for _, a := range c.Assets() {
		bins[a.ID] = a.Bin
	}
	var compared, high, low int
	for _, u := range truthOfPlay(t, Play{City: c, Encoder: &tinyEncoder{}}, noon, 72*time.Hour).Uplinks {
		calibration := bins[u.Asset]
		if calibration == nil {
			continue
		}
		level, ok := fillOf(u.Payload, calibration)
		if !ok {
			continue
		}
		compared++
		// The echo is at most 8.5 mm off, which is below 2 % of the smallest span.
		truth := u.World[0].Number
		if u.World[0].Quantity != city.FillLevel || math.Abs(level-truth) > 2 || level < -2 || level > 102 {
			t.Fatalf("%s: payload says %.1f %%, the world %v", u.Asset, level, u.World)
		}
		if mm := binary.LittleEndian.Uint16(u.Payload[5:]); mm < 30 || mm > 4500 {
			t.Fatalf("%s: %d mm is out of the sensor's range", u.Asset, mm)
		}
		if level > 90 {
			high++
		}
		if level < 10 {
			low++
		}
	}
	if compared < 10_000 || high < 50 || low < 500 {
		t.Errorf("compared %d readings, %d of them high and %d low: too few to mean anything", compared, high, low)
	}
}

// TestBinsLiveThroughAMonth: nothing fills up for good, nothing stays empty for good.
func TestBinsLiveThroughAMonth(t *testing.T) {
	c := New(DefaultConfig())
	var overflow, hours, emptyings, days int
	for i, place := range placesOf(c, noon, nil) {
		b, ok := place.(*bin)
		if !ok || c.sites[i].role != ordinary {
			continue
		}
		days += 30
		var low, high float64 = 100, 0
		previous := b.level(noon)
		for hour := 1; hour <= 30*24; hour++ {
			level := b.level(noon.Add(time.Duration(hour) * time.Hour))
			if !(level >= 0 && level <= 100) {
				t.Fatalf("level %v", level)
			}
			if level < previous-3 {
				emptyings++
			}
			previous = level
			low, high = min(low, level), max(high, level)
			hours++
			if level >= 90 {
				overflow++
			}
		}
		if low > 20 || high < 15 {
			t.Errorf("%s: between %.0f and %.0f %% in a month", c.sites[i].asset.ID, low, high)
		}
	}
	share, perDay := float64(overflow)/float64(hours), float64(emptyings)/float64(days)
	if share < 0.002 || share > 0.1 {
		t.Errorf("bins are over 90 %% for %.1f %% of the time, want 0.2 to 10", share*100)
	}
	if perDay < 0.3 || perDay > 0.9 {
		t.Errorf("%.2f emptyings per bin and day, want 0.3 to 0.9", perDay)
	}
	t.Logf("over 90 %% for %.1f %% of the time, %.2f emptyings per bin and day", share*100, perDay)
}

func TestBaysFollowTheirCustom(t *testing.T) {
	monday := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for i := range customs {
		who := &customs[i]
		t.Run(who.name, func(t *testing.T) {
			const weeks = 60
			taken, changes := map[int]int{}, 0
			b := &bay{custom: who, rng: rand.New(rand.NewPCG(1, uint64(i)))}
			b.change = b.nextChange(monday)
			last := monday
			for hour := range weeks * 7 * 24 {
				at := monday.Add(time.Duration(hour) * time.Hour)
				for change := b.stirs(); !change.After(at); change = b.stirs() {
					if change.Sub(last) < minStay {
						t.Fatalf("change at %s after one at %s", change, last)
					}
					last = change
					b.sense(change, nil)
					changes++
				}
				if hour/24%7 == 2 && b.occupied { // Wednesdays
					taken[at.Hour()]++
				}
			}
			busiest, quietest := 0.0, 1.0
			for hour := range 24 {
				share := float64(taken[hour]) / weeks
				busiest, quietest = max(busiest, share), min(quietest, share)
			}
			if busiest < 0.7 || busiest-quietest < 0.3 {
				t.Errorf("on Wednesdays taken between %.0f and %.0f %% of the time: no pattern", quietest*100, busiest*100)
			}
			if perDay := float64(changes) / weeks / 7; perDay < 0.5 || perDay > 40 {
				t.Errorf("%.1f changes a day", perDay)
			}
		})
	}
}

func TestWall(t *testing.T) {
	for name, c := range map[string]struct{ utc, wall string }{
		"winter":                {"2026-01-15T12:00:00Z", "13:00"},
		"summer":                {"2026-07-15T12:00:00Z", "14:00"},
		"before summer time":    {"2026-03-29T00:59:59Z", "01:59"},
		"summer time begins":    {"2026-03-29T01:00:00Z", "03:00"},
		"before it ends":        {"2026-10-25T00:59:59Z", "02:59"},
		"summer time ends":      {"2026-10-25T01:00:00Z", "02:00"},
		"last day is a Sunday":  {"2024-03-31T01:00:00Z", "03:00"},
		"given in another zone": {"2026-07-15T20:00:00+08:00", "14:00"},
	} {
		t.Run(name, func(t *testing.T) {
			utc, err := time.Parse(time.RFC3339, c.utc)
			if err != nil {
				t.Fatal(err)
			}
			if got := wall(utc).Format("15:04"); got != c.wall {
				t.Errorf("got %s, want %s", got, c.wall)
			}
		})
	}
}

func TestRhythmsHaveMeanOne(t *testing.T) {
	for s, r := range rhythms {
		var hours, days float64
		for _, h := range r.hours {
			hours += h / 24
		}
		for _, d := range r.days {
			days += d / 7
		}
		if math.Abs(hours-1) > 0.05 || math.Abs(days-1) > 0.05 {
			t.Errorf("setting %d: mean of the hours %.3f, of the days %.3f", s, hours, days)
		}
	}
}
