package decoders

import (
	"fmt"

	"meldefunk/city"
)

// Pepperl+Fuchs WILSEN.sonic: [length][id, big endian][data] repeated on port 1, integers and
// floats big endian; the length counts id and data.
// (WILSEN.sonic manual, "Payload"; TheThingsNetwork/lorawan-devices, vendor/pepperl-fuchs.)
func wilsen() []model {
	// 65535 is too far, 0 too close: the device sends 0 together with 100 %.
	none := []code{{0xffff, city.FaultNoEcho}, {0, city.FaultTooClose}}
	position := func(q city.Quantity) field {
		return field{quantity: q, form: s32be, per: 1e6, codes: []code{{0, city.FaultNoFix}}}
	}
	layout := &wilsenItems{list: []item{
		channel(0x0b02, field{quantity: city.Distance, form: u16be, codes: none}),
		channel(0x0b01, field{quantity: city.Distance, form: u16be, times: 10, codes: none}), // cm
		channel(0x0b06, field{quantity: city.FillLevel}),
		channel(0x0b07, field{quantity: city.EchoStrength}),
		channel(0x0201, field{quantity: city.Temperature, form: f32be}),
		channel(0x5101, field{quantity: city.BatteryVoltage, per: 10}),
		channel(0x5001, position(city.Latitude)),
		channel(0x5002, position(city.Longitude)),
		{key: 0x2a25, size: 14, rest: "serial number"},
		{key: 0x3101, size: 2, rest: "frames sent"},
		{key: 0x3102, size: 2, rest: "positions taken"},
		{key: 0x3103, size: 4, rest: "distances measured"},
	}}
	ports := []port{{number: 1, carries: "measurement", layout: layout}}
	return []model{
		{name: "pepperl-fuchs/wilsen-sonic-level", kind: city.Bin, ports: ports},
		{name: "pepperl-fuchs/wilsen-sonic-distance", kind: city.Bin, ports: ports},
	}
}

// wilsenItems are items that tell their own length, so that an unknown one can be stepped
// over: its bytes are the tail, and reading goes on behind it.
type wilsenItems struct{ list []item }

func (l *wilsenItems) decode(payload []byte, r *city.Reading) *city.Rejection {
	for rest := payload; len(rest) > 0; {
		size := int(rest[0])
		if size < 2 || len(rest) <= size {
			if len(rest) == len(payload) {
				return city.Reject(city.ReasonUndecodable, "byte 0: an item of %d bytes in a frame of %d (payload %s)",
					size, len(payload), cutHex(payload))
			}
			leaveTail(r, rest)
			return nil
		}
		key, data := uint32(u16be.get(rest[1:])), rest[3:1+size]
		switch it := l.find(key); {
		case it != nil && it.size == len(data):
			it.decode(data, r)
		case it == nil && key >= 0xf100 && key < 0xf600: // answers to a configuration
		default:
			leaveTail(r, rest[:1+size])
		}
		rest = rest[1+size:]
	}
	return nil
}

func (l *wilsenItems) explain(p *page) {
	for at := 0; at < len(p.payload); {
		size, left := int(p.payload[at]), len(p.payload)-at
		if size < 2 || left <= size {
			why := fmt.Sprintf("an item of %d bytes where %d are left", size, left-1)
			if at == 0 {
				p.unknown(0, 1, "length", why)
			} else {
				p.tail(at, len(p.payload), ": "+why)
			}
			return
		}
		key := uint32(u16be.get(p.payload[at+1:]))
		it := l.find(key)
		id := fmt.Sprintf("id %04x", key)
		switch {
		case it != nil && it.size == size-2:
			p.labels(at, []label{{name: "length"}})
			p.mark(at+1, 2, 0, id, p.raw(at+1, 2, 0), it.title())
			p.item(at+3, it)
		case it == nil && key >= 0xf100 && key < 0xf600:
			p.labels(at, []label{{name: "length"}, {at: 1, size: 2, name: id}})
			if size > 2 {
				p.labels(at, []label{{at: 3, size: size - 2, name: "answer to a configuration"}})
			}
		case it != nil:
			p.tail(at, at+1+size, fmt.Sprintf(": %s (%s) has %d bytes of data, want %d", id, it.title(), size-2, it.size))
		default:
			p.tail(at, at+1+size, ": unknown "+id)
		}
		at += 1 + size
	}
}

func (l *wilsenItems) find(key uint32) *item {
	for i := range l.list {
		if l.list[i].key == key {
			return &l.list[i]
		}
	}
	return nil
}

func (l *wilsenItems) carries() []city.Quantity {
	return carriedBy(l.list)
}

func (l *wilsenItems) encode(values []city.Value) ([]byte, error) {
	return encodeItems(l.list, values, func(payload []byte, it *item) []byte {
		return append(payload, byte(2+it.size), byte(it.key>>8), byte(it.key))
	})
}
