package sim

import (
	"math"
	"math/rand/v2"
	"time"
)

// battery of a sensor: a lithium thionyl chloride cell that is not charged again.
type battery struct {
	capacity float64 // mAh
	used     float64 // mAh
	at       time.Time
}

// Currents of the radio are those of the Semtech SX1276 data sheet, rounded. Capacity is
// that of the LSE01 (8500 mAh, Dragino) for every model. The rest is assumed.
const (
	cellCapacity  = 8500.0 // mAh
	sendCurrent   = 44.0   // mA with the radio at 14 dBm and the processor awake
	listenCurrent = 12.0   // mA
	listenTime    = 60 * time.Millisecond
	measureCharge = 0.02  // mAh for one measurement, sensor and processor
	sleepCurrent  = 0.015 // mA
	selfDischarge = 0.01  // of the capacity in a year
	oldestCell    = 6.0   // years in use when a play begins, at most
	fullVoltage   = 3.6   // V at 20 °C
	emptyVoltage  = 2.8   // V, where devices stop
	usedVoltage   = 3.5   // V, when knee of the charge is left
	knee          = 0.1   // share of the charge: flat before, steep after
	coldDroop     = 0.006 // V for each degree below 20 °C
)

// hoursPerYear of 365.25 days.
const hoursPerYear = 8766

// newBattery that has been in use for some time, at a moment, by a device that speaks
// about hourly.
func newBattery(rng *rand.Rand, at time.Time) battery {
	b := battery{capacity: cellCapacity, at: at}
	hours := between(rng, 0, oldestCell*hoursPerYear)
	perHour := measureCharge + sleepCurrent + cellCapacity*selfDischarge/hoursPerYear + sendCurrent*0.2/3600
	b.used = min(hours*perHour, 0.8*b.capacity)
	return b
}

// left sets the share of the charge that is left, 0 to 1.
func (b *battery) left(share float64) { b.used = b.capacity * (1 - share) }

// rest goes on to t asleep.
func (b *battery) rest(t time.Time) {
	if hours := t.Sub(b.at).Hours(); hours > 0 {
		b.used += hours * (sleepCurrent + b.capacity*selfDischarge/hoursPerYear)
		b.at = t
	}
}

// frame takes what one measurement and one frame need: time on air, and two windows in
// which the device listens.
func (b *battery) frame(airtime time.Duration) {
	b.used += measureCharge + sendCurrent*airtime.Hours() + listenCurrent*2*listenTime.Hours()
}

// charge left, 0 to 100 %.
func (b *battery) charge() float64 { return clamp(100*(1-b.used/b.capacity), 0, 100) }

// empty tells that the device says no more.
func (b *battery) empty() bool { return b.used >= b.capacity }

// volts under load at a temperature in °C: flat for most of the life, lower in the cold.
func (b *battery) volts(celsius float64) float64 {
	share := b.charge() / 100
	volts := mix(usedVoltage, fullVoltage, clamp((share-knee)/(1-knee), 0, 1))
	if share < knee {
		volts = mix(emptyVoltage, usedVoltage, share/knee)
	}
	return math.Max(emptyVoltage-0.3, volts-coldDroop*max(0, 20-celsius))
}
