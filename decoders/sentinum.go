package decoders

import "meldefunk/city"

// Sentinum Apollon-Q, optical and radar, port 1, integers big endian. Ports 192 and 197 are
// raw scans of satellites and Wi-Fi, which only a location service can read.
// (Sentinum, Apollon Q payload description and data converter.)
//
//	0-1  module key; its lowest 4 bits say what is built in and so what follows
//	2    counter
//	3-4  battery, mV
//	5    °C + 128
//	6    alarm
//	7-8  master value, mm: the distance that the device trusts
//	then optical   status, mm, mode
//	     radar     status, peaks, three times mm and dBsm
//	     motion    status, orientation, lid open, openings, blow
//	     magnet    lid open, openings
//	and where it is set so, 1 or 5 bytes of the optical sensor's histogram
func sentinum() []model {
	var all frames
	for parts := byte(1); parts < 16; parts++ {
		if parts&(apollonOptical|apollonRadar) != 0 {
			all = append(all, apollon(parts)...)
		}
	}
	return []model{{name: "sentinum/apollon-q", kind: city.Bin, ports: []port{
		{number: 1, carries: "measurement", layout: all},
		{number: 192, carries: "satellites in sight"},
		{number: 197, carries: "networks in sight"},
	}}}
}

// What is built in.
const (
	apollonOptical = 1 << iota
	apollonRadar
	apollonMotion
	apollonMagnet
)

// apollon are the frames of a device with these parts: one for each thing that the sensors of
// the distance can say of themselves. The distance is the master value as long as one of them
// is content.
func apollon(parts byte) frames {
	length := 9
	take := func(part byte, size int) (at int) {
		at = length
		if parts&part != 0 {
			length += size
		}
		return at
	}
	optical, radar := take(apollonOptical, 4), take(apollonRadar, 14)
	motion, magnet := take(apollonMotion, 6), take(apollonMagnet, 3)

	fields := []field{
		{quantity: city.BatteryVoltage, at: 3, form: u16be, per: 1000},
		{quantity: city.Temperature, at: 5, plus: -128},
		{quantity: city.LevelAlarm, at: 6, nonzero: true},
	}
	var troubles []trouble
	switch lid := []city.Quantity{city.DoorOpen, city.Count}; {
	case parts&apollonMotion != 0:
		fields = append(fields,
			field{quantity: lid[0], at: motion + 2, nonzero: true},
			field{quantity: lid[1], at: motion + 3, form: u16be},
			field{quantity: city.Tampered, at: motion + 5, nonzero: true})
		troubles = []trouble{{at: motion, mask: 0xff, fault: city.FaultDevice}}
	case parts&apollonMagnet != 0:
		fields = append(fields,
			field{quantity: lid[0], at: magnet, nonzero: true},
			field{quantity: lid[1], at: magnet + 1, form: u16be})
	}

	labels := []label{{size: 2, name: "module key"}, {at: 2, name: "counter"}}
	if parts&apollonOptical != 0 {
		labels = append(labels, label{at: optical, size: 4, name: "optical sensor"})
	}
	if parts&apollonRadar != 0 {
		labels = append(labels, label{at: radar, size: 14, name: "radar"})
	}
	state := func(payload []byte) apollonState {
		s := apollonBroken
		if parts&apollonOptical != 0 {
			s = min(s, opticalState(payload[optical]))
		}
		if parts&apollonRadar != 0 && payload[radar] == 1 {
			s = apollonGood
		}
		return s
	}
	frame := func(s apollonState) fixed {
		blank := make([]byte, length)
		blank[0], blank[1] = 0x11, 0x10|parts
		if parts&apollonOptical != 0 {
			blank[optical] = [...]byte{apollonGood: 0, apollonBlind: 2, apollonBroken: 5}[s]
		}
		if parts&apollonRadar != 0 && s == apollonGood {
			blank[radar] = 1
		}
		return fixed{
			length: length, longer: true, blank: blank, fields: fields, troubles: troubles, labels: labels,
			is: func(payload []byte) bool { return payload[1]&0x0f == parts && state(payload) == s },
		}
	}
	good, blind, broken := frame(apollonGood), frame(apollonBlind), frame(apollonBroken)
	good.fields = append([]field{{quantity: city.Distance, at: 7, form: u16be}}, fields...)
	master := label{at: 7, size: 2, name: "master value, not trusted"}
	blind.special, broken.special = says(city.FaultNoEcho, master), says(city.FaultProbe, master)
	if parts&apollonOptical == 0 {
		return frames{good, broken} // radar alone is never blind
	}
	return frames{good, blind, broken}
}

// apollonState is how much a sensor of the distance trusts itself.
type apollonState uint8

const (
	apollonGood apollonState = iota
	apollonBlind
	apollonBroken
)

func opticalState(status byte) apollonState {
	switch status {
	case 0, 99: // 99: more than one target
		return apollonGood
	case 2, 4, 7, 14: // out of bounds, wrapped, out of range
		return apollonBlind
	}
	return apollonBroken // 5 hardware, 8 algorithm
}
