package decoders

import (
	"slices"
	"testing"

	"meldefunk/city"
)

// What a model is said to tell of an asset is what its vectors tell there.
func TestTold(t *testing.T) {
	table := New()
	bin := &city.Asset{Kind: city.Bin, Bin: &city.BinCalibration{Empty: 1200, Full: 200}}
	soil, err := city.SoilOfType("Sl3")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, model string
		asset       *city.Asset
		has, not    []city.Quantity
	}{
		{"distance alone", "milesight/em310-udl", &city.Asset{Kind: city.Bin}, []city.Quantity{city.Distance, city.Tilt}, []city.Quantity{city.FillLevel, city.SoilMoisture}},
		{"with a calibration", "milesight/em310-udl", bin, []city.Quantity{city.Distance, city.FillLevel}, []city.Quantity{city.WaterLevel}},
		{"over water", "milesight/em310-udl", &city.Asset{Kind: city.Level, Level: &city.LevelCalibration{Zero: 4500}}, []city.Quantity{city.WaterLevel}, []city.Quantity{city.FillLevel}},
		{"soil alone", "dragino/lse01", &city.Asset{Kind: city.Soil}, []city.Quantity{city.SoilMoisture, city.Conductivity}, []city.Quantity{city.UsableFieldCapacity}},
		{"with its type", "dragino/lse01", &city.Asset{Kind: city.Soil, Soil: &soil}, []city.Quantity{city.UsableFieldCapacity}, []city.Quantity{city.FillLevel}},
		{"unknown", "acme/none", bin, nil, []city.Quantity{city.FillLevel}},
	} {
		t.Run(c.name, func(t *testing.T) {
			told := Told(table.Kind(c.model), c.asset, table.Carries(c.model))
			for _, q := range c.has {
				if !slices.Contains(told, q) {
					t.Errorf("%v has no %s", told, q)
				}
			}
			for _, q := range c.not {
				if slices.Contains(told, q) {
					t.Errorf("%v has %s", told, q)
				}
			}
		})
	}
}
