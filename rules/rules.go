// Package rules says when a reading is somebody's business. A rule has a condition that
// opens a case, another one that closes it again, and says for how long and how often
// each must have held; all of it in event time.
//
// It does not know where readings come from, what a ticket system is, where standings
// are kept, or what time it is now: silence neither opens nor closes anything here.
package rules

import (
	"time"

	"meldefunk/city"
)

// Rule is one rule as it was read from a file.
type Rule struct {
	ID       string    // lower-case letters, digits and hyphens: "bin-full"
	Kind     city.Kind // of the assets it looks at
	Quantity city.Quantity

	Open     Condition     // a case is wanted when this has held …
	For      time.Duration // … for at least this span between the first and the last reading
	Readings uint32        // … on at least so many readings in a row, 1 or more

	Clear         Condition // an open case is no longer wanted when this has held …
	ClearFor      time.Duration
	ClearReadings uint32

	Service string // ticket category: upper-case letters, digits and hyphens
	Title   string // words for the ticket: what is the matter
	Advice  string // words for the ticket: what to do; may be empty
}

// Set is a set of rules that fit together. It does not change: a reload makes a new one.
type Set struct {
	rules  []Rule
	byKind map[city.Kind][]Rule
}

// newSet puts rules in the order of their file behind the kinds they look at.
func newSet(rules []Rule) *Set {
	s := &Set{rules: rules, byKind: make(map[city.Kind][]Rule)}
	for _, r := range rules {
		s.byKind[r.Kind] = append(s.byKind[r.Kind], r)
	}
	return s
}

// Rules lists the rules in the order of their file. The caller may keep and change the
// slice.
func (s *Set) Rules() []Rule { return append([]Rule(nil), s.rules...) }

// measures lists what can be measured at assets of a kind: what a rule for them may look
// at. The health of a device can be measured everywhere.
func measures(k city.Kind) []city.Quantity {
	var own []city.Quantity
	switch k {
	case city.Bin:
		own = []city.Quantity{city.FillLevel, city.Distance, city.Distance2, city.Distance3, city.DistanceMin, city.DistanceMax,
			city.DistanceMedian, city.DistanceChange, city.EchoStrength, city.Samples, city.Tilt, city.TiltAngle, city.LevelAlarm,
			city.FireAlarm, city.Latitude, city.Longitude}
	case city.Soil:
		own = []city.Quantity{city.SoilMoisture, city.UsableFieldCapacity, city.SoilTension, city.SoilTemperature, city.SoilTemperature2,
			city.SoilTemperature3, city.SoilTemperature4, city.SoilTemperature5, city.SoilTemperature6, city.SoilTemperature7,
			city.SoilTemperature8, city.SoilMoistureIndex, city.SoilMoistureIndex2, city.SoilMoistureIndex3, city.SoilMoistureIndex4,
			city.SoilMoistureIndex5, city.SoilMoistureIndex6, city.SoilMoistureIndex7, city.SoilMoistureIndex8, city.Conductivity,
			city.Permittivity, city.SoilMoistureRaw, city.ConductivityRaw, city.SoilFrequency, city.SoilThermistor,
			city.WatermarkFrequency, city.WatermarkFrequency2, city.Humidity, city.Illuminance}
	case city.Parking:
		own = []city.Quantity{city.Occupied, city.PreviousDuration, city.FormerDuration, city.Count, city.Distance}
	case city.Level:
		own = []city.Quantity{city.WaterLevel, city.WaterPressure, city.WaterTemperature, city.Leak, city.FillLevel, city.Distance,
			city.Distance2, city.Distance3, city.DistanceMin, city.DistanceMax, city.DistanceMedian, city.DistanceChange, city.EchoStrength,
			city.Samples, city.LevelAlarm, city.Tilt, city.TiltAngle, city.Tampered, city.Pressure, city.Humidity}
	case city.Weather, city.Air: // the same stations stand for both
		own = []city.Quantity{city.Humidity, city.Pressure, city.WindSpeed, city.WindGust, city.WindDirection, city.Rain, city.RainTotal,
			city.RainRate, city.UVIndex, city.SolarRadiation, city.Lightning, city.CO2, city.TVOC, city.Ozone, city.Formaldehyde, city.PM1,
			city.PM25, city.PM4, city.PM10, city.Noise, city.Illuminance, city.Count}
	case city.People:
		own = []city.Quantity{city.PeoplePresent, city.PeopleIn, city.PeopleIn2, city.PeopleIn3, city.PeopleIn4, city.PeopleOut,
			city.PeopleOut2, city.PeopleOut3, city.PeopleOut4, city.PeopleInLately, city.PeopleOutLately, city.Count}
	case city.Door:
		own = []city.Quantity{city.DoorOpen, city.Leak, city.Tampered, city.Count, city.PreviousDuration, city.Humidity}
	case city.Tracker:
		own = []city.Quantity{city.Latitude, city.Longitude, city.Speed, city.Humidity}
	case city.Light:
		own = []city.Quantity{city.DimLevel, city.Power, city.Energy}
	case city.Meter:
		own = []city.Quantity{city.Volume, city.Leak, city.Tampered}
	default:
		return nil
	}
	return append(own, city.Temperature, city.ProbeTemperature, city.BatteryVoltage, city.BatteryLevel, city.BatteryLow)
}
