package decoders

import (
	"math"
	"testing"

	"meldefunk/city"
)

func TestSoilTension(t *testing.T) {
	for _, c := range []struct {
		name  string
		hertz uint16
		want  float64
		fault city.Fault
	}{
		{"wetter than the probe feels", 9000, 0, ""},
		{"saturated", 6430, 0, ""},
		{"wet", 5380, 4.5, ""},
		{"a point of the curve", 1110, 35, ""},
		{"between two points", 685, 65, ""},
		{"dry", 389, 150, ""},
		{"as dry as the probe feels", 293, 200, ""},
		{"drier", 292, 200, city.FaultOutOfScale},
		{"no oscillation", 0, 200, city.FaultOutOfScale},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := decode(New(), "tektelic/kiwi", 10, []byte{0x05, 0x04, byte(c.hertz >> 8), byte(c.hertz)}, nil)
			if err != nil {
				t.Fatal(err)
			}
			got, ok := r.Value(city.SoilTension)
			if !ok || math.Abs(got-c.want) > 1e-9 {
				t.Errorf("%v kPa (there: %v), want %v", got, ok, c.want)
			}
			if raw, _ := r.Value(city.WatermarkFrequency); raw != float64(c.hertz) {
				t.Errorf("frequency %v, want %v", raw, c.hertz)
			}
			if r.Has(city.FaultOutOfScale) != (c.fault != "") || len(r.Faults) > 1 {
				t.Errorf("faults %v, want %q", r.Faults, c.fault)
			}
		})
	}
}

// The drier the soil, the slower the probe: never the other way round, nor with a jump.
func TestWatermarkFalls(t *testing.T) {
	last := watermarkTension(0)
	for hertz := 1.0; hertz <= 10_000; hertz++ {
		kPa := watermarkTension(hertz)
		if kPa > last || last-kPa > 0.6 {
			t.Fatalf("%v Hz: %v kPa after %v", hertz, kPa, last)
		}
		last = kPa
	}
}
