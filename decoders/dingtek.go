package decoders

import (
	"fmt"
	"math"

	"meldefunk/city"
)

// Dingtek: 80 00 [device] [kind] [length] … 81 on port 3, integers big endian, floats little
// endian. Kind 3 answers a configuration and measures nothing.
// (Dingtek manuals; TheThingsNetwork/lorawan-devices, vendor/dingtek.)
//
// The vendor's decoders give every angle the same sign, and frost as 250 °C.
//
//	5-6   distance, mm
//	8-15  with position only: longitude, latitude
//	then  temperature, °C; angle's sign, angle; alarms: full, fire; tilt, battery; counter
func dingtek() []model {
	waste := dingtekAlarms{fire: true, tilt: true}
	return []model{
		dingtekModel("dingtek/df702", city.Bin, waste.frames(), 16, 25),
		dingtekModel("dingtek/df703", city.Bin, waste.frames(), 16, 25),
		dingtekModel("dingtek/df530", city.Bin, dingtekAlarms{}.frames(), 16, 25),
		dingtekModel("dingtek/df555", city.Bin, dingtekAlarms{}.frames(), 16, 25),
		dingtekModel("dingtek/dc410", city.Level, dingtekAlarms{tilt: true}.frames(), 16, 25),
		dingtekModel("dingtek/do200", city.Parking, frames{dingtekBay(21, 0x02)}, 16, 25),
		dingtekModel("dingtek/do201", city.Parking, frames{dingtekBay(23, 0x31,
			field{quantity: city.Temperature, at: 17, form: s8},
			field{quantity: city.Humidity, at: 18})}, 16, 25),
		dingtekModel("dingtek/dc500", city.People, frames{{length: 21, is: dingtekData, blank: dingtekBlank(0x02, 21), labels: append(dingtekLabels(21, 17), label{at: 7, mask: 0xf0, name: "counter alarm"}), fields: []field{
			{quantity: city.Count, at: 5, form: u16be},
			{quantity: city.BatteryLow, at: 7, mask: 0x0f, nonzero: true},
			{quantity: city.BatteryVoltage, at: 9, form: u16be, per: 100},
		}}}, 12),
		dingtekModel("dingtek/dc510", city.People, frames{{length: 18, is: dingtekData, blank: dingtekBlank(0x51, 18), labels: append(dingtekLabels(18, 15), label{at: 11, mask: 0xf0, name: "counter alarm"}), fields: []field{
			{quantity: city.Count, at: 5, form: u16be},
			{quantity: city.Temperature, at: 8, form: s8},
			{quantity: city.BatteryLow, at: 12, mask: 0x0f, nonzero: true},
			{quantity: city.BatteryVoltage, at: 13, form: u16be, per: 100},
		}}}, 13),
		// In, out and what remains of them; alarms and battery behind are not documented in
		// units.
		dingtekModel("dingtek/dc520", city.People, frames{{length: 19, is: dingtekData, blank: dingtekBlank(0x52, 19), labels: append(dingtekLabels(19, 16), label{at: 11, size: 2, name: "alarms"}, label{at: 13, size: 2, name: "battery, unit unknown"}, label{at: 15, name: "error code"}), fields: []field{
			{quantity: city.PeoplePresent, at: 5, form: s16be},
			{quantity: city.PeopleIn, at: 7, form: u16be},
			{quantity: city.PeopleOut, at: 9, form: u16be},
		}}}, 18),
	}
}

// dingtekModel is a model of its data, and of answers to a configuration of these lengths.
func dingtekModel(name string, kind city.Kind, data frames, answers ...int) model {
	for _, length := range answers {
		data = append(data, fixed{length: length, is: func(payload []byte) bool {
			return dingtekFrame(payload) && payload[3] == 3
		}, labels: append(dingtekLabels(length, 0)[:4], label{at: 5, size: length - 6, name: "configuration"}, label{at: length - 1, name: "end"})})
	}
	return model{name: name, kind: kind, ports: []port{{number: 3, carries: "measurement", layout: data}}}
}

// dingtekFrame tells whether begin, end and length are in place.
func dingtekFrame(payload []byte) bool {
	return payload[0] == 0x80 && int(payload[4]) == len(payload) && payload[len(payload)-1] == 0x81
}

func dingtekData(payload []byte) bool { return dingtekFrame(payload) && payload[3] != 3 }

// dingtekBlank is a frame of a device without values.
func dingtekBlank(device byte, length int) []byte {
	blank := make([]byte, length)
	blank[0], blank[2], blank[3], blank[4], blank[length-1] = 0x80, device, 0x01, byte(length), 0x81
	return blank
}

// dingtekLabels are what stands in every frame; the counter differs.
func dingtekLabels(length, counter int) []label {
	return []label{
		{size: 2, name: "begin"}, {at: 2, name: "device"}, {at: 3, name: "kind of frame"}, {at: 4, name: "length"},
		{at: counter, size: 2, name: "counter"}, {at: length - 1, name: "end"},
	}
}

// dingtekAlarms are the alarms a model has beside full (or, in a tank, empty) and battery.
type dingtekAlarms struct{ fire, tilt bool }

// frames are the two lengths, without and with position.
func (a dingtekAlarms) frames() frames {
	position := []field{
		{quantity: city.Longitude, at: 8, form: f32le},
		{quantity: city.Latitude, at: 12, form: f32le},
	}
	return frames{a.frame(17, 8, nil), a.frame(25, 16, position)}
}

func (a dingtekAlarms) frame(length, at int, position []field) fixed {
	fields := append([]field{
		{quantity: city.Distance, at: 5, form: u16be},
		{quantity: city.Temperature, at: at, form: s8},
		{quantity: city.LevelAlarm, at: at + 3, mask: 0xf0, nonzero: true},
		{quantity: city.BatteryLow, at: at + 4, mask: 0x0f, nonzero: true},
	}, position...)
	if a.fire {
		fields = append(fields, field{quantity: city.FireAlarm, at: at + 3, mask: 0x0f, nonzero: true})
	}
	l := fixed{length: length, is: dingtekData, blank: dingtekBlank(0x01, length), fields: fields, labels: append(dingtekLabels(length, length-4),
		label{at: at + 1, size: 2, name: "angle"}, label{at: at + 3, mask: 0x0f, name: "fire alarm"}, label{at: at + 4, mask: 0xf0, name: "tilt alarm"})}
	if a.tilt {
		l.fields = append(l.fields, field{quantity: city.Tilt, at: at + 4, mask: 0xf0, nonzero: true})
		l.special = dingtekAngle(at + 1)
	}
	return l
}

// dingtekAngle is a sign, 0 for plus, and degrees.
func dingtekAngle(at int) *special {
	return &special{
		carries: []city.Quantity{city.TiltAngle},
		places:  []label{{at: at, size: 2, mask: 0x0fff, quantity: city.TiltAngle}},
		read: func(payload []byte, r *city.Reading) {
			angle := float64(payload[at+1])
			if payload[at]&0x0f != 0 {
				angle = -angle
			}
			put(r, city.TiltAngle, angle)
		},
		write: func(payload []byte, values []city.Value) error {
			angle, _ := find(values, city.TiltAngle)
			if !(math.Abs(math.Round(angle)) <= 0xff) {
				return fmt.Errorf("tilt_angle %v does not fit: the frame holds -255 to 255 °", angle)
			}
			if angle < 0 {
				payload[at] = 1
			}
			payload[at+1] = byte(math.Abs(math.Round(angle)))
			return nil
		},
	}
}

// dingtekBay is a parking sensor: distance, alarms of park and level, of magnet and battery,
// battery in 10 mV, three axes of the magnetic field, and what a model has more.
func dingtekBay(length int, device byte, more ...field) fixed {
	return fixed{length: length, is: dingtekData, blank: dingtekBlank(device, length), labels: append(dingtekLabels(length, length-4),
		label{at: 7, mask: 0x0f, name: "level alarm"}, label{at: 8, mask: 0xf0, name: "magnet alarm"}, label{at: 11, size: 6, name: "magnetic field"},
	), fields: append([]field{
		{quantity: city.Distance, at: 5, form: u16be},
		{quantity: city.Occupied, at: 7, mask: 0xf0, nonzero: true},
		{quantity: city.BatteryLow, at: 8, mask: 0x0f, nonzero: true},
		{quantity: city.BatteryVoltage, at: 9, form: u16be, per: 100},
	}, more...)}
}
