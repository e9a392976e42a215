package tickets

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"meldefunk/city"
	"meldefunk/rules/calendar"
)

// windows makes calendars as cmd does.
func windows(zone *time.Location, holidays calendar.State) func([]string) (Calendar, error) {
	return func(texts []string) (Calendar, error) {
		var all []calendar.Window
		for _, text := range texts {
			w, err := calendar.Parse(text)
			if err != nil {
				return nil, err
			}
			all = append(all, w)
		}
		return calendar.New(zone, calendar.Holidays{State: holidays}, all, nil), nil
	}
}

// settings reads the section tickets of a configuration.
func settings(t *testing.T, text string) Config {
	t.Helper()
	cfg := DefaultConfig()
	d := yaml.NewDecoder(strings.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&cfg); err != nil {
		t.Fatal(err)
	}
	return cfg
}

func load(t *testing.T, text string) (*Routes, error) {
	t.Helper()
	return LoadRoutes(settings(t, text), RouteParts{
		File: "m.yaml", Services: []string{"ST-01"}, Calendar: windows(berlin(t), calendar.LowerSaxony),
		Now: func() time.Time { return at("2026-11-22T12:00:00Z") },
	})
}

func mustLoad(t *testing.T, text string) *Routes {
	t.Helper()
	r, err := load(t, text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// town has two ticket systems beside the case list, and routes of every sort.
const town = `
system: emsos
systems:
  emsos: {kind: open311, endpoint: https://emsos.example/v2, api_key_env: K, service_map: {OS-ABF-01: "3.2"}, updates: servicerequestupdates}
  stadtwerke: {kind: mail, server: mail.example:587, from: s@stadt.example, to: [m@stadtwerke.example], delivery: at-most-once}
  alt: {kind: open311, endpoint: https://alt.example/v2, api_key_env: K, service_map: {OS-ABF-01: "3.2"}}
areas:
  Altstadt: [[8.04, 52.27], [8.05, 52.27], [8.05, 52.28], [8.04, 52.28]]
routes:
  - name: Ladesäulen der Stadtwerke
    services: [OS-PRK-01, OS-SEN-*]
    owners: [Stadtwerke]
    system: stadtwerke
    unit: Stadtwerke, Netzleitstelle
    contact: leitstelle@stadtwerke.example
  - name: Altstadt
    services: OS-ABF-*
    areas: [Altstadt]
    code: "7.10"
    priority: hoch
  - name: Altbau
    tours: ["9"]
    system: alt
  - name: Sensorik
    services: OS-SEN-*
    system: local
  - name: schwer
    grade: 3
    escalate_after: 1d
`

func TestRoute(t *testing.T) {
	r := mustLoad(t, town)
	inside, outside := &city.Position{Lat: 52.275, Lon: 8.045}, &city.Position{Lat: 52.3, Lon: 8.045}
	tests := []struct {
		name string
		c    city.Case
		a    *city.Asset
		want string // system unit code priority auto_close respect reopen escalate at-least-once
	}{
		{"nothing of the city's own fits", city.Case{Service: "OS-ABF-01"}, &city.Asset{ID: "PK-1", Position: outside},
			"emsos|OSB Straßenreinigung||normal|untouched|24h0m0s|2h0m0s|0s|false"},
		{"in the area", city.Case{Service: "OS-ABF-01"}, &city.Asset{ID: "PK-1", Position: inside},
			"emsos|OSB Straßenreinigung|7.10|hoch|untouched|24h0m0s|2h0m0s|0s|false"},
		{"an asset without position is in no area", city.Case{Service: "OS-ABF-01"}, &city.Asset{ID: "PK-1"},
			"emsos|OSB Straßenreinigung||normal|untouched|24h0m0s|2h0m0s|0s|false"},
		{"no asset is in no area", city.Case{Service: "OS-ABF-01"}, nil,
			"emsos|OSB Straßenreinigung||normal|untouched|24h0m0s|2h0m0s|0s|false"},
		{"another service in the area", city.Case{Service: "OS-GRN-01"}, &city.Asset{ID: "BA-1", Position: inside},
			"emsos|OSB Grünunterhaltung||normal|untouched|72h0m0s|72h0m0s|0s|false"},
		{"the owner's", city.Case{Service: "OS-PRK-01"}, &city.Asset{ID: "EL-1", Owner: "Stadtwerke"},
			"stadtwerke|Stadtwerke, Netzleitstelle||normal|untouched|24h0m0s|15m0s|0s|false"},
		{"another owner", city.Case{Service: "OS-PRK-01"}, &city.Asset{ID: "EL-1"},
			"emsos|Verkehrsaußendienst, Fachbereich Bürger und Ordnung||normal|untouched|24h0m0s|15m0s|0s|false"},
		{"the first that names the system counts", city.Case{Service: "OS-SEN-03"}, &city.Asset{ID: "EL-1", Owner: "Stadtwerke"},
			"stadtwerke|Stadtwerke, Netzleitstelle||normal|untouched|72h0m0s|24h0m0s|0s|false"},
		{"sensors stay at home", city.Case{Service: "OS-SEN-03"}, &city.Asset{ID: "PK-1"},
			"local|Betreiber der Sensorik||normal|untouched|72h0m0s|24h0m0s|0s|true"},
		{"a system that cannot close", city.Case{Service: "OS-ABF-01"}, &city.Asset{ID: "PK-1", Tour: "9"},
			"alt|OSB Straßenreinigung||normal|never|24h0m0s|2h0m0s|0s|false"},
		{"the group of a tour", city.Case{Service: "OS-ABF-01", Group: "tour:9"}, nil,
			"alt|OSB Straßenreinigung||normal|never|24h0m0s|2h0m0s|0s|false"},
		{"another group", city.Case{Service: "OS-ABF-01", Group: "street:9"}, nil,
			"emsos|OSB Straßenreinigung||normal|untouched|24h0m0s|2h0m0s|0s|false"},
		{"severe", city.Case{Service: "OS-GRN-01", Grade: 3}, &city.Asset{ID: "BA-1"},
			"emsos|OSB Grünunterhaltung||hoch|untouched|72h0m0s|72h0m0s|24h0m0s|false"},
		{"not that severe", city.Case{Service: "OS-GRN-01", Grade: 2}, &city.Asset{ID: "BA-1"},
			"emsos|OSB Grünunterhaltung||hoch|untouched|72h0m0s|72h0m0s|0s|false"},
		{"what humans should look at", city.Case{Service: "OS-ABF-02", Grade: 1}, &city.Asset{ID: "PK-1"},
			"emsos|OSB Straßenreinigung||normal|never|24h0m0s|0s|0s|false"},
		{"a category of the city's own", city.Case{Service: "ST-01"}, nil,
			"emsos|||normal|untouched|24h0m0s|0s|0s|false"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			to := r.Route(&tt.c, tt.a)
			got := fmt.Sprintf("%s|%s|%s|%s|%s|%s|%s|%s|%v", to.System, to.Unit, to.Code, to.Priority, to.AutoClose, to.Respect, to.ReopenWithin, to.EscalateAfter, to.AtLeastOnce)
			if got != tt.want {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
			if again, _ := r.Explain(&tt.c, tt.a); fmt.Sprint(again) != fmt.Sprint(to) {
				t.Errorf("explained otherwise: %+v", again)
			}
		})
	}
	if got := r.Codes("emsos"); !slices.Equal(got, []string{"7.10"}) {
		t.Errorf("codes of emsos: %q", got)
	}
	if got := r.Codes("alt"); len(got) > 0 {
		t.Errorf("codes of alt: %q", got)
	}
}

func TestExplain(t *testing.T) {
	r := mustLoad(t, town)
	_, said := r.Explain(&city.Case{Service: "OS-PRK-01", Grade: 1}, &city.Asset{ID: "EL-1", Owner: "Stadtwerke", Tour: "9"})
	var got []string
	line := regexp.MustCompile(`\(shipped\):\d+`) // which changes with every comment
	for _, d := range said {
		got = append(got, line.ReplaceAllString(d.Field+": "+d.Value+" <- "+d.By, "(shipped)"))
	}
	want := []string{
		"system: stadtwerke <- Ladesäulen der Stadtwerke (m.yaml:10)",
		"unit: Stadtwerke, Netzleitstelle <- Ladesäulen der Stadtwerke (m.yaml:10)",
		"contact: leitstelle@stadtwerke.example <- Ladesäulen der Stadtwerke (m.yaml:10)",
		"auto_close: untouched <- E-Ladeplatz dauerbelegt (routes.yaml (shipped))",
		"respect: 24h <- E-Ladeplatz dauerbelegt (routes.yaml (shipped))",
		"reopen_within: 15m <- E-Ladeplatz dauerbelegt (routes.yaml (shipped))",
		"hours: always, not 22:00-07:00 <- E-Ladeplatz dauerbelegt (routes.yaml (shipped))",
		"priority: normal <- how bad the case is",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Every category that is shipped has a unit, a way to end, and times that people can wait for.
func TestShippedRoutes(t *testing.T) {
	r := mustLoad(t, "{}")
	never := []string{"OS-ABF-02", "OS-GRN-04", "OS-SEN-02", "OS-SEN-04"}
	for _, s := range Services() {
		to := r.Route(&city.Case{Service: s.Code, Grade: 1}, nil)
		want := AutoCloseUntouched
		if slices.Contains(never, s.Code) {
			want = AutoCloseNever
		}
		if to.Unit == "" || to.AutoClose != want || to.Respect < 24*time.Hour || to.System != SystemLocal {
			t.Errorf("%s: %+v", s.Code, to)
		}
		if (to.ReopenWithin > 0) != (want == AutoCloseUntouched) {
			t.Errorf("%s: reopened within %s, closed %s", s.Code, to.ReopenWithin, want)
		}
		if i := slices.IndexFunc(r.ways, func(w way) bool { return w.fits(&city.Case{Service: s.Code}, nil) }); r.ways[i].name != s.Name {
			t.Errorf("%s is called %q in its route, want %q", s.Code, r.ways[i].name, s.Name)
		}
	}
	if len(r.ways) != len(Services()) {
		t.Errorf("%d routes for %d categories", len(r.ways), len(Services()))
	}
}

func TestRoutesFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "wege.yaml")
	text := "areas:\n  Hafen: [[8.0, 52.29], [8.02, 52.29], [8.02, 52.3]]\nroutes:\n  - {name: Hafen, areas: Hafen, unit: Hafenmeister}\n  - {unit: Bauhof}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := mustLoad(t, "routes_file: "+file+"\nroutes: [{areas: Hafen, priority: hoch}]\n")
	to, said := r.Explain(&city.Case{Service: "OS-ABF-01"}, &city.Asset{Position: &city.Position{Lat: 52.291, Lon: 8.015}})
	if to.Unit != "Hafenmeister" || to.Priority != PriorityHigh || said[1].By != "Hafen ("+file+":4)" {
		t.Errorf("got %+v, %+v", to, said)
	}
	if to := r.Route(&city.Case{Service: "OS-ABF-01"}, nil); to.Unit != "Bauhof" {
		t.Errorf("got %+v", to)
	}

	for name, tt := range map[string]struct{ text, want string }{
		"empty":           {"", file + ":1: the file is empty"},
		"not YAML":        {"routes: [", file + ": not YAML"},
		"two documents":   {"routes: []\n---\nroutes: []\n", "a second document begins"},
		"unknown key":     {"rotes: []\n", file + `:1: unknown key "rotes"; did you mean "routes"?`},
		"a list":          {"- unit: x\n", "the file is a list: want a mapping of areas, routes"},
		"an alias":        {"routes: &r\n  - {unit: x}\nareas: *r\n", "areas: is an alias"},
		"the same area":   {"areas: {Altstadt: []}\n", file + `:1: areas: "Altstadt" stands here a second time`},
		"a bad route":     {"routes:\n  - unit: x\n    systen: y\n", file + `:3: unknown key "systen"; did you mean "system"?`},
		"too big":         {strings.Repeat("#", maxRoutesFile+1), "is longer than 16 MiB"},
		"a broken string": {"routes: [{unit: \"\xff\"}]\n", "not YAML"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := load(t, "routes_file: "+file+"\nareas: {Altstadt: [[8.04, 52.27], [8.05, 52.27], [8.05, 52.28]]}\n")
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	if _, err := load(t, "routes_file: "+file+".not\n"); err == nil || !strings.Contains(err.Error(), "m.yaml: tickets.routes_file: ") {
		t.Errorf("got %v", err)
	}
}

func TestBadRoutes(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"unknown service":    {"routes: [{services: OS-ABF-1, unit: x}]", `m.yaml:1: services: no rule opens cases of a category "OS-ABF-1", and none is shipped; did you mean "OS-ABF-01"?`},
		"small letters":      {"routes: [{services: os-abf-01, unit: x}]", `did you mean "OS-ABF-01"?`},
		"a pattern of none":  {"routes: [{services: OS-ZZZ-*, unit: x}]", `no rule opens cases of a category "OS-ZZZ-*"`},
		"no pattern":         {"routes: [{services: 'OS-[', unit: x}]", `"OS-[" is no pattern`},
		"unknown system":     {"routes:\n  - unit: x\n  - system: stadtwerk\nsystems: {stadtwerke: {kind: local}}", `m.yaml:3: system: system "stadtwerk": want one of local, stadtwerke, open311, mail, webhook, csv; did you mean "stadtwerke"?`},
		"a system unsettled": {"routes: [{system: mail}]", `system "mail" has no settings: give the section tickets.mail, or systems`},
		"unknown area":       {"areas: {Altstadt: [[8.04, 52.27], [8.05, 52.27], [8.05, 52.28]]}\nroutes: [{areas: Altstat, unit: x}]", `m.yaml:2: areas: there is no area "Altstat"; did you mean "Altstadt"?`},
		"unknown kind":       {"routes: [{kinds: bim, unit: x}]", `did you mean "bin"?`},
		"unknown key":        {"routes: [{unti: x}]", `unknown key "unti"; did you mean "unit"?`},
		"key twice":          {"routes:\n  - unit: x\n    unit: y", "m.yaml:3: unit: stands here a second time"},
		"decides nothing":    {"routes: [{services: OS-ABF-01}]", "this route decides nothing"},
		"no list":            {"routes: {unit: x}", "routes: is a mapping: want a list of routes"},
		"no mapping":         {"routes: [x]", `a route is the single value "x": want a mapping`},
		"empty value":        {"routes: [{unit: ''}]", "unit: is empty"},
		"list for a value":   {"routes: [{unit: [x]}]", "unit: is a list: want one value"},
		"empty list":         {"routes: [{services: [], unit: x}]", "services: is an empty list"},
		"bad hours":          {"routes: [{hours: mon-fry 7:00-16:00}]", `m.yaml:1: hours: "mon-fry" is no span of days`},
		"bad quiet":          {"routes:\n  - quiet:\n    - mon\n    - 22-6", `m.yaml:4: quiet: "22-6" is no`},
		"hours never come":   {"routes: [{hours: mon 08:00-09:00, quiet: mon 07:00-10:00}]", "hours and quiet leave no time"},
		"hours are over":     {"routes: [{hours: until 2020-01-01}]", "hours and quiet leave no time"},
		"auto_close":         {"routes: [{auto_close: allways}]", `want always, untouched, never; did you mean "always"?`},
		"priority":           {"routes: [{priority: hooch}]", `did you mean "hoch"?`},
		"delivery":           {"routes: [{delivery: once}]", "want at-least-once, at-most-once"},
		"respect":            {"routes: [{respect: 3}]", `respect: "3": want a time with its unit`},
		"no respect":         {"routes: [{respect: never}]", "respect: never: want a time, like 24h"},
		"respect of nothing": {"routes: [{respect: 0s}]", "respect: 0s: want a time, like 24h"},
		"negative":           {"routes: [{respect: -3h}]", "want a time with its unit"},
		"too long":           {"routes: [{reopen_within: 999d}]", "at most 365d"},
		"too many days":      {"routes: [{reopen_within: 99999999d}]", "at most 365d"},
		"grade":              {"routes: [{grade: 9, unit: x}]", "want 1 to 8"},
		"code of a number":   {"routes: [{code: 3.10}]", "want it in quotes"},
		"unknown blank":      {"routes: [{title: 'Voll: {plase}'}]", `title: there is no placeholder {plase}; did you mean "place"?`},
		"blank not closed":   {"routes: [{advice: 'Voll: {place'}]", "a placeholder is not closed"},
		"long unit":          {"routes: [{unit: " + strings.Repeat("ä", 81) + "}]", "want at most 80 characters"},
		"unit with a blank":  {"routes: [{unit: 'Tour {tour}'}]", "no placeholders"},
		"long title":         {"routes: [{title: " + strings.Repeat("ä", 201) + "}]", "title: has 201 characters: want at most 200"},
		"bad name":           {"routes: [{name: [a], unit: x}]", "name: is a list"},
		"area of two":        {"areas: {A: [[8, 52], [8, 53]]}", `m.yaml:1: areas: "A": has 2 corners`},
		"area closed of two": {"areas: {A: [[8, 52], [8, 53], [8, 52]]}", "has 2 corners"},
		"area of words":      {"areas: {A: [a, b, c]}", "want a list of corners"},
		"area of threes":     {"areas: {A: [[8, 52, 1], [8, 53, 1], [9, 52, 1]]}", "corner 1 has 3 numbers"},
		"area off the globe": {"areas: {A: [[8, 92], [8, 53], [9, 52]]}", "is not on the globe"},
		"area of NaN":        {"areas: {A: [[8, .nan], [8, 53], [9, 52]]}", "is not on the globe"},
		"area swapped":       {"areas: {A: [[52.27, 8.04], [52.28, 8.04], [52.27, 8.05]]}", "longitude and latitude swapped"},
		"areas of a list":    {"areas: [1]", "areas: is a list"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, tt.text)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	_, err := load(t, "routes: [{unti: x}, {system: fax}]\nareas: {A: []}")
	if joined := (interface{ Unwrap() []error })(nil); !errors.As(err, &joined) || len(joined.Unwrap()) != 3 {
		t.Errorf("want every problem at once, got %v", err)
	}
}

func TestArea(t *testing.T) {
	u, err := newArea([][]float64{{0, 0}, {3, 0}, {3, 3}, {2, 3}, {2, 1}, {1, 1}, {1, 3}, {0, 3}, {0, 0}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		lon, lat float64
		want     bool
	}{
		{0.5, 2, true}, {2.5, 2, true}, {1.5, 0.5, true}, {1.5, 2, false}, {-1, 1, false}, {4, 1, false}, {1.5, 4, false}, {1.5, -1, false},
	} {
		if got := u.has(city.Position{Lat: tt.lat, Lon: tt.lon}); got != tt.want {
			t.Errorf("%v, %v: %v", tt.lon, tt.lat, got)
		}
	}
}

// A square that is cut in two anywhere: every place in it lies in exactly one of the parts,
// also on the cut.
func TestAreasThatShareAnEdge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		grid := rapid.IntRange(1, 99)
		west, east := float64(grid.Draw(t, "west"))/7, float64(grid.Draw(t, "east"))/7
		left, err := newArea([][]float64{{-20, 0}, {west, 0}, {east, 10}, {-20, 10}})
		right, err2 := newArea([][]float64{{west, 0}, {40, 0}, {40, 10}, {east, 10}})
		if err = errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		share := float64(rapid.IntRange(0, 999).Draw(t, "share")) / 1000
		p := city.Position{Lat: 10 * share, Lon: west + share*(east-west)}
		if rapid.Bool().Draw(t, "aside") {
			p.Lon = rapid.Float64Range(-19, 39).Draw(t, "lon")
		}
		if left.has(p) == right.has(p) {
			t.Errorf("%v: in the left part %v, in the right one %v", p, left.has(p), right.has(p))
		}
	})
}

func FuzzRoutes(f *testing.F) {
	f.Add([]byte(town))
	f.Add(shipped)
	f.Add([]byte("routes: [{hours: [always], quiet: '22:00-06:00', title: '{place}'}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg := DefaultConfig()
		cfg.RoutesFile = filepath.Join(t.TempDir(), "f.yaml")
		if err := os.WriteFile(cfg.RoutesFile, data, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := LoadRoutes(cfg, RouteParts{File: "m.yaml", Calendar: windows(time.UTC, 0), Now: func() time.Time { return at("2026-11-22T12:00:00Z") }})
		if err != nil {
			if !strings.HasPrefix(err.Error(), cfg.RoutesFile) && !strings.HasPrefix(err.Error(), "m.yaml") {
				t.Errorf("the error does not say where: %v", err)
			}
			return
		}
		c := city.Case{Service: "OS-ABF-01", Asset: "PK-1"}
		r.Explain(&c, &city.Asset{ID: "PK-1", Position: &city.Position{Lat: 52, Lon: 8}})
		Preview(c, nil, r.Route(&c, nil), time.UTC)
	})
}
