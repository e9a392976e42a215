package grafana

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"meldefunk/city"
)

var update = flag.Bool("update", false, "write the golden files of boards anew")

var bucket = Bucket{URL: "http://127.0.0.1:8086", Org: "stadt", Name: "sensorik"}

// whole is a configuration in which nothing is left out.
func whole(l Language) Config {
	cfg := DefaultConfig()
	cfg.Language, cfg.Prometheus, cfg.Board = l, "http://127.0.0.1:9090", "https://tafel.stadt.example/"
	cfg.Tiles, cfg.Attribution, cfg.Districts = "https://karten.stadt.example/{z}/{x}/{y}.png", "© Stadt", "https://karten.stadt.example/stadtteile.geojson"
	return cfg
}

func boardsOf(t testing.TB, cfg Config) []*Board {
	t.Helper()
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	boards, err := Boards(cfg, bucket)
	if err != nil {
		t.Fatal(err)
	}
	return boards
}

// TestGolden holds every file against the one that somebody has looked at.
func TestGolden(t *testing.T) {
	for _, l := range []Language{Flux, InfluxQL} {
		files, err := Files(whole(l), bucket)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range files {
			path := filepath.Join("testdata", string(l), filepath.FromSlash(f.Name))
			names = append(names, path)
			if *update {
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, f.Data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(f.Data, want) {
				t.Errorf("%s is not what is made now; look at the difference after: go test ./dashboards/grafana -update", path)
			}
			if !Ours(f) {
				t.Errorf("%s would not be known as ours", f.Name)
			}
		}
		there, err := filepath.Glob(filepath.Join("testdata", string(l), "dashboards", "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range there {
			if !slices.Contains(names, path) {
				t.Errorf("%s is of no board any more", path)
			}
		}
	}
}

// TestBoards checks the JSON of every board, whatever is configured.
func TestBoards(t *testing.T) {
	bare := DefaultConfig()
	for name, c := range map[string]struct {
		cfg    Config
		boards int
	}{"flux": {whole(Flux), 7}, "influxql": {whole(InfluxQL), 7}, "nothing but the defaults": {bare, 5}} {
		t.Run(name, func(t *testing.T) {
			boards, uids, titles := boardsOf(t, c.cfg), map[string]bool{}, map[string]bool{}
			if len(boards) != c.boards {
				t.Errorf("%d boards, want %d", len(boards), c.boards)
			}
			for _, b := range boards {
				if uids[b.UID] || titles[b.Title] || !ours(b.UID, b.Tags) || len(b.UID) > 40 {
					t.Errorf("%s: uid or title stands twice, or is not ours, or is longer than Grafana's 40", b)
				}
				uids[b.UID], titles[b.Title] = true, true
				for _, problem := range problems(b) {
					t.Errorf("%s: %s", b, problem)
				}
			}
		})
	}
}

// TestProblemsAreFound breaks a good board in every way that problems looks for.
func TestProblemsAreFound(t *testing.T) {
	for _, c := range []struct {
		want   string
		damage func(b *Board)
	}{
		{"id", func(b *Board) { b.Panels[1].ID = b.Panels[0].ID }},
		{"overlap", func(b *Board) { b.Panels[1].GridPos = b.Panels[0].GridPos }},
		{"grid", func(b *Board) { b.Panels[0].GridPos.W = 25 }},
		{"title", func(b *Board) { b.Panels[0].Title = "" }},
		{"type", func(b *Board) { b.Panels[0].Type = "graph" }},
		{"refId", func(b *Board) { b.Panels[4].Targets[1].RefID = "A" }},
		{"datasource", func(b *Board) { b.Panels[0].Targets[0].Datasource.UID = "other" }},
		{"query", func(b *Board) { b.Panels[0].Targets[0].Query = "" }},
		{"variable nowhere", func(b *Board) { b.Panels[0].Targets[0].Query += " ${nowhere:regex}" }},
		{"parentheses", func(b *Board) { b.Panels[0].Targets[0].Query += ")" }},
		{"measurement", func(b *Board) {
			b.Panels[0].Targets[0].Query = strings.ReplaceAll(b.Panels[0].Targets[0].Query, `"bin"`, `"bins"`)
		}},
		{"unit", func(b *Board) { b.Panels[0].FieldConfig.Defaults.Unit = "Prozent" }},
		{"threshold", func(b *Board) { b.Panels[0].FieldConfig.Defaults.Thresholds.Steps[0].Value = number(3) }},
		{"rise", func(b *Board) {
			b.Panels[0].FieldConfig.Defaults.Thresholds = bands("green", 9.0, "red", 8.0, "blue")
		}},
		{"override", func(b *Board) {
			b.Panels[4].FieldConfig.Overrides = append(b.Panels[4].FieldConfig.Overrides, on("nothing", title("x")))
		}},
		{"property", func(b *Board) { b.Panels[4].FieldConfig.Overrides[0].Properties[0].ID = "colour" }},
		{"sort", func(b *Board) {
			for i := range b.Panels {
				if o, ok := b.Panels[i].Options.(tableOptions); ok {
					o.SortBy = []sortBy{{"nothing", true}}
					b.Panels[i].Options = o
				}
			}
		}},
	} {
		t.Run(c.want, func(t *testing.T) {
			b := boardsOf(t, whole(InfluxQL))[0]
			c.damage(b)
			if found := strings.Join(problems(b), "\n"); !strings.Contains(found, c.want) {
				t.Errorf("found %q, want something with %q", found, c.want)
			}
		})
	}
}

var (
	variableUsed = regexp.MustCompile(`\$\{(\w+)(?::\w+)?\}`)
	plainUsed    = regexp.MustCompile(`\$(\w+)`)
	quotedName   = regexp.MustCompile(`"([^"]*)"`)
	influxNames  = regexp.MustCompile(`(?:FROM|r\._measurement ==) "(\w+)"`)
	fluxFields   = regexp.MustCompile(`r\._field == "(\w+)"`)
	units        = []string{"", "none", "percent", "percentunit", "celsius", "volt", "dBm", "dB", "lengthmm", "bytes", "s", "cps", germanTime}
	types        = []string{"stat", "timeseries", "state-timeline", "table", "geomap"}
	properties   = []string{"displayName", "unit", "decimals", "min", "max", "thresholds", "mappings", "links", "custom.cellOptions", "custom.hidden"}
	// builtIn are Grafana's own variables, and aliases of data links.
	builtIn = []string{"timeFilter", "__interval", "__rate_interval", "__range", "__value", "__field"}
	// further fields and tags of the storage layout beside the quantities: docs/influxdb.md.
	further = []string{"fcnt", "gateways", "rssi", "snr", "sf", "faults", "asset", "dev_eui", "model", "value", "place", "id", "kind", "name", "district", "tour", "latitude", "longitude"}
)

// problems tells everything that is wrong with a board as Grafana would have it.
func problems(b *Board) []string {
	var all []string
	declared := slices.Clone(builtIn)
	for _, v := range b.Templating.List {
		if text, _ := v.Query.(string); text == "" || v.Label == "" {
			all = append(all, "variable "+v.Name+": no query or label")
		} else if v.Type == "query" {
			all = append(all, queryProblems(text, declared)...)
		}
		declared = append(declared, v.Name)
	}
	ids := map[int]bool{}
	taken := map[[2]int]string{}
	for i := range b.Panels {
		p := &b.Panels[i]
		wrong := func(what string) { all = append(all, strconv.Quote(p.Title)+": "+what) }
		if ids[p.ID] || p.ID < 1 {
			wrong("id stands twice or is not positive")
		}
		ids[p.ID] = true
		if p.Title == "" {
			wrong("no title")
		}
		if !slices.Contains(types, p.Type) {
			wrong("type " + p.Type + " is none of ours")
		}
		g := p.GridPos
		if g.W < 1 || g.H < 2 || g.X < 0 || g.Y < 0 || g.X+g.W > gridWide {
			wrong("not within the grid")
		}
		for x := g.X; x < g.X+g.W; x++ {
			for y := g.Y; y < g.Y+g.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" && other != p.Title {
					wrong("overlaps " + other + ": overlap")
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		refs, texts := map[string]bool{}, ""
		for _, q := range p.Targets {
			if refs[q.RefID] {
				wrong("refId stands twice")
			}
			refs[q.RefID] = true
			switch {
			case p.Datasource == nil || *p.Datasource != q.Datasource || q.Datasource.UID != influxUID && q.Datasource.UID != prometheusUID:
				wrong("datasource")
			case q.Datasource.UID == influxUID && (q.Query == "" || q.Expr != "") || q.Datasource.UID == prometheusUID && (q.Query != "" || q.Expr == ""):
				wrong("query is missing, or in the wrong language")
			case q.RawQuery != (q.ResultFormat != ""):
				wrong("InfluxQL without a format")
			}
			texts += q.Query + q.Expr + "\n"
			for _, problem := range queryProblems(q.Query+q.Expr, declared) {
				wrong(problem)
			}
		}
		if len(refs) == 0 {
			wrong("no query")
		}
		all = append(all, lookProblems(p, refs, texts)...)
	}
	return all
}

// queryProblems finds variables that are nowhere, parentheses that do not close, and names
// that the storage layout does not have.
func queryProblems(text string, declared []string) []string {
	var all []string
	for _, m := range append(variableUsed.FindAllStringSubmatch(text, -1), plainUsed.FindAllStringSubmatch(text, -1)...) {
		if !slices.Contains(declared, m[1]) {
			all = append(all, "variable "+m[1]+" is not declared before")
		}
	}
	depth := 0
	for _, r := range text {
		switch r {
		case '(', '{', '[':
			depth++
		case ')', '}', ']':
			depth--
		}
		if depth < 0 {
			break
		}
	}
	if depth != 0 || strings.Count(text, `"`)%2 != 0 {
		all = append(all, "parentheses or quotes do not close")
	}
	known := slices.Clone(further)
	for _, k := range city.Kinds() {
		known = append(known, k.String())
	}
	for _, m := range influxNames.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(known, m[1]) {
			all = append(all, "measurement "+m[1]+" does not exist")
		}
	}
	fields := fluxFields.FindAllStringSubmatch(text, -1)
	if strings.HasPrefix(text, "SELECT") {
		fields = quotedName.FindAllStringSubmatch(text, -1)
	}
	for _, m := range fields {
		if _, err := city.ParseQuantity(m[1]); err != nil && !slices.Contains(known, m[1]) {
			all = append(all, "field "+m[1]+" does not exist")
		}
	}
	return all
}

// lookProblems checks how fields look: every override must be about something that a query
// gives.
func lookProblems(p *panel, refs map[string]bool, texts string) []string {
	var all []string
	wrong := func(what string) { all = append(all, strconv.Quote(p.Title)+": "+what) }
	steps := func(t *thresholds) {
		if t == nil {
			return
		}
		if len(t.Steps) == 0 || t.Steps[0].Value != nil {
			wrong("the first threshold must have no value")
			return
		}
		for i := 2; i < len(t.Steps); i++ {
			if *t.Steps[i].Value <= *t.Steps[i-1].Value {
				wrong("thresholds do not rise")
			}
		}
	}
	d := p.FieldConfig.Defaults
	steps(d.Thresholds)
	if !slices.Contains(units, d.Unit) {
		wrong("unit " + d.Unit + " is none that Grafana knows")
	}
	shown := map[string]bool{}
	for _, o := range p.FieldConfig.Overrides {
		switch o.Matcher.ID {
		case "byName":
			column := o.Matcher.Options
			if column != "Time" && column != "Value" && column != "__name__" && column != "instance" && column != "job" && !strings.Contains(texts, column) {
				if !slices.Contains([]string{"name", "district", "tour", "latitude", "longitude", "dev_eui", "model", "fcnt", "rssi", "snr", "sf", "gateways", "system", "asset"}, column) {
					wrong("override of " + column + ", which no query gives")
				}
			}
		case "byFrameRefID":
			if !refs[o.Matcher.Options] {
				wrong("override of query " + o.Matcher.Options + ", which is not there")
			}
		default:
			wrong("override with matcher " + o.Matcher.ID)
		}
		for _, prop := range o.Properties {
			if !slices.Contains(properties, prop.ID) {
				wrong("property " + prop.ID)
			}
			switch v := prop.Value.(type) {
			case string:
				if prop.ID == "unit" && !slices.Contains(units, v) {
					wrong("unit " + v)
				}
				if prop.ID == "displayName" {
					shown[v] = true
				}
			case *thresholds:
				steps(v)
			}
		}
	}
	if o, ok := p.Options.(tableOptions); ok && !shown[o.SortBy[0].DisplayName] {
		wrong("sorted by " + o.SortBy[0].DisplayName + ", which is no column: sort")
	}
	return all
}

// TestFilesAreYAML reads the provisioning files as Grafana does: strictly, without secrets.
func TestFilesAreYAML(t *testing.T) {
	t.Setenv(TokenVariable, "never-in-a-file")
	for _, cfg := range []Config{DefaultConfig(), whole(Flux), whole(InfluxQL)} {
		files, err := Files(cfg, bucket)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if bytes.Contains(f.Data, []byte("never-in-a-file")) {
				t.Errorf("%s holds a secret", f.Name)
			}
			into := map[string]any{"provisioning/datasources/meldefunk.yaml": &datasourceFile{}, "provisioning/dashboards/meldefunk.yaml": &providerFile{}, "provisioning/alerting/meldefunk.yaml": &alertFile{}}[f.Name]
			if into == nil {
				continue
			}
			dec := yaml.NewDecoder(bytes.NewReader(f.Data))
			dec.KnownFields(true)
			if err := dec.Decode(into); err != nil {
				t.Errorf("%s: %v", f.Name, err)
			}
			if alerts, ok := into.(*alertFile); ok {
				uids := map[string]bool{}
				for _, a := range alerts.Groups[0].Rules {
					if uids[a.UID] || len(a.UID) > 40 || len(a.Data) != 3 || a.Condition != "C" {
						t.Errorf("alert %s is not well-formed", a.UID)
					}
					uids[a.UID] = true
				}
			}
		}
	}
}

// TestFluxIsFlux gives every query in Flux to the language server of InfluxData, which knows
// grammar, types and signatures. MELDEFUNK_FLUX names its flux-lsp-node.js (npm package
// @influxdata/flux-lsp-node).
func TestFluxIsFlux(t *testing.T) {
	server := os.Getenv("MELDEFUNK_FLUX")
	if server == "" {
		if os.Getenv("MELDEFUNK_REAL") == "1" {
			t.Fatal("MELDEFUNK_FLUX does not name flux-lsp-node.js: run `make tools`")
		}
		t.Skip("MELDEFUNK_FLUX does not name flux-lsp-node.js: run `make tools`")
	}
	var scripts []string
	for _, b := range boardsOf(t, whole(Flux)) {
		for _, v := range b.Templating.List {
			if text, _ := v.Query.(string); v.Type == "query" {
				scripts = append(scripts, text)
			}
		}
		for _, p := range b.Panels {
			for _, q := range p.Targets {
				if q.Query != "" {
					scripts = append(scripts, q.Query)
				}
			}
		}
	}
	good := len(scripts)
	scripts = append(scripts, strings.Replace(scripts[0], "|> range(", "|> rnage(", 1), strings.Replace(scripts[0], "start: ", "begin: ", 1), scripts[0]+"\n  |> filter(fn: (r) => 3)") // the control: these are not
	for i, s := range scripts {
		scripts[i] = "v = {timeRangeStart: -1h, timeRangeStop: now(), windowPeriod: 1m}\n" + variableUsed.ReplaceAllString(s, "(a|b\\/c)")
	}
	in, err := json.Marshal(scripts)
	if err != nil {
		t.Fatal(err)
	}
	const ask = `const {Flux} = require(process.argv[1]);
const scripts = JSON.parse(require('fs').readFileSync(0, 'utf8'));
console.log(JSON.stringify(scripts.map(s => { try { return new Flux(s).is_valid() } catch (e) { return false } })));`
	cmd := exec.CommandContext(t.Context(), "node", "-e", ask, server)
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v", err)
	}
	var valid []bool
	if err := json.Unmarshal(out, &valid); err != nil || len(valid) != len(scripts) || good < 50 {
		t.Fatalf("%d scripts, answer %.200s: %v", len(scripts), out, err)
	}
	for i, ok := range valid {
		if ok != (i < good) {
			t.Errorf("valid: %v, want %v\n%s", ok, i < good, scripts[i])
		}
	}
	t.Logf("%d queries", good)
}
