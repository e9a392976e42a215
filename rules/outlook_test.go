package rules

import (
	"math"
	"testing"
	"time"

	"meldefunk/city"
)

const outlookRules = `
rules:
  - {id: full, kind: bin, service: S1, title: T, quantity: fill_level, open: ">= 90 %", clear: "<= 50 %", readings: 2}
  - {id: tilted, kind: bin, service: S2, title: T, quantity: tilt, open: "= true"}
  - {id: tried, kind: bin, service: S3, title: T, quantity: fill_level, open: ">= 70 %", clear: "<= 50 %", shadow: true}
  - id: dry
    kind: soil
    service: S
    title: T
    quantity: usable_field_capacity
    levels:
      - {severity: 1, open: "<= 30 %", clear: ">= 50 %"}
      - {severity: 2, open: "<= 15 %", clear: ">= 30 %"}
overrides:
  - {asset: PK-2, rule: full, open: "80 %"}
`

// TestOutlooks has an asset heard every hour, and holds what the rules expect of it against
// what anybody would reckon on paper.
func TestOutlooks(t *testing.T) {
	set, err := Load("r.yaml", []byte(outlookRules))
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 11, 21, 6, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name     string
		asset    city.Asset
		values   []float64
		rule     string
		dueIn    time.Duration // from the newest reading on; -1: never
		reliable city.Reliability
		jumped   int // reading, from 0; -1: none
	}{
		{"filling by 5 % an hour", city.Asset{ID: "PK-1", Kind: city.Bin}, []float64{10, 15, 20, 25, 30, 35, 40, 45, 50}, "full", 8 * time.Hour, city.ReliabilityHigh, -1},
		{"with a limit of its own", city.Asset{ID: "PK-2", Kind: city.Bin}, []float64{10, 15, 20, 25, 30, 35, 40, 45, 50}, "full", 6 * time.Hour, city.ReliabilityHigh, -1},
		{"emptied in between", city.Asset{ID: "PK-1", Kind: city.Bin}, []float64{70, 75, 80, 5, 10, 15, 20}, "full", 14 * time.Hour, city.ReliabilityLow, 3},
		{"full already", city.Asset{ID: "PK-1", Kind: city.Bin}, []float64{70, 80, 95}, "full", 0, city.ReliabilityHigh, -1},
		{"heard twice only", city.Asset{ID: "PK-1", Kind: city.Bin}, []float64{10, 20}, "full", -1, city.ReliabilityNone, -1},
		{"standing still", city.Asset{ID: "PK-1", Kind: city.Bin}, []float64{40, 40, 40, 40, 40, 40, 40, 40, 40}, "full", -1, city.ReliabilityHigh, -1},
		{"a month is too far", city.Asset{ID: "PK-1", Kind: city.Bin}, []float64{10, 10.01, 10.02, 10.03, 10.04}, "full", -1, city.ReliabilityMedium, -1},
		{"drying by 2 % an hour", city.Asset{ID: "B-1", Kind: city.Soil}, []float64{60, 58, 56, 54, 52, 50, 48}, "dry", 9 * time.Hour, city.ReliabilityMedium, -1},
		{"watered", city.Asset{ID: "B-1", Kind: city.Soil}, []float64{34, 32, 90, 88, 86, 84}, "dry", 27 * time.Hour, city.ReliabilityLow, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := city.FillLevel
			if c.asset.Kind == city.Soil {
				q = city.UsableFieldCapacity
			}
			var m city.Mind
			at := start
			for i, v := range c.values {
				at = start.Add(time.Duration(i) * time.Hour)
				r := &city.Reading{ID: int64(i + 1), DevEUI: city.EUI{1}, Asset: c.asset.ID, Kind: c.asset.Kind, Epoch: 1, FCnt: uint32(i),
					Time: city.Stamp{At: at}, Received: at, Values: []city.Value{{Quantity: q, Number: v}}}
				m, _, _ = set.Step(m, &city.Sight{Asset: &c.asset, Reading: r, Now: at})
			}
			kept, err := m.AppendBinary(nil)
			if err != nil {
				t.Fatal(err)
			}
			all, err := set.Outlooks(&c.asset, kept)
			if err != nil || len(all) != 1 {
				t.Fatalf("%d outlooks, %v: %+v", len(all), err, all)
			}
			o := all[0]
			if o.Rule != c.rule || o.Quantity != q || !o.At.Equal(at) || math.Abs(o.Value-c.values[len(c.values)-1]) > 1e-6 || o.Reliability != c.reliable {
				t.Errorf("outlook is %+v", o)
			}
			if c.dueIn < 0 != o.Due.IsZero() || c.dueIn >= 0 && o.Due.Sub(at.Add(c.dueIn)).Abs() > time.Minute {
				t.Errorf("due %s, want %s after %s", o.Due, c.dueIn, at)
			}
			if c.jumped < 0 != o.Jumped.IsZero() || c.jumped >= 0 && o.Jumped.Sub(start.Add(time.Duration(c.jumped)*time.Hour)).Abs() > time.Minute ||
				c.jumped >= 0 && math.Abs(o.Jump-math.Abs(c.values[c.jumped]-c.values[c.jumped-1])) > 1e-6 {
				t.Errorf("emptied or watered %s, want reading %d", o.Jumped, c.jumped)
			}
		})
	}
	if all, err := set.Outlooks(&city.Asset{ID: "PK-9", Kind: city.Bin}, nil); all != nil || err != nil {
		t.Errorf("of what was never seen: %v, %v", all, err)
	}
	if _, err := set.Outlooks(&city.Asset{ID: "PK-9", Kind: city.Bin}, []byte{storedAsset, 0xff}); err == nil {
		t.Error("damaged bytes are no error")
	}
}
