package decoders

import "meldefunk/city"

// Libelium Smart Parking v2 and v3, always 11 bytes, any port. Byte 0: bit 7 occupied, bit 6
// battery to be changed, bits 3-0 kind of frame; byte 1 counts frames. Kinds 0 (change) and 1
// (still alive) go on with an error of the sensor and °C; 3 is an error frame; the others,
// start, service and so on, carry the state of the bay without a change of it.
// (Libelium Smart Parking technical guide; layouts as in ZennerIoT/element-parsers.)
func libelium() []model {
	kind := func(lowest, highest byte) func([]byte) bool {
		return func(payload []byte) bool { k := payload[0] & 0x0f; return k >= lowest && k <= highest }
	}
	state := []field{
		{quantity: city.Occupied, mask: 0x80},
		{quantity: city.BatteryLow, mask: 0x40},
	}
	labels := []label{
		{mask: 0x20, name: "configuration refused"}, {mask: 0x10, name: "calibrated anew"},
		{mask: 0x0f, name: "kind of frame"}, {at: 1, name: "counter"},
	}
	return []model{{name: "libelium/smart-parking", kind: city.Parking, ports: []port{
		{number: 1, any: true, carries: "parking", layout: frames{
			{
				length: 11, is: kind(0, 1),
				fields:   append([]field{{quantity: city.Temperature, at: 3, form: s8}}, state...),
				troubles: []trouble{{at: 2, mask: 0xff, fault: city.FaultProbe}},
				labels:   labels,
			},
			{length: 11, is: kind(2, 2), fields: state, blank: []byte{0: 2}, labels: labels},
			{length: 11, is: kind(4, 15), fields: state, blank: []byte{0: 4}, labels: labels},
			{length: 11, is: kind(3, 3), fields: state, blank: []byte{0: 3}, labels: labels, troubles: []trouble{{at: 0, mask: 0x0f, fault: city.FaultDevice}}},
		}},
	}}}
}
