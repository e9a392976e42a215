package decoders

import "meldefunk/city"

// Bosch Parking Lot Sensor TPS110.
// (Layouts as in TheThingsNetwork/lorawan-devices, vendor/bosch; the vendor's documents are
// Parking Lot Sensor Communication Interface V0.23.3 and V0.29.4.)
//
//	port 1   status, on change: 1 byte, bit 0 occupied
//	port 2   heartbeat: bit 0 occupied; from firmware 0.29 a second byte, signed °C
//	port 3   startup: 12 bytes debug, 3 firmware version, 1 reset cause, 1 with bit 0 occupied
//	port 4-6 device information, usage, debug: no measurement

const (
	tps110Status        = 1
	tps110Heartbeat     = 2
	tps110Startup       = 3
	tps110StartupLength = 17
	tps110Occupied      = 0x01
)

func bosch() []model {
	return []model{{
		name: "bosch/tps110",
		kind: city.Parking,
		ports: []port{
			{number: tps110Status, carries: "status", decode: decodeTPS110Status},
			{number: tps110Heartbeat, carries: "heartbeat", decode: decodeTPS110Heartbeat},
			{number: tps110Startup, carries: "startup", decode: decodeTPS110Startup},
			{number: 4, carries: "device information"},
			{number: 5, carries: "usage"},
			{number: 6, carries: "debug"},
		},
		encode: encodeTPS110,
	}}
}

func putOccupied(r *city.Reading, flags byte) {
	put(r, city.Occupied, float64(flags&tps110Occupied))
}

func decodeTPS110Status(payload []byte, r *city.Reading) *city.Rejection {
	if len(payload) != 1 {
		return wrongLength(payload, "1")
	}
	putOccupied(r, payload[0])
	return nil
}

func decodeTPS110Heartbeat(payload []byte, r *city.Reading) *city.Rejection {
	if len(payload) > 2 {
		return wrongLength(payload, "2, or 1 before firmware 0.29")
	}
	putOccupied(r, payload[0])
	if len(payload) == 2 {
		put(r, city.Temperature, float64(int8(payload[1])))
	}
	return nil
}

func decodeTPS110Startup(payload []byte, r *city.Reading) *city.Rejection {
	if len(payload) != tps110StartupLength {
		return wrongLength(payload, "17")
	}
	putOccupied(r, payload[16])
	return nil
}

// encodeTPS110 writes a status frame, or with a temperature a heartbeat of firmware 0.29.
func encodeTPS110(values []city.Value) (uint8, []byte, error) {
	if err := checkValues(values, city.Occupied, city.Temperature); err != nil {
		return 0, nil, err
	}
	occupied, err := field{city.Occupied, 1, 0, 1}.rawOf(values)
	if err != nil {
		return 0, nil, err
	}
	n, ok := find(values, city.Temperature)
	if !ok {
		return tps110Status, []byte{byte(occupied)}, nil
	}
	temperature, err := field{city.Temperature, 1, -0x80, 0x7f}.raw(n)
	if err != nil {
		return 0, nil, err
	}
	return tps110Heartbeat, []byte{byte(occupied), byte(temperature)}, nil
}
