package decoders

import (
	"bytes"
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"meldefunk/city"
)

func FuzzMilesight(f *testing.F) { fuzzFamily(f, "milesight", milesight()) }
func FuzzDragino(f *testing.F)   { fuzzFamily(f, "dragino", dragino()) }
func FuzzBosch(f *testing.F)     { fuzzFamily(f, "bosch", bosch()) }

// fuzzFamily throws bytes at every model of a family, whatever the calibration.
func fuzzFamily(f *testing.F, family string, models []model) {
	for _, v := range loadVectors(f, filepath.Join("testdata", family+".json")) {
		f.Add(v.Port, unhex(f, v.Hex), 2500.0, 500.0, 0.0)
	}
	f.Add(uint8(85), []byte{0x03, 0x82, 0x44, 0x08}, math.Inf(1), math.Inf(-1), math.NaN())
	table := New()
	f.Fuzz(func(t *testing.T, port uint8, payload []byte, empty, full, offset float64) {
		bin := &city.BinCalibration{Empty: empty, Full: full, Offset: offset}
		for _, m := range models {
			before := bytes.Clone(payload)
			r, err := decode(table, m.name, port, payload, bin)
			if !bytes.Equal(before, payload) {
				t.Errorf("%s changed its payload", m.name)
			}
			if err != nil {
				checkRejection(t, &m, port, err, &r)
				continue
			}
			checkReading(t, &r, payload)
			checkReencoded(t, table, &m, &r, bin)
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
	if len(r.Values)+len(r.Faults)+len(r.Tail) != 0 {
		t.Errorf("rejected, yet values %v, faults %v, tail %x", r.Values, r.Faults, r.Tail)
	}
}

// checkReading: values are possible and there once, faults are there once, the tail is
// part of the payload and said to be there.
func checkReading(t *testing.T, r *city.Reading, payload []byte) {
	t.Helper()
	for i, v := range r.Values {
		lowest, highest := v.Quantity.Range()
		if !(v.Number >= lowest && v.Number <= highest) {
			t.Errorf("%s = %v, outside %v to %v", v.Quantity, v.Number, lowest, highest)
		}
		if v.Quantity.Boolean() && v.Number != 0 && v.Number != 1 {
			t.Errorf("%s = %v, neither yes nor no", v.Quantity, v.Number)
		}
		for _, other := range r.Values[:i] {
			if other.Quantity == v.Quantity {
				t.Errorf("%s twice", v.Quantity)
			}
		}
	}
	for i, f := range r.Faults {
		for _, other := range r.Faults[:i] {
			if other == f {
				t.Errorf("fault %s twice", f)
			}
		}
	}
	if !bytes.Contains(payload, r.Tail) || (len(r.Tail) > 0) != r.Has(city.FaultUnparsedTail) {
		t.Errorf("payload %x, tail %x, faults %v", payload, r.Tail, r.Faults)
	}
}

// checkReencoded: values read without a fault of the frame, written again, read again, are
// the same.
func checkReencoded(t *testing.T, table *Table, m *model, r *city.Reading, bin *city.BinCalibration) {
	t.Helper()
	var measured []city.Value
	for _, v := range r.Values {
		if v.Quantity != city.FillLevel {
			measured = append(measured, v)
		}
	}
	for _, f := range []city.Fault{city.FaultImplausible, city.FaultUnparsedTail} {
		if r.Has(f) {
			return
		}
	}
	if len(measured) == 0 {
		return
	}
	port, payload, err := table.Encode(m.name, measured)
	if err != nil {
		t.Fatalf("%s: values %v do not encode: %v", m.name, measured, err)
	}
	again, err := decode(table, m.name, port, payload, bin)
	if err != nil {
		t.Fatalf("%s: own frame %x: %v", m.name, payload, err)
	}
	for _, v := range r.Values {
		if n, ok := again.Value(v.Quantity); !ok || n != v.Number {
			t.Errorf("%s: %s was %v, is %v (there: %v)", m.name, v.Quantity, v.Number, n, ok)
		}
	}
}
