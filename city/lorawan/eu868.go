package lorawan

import (
	"fmt"
	"time"
)

// EU868 is the regional parameters of the band from 863 to 870 MHz (RP section 2.2). It
// holds nothing; its methods are tables. A data rate is a number from 0 to 7 in them: DR0 to
// DR5 are LoRa SF12 to SF7 at 125 kHz, DR6 is SF7 at 250 kHz, DR7 is FSK with 50 kbit/s.
type EU868 struct{}

// The defaults of the band (RP sections 2.2.7 and 2.2.9).
const (
	EU868MaxDR        = 7         // the highest data rate
	EU868RX2Frequency = 869525000 // Hz
	EU868RX2DataRate  = 0         // SF12
	EU868MaxEIRP      = 16        // dBm
)

// The times between the end of an uplink and the windows in which its answer may come
// (RP section 2.2.9). RX2 is always one second after RX1.
const (
	ReceiveDelay1    = 1 * time.Second
	ReceiveDelay2    = 2 * time.Second
	JoinAcceptDelay1 = 5 * time.Second
	JoinAcceptDelay2 = 6 * time.Second
)

// When a device with ADR that hears nothing asks for an answer, and when it lowers its data
// rate, in uplinks (RP section 2.2.9). ADRParamSetupReq changes them in 1.1.
const (
	ADRACKLimit = 64
	ADRACKDelay = 32
)

// DataRate is a modulation and its speed.
type DataRate struct {
	SpreadingFactor uint8  // 7 to 12; 0: FSK
	Bandwidth       uint32 // Hz; 0: FSK
	BitRate         uint32 // bit/s of FSK; 0: LoRa
}

var eu868DataRates = [...]DataRate{
	{SpreadingFactor: 12, Bandwidth: 125e3},
	{SpreadingFactor: 11, Bandwidth: 125e3},
	{SpreadingFactor: 10, Bandwidth: 125e3},
	{SpreadingFactor: 9, Bandwidth: 125e3},
	{SpreadingFactor: 8, Bandwidth: 125e3},
	{SpreadingFactor: 7, Bandwidth: 125e3},
	{SpreadingFactor: 7, Bandwidth: 250e3},
	{BitRate: 50e3},
}

// String gives the name that packet forwarders use, such as SF7BW125, or the bit rate of FSK.
func (d DataRate) String() string {
	if d.BitRate > 0 {
		return fmt.Sprintf("FSK%d", d.BitRate)
	}
	return fmt.Sprintf("SF%dBW%d", d.SpreadingFactor, d.Bandwidth/1000)
}

// Airtime gives how long a frame of size bytes, 0 to 255, is on air with the settings of
// LoRaWAN: preamble of 8 symbols, header, coding rate 4/5, a checksum in uplinks only (FSK
// has one both ways).
func (d DataRate) Airtime(dir Direction, size int) (time.Duration, error) {
	if d.BitRate > 0 {
		if size < 0 || size > MaxFrame {
			return 0, fmt.Errorf("a frame of %d bytes: want 0 to %d", size, MaxFrame)
		}
		return fskAirtime(d.BitRate, size), nil
	}
	return LoRa{SpreadingFactor: d.SpreadingFactor, Bandwidth: d.Bandwidth, CRC: dir == Up}.Airtime(size)
}

// DataRate gives the data rate with a number; false above 7 (RP section 2.2.3).
func (EU868) DataRate(dr uint8) (DataRate, bool) {
	if dr > EU868MaxDR {
		return DataRate{}, false
	}
	return eu868DataRates[dr], true
}

// DataRateOf gives the number of a data rate; false if the band has none like it.
func (EU868) DataRateOf(d DataRate) (uint8, bool) {
	for i, known := range eu868DataRates {
		if known == d {
			return uint8(i), true
		}
	}
	return 0, false
}

// MaxPayload gives the longest payload in bytes at a data rate, FOpts counted with it; 0
// above 7. It is N of RP section 2.2.6 without repeaters: 13 bytes less than the frame.
func (EU868) MaxPayload(dr uint8) int {
	switch {
	case dr <= 2:
		return 51
	case dr == 3:
		return 115
	case dr <= EU868MaxDR:
		return 242
	}
	return 0
}

// TXPower gives the radiated power (EIRP) of a power index in dBm; false above 7
// (RP section 2.2.3).
func (EU868) TXPower(index uint8) (dBm int, ok bool) {
	if index > 7 {
		return 0, false
	}
	return EU868MaxEIRP - 2*int(index), true
}

// DefaultChannels gives the frequencies in Hz of the channels 0 to 2, which every device has
// and joins on, with DR0 to DR5 (RP section 2.2.2).
func (EU868) DefaultChannels() [3]uint32 { return [3]uint32{868100000, 868300000, 868500000} }

// RX1 gives the data rate of the first window after an uplink with data rate dr; it is on
// the channel of the uplink. False for a data rate above 7 or an offset above 5
// (RP section 2.2.7).
func (EU868) RX1(dr, offset uint8) (uint8, bool) {
	if dr > EU868MaxDR || offset > 5 {
		return 0, false
	}
	return dr - min(dr, offset), true
}

// SubBand is a part of the band with a bound on the share of time one may send in it.
type SubBand struct {
	Name     string // as in EN 300 220-2
	From, To uint32 // Hz, To is not part of it
	PerMille int    // of an hour, that a sender may be on air
	MaxERP   int    // dBm; the EIRP of LoRaWAN is 2.15 dB more
}

// EN 300 220-2 V3.2.1, table B.1. What lies between the bands is for alarms.
var eu868SubBands = [...]SubBand{
	{Name: "K", From: 863000000, To: 865000000, PerMille: 1, MaxERP: 14},
	{Name: "L", From: 865000000, To: 868000000, PerMille: 10, MaxERP: 14},
	{Name: "M", From: 868000000, To: 868600000, PerMille: 10, MaxERP: 14},
	{Name: "N", From: 868700000, To: 869200000, PerMille: 1, MaxERP: 14},
	{Name: "P", From: 869400000, To: 869650000, PerMille: 100, MaxERP: 27},
	{Name: "Q", From: 869700000, To: 870000000, PerMille: 10, MaxERP: 14},
}

// SubBand gives the part of the band a frequency in Hz lies in; false where LoRaWAN must not
// send.
func (EU868) SubBand(hz uint32) (SubBand, bool) {
	for _, b := range eu868SubBands {
		if b.From <= hz && hz < b.To {
			return b, true
		}
	}
	return SubBand{}, false
}

// PerHour gives how long a sender may be on air in an hour.
func (b SubBand) PerHour() time.Duration { return time.Hour / 1000 * time.Duration(b.PerMille) }

// Pause gives how long a device stays silent in the sub-band after having been on air for a
// time, so that it keeps to its share in the long run, as LoRaWAN 1.0 prescribed. An hour
// may then still hold one frame too many; who must not exceed PerHour in any hour has to
// count.
func (b SubBand) Pause(onAir time.Duration) time.Duration {
	return onAir * time.Duration(1000-b.PerMille) / time.Duration(b.PerMille)
}
