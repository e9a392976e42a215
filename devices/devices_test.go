package devices

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"meldefunk/city"
	"meldefunk/city/register"
)

// catalogue is what decoders know, as far as these tests need it.
type catalogue struct{}

func (catalogue) Models() []string {
	return []string{"bosch/tps110", "dragino/lse01", "milesight/em310-udl"}
}

func (catalogue) Kinds(model string) []city.Kind {
	switch model {
	case "bosch/tps110":
		return []city.Kind{city.Parking}
	case "dragino/lse01":
		return []city.Kind{city.Soil}
	case "milesight/em310-udl":
		return []city.Kind{city.Bin, city.Level}
	}
	return nil
}

func eui(t testing.TB, s string) city.EUI {
	t.Helper()
	e, err := city.ParseEUI(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestExampleFiles(t *testing.T) {
	inv, err := Load([]string{"testdata/inventory.yaml", "testdata/devices.csv"}, register.Snapshot{}, catalogue{})
	if err != nil {
		t.Fatal(err)
	}
	want := []city.Asset{
		{ID: "BA-7", Kind: city.Soil, Name: "Linde Große Straße", Address: "Große Straße 17", Position: &city.Position{Lat: 52.2739, Lon: 8.0461}, District: "Innenstadt"},
		{ID: "BA-12", Kind: city.Soil, Name: "Platane Neumarkt", Position: &city.Position{Lat: 52.2721, Lon: 8.0467}},
		{ID: "PK-0042", Kind: city.Bin, Name: "Papierkorb Domhof 4", Address: "Domhof 4", Position: &city.Position{Lat: 52.2775, Lon: 8.0417}, District: "Innenstadt", Tour: "3", Bin: &city.BinCalibration{Empty: 1200, Full: 200, Offset: -15}},
		{ID: "PK-0043", Kind: city.Bin, Name: `Papierkorb "Am Dom"; Nordseite`, Address: "Domhof 8", Position: &city.Position{Lat: 52.2779, Lon: 8.0421}, District: "Innenstadt", Tour: "3", Bin: &city.BinCalibration{Empty: 1150, Full: 180.5}},
		{ID: "PK-0044", Kind: city.Bin, Name: "Papierkorb Hasestraße 12", Address: "Hasestraße 12", Position: &city.Position{Lat: 52.2788, Lon: 8.0440}, District: "Innenstadt", Tour: "3"},
		{ID: "SP-001", Kind: city.Parking, Name: "Ladeplatz Lotter Straße", District: "Weststadt"},
		{ID: "SP-002", Kind: city.Parking, Name: "Ladeplatz Martinistraße", Address: "Martinistraße 3", Position: &city.Position{Lat: 52.2703, Lon: 8.0381}, District: "Wüste"},
	}
	var got []city.Asset
	for _, a := range inv.Assets() {
		got = append(got, *a)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if inv.AssetCount() != 7 || inv.DeviceCount() != 6 {
		t.Errorf("%d assets, %d devices", inv.AssetCount(), inv.DeviceCount())
	}
	if got := inv.Servers(); !slices.Equal(got, []string{"stadtwerke"}) {
		t.Errorf("servers %v", got)
	}

	finds := []struct {
		name, server, eui, asset, model string
	}{
		{"on the named server", "stadtwerke", "24e1247130000042", "PK-0042", "milesight/em310-udl"},
		{"on another server", "other", "24e1247130000042", "", ""},
		{"on any server", "other", "a840410001810001", "BA-7", "dragino/lse01"},
		{"device in one file, asset in the other", "", "a840410001810002", "BA-12", "dragino/lse01"},
		{"unknown", "stadtwerke", "24e1247130000049", "", ""},
	}
	for _, tt := range finds {
		t.Run(tt.name, func(t *testing.T) {
			e := eui(t, tt.eui)
			d, a, ok := find(inv, tt.server, e)
			if !ok {
				if tt.asset != "" || d != nil || a != nil {
					t.Errorf("not found (%v, %v)", d, a)
				}
				return
			}
			if a.ID != tt.asset || d.Model != tt.model || d.DevEUI != e || d.Asset != a.ID {
				t.Errorf("got %+v on %+v", d, a)
			}
			if same, ok := inv.Asset(a.ID); !ok || same != a {
				t.Errorf("Asset gives %p, Find %p", same, a)
			}
			if on := inv.Devices(a.ID); len(on) != 1 || on[0] != d {
				t.Errorf("Devices gives %v", on)
			}
		})
	}
	if on := inv.Devices("SP-001"); len(on) != 0 {
		t.Errorf("an asset without a device has %v", on)
	}
	if a, ok := inv.Asset("SP-003"); ok || a != nil || inv.Devices("SP-003") != nil {
		t.Errorf("unknown asset found: %v", a)
	}
}

func TestNew(t *testing.T) {
	bin := city.Asset{ID: "PK-1", Kind: city.Bin}
	sensor := city.Device{DevEUI: eui(t, "24e1247130000042"), Model: "milesight/em310-udl", Asset: "PK-1"}
	inv, err := New([]city.Device{sensor}, []city.Asset{bin}, catalogue{})
	if err != nil {
		t.Fatal(err)
	}
	if d, a, ok := find(inv, "any", sensor.DevEUI); !ok || *d != sensor || *a != bin {
		t.Errorf("found %v, %v, %v", d, a, ok)
	}

	empty, err := New(nil, nil, catalogue{})
	if err != nil || empty.AssetCount()+empty.DeviceCount() != 0 || len(empty.Assets()) != 0 {
		t.Errorf("empty inventory: %v, %v", empty, err)
	}

	_, err = New(
		[]city.Device{sensor, {Model: "milesight/em310-udl"}, {DevEUI: sensor.DevEUI, Model: "acme/x", Asset: "PK-2"}},
		[]city.Asset{bin, {Bin: &city.BinCalibration{Empty: 100, Full: 100}}},
		catalogue{})
	want := `assets[1]: id: is missing: want the city's number of it, like PK-0042
assets[1]: kind: is missing: want one of [bin soil parking level weather air people door tracker light meter]
assets[1]: full: 100 mm does not fit: want the distance at which it counts as full, at least 0 and less than when empty (100 mm)
devices[1]: dev_eui: is missing: want 16 hex digits, like a840410001810001
devices[1]: asset: is missing: want the number of the asset that the device hangs on
devices[2]: dev_eui: 24e1247130000042 stands in devices[0] already: want every device once
devices[2]: model: unknown model "acme/x": want one of bosch/tps110, dragino/lse01, milesight/em310-udl
devices[2]: asset: unknown asset "PK-2": want one that is described, here or in another file; in CSV a row describes its asset once it has a kind`
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
}

func TestNatural(t *testing.T) {
	want := []string{"", "7", "10", "BA-7", "BA-07", "BA-7a", "BA-7b", "BA-12", "BA-12-9", "BA-12-10", "PK", "PK-0042", "PK-43", "PK-99999999999999999999", "PK-100000000000000000000"}
	want[3], want[4] = "BA-07", "BA-7" // equal by value: by letters then
	for i, a := range want {
		for j, b := range want {
			if got := Natural(a, b); got < 0 != (i < j) || got > 0 != (i > j) {
				t.Errorf("Natural(%q, %q) = %d", a, b, got)
			}
		}
	}
}

func TestFindAllocatesNothing(t *testing.T) {
	inv, err := Load([]string{"testdata/inventory.yaml"}, register.Snapshot{}, catalogue{})
	if err != nil {
		t.Fatal(err)
	}
	e := eui(t, "24e1247130000042")
	if n := testing.AllocsPerRun(100, func() { inv.Find("stadtwerke", e) }); n != 0 {
		t.Errorf("%v allocations per Find, want none", n)
	}
}

func BenchmarkFind(b *testing.B) {
	const n = 100_000
	assets, sensors := make([]city.Asset, n), make([]city.Device, n)
	for i := range n {
		assets[i] = city.Asset{ID: fmt.Sprintf("PK-%d", i), Kind: city.Bin}
		sensors[i] = city.Device{DevEUI: city.EUI{1, 2, 3, 4, 5, byte(i >> 16), byte(i >> 8), byte(i)}, Model: "milesight/em310-udl", Asset: assets[i].ID}
	}
	inv, err := New(sensors, assets, catalogue{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, _, ok := inv.Find("s", sensors[i%n].DevEUI); !ok {
			b.Fatal("lost")
		}
		i += 7919
	}
}
