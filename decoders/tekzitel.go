package decoders

import "meldefunk/city"

// TEKZITEL TEKZIPARK, ports 1 and 2, at least 3 bytes: bit 7 occupied, bit 4 something covers
// the sensor, bit 5 battery good; °C; number of the place; then what beacons are near, which
// is not read. (TheThingsNetwork/lorawan-devices, vendor/tekzitel.)
func tekzitel() []model {
	parking := frames{{
		length: 3, longer: true,
		fields: []field{
			{quantity: city.Occupied, mask: 0x80},
			{quantity: city.BatteryLow, mask: 0x20, inverted: true},
			{quantity: city.Temperature, at: 1, form: s8},
		},
		troubles: []trouble{{at: 0, mask: 0x10, fault: city.FaultObstructed}},
		labels: []label{
			{mask: 0x08, name: "radar"}, {mask: 0x04, name: "no beacon"}, {mask: 0x02, name: "restarted"}, {mask: 0x01, name: "still so"},
			{at: 2, name: "number of the place"},
		},
	}}
	return []model{{name: "tekzitel/tekzipark", kind: city.Parking, ports: []port{
		{number: 1, carries: "parking", layout: parking},
		{number: 2, carries: "parking", layout: parking},
	}}}
}
