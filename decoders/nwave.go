package decoders

import (
	"fmt"

	"meldefunk/city"
)

// Nwave parking sensors NPS310 and NPS405 and counter NCC405.
// (TheThingsNetwork/lorawan-devices, vendor/nwave, of 2024; older versions had the occupancy
// in bit 7.)
//
//	port 1   state: bit 0 occupied; NPS405: bits 7-1 how long the state before lasted
//	port 2   heartbeat: bit 0, bits 7-1 hardware errors; then battery, temperature
//	port 3   startup: firmware, reset cause, bit 0
//	port 10  a user's tag: state as on port 1 where occupied
//
// The vendor's decoder counts the occupancy among the hardware errors. Tags are people's and
// are not read.
func nwave() []model {
	occupied := field{quantity: city.Occupied, mask: 0x01}
	unhealthy := []trouble{{at: 0, mask: 0xfe, fault: city.FaultDevice}}
	battery := func(at int) field {
		return field{quantity: city.BatteryVoltage, at: at, times: 4, plus: 2500, per: 1000}
	}
	tag := []label{{at: 1, size: 4, name: "tag of a person"}}
	firmware := []label{{size: 3, name: "firmware"}, {at: 3, name: "reset cause"}}
	startup := port{number: 3, carries: "startup", layout: frames{
		{length: 5, fields: []field{{quantity: city.Occupied, at: 4, mask: 0x01}}, labels: firmware},
	}}
	heartbeat := port{number: 2, carries: "heartbeat", layout: frames{
		{length: 3, longer: true, troubles: unhealthy, fields: []field{
			occupied, battery(1), {quantity: city.Temperature, at: 2, form: s8, plus: 20, per: 2},
		}},
		{length: 1, fields: []field{occupied}, troubles: unhealthy},
	}}
	return []model{
		{name: "nwave/nps310", kind: city.Parking, ports: []port{
			{number: 1, carries: "state", layout: frames{{length: 1, fields: []field{occupied}}}},
			heartbeat,
			startup,
			{number: 6, carries: "debug"},
		}},
		{name: "nwave/nps405", kind: city.Parking, ports: []port{
			{number: 1, carries: "state", layout: frames{{length: 1, fields: []field{occupied}, special: nwaveDuration()}}},
			heartbeat,
			startup,
			{number: 6, carries: "debug"},
			{number: 10, carries: "tag", layout: frames{
				{length: 5, is: func(payload []byte) bool { return payload[0]&0x01 != 0 }, blank: []byte{0: 1}, fields: []field{occupied}, special: nwaveDuration(), labels: tag},
				{length: 5, labels: append([]label{{name: "state"}}, tag...)},
			}},
		}},
		{name: "nwave/ncc405", kind: city.People, ports: []port{
			{number: 1, carries: "count", layout: frames{{length: 2, fields: []field{{quantity: city.Count, form: u16be}}}}},
			{number: 2, carries: "heartbeat", layout: frames{
				{length: 3, longer: true, fields: []field{battery(1)}, troubles: []trouble{{at: 0, mask: 0xf8, fault: city.FaultDevice}}},
			}},
			{number: 3, carries: "startup"},
			{number: 6, carries: "debug"},
		}},
	}
}

// nwaveMinutes is what the compressed duration c means; 127 is 11 hours and more.
func nwaveMinutes(c int) int {
	switch {
	case c < 90:
		return c
	case c < 120:
		return 90 + (c-90)*5
	case c < 127:
		return 240 + (c-120)*60
	}
	return 660
}

func nwaveDuration() *special {
	return &special{
		carries: []city.Quantity{city.PreviousDuration},
		places:  []label{{mask: 0xfe, quantity: city.PreviousDuration}},
		read: func(payload []byte, r *city.Reading) {
			put(r, city.PreviousDuration, float64(nwaveMinutes(int(payload[0]>>1))))
		},
		write: func(payload []byte, values []city.Value) error {
			minutes, ok := find(values, city.PreviousDuration)
			if !ok {
				return fmt.Errorf("%s is missing: it is in every frame", city.PreviousDuration)
			}
			if !(minutes >= 0) {
				return fmt.Errorf("previous_duration %v does not fit: want 0 or more", minutes)
			}
			c := 127
			for c > 0 && float64(nwaveMinutes(c)) > minutes {
				c--
			}
			payload[0] |= byte(c << 1)
			return nil
		},
	}
}
