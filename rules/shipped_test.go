package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
)

// TestShippedRules plays a story for each of the shipped rules that are about one asset. Times
// are minutes since its beginning.
func TestShippedRules(t *testing.T) {
	const day = 24 * 60
	type point struct {
		minute float64
		values []city.Value
		fault  city.Fault
		silent bool // time passes, nothing is heard
	}
	measured := func(q city.Quantity, step float64, numbers ...float64) (story []point) {
		for i, n := range numbers {
			story = append(story, point{minute: float64(i) * step, values: []city.Value{{Quantity: q, Number: n}}})
		}
		return story
	}
	// every repeats a value for some days and goes on with others.
	every := func(q city.Quantity, step float64, days float64, number float64, then ...float64) []point {
		var numbers []float64
		for i := 0.0; i*step <= days*day; i++ {
			numbers = append(numbers, number)
		}
		return measured(q, step, append(numbers, then...)...)
	}
	for _, c := range []struct {
		name  string
		kind  city.Kind
		start time.Time // zero: noon
		story []point
		want  string
	}{
		{name: "bin fills and is emptied", kind: city.Bin, story: measured(city.FillLevel, 60, 40, 80, 92, 95, 97, 12, 13),
			want: "opened bin-full@180 since 120: 95, closed bin-full@360 since 300: 13"},
		{name: "one outlier", kind: city.Bin, story: measured(city.FillLevel, 60, 40, 95, 41, 96, 42), want: ""},
		{name: "bin tilted", kind: city.Bin, story: measured(city.Tilt, 60, 0, 1, 1, 0, 0),
			want: "opened bin-tilted@120 since 60: 1, closed bin-tilted@240 since 180: 0"},
		{name: "soil dries in summer, is watered", kind: city.Soil, start: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC),
			story: every(city.UsableFieldCapacity, 360, 1, 28, 26, 60, 61, 62),
			want:  "opened soil-dry@1440 since 0: 28, closed soil-dry@2520 since 2160: 61"},
		{name: "soil gets very dry", kind: city.Soil, start: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC),
			story: every(city.UsableFieldCapacity, 360, 1, 28, 14, 13, 12, 12, 11),
			want:  "opened soil-dry@1440 since 0: 28, escalated soil-dry@3240 since 1800: 11"},
		{name: "soil dries in winter", kind: city.Soil, start: time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC),
			story: every(city.UsableFieldCapacity, 360, 2, 20), want: ""},
		{name: "bay is blocked, with an hourly sign of life", kind: city.Parking, story: append(every(city.Occupied, 60, 1.5, 1, 0), point{minute: 1.5*day + 60 + 15, silent: true}),
			want: "opened bay-blocked@1440 since 0: 1, closed bay-blocked@2235 since 2220: 0"},
		{name: "battery runs down and is changed", kind: city.Bin, story: every(city.BatteryLevel, 360, 0.5, 14, 100, 100),
			want: "opened bin-battery-low@720 since 0: 14, closed bin-battery-low@1440 since 1080: 100"},
		{name: "battery of a soil probe", kind: city.Soil, story: every(city.BatteryVoltage, 360, 0.5, 2.9, 3.6, 3.6),
			want: "opened soil-battery-low@720 since 0: 2.9, closed soil-battery-low@1440 since 1080: 3.6"},
		{name: "battery of another sensor", kind: city.Door, story: every(city.BatteryLevel, 360, 0.5, 9), want: "opened battery-low@720 since 0: 9"},
		{name: "tampered", kind: city.Meter, story: measured(city.Tampered, 60, 0, 1, 1), want: "opened sensor-tampered@120 since 60: 1"},
		{name: "sensor is blind for half a day", kind: city.Bin, story: []point{{minute: 0, fault: city.FaultNoEcho}, {minute: 180, fault: city.FaultNoEcho},
			{minute: 360, fault: city.FaultNoEcho}, {minute: 540}, {minute: 720}, {minute: 900}},
			want: "opened sensor-fault@360 since 0: 1, closed sensor-fault@900 since 540: 0"},
		{name: "sensor falls silent", kind: city.Bin, story: append(measured(city.FillLevel, 60, 40, 41, 42, 43), point{minute: 180 + day - 1, silent: true},
			point{minute: 180 + day + 1, silent: true}), want: "opened sensor-silent@1621 since 180: 24.017"},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := c.start
			if start.IsZero() {
				start = noon
			}
			asset := &city.Asset{ID: "X-1", Kind: c.kind}
			set, minutes := Default(), func(at time.Time) float64 { return at.Sub(start).Minutes() }
			var mind city.Mind
			var said []string
			for i, p := range c.story {
				sight := &city.Sight{Asset: asset, Now: start.Add(time.Duration(p.minute * float64(time.Minute)))}
				if !p.silent {
					r := reading(c.kind, 0, p.values...)
					if p.fault != "" {
						r.Faults = []city.Fault{p.fault}
					}
					r.Time.At, r.DevEUI, r.Epoch, r.FCnt = sight.Now, city.EUI{1}, 1, uint32(i)
					sight.Reading = r
				}
				var verdicts []city.Verdict
				mind, verdicts, _ = set.Step(mind, sight)
				for _, v := range verdicts {
					if v.Change != city.Moved {
						said = append(said, fmt.Sprintf("%s %s@%.0f since %.0f: %v", v.Change, v.Rule, minutes(sight.Now), minutes(v.Since), v.Value))
					}
				}
			}
			got := strings.Join(said, ", ")
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
