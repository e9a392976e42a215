package devices

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"meldefunk/city"
	"meldefunk/city/lorawan"
	"meldefunk/city/lorawan/enrol"
	"meldefunk/city/register"
	"meldefunk/devices/change"
)

var importDay = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)

var keks = map[string][]byte{"amt-1": bytes.Repeat([]byte{0x11, 0x22, 0x33, 0x44}, 8), "amt-2": bytes.Repeat([]byte{0x55, 0x66}, 8)}

func wrapWith(label string) func(lorawan.Key) (string, []byte, error) {
	return func(k lorawan.Key) (string, []byte, error) {
		wrapped, err := lorawan.WrapKey(keks[label], k)
		return label, wrapped, err
	}
}

func unwrap(label string, wrapped []byte) (lorawan.Key, error) {
	kek, ok := keks[label]
	if !ok {
		return lorawan.Key{}, errors.New("no such label")
	}
	return lorawan.UnwrapKey(kek, wrapped)
}

func reveal(k register.Keys) (root enrol.RootKeys, err error) {
	if root.Nwk, err = unwrap(k.KEK, k.Nwk); err == nil && len(k.App) > 0 {
		root.App, err = unwrap(k.KEK, k.App)
	}
	return root, err
}

func importer(s register.Snapshot) Import {
	return Import{Register: s, Models: catalogue{}, Stamp: change.Stamp{At: importDay, By: "t", From: "import"}, Wrap: wrapWith("amt-1"), Unwrap: unwrap}
}

// keep keeps a change as the store does.
func keep(s register.Snapshot, c register.Change) register.Snapshot {
	out := s.With(&c)
	out.Revision++
	for i := range out.Devices {
		out.Devices[i].Revision = max(out.Devices[i].Revision, 1)
	}
	for i := range out.Assets {
		out.Assets[i].Revision = max(out.Assets[i].Revision, 1)
	}
	for i := range out.Bindings {
		out.Bindings[i].From = out.Bindings[i].From.UTC()
	}
	return out
}

// text draws what an inventory can hold, formulas and quotes above all.
func drawText(t *rapid.T, label string) string {
	text := rapid.OneOf(
		rapid.Just(""), rapid.SampledFrom([]string{"-", "'-", "=1+1", "'=1", "''@x", "+49 541", "|a", "%", "'", "~", "null", "true", "0x1F", "1e3", "2026-05-03", "a;b,c", `say "x"`, "#1", "- x", "{a}", "ß: ü", "’"}),
		rapid.StringMatching(`[A-Za-zäöü0-9=+@|;,"':#&*!<>\[\]{}%-][A-Za-z ,;:"'=.-]{0,6}[a-z]`),
	).Draw(t, label)
	return strings.TrimSpace(text)
}

func drawRegister(t *rapid.T) register.Snapshot {
	s := register.Snapshot{Revision: 5}
	models := map[city.Kind]string{city.Bin: "milesight/em310-udl", city.Level: "milesight/em310-udl", city.Soil: "dragino/lse01", city.Parking: "bosch/tps110"}
	number := func(low, high int, label string) float64 {
		return float64(rapid.IntRange(low*1000, high*1000).Draw(t, label)) / 1000
	}
	n := rapid.IntRange(0, 5).Draw(t, "assets")
	kinds := map[string]city.Kind{}
	for i := range n {
		kind := rapid.SampledFrom([]city.Kind{city.Bin, city.Soil, city.Parking, city.Level}).Draw(t, "kind")
		a := register.Asset{Revision: 1, Note: drawText(t, "note"), Asset: city.Asset{
			ID: fmt.Sprintf("PK-%d", i), Kind: kind, Name: drawText(t, "name"), Address: drawText(t, "address"),
			District: drawText(t, "district"), Tour: drawText(t, "tour"), Owner: drawText(t, "owner"), Species: drawText(t, "species"),
		}}
		if rapid.Bool().Draw(t, "surveyed") {
			a.Position = &city.Position{Lat: number(48, 55, "lat"), Lon: number(6, 15, "lon")}
		}
		words := rapid.SliceOfNDistinct(rapid.StringMatching(`[A-Z=+'-][a-z]{1,5}`), 0, 3, rapid.ID[string])
		if all := words.Draw(t, "groups"); len(all) > 0 {
			slices.Sort(all)
			a.Groups = all
		}
		if all := words.Draw(t, "photos"); len(all) > 0 {
			a.Photos = all
		}
		switch {
		case kind == city.Soil && rapid.Bool().Draw(t, "type"):
			a.SoilType = "Sl3"
			soil, err := city.SoilOfType("Sl3")
			if err != nil {
				t.Fatal(err)
			}
			a.Soil = &soil
		case kind == city.Soil:
			a.Soil = &city.SoilCalibration{FieldCapacity: number(30, 40, "fc"), WiltingPoint: number(5, 10, "wp")}
		case kind == city.Level && rapid.Bool().Draw(t, "gauge"):
			a.Level = &city.LevelCalibration{Zero: number(1, 9, "zero")}
		case kind == city.Bin || kind == city.Level:
			switch shape := rapid.SampledFrom([]city.Shape{city.Linear, city.LyingCylinder, city.Table}).Draw(t, "shape"); shape {
			case city.Table:
				a.Bin = &city.BinCalibration{Shape: shape, Strapping: &city.StrappingTable{Points: []city.LevelPoint{{Distance: number(100, 200, "d"), Level: 100}, {Distance: number(300, 900, "d"), Level: number(0, 90, "l")}}}}
			case city.LyingCylinder:
				a.Bin = &city.BinCalibration{Shape: shape, Empty: 1200, Full: 200, Height: number(1000, 1500, "height")}
			default:
				a.Bin = &city.BinCalibration{Empty: number(900, 1500, "empty"), Full: number(0, 300, "full")}
			}
			a.Bin.Offset = number(-20, 20, "offset")
		}
		if rapid.Bool().Draw(t, "offsets") {
			a.Offsets = &city.Offsets{Values: []city.Value{{Quantity: city.Temperature, Number: number(-3, 3, "t")}}}
		}
		kinds[a.ID] = kind
		s.Assets = append(s.Assets, a)
	}
	for i := range rapid.IntRange(0, 5).Draw(t, "devices") {
		d := register.Device{
			Device:  city.Device{DevEUI: city.EUI{0xa8, 0x40, 0x41, 9, 9, 9, 9, byte(i)}, Model: "dragino/lse01", Server: drawText(t, "server")},
			State:   rapid.SampledFrom([]register.State{register.InStock, register.Retired}).Draw(t, "state"),
			JoinEUI: city.EUI{0x70, 0xb3, 0xd5, byte(rapid.IntRange(0, 255).Draw(t, "join"))}, Version: rapid.SampledFrom([]enrol.Version{enrol.V1_0_2, enrol.V1_0_3, enrol.V1_1_0}).Draw(t, "version"),
			Region: "EU868", Class: rapid.SampledFrom([]enrol.Class{enrol.ClassA, enrol.ClassC}).Draw(t, "class"),
			Profile: drawText(t, "profile"), Owner: drawText(t, "device owner"), Note: drawText(t, "device note"),
			Interval: time.Duration(rapid.IntRange(0, 9000).Draw(t, "interval")) * time.Second, Revision: 1,
		}
		if rapid.Bool().Draw(t, "serial") {
			d.Serial = fmt.Sprintf("=S-%d", i)
		}
		if i < n { // one asset each
			id := fmt.Sprintf("PK-%d", i)
			d.Model, d.Asset = models[kinds[id]], id
			d.State = rapid.SampledFrom([]register.State{register.Planned, register.Installed, register.Maintenance}).Draw(t, "hanging")
			if d.Hangs() {
				from := importDay.Add(-time.Duration(rapid.IntRange(0, 1_000_000_000).Draw(t, "since")) * time.Millisecond)
				s.Bindings = append(s.Bindings, register.Binding{DevEUI: d.DevEUI, Asset: id, From: from})
			}
		}
		if rapid.Bool().Draw(t, "keys") {
			k := lorawan.Key{1, 2, 3, byte(i), 5, 6, 7, 8, 9, 0xa}
			label, wrapped, err := wrapWith("amt-1")(k)
			if err != nil {
				t.Fatal(err)
			}
			d.Keys = register.Keys{KEK: label, Nwk: wrapped}
			if d.Version.Two() {
				k[15] = 0xff
				if _, d.Keys.App, err = wrapWith("amt-1")(k); err != nil {
					t.Fatal(err)
				}
			}
		}
		s.Devices = append(s.Devices, d)
	}
	return s
}

// What is exported in whichever form is imported as the same, and a second import changes
// nothing.
func TestExportImport(t *testing.T) {
	forms := map[string]struct {
		form  Form
		write func(e Export, to io.Writer) error
	}{
		"csv":     {CSV, func(e Export, to io.Writer) error { return e.CSV(to, Machine) }},
		"excel":   {CSV, func(e Export, to io.Writer) error { return e.CSV(to, Excel) }},
		"yaml":    {YAML, func(e Export, to io.Writer) error { return e.YAML(to) }},
		"geojson": {GeoJSON, func(e Export, to io.Writer) error { return e.GeoJSON(to) }},
	}
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				s := drawRegister(t)
				if len(s.Devices)+len(s.Assets) == 0 {
					return
				}
				var file bytes.Buffer
				if err := form.write(Export{Register: s, Reveal: reveal}, &file); err != nil {
					t.Fatal(err)
				}
				sheet, problems := ReadSheet("export", form.form, file.Bytes())
				if len(problems) > 0 {
					t.Fatalf("%v\n%s", problems, file.String())
				}
				plan, problems := importer(register.Snapshot{}).Plan(sheet)
				if len(Errors(problems)) > 0 {
					t.Fatalf("%v\n%s", problems, file.String())
				}
				got := keep(register.Snapshot{}, plan.Change)
				if !reflect.DeepEqual(got.Devices, s.Devices) || !reflect.DeepEqual(got.Assets, s.Assets) || !reflect.DeepEqual(got.Bindings, s.Bindings) {
					t.Fatalf("got\n%+v\nwant\n%+v\nfrom\n%s", got, s, file.String())
				}
				for _, kept := range []register.Snapshot{got, s} {
					again, problems := importer(kept).Plan(sheet)
					if len(Errors(problems)) > 0 || !again.Change.Empty() || len(again.Change.Entries) > 0 || again.Count(Unchanged) != len(again.Outcomes) {
						t.Fatalf("a second time: %v %+v", problems, again)
					}
				}
				var without bytes.Buffer
				if err := form.write(Export{Register: s}, &without); err != nil {
					t.Fatal(err)
				}
				sheet, problems = ReadSheet("export", form.form, without.Bytes())
				if len(problems) > 0 {
					t.Fatal(problems)
				}
				if again, problems := importer(s).Plan(sheet); len(Errors(problems)) > 0 || !again.Change.Empty() {
					t.Fatalf("without keys, which are kept then: %v %+v", problems, again.Change)
				}
			})
		})
	}
}
