package decoders

import (
	"fmt"
	"strconv"
	"strings"

	"meldefunk/city"
)

// Decentlab, protocol version 2, port 1: version, device id, flags, then for each flag set,
// lowest first, a block of words; all big endian. What the blocks are is the model's table.
// (Decentlab data sheets; TheThingsNetwork/lorawan-devices, vendor/decentlab.)
//
// The vendor's decoder reads past the end of a short frame; here the blocks that are whole
// count and the rest is the tail.

const (
	decentlabVersion = 2
	decentlabHead    = 5
)

func decentlab() []model {
	battery := words(1, word(city.BatteryVoltage, 0, 0, 1000))
	celsius := func(at int) field { return word(city.Temperature, at, -0x8000, 10) }
	return []model{
		decentlabModel("decentlab/dl-smtp", city.Soil, smtp(), battery),
		decentlabModel("decentlab/dl-trs12", city.Soil, words(3,
			// x/10 · 0.0003879 - 0.6956 m³/m³; a little below 0 in dust-dry soil, which is what
			// a drought looks like and no fault.
			field{quantity: city.SoilMoisture, form: u16be, times: 0.003879, plus: -69.56, slack: 5},
			word(city.SoilTemperature, 1, -0x8000, 10),
			word(city.Conductivity, 2, 0, 1)), battery),
		decentlabModel("decentlab/dl-trs11", city.Soil, words(2,
			field{quantity: city.SoilMoisture, form: u16be, times: 0.003879, plus: -69.56, slack: 5},
			word(city.SoilTemperature, 1, -0x8000, 10)), battery),
		decentlabModel("decentlab/dl-trs21", city.Soil, words(2,
			word(city.SoilTension, 0, 0, 10), // sent as positive; a water potential is its negative
			word(city.SoilTemperature, 1, -0x8000, 10)), battery),
		decentlabModel("decentlab/dl-mbx", city.Bin, words(2,
			word(city.Distance, 0, 0, 1),
			word(city.Samples, 1, 0, 1)), battery),
		decentlabModel("decentlab/dl-lid", city.Bin, words(11,
			word(city.Distance, 0, 0, 1),
			word(city.DistanceMin, 1, 0, 1),
			word(city.DistanceMax, 2, 0, 1),
			word(city.DistanceMedian, 3, 0, 1),
			word(city.Samples, 9, 0, 1)).with(4, 4, "percentiles").with(8, 1, "most frequent distance").with(10, 1, "duration"), battery),
		decentlabModel("decentlab/dl-lid2", city.Bin, words(12, // as dl-lid, and all samples
			word(city.Distance, 0, 0, 1),
			word(city.DistanceMin, 1, 0, 1),
			word(city.DistanceMax, 2, 0, 1),
			word(city.DistanceMedian, 3, 0, 1),
			word(city.Samples, 9, 0, 1)).with(4, 4, "percentiles").with(8, 1, "most frequent distance").with(10, 2, "duration, samples"), battery),
		// The span of a pressure probe is not in the frame: it is printed on the probe.
		decentlabModel("decentlab/dl-pr26-0-1", city.Level, pressureProbe(0, 1), battery),
		decentlabModel("decentlab/dl-pr26-0-3", city.Level, pressureProbe(0, 3), battery),
		decentlabModel("decentlab/dl-pr26-0-10", city.Level, pressureProbe(0, 10), battery),
		decentlabModel("decentlab/dl-pr21-1-10", city.Level, pressureProbe(-1, 10), battery),
		decentlabModel("decentlab/dl-pr36-8192", city.Level, words(2,
			word(city.WaterPressure, 0, -0x8000, 8192),
			word(city.WaterTemperature, 1, -0x8000, 256)), battery),
		decentlabModel("decentlab/dl-pr36ctd-8192", city.Level, words(4,
			word(city.WaterPressure, 0, -0x8000, 8192),
			word(city.Temperature, 1, -0x8000, 256), // of the electronics
			word(city.WaterTemperature, 2, -0x8000, 256)).with(3, 1, "conductivity of the water"), battery),
		decentlabModel("decentlab/dl-ctd10", city.Level, words(4,
			word(city.WaterLevel, 0, -0x8000, 1),
			word(city.WaterTemperature, 1, -0x8000, 10)).with(2, 1, "conductivity of the water").with(3, 1, "frozen"), battery),
		decentlabModel("decentlab/dl-ctd10b", city.Level, words(4,
			word(city.WaterLevel, 0, -0x8000, 1),
			word(city.WaterTemperature, 1, -0x8000, 10)).with(2, 1, "conductivity of the water").with(3, 1, "frozen"), battery),
		decentlabModel("decentlab/dl-sht35", city.Air, sht35(), battery),
		decentlabModel("decentlab/dl-iam", city.Air,
			battery,
			sht35(),
			decentlabPressure(),
			block{words: 2, special: brightness()}, // visible and infrared, infrared
			words(3, word(city.CO2, 0, -0x8000, 1)).with(1, 1, "state of the CO2 probe").with(2, 1, "infrared, raw"),
			words(1, word(city.Count, 0, 0, 1)), // movements
			words(1, word(city.TVOC, 0, 0, 1))),
		decentlabModel("decentlab/dl-pm", city.Air,
			battery,
			words(10,
				word(city.PM1, 0, 0, 10),
				word(city.PM25, 1, 0, 10),
				word(city.PM4, 2, 0, 10),
				word(city.PM10, 3, 0, 10)).with(4, 1, "typical size of particles").with(5, 5, "number of particles"),
			words(2, // SHT21, whose formula goes from -6 to 119 %: fog is 100
				field{quantity: city.Temperature, form: u16be, times: 175.72, plus: -46.85 * 0x10000, per: 0x10000},
				field{quantity: city.Humidity, at: 2, form: u16be, times: 125, plus: -6 * 0x10000, per: 0x10000, slack: 20}),
			decentlabPressure()),
		decentlabModel("decentlab/dl-atm41", city.Weather, words(17,
			word(city.SolarRadiation, 0, -0x8000, 1),
			word(city.Rain, 1, -0x8000, 1000),
			word(city.Lightning, 2, -0x8000, 1),
			word(city.WindSpeed, 4, -0x8000, 100),
			word(city.WindDirection, 5, -0x8000, 10),
			word(city.WindGust, 6, -0x8000, 100),
			celsius(7),
			word(city.Pressure, 9, -0x8000, 10), // kPa in hundredths
			word(city.Humidity, 10, -0x8000, 10)).
			with(3, 1, "distance of lightning").with(8, 1, "vapour pressure").with(11, 1, "temperature inside").
			with(12, 3, "angles").with(15, 2, "wind to the north and east"), battery),
		decentlabModel("decentlab/dl-atm22", city.Weather, words(8,
			word(city.WindSpeed, 0, -0x8000, 100),
			word(city.WindDirection, 1, -0x8000, 10),
			word(city.WindGust, 2, -0x8000, 100),
			celsius(3)).with(4, 2, "angles").with(6, 2, "wind to the north and east"), battery),
		decentlabModel("decentlab/dl-tbrg-01", city.Weather, words(4, // of 0.1 mm a tip
			word(city.Rain, 0, 0, 10),
			field{quantity: city.RainTotal, at: 4, form: u32mid, per: 10}).with(1, 1, "seconds since the last tip"), battery),
	}
}

// pressureProbe is a piezoresistive probe with a span in bar. (KELLER D-line; DL-PR26 and
// DL-PR21 data sheets.)
func pressureProbe(lowest, highest float64) block {
	span := highest - lowest
	return words(2,
		field{quantity: city.WaterPressure, form: u16be, times: span, plus: lowest*0x8000 - 0x4000*span, per: 0x8000},
		field{quantity: city.WaterTemperature, at: 2, form: u16be, plus: -384 - 50*320, per: 320})
}

func sht35() block {
	return words(2,
		field{quantity: city.Temperature, form: u16be, times: 175, plus: -45 * 0xffff, per: 0xffff},
		field{quantity: city.Humidity, at: 2, form: u16be, times: 100, per: 0xffff})
}

func decentlabModel(name string, kind city.Kind, blocks ...block) model {
	return model{name: name, kind: kind, ports: []port{{number: 1, carries: "measurement", layout: decentlabBlocks(blocks)}}}
}

// block is what one flag stands for.
type block struct {
	words   int
	fields  []field
	special *special // may be nil
	labels  []label  // words that are not read
}

func words(n int, fields ...field) block { return block{words: n, fields: fields} }

// with is the block with a name for words that are not read, from one on.
func (b block) with(from, count int, name string) block {
	b.labels = append(b.labels[:len(b.labels):len(b.labels)], label{at: 2 * from, size: 2 * count, name: name})
	return b
}

// word is the number (x + plus) / per, at the nth word of its block.
func word(q city.Quantity, n int, plus, per float64) field {
	return field{quantity: q, at: 2 * n, form: u16be, plus: plus, per: per}
}

// smtp is a probe with eight depths; those it has not are sent as 0. The vendor's formula
// gives the probe's index, which is no percentage.
func smtp() block {
	absent := []code{{0, ""}}
	b := block{words: 16}
	temperatures := []city.Quantity{city.SoilTemperature, city.SoilTemperature2, city.SoilTemperature3, city.SoilTemperature4,
		city.SoilTemperature5, city.SoilTemperature6, city.SoilTemperature7, city.SoilTemperature8}
	for i, q := range temperatures {
		index := word(city.SoilMoistureIndex+city.Quantity(i), 2*i, -2500, 500)
		temperature := word(q, 2*i+1, -0x8000, 100)
		index.codes, temperature.codes = absent, absent
		b.fields = append(b.fields, index, temperature)
	}
	return b
}

func decentlabPressure() block {
	return words(1, field{quantity: city.Pressure, form: u16be, times: 2, per: 100}) // Pa, halved
}

// brightness is the vendor's formula for its light sensor: infrared is taken off what both
// channels see, by two curves for different lamps.
func brightness() *special {
	const lux = 1.5504
	return &special{
		carries: []city.Quantity{city.Illuminance},
		places:  []label{{size: 4, quantity: city.Illuminance}},
		read: func(data []byte, r *city.Reading) {
			both, infrared := float64(u16be.get(data)), float64(u16be.get(data[2:]))
			put(r, city.Illuminance, max(both-1.64*infrared, 0.59*both-0.86*infrared, 0)*lux)
		},
		write: func(data []byte, values []city.Value) error {
			visible := field{quantity: city.Illuminance, form: u16be, times: lux}
			return visible.write(data, values)
		},
	}
}

type decentlabBlocks []block

func (l decentlabBlocks) decode(payload []byte, r *city.Reading) *city.Rejection {
	if payload[0] != decentlabVersion {
		return city.Reject(city.ReasonUndecodable, "protocol version %d, want %d (payload %s)", payload[0], decentlabVersion, cutHex(payload))
	}
	if len(payload) < decentlabHead {
		return wrongLength(payload, "at least 5: version, device, flags")
	}
	flags := u16be.get(payload[3:])
	rest := payload[decentlabHead:]
	for i := range l {
		if flags>>i&1 == 0 {
			continue
		}
		size := 2 * l[i].words
		if len(rest) < size {
			break
		}
		readAll(l[i].fields, rest, r)
		if l[i].special != nil {
			l[i].special.read(rest, r)
		}
		rest = rest[size:]
	}
	if len(rest) > 0 {
		leaveTail(r, rest)
	}
	return nil
}

func (l decentlabBlocks) explain(p *page) {
	if version := p.payload[0]; version != decentlabVersion {
		p.unknown(0, 1, "protocol version", fmt.Sprintf("%d, want %d", version, decentlabVersion))
		return
	}
	if len(p.payload) < decentlabHead {
		return
	}
	p.labels(0, []label{{name: "protocol version"}, {at: 1, size: 2, name: "device id"}})
	flags := u16be.get(p.payload[3:])
	p.mark(3, 2, 0, "flags", p.raw(3, 2, 0), "blocks "+setBits(uint16(flags)))
	at := decentlabHead
	for i := range l {
		if flags>>i&1 == 0 {
			continue
		}
		size := 2 * l[i].words
		if left := len(p.payload) - at; left < size {
			if left > 0 {
				p.tail(at, len(p.payload), fmt.Sprintf(": block %d has %d bytes, want %d", i, left, size))
			}
			return
		}
		p.fields(at, l[i].fields, "")
		p.special(at, l[i].special)
		p.labels(at, l[i].labels)
		at += size
	}
	if at < len(p.payload) {
		p.tail(at, len(p.payload), ": no flag is set for it")
	}
}

// setBits lists them: "0, 2".
func setBits(n uint16) string {
	var set []string
	for i := range 16 {
		if n>>i&1 != 0 {
			set = append(set, strconv.Itoa(i))
		}
	}
	return strings.Join(set, ", ")
}

func (l decentlabBlocks) carries() []city.Quantity {
	var all []city.Quantity
	for i := range l {
		all = append(all, l[i].carries()...)
	}
	return all
}

// encode writes the blocks of which something is given.
func (l decentlabBlocks) encode(values []city.Value) ([]byte, error) {
	payload := make([]byte, decentlabHead)
	payload[0] = decentlabVersion
	flags := int64(0)
	for i := range l {
		if !givesAny(l[i].carries(), values) {
			continue
		}
		flags |= 1 << i
		data := make([]byte, 2*l[i].words)
		for j := range l[i].fields {
			if err := l[i].fields[j].write(data, values); err != nil {
				return nil, fmt.Errorf("block %d: %w", i, err)
			}
		}
		if l[i].special != nil {
			if err := l[i].special.write(data, values); err != nil {
				return nil, fmt.Errorf("block %d: %w", i, err)
			}
		}
		payload = append(payload, data...)
	}
	u16be.set(payload[3:], flags, 0xffff)
	return payload, nil
}

func (b *block) carries() []city.Quantity {
	all := addQuantities(nil, b.fields)
	if b.special != nil {
		all = append(all, b.special.carries...)
	}
	return all
}

// givesAny tells whether any of the quantities is among the values.
func givesAny(quantities []city.Quantity, values []city.Value) bool {
	for _, q := range quantities {
		if _, ok := find(values, q); ok {
			return true
		}
	}
	return false
}
