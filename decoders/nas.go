package decoders

import "meldefunk/city"

// NAS Luminaire Controller Zhaga UL2030, firmware 0.6, little endian.
// (NAS, Luminaire Controller Zhaga UL2030, payload description v0.6.29; layouts as in
// ZennerIoT/element-parsers.)
//
//	port 24  status: Unix time; errors; dBm; then 5 bytes for each dimming profile, of which
//	         the last is the light in %
//	port 25  usage: DALI address, which numbers follow, the numbers; again for more lamps
//	50 configuration, 51 and 52 downlinks, 60 command, 99 start and debug
//
// One controller has one lamp as a rule: only the first profile and the first lamp are read.
func nas() []model {
	errors := []trouble{{at: 4, mask: 0x7f, fault: city.FaultDevice}} // bit 7 is a relay
	labels := []label{{size: 4, name: "time"}, {at: 4, mask: 0x80, name: "relay"}, {at: 5, name: "signal, dBm"}, {at: 6, size: 4, name: "dimming profile"}}
	return []model{{name: "nas/ul2030", kind: city.Light, ports: []port{
		{number: 24, carries: "status", layout: frames{
			{length: 11, longer: true, troubles: errors, labels: labels, fields: []field{{quantity: city.DimLevel, at: 10}}},
			{length: 6, troubles: errors, labels: labels[:3]},
		}},
		{number: 25, carries: "usage", layout: ul2030Usage()},
		{number: 50, carries: "configuration"},
		{number: 60, carries: "command"},
		{number: 99, carries: "start"},
	}}}
}

// ul2030Numbers are the numbers of a usage entry, in the order of the bits that say whether
// they are there.
var ul2030Numbers = [...]field{
	{quantity: city.Energy, form: u32le, per: 1000}, // Wh
	{quantity: city.Power, form: u16le},
	{form: u32le}, // energy of the lamp alone
	{form: u16le}, // power of the lamp alone
	{form: u8},    // power factor
	{form: u8},    // V
}

// ul2030Usage has a frame for each choice of numbers, the usual ones first.
func ul2030Usage() frames {
	var all frames
	for choice := byte(0); choice < 1<<len(ul2030Numbers); choice++ {
		all = append(all, ul2030Lamp(choice))
	}
	return all
}

// ul2030Lamp is a frame whose first entry has the numbers of choice.
func ul2030Lamp(choice byte) fixed {
	l := fixed{length: 2, longer: true, blank: []byte{0, choice}, labels: []label{{name: "DALI address"}, {at: 1, name: "numbers that follow"}}}
	l.is = func(payload []byte) bool { return payload[1] == choice }
	for bit, f := range ul2030Numbers {
		if choice>>bit&1 == 0 {
			continue
		}
		f.at = l.length
		l.length += f.form.size()
		if f.quantity != city.QuantityUnknown {
			l.fields = append(l.fields, f)
		}
	}
	length := l.length
	l.tail = func(payload []byte) []byte { return payload[length:] }
	return l
}
