package decoders

import (
	"math"
	"slices"
	"testing"

	"meldefunk/city"
)

func TestFillLevel(t *testing.T) {
	bin := city.BinCalibration{Empty: 1200, Full: 200}
	deep := city.BinCalibration{Empty: 1200, Full: 200, Offset: 50}
	for _, c := range []struct {
		name     string
		bin      *city.BinCalibration
		distance float64
		level    float64 // NaN: none
		faults   []city.Fault
	}{
		{"empty", &bin, 1200, 0, nil},
		{"full", &bin, 200, 100, nil},
		{"half", &bin, 700, 50, nil},
		{"mounted deeper reads less full", &deep, 700, 45, nil},
		{"mounted higher reads fuller", &city.BinCalibration{Empty: 1200, Full: 200, Offset: -50}, 700, 55, nil},
		{"a little beyond empty", &bin, 1220, 0, nil},
		{"beyond empty", &bin, 1221, 0, []city.Fault{city.FaultOutOfScale}},
		{"a little beyond full", &bin, 180, 100, nil},
		{"beyond full", &bin, 179, 100, []city.Fault{city.FaultOutOfScale}},
		{"offset moves the edge", &deep, 1171, 0, []city.Fault{city.FaultOutOfScale}},
		{"no calibration", nil, 700, math.NaN(), []city.Fault{city.FaultUncalibrated}},
		{"full at empty", &city.BinCalibration{Empty: 700, Full: 700}, 700, math.NaN(), []city.Fault{city.FaultUncalibrated}},
		{"upside down", &city.BinCalibration{Empty: 200, Full: 1200}, 700, math.NaN(), []city.Fault{city.FaultUncalibrated}},
		{"calibration is no number", &city.BinCalibration{Empty: math.NaN(), Full: 200}, 700, math.NaN(), []city.Fault{city.FaultUncalibrated}},
		{"offset is no number", &city.BinCalibration{Empty: 1200, Full: 200, Offset: math.NaN()}, 700, math.NaN(), []city.Fault{city.FaultImplausible}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := city.Reading{Values: []city.Value{{Quantity: city.Distance, Number: c.distance}}}
			putFillLevel(&r, &city.Asset{Bin: c.bin})
			want := map[city.Quantity]float64{city.Distance: c.distance}
			if !math.IsNaN(c.level) {
				want[city.FillLevel] = c.level
			}
			checkValueSet(t, r.Values, want)
			if !slices.Equal(r.Faults, c.faults) {
				t.Errorf("faults %v, want %v", r.Faults, c.faults)
			}
		})
	}
}

// A level is a bin's matter: no distance, no level and no complaint about calibration.
func TestFillLevelWithoutDistance(t *testing.T) {
	var r city.Reading
	putFillLevel(&r, &city.Asset{})
	if len(r.Values)+len(r.Faults) != 0 {
		t.Errorf("values %v, faults %v, want none", r.Values, r.Faults)
	}
}
