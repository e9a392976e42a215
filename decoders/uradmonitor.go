package decoders

import "meldefunk/city"

// uRADMonitor A3, air, 32 bytes on any port, big endian. Temperature is a magnitude with a
// sign bit; pressure is what exceeds 65535 Pa. The gas resistance is a number without a unit
// that people know, and is not read.
// (uRADMonitor data interface; TheThingsNetwork/lorawan-devices, vendor/uradmonitor.)
func uradmonitor() []model {
	return []model{{name: "uradmonitor/a3", kind: city.Air, ports: []port{
		{number: 1, any: true, carries: "measurement", layout: frames{{length: 32, fields: []field{
			{quantity: city.Temperature, at: 10, form: m16be, per: 100},
			{quantity: city.Pressure, at: 12, form: u16be, plus: 0xffff, per: 100},
			{quantity: city.Humidity, at: 14, per: 2},
			{quantity: city.Noise, at: 18, per: 2},
			{quantity: city.CO2, at: 19, form: u16be},
			{quantity: city.Formaldehyde, at: 21, form: u16be},
			{quantity: city.Ozone, at: 23, form: u16be},
			{quantity: city.PM1, at: 25, form: u16be},
			{quantity: city.PM25, at: 27, form: u16be},
			{quantity: city.PM10, at: 29, form: u16be},
		}, labels: []label{
			{size: 4, name: "device id"}, {at: 4, name: "hardware version"}, {at: 5, name: "firmware version"},
			{at: 6, size: 4, name: "seconds since the start"}, {at: 15, size: 3, name: "gas resistance"}, {at: 31, name: "checksum, not checked"},
		}}}},
	}}}
}
