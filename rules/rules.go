// Package rules says when a reading is somebody's business. A rule has a condition that
// opens a case and another one that closes it again, and says for how long and how often
// each must have held; all of it in event time. A condition is true, false or unknown, and
// unknown neither opens nor closes.
//
// What the rules remember of an asset is a city.Mind. Step makes a new one of it and of
// one more Sight, and tells what changed; it is pure. The last readings are kept in order
// of event time, so one that comes late is put in its place and all that follows is thought
// anew.
//
// It does not know where readings come from, what a ticket system is, where minds are
// kept, or what time it is now.
package rules

import "meldefunk/city"

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
