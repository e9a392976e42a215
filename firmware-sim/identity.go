package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan"
	"meldefunk/firmware-sim/mac"
	"meldefunk/firmware-sim/network"
)

// Registration is a device as a network server has to know it.
type Registration struct {
	Asset string // "" of a device that nobody entered
	Model string
	network.Device
}

// joinEUI of all devices, local as their DevEUIs are.
var joinEUI = city.EUI{0x02, 0x4f, 0x53, 0xff, 0xfe, 0x00, 0x00, 0x01}

// netID is the one for private networks (LoRaWAN NetID assignments, type 0).
var netID = lorawan.NetID{}

// Registrations lists every device on the air, with its keys: what a real network server
// needs to be told before it hears this city.
func (c *City) Registrations() []Registration {
	// A name that is none of this city's strikes nobody; Play says so.
	plan, _ := newFaultPlan(c.cfg.Faults, c.cfg.Seed, time.Time{}, c.sites, gatewayNames())
	all := make([]Registration, len(c.sites))
	for i, s := range c.sites {
		all[i] = Registration{Model: s.device.Model, Device: c.registration(s, i, plan.forgets(s))}
		if !s.unknown {
			all[i].Asset = s.asset.ID
		}
	}
	return all
}

// registration draws what a device is from the seed. One that forgets its counter has to
// be one that never joins.
func (c *City) registration(s *site, number int, forgets bool) network.Device {
	id := s.device.DevEUI
	d := network.Device{DevEUI: id, JoinEUI: joinEUI, Version: lorawan.V1_0_3}
	shares := c.cfg.Devices
	drawn := lot(c.cfg.Seed, lotVersion, euiNumber(id))
	abp := forgets
	switch {
	case drawn < shares.V104:
		d.Version = lorawan.V1_0_4
	case drawn < shares.V104+shares.V11:
		d.Version = lorawan.V1_1
	case drawn < shares.V104+shares.V11+shares.ABP:
		abp = true
	}
	if abp {
		d.Personalised = c.personal(d.Version, id, number)
		d.AllowReset = forgets
		return d
	}
	d.AppKey = c.key("app", id)
	if d.Version == lorawan.V1_1 {
		d.NwkKey = c.key("nwk", id)
	}
	return d
}

// forgets tells whether restarts cost a device its memory.
func (p *faultPlan) forgets(s *site) bool {
	return slices.ContainsFunc(p.devices[s.device.DevEUI], func(number int) bool { return p.faults[number].Kind == FaultCounters })
}

// personal is the session of a device that never joins. Its address is its number with the
// highest bit set of the 25 that a network gives out, so that joins do not give it again.
func (c *City) personal(v lorawan.Version, id city.EUI, number int) *lorawan.Session {
	s := lorawan.Session10(v, netID.DevAddr(1<<24|uint32(number)), c.key("network session", id), c.key("application session", id))
	return &s
}

// key makes a key of the seed. It protects nothing: whoever knows the seed knows it.
func (c *City) key(what string, id city.EUI) lorawan.Key {
	seed := binary.BigEndian.AppendUint64([]byte("meldefunk simulated "+what+" key"), c.cfg.Seed)
	sum := sha256.Sum256(append(seed, id[:]...))
	return lorawan.Key(sum[:16])
}

// firmwares are how devices were built, by memory and first data rate.
func firmwares(adr bool) (all [2][6]mac.Profile) {
	for forgets := range all {
		for rate := range all[forgets] {
			p := &all[forgets][rate]
			*p = mac.Profile{ADR: adr, DataRate: uint8(rate), Memory: mac.KeepsNonces, Queue: buffered}
			if forgets == 1 {
				p.Memory = mac.KeepsNothing
			}
		}
	}
	return all
}

// buffered is how many measurements a device keeps while it cannot send them. Assumed.
const buffered = 8
