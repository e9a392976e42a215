package javascript

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"meldefunk/city"
)

const goodMapping = `model: acme/tank
kind: bin
codec: tank.js
values:
  - field: distance
    quantity: distance
    unit: cm
`

// TestBadFiles: what is wrong, and where.
func TestBadFiles(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"fine", "", "", ""},
		{"unknown key", "kind:", "sort:", "tank.yaml:2: field sort not found"},
		{"bad model", "acme/tank", "Acme Tank", `tank.yaml:1: model: is "Acme Tank"`},
		{"no kind", "kind: bin\n", "", "kind: is missing"},
		{"bad kind", "bin", "dustbin", "unknown kind"},
		{"no values", goodMapping[strings.Index(goodMapping, "values"):], "values: []\n", "tank.yaml:4: values: is missing"},
		{"bad quantity", "quantity: distance", "quantity: distanz", "unknown quantity"},
		{"no quantity", "    quantity: distance\n    unit: cm\n", "", "tank.yaml:5: quantity: is missing"},
		{"bad unit", "unit: cm", "unit: inch", `tank.yaml:5: unit: "inch" is none for distance: want one of [cm dm m mm]`},
		{"unit of a yes or no", "quantity: distance", "quantity: tilt", "tilt is yes or no"},
		{"words of a number", "unit: cm", "yes: [full]", "distance is a number"},
		{"bad fault", "unit: cm", "faults: {0: broken}", "unknown fault"},
		{"twice", "    unit: cm\n", "  - field: distance\n    quantity: distance\n", "tank.yaml:7: field: \"distance\" is mapped already"},
		{"script elsewhere", "tank.js", "../../etc/passwd", "want the name of a script beside the mapping"},
		{"no script", "tank.js", "other.js", "other.js: no such file"},
		{"two documents", "unit: cm\n", "unit: cm\n---\nmodel: x\n", "second document"},
		{"no YAML", "model: ", "model: [", "tank.yaml:"},
		{"port", "kind:", "ports: [256]\nkind:", "tank.yaml:2: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "tank.js"), "function Decoder() { return {} }")
			path := filepath.Join(dir, "tank.yaml")
			write(t, path, strings.Replace(goodMapping, c.old, c.new, 1))
			m, err := LoadFile(path)
			if c.want == "" {
				if err != nil || m.Name != "acme/tank" || m.Kind != city.Bin || m.Codec.Name() != filepath.Join(dir, "tank.js") {
					t.Errorf("got %+v, %v", m, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestLoadFolder(t *testing.T) {
	models, err := LoadFolder("testdata/acme")
	if err != nil || len(models) != 3 {
		t.Errorf("got %v, %v, want 3 models", models, err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "tank.js"), "function Decoder() { return {} }")
	write(t, filepath.Join(dir, "a.yaml"), goodMapping)
	write(t, filepath.Join(dir, "b.yml"), goodMapping)
	if _, err := LoadFolder(dir); err == nil || !strings.Contains(err.Error(), "b.yml: model acme/tank is in "+dir+"/a.yaml already") {
		t.Errorf("got %v", err)
	}
}

// TestLoadFolderOfAllSorts: a folder that is a link is read, what others keep in it is not,
// and what is no file is told and not waited for.
func TestLoadFolderOfAllSorts(t *testing.T) {
	dir := t.TempDir()
	folder, link := filepath.Join(dir, "v1"), filepath.Join(dir, "current")
	for _, d := range []string{folder, filepath.Join(folder, ".git"), filepath.Join(folder, "..data")} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(d, "tank.js"), "function Decoder() { return {} }")
		write(t, filepath.Join(d, "tank.yaml"), goodMapping)
	}
	for old, new := range map[string]string{folder: link, "me@host.17": filepath.Join(folder, ".#tank.yaml")} {
		if err := os.Symlink(old, new); err != nil {
			t.Fatal(err)
		}
	}
	models, err := LoadFolder(link)
	if err != nil || len(models) != 1 || models[0].File != filepath.Join(link, "tank.yaml") {
		t.Errorf("got %v, %v, want the model of current/tank.yaml", models, err)
	}
	if err := syscall.Mkfifo(filepath.Join(folder, "pipe.yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(folder, ".git"), filepath.Join(folder, "more.yaml")); err != nil {
		t.Fatal(err)
	}
	_, err = LoadFolder(link)
	for _, name := range []string{"pipe.yaml", "more.yaml"} {
		if want := filepath.Join(link, name) + ": is no file"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestNewCodec(t *testing.T) {
	for _, c := range []struct{ name, source, want string }{
		{"empty", " \n", "is empty"},
		{"zero byte", "a\x00b", "zero byte"},
		{"latin 1", "// F\xfcllstand", "not UTF-8"},
		{"large", strings.Repeat("a", maxSource+1), "262145 bytes"},
	} {
		if _, err := NewCodec(c.name, []byte(c.source), false, Mapping{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// FuzzMappingFile: whatever a mapping file says, it is a clear error or a mapping that gives
// nothing but values in their range.
func FuzzMappingFile(f *testing.F) {
	dir := f.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tank.js"), []byte("function Decoder() { return {} }"), 0o600); err != nil {
		f.Fatal(err)
	}
	path := filepath.Join(dir, "tank.yaml")
	for _, name := range []string{"tank-sonar", "bay", "moisture"} {
		text, err := os.ReadFile("testdata/acme/" + name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(bytes.ReplaceAll(text, []byte(name+".js"), []byte("tank.js")), `{"distance": "20 mm", "status": "car", "depths": [{"vwc": 0.2}]}`)
	}
	f.Add([]byte(goodMapping), `{"distance": 1e308}`)
	f.Add([]byte("reviewed: false\n"+goodMapping), `{"distance": null}`)
	f.Fuzz(func(t *testing.T, text []byte, output string) {
		m, err := parseFile(path, text)
		if err != nil {
			if !strings.Contains(err.Error(), "tank.yaml:") {
				t.Errorf("%v does not say where", err)
			}
			return
		}
		var data map[string]any
		if json.Unmarshal([]byte(output), &data) != nil {
			return
		}
		for _, v := range m.Codec.mapping.Apply(data).Values {
			if low, high := v.Quantity.Range(); !(v.Number >= low && v.Number <= high) {
				t.Errorf("%v is out of range", v)
			}
		}
	})
}
