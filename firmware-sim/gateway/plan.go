package gateway

import (
	"slices"
	"time"

	"meldefunk/city/lorawan"
)

// Sending is a frame as a gateway sends it.
type Sending struct {
	Emission
	Start   time.Time
	Airtime time.Duration
}

// The times and bounds of the queue of a packet forwarder (jitqueue.c of Lora-net/sx1302_hal).
const (
	programTime = 51500 * time.Microsecond // from the moment a frame is programmed until it is on air
	margin      = time.Millisecond         // between two frames, and before programTime
	maxAdvance  = 1024 * time.Second
	soon        = time.Second // until a frame is sent that is to be sent at once
	maxPlanned  = 32
)

// The band of the transmitter, in Hz, and its power, in dBm (global_conf.json.sx1250.EU868
// of Lora-net/sx1302_hal).
const (
	minFrequency = 863000000
	maxFrequency = 870000000
	maxPower     = 27
)

// plan is what a gateway has promised to send.
type plan struct {
	booted time.Time
	gps    bool
	busy   []span
}

type span struct{ from, to time.Time }

// counter is the concentrator's count of microseconds, which overflows every 72 minutes.
func (p *plan) counter(t time.Time) uint32 { return uint32(t.Sub(p.booted).Microseconds()) }

// timeOf gives the time at which the counter has a value, the nearest to now.
func (p *plan) timeOf(count uint32, now time.Time) time.Time {
	return now.Truncate(time.Microsecond).Add(time.Duration(int32(count-p.counter(now))) * time.Microsecond)
}

// add plans an emission, or says why it cannot be. Power beyond the transmitter's is cut.
func (p *plan) add(e Emission, now time.Time) (Sending, Refusal) {
	if e.Frequency < minFrequency || e.Frequency > maxFrequency {
		return Sending{}, TXFrequency
	}
	airtime, err := airtime(e)
	if err != nil {
		return Sending{}, TXFrequency // a modulation this concentrator has not
	}
	e.Power = min(e.Power, maxPower)
	s := Sending{Emission: e, Airtime: airtime}
	switch e.When {
	case AtOnce:
		s.Start = now.Add(soon)
	case AtGPSTime:
		if !p.gps {
			return Sending{}, GPSUnlocked
		}
		s.Start = e.At
	default:
		s.Start = p.timeOf(e.Timestamp, now)
	}
	switch ahead := s.Start.Sub(now); {
	case ahead <= programTime+margin:
		return Sending{}, TooLate
	case ahead > maxAdvance:
		return Sending{}, TooEarly
	}
	p.busy = slices.DeleteFunc(p.busy, func(b span) bool { return b.to.Before(now) })
	mine := span{s.Start.Add(-programTime - margin), s.Start.Add(airtime)}
	if len(p.busy) >= maxPlanned || slices.ContainsFunc(p.busy, mine.meets) {
		return Sending{}, CollisionPacket
	}
	p.busy = append(p.busy, mine)
	return s, None
}

func (a span) meets(b span) bool { return !a.to.Before(b.from) && !b.to.Before(a.from) }

func airtime(e Emission) (time.Duration, error) {
	if e.Rate.BitRate > 0 {
		return e.Rate.Airtime(lorawan.Down, len(e.Frame))
	}
	return lorawan.LoRa{SpreadingFactor: e.Rate.SpreadingFactor, Bandwidth: e.Rate.Bandwidth, CRC: e.CRC}.Airtime(len(e.Frame))
}
