// Package sim is a city of pretend sensors: bins that fill and are emptied, trees that
// dry out and are watered, parking bays that come and go. It tells of them in the bytes
// of real devices, wrapped as ChirpStack v4 publishes them, for the demo, for tests and
// for the load generator.
//
//	world  (place, weather)   what is so: fill level, soil water, a car in the bay
//	sensor (device, radio)    when a device speaks, what it sends, who hears it
//	event  (chirpstack)       what the network server makes of it
//
// Everything comes from the seed and the moment of the start: the same two give the same
// bytes, on one processor architecture.
//
// It does not know MQTT, payload layouts of healthy devices (an Encoder does), rules,
// tickets, or how fast time runs. Radio encryption and joins are told of, not computed.
package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"meldefunk/city"
)

// Config says how large the city is and how bad its radio.
type Config struct {
	Seed       uint64  `yaml:"seed"`
	Bins       int     `yaml:"bins"`
	Trees      int     `yaml:"trees"`
	Bays       int     `yaml:"bays"`
	Loss       float64 `yaml:"loss"`       // share of frames that no gateway hears, 0 to 0.5
	Duplicates float64 `yaml:"duplicates"` // share of messages delivered twice, 0 to 0.5
}

// DefaultConfig is the city of the demo: 320 sensors.
func DefaultConfig() Config {
	return Config{Seed: 1, Bins: 180, Trees: 80, Bays: 60, Loss: 0.02, Duplicates: 0.005}
}

// maxPlaces of one kind: what the numbering of devices has room for.
const maxPlaces = 0xffff

// Validate returns every problem, joined.
func (c Config) Validate() error {
	var errs []error
	for _, n := range []struct {
		key   string
		count int
	}{{"bins", c.Bins}, {"trees", c.Trees}, {"bays", c.Bays}} {
		if n.count < 0 || n.count > maxPlaces {
			errs = append(errs, fmt.Errorf("%s is %d: want 0 to %d", n.key, n.count, maxPlaces))
		}
	}
	if c.Bins == 0 && c.Trees == 0 && c.Bays == 0 {
		errs = append(errs, errors.New("bins, trees and bays are all 0: want at least one sensor"))
	}
	for _, s := range []struct {
		key   string
		share float64
	}{{"loss", c.Loss}, {"duplicates", c.Duplicates}} {
		if !(s.share >= 0 && s.share <= 0.5) { // written so that NaN fails
			errs = append(errs, fmt.Errorf("%s is %v: want a share from 0 to 0.5, like 0.02", s.key, s.share))
		}
	}
	return errors.Join(errs...)
}

// City is a simulated city as it stands before anything happens. It does not change and
// may be played any number of times, also at once.
type City struct {
	cfg     Config
	weather weather
	sites   []*site
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
	c := &City{cfg: cfg, weather: weather{seed: cfg.Seed}}
	roles := rng.Perm(cfg.Bins)
	for i := range cfg.Bins {
		s := newBinSite(rng, i+1)
		if roles[i] < len(binRoles) {
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
		if i == broken {
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
	c.sites = append(c.sites, stray)
	for _, s := range c.sites {
		s.link = newLink(rng, *s.asset.Position)
	}
	return c
}

// Assets lists what the sensors watch: bins, then trees, then bays.
func (c *City) Assets() []city.Asset {
	assets := make([]city.Asset, 0, len(c.sites))
	for _, s := range c.sites {
		if !s.unknown {
			a := s.asset
			position := *a.Position
			a.Position = &position
			if a.Bin != nil {
				calibration := *a.Bin
				a.Bin = &calibration
			}
			assets = append(assets, a)
		}
	}
	return assets
}

// Devices lists the sensors as the inventory should know them, in the order of Assets.
// One more is on the air and not listed: a bin sensor that was hung up but never entered.
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
