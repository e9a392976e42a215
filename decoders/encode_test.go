package decoders

import (
	"encoding/hex"
	"math"
	"slices"
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
		{"unknown model", "acme/x1", nil, `"acme/x1": unknown model`},
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

// part is what goes into a frame together, and how each quantity stands there.
type part []stands

type stands struct {
	quantity        city.Quantity
	lowest, highest float64 // what the frame can hold of what is possible
	step            float64 // resolution
	field           *field  // nil: something special
}

// parts takes a layout apart: of whole frames one is sent at a time, of items any.
func parts(t testing.TB, l layout) (whole, any []part) {
	t.Helper()
	switch l := l.(type) {
	case frames:
		for i := range l {
			if p := append(partOf(l[i].fields), specialPart(l[i].special)...); len(p) > 0 {
				whole = append(whole, p)
			}
		}
	case *items:
		any = itemParts(l.list)
	case *wilsenItems:
		any = itemParts(l.list)
	case sensecapEntries:
		any = itemParts(l)
	case decentlabBlocks:
		for i := range l {
			any = append(any, append(partOf(l[i].fields), specialPart(l[i].special)...))
		}
	case *either:
		whole, _ = parts(t, l.extended)
		_, any = parts(t, l.items)
	case sensoneoText:
		whole = []part{{{city.BatteryVoltage, 0, 60, 0.01, nil}, {city.Temperature, -60, 125, 0.01, nil}, {city.Distance, 0, 50_000, 0.1, nil}}}
	case *kellerChannels:
		whole, _ = parts(t, l.device)
		for i := range l.fields {
			if l.fields[i].quantity != city.QuantityUnknown {
				any = append(any, partOf(l.fields[i:i+1]))
			}
		}
	case *datalog, unread, nil:
	default:
		t.Fatalf("the test does not know the layout %T", l)
	}
	return whole, any
}

func itemParts(list []item) (any []part) {
	for i := range list {
		if len(list[i].fields) > 0 && !list[i].record {
			any = append(any, partOf(list[i].fields))
		}
	}
	return any
}

func partOf(fields []field) (p part) {
	for i := range fields {
		f := &fields[i]
		s := stands{quantity: f.quantity, step: 1, field: f}
		s.lowest, s.highest = f.quantity.Range()
		if f.times != 0 {
			s.step *= f.times
		}
		if f.per != 0 {
			s.step /= f.per
		}
		switch {
		case f.form.float():
			s.step = 2e-4 // 24 bits, of numbers below 2000
		case !f.quantity.Boolean():
			lowest, highest := f.limits()
			s.lowest, s.highest = max(s.lowest, f.value(lowest)), min(s.highest, f.value(highest))
		}
		p = append(p, s)
	}
	return p
}

func specialPart(s *special) (p part) {
	if s == nil {
		return nil
	}
	for _, q := range s.carries {
		switch q {
		case city.Distance:
			p = append(p, stands{q, 20, 5100, 5, nil})
		case city.Latitude, city.Longitude:
			p = append(p, stands{q, 1, 90, 1e-4, nil})
		case city.TiltAngle:
			p = append(p, stands{q, -180, 255, 1, nil})
		case city.PreviousDuration:
			p = append(p, stands{q, 0, 660, 120, nil})
		case city.Illuminance:
			p = append(p, stands{q, 0, 100_000, 1.5504, nil})
		case city.Leak:
			p = append(p, stands{q, 0, 1, 1, nil})
		default:
			panic("the test does not know how " + q.String() + " stands in a frame")
		}
	}
	return p
}

// measured draws a frame's values from all that a model can send.
func measured(t *rapid.T, whole, any []part) (drawn part, values []city.Value) {
	if len(whole) > 0 && (len(any) == 0 || rapid.Bool().Draw(t, "whole frame")) {
		drawn = rapid.SampledFrom(whole).Draw(t, "frame")
	} else {
		first := rapid.IntRange(0, len(any)-1).Draw(t, "first item")
		for i := range any {
			p := any[(first+i)%len(any)]
			overlaps := slices.ContainsFunc(p, func(s stands) bool {
				return slices.ContainsFunc(drawn, func(d stands) bool { return d.quantity == s.quantity })
			})
			if !overlaps && (i == 0 || rapid.Bool().Draw(t, "item")) {
				drawn = append(drawn, p...)
			}
		}
	}
	for _, s := range drawn {
		n := rapid.Float64Range(s.lowest, s.highest).Draw(t, s.quantity.String())
		if s.quantity.Boolean() {
			n = math.Round(n)
		}
		values = append(values, city.Value{Quantity: s.quantity, Number: n})
	}
	return drawn, values
}

// What a device measures survives the frame to its resolution, and what came out of a frame
// survives the next exactly.
func TestEncodeDecode(t *testing.T) {
	table := New()
	for _, m := range catalogue() {
		t.Run(m.name, func(t *testing.T) {
			for _, p := range m.ports {
				whole, any := parts(t, p.layout)
				if len(whole)+len(any) == 0 {
					continue
				}
				rapid.Check(t, func(t *rapid.T) {
					drawn, values := measured(t, whole, any)
					read := roundTrip(t, table, m.name, values)
					for i, s := range drawn {
						n, ok := read.Value(s.quantity)
						if !ok && saysNothing(s, values[i].Number) {
							t.Skip("drew a code, or a number that the frame rounds to an impossible one")
						}
						if !ok || math.Abs(n-values[i].Number) > s.step/2*(1+1e-9)+1e-9+1e-15*math.Abs(n) {
							t.Errorf("%s = %v (there: %v), want %v to %v", s.quantity, n, ok, values[i].Number, s.step/2)
						}
					}
					measured := inFrame(read.Values)
					again := roundTrip(t, table, m.name, measured)
					if !slices.Equal(again.Values, read.Values) || len(measured) != len(values) {
						t.Errorf("values %v, then %v", read.Values, again.Values)
					}
				})
			}
		})
	}
}

// inFrame are the values without a soil tension that was computed from a frequency.
func inFrame(values []city.Value) []city.Value {
	if _, computed := find(values, city.WatermarkFrequency); !computed {
		return values
	}
	return slices.DeleteFunc(slices.Clone(values), func(v city.Value) bool { return v.Quantity == city.SoilTension })
}

func saysNothing(s stands, n float64) bool {
	if s.field == nil {
		return false
	}
	raw, err := s.field.raw(n)
	lowest, highest := s.quantity.Range()
	rounded := s.field.value(raw)
	return err == nil && (rounded < lowest || rounded > highest ||
		slices.ContainsFunc(s.field.codes, func(c code) bool { return c.raw == raw }))
}

func roundTrip(t *rapid.T, table *Table, model string, values []city.Value) city.Reading {
	port, payload, err := table.Encode(model, values)
	if err != nil {
		t.Fatal(err)
	}
	r, err := decode(table, model, port, payload, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Tail) > 0 || len(r.History) > 0 {
		t.Errorf("tail %x, history %v of %x", r.Tail, r.History, payload)
	}
	return r
}
