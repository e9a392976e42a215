package sim

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"meldefunk/city"
)

func TestFaultsAreData(t *testing.T) {
	var got []Fault
	err := yaml.Unmarshal([]byte(`
- {kind: stuck, share: 0.05, of: bin, from: 2h, for: 30m, every: 24h}
- {kind: noise, devices: [PK-0001, 024f53fffe020001], size: 25, rate: 0.5}
- {kind: gateway_outage, gateways: ["024f53fffe100001"], from: 1h30m, for: 20m}
`), &got)
	if err != nil {
		t.Fatal(err)
	}
	want := []Fault{
		{Kind: FaultStuck, Share: 0.05, Of: city.Bin, From: 2 * time.Hour, For: 30 * time.Minute, Every: 24 * time.Hour},
		{Kind: FaultNoise, Devices: []string{"PK-0001", "024f53fffe020001"}, Size: 25, Rate: 0.5},
		{Kind: FaultGateway, Gateways: []string{"024f53fffe100001"}, From: 90 * time.Minute, For: 20 * time.Minute},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	for _, f := range got {
		if err := f.Validate(); err != nil {
			t.Error(err)
		}
	}
	err = yaml.Unmarshal([]byte("- {kind: gremlins}"), &got)
	if err == nil || !strings.Contains(err.Error(), `unknown fault "gremlins": want one of [stuck noise`) {
		t.Errorf("got %v", err)
	}
}

func TestFaultValidate(t *testing.T) {
	for name, c := range map[string]struct {
		fault Fault
		want  string
	}{
		"no kind":           {Fault{Share: 1}, `kind is "": want one of [stuck`},
		"nobody":            {Fault{Kind: FaultStuck}, "stuck: nobody is struck: give share, or name devices"},
		"no gateway":        {Fault{Kind: FaultGateway}, "gateway_outage: nobody is struck: give share, or name gateways"},
		"share and names":   {Fault{Kind: FaultStuck, Share: 1, Devices: []string{"PK-0001"}}, "both share and names are given"},
		"too large a share": {Fault{Kind: FaultStuck, Share: 1.5}, "share is 1.5: want above 0 to 1"},
		"no share":          {Fault{Kind: FaultStuck, Share: math.NaN()}, "share is NaN"},
		"wrong names":       {Fault{Kind: FaultGateway, Devices: []string{"PK-0001"}}, "devices are named: this strikes gateways"},
		"wrong names too":   {Fault{Kind: FaultLoss, Gateways: []string{"x"}}, "gateways are named: this strikes devices"},
		"of without share":  {Fault{Kind: FaultLoss, Devices: []string{"x"}, Of: city.Bin}, "of is bin: it goes with share"},
		"of gateways":       {Fault{Kind: FaultGPS, Share: 1, Of: city.Bin, Size: 1}, "of is bin: it goes with share"},
		"before":            {Fault{Kind: FaultLoss, Share: 1, From: -time.Second}, "from is -1s: want 0"},
		"backwards":         {Fault{Kind: FaultLoss, Share: 1, For: -time.Second}, "for is -1s: want 0"},
		"overlapping":       {Fault{Kind: FaultLoss, Share: 1, For: time.Hour, Every: time.Hour}, "every is 1h0m0s: want more than for"},
		"often, no length":  {Fault{Kind: FaultLoss, Share: 1, Every: time.Hour}, "every is 1h0m0s: want more than for"},
		"resurrection":      {Fault{Kind: FaultDeath, Share: 1, For: time.Hour}, "for and every are given: there is no way back"},
		"thieves return":    {Fault{Kind: FaultTheft, Share: 1, For: time.Hour, Every: 2 * time.Hour}, "there is no way back"},
		"rate":              {Fault{Kind: FaultLoss, Share: 1, Rate: -0.1}, "rate is -0.1: want above 0 to 1"},
		"no size":           {Fault{Kind: FaultNoise, Share: 1}, "noise: size is 0: want a number other than 0"},
		"endless size":      {Fault{Kind: FaultClock, Share: 1, Size: math.Inf(1)}, "clock: size is +Inf"},
		"negative noise":    {Fault{Kind: FaultNoise, Share: 1, Size: -1}, "noise: size is -1: want more than 0"},
		"once is no copy":   {Fault{Kind: FaultDuplicate, Share: 1, Size: 1}, "duplicate: size is 1: want how often"},
		"half a copy":       {Fault{Kind: FaultDuplicate, Share: 1, Size: 2.5}, "duplicate: size is 2.5: want how often"},
		"size of a death":   {Fault{Kind: FaultDeath, Share: 1, Size: 3}, "battery_death: size is 3: this has none"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.fault.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// planOf a city, which must be possible.
func planOf(t *testing.T, c *City, faults ...Fault) *faultPlan {
	t.Helper()
	for _, f := range faults {
		if err := f.Validate(); err != nil {
			t.Fatal(err)
		}
	}
	p, err := newFaultPlan(faults, 1, noon, c.sites, []string{"024f53fffe100001", "024f53fffe100002", "024f53fffe100003"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestFaultsStrikeWhomTheyShould(t *testing.T) {
	c := New(Config{Seed: 1, Bins: 100, Trees: 40, Bays: 20, Story: true})
	for name, d := range map[string]struct {
		fault    Fault
		devices  int
		gateways int
		kind     city.Kind
	}{
		"five percent of bins": {Fault{Kind: FaultStuck, Share: 0.05, Of: city.Bin}, 6, 0, city.Bin}, // of 101, one is not in the inventory
		"a tree at least":      {Fault{Kind: FaultStuck, Share: 0.001, Of: city.Soil}, 1, 0, city.Soil},
		"everybody":            {Fault{Kind: FaultLoss, Share: 1}, 161, 0, 0},
		"named":                {Fault{Kind: FaultLoss, Devices: []string{"BA-0001", "024f53fffe020001", "BA-0002"}}, 2, 0, city.Soil},
		"half of the gateways": {Fault{Kind: FaultGateway, Share: 0.5}, 0, 2, 0},
		"one gateway":          {Fault{Kind: FaultGateway, Gateways: []string{"024f53fffe100002"}}, 0, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := planOf(t, c, d.fault)
			if len(p.devices) != d.devices || len(p.gateways) != d.gateways {
				t.Errorf("%d devices and %d gateways are struck, want %d and %d", len(p.devices), len(p.gateways), d.devices, d.gateways)
			}
			for _, s := range c.sites {
				if struck := p.devices[s.device.DevEUI]; len(struck) > 1 || len(struck) == 1 && d.kind != 0 && s.asset.Kind != d.kind {
					t.Errorf("%s (%s) is struck %d times", s.asset.ID, s.asset.Kind, len(struck))
				}
			}
			if !reflect.DeepEqual(p, planOf(t, c, d.fault)) {
				t.Error("drawn again, others are struck")
			}
		})
	}
	_, err := newFaultPlan([]Fault{
		{Kind: FaultLoss, Devices: []string{"PK-9999"}}, {Kind: FaultGateway, Gateways: []string{"0000000000000000"}},
	}, 1, noon, c.sites, []string{"024f53fffe100001"})
	want := `fault 2, gateway_outage: gateway "0000000000000000" is not in this city: want one of [024f53fffe100001]
fault 1, loss: "PK-9999" is not in this city: want a DevEUI of 16 hex digits, or an asset like PK-0001`
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestFaultsStrikeWhenTheyShould(t *testing.T) {
	c := New(Config{Seed: 1, Bins: 1})
	id := c.sites[0].device.DevEUI
	gateway := "024f53fffe100001"
	p := planOf(t, c,
		Fault{Kind: FaultSilence, Devices: []string{id.String()}, From: time.Hour, For: 10 * time.Minute, Every: 2 * time.Hour},
		Fault{Kind: FaultDeath, Devices: []string{id.String()}, From: 9 * time.Hour},
		Fault{Kind: FaultGateway, Gateways: []string{gateway}, From: time.Hour, For: time.Hour},
		Fault{Kind: FaultReboot, Devices: []string{id.String()}, From: 30 * time.Minute, For: time.Minute, Every: time.Hour},
		Fault{Kind: FaultReboot, Devices: []string{id.String()}, From: 40 * time.Minute},
	)
	for _, d := range []struct {
		at                     time.Duration
		silence, dead, gateway bool
	}{
		{0, false, false, false},
		{time.Hour - 1, false, false, false},
		{time.Hour, true, false, true},
		{70*time.Minute - 1, true, false, true},
		{70 * time.Minute, false, false, true},
		{2 * time.Hour, false, false, false},
		{3 * time.Hour, true, false, false},
		{5*time.Hour + 9*time.Minute, true, false, false},
		{9 * time.Hour, true, true, false},
		{999 * time.Hour, true, true, false},
	} {
		_, silence := p.device(FaultSilence, id, noon.Add(d.at))
		_, dead := p.device(FaultDeath, id, noon.Add(d.at))
		_, deaf := p.gateway(FaultGateway, gateway, noon.Add(d.at))
		if silence != d.silence || dead != d.dead || deaf != d.gateway {
			t.Errorf("after %s: silent %v, dead %v, gateway deaf %v, want %v, %v, %v", d.at, silence, dead, deaf, d.silence, d.dead, d.gateway)
		}
	}
	var reboots []time.Duration
	at := noon
	for range 4 {
		s, ok := p.next(FaultReboot, id, at)
		if !ok {
			t.Fatal("no reboot")
		}
		at = s.from
		reboots = append(reboots, at.Sub(noon))
	}
	if want := []time.Duration{30 * time.Minute, 40 * time.Minute, 90 * time.Minute, 150 * time.Minute}; !slices.Equal(reboots, want) {
		t.Errorf("reboots after %v, want %v", reboots, want)
	}
	if s, ok := p.next(FaultRejoin, id, noon); ok {
		t.Errorf("a join at %s", s.from)
	}
	if _, now := (*faultPlan)(nil).device(FaultLoss, id, noon); now {
		t.Error("a fault without a plan")
	}
}

func TestRateIsTheShareOfFrames(t *testing.T) {
	c := New(Config{Seed: 1, Bins: 20})
	p := planOf(t, c, Fault{Kind: FaultLoss, Share: 1, Rate: 0.2})
	hit, frames := 0, 0
	for _, s := range c.sites {
		for minute := range 1000 {
			at := noon.Add(time.Duration(minute) * time.Minute)
			strike, _ := p.device(FaultLoss, s.device.DevEUI, at)
			frames++
			if p.hits(strike, s.device.DevEUI, at) {
				hit++
			}
		}
	}
	if share := float64(hit) / float64(frames); math.Abs(share-0.2) > 0.01 {
		t.Errorf("%.3f of the frames, want 0.2", share)
	}
}

func TestWhatPatientsMeasure(t *testing.T) {
	c := New(Config{Seed: 1, Bins: 1, Trees: 1, Bays: 1})
	bin, tree, bay := "PK-0001", "BA-0001", "PP-0001"
	for _, s := range c.sites {
		if s.asset.Kind == city.Bin && !s.unknown {
			bin = s.asset.ID
		}
	}
	const length = 200
	healthy := map[string]func(i int) []city.Value{
		bin: func(i int) []city.Value {
			return []city.Value{{Quantity: city.Distance, Number: 500 - float64(i)}, {Quantity: city.Tilt}}
		},
		tree: func(i int) []city.Value {
			return []city.Value{{Quantity: city.SoilMoisture, Number: 20 - float64(i)/100}, {Quantity: city.SoilTemperature, Number: 12}}
		},
		bay: func(i int) []city.Value { return []city.Value{{Quantity: city.Occupied, Number: float64(i % 2)}} },
	}
	for name, d := range map[string]struct {
		fault Fault
		asset string
		good  func(i int, value, truth float64) bool // after the beginning
		told  int                                    // frames at least
	}{
		"stuck":     {Fault{Kind: FaultStuck}, bin, func(_ int, v, _ float64) bool { return v == 450 }, 150},
		"noise":     {Fault{Kind: FaultNoise, Size: 30}, bin, func(_ int, v, truth float64) bool { return v != truth && math.Abs(v-truth) <= 91 }, 140},
		"drift":     {Fault{Kind: FaultDrift, Size: -24}, bin, func(i int, v, truth float64) bool { return math.Abs(truth-float64(i-50)-v) < 0.02 }, 149},
		"spikes":    {Fault{Kind: FaultSpike, Size: 4000}, bin, func(_ int, v, truth float64) bool { return v == 0 || v == truth+4000 }, 150},
		"theft":     {Fault{Kind: FaultTheft}, bin, func(_ int, v, _ float64) bool { return v >= 300 && v <= 3000 }, 150},
		"dry theft": {Fault{Kind: FaultTheft}, tree, func(_ int, v, _ float64) bool { return v == 0 }, 150},
		"wet spike": {Fault{Kind: FaultSpike, Size: 200}, tree, func(_ int, v, _ float64) bool { return v == 0 || v == 100 }, 150},
		"wrong bay": {Fault{Kind: FaultSpike, Size: 1}, bay, func(_ int, v, truth float64) bool { return v == 1-truth }, 150},
		"bay noise": {Fault{Kind: FaultNoise, Size: 0.5}, bay, func(_ int, v, _ float64) bool { return v == 0 || v == 1 }, 50},
		"seldom":    {Fault{Kind: FaultSpike, Size: 4000, Rate: 0.3}, bin, func(_ int, v, truth float64) bool { return v == 0 || v == truth || v == truth+4000 }, 25},
		"loss":      {Fault{Kind: FaultLoss}, bin, func(_ int, v, truth float64) bool { return v == truth }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			d.fault.Devices, d.fault.From = []string{d.asset}, 50*time.Hour
			p := planOf(t, c, d.fault)
			var id city.EUI
			for _, s := range c.sites {
				if s.asset.ID == d.asset && !s.unknown {
					id = s.device.DevEUI
				}
			}
			patient := p.newPatient(id)
			told := 0
			for i := range length {
				values, kinds := patient.feel(noon.Add(time.Duration(i)*time.Hour), healthy[d.asset](i), nil)
				got, truth := values[0].Number, healthy[d.asset](i)[0].Number
				low, high := values[0].Quantity.Range()
				if got < low || got > high {
					t.Fatalf("hour %d: %v is out of range", i, got)
				}
				if i < 50 && (got != truth || len(kinds) > 0) {
					t.Fatalf("hour %d, before it begins: %v in place of %v, %v", i, got, truth, kinds)
				}
				if i >= 50 && !d.good(i, got, truth) {
					t.Fatalf("hour %d: %v, the truth is %v", i, got, truth)
				}
				told += len(kinds)
				if got != truth && len(kinds) == 0 {
					t.Fatalf("hour %d: %v in place of %v, and nobody says why", i, got, truth)
				}
			}
			if told < d.told {
				t.Errorf("told in %d frames, want %d", told, d.told)
			}
		})
	}
}

// TestASensorSticksAnew: each time with the value of that beginning.
func TestASensorSticksAnew(t *testing.T) {
	c := New(Config{Seed: 1, Trees: 1})
	p := planOf(t, c, Fault{Kind: FaultStuck, Devices: []string{"BA-0001"}, From: time.Hour, For: 2 * time.Hour, Every: 4 * time.Hour})
	patient := p.newPatient(c.sites[0].device.DevEUI)
	var got []float64
	for hour := range 9 {
		values, _ := patient.feel(noon.Add(time.Duration(hour)*time.Hour), []city.Value{{Quantity: city.SoilMoisture, Number: float64(hour)}}, nil)
		got = append(got, values[0].Number)
	}
	if want := []float64{0, 1, 1, 3, 4, 5, 5, 7, 8}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestPatientsThatSayNothing(t *testing.T) {
	c := New(Config{Seed: 1, Trees: 5})
	p := planOf(t, c,
		Fault{Kind: FaultTheft, Devices: []string{"BA-0001"}, From: time.Hour},
		Fault{Kind: FaultDeath, Devices: []string{"BA-0002"}, From: time.Hour},
		Fault{Kind: FaultSilence, Devices: []string{"BA-0003"}, From: time.Hour, For: time.Hour},
		Fault{Kind: FaultBlind, Devices: []string{"BA-0004"}, From: time.Hour},
		Fault{Kind: FaultClock, Devices: []string{"BA-0004"}, From: time.Hour, Size: -90.5},
	)
	silent := func(n int, after time.Duration) bool {
		return p.newPatient(c.sites[n-1].device.DevEUI).silent(noon.Add(after))
	}
	for name, d := range map[string]struct{ got, want bool }{
		"heard while it is carried away": {silent(1, 70*time.Minute), false},
		"gone":                           {silent(1, 80*time.Minute), true},
		"alive":                          {silent(2, time.Hour-1), false},
		"dead":                           {silent(2, time.Hour), true},
		"mute":                           {silent(3, 90*time.Minute), true},
		"not mute any more":              {silent(3, 2*time.Hour), false},
		"healthy":                        {silent(5, 2*time.Hour), false},
		"sees":                           {p.newPatient(c.sites[3].device.DevEUI).blind(noon), false},
		"blind":                          {p.newPatient(c.sites[3].device.DevEUI).blind(noon.Add(time.Hour)), true},
		"healthy ones see":               {p.newPatient(c.sites[4].device.DevEUI).blind(noon.Add(time.Hour)), false},
	} {
		if d.got != d.want {
			t.Errorf("%s: %v", name, d.got)
		}
	}
	if got := p.newPatient(c.sites[3].device.DevEUI).clockError(noon.Add(time.Hour)); got != -90500*time.Millisecond {
		t.Errorf("clock wrong by %s", got)
	}
	if got := p.newPatient(c.sites[4].device.DevEUI).clockError(noon.Add(time.Hour)); got != 0 {
		t.Errorf("healthy clock wrong by %s", got)
	}
}

func TestEpisodesOfDevices(t *testing.T) {
	c := New(Config{Seed: 1, Trees: 3})
	p := planOf(t, c,
		Fault{Kind: FaultBlind, Devices: []string{"BA-0002"}, From: time.Hour, For: 10 * time.Minute, Every: 2 * time.Hour},
		Fault{Kind: FaultDeath, Devices: []string{"BA-0001"}, From: 3 * time.Hour},
		Fault{Kind: FaultLoss, Share: 1},
		Fault{Kind: FaultTheft, Devices: []string{"BA-0003"}, From: 9 * time.Hour}, // after the play
	)
	var got []string
	p.episodes(c.sites, noon.Add(5*time.Hour+5*time.Minute), func(e Episode) {
		to := "the end"
		if !e.To.IsZero() {
			to = e.To.Sub(noon).String()
		}
		got = append(got, fmt.Sprintf("%s %s from %s to %s", e.Asset, e.Kind, e.From.Sub(noon), to))
	})
	want := []string{
		"BA-0001 device_dead from 3h0m0s to the end",
		"BA-0002 device_blind from 1h0m0s to 1h10m0s",
		"BA-0002 device_blind from 3h0m0s to 3h10m0s",
		"BA-0002 device_blind from 5h0m0s to the end",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}
