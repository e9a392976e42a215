package sim

import "math"

// Frames of devices that have a fault. They are written here because an Encoder takes
// measured values only, and a fault is none. The layouts are the vendors'; which values
// their registers show in these faults is not documented by them. All bits set is what a
// register shows that nobody answered for, and lies outside every range in the manuals.

// blindFrame is an EM310-UDL (FPort 85: battery, distance, position) whose echo is lost.
func blindFrame(charge float64) (port uint8, payload []byte) {
	return 85, []byte{0x01, 0x75, byte(math.Round(charge)), 0x03, 0x82, 0xff, 0xff, 0x04, 0x00, 0x00}
}

// brokenProbeFrame is an LSE01 (FPort 2: battery, auxiliary temperature not connected,
// moisture, soil temperature, conductivity, flags) whose probe cable is cut. The soil
// temperature shows the largest number rather than all bits, which would read -0.01 °C.
func brokenProbeFrame(volts float64) (port uint8, payload []byte) {
	mV := uint16(math.Round(volts * 1000))
	return 2, []byte{byte(mV >> 8), byte(mV), 0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0x00}
}
