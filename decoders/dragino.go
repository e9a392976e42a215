package decoders

import (
	"encoding/binary"

	"meldefunk/city"
)

// Dragino LSE01: 11 bytes on port 2, integers big endian.
// (Dragino LSE01 user manual, section 2.3 "Uplink Payload"; MOD as in
// TheThingsNetwork/lorawan-devices, vendor/dragino/lse01-121.)
//
//	0-1   battery, mV, low 14 bits
//	2-3   auxiliary DS18B20, signed, 0.1 °C; 7FFF without one
//	4-5   soil moisture, 0.01 %
//	6-7   soil temperature, signed, 0.01 °C
//	8-9   conductivity, µS/cm
//	10    firmware 1.2.1 and later: bit 7 MOD, bit 4 sensor flag, bits 3-0 interrupt;
//	      before: interrupt only, in any bit
//
// The manual's own formula for soil below zero, (raw - FFFF) / 100, is off by 0.01: the
// number is two's complement. The sensor flag is not read: example frames carry good values
// with either.
//
// Whether bit 7 is MOD cannot be seen in the frame, so the old firmware is a model of its
// own.

const (
	lse01Port   = 2
	lse01Length = 11
	lse01MOD    = 0x80   // byte 10: soil values are raw
	lse01NoAux  = 0x7fff // no DS18B20 connected, as most devices are used: no fault
	lse01Flags  = 0x10   // byte 10 as encoded: sensor flag set, MOD 0, no interrupt
)

func dragino() []model {
	ports := func(decode func([]byte, *city.Reading) *city.Rejection) []port {
		return []port{
			{number: lse01Port, carries: "measurement", decode: decode},
			{number: 5, carries: "device information"},
		}
	}
	return []model{
		{name: "dragino/lse01", kind: city.Soil, ports: ports(decodeLSE01), encode: encodeLSE01},
		{name: "dragino/lse01-fw1.1", kind: city.Soil, ports: ports(decodeLSE01Old), encode: encodeLSE01},
	}
}

// decodeLSE01 reads frames of firmware 1.2.1 and later.
func decodeLSE01(payload []byte, r *city.Reading) *city.Rejection {
	if len(payload) != lse01Length {
		return wrongLength(payload, "11")
	}
	putLSE01Device(payload, r)
	if payload[10]&lse01MOD != 0 {
		// The probe's raw counts and dielectric constant: they have no unit here, and must
		// not pass for a moisture.
		leaveTail(r, payload[4:10])
		return nil
	}
	putLSE01Soil(payload, r)
	return nil
}

// decodeLSE01Old reads frames of firmware before 1.2.1.
func decodeLSE01Old(payload []byte, r *city.Reading) *city.Rejection {
	if len(payload) != lse01Length {
		return wrongLength(payload, "11")
	}
	putLSE01Device(payload, r)
	putLSE01Soil(payload, r)
	return nil
}

func putLSE01Device(payload []byte, r *city.Reading) {
	battery := binary.BigEndian.Uint16(payload) & 0x3fff
	put(r, city.BatteryVoltage, float64(battery)/1000)
	if aux := binary.BigEndian.Uint16(payload[2:]); aux != lse01NoAux {
		put(r, city.Temperature, float64(int16(aux))/10)
	}
}

func putLSE01Soil(payload []byte, r *city.Reading) {
	put(r, city.SoilMoisture, float64(binary.BigEndian.Uint16(payload[4:]))/100)
	put(r, city.SoilTemperature, float64(int16(binary.BigEndian.Uint16(payload[6:])))/100)
	put(r, city.Conductivity, float64(binary.BigEndian.Uint16(payload[8:])))
}

// encodeLSE01 writes a frame with MOD 0; both firmwares are read the same then. All but the
// auxiliary temperature must be given.
func encodeLSE01(values []city.Value) (uint8, []byte, error) {
	if err := checkValues(values, city.BatteryVoltage, city.Temperature,
		city.SoilMoisture, city.SoilTemperature, city.Conductivity); err != nil {
		return 0, nil, err
	}
	battery, err := field{city.BatteryVoltage, 1000, 0, 0x3fff}.rawOf(values)
	if err != nil {
		return 0, nil, err
	}
	aux := lse01NoAux
	if n, ok := find(values, city.Temperature); ok {
		if aux, err = (field{city.Temperature, 10, -0x8000, lse01NoAux - 1}).raw(n); err != nil {
			return 0, nil, err
		}
	}
	moisture, err := field{city.SoilMoisture, 100, 0, 0xffff}.rawOf(values)
	if err != nil {
		return 0, nil, err
	}
	temperature, err := field{city.SoilTemperature, 100, -0x8000, 0x7fff}.rawOf(values)
	if err != nil {
		return 0, nil, err
	}
	conductivity, err := field{city.Conductivity, 1, 0, 0xffff}.rawOf(values)
	if err != nil {
		return 0, nil, err
	}
	payload := make([]byte, lse01Length)
	binary.BigEndian.PutUint16(payload[0:], uint16(battery))
	binary.BigEndian.PutUint16(payload[2:], uint16(aux))
	binary.BigEndian.PutUint16(payload[4:], uint16(moisture))
	binary.BigEndian.PutUint16(payload[6:], uint16(temperature))
	binary.BigEndian.PutUint16(payload[8:], uint16(conductivity))
	payload[10] = lse01Flags
	return lse01Port, payload, nil
}
