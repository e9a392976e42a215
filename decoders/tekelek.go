package decoders

import "meldefunk/city"

// Tekelek TEK 766, ultrasonic tank sensor: the first byte is the kind of message and the
// port. Integers big endian; ullage is the distance to the contents.
// (Layouts as in ZennerIoT/element-parsers.)
//
//	10  measurement: 4 bytes head, then four times ullage in cm, °C, quality; newest first
//	30  status: 10 battery in %, 14-15 ullage in cm, 16 °C
//	45  alarm: 4 bytes head, the measurement that alarms, the one before
//
// Bits 0 to 2 of byte 2 of 10 and 45 are the device's three thresholds. A measurement of four
// zeros is none: there was no echo. Older measurements are not read: how far apart they are is
// not in the frame.
func tekelek() []model {
	frame := func(kind byte, length, at int, more ...field) frames {
		heard := func(yes bool) func([]byte) bool {
			return func(payload []byte) bool { return payload[0] == kind && (u32be.get(payload[at:]) != 0) == yes }
		}
		labels := []label{{name: "kind of message"}, {at: 1, name: "product"}, {at: at + 3, name: "quality"}}
		if older := length - at - 4; older > 0 {
			labels = append(labels, label{at: at + 4, size: older, name: "older measurements"})
		} else {
			labels = append(labels, label{at: 3, name: "hardware"}, label{at: 4, size: 2, name: "software"}, label{at: 8, name: "signal"},
				label{at: 11, size: 2, name: "measuring interval"}, label{at: 13, name: "sending interval"})
		}
		measured := append([]field{
			{quantity: city.Distance, at: at, form: u16be, times: 10},
			{quantity: city.Temperature, at: at + 2, form: s8},
		}, more...)
		blank := make([]byte, length)
		blank[0], blank[at+3] = kind, 0xaa // a good echo
		return frames{
			{length: length, is: heard(true), blank: blank, fields: measured, labels: labels},
			{length: length, is: heard(false), blank: []byte{kind}, fields: more, labels: labels, special: noEcho(label{at: at, size: 4, name: "measurement"})},
		}
	}
	alarm := field{quantity: city.LevelAlarm, at: 2, mask: 0x07, nonzero: true}
	return []model{{name: "tekelek/tek766", kind: city.Bin, ports: []port{
		{number: 0x10, carries: "measurement", layout: frame(0x10, 20, 4, alarm)},
		{number: 0x30, carries: "status", layout: frame(0x30, 18, 14, field{quantity: city.BatteryLevel, at: 10})},
		{number: 0x45, carries: "alarm", layout: frame(0x45, 12, 4, alarm)},
	}}}
}
