package lorawan

import (
	"fmt"
	"time"
)

// LoRa is how a LoRa frame is sent. The zero values of the last three are those of LoRaWAN,
// except CRC, which uplinks have and downlinks have not (L2 1.0.4 section 3).
type LoRa struct {
	SpreadingFactor uint8  // 7 to 12
	Bandwidth       uint32 // Hz: 125, 250 or 500 kHz
	CRC             bool   // two bytes of checksum after the payload
	ImplicitHeader  bool   // no header: both sides know length and coding
	CodingRate      uint8  // 1 to 4 for 4/5 to 4/8; 0 means 1
	Preamble        uint16 // symbols; 0 means 8
}

// Airtime gives how long a frame of size bytes, 0 to 255, is on air: the formula of the
// SX1276 data sheet, section 4.1.1.7, and Semtech AN1200.13, exact to the nanosecond. As
// LoRaWAN wants, the low data rate optimisation is on where a symbol takes more than 16 ms.
// It fails for what a modem does not send.
func (l LoRa) Airtime(size int) (time.Duration, error) {
	rate, preamble := int(l.CodingRate), int(l.Preamble)
	if rate == 0 {
		rate = 1
	}
	if preamble == 0 {
		preamble = 8
	}
	sf := int(l.SpreadingFactor)
	switch {
	case sf < 7 || sf > 12:
		return 0, fmt.Errorf("spreading factor %d: want 7 to 12", sf)
	case l.Bandwidth != 125e3 && l.Bandwidth != 250e3 && l.Bandwidth != 500e3:
		return 0, fmt.Errorf("bandwidth %d Hz: want 125000, 250000 or 500000", l.Bandwidth)
	case rate > 4:
		return 0, fmt.Errorf("coding rate %d: want 1 to 4", rate)
	case size < 0 || size > MaxFrame:
		return 0, fmt.Errorf("a frame of %d bytes: want 0 to %d", size, MaxFrame)
	}
	symbol := time.Second << sf / time.Duration(l.Bandwidth)

	// Bits that are left after the first eight symbols, and how many four symbols hold.
	left, hold := 8*size-4*sf+28, 4*sf
	if l.CRC {
		left += 16
	}
	if l.ImplicitHeader {
		left -= 20
	}
	if symbol > 16*time.Millisecond {
		hold -= 8
	}
	symbols := 8
	if left > 0 {
		symbols += (left + hold - 1) / hold * (rate + 4)
	}
	// The preamble has four and a quarter symbols more than its name says.
	return symbol*time.Duration(preamble+symbols) + symbol*17/4, nil
}

// fskAirtime gives how long an FSK frame is on air: preamble of 5 bytes, sync word of 3,
// length of 1, checksum of 2 (RP section 2.2.1).
func fskAirtime(bitRate uint32, size int) time.Duration {
	return time.Duration(5+3+1+size+2) * 8 * time.Second / time.Duration(bitRate)
}
