package javascript

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
)

// TestImport imports the small repository in testdata, with a few more things wrong in it, and
// again, and once more after a person has worked on a mapping.
func TestImport(t *testing.T) {
	from, into := filepath.Join(t.TempDir(), "repository"), t.TempDir()
	if err := os.CopyFS(from, os.DirFS("testdata/repository")); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(t.TempDir(), "secret.yaml")
	write(t, outside, "endDevices: [beet]\n")
	for _, vendor := range []string{"linked", "huge", "empty"} {
		if err := os.Mkdir(filepath.Join(from, "vendor", vendor), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(from, "vendor/linked/index.yaml")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(from, "vendor/huge/index.yaml"), strings.Repeat("# nothing\n", maxIndex/10+1))
	write(t, filepath.Join(from, "vendor/empty/index.yaml"), "\n")

	s := startSandbox(t, DefaultConfig(), time.Now)
	run := func(im Import) ImportReport {
		t.Helper()
		im.From, im.Into = from, into
		r, err := s.Import(t.Context(), im)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}

	steps := 0
	if r := run(Import{DryRun: true, Step: func(_, of int) { steps++ }}); r.Written != 6 || steps != 5 {
		t.Errorf("dry run: %d files, %d steps, want 6 and 5", r.Written, steps)
	}
	if list, err := os.ReadDir(into); err != nil || len(list) > 0 {
		t.Errorf("a dry run wrote %v, %v", list, err)
	}

	r := run(Import{})
	if r.Written != 6 || r.Unchanged != 0 || len(r.Kept) != 0 || r.WithoutCodec != 1 {
		t.Errorf("got %+v", r)
	}
	want := map[string]string{
		"acme/beet":          "soil battery=battery_voltage ground.t=soil_temperature moist=soil_moisture salt=conductivity | serial",
		"acme/beet.beet-old": "soil soil_moisture_percent=soil_moisture |",
		"acme/bay":           "parking battery=battery_level occupied=occupied temp_f=temperature | distance",
	}
	for _, m := range r.Models {
		if got := strings.TrimSpace(m.Kind + " " + strings.Join(m.Mapped, " ") + " | " + strings.Join(m.Raw, " ")); got != want[m.Model] {
			t.Errorf("%s: got %q, want %q", m.Model, got, want[m.Model])
		}
		delete(want, m.Model)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	for _, part := range []string{
		"globex/gone.yaml:1: no such file", "globex/torn.yaml:3: ", "globex/index.yaml:4: device \"Loud\"",
		"thief-codec.yaml:2: fileName: is \"../acme/beet.js\"", "mute.js:3:1: SyntaxError",
		"linked/index.yaml:1: path escapes", "huge/index.yaml:1: is too large", "empty/index.yaml:1: is empty",
	} {
		if !slices.ContainsFunc(r.Failures, func(f string) bool { return strings.Contains(f, part) }) {
			t.Errorf("no failure says %q in\n%s", part, strings.Join(r.Failures, "\n"))
		}
	}
	if len(r.Failures) != 8 {
		t.Errorf("%d failures, want 8", len(r.Failures))
	}

	if r := run(Import{}); r.Written != 0 || r.Unchanged != 6 || len(r.Kept) != 0 {
		t.Errorf("second run: got %+v, want nothing written", r)
	}
	if models, err := LoadFolder(into); err != nil || len(models) != 0 {
		t.Errorf("drafts are used: %v, %v", models, err)
	}

	// A person has checked one.
	file := filepath.Join(into, "acme", "beet.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.Replace(string(text), "reviewed: false", "reviewed: true", 1)
	write(t, file, edited)
	if r := run(Import{Skip: func(m string) bool { return m == "acme/bay" }}); !slices.Equal(r.Kept, []string{file}) || !slices.Equal(r.Skipped, []string{"acme/bay"}) {
		t.Errorf("got %+v, want %s kept and acme/bay skipped", r, file)
	}
	if text, err = os.ReadFile(file); err != nil || string(text) != edited {
		t.Errorf("it was written over, %v", err)
	}
	models, err := LoadFolder(into)
	if err != nil || len(models) != 1 || models[0].Kind != city.Soil {
		t.Fatalf("got %v, %v, want acme/beet", models, err)
	}
	got, err := s.Decode(t.Context(), models[0].Codec, 1, []byte{0, 100, 255, 251, 1, 44, 13, 59}, time.Unix(0, 0))
	if err != nil || len(got.Values) != 4 || got.Unmapped["serial"] != "A7" {
		t.Errorf("got %+v, %v", got, err)
	}

	if _, err := s.Import(t.Context(), Import{From: into, Into: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "has no folder vendor") {
		t.Errorf("got %v", err)
	}
}

// TestGuess: what names and numbers tell, and what they do not.
func TestGuess(t *testing.T) {
	for _, c := range []struct {
		name string
		data map[string]any
		want string // of the field x
	}{
		{"unit in the name", map[string]any{"distance_cm": 12.}, "distance cm"},
		{"unit behind the number", map[string]any{"Distance": "12 mm"}, "distance "},
		{"unit beside", map[string]any{"battery_voltage": map[string]any{"value": 3100., "unit": "mV"}}, "battery_voltage mV"},
		{"unit unknown", map[string]any{"distance": 12.}, "unknown "},
		{"unknown unit", map[string]any{"temperature": map[string]any{"value": 3., "unit": "furlong"}}, "unknown "},
		{"volts", map[string]any{"bat": 3.3}, "battery_voltage "},
		{"millivolts", map[string]any{"bat": 3300.}, "battery_voltage mV"},
		{"percent", map[string]any{"battery": 88.}, "battery_level "},
		{"either", map[string]any{"battery": 3.}, "unknown "},
		{"millivolts by size", map[string]any{"vbat": 3300.}, "battery_voltage mV"},
		{"pascal by size", map[string]any{"pressure": 101325.}, "pressure Pa"},
		{"of water?", map[string]any{"pressure": 12.}, "unknown "},
		{"percent or fraction", map[string]any{"vwc": 0.3}, "unknown "},
		{"beyond the range", map[string]any{"temperature": 3276.7}, "unknown "},
		{"camel case", map[string]any{"soilTemperature": 3.}, "soil_temperature "},
		{"surroundings", map[string]any{"environment": map[string]any{"humidity": 3.}}, "humidity "},
		{"of something else", map[string]any{"board": map[string]any{"temperature": 3.}}, "unknown "},
		{"two numbers", map[string]any{"PM1_0": 3.}, "pm1 "},
		{"yes or no", map[string]any{"waterleak": true}, "leak "},
		{"code", map[string]any{"waterleak": 17.}, "unknown "},
		{"text", map[string]any{"temperature": "warm"}, "unknown "},
		{"list", map[string]any{"temperature": []any{1.}}, "unknown "},
		{"null", map[string]any{"temperature": nil}, "unknown "},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := guess([]outcome{{data: c.data}})
			i := slices.IndexFunc(found, func(f finding) bool { return !strings.HasSuffix(f.field.Path, ".unit") })
			if got := found[i].field.Quantity.String() + " " + found[i].field.Unit; got != c.want {
				t.Errorf("got %q (%s), want %q", got, found[i].note, c.want)
			}
		})
	}
}
