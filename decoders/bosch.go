package decoders

import "meldefunk/city"

// Bosch Parking Lot Sensor TPS110.
// (Layouts as in TheThingsNetwork/lorawan-devices, vendor/bosch; the vendor's documents are
// Parking Lot Sensor Communication Interface V0.23.3 and V0.29.4.)
//
//	port 1   status, on change: 1 byte, bit 0 occupied
//	port 2   heartbeat: bit 0 occupied; from firmware 0.29 a second byte, signed °C
//	port 3   startup: 12 bytes debug, 3 firmware version, 1 reset cause, 1 with bit 0 occupied
//	port 4-6 device information, usage, debug: no measurement
func bosch() []model {
	occupied := field{quantity: city.Occupied, mask: 0x01}
	return []model{{name: "bosch/tps110", kind: city.Parking, ports: []port{
		{number: 1, carries: "status", layout: frames{{length: 1, fields: []field{occupied}}}},
		{number: 2, carries: "heartbeat", layout: frames{
			{length: 2, fields: []field{occupied, {quantity: city.Temperature, at: 1, form: s8}}},
			{length: 1, fields: []field{occupied}}, // before firmware 0.29
		}},
		{number: 3, carries: "startup", layout: frames{
			{length: 17, fields: []field{{quantity: city.Occupied, at: 16, mask: 0x01}}, labels: []label{
				{size: 12, name: "debug"}, {at: 12, size: 3, name: "firmware"}, {at: 15, name: "reset cause"},
			}},
		}},
		{number: 4, carries: "device information"},
		{number: 5, carries: "usage"},
		{number: 6, carries: "debug"},
	}}}
}
