package sim

import (
	"encoding/binary"
	"fmt"
	"math"

	"meldefunk/city"
)

// tinyEncoder writes the three layouts of the city and nothing else; buf is reused.
type tinyEncoder struct{ buf []byte }

func (e *tinyEncoder) Encode(model string, values []city.Value) (uint8, []byte, error) {
	get := func(q city.Quantity) (float64, bool) {
		for _, v := range values {
			if v.Quantity == q {
				low, high := q.Range()
				return v.Number, v.Number >= low && v.Number <= high
			}
		}
		return 0, false
	}
	need := func(q city.Quantity, scale float64) uint16 {
		n, ok := get(q)
		if !ok {
			panic(fmt.Sprintf("%s: no plausible %s in %v", model, q, values))
		}
		return uint16(int16(math.Round(n * scale)))
	}
	b := e.buf[:0]
	var port uint8
	switch model {
	case binModel:
		port = 85
		b = append(b, 0x01, 0x75, byte(need(city.BatteryLevel, 1)), 0x03, 0x82)
		b = binary.LittleEndian.AppendUint16(b, need(city.Distance, 1))
		b = append(b, 0x04, 0x00, byte(need(city.Tilt, 1)))
	case treeModel:
		port = 2
		b = binary.BigEndian.AppendUint16(b, need(city.BatteryVoltage, 1000))
		b = append(b, 0x7f, 0xff)
		b = binary.BigEndian.AppendUint16(b, need(city.SoilMoisture, 100))
		b = binary.BigEndian.AppendUint16(b, need(city.SoilTemperature, 100))
		b = binary.BigEndian.AppendUint16(b, need(city.Conductivity, 1))
		b = append(b, 0x10)
	case bayModel:
		port = 1
		b = append(b, byte(need(city.Occupied, 1)))
		if celsius, ok := get(city.Temperature); ok {
			port = 2
			b = append(b, byte(int8(celsius)))
		}
	default:
		return 0, nil, fmt.Errorf("unknown model %q", model)
	}
	e.buf = b
	return port, b, nil
}
