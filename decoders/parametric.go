package decoders

import "meldefunk/city"

// Parametric PCR2, radar that counts who passes, port 14, big endian. The short frame is made
// as ELSYS frames are and counts since the last one; the extended frames, be 01 03 and be 01
// 04, have the running counters too. In is from left to right.
// (TheThingsNetwork/lorawan-devices, vendor/parametric.)
func parametric() []model {
	return []model{{name: "parametric/pcr2", kind: city.People, ports: []port{
		{number: 14, carries: "count", layout: pcr2()},
		{number: 190, carries: "configuration"},
	}}}
}

// either is a frame that is of the extended layouts or made of items.
type either struct {
	extended frames
	items    *items
}

func pcr2() *either {
	labels := func(solar int) []label {
		return []label{{size: 3, name: "header"}, {at: 11, size: solar - 11, name: "battery of the solar charger"}, {at: solar, size: 2, name: "solar power"}}
	}
	version := func(n byte) func([]byte) bool {
		return func(payload []byte) bool { return payload[0] == 0xbe && payload[1] == 0x01 && payload[2] == n }
	}
	in := field{quantity: city.PeopleInLately, form: u16be}
	out := field{quantity: city.PeopleOutLately, form: u16be}
	counters := func(temperature int) []field {
		in, out := in, out
		in.at, out.at = 3, 5
		return []field{in, out,
			{quantity: city.PeopleIn, at: 7, form: u16be},
			{quantity: city.PeopleOut, at: 9, form: u16be},
			{quantity: city.ProbeTemperature, at: temperature, form: s16be, per: 10},
		}
	}
	return &either{
		items: itemsOf(1,
			channel(0x0a, in),
			channel(0x16, out),
			channel(0x01, field{quantity: city.ProbeTemperature, form: s16be, per: 10}), // of the processor
		),
		extended: frames{
			{length: 17, is: version(4), blank: []byte{0xbe, 0x01, 0x04}, fields: counters(15), labels: labels(13)},
			{length: 16, is: version(3), blank: []byte{0xbe, 0x01, 0x03}, fields: counters(14), labels: labels(12)},
		},
	}
}

func (l *either) decode(payload []byte, r *city.Reading) *city.Rejection {
	if payload[0] == 0xbe {
		return l.extended.decode(payload, r)
	}
	return l.items.decode(payload, r)
}

func (l *either) explain(p *page) {
	if p.payload[0] == 0xbe {
		l.extended.explain(p)
		return
	}
	l.items.explain(p)
}

func (l *either) carries() []city.Quantity { return l.extended.carries() }

func (l *either) encode(values []city.Value) ([]byte, error) {
	if payload, err := l.items.encode(values); err == nil {
		return payload, nil
	}
	return l.extended.encode(values)
}
