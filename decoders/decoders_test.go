package decoders

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"meldefunk/city"
)

func TestTable(t *testing.T) {
	kinds := map[string]city.Kind{
		"milesight/em310-udl": city.Bin,
		"dragino/lse01":       city.Soil,
		"dragino/lse01-fw1.1": city.Soil,
		"bosch/tps110":        city.Parking,
	}
	table := New()
	if got, want := strings.Join(table.Models(), " "), "bosch/tps110 dragino/lse01 dragino/lse01-fw1.1 milesight/em310-udl"; got != want {
		t.Errorf("models %s, want %s", got, want)
	}
	for model, kind := range kinds {
		if !table.Knows(model) || table.Kind(model) != kind {
			t.Errorf("%s: known %v, kind %v, want %v", model, table.Knows(model), table.Kind(model), kind)
		}
	}
	for _, stranger := range []string{"", "em310-udl", "Milesight/EM310-UDL", "milesight/em310"} {
		if table.Knows(stranger) || table.Kind(stranger) != city.KindUnknown {
			t.Errorf("%q: known %v, kind %v, want a stranger", stranger, table.Knows(stranger), table.Kind(stranger))
		}
	}
}

// What the catalogue promises: names once, ports once per model, something to decode.
func TestCatalogue(t *testing.T) {
	names := make(map[string]bool)
	for _, m := range catalogue() {
		if names[m.name] {
			t.Errorf("%s is listed twice", m.name)
		}
		names[m.name] = true
		if strings.ToLower(m.name) != m.name || strings.Count(m.name, "/") != 1 {
			t.Errorf("%s is not vendor/model in lower case", m.name)
		}
		if m.kind == city.KindUnknown || m.encode == nil {
			t.Errorf("%s: kind %v, encoder there: %v", m.name, m.kind, m.encode != nil)
		}
		ports := make(map[uint8]bool)
		measures := false
		for _, p := range m.ports {
			if ports[p.number] || p.carries == "" {
				t.Errorf("%s port %d: listed before: %v, carries %q", m.name, p.number, ports[p.number], p.carries)
			}
			ports[p.number] = true
			measures = measures || p.decode != nil
		}
		if !measures {
			t.Errorf("%s measures on no port", m.name)
		}
	}
}

func TestDecodeUnknownModel(t *testing.T) {
	_, err := decode(New(), "acme/x1", 1, []byte{1}, nil)
	var rejection *city.Rejection
	if !errors.As(err, &rejection) || rejection.Reason != city.ReasonUndecodable {
		t.Fatalf("error %v, want an undecodable rejection", err)
	}
	for _, word := range []string{`"acme/x1"`, "milesight/em310-udl"} {
		if !strings.Contains(rejection.Detail, word) {
			t.Errorf("detail %q does not name %s", rejection.Detail, word)
		}
	}
}

func TestDecodeWithoutAsset(t *testing.T) {
	var r city.Reading
	err := New().Decode(&city.Device{Model: "milesight/em310-udl"}, nil,
		&city.Uplink{FPort: 85, Payload: []byte{0x03, 0x82, 0x44, 0x08}}, &r)
	if err != nil {
		t.Fatal(err)
	}
	checkValueSet(t, r.Values, map[city.Quantity]float64{city.Distance: 2116})
	if !r.Has(city.FaultUncalibrated) {
		t.Errorf("faults %v, want uncalibrated", r.Faults)
	}
}

// The bytes belong to the caller, who may use them again.
func TestDecodeKeepsNothing(t *testing.T) {
	payload := []byte{0x01, 0x75, 0x5c, 0xaa, 0xbb}
	r, err := decode(New(), "milesight/em310-udl", 85, payload, nil)
	if err != nil {
		t.Fatal(err)
	}
	clear(payload)
	if !bytes.Equal(r.Tail, []byte{0xaa, 0xbb}) {
		t.Errorf("tail %x changed with the payload", r.Tail)
	}
}

// goodFrames is one ordinary frame per model.
func goodFrames() []vector {
	return []vector{
		{Model: "milesight/em310-udl", Port: 85, Hex: "01755c03824408040001"},
		{Model: "dragino/lse01", Port: 2, Hex: "0ce500f105dc04b900c810"},
		{Model: "bosch/tps110", Port: 2, Hex: "010a"},
	}
}

func TestDecodeAllocations(t *testing.T) {
	table := New()
	asset := &city.Asset{Bin: &city.BinCalibration{Empty: 2500, Full: 500}}
	for _, frame := range goodFrames() {
		t.Run(frame.Model, func(t *testing.T) {
			device := &city.Device{Model: frame.Model}
			uplink := &city.Uplink{FPort: frame.Port, Payload: unhex(t, frame.Hex)}
			var fresh, reused city.Reading
			if n := testing.AllocsPerRun(100, func() {
				fresh = city.Reading{}
				if err := table.Decode(device, asset, uplink, &fresh); err != nil {
					t.Fatal(err)
				}
			}); n > 1 {
				t.Errorf("%v allocations into an empty reading, want 1 at most", n)
			}
			reused.Values = make([]city.Value, 0, mostValues)
			if n := testing.AllocsPerRun(100, func() {
				reused.Values = reused.Values[:0]
				if err := table.Decode(device, asset, uplink, &reused); err != nil {
					t.Fatal(err)
				}
			}); n > 0 {
				t.Errorf("%v allocations into a reading with room, want none", n)
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	table := New()
	asset := &city.Asset{Bin: &city.BinCalibration{Empty: 2500, Full: 500}}
	for _, frame := range goodFrames() {
		b.Run(frame.Model, func(b *testing.B) {
			device := &city.Device{Model: frame.Model}
			uplink := &city.Uplink{FPort: frame.Port, Payload: unhex(b, frame.Hex)}
			var r city.Reading // the caller's own; its cost is not the decoder's
			b.ReportAllocs()
			for b.Loop() {
				r = city.Reading{}
				if err := table.Decode(device, asset, uplink, &r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	table := New()
	for _, frame := range goodFrames() {
		b.Run(frame.Model, func(b *testing.B) {
			r, err := decode(table, frame.Model, frame.Port, unhex(b, frame.Hex), nil)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := table.Encode(frame.Model, r.Values); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
