// Package sim is a city of pretend sensors: bins that fill and are emptied, trees that
// dry out and are watered, parking bays that come and go. Its devices are LoRaWAN devices
// on the air, and send the bytes of real ones.
//
//	world   (place, weather)  what is so: fill level, soil water, a car in the bay
//	sensor  (sensor, mac)     when a device measures, what it sends, and how
//	air     (air)             which gateways hear it
//	network (network)         what a network server makes of it, and what it answers
//	message (events)          what the network server publishes
//
// Everything comes from the seed and the moment of the start: the same two give the same
// bytes, on one processor architecture.
//
// It does not know MQTT, payload layouts of healthy devices (an Encoder does), rules,
// tickets, or how fast time runs.
package sim

import (
	"math/rand/v2"

	"meldefunk/city"
)

// City is a simulated city as it stands before anything happens. It does not change and
// may be played any number of times, also at once.
type City struct {
	cfg   Config
	sites []*site
}

// site is one place with its sensor: everything about it that does not change.
type site struct {
	asset   city.Asset
	device  city.Device
	unknown bool // nobody entered the sensor in the inventory
	role    role
	begin   func(p *start) place
	link    link
}

// New lays out a city. cfg must be valid.
func New(cfg Config) *City {
	rng := rand.New(rand.NewPCG(cfg.Seed, 0))
	c := &City{cfg: cfg}
	roles := rng.Perm(cfg.Bins)
	for i := range cfg.Bins {
		s := newBinSite(rng, i+1)
		if cfg.Story && roles[i] < len(binRoles) {
			s.role = binRoles[roles[i]]
		}
		c.sites = append(c.sites, s)
	}
	broken := -1
	if cfg.Trees > 0 {
		broken = rng.IntN(cfg.Trees)
	}
	for i := range cfg.Trees {
		s := newTreeSite(rng, i+1)
		if cfg.Story && i == broken {
			s.role = brokenProbe
		}
		c.sites = append(c.sites, s)
	}
	for i := range cfg.Bays {
		c.sites = append(c.sites, newBaySite(rng, i+1))
	}
	stray := newBinSite(rng, 1)
	stray.device.DevEUI = devEUI(strayNumbers, 1)
	stray.unknown = true
	if cfg.Story {
		c.sites = append(c.sites, stray)
	}
	for _, s := range c.sites {
		s.link = newLink(rng, *s.asset.Position)
	}
	return c
}

// Assets lists what the sensors watch: bins, then trees, then bays.
func (c *City) Assets() []city.Asset {
	assets := make([]city.Asset, 0, len(c.sites))
	for _, s := range c.sites {
		if s.unknown {
			continue
		}
		a := s.asset
		position := *a.Position
		a.Position = &position
		if a.Bin != nil {
			calibration := *a.Bin
			a.Bin = &calibration
		}
		if a.Soil != nil {
			calibration := *a.Soil
			a.Soil = &calibration
		}
		assets = append(assets, a)
	}
	return assets
}

// Devices lists the sensors as the inventory should know them, in the order of Assets.
// With a story one more is on the air and not listed: a bin sensor that was hung up but
// never entered.
func (c *City) Devices() []city.Device {
	devices := make([]city.Device, 0, len(c.sites))
	for _, s := range c.sites {
		if !s.unknown {
			devices = append(devices, s.device)
		}
	}
	return devices
}

// Number ranges of the devices.
const (
	binNumbers   = 0x01
	treeNumbers  = 0x02
	bayNumbers   = 0x03
	strayNumbers = 0x0f
)

// devEUI numbers devices as 02-4f-53-ff-fe-RR-NN-NN. The second lowest bit of the first
// byte marks a locally administered identifier (IEEE 802, U/L bit), so that no real
// device can have it; 4f 53 is "OS". RR is the range, NN NN the number from 1.
func devEUI(numbers byte, n int) city.EUI {
	return city.EUI{0x02, 0x4f, 0x53, 0xff, 0xfe, numbers, byte(n >> 8), byte(n)}
}
