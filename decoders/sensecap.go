package decoders

import (
	"encoding/binary"
	"fmt"

	"meldefunk/city"
)

// Seeed SenseCAP S2104 and S2105, soil: entries of 7 bytes, [channel][id][value], little
// endian, closed by a CRC-16/KERMIT. The S2120, weather, has [type][data], big endian, and no
// checksum. (SenseCAP user guides; TheThingsNetwork/lorawan-devices, vendor/sensecap.)
func sensecap() []model {
	soil := []port{{number: 2, any: true, carries: "measurement", layout: sensecapEntries(sensecapIDs())}}
	return []model{
		{name: "sensecap/s2104", kind: city.Soil, ports: soil},
		{name: "sensecap/s2105", kind: city.Soil, ports: soil},
		{name: "sensecap/s2120", kind: city.Weather, ports: []port{{number: 3, any: true, carries: "measurement", layout: s2120()}}},
	}
}

const (
	sensecapEntry   = 7
	sensecapSum     = 2
	sensecapBattery = 0x0007 // battery in %, interval in minutes
	sensecapFirst   = 0x1000 // ids from here on are measurements
)

// sensecapIDs are the measurements, in thousandths of their unit.
func sensecapIDs() []item {
	return []item{
		channel(sensecapBattery, field{quantity: city.BatteryLevel, form: u16le}).sized(4).with("interval in minutes"),
		channel(4097, field{quantity: city.Temperature, form: s32le, per: 1000}),
		channel(4098, field{quantity: city.Humidity, form: s32le, per: 1000}),
		channel(4102, field{quantity: city.SoilTemperature, form: s32le, per: 1000}),
		channel(4103, field{quantity: city.SoilMoisture, form: s32le, per: 1000}),
		channel(4108, field{quantity: city.Conductivity, form: s32le}), // dS/m is 1000 µS/cm
	}
}

type sensecapEntries []item

// decode reads the entries even where the checksum does not match, but says so: the frame
// has passed the network's own integrity check, so a wrong sum is the device's.
func (l sensecapEntries) decode(payload []byte, r *city.Reading) *city.Rejection {
	if len(payload) < sensecapEntry+sensecapSum || len(payload)%sensecapEntry != sensecapSum {
		return wrongLength(payload, "a multiple of 7, and 2")
	}
	entries, sum := payload[:len(payload)-sensecapSum], payload[len(payload)-sensecapSum:]
	if kermit(entries) != binary.LittleEndian.Uint16(sum) {
		fault(r, city.FaultChecksum)
	}
	for ; len(entries) > 0; entries = entries[sensecapEntry:] {
		key := uint32(u16le.get(entries[1:]))
		switch it := l.find(key); {
		case it != nil:
			it.decode(entries[3:sensecapEntry], r)
		case key >= sensecapFirst:
			leaveTail(r, entries[:sensecapEntry])
		}
	}
	return nil
}

func (l sensecapEntries) explain(p *page) {
	sum := len(p.payload) - sensecapSum
	if sum < sensecapEntry || sum%sensecapEntry != 0 {
		return
	}
	for at := 0; at < sum; at += sensecapEntry {
		key := uint32(u16le.get(p.payload[at+1:]))
		it := l.find(key)
		if it == nil && key >= sensecapFirst {
			p.tail(at, at+sensecapEntry, fmt.Sprintf(": unknown measurement %d", key))
			continue
		}
		p.labels(at, []label{{name: "channel"}})
		id := fmt.Sprintf("id %d", key)
		if it == nil {
			p.mark(at+1, 2, 0, id, p.raw(at+1, 2, 0), "")
			p.labels(at, []label{{at: 3, size: 4, name: "of the device itself, not read"}})
			continue
		}
		p.mark(at+1, 2, 0, id, p.raw(at+1, 2, 0), it.title())
		p.item(at+3, it)
	}
	meaning := "right"
	if kermit(p.payload[:sum]) != binary.LittleEndian.Uint16(p.payload[sum:]) {
		meaning = faultText(city.FaultChecksum)
	}
	p.mark(sum, sensecapSum, 0, "checksum", p.raw(sum, sensecapSum, 0), meaning)
}

func (l sensecapEntries) find(key uint32) *item {
	for i := range l {
		if l[i].key == key {
			return &l[i]
		}
	}
	return nil
}

func (l sensecapEntries) carries() []city.Quantity { return carriedBy(l) }

func (l sensecapEntries) encode(values []city.Value) ([]byte, error) {
	payload, err := encodeItems(l, values, func(payload []byte, it *item) []byte {
		channel := byte(1)
		if it.key < sensecapFirst {
			channel = 0 // the device itself
		}
		return append(payload, channel, byte(it.key), byte(it.key>>8))
	})
	if err != nil {
		return nil, err
	}
	return binary.LittleEndian.AppendUint16(payload, kermit(payload)), nil
}

// kermit is the CRC-16/KERMIT: polynomial 0x1021, reflected, from 0; half a byte at a time.
func kermit(data []byte) uint16 {
	crc := uint16(0)
	for _, b := range data {
		crc = crc>>4 ^ kermitTable[(crc^uint16(b))&0x0f]
		crc = crc>>4 ^ kermitTable[(crc^uint16(b>>4))&0x0f]
	}
	return crc
}

var kermitTable = [16]uint16{
	0x0000, 0x1081, 0x2102, 0x3183, 0x4204, 0x5285, 0x6306, 0x7387,
	0x8408, 0x9489, 0xa50a, 0xb58b, 0xc60c, 0xd68d, 0xe70e, 0xf78f,
}

func s2120() *items {
	return itemsOf(1,
		channel(0x01,
			field{quantity: city.Temperature, form: s16be, per: 10},
			field{quantity: city.Humidity, at: 2},
			field{quantity: city.Illuminance, at: 3, form: u32be},
			field{quantity: city.UVIndex, at: 7, per: 10},
			field{quantity: city.WindSpeed, at: 8, form: u16be, per: 10}),
		channel(0x02,
			field{quantity: city.WindDirection, form: u16be},
			field{quantity: city.RainRate, at: 2, form: u32be, per: 1000},
			field{quantity: city.Pressure, at: 6, form: u16be, per: 10}), // Pa, tenths
		channel(0x03, field{quantity: city.BatteryLevel}),
		channel(0x04, field{quantity: city.BatteryLevel}).sized(9).with("versions, intervals"),
		item{key: 0x05, size: 4, rest: "intervals"},
		item{key: 0x06, size: 1, rest: "errors of the probes", read: func(data []byte, r *city.Reading) {
			if data[0] != 0 {
				fault(r, city.FaultProbe)
			}
		}},
		item{key: 0x10, size: 9, rest: "the sensor's own identity"},
	)
}
