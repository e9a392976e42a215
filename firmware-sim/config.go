package sim

import (
	"errors"
	"fmt"
	"time"
)

// Config says how large the city is, what its devices are like, and what goes wrong.
type Config struct {
	Seed   uint64        `yaml:"seed"`
	Bins   int           `yaml:"bins"`
	Trees  int           `yaml:"trees"`
	Bays   int           `yaml:"bays"`
	Period time.Duration `yaml:"period"` // between two measurements by the device's own clock, 1m to 24h
	// Story gives some devices a role: bins that soon run over or are emptied, a blind and
	// a dying sensor, a broken probe, a device that nobody has entered in the inventory.
	Story bool `yaml:"story"`

	Loss       float64 `yaml:"loss"`       // share of frames that no gateway hears, 0 to 0.5
	Duplicates float64 `yaml:"duplicates"` // share of messages delivered twice, 0 to 0.5

	Devices Devices       `yaml:"devices"`
	Weather WeatherScript `yaml:"weather"`
	Faults  []Fault       `yaml:"faults"`
	Truth   Thresholds    `yaml:"truth"`
}

// Devices says what speaks which version of LoRaWAN. Shares are drawn from the seed; what
// is left joins by 1.0.3.
type Devices struct {
	V104      float64 `yaml:"lorawan_1_0_4"` // share that joins by LoRaWAN 1.0.4
	V11       float64 `yaml:"lorawan_1_1"`   // by 1.1
	ABP       float64 `yaml:"abp"`           // share that never joins
	Confirmed float64 `yaml:"confirmed"`     // share that wants an acknowledgement of each frame
	ADR       bool    `yaml:"adr"`           // the network chooses data rate and power
	// BootWithin is how long it takes until all are switched on, 1s to 24h.
	BootWithin time.Duration `yaml:"boot_within"`
}

// DefaultConfig is the city of the demo: 320 sensors.
func DefaultConfig() Config {
	return Config{
		Seed: 1, Bins: 180, Trees: 80, Bays: 60, Period: time.Hour, Story: true, Loss: 0.02, Duplicates: 0.005,
		Devices: Devices{V104: 0.3, V11: 0.1, ABP: 0.1, Confirmed: 0.02, ADR: true, BootWithin: 25 * time.Minute},
		Truth:   Thresholds{BinOver: []float64{80, 90}, TreeBelow: []float64{30}},
	}
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
	if c.Period < time.Minute || c.Period > 24*time.Hour {
		errs = append(errs, fmt.Errorf("period is %s: want 1m to 24h", c.Period))
	}
	d := c.Devices
	if d.BootWithin < time.Second || d.BootWithin > 24*time.Hour {
		errs = append(errs, fmt.Errorf("devices.boot_within is %s: want 1s to 24h", d.BootWithin))
	}
	for _, s := range []struct {
		key         string
		share, most float64
	}{
		{"loss", c.Loss, 0.5}, {"duplicates", c.Duplicates, 0.5}, {"devices.lorawan_1_0_4", d.V104, 1},
		{"devices.lorawan_1_1", d.V11, 1}, {"devices.abp", d.ABP, 1}, {"devices.confirmed", d.Confirmed, 1},
	} {
		if !(s.share >= 0 && s.share <= s.most) { // written so that NaN fails
			errs = append(errs, fmt.Errorf("%s is %v: want a share from 0 to %v, like 0.02", s.key, s.share, s.most))
		}
	}
	if sum := d.V104 + d.V11 + d.ABP; sum > 1 {
		errs = append(errs, fmt.Errorf("devices: the shares of lorawan_1_0_4, lorawan_1_1 and abp make %v: want 1 at most", sum))
	}
	if err := c.Weather.Validate(); err != nil {
		errs = append(errs, err)
	}
	for i, f := range c.Faults {
		if err := f.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("faults.%d: %w", i, err))
		}
	}
	for _, levels := range []struct {
		key  string
		list []float64
	}{{"truth.bin_over", c.Truth.BinOver}, {"truth.tree_below", c.Truth.TreeBelow}} {
		for _, level := range levels.list {
			if !(level > 0 && level <= 100) {
				errs = append(errs, fmt.Errorf("%s has %v: want levels above 0 to 100 %%", levels.key, level))
			}
		}
	}
	return errors.Join(errs...)
}
