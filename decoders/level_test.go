package decoders

import (
	"math"
	"slices"
	"testing"

	"meldefunk/city"
)

func TestWaterLevel(t *testing.T) {
	gauge := &city.LevelCalibration{Zero: 4500}
	basin := &city.BinCalibration{Empty: 3000, Full: 1000}
	lost := []city.Fault{city.FaultUncalibrated}
	type values = map[city.Quantity]float64
	for _, c := range []struct {
		name   string
		model  city.Kind
		asset  *city.Asset
		sent   values
		want   values // computed, beside sent
		faults []city.Fault
	}{
		{"a bin's sensor over water", city.Bin, &city.Asset{Kind: city.Level, Level: gauge}, values{city.Distance: 3000}, values{city.WaterLevel: 1500}, nil},
		{"at the zero", city.Level, &city.Asset{Kind: city.Level, Level: gauge}, values{city.Distance: 4500}, values{city.WaterLevel: 0}, nil},
		{"below the zero", city.Level, &city.Asset{Kind: city.Level, Level: gauge}, values{city.Distance: 4700}, values{city.WaterLevel: -200}, nil},
		{"offset first", city.Level, &city.Asset{Kind: city.Level, Level: gauge, Offsets: &city.Offsets{Values: []city.Value{{Quantity: city.Distance, Number: -20}}}},
			values{city.Distance: 3020}, values{city.Distance: 3000, city.WaterLevel: 1500}, nil},
		{"the zero is wrong by metres", city.Level, &city.Asset{Kind: city.Level, Level: &city.LevelCalibration{Zero: 450}}, values{city.Distance: 3000}, nil, []city.Fault{city.FaultImplausible}},
		{"the zero is no number", city.Level, &city.Asset{Kind: city.Level, Level: &city.LevelCalibration{Zero: math.NaN()}}, values{city.Distance: 3000}, nil, []city.Fault{city.FaultImplausible}},
		{"no zero", city.Level, &city.Asset{Kind: city.Level}, values{city.Distance: 3000}, nil, lost},
		{"no zero, a bin's sensor", city.Bin, &city.Asset{Kind: city.Level}, values{city.Distance: 3000}, nil, lost},
		{"no zero, a probe in the water", city.Level, &city.Asset{Kind: city.Level}, values{city.WaterLevel: 700}, nil, nil},
		{"a basin with a fill level", city.Level, &city.Asset{Kind: city.Level, Bin: basin}, values{city.Distance: 2000}, values{city.FillLevel: 50}, nil},
		{"a basin with both", city.Level, &city.Asset{Kind: city.Level, Bin: basin, Level: gauge}, values{city.Distance: 2000}, values{city.FillLevel: 50, city.WaterLevel: 2500}, nil},
		{"a gauge's sensor on a bin", city.Level, &city.Asset{Kind: city.Bin, Bin: basin}, values{city.Distance: 2000}, values{city.FillLevel: 50}, nil},
		{"a gauge's sensor on a bin without", city.Level, &city.Asset{Kind: city.Bin}, values{city.Distance: 2000}, nil, lost},
		{"the device's own level gives way", city.Level, &city.Asset{Kind: city.Level, Level: gauge}, values{city.WaterLevel: 700, city.Distance: 3000}, values{city.WaterLevel: 1500}, nil},
		{"no asset", city.Level, nil, values{city.Distance: 3000}, nil, nil},
		{"no distance", city.Level, &city.Asset{Kind: city.Level}, values{city.BatteryLevel: 90}, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r city.Reading
			want := values{}
			for q, n := range c.sent {
				r.Values, want[q] = append(r.Values, city.Value{Quantity: q, Number: n}), n
			}
			for q, n := range c.want {
				want[q] = n
			}
			Calibrate(c.model, c.asset, &r)
			checkValueSet(t, r.Values, want)
			if !slices.Equal(r.Faults, c.faults) {
				t.Errorf("faults %v, want %v", r.Faults, c.faults)
			}
		})
	}
}
