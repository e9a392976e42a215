package decoders

import "meldefunk/city"

// Terabee LoRa Level Monitoring XL, 6 bytes on port 1, integers big endian: distance in mm (0
// too close, 65535 too far, 1 invalid), fill level in % (255 error), battery in mV, errors.
// (Terabee user manual; TheThingsNetwork/lorawan-devices, vendor/terabee.)
func terabee() []model {
	return []model{{name: "terabee/level-monitoring-xl", kind: city.Bin, ports: []port{
		{number: 1, carries: "measurement", layout: frames{{
			length: 6,
			fields: []field{
				{quantity: city.Distance, form: u16be, codes: []code{{0, city.FaultTooClose}, {1, city.FaultProbe}, {0xffff, city.FaultNoEcho}}},
				{quantity: city.FillLevel, at: 2, codes: []code{{0xff, city.FaultProbe}}},
				{quantity: city.BatteryVoltage, at: 3, form: u16be, per: 1000},
			},
			troubles: []trouble{
				{at: 5, mask: 0x07, fault: city.FaultDevice}, // reset, radio does not sleep, battery cannot be read
				{at: 5, mask: 0x08, fault: city.FaultProbe},  // the distance sensor does not answer
			},
		}}},
	}}}
}
