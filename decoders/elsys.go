package decoders

import "meldefunk/city"

// ELSYS: [type][data] repeated, integers big endian, on any port, from the factory 5. One
// layout for all ELT, ERS and EMS; what differs is what they have.
// (ELSYS payload documentation; TheThingsNetwork/lorawan-devices, vendor/elsys; for the reed
// contact allthingstalk/device-types, ELSYS/EMS.)
func elsys() []model {
	// What the digital input means depends on what is connected.
	layout := elsysItems(item{key: 0x0d, size: 1, rest: "digital input"})
	// EMS have the door's reed contact on it: 1 is shut.
	door := elsysItems(channel(0x0d, field{quantity: city.DoorOpen, inverted: true}))
	return []model{
		elsysModel("elsys/elt-ultrasonic", city.Bin, layout),
		elsysModel("elsys/elt-2", city.Level, layout),
		elsysModel("elsys/elt-lite", city.Level, layout),
		elsysModel("elsys/ers", city.Air, layout),
		elsysModel("elsys/ers-lite", city.Air, layout),
		elsysModel("elsys/ers-eye", city.Air, layout),
		elsysModel("elsys/ers-co2", city.Air, layout),
		elsysModel("elsys/ers-co2-lite", city.Air, layout),
		elsysModel("elsys/ers-voc", city.Air, layout),
		elsysModel("elsys/ers-sound", city.Air, layout),
		elsysModel("elsys/ems", city.Door, door),
		elsysModel("elsys/ems-lite", city.Door, door),
		elsysModel("elsys/ems-door", city.Door, door),
	}
}

func elsysModel(name string, kind city.Kind, layout layout) model {
	return model{name: name, kind: kind, ports: []port{{number: 5, any: true, carries: "measurement", layout: layout}}}
}

// elsysItems are all items, with what the digital input is.
func elsysItems(digital item) *items {
	return itemsOf(1,
		channel(0x01, field{quantity: city.Temperature, form: s16be, per: 10}),
		channel(0x02, field{quantity: city.Humidity}),
		item{key: 0x03, size: 3, rest: "acceleration"},
		channel(0x04, field{quantity: city.Illuminance, form: u16be}),
		item{key: 0x05, size: 1, rest: "movements seen"},
		channel(0x06, field{quantity: city.CO2, form: u16be}),
		channel(0x07, field{quantity: city.BatteryVoltage, form: u16be, per: 1000}),
		item{key: 0x08, size: 2, rest: "analogue input"},
		channel(0x09, field{quantity: city.Latitude, form: s24le, per: 1e4}, field{quantity: city.Longitude, at: 3, form: s24le, per: 1e4}),
		item{key: 0x0a, size: 2, rest: "pulses since the last frame"}, // the total says the same
		channel(0x0b, field{quantity: city.Count, form: u32be}),
		channel(0x0c, field{quantity: city.ProbeTemperature, form: s16be, per: 10}),
		digital,
		channel(0x0e, field{quantity: city.Distance, form: u16be}),
		item{key: 0x0f, size: 1, rest: "the device was moved"},
		item{key: 0x10, size: 4, rest: "infrared temperatures"},
		item{key: 0x11, size: 1, rest: "somebody sits there"},
		channel(0x12, field{quantity: city.Leak, nonzero: true}),
		item{key: 0x13, size: 65, rest: "infrared picture"},
		channel(0x14, field{quantity: city.Pressure, form: s32be, per: 1000}),
		channel(0x15, field{quantity: city.Noise, at: 1}).with("peak of the noise"), // then its mean
		item{key: 0x16, size: 2, rest: "second pulse input"},
		item{key: 0x17, size: 4, rest: "second pulse total"},
		item{key: 0x18, size: 2, rest: "second analogue input"},
		item{key: 0x19, size: 2, rest: "second external temperature"},
		item{key: 0x1a, size: 1, rest: "second digital input"},
		item{key: 0x1b, size: 4, rest: "load cell"},
		channel(0x1c, field{quantity: city.TVOC, form: u16be}),
		item{key: 0x3d, size: 4, rest: "debug"},
	)
}
