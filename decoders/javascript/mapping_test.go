package javascript

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"meldefunk/city"
)

// TestApply: one field, one output.
func TestApply(t *testing.T) {
	number := func(q city.Quantity, unit string) Field { return Field{Path: "x", Quantity: q, Unit: unit} }
	door := Field{Path: "x", Quantity: city.Tilt, Yes: []string{"open", "0"}, No: []string{"shut"}}
	coded := Field{Path: "x", Quantity: city.Distance, Faults: []FaultCode{{"20", city.FaultTooClose}, {"No Sensor", city.FaultNoSensor}}}
	for _, c := range []struct {
		name  string
		field Field
		data  string
		want  string // values, faults, what is left
	}{
		{"number", number(city.Distance, ""), `{"x": 2799}`, "[2799] [] null"},
		{"zero is a value", number(city.Temperature, ""), `{"x": 0}`, "[0] [] null"},
		{"cm", number(city.Distance, "cm"), `{"x": 12.5}`, "[125] [] null"},
		{"m", number(city.Distance, "m"), `{"x": 1.5}`, "[1500] [] null"},
		{"mV", number(city.BatteryVoltage, "mV"), `{"x": 3387}`, "[3.387] [] null"},
		{"Fahrenheit", number(city.Temperature, "°F"), `{"x": 212}`, "[100] [] null"},
		{"Kelvin", number(city.Temperature, "K"), `{"x": 273.15}`, "[0] [] null"},
		{"fraction", number(city.SoilMoisture, "fraction"), `{"x": 0.25}`, "[25] [] null"},
		{"dS/m", number(city.Conductivity, "dS/m"), `{"x": 1.5}`, "[1500] [] null"},
		{"uS/cm", number(city.Conductivity, "uS/cm"), `{"x": 1500}`, "[1500] [] null"},
		{"text", number(city.SoilMoisture, ""), `{"x": "19.57"}`, "[19.57] [] null"},
		{"text with unit", number(city.Distance, "cm"), `{"x": "2799 mm"}`, "[2799] [] null"},
		{"text with a unit of something else", number(city.Distance, ""), `{"x": "27 °C"}`, "[] [implausible] null"},
		{"comma", number(city.Distance, ""), `{"x": "27,5"}`, "[] [implausible] null"},
		{"NaN as a text", number(city.Distance, ""), `{"x": "NaN"}`, "[] [implausible] null"},
		{"Infinity as a text", number(city.Distance, ""), `{"x": "Infinity"}`, "[] [implausible] null"},
		{"beyond all numbers", number(city.Distance, ""), `{"x": "1e999"}`, "[] [implausible] null"},
		{"out of range", number(city.FillLevel, ""), `{"x": 101}`, "[] [implausible] null"},
		{"null", number(city.FillLevel, ""), `{"x": null}`, "[] [] null"},
		{"missing", number(city.FillLevel, ""), `{"y": 1}`, "[] [] {\"y\":1}"},
		{"an object", number(city.FillLevel, ""), `{"x": {}}`, "[] [implausible] null"},
		{"code", coded, `{"x": 20}`, "[] [too_close] null"},
		{"code with unit", coded, `{"x": "20 mm"}`, "[] [too_close] null"},
		{"no code", coded, `{"x": 20.5}`, "[20.5] [] null"},
		{"word", coded, `{"x": "no sensor"}`, "[] [no_sensor] null"},
		{"yes", door, `{"x": "Open"}`, "[1] [] null"},
		{"the mapping's word goes first", door, `{"x": 0}`, "[1] [] null"},
		{"no", door, `{"x": " shut "}`, "[0] [] null"},
		{"usual word", door, `{"x": false}`, "[0] [] null"},
		{"neither", door, `{"x": "ajar"}`, "[] [implausible] null"},
		{"nested", Field{Path: "a.b", Quantity: city.Distance}, `{"a": {"b": 1, "c": 2}}`, `[1] [] {"a":{"c":2}}`},
		{"nested, nothing left", Field{Path: "a.b", Quantity: city.Distance}, `{"a": {"b": 1}}`, `[1] [] null`},
		{"dots in names", Field{Path: "a.b.c", Quantity: city.Distance}, `{"a.b": {"c": 1}}`, `[1] [] null`},
		{"item", Field{Path: "a.1.b", Quantity: city.Distance}, `{"a": [{"b": 1}, {"b": 2}]}`, `[2] [] {"a":[{"b":1},{}]}`},
		{"no such item", Field{Path: "a.2", Quantity: city.Distance}, `{"a": [1]}`, `[] [] {"a":[1]}`},
		{"negative item", Field{Path: "a.-1", Quantity: city.Distance}, `{"a": [1]}`, `[] [] {"a":[1]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var data map[string]any
			if err := json.Unmarshal([]byte(c.data), &data); err != nil {
				t.Fatal(err)
			}
			r := (&Mapping{Fields: []Field{c.field}}).Apply(data)
			values := []float64{}
			for _, v := range r.Values {
				values = append(values, math.Round(v.Number*1e9)/1e9)
			}
			rest, err := json.Marshal(r.Unmapped)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(values, " ", r.Faults, " ", string(rest)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// TestFirstFieldCounts: firmware versions call one thing by two names.
func TestFirstFieldCounts(t *testing.T) {
	m := Mapping{Fields: []Field{{Path: "new", Quantity: city.Distance}, {Path: "old", Quantity: city.Distance}}}
	for data, want := range map[string]float64{`{"new": 1, "old": 2}`: 1, `{"old": 2}`: 2, `{"new": null, "old": 2}`: 2} {
		var d map[string]any
		if err := json.Unmarshal([]byte(data), &d); err != nil {
			t.Fatal(err)
		}
		if r := m.Apply(d); len(r.Values) != 1 || r.Values[0].Number != want {
			t.Errorf("%s: got %v, want %v", data, r.Values, want)
		}
	}
}

// FuzzApply: whatever a codec gives, values are in range and each quantity is there once.
func FuzzApply(f *testing.F) {
	f.Add(`{"x":1,"a":{"b":["2 cm"]}}`, "x", "a.b.0")
	f.Add(`{"a.b":"1e308 m"}`, "a.b", "")
	f.Fuzz(func(t *testing.T, text, one, two string) {
		var data map[string]any
		if json.Unmarshal([]byte(text), &data) != nil {
			return
		}
		m := Mapping{Fields: []Field{
			{Path: one, Quantity: city.Distance, Unit: "m"}, {Path: two, Quantity: city.Distance},
			{Path: one, Quantity: city.Tilt}, {Path: two, Quantity: city.Temperature, Unit: "F"},
		}}
		seen := map[city.Quantity]bool{}
		for _, v := range m.Apply(data).Values {
			low, high := v.Quantity.Range()
			if seen[v.Quantity] || !(v.Number >= low && v.Number <= high) {
				t.Errorf("%v", v)
			}
			seen[v.Quantity] = true
		}
	})
}

// FuzzParseOutput: a worker may send anything.
func FuzzParseOutput(f *testing.F) {
	f.Add([]byte(`{"data":{"x":1},"errors":[],"warnings":["w"],"normalized":{}}`))
	f.Add([]byte(`{"missing":true}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if out, err := parseOutput(text); err == nil && out.Data == nil && len(out.Errors) == 0 {
			t.Errorf("%q is neither data nor error", text)
		}
	})
}

// FuzzFrame: no frame makes its reader fall over.
func FuzzFrame(f *testing.F) {
	f.Add([]byte("L\x00\x00\x01\x00a1"))
	f.Add([]byte("D\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) == 0 {
			return
		}
		_, _, name, source, err := parseLoad(body[1:])
		if err == nil && len(name)+len(source) > len(body) {
			t.Error("more came out than went in")
		}
		if _, _, _, payload, err := parseDecode(body[1:]); err == nil && len(payload) > len(body) {
			t.Error("more came out than went in")
		}
	})
}
