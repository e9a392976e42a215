package sim

import (
	"reflect"
	"strings"
	"testing"

	"meldefunk/city"
)

func TestCityIsWellFormed(t *testing.T) {
	c := New(DefaultConfig())
	assets, devices := c.Assets(), c.Devices()
	if len(assets) != 320 || len(devices) != 320 {
		t.Fatalf("%d assets, %d devices, want 320 each", len(assets), len(devices))
	}
	models := map[city.Kind]string{city.Bin: binModel, city.Soil: treeModel, city.Parking: bayModel}
	ids, euis, kinds, tours := map[string]bool{}, map[city.EUI]bool{}, map[city.Kind]int{}, map[string]bool{}
	for i, a := range assets {
		d := devices[i]
		if ids[a.ID] || euis[d.DevEUI] {
			t.Errorf("%s or %s twice", a.ID, d.DevEUI)
		}
		ids[a.ID], euis[d.DevEUI] = true, true
		kinds[a.Kind]++
		tours[a.Tour] = true
		if d.Asset != a.ID || d.Model != models[a.Kind] || d.DevEUI[0]&3 != 2 {
			t.Errorf("asset %+v has device %+v", a, d)
		}
		if a.Name == "" || a.District == "" || a.Tour == "" || !strings.HasSuffix(a.Name, a.Address) {
			t.Errorf("incomplete: %+v", a)
		}
		// The city lies within these bounds.
		if p := a.Position; p == nil || p.Lat < 52.19 || p.Lat > 52.35 || p.Lon < 7.88 || p.Lon > 8.18 {
			t.Errorf("%s is not in Osnabrück: %+v", a.ID, p)
		}
		if (a.Bin != nil) != (a.Kind == city.Bin) {
			t.Errorf("%s: calibration %+v", a.ID, a.Bin)
		}
		if b := a.Bin; b != nil && (b.Full-b.Offset < 30 || b.Empty-b.Full < 500) {
			t.Errorf("%s: no room for the sensor: %+v", a.ID, b)
		}
	}
	if kinds[city.Bin] != 180 || kinds[city.Soil] != 80 || kinds[city.Parking] != 60 || len(tours) < 10 {
		t.Errorf("kinds %v, %d tours", kinds, len(tours))
	}
}

func TestCallersMayKeepWhatTheyAreGiven(t *testing.T) {
	c := New(DefaultConfig())
	first := c.Assets()
	first[0].Position.Lat, first[0].Bin.Empty = 0, 0
	if again := c.Assets(); again[0].Position.Lat == 0 || again[0].Bin.Empty == 0 {
		t.Error("changing a given asset changed the city")
	}
	if !reflect.DeepEqual(New(DefaultConfig()).Assets(), c.Assets()) {
		t.Error("the same seed gives another city")
	}
}

func TestConfigValidate(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Errorf("the default: %v", err)
	}
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"negative":     {func(c *Config) { c.Bins = -1 }, "bins is -1: want 0 to 65535"},
		"too many":     {func(c *Config) { c.Bays = 70_000 }, "bays is 70000: want 0 to 65535"},
		"nothing":      {func(c *Config) { c.Bins, c.Trees, c.Bays = 0, 0, 0 }, "bins, trees and bays are all 0: want at least one sensor"},
		"all lost":     {func(c *Config) { c.Loss = 1 }, "loss is 1: want a share from 0 to 0.5, like 0.02"},
		"not a number": {func(c *Config) { c.Duplicates = nan() }, "duplicates is NaN: want a share from 0 to 0.5, like 0.02"},
		"no period":    {func(c *Config) { c.Period = 0 }, "period is 0s: want 1m to 24h"},
		"no share":     {func(c *Config) { c.Devices.V11 = -0.1 }, "devices.lorawan_1_1 is -0.1: want a share from 0 to 1, like 0.02"},
		"more than all": {func(c *Config) { c.Devices.V104, c.Devices.ABP = 0.9, 0.2 },
			"devices: the shares of lorawan_1_0_4, lorawan_1_1 and abp make 1.2: want 1 at most"},
		"weather":  {func(c *Config) { c.Weather.RainMM = 5 }, "weather.dry_days is missing: dry_from and rain_mm do nothing without it"},
		"fault":    {func(c *Config) { c.Faults = []Fault{{Kind: FaultLoss, Share: 1}, {Kind: FaultNoise, Share: 1}} }, "faults.1: noise: size is 0: want a number other than 0, to 100000"},
		"no level": {func(c *Config) { c.Truth.TreeBelow = []float64{30, 0} }, "truth.tree_below has 0: want levels above 0 to 100 %"},
		"two at once": {func(c *Config) { c.Trees, c.Loss = -2, -1 },
			"trees is -2: want 0 to 65535\nloss is -1: want a share from 0 to 0.5, like 0.02"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := DefaultConfig()
			c.change(&cfg)
			if err := cfg.Validate(); err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func nan() float64 { zero := 0.0; return zero / zero }
