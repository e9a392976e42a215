package decoders

import (
	"math"
	"slices"
	"testing"

	"meldefunk/city"

	"pgregory.net/rapid"
)

func strapping(points ...city.LevelPoint) *city.StrappingTable {
	return &city.StrappingTable{Points: points}
}

func TestFillLevel(t *testing.T) {
	bin := city.BinCalibration{Empty: 1200, Full: 200}
	deep := city.BinCalibration{Empty: 1200, Full: 200, Offset: 50}
	lying := city.BinCalibration{Empty: 1200, Full: 200, Shape: city.LyingCylinder}
	// 0.2 of the diameter: a segment of (acos(0.6) - 0.6·0.8)/π, by hand.
	fifth := (math.Acos(0.6) - 0.48) / math.Pi * 100
	table := city.BinCalibration{Shape: city.Table, Strapping: strapping(
		city.LevelPoint{Distance: 200, Level: 100}, city.LevelPoint{Distance: 600, Level: 80}, city.LevelPoint{Distance: 1200})}
	scale, lost := []city.Fault{city.FaultOutOfScale}, []city.Fault{city.FaultUncalibrated}
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
		{"beyond empty", &bin, 1221, 0, scale},
		{"a little beyond full", &bin, 180, 100, nil},
		{"beyond full", &bin, 179, 100, scale},
		{"offset moves the edge", &deep, 1171, 0, scale},
		{"no calibration", nil, 700, math.NaN(), lost},
		{"full at empty", &city.BinCalibration{Empty: 700, Full: 700}, 700, math.NaN(), lost},
		{"upside down", &city.BinCalibration{Empty: 200, Full: 1200}, 700, math.NaN(), lost},
		{"calibration is no number", &city.BinCalibration{Empty: math.NaN(), Full: 200}, 700, math.NaN(), lost},
		{"offset is no number", &city.BinCalibration{Empty: 1200, Full: 200, Offset: math.NaN()}, 700, math.NaN(), []city.Fault{city.FaultImplausible}},

		{"cylinder empty", &lying, 1200, 0, nil},
		{"cylinder half", &lying, 700, 50, nil},
		{"cylinder full", &lying, 200, 100, nil},
		{"cylinder, a fifth of its height", &lying, 1000, fifth, nil},
		{"cylinder, four fifths", &lying, 400, 100 - fifth, nil},
		{"cylinder beyond full", &lying, 100, 100, scale},
		{"cylinder that counts as full at half its height", &city.BinCalibration{Empty: 1200, Full: 700, Height: 1000, Shape: city.LyingCylinder}, 1000, 2 * fifth, nil},
		{"sphere half", &city.BinCalibration{Empty: 520, Full: 0, Shape: city.Sphere}, 260, 50, nil},
		{"sphere, a quarter of its height", &city.BinCalibration{Empty: 400, Full: 0, Shape: city.Sphere}, 300, 15.625, nil}, // h²(3-2h)
		{"sphere of negative height", &city.BinCalibration{Empty: 400, Full: 0, Shape: city.Sphere, Height: -1}, 300, math.NaN(), lost},
		{"no such shape", &city.BinCalibration{Empty: 400, Full: 0, Shape: 99}, 300, math.NaN(), lost},

		{"table at a point", &table, 600, 80, nil},
		{"table between points", &table, 900, 40, nil},
		{"table at its first point", &table, 200, 100, nil},
		{"table a little beyond its end", &table, 1220, 0, nil},
		{"table beyond its begin", &table, 179, 100, scale},
		{"table with offset", &city.BinCalibration{Shape: city.Table, Strapping: table.Strapping, Offset: 300}, 600, 40, nil},
		{"table without table", &city.BinCalibration{Shape: city.Table}, 600, math.NaN(), lost},
		{"table of one point", &city.BinCalibration{Shape: city.Table, Strapping: strapping(table.Strapping.Points[0])}, 600, math.NaN(), lost},
		{"table without order", &city.BinCalibration{Shape: city.Table, Strapping: strapping(city.LevelPoint{Distance: 200, Level: 100}, city.LevelPoint{Distance: 200})}, 600, math.NaN(), lost},
		{"table whose level is no number", &city.BinCalibration{Shape: city.Table, Strapping: strapping(city.LevelPoint{Distance: 200, Level: 100}, city.LevelPoint{Distance: 600, Level: math.NaN()})}, 400, math.NaN(), []city.Fault{city.FaultImplausible}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := city.Reading{Values: []city.Value{{Quantity: city.Distance, Number: c.distance}}}
			putFillLevel(true, &city.Asset{Bin: c.bin}, &r)
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

// A level is a bin's matter: no distance, or no bin, no level and no complaint.
func TestFillLevelWithout(t *testing.T) {
	var r city.Reading
	putFillLevel(true, &city.Asset{}, &r)
	if len(r.Values)+len(r.Faults) != 0 {
		t.Errorf("without distance: values %v, faults %v, want none", r.Values, r.Faults)
	}
	r.Values = []city.Value{{Quantity: city.Distance, Number: 700}}
	putFillLevel(false, nil, &r)
	if len(r.Values) != 1 || len(r.Faults) != 0 {
		t.Errorf("not a bin: values %v, faults %v, want the distance alone", r.Values, r.Faults)
	}
}

// Whatever the container: never outside of 0 to 100, and nearer is never emptier.
func TestFillLevelRises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		full := rapid.Float64Range(0, 2000).Draw(t, "full")
		span := rapid.Float64Range(1, 10_000).Draw(t, "span")
		c := city.BinCalibration{
			Empty: full + span, Full: full,
			Offset: rapid.Float64Range(-500, 500).Draw(t, "offset"),
			Shape:  city.Shape(rapid.IntRange(0, int(city.Sphere)).Draw(t, "shape")),
			Height: rapid.SampledFrom([]float64{0, span, 1.3 * span}).Draw(t, "height"),
		}
		near := rapid.Float64Range(0, 15_000).Draw(t, "near")
		far := near + rapid.Float64Range(0, 5000).Draw(t, "farther")
		level := func(distance float64) float64 {
			r := city.Reading{Values: []city.Value{{Quantity: city.Distance, Number: distance}}}
			putFillLevel(true, &city.Asset{Bin: &c}, &r)
			n, ok := r.Value(city.FillLevel)
			if !ok || !(n >= 0 && n <= 100) {
				t.Fatalf("at %v: level %v (there: %v), faults %v", distance, n, ok, r.Faults)
			}
			return n
		}
		if a, b := level(near), level(far); a < b-1e-9 {
			t.Errorf("%v at %v, and %v at %v", a, near, b, far)
		}
	})
}
