package decoders

import (
	"slices"

	"meldefunk/city"
)

// Milesight sensors send one TLV format: [channel][type][data] repeated, integers little
// endian, port 85. What differs is which channels a model has, and what a channel means.
// (Milesight user guides, "Device Payload"; Milesight-IoT/SensorDecoders.)
//
// Known mistakes of vendors' decoders that are not repeated: EM500-SMTC 04 68 is one byte,
// not two; error codes of signed channels are compared before the sign.

const milesightPort = 85

func milesight() []model {
	battery := channel(0x0175, field{quantity: city.BatteryLevel})
	temperature := func(key uint32) item { return channel(key, celsius(0)) }
	tilt := func(key uint32) item { return channel(key, field{quantity: city.Tilt}) }

	em400 := []item{
		battery,
		temperature(0x0367),
		channel(0x0482, ranged(0)),
		tilt(0x0500),
		alarm(0x8367, celsius(0)),
		channel(0x8482, ranged(0), field{quantity: city.LevelAlarm, at: 2}),
		{key: 0x0688, size: 9, rest: "position"}, // on the cellular variant only, in a form of its own
	}
	return []model{
		telemetry("milesight/em310-udl", city.Bin,
			battery,
			channel(0x0382, ranged(0, code{0, city.FaultNoEcho})), // farther than it measures (user guide)
			tilt(0x0400)),
		telemetry("milesight/em400-mud", city.Bin, em400...),
		telemetry("milesight/em400-tld", city.Bin, em400...),
		telemetry("milesight/em400-udl", city.Bin, em400...),
		telemetry("milesight/em410-rdl", city.Level,
			battery,
			temperature(0x0367),
			channel(0x0482, radar(0)),
			tilt(0x0500),
			channel(0x06c7, field{quantity: city.EchoStrength, form: s16le, per: 100}),
			alarm(0x8367, celsius(0)),
			channel(0x8482, radar(0), field{quantity: city.LevelAlarm, at: 2, nonzero: true}),
			channel(0x9482, radar(0), field{quantity: city.DistanceChange, at: 2, form: s16le}, field{quantity: city.LevelAlarm, at: 4, nonzero: true}),
			item{key: 0xb482, size: 3, fields: []field{radar(0)}, read: radarException, rest: "exception"},
			past(radar(4), guarded(celsius(6))).sized(11).with("change of the distance, kind of alarm"),
		),
		telemetry("milesight/em500-udl", city.Bin,
			battery,
			channel(0x0382, ranged(0)),
			item{key: 0x83e9, size: 5, rest: "distance, jump, alarm"}, // whether in mm or cm is not documented
			past(ranged(4))),
		telemetry("milesight/em500-swl", city.Level,
			battery,
			channel(0x0377, waterLevel(0)),
			past(waterLevel(4))),
		soilProbe("milesight/em500-smt"),
		soilProbe("milesight/em500-smtc"),
		telemetry("milesight/ws201", city.Bin,
			battery,
			channel(0x0382, ranged(0)),
			channel(0x04d6, field{quantity: city.FillLevel})),
		telemetry("milesight/vs121", city.People,
			channel(0x04c9, field{quantity: city.PeoplePresent}).sized(4).with("regions that are occupied"),
			item{key: 0x05cc, size: 4, rest: "in and out since the last frame"}, // the totals say the same
			item{key: 0x06cd, size: 1, rest: "most at once"},
			item{key: 0x07d5, size: 8, rest: "per region"},
			item{key: 0x08d5, size: 8, rest: "per region"},
			item{key: 0x09da, size: 8, rest: "ways between the sides"},
			item{key: 0x0ada, size: 8, rest: "ways between the sides"},
			item{key: 0x0bda, size: 8, rest: "ways between the sides"},
			item{key: 0x0cda, size: 8, rest: "ways between the sides"},
			channel(0x0dcc, field{quantity: city.PeopleIn, form: u16le}, field{quantity: city.PeopleOut, at: 2, form: u16le}),
			item{key: 0x0ee4, size: 5, rest: "how long they stay"},
			item{key: 0x0f85, size: 4, rest: "time"},
			item{key: 0x10f7, size: 4, rest: "over a line since the last frame"},
			vs121Past(),
			item{key: 0xff08, size: 6, rest: "serial number"},
			item{key: 0xff1f, size: 4, rest: "firmware"},
		),
		telemetry("milesight/vs133", city.People, vs133()...),
		telemetry("milesight/wts506", city.Weather,
			battery,
			temperature(0x0367),
			channel(0x0468, field{quantity: city.Humidity, per: 2}),
			channel(0x0584, field{quantity: city.WindDirection, form: s16le, per: 10}),
			channel(0x0673, field{quantity: city.Pressure, form: u16le, per: 10}),
			channel(0x0792, field{quantity: city.WindSpeed, form: u16le, per: 10}),
			channel(0x08ec, field{quantity: city.RainTotal, form: u32le, per: 100}).sized(5).with("counter"),
			channel(0x0877, field{quantity: city.RainTotal, form: u16le, per: 100}).sized(3).with("counter"),
			alarm(0x8367, celsius(0)),
			alarm(0x8673, field{quantity: city.Pressure, form: u16le, per: 10}),
			alarm(0x8792, field{quantity: city.WindSpeed, form: u16le, per: 10}),
			channel(0x88ec, field{quantity: city.RainTotal, form: u32le, per: 100}).sized(6).with("counter, alarm"),
			weatherPast(0x20ce, 15, u16le),
			weatherPast(0x21ce, 17, u32le)),
		telemetry("milesight/ws301", city.Door,
			battery,
			channel(0x0300, field{quantity: city.DoorOpen}),
			channel(0x0400, field{quantity: city.Tampered}),
			item{key: 0xff08, size: 6}), // serial number
		telemetry("milesight/em300-mcs", city.Door,
			battery,
			temperature(0x0367),
			channel(0x0468, field{quantity: city.Humidity, per: 2}),
			channel(0x0600, field{quantity: city.DoorOpen}),
			past(celsius(4), field{quantity: city.Humidity, at: 6, per: 2}, field{quantity: city.DoorOpen, at: 7})),
	}
}

// telemetry makes a model of its channels.
func telemetry(name string, kind city.Kind, channels ...item) model {
	list := append(slices.Clone(channels), attributes()...)
	return model{name: name, kind: kind, ports: []port{
		{number: milesightPort, carries: "telemetry", layout: itemsOf(2, list...)},
	}}
}

// attributes are what every model tells about itself after joining.
func attributes() []item {
	return []item{
		{key: 0xff01, size: 1, rest: "protocol version"},
		{key: 0xff09, size: 2, rest: "hardware version"},
		{key: 0xff0a, size: 2, rest: "firmware version"},
		{key: 0xff0b, size: 1, rest: "power on"},
		{key: 0xff0f, size: 1, rest: "LoRaWAN class"},
		{key: 0xff16, size: 8, rest: "serial number"},
		{key: 0xfffe, size: 1, rest: "reset"},
		{key: 0xffff, size: 2, rest: "thing specification version"},
	}
}

// channel is an item as long as its fields.
func channel(key uint32, fields ...field) item {
	it := item{key: key, fields: fields}
	for i := range fields {
		it.size = max(it.size, fields[i].at+fields[i].form.size())
	}
	return it
}

// alarm is a channel with one byte more, which says whether the device's own threshold was
// crossed. The value counts; the threshold is a rule's matter here, except for a level.
func alarm(key uint32, fields ...field) item {
	it := channel(key, fields...)
	it.size = fields[0].at + fields[0].form.size() + 1
	it.rest = "alarm"
	return it
}

// past is a record of the device's memory; its fields begin after the 4 bytes of its time.
func past(fields ...field) item {
	it := channel(0x20ce, fields...)
	it.record = true
	return it
}

// sized is the item with bytes behind its fields that are not read.
func (it item) sized(size int) item {
	it.size = size
	return it
}

// with is the item with a name for what its fields do not read.
func (it item) with(rest string) item {
	it.rest = rest
	return it
}

// Milesight's codes for "collection failed", "switched off" and "outside the measuring
// range" on 16-bit channels (user guides of the EM500 series and the EM410-RDL). They are
// compared as the channel's form gives them: signed ones are small negative numbers, and no
// -0.1 °C.
const (
	collectionFailed = 0xffff
	switchedOff      = 0xfffe
	outOfRange       = 0xfffd
)

// failures are the codes as faults, for a channel of this form.
func failures(f form, beyond city.Fault) []code {
	codes := []code{{outOfRange, beyond}, {collectionFailed, city.FaultProbe}, {switchedOff, city.FaultNoSensor}}
	if f.signed() {
		for i := range codes {
			codes[i].raw -= 1 << 16
		}
	}
	return codes
}

// ranged is a distance that the sensor may fail to measure. An EM310-UDL sends 30 for anything
// nearer than 30 mm, so too_close cannot be told from 30 mm.
func ranged(at int, more ...code) field {
	codes := append(slices.Clone(more), failures(u16le, city.FaultNoEcho)...)
	return field{quantity: city.Distance, at: at, form: u16le, codes: codes}
}

// radar is the same, of a sensor that reports distances as signed.
func radar(at int) field {
	return field{quantity: city.Distance, at: at, form: s16le, codes: failures(s16le, city.FaultNoEcho)}
}

// radarException is the last byte of channel b4 82.
func radarException(data []byte, r *city.Reading) {
	switch data[2] {
	case 1, 2: // blind, no target; 0 is their end
		fault(r, city.FaultNoEcho)
	case 3:
		fault(r, city.FaultProbe)
	}
}

// celsius is a temperature of the air at the sensor. Sensors with codes for it are guarded.
func celsius(at int) field {
	return field{quantity: city.Temperature, at: at, form: s16le, per: 10}
}

// guarded is a field that may hold a failure code.
func guarded(f field) field {
	f.codes = failures(f.form, city.FaultProbe)
	return f
}

func waterLevel(at int) field {
	return guarded(field{quantity: city.WaterLevel, at: at, form: u16le, times: 10}) // cm in the frame
}

// soilProbe is an EM500-SMT or -SMTC. Old firmware sends moisture in one byte as 04 68, new
// firmware as 04 CA; the channel tells.
func soilProbe(name string) model {
	temperature := func(at int) field {
		return guarded(field{quantity: city.SoilTemperature, at: at, form: s16le, per: 10})
	}
	moisture := func(at int) field {
		return guarded(field{quantity: city.SoilMoisture, at: at, form: u16le, per: 100})
	}
	conductivity := func(at int) field {
		return guarded(field{quantity: city.Conductivity, at: at, form: u16le})
	}
	return telemetry(name, city.Soil,
		channel(0x0175, field{quantity: city.BatteryLevel}),
		channel(0x0367, temperature(0)),
		channel(0x04ca, moisture(0)),
		channel(0x0468, field{quantity: city.SoilMoisture, per: 2}),
		channel(0x057f, conductivity(0)),
		channel(0x83d7, temperature(0)).sized(5).with("change of the temperature, alarm"),
		past(conductivity(4), temperature(6), moisture(8)))
}

// weatherPast is a record of a WTS506; the size of the rain counter differs.
func weatherPast(key uint32, size int, rain form) item {
	it := past(celsius(4),
		field{quantity: city.Humidity, at: 6, per: 2},
		field{quantity: city.Pressure, at: 7, form: u16le, per: 10},
		field{quantity: city.WindDirection, at: 9, form: s16le, per: 10},
		field{quantity: city.WindSpeed, at: 11, form: u16le, per: 10},
		field{quantity: city.RainTotal, at: 13, form: rain, per: 100})
	it.key = key
	return it.sized(size)
}

// pastKind is one kind of a record that says after its time what it is. Its fields begin after
// the 5 bytes of both.
func pastKind(kind uint32, size int, fields ...field) item {
	return item{key: kind, size: 5 + size, fields: fields, record: true, labels: []label{{at: recordTime, name: "kind of record"}}}
}

// pastKinds is a channel whose records are of these kinds.
func pastKinds(kinds ...item) item { return item{key: 0x20ce, size: 5, record: true, kinds: kinds} }

func vs121Past() item {
	kinds := []item{
		pastKind(0x01, 4, field{quantity: city.PeoplePresent, at: 5}).with("which regions are occupied"),
		pastKind(0x03, 1).with("most at once"),
		pastKind(0x10, 4, field{quantity: city.PeopleIn, at: 5, form: u16le}, field{quantity: city.PeopleOut, at: 7, form: u16le}),
		pastKind(0x11, 5).with("how long they stay"),
		pastKind(0x02, 4).with("in and out since the record before"),
		pastKind(0x12, 4).with("over a line since the record before"),
	}
	for kind := uint32(0x04); kind <= 0x07; kind++ {
		kinds = append(kinds, pastKind(kind, 4).with("people per region"))
	}
	for kind := uint32(0x08); kind <= 0x0f; kind++ {
		kinds = append(kinds, pastKind(kind, 4).with("ways between the sides"))
	}
	return pastKinds(kinds...)
}

// vs133 are the channels of a people counter with up to four lines. Children are counted
// among the people.
func vs133() []item {
	in := []city.Quantity{city.PeopleIn, city.PeopleIn2, city.PeopleIn3, city.PeopleIn4}
	out := []city.Quantity{city.PeopleOut, city.PeopleOut2, city.PeopleOut3, city.PeopleOut4}
	var list []item
	past := []item{
		pastKind(0x0f, 4).with("people per region"),
		pastKind(0x1d, 4).with("children per region"),
		pastKind(0x10, 3).with("how long they stay on average"),
		pastKind(0x20, 3).with("how long they stay at most"),
		pastKind(0x1e, 3).with("how long children stay on average"),
		pastKind(0x3c, 3).with("how long children stay at most"),
	}
	for i := range in {
		first := uint32(i) * 3
		past = append(past,
			pastKind(0x03+first, 4, field{quantity: in[i], at: 5, form: u32le}),
			pastKind(0x04+first, 4, field{quantity: out[i], at: 5, form: u32le}),
			pastKind(0x05+first, 4).with("since the record before"),
			pastKind(0x11+first, 4).with("children"),
			pastKind(0x12+first, 4).with("children"),
			pastKind(0x13+first, 4).with("children since the record before"))
		step := first << 8
		list = append(list,
			channel(0x03d2+step, field{quantity: in[i], form: u32le}),
			channel(0x04d2+step, field{quantity: out[i], form: u32le}),
			item{key: 0x05cc + step, size: 4, rest: "since the last frame"}, // the totals say the same
			item{key: 0x11d2 + step, size: 4, rest: "children"},
			item{key: 0x12d2 + step, size: 4, rest: "children"},
			item{key: 0x13cc + step, size: 4, rest: "children since the last frame"})
	}
	return append(list,
		item{key: 0x0fe3, size: 4, rest: "people per region"},
		item{key: 0x1de3, size: 4, rest: "children per region"},
		item{key: 0x10e4, size: 5, rest: "how long they stay"},
		item{key: 0x1ee4, size: 5, rest: "how long children stay"},
		pastKinds(past...),
		item{key: 0x50fc, size: 3, rest: "state of the lens", read: func(data []byte, r *city.Reading) {
			if data[2] != 0 {
				fault(r, city.FaultObstructed)
			}
		}},
		item{key: 0xff1f, size: 4, rest: "firmware"})
}
