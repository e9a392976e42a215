package decoders

import "meldefunk/city"

// Tekelek TEK 766, ultrasonic tank sensor: the first byte is the kind of message and the
// port. Integers big endian; ullage is the distance to the contents.
// (Layouts as in ZennerIoT/element-parsers.)
//
//	10  measurement: 4 bytes head, then four times ullage in cm, °C, quality; newest first
//	30  status: 10 battery in %, 14-15 ullage in cm, 16 °C
//	45  alarm
//
// The three older measurements are not read: how far apart they are is not in the frame.
func tekelek() []model {
	kind := func(k byte) func([]byte) bool { return func(payload []byte) bool { return payload[0] == k } }
	ullage := func(at int) field {
		return field{quantity: city.Distance, at: at, form: u16be, times: 10}
	}
	return []model{{name: "tekelek/tek766", kind: city.Bin, ports: []port{
		{number: 0x10, carries: "measurement", layout: frames{{
			length: 20, is: kind(0x10), blank: []byte{0: 0x10},
			fields: []field{ullage(4), {quantity: city.Temperature, at: 6, form: s8}},
		}}},
		{number: 0x30, carries: "status", layout: frames{{
			length: 18, is: kind(0x30), blank: []byte{0: 0x30},
			fields: []field{{quantity: city.BatteryLevel, at: 10}, ullage(14), {quantity: city.Temperature, at: 16, form: s8}},
		}}},
		{number: 0x45, carries: "alarm", layout: unread{}},
	}}}
}
