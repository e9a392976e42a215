package decoders

import "meldefunk/city"

// Digital Matter Oyster, tracker, little endian. Bit 1 of byte 8 says that there was no fix:
// the position in the frame is then an old one, and is not read.
// (Digital Matter Oyster LoRaWAN integration guide; TheThingsNetwork/lorawan-devices,
// vendor/digital-matter.)
//
//	port 1   latitude, longitude in 1e-7 degrees; flags; km/h; battery in 25 mV
//	port 4   likewise in 256e-7 degrees; heading and speed; battery; flags
//	port 2   answer to a downlink; port 3 statistics
func oyster() []model {
	failed := func(yes bool) func([]byte) bool {
		return func(payload []byte) bool { return payload[8]&0x02 != 0 == yes }
	}
	noFix := []trouble{{at: 8, mask: 0x02, fault: city.FaultNoFix}}
	flags := []label{{at: 8, mask: 0xfc, name: "heading"}, {at: 8, mask: 0x02, name: "no fix"}, {at: 8, mask: 0x01, name: "on a trip"}}
	shortFlags := []label{
		{at: 6, mask: 0x07, name: "heading"},
		{at: 8, mask: 0x04, name: "man down"}, {at: 8, mask: 0x02, name: "no fix"}, {at: 8, mask: 0x01, name: "on a trip"},
	}
	battery := func(at int) field { return field{quantity: city.BatteryVoltage, at: at, per: 40} }
	position := frames{
		{length: 11, is: failed(false), fields: []field{
			{quantity: city.Latitude, form: s32le, per: 1e7},
			{quantity: city.Longitude, at: 4, form: s32le, per: 1e7},
			{quantity: city.Speed, at: 9},
			battery(10),
		}, labels: flags},
		{length: 11, is: failed(true), blank: []byte{8: 0x02}, fields: []field{battery(10)}, troubles: noFix, labels: append([]label{{size: 8, name: "old position"}, {at: 9, name: "old speed"}}, flags...)},
	}
	short := frames{
		{length: 9, is: failed(false), fields: []field{
			{quantity: city.Latitude, form: s24le, times: 256, per: 1e7},
			{quantity: city.Longitude, at: 3, form: s24le, times: 256, per: 1e7},
			{quantity: city.Speed, at: 6, mask: 0xf8, times: 5},
			battery(7),
		}, labels: shortFlags},
		{length: 9, is: failed(true), blank: []byte{8: 0x02}, fields: []field{battery(7)}, troubles: noFix, labels: append([]label{{size: 7, name: "old position, speed and heading"}}, shortFlags...)},
	}
	return []model{{name: "digital-matter/oyster", kind: city.Tracker, ports: []port{
		{number: 1, carries: "position", layout: position},
		{number: 4, carries: "short position", layout: short},
		{number: 2, carries: "downlink answer"},
		{number: 3, carries: "statistics"},
	}}}
}
