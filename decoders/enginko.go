package decoders

import (
	"slices"

	"meldefunk/city"
)

// enginko (MCF88) level sensors LW20W00, waste, and LW20L00, liquids: 14, kind, time, echo in
// mV, two bytes, distance in mm (above 60000 an error), then what the kind has, and with
// newer firmware the battery in %. Little endian, any port. A frame that begins with 01 asks
// for the time. (enginko payload description; TheThingsNetwork/lorawan-devices,
// vendor/enginko.)
//
//	kind  fill level %  0.01 °C  0.5 % humidity  0.01 hPa
//	00
//	01    12            13-14
//	02                  12-13    14              15-17
//	03    12            13-14    15              16-18
func enginko() []model {
	fill := func(at int) field { return field{quantity: city.FillLevel, at: at} }
	temperature := func(at int) field {
		return field{quantity: city.Temperature, at: at, form: s16le, per: 100}
	}
	air := func(at int) []field {
		return []field{
			temperature(at),
			{quantity: city.Humidity, at: at + 2, per: 2},
			{quantity: city.Pressure, at: at + 3, form: s24le, per: 100}, // never near the sign
		}
	}
	var all frames
	for kind, fields := range [][]field{
		0: nil,
		1: {fill(12), temperature(13)},
		2: air(12),
		3: append(air(13), fill(12)),
	} {
		all = append(all, enginkoFrames(byte(kind), channel(0, fields...))...)
	}
	all = append(all, fixed{length: 10, longer: true, is: func(payload []byte) bool { return payload[0] == enginkoTime }})
	ports := []port{{number: 2, any: true, carries: "measurement", layout: all}}
	return []model{
		{name: "enginko/lw20w00", kind: city.Bin, ports: ports},
		{name: "enginko/lw20l00", kind: city.Level, ports: ports},
	}
}

const (
	enginkoTime     = 0x01
	enginkoLevel    = 0x14
	enginkoHead     = 12
	enginkoFarthest = 60_000
)

// enginkoLabels are what stands in every frame before the distance.
func enginkoLabels() []label {
	return []label{{name: "kind of frame"}, {at: 1, name: "kind of sensor"}, {at: 2, size: 4, name: "time"}, {at: 6, size: 2, name: "echo, mV"}}
}

// enginkoFrames are the frames of a kind: with and without battery, with a distance and
// without.
func enginkoFrames(kind byte, behind item) frames {
	length := max(behind.size, enginkoHead)
	heard := func(yes bool) func([]byte) bool {
		return func(payload []byte) bool {
			return payload[0] == enginkoLevel && payload[1] == kind && (u16le.get(payload[10:]) <= enginkoFarthest) == yes
		}
	}
	var all frames
	for _, battery := range [][]field{{{quantity: city.BatteryLevel, at: length}}, nil} {
		fields := slices.Concat(battery, behind.fields)
		blank := []byte{enginkoLevel, kind}
		all = append(all,
			fixed{
				length: length + len(battery), is: heard(true), blank: blank,
				fields: slices.Concat([]field{{quantity: city.Distance, at: 10, form: u16le}}, fields), labels: enginkoLabels(),
			},
			fixed{
				length: length + len(battery), is: heard(false), blank: []byte{enginkoLevel, kind, 10: 0xff, 11: 0xff},
				fields: fields, special: noEcho(label{at: 10, size: 2, name: "error code"}), labels: enginkoLabels(),
			})
	}
	return all
}
