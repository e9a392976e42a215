package decoders

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"meldefunk/city"
)

// The project's collection of example payloads, shared between projects and not part of
// this repository.
var corpusFile = filepath.Join("..", "..", "shared", "data", "payload-vectors.json")

// corpusModels gives our name of a model in the collection.
var corpusModels = map[string]string{
	"EM310-UDL":                   "milesight/em310-udl",
	"LSE01 (fw<1.1.4)":            "dragino/lse01-fw1.1",
	"LSE01 (fw>=1.2.1) / SE01-LB": "dragino/lse01",
	"TPS110":                      "bosch/tps110",
}

// corpusQuantities gives our quantity for a name in the collection.
var corpusQuantities = map[string]city.Quantity{
	"battery_pct":       city.BatteryLevel,
	"battery_v":         city.BatteryVoltage,
	"distance_mm":       city.Distance,
	"tilted":            city.Tilt,
	"aux_temp_c":        city.Temperature,
	"temp_c":            city.Temperature,
	"soil_moisture_pct": city.SoilMoisture,
	"soil_temp_c":       city.SoilTemperature,
	"soil_ec_us_cm":     city.Conductivity,
	"occupied":          city.Occupied,
}

// corpusUnused are names in the collection for which there is no quantity.
var corpusUnused = []string{"event", "firmware", "reset_code", "dielectric", "soil_moisture_raw", "soil_ec_raw"}

func TestSharedCorpus(t *testing.T) {
	text, err := os.ReadFile(corpusFile)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the shared collection of example payloads is not here: " + corpusFile)
	}
	if err != nil {
		t.Fatal(err)
	}
	var corpus []struct {
		ID, Model, Hex string
		FPort          uint8
		Typed          map[string]any
	}
	if err := json.Unmarshal(text, &corpus); err != nil {
		t.Fatal(err)
	}
	table := New()
	missing := maps.Clone(corpusModels)
	for _, example := range corpus {
		model, ours := corpusModels[example.Model]
		if !ours {
			continue
		}
		delete(missing, example.Model)
		t.Run(example.ID, func(t *testing.T) {
			r, err := decode(table, model, example.FPort, unhex(t, example.Hex), &city.BinCalibration{Empty: 3000, Full: 0})
			if err != nil {
				t.Fatal(err)
			}
			want, implausible := corpusValues(t, example.Typed)
			if level, ok := r.Value(city.FillLevel); ok {
				want[city.FillLevel] = level // TestFillLevel knows what is right
			}
			checkValueSet(t, r.Values, want)
			if r.Has(city.FaultImplausible) != implausible {
				t.Errorf("faults %v, want implausible: %v", r.Faults, implausible)
			}
		})
	}
	for name := range missing {
		t.Errorf("the collection has no example of %s", name)
	}
}

// corpusValues translates the typed values; those outside the physical range are left out
// and reported, as the collection has none of our ranges.
func corpusValues(t *testing.T, typed map[string]any) (values map[city.Quantity]float64, implausible bool) {
	t.Helper()
	values = make(map[city.Quantity]float64)
	for name, value := range typed {
		q, ok := corpusQuantities[name]
		if !ok {
			if !slices.Contains(corpusUnused, name) {
				t.Errorf("the collection's %s is neither a quantity nor known to be unused", name)
			}
			continue
		}
		number := 0.0
		switch v := value.(type) {
		case float64:
			number = v
		case bool:
			number = city.Bool(v)
		default:
			t.Errorf("%s is a %T", name, value)
		}
		if lowest, highest := q.Range(); number < lowest || number > highest {
			implausible = true
			continue
		}
		values[q] = number
	}
	return values, implausible
}
