package sim

import (
	"math"
	"testing"
	"time"
)

// TestWeatherOfManyYears holds 20 seeds of five years against the climate of the station.
func TestWeatherOfManyYears(t *testing.T) {
	const seeds, years = 20, 5
	var rain, mean, wet, count [12]float64
	var thirst, longest float64
	first := dayNumber(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	last := dayNumber(time.Date(2026+years, 1, 1, 0, 0, 0, 0, time.UTC))
	coldest, hottest := 100.0, -100.0
	for seed := range uint64(seeds) {
		s := sky{weather: weather{seed: seed}}
		dry := 0.0
		for number := first; number < last; number++ {
			s.turn(number)
			month := dateOf(number).Month() - 1
			today := s.today()
			rain[month] += today.rain
			count[month]++
			dry++
			if today.rain > 0 {
				wet[month]++
				dry = 0
			}
			longest = max(longest, dry)
			for hour := range 24 {
				air := s.air(float64(hour))
				mean[month] += air / 24
				coldest, hottest = min(coldest, air), max(hottest, air)
			}
			thirst += s.thirst(0, 24)
		}
	}
	for month := range climates {
		want := &climates[month]
		days := count[month]
		if got := rain[month] / seeds / years; math.Abs(got/want.rain-1) > 0.15 {
			t.Errorf("%s: %.1f mm of rain, want %.1f", time.Month(month+1), got, want.rain)
		}
		if got := mean[month] / days; math.Abs(got-want.mean) > 1 {
			t.Errorf("%s: %.1f °C, want %.1f", time.Month(month+1), got, want.mean)
		}
		if got := wet[month] / days; math.Abs(got-want.wetDays) > 0.05 {
			t.Errorf("%s: rain on %.2f of the days, want %.2f", time.Month(month+1), got, want.wetDays)
		}
	}
	for what, c := range map[string]struct{ got, low, high float64 }{
		"evapotranspiration, mm a year": {thirst / seeds / years, 500, 750},
		"coldest, °C":                   {coldest, -18, -6},
		"hottest, °C":                   {hottest, 30, 40},
		"longest time without rain":     {longest, 10, 35},
	} {
		if c.got < c.low || c.got > c.high {
			t.Errorf("%s: %.1f, want %.0f to %.0f", what, c.got, c.low, c.high)
		}
		t.Logf("%s: %.1f", what, c.got)
	}
}

// TestSun holds radiation and daylight against examples 8 and 9 of FAO Paper 56, and
// daylight against what must be so at any latitude.
func TestSun(t *testing.T) {
	for name, c := range map[string]struct {
		latitude, energy, light float64 // degrees, MJ/m² and day (0: not known), h
		yearDay                 int
	}{
		"FAO, 20 degrees south on 3 September": {-20, 32.2, 11.7, 246},
		"the equator has 12 hours":             {0, 0, 12, 1},
		"so has Osnabrück in March":            {52.27, 0, 12, 81},
	} {
		t.Run(name, func(t *testing.T) {
			radiation, light := sunOf(c.latitude*math.Pi/180, c.yearDay)
			if energy := radiation / 0.408; c.energy > 0 && math.Abs(energy-c.energy) > 0.15 || math.Abs(light-c.light) > 0.06 {
				t.Errorf("%.2f MJ/m² and %.2f h, want %.1f and %.1f", energy, light, c.energy, c.light)
			}
		})
	}
}

func TestScriptedWeather(t *testing.T) {
	begin := time.Date(2026, 6, 10, 22, 30, 0, 0, time.UTC) // after midnight on the wall
	for seed := range uint64(30) {
		w := newWeather(seed, WeatherScript{DryFrom: 2, DryDays: 7, RainMM: 18}, begin)
		plain := newWeather(seed, WeatherScript{}, begin)
		first := dayNumber(time.Date(2026, 6, 13, 0, 0, 0, 0, time.UTC))
		for number := first; number < first+7; number++ {
			if d := w.on(number); d.rain != 0 {
				t.Fatalf("seed %d: %.1f mm on %s, want a dry week", seed, d.rain, dateOf(number).Format(time.DateOnly))
			}
		}
		if d := w.on(first + 7); d.rain != 18 || d.rainBetween(0, 24) != 18 || d.rainBetween(0, 14) != 0 {
			t.Errorf("seed %d: the week ends in %.1f mm, want 18 in the afternoon", seed, d.rain)
		}
		if w.on(first-1) != plain.on(first-1) || w.on(first+8) != plain.on(first+8) {
			t.Errorf("seed %d: the script changes other days", seed)
		}
	}
}

func TestWeatherScriptValidate(t *testing.T) {
	for name, c := range map[string]struct {
		script WeatherScript
		want   string
	}{
		"none":         {WeatherScript{}, ""},
		"good":         {WeatherScript{DryFrom: 1, DryDays: 7, RainMM: 20}, ""},
		"in the past":  {WeatherScript{DryFrom: -1, DryDays: 7}, "weather.dry_from is -1: want the number of a day, 0 to 3650"},
		"too long":     {WeatherScript{DryDays: 400}, "weather.dry_days is 400: want 0 to 365"},
		"not a number": {WeatherScript{DryDays: 1, RainMM: math.NaN()}, "weather.rain_mm is NaN: want 0 to 200"},
		"no days":      {WeatherScript{RainMM: 5}, "weather.dry_days is missing: dry_from and rain_mm do nothing without it"},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			if err := c.script.Validate(); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestHolidays(t *testing.T) {
	for _, c := range []struct {
		date    string
		holiday bool
	}{
		{"2026-01-01", true}, {"2026-04-03", true}, {"2026-04-05", false}, {"2026-04-06", true}, {"2026-05-01", true},
		{"2026-05-14", true}, {"2026-05-25", true}, {"2026-06-04", false}, {"2026-10-03", true}, {"2026-10-31", true},
		{"2026-11-01", false}, {"2026-12-24", false}, {"2026-12-25", true}, {"2026-12-26", true},
		{"2024-03-29", true}, {"2024-04-01", true}, {"2024-05-09", true}, {"2024-05-20", true}, // a leap year
		{"2038-04-26", true}, // the latest Easter Monday there is
	} {
		date, err := time.Parse(time.DateOnly, c.date)
		if err != nil {
			t.Fatal(err)
		}
		if got := holiday(date); got != c.holiday {
			t.Errorf("%s: %v, want %v", c.date, got, c.holiday)
		}
	}
}
