package rules

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"meldefunk/city"
)

// fleet is some days of bins below two gateways, one of which fails for a while; with late
// readings.
func fleet(seed uint64) (assets []*city.Asset, heard []city.Reading) {
	random := rand.New(rand.NewPCG(seed, 1))
	for i := range 14 {
		a := &city.Asset{ID: fmt.Sprintf("PK-%d", i), Kind: city.Bin, Tour: fmt.Sprint(i % 3)}
		assets = append(assets, a)
		level := 100 * random.Float64()
		for n := range 150 {
			at := noon.Add(time.Duration(n) * time.Hour).Add(time.Duration(i) * time.Minute)
			gateway := fmt.Sprint("gw-", i%2)
			if level += 12 * random.Float64(); level > 100 {
				level = 5
			}
			if random.Float64() < 0.1 || i%2 == 0 && n > 40 && n < 90 {
				continue
			}
			r := *reading(city.Bin, 0, city.Value{Quantity: city.FillLevel, Number: level})
			r.Asset, r.DevEUI, r.Epoch, r.FCnt, r.Time.At, r.Received = a.ID, euiOf(a.ID), 1, uint32(n), at, at
			r.Radio.Gateway = gateway
			if random.Float64() < 0.05 {
				r.Received = at.Add(time.Duration(random.IntN(300)) * time.Minute)
			}
			heard = append(heard, r)
		}
	}
	slices.SortStableFunc(heard, func(a, b city.Reading) int { return a.Received.Compare(b.Received) })
	return assets, heard
}

// playIn plays a fleet in strides and writes down what was said.
func playIn(t *testing.T, set *Set, assets []*city.Asset, heard []city.Reading, stride int, restart bool) []string {
	t.Helper()
	p := NewPlay(set, nil, nil)
	for _, a := range assets {
		p.Cast(a, []city.Sensor{{DevEUI: euiOf(a.ID)}})
	}
	var all []string
	note := func(said []Said) {
		for _, s := range said {
			record, err := json.Marshal(s.Verdict.Record)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, fmt.Sprint(s.Now.UnixNano(), " ", s.Asset, s.Group, " ", s.Verdict.Change, " ", s.Verdict.Rule, " ", string(record)))
		}
	}
	for len(heard) > 0 {
		n := min(stride, len(heard))
		for i := range heard[:n] {
			if !p.Hear(&heard[i]) {
				t.Fatalf("%s is not known", heard[i].Asset)
			}
		}
		note(p.Until(heard[n-1].Received.Add(1)))
		if restart {
			if err := p.Restart(); err != nil {
				t.Fatal(err)
			}
		}
		heard = heard[n:]
	}
	note(p.Until(noon.Add(200 * time.Hour)))
	slices.Sort(all) // of the same instant any order will do
	return all
}

// TestStrides says that where a stride ends makes no difference, nor a restart, with gateways
// that keep silent sensors from being told of, and cases of tours.
func TestStrides(t *testing.T) {
	data, err := os.ReadFile("default.yaml")
	if err != nil {
		t.Fatal(err)
	}
	data = append(data, `
  - {id: tour, kind: bin, quantity: fill_level, open: ">= 80 %", clear: "<= 30 %", group_by: tour, inhibited_by: [gateway-down], service: X-1, title: Tour}
  - {id: tours, kind: bin, over: tour, member: {quantity: fill_level, open: ">= 60 %", clear: "< 60 %"}, open: {share: ">= 60 %", members: 3}, service: X-2, title: Tour voll}
`...)
	set, err := Load("rules.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(2) {
		assets, heard := fleet(seed)
		want := playIn(t, set, assets, heard, len(heard), false)
		if len(want) < 50 {
			t.Fatalf("only %d verdicts: the fleet is too quiet to tell anything", len(want))
		}
		for _, stride := range []int{9*int(seed) + 2, 50} {
			for _, restart := range []bool{false, true} {
				got := playIn(t, set, assets, heard, stride, restart)
				if !slices.Equal(got, want) {
					t.Errorf("seed %d, strides of %d, restart %v: %d verdicts, want %d\nmissing %.600q\nextra   %.600q", seed, stride, restart,
						len(got), len(want), without(want, got), without(got, want))
				}
			}
		}
	}
}
