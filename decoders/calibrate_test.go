package decoders

import (
	"math"
	"slices"
	"testing"
	"time"

	"meldefunk/city"
)

func TestFieldCapacity(t *testing.T) {
	sandyLoam, err := city.SoilOfType("Sl3")
	if err != nil || sandyLoam != (city.SoilCalibration{FieldCapacity: 23, WiltingPoint: 10}) {
		t.Fatalf("Sl3 is %v, %v", sandyLoam, err)
	}
	scale, lost := []city.Fault{city.FaultOutOfScale}, []city.Fault{city.FaultUncalibrated}
	for _, c := range []struct {
		name     string
		soil     city.SoilCalibration
		moisture float64
		level    float64 // NaN: none
		faults   []city.Fault
	}{
		{"wilting", sandyLoam, 10, 0, nil},
		{"field capacity", sandyLoam, 23, 100, nil},
		{"between", sandyLoam, 16.5, 50, nil},
		{"wet after rain", sandyLoam, 29, 100, nil},
		{"under water", sandyLoam, 45, 100, scale},
		{"drier than plants can", sandyLoam, 4, 0, nil},
		{"in the air", sandyLoam, 0, 0, scale},
		{"no range", city.SoilCalibration{FieldCapacity: 20, WiltingPoint: 20}, 20, math.NaN(), lost},
		{"upside down", city.SoilCalibration{FieldCapacity: 10, WiltingPoint: 20}, 20, math.NaN(), lost},
		{"no number", city.SoilCalibration{FieldCapacity: math.NaN()}, 20, math.NaN(), lost},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := city.Reading{Values: []city.Value{{Quantity: city.SoilMoisture, Number: c.moisture}}}
			putFieldCapacity(&city.Asset{Soil: &c.soil}, &r)
			want := map[city.Quantity]float64{city.SoilMoisture: c.moisture}
			if !math.IsNaN(c.level) {
				want[city.UsableFieldCapacity] = c.level
			}
			checkValueSet(t, r.Values, want)
			if !slices.Equal(r.Faults, c.faults) {
				t.Errorf("faults %v, want %v", r.Faults, c.faults)
			}
		})
	}
	var r city.Reading
	putFieldCapacity(&city.Asset{Soil: &sandyLoam}, &r)
	if len(r.Values)+len(r.Faults) != 0 {
		t.Errorf("without moisture: values %v, faults %v", r.Values, r.Faults)
	}
}

// Offsets come before what is computed from the values, and touch neither yes-or-no nor what
// was not measured.
func TestOffsets(t *testing.T) {
	asset := &city.Asset{
		Soil: &city.SoilCalibration{FieldCapacity: 30, WiltingPoint: 10},
		Offsets: &city.Offsets{Values: []city.Value{
			{Quantity: city.SoilMoisture, Number: 5}, {Quantity: city.SoilTemperature, Number: -300},
			{Quantity: city.Occupied, Number: 1}, {Quantity: city.Distance, Number: 7},
		}},
	}
	r := city.Reading{Values: []city.Value{
		{Quantity: city.SoilTemperature, Number: 12}, {Quantity: city.SoilMoisture, Number: 15}, {Quantity: city.Occupied, Number: 0},
	}}
	Calibrate(city.Soil, asset, &r)
	checkValueSet(t, r.Values, map[city.Quantity]float64{city.SoilMoisture: 20, city.UsableFieldCapacity: 50, city.Occupied: 0})
	if !slices.Equal(r.Faults, []city.Fault{city.FaultImplausible}) {
		t.Errorf("faults %v, want implausible for -288 °C", r.Faults)
	}
}

// A record of the future is dropped and named; without an uplink's time there is no future.
func TestHistoryTime(t *testing.T) {
	at := time.Date(2023, 11, 14, 22, 13, 20, 0, time.UTC) // 00f15365, little endian, in the frame
	payload := unhex(t, "20ce00f153652003")
	for _, c := range []struct {
		name   string
		now    time.Time
		kept   int
		faults []city.Fault
	}{
		{"later", at.Add(time.Hour), 1, nil},
		{"clock half an hour ahead", at.Add(-30 * time.Minute), 1, nil},
		{"clock two hours ahead", at.Add(-2 * time.Hour), 0, []city.Fault{city.FaultClock}},
		{"no time", time.Time{}, 1, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r city.Reading
			u := &city.Uplink{FPort: 85, Payload: payload, Time: city.Stamp{At: c.now}}
			if err := New().Decode(&city.Device{Model: "milesight/em500-udl"}, nil, u, &r); err != nil {
				t.Fatal(err)
			}
			if len(r.History) != c.kept || !slices.Equal(r.Faults, c.faults) {
				t.Fatalf("history %v, faults %v, want %d records, %v", r.History, r.Faults, c.kept, c.faults)
			}
			if c.kept == 1 && !r.History[0].Time.Equal(at) {
				t.Errorf("record of %v, want %v", r.History[0].Time, at)
			}
		})
	}
}
