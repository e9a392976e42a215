package devices

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"meldefunk/city"
	"meldefunk/city/register"
)

// anyModel stands for the table of decoders.
type anyModel struct{}

func (anyModel) Models() []string { return []string{"m/bin", "m/soil"} }
func (anyModel) Kinds(m string) []city.Kind {
	return map[string][]city.Kind{"m/bin": {city.Bin, city.Level, city.Door}, "m/soil": {city.Soil}}[m]
}

// The same facts from CSV and from YAML, good ones and bad ones.
func TestCalibration(t *testing.T) {
	const box = "kind=bin;empty_mm=1500;full_mm=200"
	const yamlBox = "kind: bin\nempty: 1500 mm\nfull: 200 mm\n"
	const table = "kind: bin\nshape: table\npoints:\n"
	strapping := &city.BinCalibration{Shape: city.Table, Strapping: &city.StrappingTable{Points: []city.LevelPoint{
		{Distance: 250, Level: 100}, {Distance: 800, Level: 35.5}, {Distance: 1200}}}}
	deeper := *strapping
	deeper.Offset = -15
	offsets := &city.Offsets{Values: []city.Value{{Quantity: city.Distance, Number: 20}, {Quantity: city.Temperature, Number: -0.5}}}
	for name, c := range map[string]struct {
		csv, yaml string // columns and values of one asset; "": not said there
		want      city.Asset
		wrong     string
	}{
		"lying cylinder": {"kind=bin;empty_mm=1500;full_mm=200;form=lying_cylinder;height_mm=1400", "kind: bin\nempty: 1.5 m\nfull: 20 cm\nshape: lying_cylinder\nheight: 1400 mm",
			city.Asset{Kind: city.Bin, Bin: &city.BinCalibration{Empty: 1500, Full: 200, Shape: city.LyingCylinder, Height: 1400}}, ""},
		"sphere, height from the distances": {box + ";shape=Sphere", yamlBox + "shape: sphere",
			city.Asset{Kind: city.Bin, Bin: &city.BinCalibration{Empty: 1500, Full: 200, Shape: city.Sphere}}, ""},
		"unknown shape":    {box + ";shape=cube", yamlBox + "shape: cube", city.Asset{}, `shape$: unknown shape "cube"`},
		"shape alone":      {"kind=bin;shape=sphere", "kind: bin\nshape: sphere", city.Asset{}, "empty$: is one half of a calibration"},
		"height of a box":  {box + ";height_mm=1400", yamlBox + "height: 1400 mm", city.Asset{}, "height$: only a lying_cylinder or sphere has one"},
		"height too small": {box + ";shape=sphere;height_mm=900", yamlBox + "shape: sphere\nheight: 900 mm", city.Asset{}, "less than from empty to full, 1300 mm"},

		"table from full to empty": {"kind=bin;shape=table;points=250=100|800=35,5| 1200 = 0 ", table + "  - {distance: 250 mm, level: 100 %}\n  - {distance: 80 cm, level: 35.5 %}\n  - {distance: 1.2 m, level: 0 %}",
			city.Asset{Kind: city.Bin, Bin: strapping}, ""},
		"table from empty to full": {"kind=bin;Form=Table;Peiltabelle=1200=0|800=35,5|250=100", table + "  - {level: 0 %, distance: 1200 mm}\n  - {distance: 800 mm, level: 35.5 %}\n  - {distance: 250 mm, level: 100 %}",
			city.Asset{Kind: city.Bin, Bin: strapping}, ""},
		"table with offset": {"kind=bin;shape=table;offset_mm=-15;Stützpunkte=1200=0|800=35,5|250=100", "kind: bin\noffset: -15 mm\n" + table[len("kind: bin\n"):] + "  - {distance: 1200 mm, level: 0 %}\n  - {distance: 800 mm, level: 35.5 %}\n  - {distance: 250 mm, level: 100 %}",
			city.Asset{Kind: city.Bin, Bin: &deeper}, ""},
		"table of a basin": {"kind=level;shape=table;points=1200=0|800=35,5|250=100", "kind: Becken\nshape: table\npoints: [{distance: 1200 mm, level: 0 %}, {distance: 800 mm, level: 35.5 %}, {distance: 250 mm, level: 100 %}]",
			city.Asset{Kind: city.Level, Bin: strapping}, ""},
		"table of a door":          {"kind=door;shape=table;points=1200=0|250=100", "", city.Asset{}, "only bins and basins have a fill level, this is door"},
		"points without shape":     {"kind=bin;points=1200=0|250=100", "kind: bin\npoints: [{distance: 1200 mm, level: 0 %}]", city.Asset{}, "points$: only shape table has them"},
		"points of a box":          {box + ";shape=linear;points=1200=0|250=100", yamlBox + "points: [{distance: 1200 mm, level: 0 %}]", city.Asset{}, "points$: only shape table has them"},
		"table without points":     {"kind=bin;shape=table", "kind: bin\nshape: table", city.Asset{}, "points$: are missing: shape table goes by them"},
		"table with distances":     {box + ";shape=table;points=1200=0|250=100", yamlBox + "shape: table\npoints: [{distance: 1200 mm, level: 0 %}]", city.Asset{}, "shape$: table goes by its points: leave out the distances"},
		"one point":                {"kind=bin;shape=table;points=1200=0", table + "  - {distance: 1200 mm, level: 0 %}", city.Asset{}, "points$: 1 do not make a table: want 2 to 1000"},
		"no points":                {"", "kind: bin\nshape: table\npoints: []", city.Asset{}, "points$: are missing: shape table goes by them"},
		"too many points":          {"kind=bin;shape=table;points=0=0" + strings.Repeat("|1=0", 1000), "", city.Asset{}, "points$: 1001 do not make a table"},
		"points not in order":      {"kind=bin;shape=table;points=1200=0|250=100|800=35", table + "  - {distance: 1200 mm, level: 0 %}\n  - {distance: 250 mm, level: 100 %}\n  - {distance: 800 mm, level: 35 %}", city.Asset{}, "points$: 800 mm and 250 mm are not in order: want distances that rise, or fall"},
		"a distance twice":         {"kind=bin;shape=table;points=1200=0|1200=10|250=100", "", city.Asset{}, "points$: 1200 mm and 1200 mm are not in order"},
		"fuller when farther":      {"kind=bin;shape=table;points=1200=100|800=35|250=0", "", city.Asset{}, "points$: 0 % at 250 mm and 35 % at 800 mm: want the higher level where the contents are nearer"},
		"level above 100":          {"kind=bin;shape=table;points=1200=0|250=101", table + "  - {distance: 1200 mm, level: 0 %}\n  - {distance: 250 mm, level: 101 %}", city.Asset{}, "points$: level 101 % at 250 mm does not fit: want 0 to 100 %"},
		"level below 0":            {"kind=bin;shape=table;points=1200=-1|250=100", "", city.Asset{}, "level -1 % at 1200 mm does not fit"},
		"distance too far":         {"kind=bin;shape=table;points=60000=0|250=100", "", city.Asset{}, "distance 60000 mm does not fit: want 0 to 50000 mm"},
		"point by half, csv":       {"kind=bin;shape=table;points=1200|250=100", "", city.Asset{}, `points$: "1200" is no point: want distance in mm and level in %`},
		"point by half, yaml":      {"", table + "  - {distance: 1200 mm}\n  - {distance: 250 mm, level: 100 %}", city.Asset{}, "a point is not whole: want its distance and level"},
		"point in words":           {"kind=bin;shape=table;points=1200=leer|250=100", table + "  - {distance: 1200 mm, level: leer}\n  - {distance: 250 mm, level: 100 %}", city.Asset{}, `"leer"`},
		"point of another sort":    {"", table + "  - {distance: 1200 mm, volume: 3}\n", city.Asset{}, `unknown key "volume": want one of distance, level`},
		"points are no list":       {"", table[:len(table)-1] + " 1200=0", city.Asset{}, "points$: is the single value \"1200=0\": want a list"},
		"point of a spreadsheet":   {"kind=bin;shape=table;points=1.200,0=0|250=100", "", city.Asset{}, "no separators for thousands"},
		"point separated by comma": {"kind=bin;shape=table;points=1200=0,250=100", "", city.Asset{}, "is not a plain number"},

		"gauge":                 {"kind=level;Pegelnull mm=4500", "kind: Pegel\nlevel: {zero: 4.5 m}", city.Asset{Kind: city.Level, Level: &city.LevelCalibration{Zero: 4500}}, ""},
		"gauge of a bin":        {box + ";zero_mm=4500", yamlBox + "level: {zero: 4500 mm}", city.Asset{}, "level$: only water has a gauge zero, this is bin"},
		"gauge above":           {"kind=level;zero_mm=0", "kind: level\nlevel: {zero: 0 mm}", city.Asset{}, "level$: zero 0 mm does not fit: want the distance from the sensor down to the gauge zero, more than 0"},
		"gauge too deep":        {"kind=level;zero_mm=300001", "kind: level\nlevel: {zero: 301 m}", city.Asset{}, "at most 300000 mm"},
		"gauge of nothing":      {"", "kind: level\nlevel: {}", city.Asset{}, "level$: zero is missing"},
		"gauge is a word":       {"kind=level;zero_mm=NHN", "kind: level\nlevel: {zero: NHN}", city.Asset{}, `"NHN"`},
		"gauge without its key": {"", "kind: level\nlevel: 4500 mm", city.Asset{}, `level is the single value "4500 mm": want a mapping of zero`},

		"offsets": {box + ";Korrekturen=temperature=-0,5|distance=20", yamlBox + "offsets: {temperature: -0.5 °C, distance: 20}",
			city.Asset{Kind: city.Bin, Bin: &city.BinCalibration{Empty: 1500, Full: 200}, Offsets: offsets}, ""},
		"offset of what is computed from": {box + ";offsets=distance=20|temperature=-0,5", yamlBox + "offsets: {distance: 20 mm, temperature: -0.5}",
			city.Asset{Kind: city.Bin, Bin: &city.BinCalibration{Empty: 1500, Full: 200}, Offsets: offsets}, ""},
		"offset of nothing known":   {"kind=bin;offsets=temprature=1", "kind: bin\noffsets: {temprature: 1}", city.Asset{}, `unknown quantity "temprature": want one that the sensor measures, like temperature or distance; did you mean "temperature"?`},
		"offset of yes or no":       {"kind=bin;offsets=tilt=1", "kind: bin\noffsets: {tilt: 1}", city.Asset{}, "offsets$: tilt is yes or no: want a quantity that is a number"},
		"offset twice":              {"kind=bin;offsets=distance=1|distance=2", "kind: bin\noffsets: {distance: 1, distance: 2}", city.Asset{}, "offsets$: distance stands here a second time"},
		"offset of a fill level":    {box + ";offsets=fill_level=3", yamlBox + "offsets: {fill_level: 3 %}", city.Asset{}, "offsets$: fill_level is computed here: want the offset of the distance"},
		"offset of a water level":   {"kind=level;zero_mm=4500;offsets=water_level=3", "kind: level\nlevel: {zero: 4500 mm}\noffsets: {water_level: 3}", city.Asset{}, "water_level is computed here"},
		"offset of field capacity":  {"kind=soil;soil_type=Sl3;offsets=usable_field_capacity=3", "kind: soil\nsoil_type: Sl3\noffsets: {usable_field_capacity: 3}", city.Asset{}, "want the offset of soil_moisture"},
		"offset absurd":             {"kind=bin;offsets=distance=50001", "kind: bin\noffsets: {distance: 50.1 m}", city.Asset{}, "does not fit: want "},
		"offset without a number":   {"kind=bin;offsets=distance", "kind: bin\noffsets: {distance: }", city.Asset{}, "offset"},
		"offset in words":           {"kind=bin;offsets=distance=viel", "kind: bin\noffsets: {distance: viel}", city.Asset{}, `viel`},
		"offset in another unit":    {"kind=bin;offsets=distance=2 cm", "kind: bin\noffsets: {distance: 2 cm}", city.Asset{}, `distance: "2 cm" does not fit: want a number in mm`},
		"offset without a quantity": {"kind=bin;offsets=20", "kind: bin\noffsets: 20", city.Asset{}, `"20"`},

		"soil type": {"kind=soil;Bodenart=sl3", "kind: soil\nsoil_type: Sl3", city.Asset{Kind: city.Soil, SoilType: "Sl3", Soil: &city.SoilCalibration{FieldCapacity: 23, WiltingPoint: 10}}, ""},
		"measured soil": {"kind=soil;Feldkapazität=31,5;Welkepunkt=12", "kind: soil\nfield_capacity: 31.5 %\nwilting_point: 12 %",
			city.Asset{Kind: city.Soil, Soil: &city.SoilCalibration{FieldCapacity: 31.5, WiltingPoint: 12}}, ""},
		"unknown soil":      {"kind=soil;soil_type=Sand", "kind: soil\nsoil_type: Sand", city.Asset{}, `unknown soil type "Sand"`},
		"soil said twice":   {"kind=soil;soil_type=Sl3;field_capacity=30;wilting_point=10", "kind: soil\nsoil_type: Sl3\nfield_capacity: 30 %\nwilting_point: 10 %", city.Asset{}, "stands beside"},
		"half of a soil":    {"kind=soil;field_capacity=30", "kind: soil\nfield_capacity: 30 %", city.Asset{}, "one half of field_capacity and wilting_point"},
		"soil upside down":  {"kind=soil;field_capacity=10;wilting_point=30", "kind: soil\nfield_capacity: 10 %\nwilting_point: 30 %", city.Asset{}, "wilting point < field capacity"},
		"soil of a bin":     {"kind=bin;soil_type=Sl3", "kind: bin\nsoil_type: Sl3", city.Asset{}, "only soil has a field capacity"},
		"share without one": {"", "kind: soil\nfield_capacity: 30\nwilting_point: 10 %", city.Asset{}, "has no unit: want %"},
	} {
		model := "m/bin"
		if strings.Contains(c.csv+c.yaml, "kind=soil") || strings.Contains(c.yaml, "kind: soil") {
			model = "m/soil"
		}
		var head, row strings.Builder
		for field := range strings.SplitSeq(c.csv, ";") {
			k, v, _ := strings.Cut(field, "=")
			head.WriteString(";" + k)
			row.WriteString(";" + v)
		}
		files := map[string]string{}
		if c.csv != "" {
			files["a.csv"] = "dev_eui;model;asset" + head.String() + "\na840410001810001;" + model + ";X-1" + row.String() + "\n"
		}
		if c.yaml != "" {
			files["a.yaml"] = "assets:\n  - id: X-1\n    " + strings.ReplaceAll(c.yaml, "\n", "\n    ") + "\ndevices: [{dev_eui: a840410001810001, model: " + model + ", asset: X-1}]\n"
		}
		for file, text := range files {
			t.Run(name+"/"+file, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), file)
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				inv, err := Load([]string{path}, register.Snapshot{}, anyModel{})
				if c.want.Kind == city.KindUnknown {
					if err == nil || !said(err.Error(), c.wrong) || !strings.HasPrefix(err.Error(), path+":") {
						t.Errorf("error %v, want it to say %q after file and line", err, c.wrong)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				c.want.ID = "X-1"
				if a, _ := inv.Asset("X-1"); !reflect.DeepEqual(*a, c.want) {
					t.Errorf("got %+v, want %+v", a, c.want)
				}
			})
		}
	}
}

// said tells whether an error says something. "shape$:" stands for what the key is called
// there: "shape:" or, of a column of CSV, its title in quotes.
func said(err, want string) bool {
	key, rest, ok := strings.Cut(want, "$")
	if !ok {
		return strings.Contains(err, want)
	}
	before, _, ok := strings.Cut(err, rest)
	return ok && (strings.HasSuffix(before, " "+key) || strings.HasSuffix(before, `"`))
}

// The version of a device's firmware, and what spreadsheets do to it.
func TestFirmware(t *testing.T) {
	csv := "dev_eui;model;asset;Firmwarestand;kind\na840410001810001;m/bin;X-1;%s;bin\n"
	yml := "assets: [{id: X-1, kind: bin}]\ndevices:\n  - dev_eui: a840410001810001\n    model: m/bin\n    asset: X-1\n    firmware: %s\n"
	for _, c := range []struct{ file, text, version, want, wrong string }{
		{"a.csv", csv, "v1.10", "1.10", ""},
		{"a.csv", csv, "", "", ""},
		{"a.yaml", yml, "1.10", "1.10", ""},
		{"a.yaml", yml, "\"V1.2.1\"", "1.2.1", ""},
		{"a.yaml", yml, "2", "2", ""},
		{"a.yaml", yml, "", "", ""},
		{"a.csv", csv, "01. Jan", "", `a.csv:2: column "Firmwarestand": "01. Jan" is no firmware version: want one to 4 numbers with points between them, like 1.2.1; spreadsheets make dates of versions unless the column is text`},
		{"a.csv", csv, "1,1", "", `a.csv:2: column "Firmwarestand": "1,1" is no firmware version`},
		{"a.yaml", yml, "newest", "", `a.yaml:6: firmware: "newest" is no firmware version: want one to 4 numbers with points between them, like 1.2.1`},
		{"a.yaml", yml, "[1, 2]", "", "a.yaml:6: firmware: is a list of 2: want one value"},
	} {
		t.Run(c.file+" "+c.version, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), c.file)
			if err := os.WriteFile(path, fmt.Appendf(nil, c.text, c.version), 0o600); err != nil {
				t.Fatal(err)
			}
			inv, err := Load([]string{path}, register.Snapshot{}, anyModel{})
			if c.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), c.wrong) {
					t.Errorf("error %v, want it to say %q", err, c.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := inv.Devices("X-1")[0].Firmware.String(); got != c.want {
				t.Errorf("firmware %q, want %q", got, c.want)
			}
		})
	}
}

// Every kind has words, each word means one kind, and a model goes on what it is of use on.
func TestKinds(t *testing.T) {
	words := map[string]city.Kind{}
	for _, k := range city.Kinds() {
		all := kindWords(k)
		if len(all) < 3 || all[0] != k.String() {
			t.Errorf("%s has the words %q: want its name and German ones", k, all)
		}
		for _, word := range all {
			if other, taken := words[word]; taken {
				t.Errorf("%q means %s and %s", word, other, k)
			}
			words[word] = k
			if got, err := parseKind(strings.ToUpper(word)); err != nil || got != k {
				t.Errorf("%q is read as %s, %v", word, got, err)
			}
		}
	}
	eui := eui(t, "24e1247130000042")
	for kind, fits := range map[city.Kind]bool{city.Bin: true, city.Level: true, city.Soil: false, city.Tracker: false} {
		_, err := New([]city.Device{{DevEUI: eui, Model: "milesight/em310-udl", Asset: "X"}}, []city.Asset{{ID: "X", Kind: kind}}, catalogue{})
		want := "milesight/em310-udl is made for assets of kind bin or level, but \"X\" is " + kind.String()
		if fits && err != nil || !fits && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("on %s: error %v, fits %v", kind, err, fits)
		}
	}
}

// What files cannot say, values can: New checks them as well.
func TestNewChecksCalibration(t *testing.T) {
	table := func(points ...city.LevelPoint) *city.BinCalibration {
		return &city.BinCalibration{Shape: city.Table, Strapping: &city.StrappingTable{Points: points}}
	}
	for want, a := range map[string]city.Asset{
		"points: are missing":            {Kind: city.Bin, Bin: &city.BinCalibration{Shape: city.Table}},
		"points: 1200 mm and 250 mm are": {Kind: city.Bin, Bin: table(city.LevelPoint{Distance: 1200}, city.LevelPoint{Distance: 250, Level: 100})},
		"level: zero NaN mm":             {Kind: city.Level, Level: &city.LevelCalibration{Zero: math.NaN()}},
		"offsets: distance: NaN mm":      {Kind: city.Bin, Offsets: &city.Offsets{Values: []city.Value{{Quantity: city.Distance, Number: math.NaN()}}}},
	} {
		a.ID = "X"
		if _, err := New(nil, []city.Asset{a}, catalogue{}); err == nil || !strings.HasPrefix(err.Error(), "assets[0]: "+want) {
			t.Errorf("error %v, want it to begin with %q", err, want)
		}
	}
}
