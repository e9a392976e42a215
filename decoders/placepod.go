package decoders

import "meldefunk/city"

// PNI PlacePod: [channel][type][data] repeated as in Cayenne LPP, big endian, any port. A
// vehicle count above 128 tells of a restart or a new calibration, not of vehicles.
// (PNI PlacePod payload documentation; layouts as in ZennerIoT/element-parsers.)
func placepod() []model {
	count := field{quantity: city.Count, highest: 0x80}
	return []model{{name: "pni/placepod", kind: city.Parking, ports: []port{
		{number: 1, any: true, carries: "parking", layout: itemsOf(2,
			channel(0x0302, field{quantity: city.BatteryVoltage, form: s16be, per: 100}),
			channel(0x0267, field{quantity: city.Temperature, form: s16be, per: 10}),
			channel(0x1566, field{quantity: city.Occupied}),
			channel(0x3766, field{quantity: city.Occupied}), // still so
			channel(0x2100, count),
			channel(0x3700, count),
			item{key: 0x0101, size: 1, rest: "calibration done"},
			item{key: 0x1c01, size: 1, rest: "switched off"},
			item{key: 0x3f01, size: 1, rest: "restarted"},
		)},
	}}}
}
