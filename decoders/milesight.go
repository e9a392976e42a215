package decoders

import (
	"encoding/binary"

	"meldefunk/city"
)

// Milesight sensors send one TLV format: [channel][type][data] repeated, integers little
// endian, port 85. What differs is which channels a model has.
// (Milesight user guides, "Device Payload"; Milesight-IoT/SensorDecoders, em-series.)

const milesightPort = 85

func milesight() []model {
	return []model{{
		name: "milesight/em310-udl",
		kind: city.Bin,
		ports: []port{
			{number: milesightPort, carries: "telemetry", decode: tlv(
				channel{id: 0x01, kind: 0x75, size: 1, read: readBatteryLevel},
				channel{id: 0x03, kind: 0x82, size: 2, read: readDistance},
				channel{id: 0x04, kind: 0x00, size: 1, read: readTilt},
			)},
		},
		encode: encodeEM310,
	}}
}

// channel is one TLV item: how long its data is and what it says.
type channel struct {
	id, kind byte
	size     int                                // bytes of data
	read     func(data []byte, r *city.Reading) // nil: an attribute, not a measurement
}

// attributes are what every model tells about itself after joining.
func attributes() []channel {
	return []channel{
		{id: 0xff, kind: 0x01, size: 1}, // protocol version
		{id: 0xff, kind: 0x09, size: 2}, // hardware version
		{id: 0xff, kind: 0x0a, size: 2}, // firmware version
		{id: 0xff, kind: 0x0b, size: 1}, // power on
		{id: 0xff, kind: 0x0f, size: 1}, // LoRaWAN class
		{id: 0xff, kind: 0x16, size: 8}, // serial number
		{id: 0xff, kind: 0xfe, size: 1}, // reset
		{id: 0xff, kind: 0xff, size: 2}, // thing specification version
	}
}

// tlv makes the decoder of a model with these channels. From the first item that is
// unknown or cut short nothing more can be read, because its length is not known: what came
// before is kept, the rest is the tail. A frame that begins with such an item is rejected.
func tlv(channels ...channel) func(payload []byte, r *city.Reading) *city.Rejection {
	channels = append(channels, attributes()...)
	return func(payload []byte, r *city.Reading) *city.Rejection {
		for at := 0; at < len(payload); {
			rest := payload[at:]
			c := findChannel(channels, rest)
			if c == nil || len(rest) < 2+c.size {
				if at == 0 {
					return badStart(c, payload)
				}
				leaveTail(r, rest)
				return nil
			}
			if c.read != nil {
				c.read(rest[2:2+c.size], r)
			}
			at += 2 + c.size
		}
		return nil
	}
}

// findChannel gives the channel an item belongs to, nil for none.
func findChannel(channels []channel, item []byte) *channel {
	if len(item) < 2 {
		return nil
	}
	for i := range channels {
		if channels[i].id == item[0] && channels[i].kind == item[1] {
			return &channels[i]
		}
	}
	return nil
}

// badStart says why not even the first item could be read; c is its channel, where known.
func badStart(c *channel, payload []byte) *city.Rejection {
	switch {
	case len(payload) < 2:
		return wrongLength(payload, "at least 3: channel, type, data")
	case c == nil:
		return city.Reject(city.ReasonUndecodable, "byte 0: unknown channel %02x type %02x (payload %s)",
			payload[0], payload[1], cutHex(payload))
	}
	return city.Reject(city.ReasonUndecodable, "byte 2: channel %02x type %02x has %d bytes of data, want %d (payload %s)",
		payload[0], payload[1], len(payload)-2, c.size, cutHex(payload))
}

func readBatteryLevel(data []byte, r *city.Reading) {
	put(r, city.BatteryLevel, float64(data[0]))
}

// Distances that are none. The EM310-UDL measures 30 to 4500 mm; it sends 30 for anything
// nearer, so too_close cannot be told from 30 mm, and 0 for anything farther (EM310-UDL user
// guide). The two others are Milesight's codes for "collection failed" and "outside the
// measuring range" on every 16-bit channel (EM500 series user guides); the guide of the
// EM310-UDL does not name them, but neither is a distance that it can measure.
const (
	distanceNone       = 0x0000
	distanceFailed     = 0xffff
	distanceOutOfRange = 0xfffd
)

func readDistance(data []byte, r *city.Reading) {
	switch mm := binary.LittleEndian.Uint16(data); mm {
	case distanceNone, distanceOutOfRange:
		fault(r, city.FaultNoEcho)
	case distanceFailed:
		fault(r, city.FaultProbe)
	default:
		put(r, city.Distance, float64(mm))
	}
}

// readTilt: 0 upright, 1 tilted.
func readTilt(data []byte, r *city.Reading) {
	put(r, city.Tilt, float64(data[0]))
}

// encodeEM310 writes the items in the order the device sends them, those not given left
// out. Distance 0 plays a sensor without echo, 65535 one that has failed.
func encodeEM310(values []city.Value) (uint8, []byte, error) {
	if err := checkValues(values, city.BatteryLevel, city.Distance, city.Tilt); err != nil {
		return 0, nil, err
	}
	payload := make([]byte, 0, 10)
	if n, ok := find(values, city.BatteryLevel); ok {
		raw, err := field{city.BatteryLevel, 1, 0, 0xff}.raw(n)
		if err != nil {
			return 0, nil, err
		}
		payload = append(payload, 0x01, 0x75, byte(raw))
	}
	if n, ok := find(values, city.Distance); ok {
		raw, err := field{city.Distance, 1, 0, 0xffff}.raw(n)
		if err != nil {
			return 0, nil, err
		}
		payload = binary.LittleEndian.AppendUint16(append(payload, 0x03, 0x82), uint16(raw))
	}
	if n, ok := find(values, city.Tilt); ok {
		raw, err := field{city.Tilt, 1, 0, 1}.raw(n)
		if err != nil {
			return 0, nil, err
		}
		payload = append(payload, 0x04, 0x00, byte(raw))
	}
	return milesightPort, payload, nil
}
