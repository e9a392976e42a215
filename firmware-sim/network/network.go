// Package network is a small, strict LoRaWAN network server for class A devices in EU868:
// it grants joins, checks every frame as the specification tells it to, answers, and asks
// devices for other data rates, channels and windows. The simulated city is heard through
// it where no real network server is at hand, and it is the judge of the simulated devices:
// what it refuses it refuses with a reason, and counts.
//
// It is written against the specifications, which it cites as the package lorawan does
// (L2 1.0.3, L2 1.0.4, L2 1.1, RP), and not against the devices it judges. It has no clock,
// no chance and no goroutine: frames and times go in, results come out, and the same input
// gives the same output. It does not know how frames travel to it or what is published of
// them. A Server and a Collector are for one goroutine at a time.
package network

import (
	"errors"
	"fmt"
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan"
)

// Config is what the network wants of its devices. The zero value is a network of the
// defaults of the band, with three channels and without adaptive data rate.
type Config struct {
	NetID lorawan.NetID

	RX1DROffset  uint8  // 0 to 5
	RX2DataRate  uint8  // 0 to 7
	RX2Frequency uint32 // Hz; 0 is that of the band
	RXDelay      uint8  // seconds until RX1, 0 to 15; 0 means 1

	// Channels are the channels from number 3 on, in Hz, at most 13. A join-accept
	// carries the first five, NewChannelReq the others, and all to devices that do not
	// join.
	Channels []uint32

	MaxDutyCycle uint8         // of DutyCycleReq, 0 to 15; 0 asks for nothing
	ADR          bool          // choose data rate, power and repeats of devices that allow it
	StatusEvery  time.Duration // how often a device is asked for battery and margin; 0 is never
}

// band is where this network sends and hears.
var band lorawan.EU868

// defaultChannels is how many channels each device has from the start (RP section 2.2.2).
const defaultChannels = 3

// maxChannels is how many channels a device of the band can have (RP section 2.2.2).
const maxChannels = 16

// maxChannelDR is the highest data rate of every channel here: SF7 at 125 kHz.
const maxChannelDR = 5

// Server is the network. Its memory is that of the devices registered and the downlinks
// queued for them: what comes by radio does not make it grow.
type Server struct {
	cfg      Config
	devices  map[city.EUI]*device
	sessions map[lorawan.DevAddr]*session // the first of those that share an address
	granted  uint32                       // sessions so far, from which addresses follow
	counts   [reasons]uint64
}

// New makes a network without devices. It fails for what the band or the specification
// does not allow.
func New(cfg Config) (*Server, error) {
	if cfg.RX2Frequency == 0 {
		cfg.RX2Frequency = lorawan.EU868RX2Frequency
	}
	cfg.RXDelay = max(cfg.RXDelay, 1)
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	cfg.Channels = append([]uint32(nil), cfg.Channels...)
	return &Server{
		cfg:      cfg,
		devices:  map[city.EUI]*device{},
		sessions: map[lorawan.DevAddr]*session{},
	}, nil
}

func (c *Config) check() error {
	switch {
	case c.RX1DROffset > 5:
		return fmt.Errorf("RX1DROffset %d: want 0 to 5", c.RX1DROffset)
	case c.RX2DataRate > lorawan.EU868MaxDR:
		return fmt.Errorf("RX2DataRate %d: want 0 to %d", c.RX2DataRate, lorawan.EU868MaxDR)
	case c.RXDelay > 15:
		return fmt.Errorf("RXDelay %d s: want 0 to 15", c.RXDelay)
	case c.MaxDutyCycle > 15:
		return fmt.Errorf("MaxDutyCycle %d: want 0 to 15", c.MaxDutyCycle)
	case len(c.Channels) > maxChannels-defaultChannels:
		return fmt.Errorf("%d channels: want at most %d beside the first three", len(c.Channels), maxChannels-defaultChannels)
	case c.StatusEvery < 0:
		return errors.New("StatusEvery is negative")
	}
	used := map[uint32]bool{}
	for _, hz := range band.DefaultChannels() {
		used[hz] = true
	}
	for i, hz := range c.Channels {
		if _, ok := band.SubBand(hz); !ok || used[hz] || hz%100 != 0 {
			return fmt.Errorf("channel %d at %d Hz: want a frequency in the band that no other channel has, in steps of 100 Hz", defaultChannels+i, hz)
		}
		used[hz] = true
	}
	if _, ok := band.SubBand(c.RX2Frequency); !ok || c.RX2Frequency%100 != 0 {
		return fmt.Errorf("RX2 at %d Hz: want a frequency in the band, in steps of 100 Hz", c.RX2Frequency)
	}
	return nil
}

// channel gives the frequency that the network wants a channel to have, in Hz; 0 for one it
// does not use.
func (c *Config) channel(i int) uint32 {
	if i < defaultChannels {
		return band.DefaultChannels()[i]
	}
	if i -= defaultChannels; i < len(c.Channels) {
		return c.Channels[i]
	}
	return 0
}

// Counted tells how often each reason has come up, refusals and faults together.
func (s *Server) Counted() map[Reason]uint64 {
	m := map[Reason]uint64{}
	for r, n := range s.counts {
		if n > 0 {
			m[Reason(r)] = n
		}
	}
	return m
}
