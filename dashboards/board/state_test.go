package board

import (
	"math"
	"testing"
	"time"

	"meldefunk/city"
)

func TestStateKey(t *testing.T) {
	now := time.Date(2026, 11, 21, 13, 0, 0, 0, time.UTC)
	stale := DefaultConfig().StaleAfter
	of := func(q city.Quantity, v float64) *city.Reading {
		return &city.Reading{Values: []city.Value{{Quantity: q, Number: v}}}
	}
	faulty := &city.Reading{Faults: []city.Fault{city.FaultNoEcho}, Values: []city.Value{{Quantity: city.BatteryLevel, Number: 80}}}
	capped := of(city.FillLevel, 100)
	capped.Faults = []city.Fault{city.FaultOutOfScale}
	uncalibrated := of(city.Distance, 3000)
	uncalibrated.Faults = []city.Fault{city.FaultUncalibrated}
	noFix := &city.Reading{Faults: []city.Fault{city.FaultNoFix}}
	for _, c := range []struct {
		name string
		kind city.Kind
		r    *city.Reading
		age  time.Duration
		want string
	}{
		{"nothing heard", city.Bin, nil, 0, "ohne-daten"},
		{"zero is a value", city.Bin, of(city.FillLevel, 0), 0, "leer"},
		{"below 20", city.Bin, of(city.FillLevel, 19.94), 0, "leer"},
		{"shown as 20,0", city.Bin, of(city.FillLevel, 19.96), 0, "teilgefuellt"},
		{"below 75", city.Bin, of(city.FillLevel, 74.9), 0, "teilgefuellt"},
		{"75", city.Bin, of(city.FillLevel, 75), 0, "fast-voll"},
		{"below 90", city.Bin, of(city.FillLevel, 89.94), 0, "fast-voll"},
		{"shown as 90,0", city.Bin, of(city.FillLevel, 89.96), 0, "voll"},
		{"capped is still full", city.Bin, capped, 0, "voll"},
		{"not a number", city.Bin, of(city.FillLevel, math.NaN()), 0, "unbekannt"},
		{"fault", city.Bin, faulty, 0, "stoerung"},
		{"only something else", city.Bin, of(city.BatteryLevel, 80), 0, "unbekannt"},
		{"just fresh", city.Bin, of(city.FillLevel, 50), 24 * time.Hour, "teilgefuellt"},
		{"old", city.Bin, of(city.FillLevel, 50), 24*time.Hour + time.Second, "veraltet"},
		{"old fault", city.Bin, faulty, 25 * time.Hour, "veraltet"},
		{"dry", city.Soil, of(city.SoilMoisture, 14.9), 0, "trocken"},
		{"moist", city.Soil, of(city.SoilMoisture, 15), 0, "feucht"},
		{"wet", city.Soil, of(city.SoilMoisture, 35), 0, "nass"},
		{"free", city.Parking, of(city.Occupied, 0), 6 * time.Hour, "frei"},
		{"taken", city.Parking, of(city.Occupied, 1), 0, "belegt"},
		{"old bay", city.Parking, of(city.Occupied, 1), 6*time.Hour + time.Second, "unbekannt"},
		{"water in a cellar", city.Level, of(city.Leak, 1), 0, "wasser"},
		{"no water in a cellar", city.Level, of(city.Leak, 0), 0, "meldet"},
		{"gauge below zero", city.Level, of(city.WaterLevel, -20), 0, "meldet"},
		{"basin", city.Level, of(city.FillLevel, 92), 0, "voll"},
		{"uncalibrated gauge", city.Level, uncalibrated, 0, "stoerung"},
		{"soil tension has no bands", city.Soil, of(city.SoilTension, 40), 0, "meldet"},
		{"frost", city.Weather, of(city.Temperature, -3), 0, "meldet"},
		{"wind alone", city.Weather, of(city.WindSpeed, 3), 0, "meldet"},
		{"silent station", city.Weather, of(city.Temperature, -3), 3*time.Hour + time.Second, "veraltet"},
		{"nobody passed", city.People, of(city.PeopleIn, 0), 0, "meldet"},
		{"open", city.Door, of(city.DoorOpen, 1), 72 * time.Hour, "offen"},
		{"shut", city.Door, of(city.DoorOpen, 0), 0, "geschlossen"},
		{"old door", city.Door, of(city.DoorOpen, 0), 72*time.Hour + time.Second, "unbekannt"},
		{"position", city.Tracker, of(city.Latitude, 52), 0, "meldet"},
		{"no fix", city.Tracker, noFix, 0, "stoerung"},
		{"ahead of the clock", city.Parking, of(city.Occupied, 1), -time.Minute, "belegt"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := c.r
			if r != nil {
				copied := *r
				copied.Time.At = now.Add(-c.age)
				r = &copied
			}
			got := stateKey(c.kind, r, now, stale.of(c.kind))
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if s, ok := stateNamed(got); !ok || s.Word == "" || s.Symbol == "" {
				t.Errorf("state %s has no word or no symbol", got)
			}
		})
	}
}
