package decoders

import (
	"encoding/binary"
	"fmt"
	"slices"

	"meldefunk/city"
)

// Dragino sensors send fixed frames, integers big endian, mostly on port 2; port 5 is device
// information. (Dragino user manuals, "Uplink Payload"; TheThingsNetwork/lorawan-devices,
// vendor/dragino.)
//
// The vendor's own formula for soil below zero, (raw - FFFF) / 100, is off by 0.01: the
// number is two's complement. Its decoder of the LDDS75 before firmware 1.1.4 takes the
// battery for the distance.

func dragino() []model {
	return []model{
		remembered(draginoModel("dragino/lse01", city.Soil, lse01(), lse01Raw()), soilPast()),
		draginoModel("dragino/lse01-fw1.1", city.Soil, lse01Old()),
		remembered(draginoModel("dragino/se01-lb", city.Soil, lse01(), lse01Raw(), lse01().counting(), lse01Raw().counting()), soilPast()),
		draginoModel("dragino/ldds75", city.Bin, ldds()),
		draginoModel("dragino/ldds75-fw1.1.3", city.Bin, lddsOld()...),
		draginoModel("dragino/ldds45", city.Bin, ldds()),
		draginoModel("dragino/llds12", city.Bin, llds12()),
		remembered(draginoModel("dragino/dds75-lb", city.Bin, dds75Single()), &datalog{size: 11, time: 7, fields: []field{
			draginoVolts(0),
			draginoDistance(city.Distance, 2),
			draginoProbe(city.Temperature, 4, 10),
		}}),
		dds75(),
		draginoModel("dragino/lht65", city.Air, lht65()...),
		{name: "dragino/lds02", kind: city.Door, ports: []port{
			{number: 10, carries: "status", layout: lds02()},
		}},
		trackerD(),
	}
}

func draginoModel(name string, kind city.Kind, layouts ...fixed) model {
	return model{name: name, kind: kind, ports: []port{
		{number: 2, carries: "measurement", layout: frames(layouts)},
		{number: 5, carries: "device information"},
	}}
}

// remembered is a model that sends its memory on port 3, when it is asked to.
func remembered(m model, l layout) model {
	m.ports = append(m.ports, port{number: 3, carries: "datalog", layout: l})
	return m
}

// draginoVolts is in the low 14 bits of two bytes; what stands above them differs.
func draginoVolts(at int) field {
	return field{quantity: city.BatteryVoltage, at: at, form: u16be, mask: 0x3fff, per: 1000}
}

// draginoProbe is the DS18B20 that can be connected: 7FFF without one, as most devices are
// used.
func draginoProbe(q city.Quantity, at int, per float64) field {
	return field{quantity: q, at: at, form: s16be, per: per, codes: []code{{0x7fff, ""}}}
}

// LSE01 and SE01-LB, soil probe, 11 bytes:
//
//	0-1   battery, mV, low 14 bits
//	2-3   auxiliary DS18B20, signed, 0.1 °C; 7FFF without one
//	4-5   soil moisture, 0.01 %
//	6-7   soil temperature, signed, 0.01 °C
//	8-9   conductivity, µS/cm
//	10    firmware 1.2.1 and later: bit 7 MOD, bit 4 sensor flag, bits 3-0 interrupt;
//	      before: interrupt only, in any bit
//
// With MOD, 4-5 is the dielectric constant in tenths and 6-9 are raw counts. Whether bit 7
// is MOD cannot be seen in the frame, so the old firmware is a model of its own. The sensor
// flag is not read: example frames carry good values with either. An SE01-LB that is set to
// count pulses sends the counter behind it.
func lse01() fixed {
	l := lse01Old()
	l.is = func(payload []byte) bool { return payload[10]&0x80 == 0 }
	l.labels = lse01Flags()
	return l
}

func lse01Old() fixed {
	return fixed{
		length: 11,
		blank:  []byte{10: 0x10}, // sensor flag set, MOD 0, no interrupt
		labels: []label{{at: 10, name: "interrupt"}},
		fields: []field{
			draginoVolts(0),
			draginoProbe(city.Temperature, 2, 10),
			{quantity: city.SoilMoisture, at: 4, form: u16be, per: 100},
			{quantity: city.SoilTemperature, at: 6, form: s16be, per: 100},
			{quantity: city.Conductivity, at: 8, form: u16be},
		},
	}
}

// lse01Flags are the bits from firmware 1.2.1 on.
func lse01Flags() []label {
	return []label{{at: 10, mask: 0x80, name: "MOD"}, {at: 10, mask: 0x10, name: "sensor flag"}, {at: 10, mask: 0x0f, name: "interrupt"}}
}

func lse01Raw() fixed {
	return fixed{
		length: 11,
		is:     func(payload []byte) bool { return payload[10]&0x80 != 0 },
		blank:  []byte{10: 0x90},
		labels: lse01Flags(),
		fields: []field{
			draginoVolts(0),
			draginoProbe(city.Temperature, 2, 10),
			{quantity: city.Permittivity, at: 4, form: u16be, per: 10},
			{quantity: city.SoilMoistureRaw, at: 6, form: u16be},
			{quantity: city.ConductivityRaw, at: 8, form: u16be},
		},
	}
}

// counting is the frame with a counter of 4 bytes behind it.
func (l fixed) counting() fixed {
	l.fields = append(slices.Clone(l.fields), field{quantity: city.Count, at: l.length, form: u32be})
	l.length += 4
	return l
}

// soilPast are records of 11 bytes: moisture, temperature and conductivity as on port 2, MOD
// and level, Unix time. (SE01-LB user manual, "Datalog feature". The vendor's decoder has the
// same places for the first two, and where the conductivity is, the humidity of the LHT65
// from which it was copied.) With bit 7 of byte 6 the record is one of raw counts by the
// manual, or one never acknowledged by the decoder: it is not read.
func soilPast() *datalog {
	return &datalog{size: 11, time: 7, unread: recordFlag{at: 6, mask: 0x80}, fields: []field{
		{quantity: city.SoilMoisture, form: u16be, per: 100},
		{quantity: city.SoilTemperature, at: 2, form: s16be, per: 100},
		{quantity: city.Conductivity, at: 4, form: u16be},
	}, labels: []label{{at: 6, name: "MOD and level"}}}
}

// draginoDistance: 0 is no sensor, 20 a distance too small or unreadable.
func draginoDistance(q city.Quantity, at int) field {
	return field{quantity: q, at: at, form: u16be, codes: []code{{0, city.FaultNoSensor}, {20, city.FaultTooClose}}}
}

// LDDS75 from firmware 1.1.4 and LDDS45, ultrasonic: battery, distance in mm, interrupt,
// DS18B20 in 0.1 °C, whether the probe was found.
func ldds() fixed {
	return fixed{
		length: 8,
		blank:  []byte{7: 1},
		labels: []label{{at: 4, name: "interrupt"}, {at: 7, name: "probe found"}},
		fields: []field{
			draginoVolts(0),
			draginoDistance(city.Distance, 2),
			draginoProbe(city.Temperature, 5, 10),
		},
	}
}

// LDDS75 before firmware 1.1.4: battery, distance in mm, interrupt. Any other length is no sensor
// to the vendor's decoder; without the distance it is 3. It measures from 280 mm on; later
// firmware says 20 for less. (LDDS75 user manual, "Specification"; vendor's decoder for firmware
// before 1.1.4.)
func lddsOld() []fixed {
	return []fixed{
		{length: 5, fields: []field{draginoVolts(0), {quantity: city.Distance, at: 2, form: u16be, lowest: 280}}, labels: []label{{at: 4, name: "interrupt"}}},
		{length: 3, fields: []field{draginoVolts(0)}, special: says(city.FaultNoSensor, label{at: 2, name: "interrupt, without a distance"})},
	}
}

// LLDS12, lidar: battery, DS18B20, distance in mm, strength of the signal, interrupt,
// temperature in the lidar, message type. Neither 0 nor 65535 is a distance that a lidar
// measures.
func llds12() fixed {
	return fixed{
		length: 11,
		blank:  []byte{10: 1},
		labels: []label{{at: 8, name: "interrupt"}, {at: 10, name: "message type"}},
		fields: []field{
			draginoVolts(0),
			draginoProbe(city.Temperature, 2, 10),
			{quantity: city.Distance, at: 4, form: u16be, codes: []code{{0, city.FaultNoEcho}, {0xffff, city.FaultNoEcho}}},
			{quantity: city.EchoStrength, at: 6, form: u16be},
			{quantity: city.ProbeTemperature, at: 9, form: s8},
		},
	}
}

// DDS75-LB sends the frame of the LDDS75, and records of battery, distance, DS18B20, flags, Unix
// time on port 3. With bit 12 of the battery set it is one with many samples, of which the order
// of the first is not documented. (Vendor's decoder.)
func dds75Single() fixed {
	l := ldds()
	l.is = func(payload []byte) bool { return payload[0]&0x10 == 0 }
	l.fields[0].mask = 0x0fff
	return l
}

// DDS75-3-LB, three ultrasonic probes. Records on port 3, 11 bytes each: three distances,
// flags, Unix time.
func dds75() model {
	distances := func(at int) []field {
		return []field{
			draginoDistance(city.Distance, at),
			draginoDistance(city.Distance2, at+2),
			draginoDistance(city.Distance3, at+4),
		}
	}
	m := draginoModel("dragino/dds75-3-lb", city.Bin, fixed{
		length: 11,
		labels: []label{{at: 10, name: "flags"}},
		fields: append([]field{draginoVolts(0), draginoProbe(city.Temperature, 2, 10)}, distances(4)...),
	})
	return remembered(m, &datalog{size: 11, time: 7, fields: distances(0), labels: []label{{at: 6, name: "flags"}}})
}

// datalog is a frame of records of equal size, each with its Unix time, big endian.
type datalog struct {
	size, time int
	fields     []field
	unread     recordFlag // records with it are kept as they are
	labels     []label    // what stands beside the fields of a record
}

// recordFlag are bits of a record; none where the mask is 0.
type recordFlag struct {
	at   int
	mask byte
}

// marks tells whether a record has the flag.
func (f recordFlag) marks(record []byte) bool { return record[f.at]&f.mask != 0 }

func (l *datalog) decode(payload []byte, r *city.Reading) *city.Rejection {
	if len(payload) < l.size {
		return wrongLength(payload, fmt.Sprintf("at least %d", l.size))
	}
	for ; len(payload) >= l.size; payload = payload[l.size:] {
		record := payload[:l.size]
		if l.unread.marks(record) {
			leaveTail(r, record)
			continue
		}
		addRecord(r, uint32(u32be.get(record[l.time:])), len(l.fields), func() {
			for i := range l.fields {
				l.fields[i].read(record, r)
			}
		})
	}
	if len(payload) > 0 {
		leaveTail(r, payload)
	}
	return nil
}

func (l *datalog) remembers() bool { return true }

func (l *datalog) memory(payload []byte) (records, values int) {
	records = len(payload) / l.size
	return records, records * (len(l.fields) + computed)
}

func (l *datalog) explain(p *page) {
	at := 0
	for ; len(p.payload)-at >= l.size; at += l.size {
		if l.unread.marks(p.payload[at : at+l.size]) {
			p.tail(at, at+l.size, ": records with this flag are not read")
			continue
		}
		if p.time(at+l.time, binary.BigEndian) {
			p.fields(at, l.fields, ofPast)
		} else {
			p.rest(at, l.size, "of the dropped record", "")
		}
		p.labels(at, l.labels)
	}
	if at > 0 && at < len(p.payload) {
		p.tail(at, len(p.payload), ": a record cut short")
	}
}

// A datalog answers a request of the network; the simulator has no use for it.
func (l *datalog) carries() []city.Quantity            { return nil }
func (l *datalog) encode([]city.Value) ([]byte, error) { return nil, errNoFrame }

// LHT65, air, 11 bytes: battery, SHT temperature in 0.01 °C, humidity in 0.1 %, kind of the
// external sensor in the low 4 bits of byte 6, its value. Bit 7 of byte 6: its cable is off.
func lht65() []fixed {
	external := func(kind byte) func([]byte) bool {
		return func(payload []byte) bool { return payload[6]&0x0f == kind }
	}
	// Kinds 9 and 15 put something else where the battery and the air are.
	inPlace := func(payload []byte) bool { kind := payload[6] & 0x0f; return kind != 9 && kind != 15 }
	inner := []field{
		draginoVolts(0),
		{quantity: city.Temperature, at: 2, form: s16be, per: 100},
		{quantity: city.Humidity, at: 4, form: u16be, mask: 0x0fff, per: 10},
	}
	kind := []label{{at: 6, mask: 0x0f, name: "kind of external sensor"}}
	off := []trouble{{at: 6, mask: 0x80, fault: city.FaultNoSensor}}
	with := func(more field) []field { return append(append([]field(nil), inner...), more) }
	return []fixed{
		{length: 11, is: external(0), fields: inner, troubles: off, labels: kind},
		{length: 11, is: external(1), fields: with(draginoProbe(city.ProbeTemperature, 7, 100)), troubles: off, labels: kind, blank: []byte{6: 1}},
		{length: 11, is: external(5), fields: with(field{quantity: city.Illuminance, at: 7, form: u16be}), troubles: off, labels: kind, blank: []byte{6: 5}},
		{length: 11, is: external(7), fields: with(field{quantity: city.Count, at: 7, form: u16be}), troubles: off, labels: kind, blank: []byte{6: 7}},
		{length: 11, is: external(8), fields: with(field{quantity: city.Count, at: 7, form: u32be}), troubles: off, labels: kind, blank: []byte{6: 8}},
		{length: 11, is: inPlace, fields: inner, troubles: off, labels: kind, tail: func(payload []byte) []byte { return payload[6:] }},
	}
}

// LDS02, door or water contact, 10 bytes on port 10: bit 7 open, bit 6 water, battery; mode;
// openings; minutes the last one lasted; alarm.
func lds02() frames {
	mode := func(n byte) func([]byte) bool { return func(payload []byte) bool { return payload[2] == n } }
	open := field{quantity: city.DoorOpen, mask: 0x80}
	wet := field{quantity: city.Leak, mask: 0x40}
	count := field{quantity: city.Count, at: 3, form: u24be}
	lasted := field{quantity: city.PreviousDuration, at: 6, form: u24be}
	labels := []label{{at: 2, name: "mode"}, {at: 9, name: "alarm"}}
	return frames{
		{length: 10, is: mode(1), blank: []byte{2: 1}, fields: []field{draginoVolts(0), open, count, lasted}, labels: labels},
		{length: 10, is: mode(2), blank: []byte{2: 2}, fields: []field{draginoVolts(0), wet, count, lasted}, labels: labels},
		{length: 10, is: mode(3), blank: []byte{2: 3}, fields: []field{draginoVolts(0), open, wet}, labels: labels},
	}
}

// TrackerD: position in millionths of a degree (0, 0 without a fix), alarm and battery, mode,
// then on port 2 humidity and temperature. Port 7 is battery alone. Beacons and networks in
// sight (ports 6 and 8) are not read, and neither are past positions (port 4): where somebody
// was is nobody's business.
func trackerD() model {
	fix := func(q city.Quantity, at int) field {
		return field{quantity: q, at: at, form: s32be, per: 1e6, codes: []code{{0, city.FaultNoFix}}}
	}
	mode := func(at int) []label { return []label{{at: at, name: "mode"}} }
	position := []field{fix(city.Latitude, 0), fix(city.Longitude, 4), draginoVolts(8)}
	return model{name: "dragino/trackerd", kind: city.Tracker, ports: []port{
		{number: 3, carries: "position", layout: frames{{length: 11, fields: position, labels: mode(10)}}},
		{number: 2, carries: "position and air", layout: frames{{length: 15, fields: append(append([]field(nil), position...),
			field{quantity: city.Humidity, at: 11, form: u16be, per: 10},
			field{quantity: city.Temperature, at: 13, form: s16be, per: 10}), labels: mode(10)}}},
		{number: 7, carries: "alarm", layout: frames{{length: 3, fields: []field{draginoVolts(0)}, labels: mode(2)}}},
		{number: 4, carries: "past position"},
		{number: 5, carries: "device information"},
		{number: 6, carries: "beacon"},
		{number: 8, carries: "network in sight"},
	}}
}
