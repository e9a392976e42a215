package mac

import (
	"time"

	"meldefunk/city/lorawan"
)

// Currents of the SX1276 alone, at 3.3 V: typical values of its data sheet, table 6. What the
// processor and the sensor draw is not in them.
const (
	txAt7dBm  = 20.0 // mA, IDDT, pin RFO
	txAt13dBm = 29.0 // mA, IDDT, pin RFO
	rxCurrent = 10.8 // mA, IDDR, LnaBoost off, band 1
)

// dipole is the gain of a half-wave antenna: of the EIRP that a frame has, the radio gives
// so much less.
const dipole = 2.15 // dB

// TXCurrent gives what the radio draws while it sends with a radiated power (EIRP) in dBm,
// in mA: a straight line through the two figures of the data sheet, and below the lower the
// lower, because the data sheet promises nothing less.
func TXCurrent(dBm int) float64 {
	out := float64(dBm) - dipole
	return max(txAt7dBm, txAt7dBm+(out-7)*(txAt13dBm-txAt7dBm)/6)
}

// listening is how long a receive window stays open if nothing comes: the eight symbols of a
// preamble, in FSK its five bytes and sync word (RP section 2.2.1).
func listening(dr uint8) time.Duration {
	r, ok := eu868{}.DataRate(dr)
	switch {
	case !ok:
		return 0
	case r.BitRate > 0:
		return 8 * 8 * time.Second / time.Duration(r.BitRate)
	}
	return 8 * (time.Second << r.SpreadingFactor) / time.Duration(r.Bandwidth)
}

// downAirtime gives how long a downlink is on air, 0 for lengths and rates there are not.
func downAirtime(dr uint8, size int) time.Duration {
	r, _ := eu868{}.DataRate(dr)
	a, err := r.Airtime(lorawan.Down, size)
	if err != nil {
		return 0
	}
	return a
}

// spend counts a current in mA over a time.
func (d *Device) spend(current float64, over time.Duration) { d.charge += current * over.Seconds() }

// Charge gives what the radio has drawn from the battery since New for sending and
// listening, in mAh. Restarts do not reset it. Sleep is not in it.
func (d *Device) Charge() float64 { return d.charge / 3600 }
