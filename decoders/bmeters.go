package decoders

import "meldefunk/city"

// B METERS IWM-LR3 and IWM-LR4, radio modules of water meters, any port: 44, volume and
// volume that ran backwards as 8 decimal digits, lowest first; factor of the meter, medium,
// unit of the volume (13 l, 14 and 15 ten and hundred litres, 16 m³), alarms: bits 0 to 2
// magnet, removed, manipulated, bit 3 leak, bit 4 backflow, bit 5 battery. A temperature may
// follow, in a form that is not documented well enough. (B METERS IWM-LR3/LR4 user manual v1.0.)
func bmeters() []model {
	var all frames
	for power, unit := range []float64{1, 10, 100, 1000} {
		code := 0x13 + byte(power)
		all = append(all, fixed{
			length: 13, longer: true, blank: []byte{0: 0x44, 11: code},
			is: func(payload []byte) bool { return payload[0] == 0x44 && payload[11] == code },
			fields: []field{
				{quantity: city.Volume, at: 1, form: bcd8le, times: unit, per: 1000},
				{quantity: city.Tampered, at: 12, mask: 0x07, nonzero: true},
				{quantity: city.Leak, at: 12, mask: 0x08},
				{quantity: city.BatteryLow, at: 12, mask: 0x20},
			},
			labels: []label{{name: "header"}, {at: 5, size: 4, name: "volume that ran backwards"}, {at: 9, name: "factor"}, {at: 10, name: "medium"}, {at: 11, name: "unit"}, {at: 12, mask: 0x10, name: "backflow"}},
			tail:   func(payload []byte) []byte { return payload[13:] },
		})
	}
	ports := []port{{number: 1, any: true, carries: "volume", layout: all}}
	return []model{
		{name: "bmeters/iwm-lr3", kind: city.Meter, ports: ports},
		{name: "bmeters/iwm-lr4", kind: city.Meter, ports: ports},
	}
}
