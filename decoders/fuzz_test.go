package decoders

import (
	"bytes"
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
)

func FuzzMilesight(f *testing.F)   { fuzzFamily(f, "milesight", milesight()) }
func FuzzDragino(f *testing.F)     { fuzzFamily(f, "dragino", dragino()) }
func FuzzWilsen(f *testing.F)      { fuzzFamily(f, "wilsen", wilsen()) }
func FuzzElsys(f *testing.F)       { fuzzFamily(f, "elsys", elsys()) }
func FuzzSensoneo(f *testing.F)    { fuzzFamily(f, "sensoneo", sensoneo()) }
func FuzzDingtek(f *testing.F)     { fuzzFamily(f, "dingtek", dingtek()) }
func FuzzTekelek(f *testing.F)     { fuzzFamily(f, "tekelek", tekelek()) }
func FuzzTerabee(f *testing.F)     { fuzzFamily(f, "terabee", terabee()) }
func FuzzDecentlab(f *testing.F)   { fuzzFamily(f, "decentlab", decentlab()) }
func FuzzTektelic(f *testing.F)    { fuzzFamily(f, "tektelic", tektelic()) }
func FuzzSensecap(f *testing.F)    { fuzzFamily(f, "sensecap", sensecap()) }
func FuzzTeneo(f *testing.F)       { fuzzFamily(f, "teneo", teneo()) }
func FuzzBosch(f *testing.F)       { fuzzFamily(f, "bosch", bosch()) }
func FuzzLibelium(f *testing.F)    { fuzzFamily(f, "libelium", libelium()) }
func FuzzPlacepod(f *testing.F)    { fuzzFamily(f, "placepod", placepod()) }
func FuzzNwave(f *testing.F)       { fuzzFamily(f, "nwave", nwave()) }
func FuzzTekzitel(f *testing.F)    { fuzzFamily(f, "tekzitel", tekzitel()) }
func FuzzNetvox(f *testing.F)      { fuzzFamily(f, "netvox", netvox()) }
func FuzzParametric(f *testing.F)  { fuzzFamily(f, "parametric", parametric()) }
func FuzzMclimate(f *testing.F)    { fuzzFamily(f, "mclimate", mclimate()) }
func FuzzUradmonitor(f *testing.F) { fuzzFamily(f, "uradmonitor", uradmonitor()) }
func FuzzOyster(f *testing.F)      { fuzzFamily(f, "oyster", oyster()) }
func FuzzKeller(f *testing.F)      { fuzzFamily(f, "keller", keller()) }
func FuzzSentinum(f *testing.F)    { fuzzFamily(f, "sentinum", sentinum()) }
func FuzzEnginko(f *testing.F)     { fuzzFamily(f, "enginko", enginko()) }
func FuzzNas(f *testing.F)         { fuzzFamily(f, "nas", nas()) }
func FuzzAxioma(f *testing.F)      { fuzzFamily(f, "axioma", axioma()) }
func FuzzBmeters(f *testing.F)     { fuzzFamily(f, "bmeters", bmeters()) }

// fuzzFamily throws bytes at every model of a family.
func fuzzFamily(f *testing.F, family string, models []model) {
	for _, v := range loadVectors(f, filepath.Join("testdata", family+".json")) {
		f.Add(v.Port, unhex(f, v.Hex))
	}
	table := New()
	f.Fuzz(func(t *testing.T, port uint8, payload []byte) {
		for _, m := range models {
			before := bytes.Clone(payload)
			r, err := decode(table, m.name, port, payload, nil)
			checkExplained(t, table, m.name, port, payload)
			if !bytes.Equal(before, payload) {
				t.Errorf("%s changed its payload", m.name)
			}
			if err != nil {
				checkRejection(t, &m, port, err, &r)
				continue
			}
			checkReading(t, &r, payload)
			checkReencoded(t, table, &m, &r)
		}
	})
}

// FuzzCalibration throws every calibration at a bin's distance and a soil's moisture, now and
// in the past.
func FuzzCalibration(f *testing.F) {
	f.Add(2500.0, 500.0, 0.0, uint8(0), 0.0, 900.0, 50.0, 23.0, 10.0, 0.5, uint16(800), uint16(2050))
	f.Add(2500.0, 500.0, 20.0, uint8(1), 2100.0, 900.0, 50.0, 23.0, 10.0, -5.0, uint16(2499), uint16(0))
	f.Add(520.0, 0.0, -3.0, uint8(2), 0.0, 900.0, 50.0, 10.0, 10.0, 0.0, uint16(260), uint16(10_000))
	f.Add(2500.0, 500.0, 0.0, uint8(3), 0.0, 900.0, 50.0, 0.0, 100.0, 0.0, uint16(901), uint16(1))
	f.Add(math.Inf(1), math.Inf(-1), math.NaN(), uint8(9), math.NaN(), math.Inf(1), math.NaN(), math.NaN(), math.Inf(-1), math.NaN(), uint16(1), uint16(1))
	f.Fuzz(func(t *testing.T, empty, full, offset float64, shape uint8, height, middle, level, capacity, wilting, by float64, distance, moisture uint16) {
		asset := &city.Asset{
			Bin: &city.BinCalibration{Empty: empty, Full: full, Offset: offset, Shape: city.Shape(shape), Height: height, Strapping: strapping(
				city.LevelPoint{Distance: full, Level: 100}, city.LevelPoint{Distance: middle, Level: level}, city.LevelPoint{Distance: empty})},
			Soil:    &city.SoilCalibration{FieldCapacity: capacity, WiltingPoint: wilting},
			Level:   &city.LevelCalibration{Zero: empty},
			Offsets: &city.Offsets{Values: []city.Value{{Quantity: city.SoilMoisture, Number: by}, {Quantity: city.Distance, Number: by}}},
		}
		measured := func() []city.Value {
			return []city.Value{{Quantity: city.Distance, Number: min(float64(distance), 50_000)}, {Quantity: city.SoilMoisture, Number: min(float64(moisture)/100, 100)}}
		}
		m := &model{kind: city.Bin}
		r := city.Reading{Values: measured(), History: []city.Record{{Time: time.Unix(oldestRecord, 0), Values: measured()}}}
		Calibrate(m.kind, asset, &r)
		finishHistory(m, asset, time.Time{}, &r)
		checkReading(t, &r, nil)
		for i, v := range r.History[0].Values {
			if v != r.Values[i] {
				t.Errorf("%s is %v now and was %v of the same distance and moisture", v.Quantity, r.Values[i].Number, v.Number)
			}
		}
	})
}

// checkRejection: the right reason, and nothing read.
func checkRejection(t *testing.T, m *model, port uint8, err error, r *city.Reading) {
	t.Helper()
	var rejection *city.Rejection
	if !errors.As(err, &rejection) {
		t.Fatalf("%s: error %T %v, want a rejection", m.name, err, err)
	}
	want := city.ReasonUndecodable
	if m.port(port) == nil {
		want = city.ReasonUnknownPort
	}
	if rejection.Reason != want || !strings.HasPrefix(rejection.Detail, m.name) || len(rejection.Detail) > 300 {
		t.Errorf("rejection %v, want %s naming %s in a short line", rejection, want, m.name)
	}
	if len(r.Values)+len(r.Faults)+len(r.Tail)+len(r.History) != 0 {
		t.Errorf("rejected, yet values %v, faults %v, tail %x, history %v", r.Values, r.Faults, r.Tail, r.History)
	}
}

// checkReading: values are possible and there once, faults are there once, the tail is made
// of bytes of the payload and said to be there.
func checkReading(t *testing.T, r *city.Reading, payload []byte) {
	t.Helper()
	checkPossible(t, r.Values, r.Faults)
	for _, past := range r.History {
		checkPossible(t, past.Values, past.Faults)
		if past.Time.Unix() < oldestRecord || past.Time.Location() != time.UTC && len(payload) > 0 {
			t.Errorf("record of %v", past.Time)
		}
	}
	if len(r.History) > len(payload)/2+1 {
		t.Errorf("%d records of %d bytes", len(r.History), len(payload))
	}
	rest := payload
	for _, b := range r.Tail {
		i := bytes.IndexByte(rest, b)
		if i < 0 {
			t.Fatalf("payload %x, tail %x", payload, r.Tail)
		}
		rest = rest[i+1:]
	}
	if (len(r.Tail) > 0) != r.Has(city.FaultUnparsedTail) {
		t.Errorf("tail %x, faults %v", r.Tail, r.Faults)
	}
}

func checkPossible(t *testing.T, values []city.Value, faults []city.Fault) {
	t.Helper()
	for i, v := range values {
		lowest, highest := v.Quantity.Range()
		if v.Quantity == city.QuantityUnknown || !(v.Number >= lowest && v.Number <= highest) {
			t.Errorf("%s = %v, outside %v to %v", v.Quantity, v.Number, lowest, highest)
		}
		if v.Quantity.Boolean() && v.Number != 0 && v.Number != 1 {
			t.Errorf("%s = %v, neither yes nor no", v.Quantity, v.Number)
		}
		for _, other := range values[:i] {
			if other.Quantity == v.Quantity {
				t.Errorf("%s twice", v.Quantity)
			}
		}
	}
	for i, f := range faults {
		for _, other := range faults[:i] {
			if other == f {
				t.Errorf("fault %s twice", f)
			}
		}
	}
}

// checkReencoded: values read without a fault, written again, read again, are the same.
func checkReencoded(t *testing.T, table *Table, m *model, r *city.Reading) {
	t.Helper()
	for _, f := range r.Faults {
		if f != city.FaultUncalibrated {
			return
		}
	}
	if len(r.Values) == 0 {
		return
	}
	port, payload, err := table.Encode(m.name, inFrame(r.Values))
	if err != nil {
		t.Fatalf("%s: values %v do not encode: %v", m.name, r.Values, err)
	}
	again, err := decode(table, m.name, port, payload, nil)
	if err != nil {
		t.Fatalf("%s: own frame %x: %v", m.name, payload, err)
	}
	for _, v := range r.Values {
		n, ok := again.Value(v.Quantity)
		tolerance := 0.0
		switch lowest, highest := v.Quantity.Range(); {
		case m.name == "decentlab/dl-iam" && v.Quantity == city.Illuminance:
			tolerance = 1 // of two channels, written into one
		case v.Number == lowest || v.Number == highest:
			tolerance = 0.01 // may have been a little beyond, and counted as the end
		}
		if !ok || math.Abs(n-v.Number) > tolerance {
			t.Errorf("%s: %s was %v, is %v (there: %v)", m.name, v.Quantity, v.Number, n, ok)
		}
	}
}
