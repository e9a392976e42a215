package decoders

import "meldefunk/city"

// Netvox, 11 bytes on port 6, integers big endian: version, device, kind of report (0 the
// device itself, 1 measurement), battery in 0.1 V with bit 7 for low, then the measurement.
// Port 7 answers a configuration.
// (Netvox LoRaWAN application command; TheThingsNetwork/lorawan-devices, vendor/netvox.)
func netvox() []model {
	return []model{
		netvoxModel("netvox/r719a", city.Parking, 0x59,
			field{quantity: city.Occupied, at: 4, nonzero: true}),
		netvoxModel("netvox/r718x", city.Bin, 0x34,
			field{quantity: city.LevelAlarm, at: 4, nonzero: true},
			field{quantity: city.Distance, at: 5, form: u16be},
			field{quantity: city.Temperature, at: 7, form: s16be, per: 10},
			field{quantity: city.FillLevel, at: 9},
			field{quantity: city.TiltAngle, at: 10}),
	}
}

func netvoxModel(name string, kind city.Kind, device byte, more ...field) model {
	report := func(number byte) func([]byte) bool {
		return func(payload []byte) bool { return payload[1] == device && payload[2] == number }
	}
	labels := []label{{name: "version"}, {at: 1, name: "device"}, {at: 2, name: "kind of report"}}
	return model{name: name, kind: kind, ports: []port{
		{number: 6, carries: "report", layout: frames{
			{length: 11, is: report(1), blank: []byte{1, device, 1}, labels: labels, fields: append([]field{
				{quantity: city.BatteryVoltage, at: 3, mask: 0x7f, per: 10},
				{quantity: city.BatteryLow, at: 3, mask: 0x80},
			}, more...)},
			{length: 11, is: report(0), labels: append(labels, label{at: 3, size: 8, name: "the device itself"})},
		}},
		{number: 7, carries: "configuration"},
	}}
}
