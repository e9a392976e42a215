package decoders

import (
	"slices"
	"strings"
	"testing"

	"meldefunk/city"
)

// A device whose firmware is known is read as the model that is named after it, and one whose
// firmware is not as the newest.
func TestFirmwarePicksTheVariant(t *testing.T) {
	table := New()
	// Bit 7 of the last byte: dielectric constant and raw counts since firmware 1.2.1.
	payload := unhex(t, "ce2900f107a5099b6e2890")
	for _, c := range []struct {
		model, firmware string
		old             bool
	}{
		{"dragino/lse01", "", false},
		{"dragino/lse01", "1.0", true},
		{"dragino/lse01", "v1.1", true},
		{"dragino/lse01", "1.1.4", true},
		{"dragino/lse01", "1.2.1", false},
		{"dragino/lse01", "1.10", false},
		{"dragino/lse01-fw1.1", "", true},
		{"dragino/lse01-fw1.1", "1.2.1", true}, // who names the variant gets it
		{"dragino/se01-lb", "1.0", false},      // a model without variants
	} {
		t.Run(c.model+" "+c.firmware, func(t *testing.T) {
			d := &city.Device{Model: c.model}
			if c.firmware != "" {
				var err error
				if d.Firmware, err = city.ParseFirmware(c.firmware); err != nil {
					t.Fatal(err)
				}
			}
			var r city.Reading
			if err := table.Decode(d, nil, &city.Uplink{FPort: 2, Payload: payload}, &r); err != nil {
				t.Fatal(err)
			}
			if _, old := r.Value(city.SoilMoisture); old != c.old {
				t.Errorf("values %v, old firmware %v, want %v", r.Values, old, c.old)
			}
		})
	}
}

// Every model that is named after a firmware is found by it.
func TestVariants(t *testing.T) {
	table := New()
	found := 0
	for name, m := range table.models {
		base, version, ok := strings.Cut(name, variantMark)
		if !ok {
			continue
		}
		found++
		last, err := city.ParseFirmware(version)
		if err != nil || table.models[base] == nil || table.models[base].of(last) != m || table.models[base].kind != m.kind {
			t.Errorf("%s is no variant of %s: %v", name, base, err)
		}
	}
	if found == 0 {
		t.Error("no variant")
	}
	newest := &model{name: "a/b"}
	several := Table{models: map[string]*model{"a/b": newest, "a/b-fw1.9": {}, "a/b-fw1.10.2": {}, "a/b-fw0.3": {}}}
	several.addVariants()
	for text, want := range map[string]string{"0.1": "a/b-fw0.3", "1": "a/b-fw1.9", "1.9.7": "a/b-fw1.9", "1.10": "a/b-fw1.10.2", "1.10.3": "a/b"} {
		f, err := city.ParseFirmware(text)
		if err != nil || newest.of(f) != several.models[want] {
			t.Errorf("firmware %s is not read as %s (%v)", text, want, err)
		}
	}
}

func TestKindsOfModels(t *testing.T) {
	table := New()
	for model, want := range map[string][]city.Kind{
		"milesight/em310-udl":   {city.Bin, city.Level},
		"milesight/em410-rdl":   {city.Level, city.Bin},
		"milesight/em500-swl":   {city.Level},
		"dragino/lht65":         {city.Air, city.Weather},
		"milesight/wts506":      {city.Weather, city.Air},
		"dragino/lds02":         {city.Door, city.Level},
		"milesight/ws301":       {city.Door},
		"dragino/lse01":         {city.Soil},
		"bosch/tps110":          {city.Parking},
		"digital-matter/oyster": {city.Tracker},
		"parametric/pcr2":       {city.People},
		"nas/ul2030":            {city.Light},
		"axioma/qalcosonic-w1":  {city.Meter},
		"acme/unknown":          nil,
	} {
		if got := table.Kinds(model); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", model, got, want)
		}
	}
	for _, model := range table.Models() {
		if kinds := table.Kinds(model); len(kinds) == 0 || kinds[0] != table.Kind(model) {
			t.Errorf("%s: kinds %v, want %v first", model, kinds, table.Kind(model))
		}
	}
}
