package decoders

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"meldefunk/city"
)

// vector is one example payload and what must come of it.
type vector struct {
	Name  string
	Model string
	Port  uint8
	Hex   string
	Bin   *city.BinCalibration

	Values    map[city.Quantity]float64
	Faults    []city.Fault
	Tail      string
	History   []pastVector
	Rejection string // the whole error; then there is nothing else
}

// pastVector is a record of the device's memory and what must come of it.
type pastVector struct {
	Time   time.Time
	Values map[city.Quantity]float64
	Faults []city.Fault
}

func loadVectors(t testing.TB, path string) []vector {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&vectors); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return vectors
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	payload, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// decode is Decode for tests.
func decode(table *Table, model string, port uint8, payload []byte, bin *city.BinCalibration) (city.Reading, error) {
	var r city.Reading
	err := table.Decode(&city.Device{Model: model}, &city.Asset{Bin: bin},
		&city.Uplink{FPort: port, Payload: payload}, &r)
	return r, err
}

// checkValueSet tells how the values differ from the wanted ones.
func checkValueSet(t *testing.T, got []city.Value, want map[city.Quantity]float64) {
	t.Helper()
	for _, v := range got {
		n, ok := want[v.Quantity]
		if !ok {
			t.Errorf("%s = %v, want none", v.Quantity, v.Number)
		} else if math.Abs(n-v.Number) > 1e-9 {
			t.Errorf("%s = %v, want %v", v.Quantity, v.Number, n)
		}
	}
	for q, n := range want {
		if !slices.ContainsFunc(got, func(v city.Value) bool { return v.Quantity == q }) {
			t.Errorf("%s missing, want %v", q, n)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d values %v, want %d", len(got), got, len(want))
	}
}

// Every family has its examples beside it, and every model has at least one that measures.
func TestVectors(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	table := New()
	seen := make(map[string]bool)
	for _, file := range files {
		for _, v := range loadVectors(t, file) {
			seen[v.Model] = seen[v.Model] || len(v.Values)+len(v.History) > 0
			t.Run(v.Model+"/"+v.Name, func(t *testing.T) {
				r, err := decode(table, v.Model, v.Port, unhex(t, v.Hex), v.Bin)
				got := ""
				if err != nil {
					got = err.Error()
				}
				if got != v.Rejection {
					t.Errorf("error  %s\nwant   %s", got, v.Rejection)
				}
				checkValueSet(t, r.Values, v.Values)
				if !slices.Equal(r.Faults, v.Faults) {
					t.Errorf("faults %v, want %v", r.Faults, v.Faults)
				}
				if tail := hex.EncodeToString(r.Tail); tail != v.Tail {
					t.Errorf("tail %s, want %s", tail, v.Tail)
				}
				if len(r.History) != len(v.History) {
					t.Fatalf("history %v, want %d records", r.History, len(v.History))
				}
				for i, past := range v.History {
					if got := r.History[i]; !got.Time.Equal(past.Time) || !slices.Equal(got.Faults, past.Faults) {
						t.Errorf("record %d of %v with faults %v, want %v with %v", i, got.Time, got.Faults, past.Time, past.Faults)
					}
					checkValueSet(t, r.History[i].Values, past.Values)
				}
			})
		}
	}
	for _, model := range table.Models() {
		if !seen[model] {
			t.Errorf("no example for %s in testdata", model)
		}
	}
}
