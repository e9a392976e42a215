package decoders

import (
	"bytes"
	"slices"
	"strconv"
	"time"

	"meldefunk/city"
)

// Axioma QALCOSONIC W1, water meter, extended payload, little endian.
// (Axioma, LoRa payload W1 v1.7 extended; layouts as in ZennerIoT/element-parsers.)
//
//	port 100  0-3   Unix time
//	          4     status: bit 2 battery low, bit 3 broken, bit 4 dry; bits 7-5: 1 leak,
//	                3 backflow, 4 frost, 5 burst
//	          5-8   litres
//	          9-12  Unix time of the first value of the log, 13-16 its litres
//	          then  what each hour added, 2 bytes; padded with 2f
//	port 101  configuration
//	port 103  alarm: Unix time; bit 0 leak, bit 1 burst, others
func axioma() []model {
	return []model{{name: "axioma/qalcosonic-w1", kind: city.Meter, ports: []port{
		{number: 100, carries: "volumes", layout: frames{{
			length: axiomaLog, longer: true,
			fields: []field{
				{quantity: city.Volume, at: 5, form: u32le, per: 1000},
				{quantity: city.BatteryLow, at: 4, mask: 0x04},
			},
			troubles: []trouble{{at: 4, mask: 0x08, fault: city.FaultDevice}, {at: 4, mask: 0x10, fault: city.FaultProbe}},
			special:  axiomaSpecial(),
			tail:     axiomaTail,
		}}},
		{number: 101, carries: "configuration"},
		{number: 103, carries: "alarm", layout: frames{
			{length: 5, fields: []field{{quantity: city.Leak, at: 4, mask: 0x03, nonzero: true}}},
		}},
	}}}
}

const (
	axiomaLog     = 17 // bytes before the hours
	axiomaPadding = "\x2f"
)

// axiomaHours are the hours behind the first value of the log. No hour ends like the padding:
// that would be more than 12 m³, twice what the largest W1 lets through.
func axiomaHours(payload []byte) []byte {
	return bytes.TrimRight(payload[axiomaLog:], axiomaPadding)
}

// axiomaTail is a byte that is half of an hour.
func axiomaTail(payload []byte) []byte {
	hours := axiomaHours(payload)
	return hours[len(hours)&^1:]
}

// axiomaSpecial are leak and log. A log without time is none.
func axiomaSpecial() *special {
	return &special{
		carries: []city.Quantity{city.Leak},
		places:  []label{{at: 4, mask: 0xe0, quantity: city.Leak}},
		explain: explainAxiomaLog,
		read: func(payload []byte, r *city.Reading) {
			state := payload[4] >> 5
			put(r, city.Leak, city.Bool(state == 1 || state == 5))
			at := uint32(u32le.get(payload[9:]))
			if at == 0 {
				return
			}
			litres := u32le.get(payload[13:])
			add := func() { put(r, city.Volume, float64(litres)/1000) }
			addRecord(r, at, 1, add)
			for hours := axiomaHours(payload); len(hours) > 1; hours = hours[2:] {
				at += 3600
				litres += u16le.get(hours)
				addRecord(r, at, 1, add)
			}
		},
		write: func(payload []byte, values []city.Value) error {
			leak := field{quantity: city.Leak, at: 4, mask: 0x20}
			return leak.write(payload, values)
		},
		memory: func(payload []byte) (records, values int) {
			if u32le.get(payload[9:]) == 0 {
				return 0, 0
			}
			records = 1 + len(axiomaHours(payload))/2
			return records, records * (1 + computed)
		},
	}
}

// explainAxiomaLog marks the log, whose hours are added up.
func explainAxiomaLog(p *page) {
	p.labels(0, []label{{size: 4, name: "time"}})
	if u32le.get(p.payload[9:]) == 0 {
		p.labels(0, []label{{at: 9, size: 4, name: "time of the log, none"}, {at: 13, size: len(axiomaHours(p.payload))&^1 + 4, name: "log without a time"}})
		return
	}
	at, size, total := 13, 4, int64(0)
	for when := uint32(u32le.get(p.payload[9:])); ; when += 3600 {
		raw := u32le.get(append(slices.Clone(p.payload[at:at+size]), 0, 0))
		total += raw
		if kept := p.keeps(when); kept && possible(city.Volume, float64(total)/1000) {
			p.value(at, size, 0, ofPast+city.Volume.String(), strconv.FormatInt(raw, 10),
				withUnit(city.Volume, float64(total)/1000)+", "+time.Unix(int64(when), 0).UTC().Format(time.RFC3339), true)
		} else if kept {
			p.mark(at, size, 0, ofPast+city.Volume.String(), strconv.FormatInt(raw, 10), faultText(city.FaultImplausible))
		} else {
			p.mark(at, size, 0, "of a dropped record", strconv.FormatInt(raw, 10), faultText(city.FaultClock))
		}
		if at, size = at+size, 2; len(axiomaHours(p.payload)) < at+size-axiomaLog {
			break
		}
	}
	p.labels(0, []label{{at: 9, size: 4, name: "time of the log"}})
}
