// Package lorawan takes LoRaWAN radio frames apart and puts them together: bytes and
// fields, keys, integrity codes and encryption, MAC commands, and the arithmetic of the
// air in Europe (data rates, duty cycle, airtime). It serves the simulated devices, the
// intake of raw frames, and whoever keeps root keys.
//
// It holds no state and starts nothing: counters, nonces, timing, and what to do with a
// frame are the business of its callers. It does not know network servers.
//
// Sections are cited from four documents of the LoRa Alliance: the LoRaWAN Link Layer
// specifications 1.0.3 (L2 1.0.3), 1.0.4 (L2 1.0.4) and 1.1 (L2 1.1), and the Regional
// Parameters 1.0.3 revision A (RP).
package lorawan

// Version is the version of the link layer a session speaks.
type Version uint8

// The versions this package knows.
const (
	V1_0_3 Version = iota + 1
	V1_0_4
	V1_1
)

// String gives the number as the specifications print it, such as 1.0.3.
func (v Version) String() string {
	switch v {
	case V1_0_3:
		return "1.0.3"
	case V1_0_4:
		return "1.0.4"
	case V1_1:
		return "1.1"
	}
	return "unknown"
}

// Direction is the way a frame travels. Up is from the device. The values are those of the
// field Dir in L2 1.0.4 section 4.3.3.
type Direction uint8

// The directions.
const (
	Up Direction = iota
	Down
)

// String gives "up" or "down".
func (d Direction) String() string {
	if d == Up {
		return "up"
	}
	return "down"
}

// Bounds which callers need.
const (
	// MaxFrame is the longest PHYPayload in bytes: the length field of a LoRa header is
	// one byte.
	MaxFrame = 255
	// MaxFOpts is the most bytes of MAC commands that fit beside a payload
	// (L2 1.0.4 section 4.3.1.6).
	MaxFOpts = 15
	// MaxFCntGap is how far a counter may jump before a frame is refused in 1.0.3
	// (L2 1.0.3 section 4.3.1.5, RP section 2.2.9). 1.0.4 and 1.1 know no such bound.
	MaxFCntGap = 16384
)
