package decoders

import "meldefunk/city"

// Tektelic KIWI and CLOVER: [channel][type][data] repeated on port 10, integers big endian;
// port 100 is configuration. What the probes send are raw frequencies and voltages; moisture
// needs a curve that belongs to the probe and its soil, tension one of the probe alone
// (putSoilTension).
// (Tektelic agriculture sensor technical reference manual; the vendor's decoder.)
func tektelic() []model {
	ports := []port{
		{number: 10, carries: "measurement", layout: itemsOf(2,
			channel(0x00ba,
				field{quantity: city.BatteryVoltage, mask: 0x7f, plus: 250, per: 100},
				field{quantity: city.BatteryLow, mask: 0x80}), // end of service is near
			channel(0x00ff, field{quantity: city.BatteryLevel}),
			channel(0x00d3, field{quantity: city.BatteryLevel}),
			item{key: 0x00bd, size: 2, rest: "days the battery will last"},
			channel(0x0104, field{quantity: city.SoilFrequency, form: u16be}),
			channel(0x0202, field{quantity: city.SoilThermistor, form: u16be}),
			item{key: 0x0302, size: 2, rest: "input 3"},
			item{key: 0x0367, size: 2, rest: "input 3"},
			item{key: 0x0402, size: 2, rest: "input 4"},
			item{key: 0x0467, size: 2, rest: "input 4"},
			channel(0x0504, field{quantity: city.WatermarkFrequency, form: u16be}),
			channel(0x0604, field{quantity: city.WatermarkFrequency2, form: u16be}),
			channel(0x0965, field{quantity: city.Illuminance, form: u16be}),
			item{key: 0x0900, size: 1, rest: "light came or went"},
			item{key: 0x0a71, size: 6, rest: "acceleration"},
			item{key: 0x0a00, size: 1, rest: "the device was turned"},
			channel(0x0b67, field{quantity: city.Temperature, form: s16be, per: 10}),
			channel(0x0b68, field{quantity: city.Humidity, per: 2}),
			channel(0x0c67, field{quantity: city.ProbeTemperature, form: s16be, per: 10}), // of the processor
			item{key: 0x0d73, size: 2, rest: "reserved"},
		)},
		{number: 100, carries: "configuration"},
	}
	return []model{
		{name: "tektelic/kiwi", kind: city.Soil, ports: ports},
		{name: "tektelic/clover", kind: city.Soil, ports: ports},
	}
}
