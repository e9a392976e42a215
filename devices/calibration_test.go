package devices

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"meldefunk/city"
)

// anyModel stands for the table of decoders.
type anyModel struct{}

func (anyModel) Models() []string { return []string{"m/bin", "m/soil"} }
func (anyModel) Kind(m string) city.Kind {
	return map[string]city.Kind{"m/bin": city.Bin, "m/soil": city.Soil}[m]
}

// The same facts from CSV and from YAML, good ones and bad ones.
func TestCalibration(t *testing.T) {
	for name, c := range map[string]struct {
		csv, yaml string // columns and values of one asset
		bin       *city.BinCalibration
		soil      *city.SoilCalibration
		wrong     string
	}{
		"lying cylinder": {"kind=bin;empty_mm=1500;full_mm=200;form=lying_cylinder;height_mm=1400", "kind: bin\nempty: 1.5 m\nfull: 20 cm\nshape: lying_cylinder\nheight: 1400 mm",
			&city.BinCalibration{Empty: 1500, Full: 200, Shape: city.LyingCylinder, Height: 1400}, nil, ""},
		"sphere, height from the distances": {"kind=bin;empty_mm=1500;full_mm=200;shape=Sphere", "kind: bin\nempty: 1500 mm\nfull: 200 mm\nshape: sphere",
			&city.BinCalibration{Empty: 1500, Full: 200, Shape: city.Sphere}, nil, ""},
		"soil type": {"kind=soil;Bodenart=sl3", "kind: soil\nsoil_type: Sl3", nil, &city.SoilCalibration{FieldCapacity: 23, WiltingPoint: 10}, ""},
		"measured soil": {"kind=soil;Feldkapazität=31,5;Welkepunkt=12", "kind: soil\nfield_capacity: 31.5 %\nwilting_point: 12 %",
			nil, &city.SoilCalibration{FieldCapacity: 31.5, WiltingPoint: 12}, ""},
		"unknown shape":     {"kind=bin;empty_mm=1500;full_mm=200;shape=cube", "kind: bin\nempty: 1500 mm\nfull: 200 mm\nshape: cube", nil, nil, `unknown shape "cube"`},
		"shape alone":       {"kind=bin;shape=sphere", "kind: bin\nshape: sphere", nil, nil, "one half of a calibration"},
		"height of a box":   {"kind=bin;empty_mm=1500;full_mm=200;height_mm=1400", "kind: bin\nempty: 1500 mm\nfull: 200 mm\nheight: 1400 mm", nil, nil, "only a lying_cylinder or sphere has one"},
		"height too small":  {"kind=bin;empty_mm=1500;full_mm=200;shape=sphere;height_mm=900", "kind: bin\nempty: 1500 mm\nfull: 200 mm\nshape: sphere\nheight: 900 mm", nil, nil, "less than from empty to full, 1300 mm"},
		"unknown soil":      {"kind=soil;soil_type=Sand", "kind: soil\nsoil_type: Sand", nil, nil, `unknown soil type "Sand"`},
		"soil said twice":   {"kind=soil;soil_type=Sl3;field_capacity=30;wilting_point=10", "kind: soil\nsoil_type: Sl3\nfield_capacity: 30 %\nwilting_point: 10 %", nil, nil, "stands beside"},
		"half of a soil":    {"kind=soil;field_capacity=30", "kind: soil\nfield_capacity: 30 %", nil, nil, "one half of field_capacity and wilting_point"},
		"soil upside down":  {"kind=soil;field_capacity=10;wilting_point=30", "kind: soil\nfield_capacity: 10 %\nwilting_point: 30 %", nil, nil, "wilting point < field capacity"},
		"soil of a bin":     {"kind=bin;soil_type=Sl3", "kind: bin\nsoil_type: Sl3", nil, nil, "only soil has a field capacity"},
		"share without one": {"", "kind: soil\nfield_capacity: 30\nwilting_point: 10 %", nil, nil, "has no unit: want %"},
	} {
		model := "m/bin"
		if strings.Contains(c.csv+c.yaml, "soil") {
			model = "m/soil"
		}
		var head, row strings.Builder
		for field := range strings.SplitSeq(c.csv, ";") {
			k, v, _ := strings.Cut(field, "=")
			head.WriteString(";" + k)
			row.WriteString(";" + v)
		}
		files := map[string]string{
			"a.yaml": "assets:\n  - id: X-1\n    " + strings.ReplaceAll(c.yaml, "\n", "\n    ") + "\ndevices: [{dev_eui: a840410001810001, model: " + model + ", asset: X-1}]\n",
		}
		if c.csv != "" {
			files["a.csv"] = "dev_eui;model;asset" + head.String() + "\na840410001810001;" + model + ";X-1" + row.String() + "\n"
		}
		for file, text := range files {
			t.Run(name+"/"+file, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), file)
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				inv, err := Load([]string{path}, anyModel{})
				if c.wrong != "" {
					if err == nil || !strings.Contains(err.Error(), c.wrong) {
						t.Errorf("error %v, want it to say %q", err, c.wrong)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				a, _ := inv.Asset("X-1")
				if !reflect.DeepEqual(a.Bin, c.bin) || !reflect.DeepEqual(a.Soil, c.soil) {
					t.Errorf("bin %+v, soil %+v", a.Bin, a.Soil)
				}
			})
		}
	}
}
