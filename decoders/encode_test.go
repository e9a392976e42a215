package decoders

import (
	"encoding/hex"
	"math"
	"strings"
	"testing"

	"meldefunk/city"

	"pgregory.net/rapid"
)

// Frames of recorded and documented uplinks come out byte for byte.
func TestEncode(t *testing.T) {
	for _, c := range []struct {
		name, model string
		values      []city.Value
		port        uint8
		hex         string
	}{
		{"em310", "milesight/em310-udl", []city.Value{{Quantity: city.BatteryLevel, Number: 92}, {Quantity: city.Distance, Number: 2116}, {Quantity: city.Tilt, Number: 1}}, 85, "01755c03824408040001"},
		{"em310 in the device's order", "milesight/em310-udl", []city.Value{{Quantity: city.Tilt}, {Quantity: city.Distance, Number: 1604}, {Quantity: city.BatteryLevel, Number: 92}}, 85, "01755c03824406040000"},
		{"em310 rounds to mm", "milesight/em310-udl", []city.Value{{Quantity: city.Distance, Number: 499.6}}, 85, "0382f401"},
		{"em310 without echo", "milesight/em310-udl", []city.Value{{Quantity: city.Distance}}, 85, "03820000"},
		{"lse01 without auxiliary probe", "dragino/lse01", []city.Value{{Quantity: city.BatteryVoltage, Number: 3.301}, {Quantity: city.SoilMoisture, Number: 15}, {Quantity: city.SoilTemperature, Number: 12.09}, {Quantity: city.Conductivity, Number: 200}}, 2, "0ce57fff05dc04b900c810"},
		{"lse01 in frost", "dragino/lse01", []city.Value{{Quantity: city.BatteryVoltage, Number: 3.318}, {Quantity: city.Temperature, Number: -10}, {Quantity: city.SoilMoisture, Number: 1}, {Quantity: city.SoilTemperature, Number: -2}, {Quantity: city.Conductivity, Number: 100}}, 2, "0cf6ff9c0064ff38006410"},
		{"tps110 status", "bosch/tps110", []city.Value{{Quantity: city.Occupied, Number: 1}}, 1, "01"},
		{"tps110 heartbeat", "bosch/tps110", []city.Value{{Quantity: city.Occupied}, {Quantity: city.Temperature, Number: -10}}, 2, "00f6"},
	} {
		t.Run(c.name, func(t *testing.T) {
			port, payload, err := New().Encode(c.model, c.values)
			if err != nil {
				t.Fatal(err)
			}
			if got := hex.EncodeToString(payload); port != c.port || got != c.hex {
				t.Errorf("port %d %s, want port %d %s", port, got, c.port, c.hex)
			}
		})
	}
}

func TestEncodeRefuses(t *testing.T) {
	soil := func(change ...city.Value) []city.Value {
		values := []city.Value{{Quantity: city.BatteryVoltage, Number: 3.3}, {Quantity: city.SoilMoisture, Number: 20}, {Quantity: city.SoilTemperature, Number: 10}, {Quantity: city.Conductivity, Number: 200}}
		for _, c := range change {
			for i := range values {
				if values[i].Quantity == c.Quantity {
					values[i] = c
				}
			}
		}
		return values
	}
	for _, c := range []struct {
		name, model string
		values      []city.Value
		want        string
	}{
		{"unknown model", "acme/x1", nil, `"acme/x1": unknown model: known are bosch/tps110`},
		{"no values", "milesight/em310-udl", nil, "no values"},
		{"quantity of another model", "milesight/em310-udl", []city.Value{{Quantity: city.FillLevel, Number: 50}}, "does not send fill_level, only [battery_level distance tilt]"},
		{"given twice", "milesight/em310-udl", []city.Value{{Quantity: city.Tilt}, {Quantity: city.Tilt}}, "tilt is given twice"},
		{"battery too large", "milesight/em310-udl", []city.Value{{Quantity: city.BatteryLevel, Number: 256}}, "battery_level 256 does not fit: the frame holds 0 to 255 %"},
		{"distance negative", "milesight/em310-udl", []city.Value{{Quantity: city.Distance, Number: -1}}, "distance -1 does not fit: the frame holds 0 to 65535 mm"},
		{"distance no number", "milesight/em310-udl", []city.Value{{Quantity: city.Distance, Number: math.NaN()}}, "distance NaN does not fit"},
		{"tilt neither yes nor no", "milesight/em310-udl", []city.Value{{Quantity: city.Tilt, Number: 2}}, "tilt 2 does not fit"},
		{"soil quantity missing", "dragino/lse01", soil()[1:], "battery_voltage is missing"},
		{"soil foreign quantity", "dragino/lse01", append(soil(), city.Value{Quantity: city.Tilt}), "does not send tilt"},
		{"battery beyond 14 bits", "dragino/lse01", soil(city.Value{Quantity: city.BatteryVoltage, Number: 16.384}), "battery_voltage 16.384 does not fit: the frame holds 0 to 16.383 V"},
		{"auxiliary code for none", "dragino/lse01", append(soil(), city.Value{Quantity: city.Temperature, Number: 3276.7}), "temperature 3276.7 does not fit"},
		{"moisture infinite", "dragino/lse01", soil(city.Value{Quantity: city.SoilMoisture, Number: math.Inf(1)}), "soil_moisture +Inf does not fit"},
		{"soil temperature too low", "dragino/lse01", soil(city.Value{Quantity: city.SoilTemperature, Number: -400}), "soil_temperature -400 does not fit: the frame holds -327.68 to 327.67 °C"},
		{"conductivity too large", "dragino/lse01", soil(city.Value{Quantity: city.Conductivity, Number: 65536}), "conductivity 65536 does not fit"},
		{"occupied missing", "bosch/tps110", []city.Value{{Quantity: city.Temperature}}, "occupied is missing"},
		{"bay foreign quantity", "bosch/tps110", []city.Value{{Quantity: city.Distance}}, "does not send distance"},
		{"bay too hot", "bosch/tps110", []city.Value{{Quantity: city.Occupied}, {Quantity: city.Temperature, Number: 128}}, "temperature 128 does not fit: the frame holds -128 to 127 °C"},
	} {
		t.Run(c.name, func(t *testing.T) {
			port, payload, err := New().Encode(c.model, c.values)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("port %d payload %x error %v, want %q", port, payload, err, c.want)
			}
		})
	}
}

// measured draws values on the device's own grid, each quantity or not where the device
// may leave it out.
func measured(t *rapid.T, model string) []city.Value {
	var values []city.Value
	draw := func(q city.Quantity, lowest, highest int, perUnit float64) {
		n := rapid.IntRange(lowest, highest).Draw(t, q.String())
		values = append(values, city.Value{Quantity: q, Number: float64(n) / perUnit})
	}
	maybe := func(q city.Quantity, lowest, highest int, perUnit float64) {
		if rapid.Bool().Draw(t, "has "+q.String()) {
			draw(q, lowest, highest, perUnit)
		}
	}
	switch model {
	case "milesight/em310-udl":
		maybe(city.BatteryLevel, 0, 100, 1)
		maybe(city.Tilt, 0, 1, 1)
		draw(city.Distance, 1, 50_000, 1)
	case "dragino/lse01", "dragino/lse01-fw1.1":
		draw(city.BatteryVoltage, 0, 16_383, 1000)
		maybe(city.Temperature, -600, 1250, 10)
		draw(city.SoilMoisture, 0, 10_000, 100)
		draw(city.SoilTemperature, -5000, 9000, 100)
		draw(city.Conductivity, 0, 65_000, 1)
	case "bosch/tps110":
		draw(city.Occupied, 0, 1, 1)
		maybe(city.Temperature, -60, 125, 1)
	default:
		t.Fatalf("the test does not know what %s measures", model)
	}
	return values
}

// What a device can measure survives the frame exactly.
func TestEncodeDecode(t *testing.T) {
	table := New()
	for _, model := range table.Models() {
		t.Run(model, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				values := measured(t, model)
				port, payload, err := table.Encode(model, values)
				if err != nil {
					t.Fatal(err)
				}
				r, err := decode(table, model, port, payload, nil)
				if err != nil {
					t.Fatal(err)
				}
				if len(r.Values) != len(values) {
					t.Fatalf("values %v, want %v", r.Values, values)
				}
				for _, v := range values {
					if n, ok := r.Value(v.Quantity); !ok || n != v.Number {
						t.Errorf("%s = %v (there: %v), want %v", v.Quantity, n, ok, v.Number)
					}
				}
				for _, f := range r.Faults {
					if f != city.FaultUncalibrated {
						t.Errorf("fault %s", f)
					}
				}
			})
		})
	}
}
