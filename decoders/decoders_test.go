package decoders

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"meldefunk/city"
)

// Every model, by the kind of asset it is made for. Files name models by these words, so a
// word that goes away breaks an inventory.
func modelsByKind() map[city.Kind]string {
	return map[city.Kind]string{
		city.Bin: `
			decentlab/dl-lid decentlab/dl-lid2 decentlab/dl-mbx dingtek/df530 dingtek/df555 dingtek/df702
			dingtek/df703 dragino/dds75-3-lb dragino/dds75-lb dragino/ldds45 dragino/ldds75 dragino/ldds75-fw1.1.3
			dragino/llds12 elsys/elt-ultrasonic enginko/lw20w00 milesight/em310-udl milesight/em400-mud
			milesight/em400-tld milesight/em400-udl milesight/em500-udl milesight/ws201 netvox/r718x
			pepperl-fuchs/wilsen-sonic-distance pepperl-fuchs/wilsen-sonic-level sensoneo/quatro
			sensoneo/single sentinum/apollon-q tekelek/tek766 teneo-iot/filling-degree terabee/level-monitoring-xl`,
		city.Soil: `
			decentlab/dl-smtp decentlab/dl-trs11 decentlab/dl-trs12 decentlab/dl-trs21 dragino/lse01
			dragino/lse01-fw1.1 dragino/se01-lb milesight/em500-smt milesight/em500-smtc sensecap/s2104
			sensecap/s2105 tektelic/clover tektelic/kiwi teneo-iot/soil-moisture`,
		city.Parking: `
			bosch/tps110 dingtek/do200 dingtek/do201 libelium/smart-parking netvox/r719a nwave/nps310
			nwave/nps405 pni/placepod tekzitel/tekzipark`,
		city.Level: `
			decentlab/dl-ctd10 decentlab/dl-ctd10b decentlab/dl-pr21-1-10 decentlab/dl-pr26-0-1
			decentlab/dl-pr26-0-10 decentlab/dl-pr26-0-3 decentlab/dl-pr36-8192
			decentlab/dl-pr36ctd-8192 dingtek/dc410 elsys/elt-2 elsys/elt-lite enginko/lw20l00 keller/adt1 keller/arc1
			mclimate/flood-sensor milesight/em410-rdl milesight/em500-swl`,
		city.Weather: `
			decentlab/dl-atm22 decentlab/dl-atm41 decentlab/dl-tbrg-01 milesight/wts506 sensecap/s2120`,
		city.Air: `
			decentlab/dl-iam decentlab/dl-pm decentlab/dl-sht35 dragino/lht65 elsys/ers elsys/ers-co2
			elsys/ers-co2-lite elsys/ers-eye elsys/ers-lite elsys/ers-sound elsys/ers-voc uradmonitor/a3`,
		city.People: `
			dingtek/dc500 dingtek/dc510 dingtek/dc520 milesight/vs121 milesight/vs133 nwave/ncc405
			parametric/pcr2`,
		city.Door: `
			dragino/lds02 elsys/ems elsys/ems-door elsys/ems-lite milesight/em300-mcs milesight/ws301`,
		city.Tracker: `
			digital-matter/oyster dragino/trackerd`,
		city.Light: `nas/ul2030`,
		city.Meter: `axioma/qalcosonic-w1 bmeters/iwm-lr3 bmeters/iwm-lr4`,
	}
}

func TestTable(t *testing.T) {
	table := New()
	count := 0
	for kind, models := range modelsByKind() {
		for _, model := range strings.Fields(models) {
			count++
			if !table.Knows(model) || table.Kind(model) != kind {
				t.Errorf("%s: known %v, kind %v, want %v", model, table.Knows(model), table.Kind(model), kind)
			}
		}
	}
	if models := table.Models(); len(models) != count || !slices.IsSorted(models) {
		t.Errorf("%d models %v, want %d, sorted", len(models), models, count)
	}
	for _, stranger := range []string{"", "em310-udl", "Milesight/EM310-UDL", "milesight/em310"} {
		if table.Knows(stranger) || table.Kind(stranger) != city.KindUnknown {
			t.Errorf("%q: known %v, kind %v, want a stranger", stranger, table.Knows(stranger), table.Kind(stranger))
		}
	}
}

// What the catalogue promises: names once, ports once per model, something to decode and to
// encode.
func TestCatalogue(t *testing.T) {
	names := make(map[string]bool)
	for _, m := range catalogue() {
		if names[m.name] {
			t.Errorf("%s is listed twice", m.name)
		}
		names[m.name] = true
		if strings.ToLower(m.name) != m.name || strings.Count(m.name, "/") != 1 || m.kind == city.KindUnknown {
			t.Errorf("%s, kind %v: want vendor/model in lower case, and a kind", m.name, m.kind)
		}
		ports := make(map[uint8]bool)
		measures := false
		for _, p := range m.ports {
			if ports[p.number] || p.number == 0 || p.carries == "" || p.any && len(m.ports) > 1 {
				t.Errorf("%s port %d: listed before: %v, carries %q, any %v", m.name, p.number, ports[p.number], p.carries, p.any)
			}
			ports[p.number] = true
			measures = measures || p.layout != nil && len(p.layout.carries()) > 0
			for _, fields := range places(p.layout) {
				if len(addQuantities(nil, fields)) < len(fields) {
					t.Errorf("%s port %d: a quantity has two places in one frame", m.name, p.number)
				}
			}
		}
		if !measures {
			t.Errorf("%s measures on no port", m.name)
		}
	}
}

// places are the fields that are read without looking for repetitions, frame by frame.
func places(l layout) (all [][]field) {
	switch l := l.(type) {
	case frames:
		for i := range l {
			all = append(all, l[i].fields)
		}
	case *either:
		return places(l.extended)
	case decentlabBlocks:
		var fields []field
		for i := range l {
			fields = append(fields, l[i].fields...)
		}
		all = append(all, fields)
	}
	return all
}

func TestDecodeUnknownModel(t *testing.T) {
	_, err := decode(New(), "acme/x1", 1, []byte{1}, nil)
	var rejection *city.Rejection
	if !errors.As(err, &rejection) || rejection.Reason != city.ReasonUndecodable {
		t.Fatalf("error %v, want an undecodable rejection", err)
	}
	if !strings.Contains(rejection.Detail, `"acme/x1"`) {
		t.Errorf("detail %q does not name the model", rejection.Detail)
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

// goodFrames is the first example of every model with which nothing is wrong.
func goodFrames(t testing.TB) []vector {
	t.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	var frames []vector
	seen := make(map[string]bool)
	for _, file := range files {
		for _, v := range loadVectors(t, file) {
			wrong := slices.ContainsFunc(v.Faults, func(f city.Fault) bool { return f != city.FaultUncalibrated })
			if len(v.Values) > 0 && len(v.Tail)+len(v.History) == 0 && !wrong && !seen[v.Model] {
				seen[v.Model] = true
				frames = append(frames, v)
			}
		}
	}
	return frames
}

// pastFrames is the first example with records of every model that has them.
func pastFrames(t testing.TB) []vector {
	t.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	var frames []vector
	seen := make(map[string]bool)
	for _, file := range files {
		for _, v := range loadVectors(t, file) {
			if len(v.History) > 0 && len(v.Tail) == 0 && !seen[v.Model] {
				seen[v.Model] = true
				frames = append(frames, v)
			}
		}
	}
	return frames
}

// goodAsset has all that an asset of the kind can have, so that computed values are paid for.
func goodAsset(k city.Kind) *city.Asset {
	switch k {
	case city.Bin, city.Level:
		return &city.Asset{Bin: &city.BinCalibration{Empty: 12_000, Full: -500, Shape: city.LyingCylinder}}
	case city.Soil:
		return &city.Asset{
			Soil:    &city.SoilCalibration{FieldCapacity: 30, WiltingPoint: 12},
			Offsets: &city.Offsets{Values: []city.Value{{Quantity: city.SoilMoisture, Number: 0.5}}},
		}
	}
	return &city.Asset{}
}

// Into an empty reading the values are allocated, and at most one fault. Nothing more.
func TestDecodeAllocations(t *testing.T) {
	table := New()
	for _, frame := range goodFrames(t) {
		t.Run(frame.Model, func(t *testing.T) {
			device, asset := &city.Device{Model: frame.Model}, goodAsset(table.Kind(frame.Model))
			uplink := &city.Uplink{FPort: frame.Port, Payload: unhex(t, frame.Hex)}
			var fresh, reused city.Reading
			if n := testing.AllocsPerRun(100, func() {
				fresh = city.Reading{}
				if err := table.Decode(device, asset, uplink, &fresh); err != nil {
					t.Fatal(err)
				}
			}); n > 2 || n > 1 && len(fresh.Faults) == 0 {
				t.Errorf("%v allocations into an empty reading with faults %v, want 1, and 2 with a fault", n, fresh.Faults)
			}
			reused.Values, reused.Faults = make([]city.Value, 0, 32), make([]city.Fault, 0, 4)
			if n := testing.AllocsPerRun(100, func() {
				reused.Values, reused.Faults = reused.Values[:0], reused.Faults[:0]
				if err := table.Decode(device, asset, uplink, &reused); err != nil {
					t.Fatal(err)
				}
			}); n > 0 {
				t.Errorf("%v allocations into a reading with room, want none", n)
			}
		})
	}
}

// All values of a frame with records are one allocation, all records another; each fault list
// is one more.
func TestRecordAllocations(t *testing.T) {
	table := New()
	for _, frame := range pastFrames(t) {
		t.Run(frame.Model, func(t *testing.T) {
			device, asset := &city.Device{Model: frame.Model}, goodAsset(table.Kind(frame.Model))
			uplink := &city.Uplink{FPort: frame.Port, Payload: unhex(t, frame.Hex)}
			var r city.Reading
			n := testing.AllocsPerRun(100, func() {
				r = city.Reading{}
				if err := table.Decode(device, asset, uplink, &r); err != nil {
					t.Fatal(err)
				}
			})
			want := 2 + min(len(r.Faults), 1)
			for _, past := range r.History {
				want += min(len(past.Faults), 1)
			}
			if int(n) > want {
				t.Errorf("%v allocations with faults %v and records %v, want %d", n, r.Faults, r.History, want)
			}
		})
	}
}

// Whoever keeps a record does not see the values of another change.
func TestRecordsDoNotShareValues(t *testing.T) {
	r, err := decode(New(), "milesight/em300-mcs", 85, unhex(t, "03670000"+"20ce00f153650a006401"+"20ce10f153650b006500"), nil)
	if err != nil || len(r.History) != 2 {
		t.Fatalf("records %v, error %v, want two", r.History, err)
	}
	_ = append(r.Values, make([]city.Value, 20)...)
	_ = append(r.History[0].Values, make([]city.Value, 20)...)
	_ = append(r.History[1].Values, make([]city.Value, 20)...)
	checkValueSet(t, r.Values, map[city.Quantity]float64{city.Temperature: 0})
	checkValueSet(t, r.History[0].Values, map[city.Quantity]float64{city.Temperature: 1, city.Humidity: 50, city.DoorOpen: 1})
	checkValueSet(t, r.History[1].Values, map[city.Quantity]float64{city.Temperature: 1.1, city.Humidity: 50.5, city.DoorOpen: 0})
}

func BenchmarkDecode(b *testing.B)       { benchmarkDecode(b, goodFrames(b)) }
func BenchmarkDecodeRecord(b *testing.B) { benchmarkDecode(b, pastFrames(b)) }

func benchmarkDecode(b *testing.B, frames []vector) {
	table := New()
	for _, frame := range frames {
		b.Run(frame.Model, func(b *testing.B) {
			device, asset := &city.Device{Model: frame.Model}, goodAsset(table.Kind(frame.Model))
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
	for _, frame := range goodFrames(b) {
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
