package decoders

import "meldefunk/city"

// MClimate Flood Sensor, port 2: bit 1 of byte 0 water, bit 3 taken off its place; battery in
// 16 mV; newer devices °C. (MClimate uplink decoder; TheThingsNetwork/lorawan-devices,
// vendor/mclimate.)
func mclimate() []model {
	base := []field{
		{quantity: city.Leak, mask: 0x02},
		{quantity: city.Tampered, mask: 0x08},
		{quantity: city.BatteryVoltage, at: 1, times: 16, per: 1000},
	}
	labels := []label{{mask: 0xe0, name: "reason"}}
	return []model{{name: "mclimate/flood-sensor", kind: city.Level, ports: []port{
		{number: 2, carries: "state", layout: frames{
			{length: 2, fields: base, labels: labels},
			{length: 3, longer: true, fields: append(base[:3:3], field{quantity: city.Temperature, at: 2}), labels: labels},
		}},
	}}}
}
