package rules

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
)

const good = `rules:
  - id: bin-full
    kind: bin
    quantity: fill_level
    open: ">= 90 %"
    clear: "<= 30 %"
    for: 30m
    readings: 2
    service: OS-ABF-01
    title: Papierkorb voll
`

func TestLoad(t *testing.T) {
	set, err := Load("rules.yaml", []byte(good+`    clear_for: 1d12h
    clear_readings: 3
    advice: Leerung mit der nächsten Tour.
  - id: bay-blocked
    kind: parking
    quantity: occupied
    open: = yes
    service: OS-PRK-01
    title: Ladeplatz für Ämter dauerbelegt
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Rule{{
		ID: "bin-full", Kinds: []city.Kind{city.Bin}, Levels: []Level{{
			Severity: 1, Open: Threshold{city.FillLevel, Condition{AtLeast, 90}}, For: 30 * time.Minute, Readings: 2,
			Clear: Threshold{city.FillLevel, Condition{AtMost, 30}}, ClearFor: 36 * time.Hour, ClearReadings: 3,
		}},
		Service: "OS-ABF-01", Title: "Papierkorb voll", Advice: "Leerung mit der nächsten Tour.",
	}, {
		ID: "bay-blocked", Kinds: []city.Kind{city.Parking}, Levels: []Level{{
			Severity: 1, Open: Threshold{city.Occupied, Condition{Equal, 1}}, Readings: 2,
			Clear: Threshold{city.Occupied, Condition{Equal, 0}}, ClearReadings: 2,
		}},
		Service: "OS-PRK-01", Title: "Ladeplatz für Ämter dauerbelegt",
	}}
	if got := set.Rules(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestLoadNoRulesOnPurpose(t *testing.T) {
	set, err := Load("rules.yaml", []byte("rules: []\n"))
	if err != nil || len(set.Rules()) != 0 {
		t.Errorf("got %v, %v", set, err)
	}
}

func TestDefault(t *testing.T) {
	services := make(map[string]bool)
	for _, r := range Default().Rules() {
		services[r.Service] = true
		if r.Advice == "" {
			t.Errorf("%s gives no advice", r.ID)
		}
	}
	for _, s := range []string{"OS-ABF-01", "OS-ABF-02", "OS-GRN-01", "OS-PRK-01", "OS-SEN-01", "OS-SEN-02", "OS-SEN-03", "OS-SEN-04", "OS-GWY-01"} {
		if !services[s] {
			t.Errorf("no shipped rule opens tickets of %s", s)
		}
	}
	if _, err := Load("default.yaml", DefaultFile()); err != nil {
		t.Error(err)
	}
}

func TestEveryKindIsMeasured(t *testing.T) {
	kinds := city.Kinds()
	for _, k := range kinds {
		if len(measures(k)) < 4 {
			t.Errorf("%s: rules can look at %v only", k, measures(k))
		}
	}
	for _, q := range city.Quantities() {
		if q == city.OccupiedSince {
			continue // a point in time has no threshold; how long is what "for" says
		}
		if !slices.ContainsFunc(kinds, func(k city.Kind) bool { return contains(measures(k), q) }) {
			t.Errorf("no rule can look at %s", q)
		}
	}
}

// TestLoadBad: each file with exactly what is said about it.
func TestLoadBad(t *testing.T) {
	const (
		top  = "rules, zone, holidays, extra_holidays, overrides, maintenance, revoke_within"
		keys = "id, kind, quantity, open, clear, for, readings, clear_for, clear_readings, levels, evidence, period, max_gap, when, season, quiet, inhibited_by, over, member, group_by, shadow, per_hour, service, title, advice"
	)
	fill := "quantity: fill_level\n    open: \">= 90 %\"\n    clear: \"<= 30 %\""
	tests := []struct {
		name     string
		old, new string // what is replaced in the good file; old "": new is the whole file
		want     []string
	}{
		{
			name: "empty file",
			want: []string{
				`rules.yaml:1:1: the file is empty: want a list of rules under "rules:"; "rules: []" says that none are wanted`,
			},
		},
		{
			name: "only a comment",
			new:  "# rules to come\n",
			want: []string{
				`rules.yaml:1:1: the file is empty: want a list of rules under "rules:"; "rules: []" says that none are wanted`,
			},
		},
		{
			name: "second document",
			old:  "title: Papierkorb voll\n",
			new:  "title: Papierkorb voll\n---\nrules: []\n",
			want: []string{
				`rules.yaml:11:1: a second document begins here: want all rules in one, without "---" between them`,
			},
		},
		{
			name: "not YAML",
			new:  "rules: [\n",
			want: []string{
				`rules.yaml:1:1: not YAML: did not find expected node content`,
			},
		},
		{
			name: "condition not quoted",
			old:  "open: \">= 90 %\"",
			new:  "open: >= 90 %",
			want: []string{
				`rules.yaml:5:1: not YAML: did not find expected comment or line break`,
				`rules.yaml:5:9: open: a condition that begins with > must stand in quotes, like open: ">= 90 %"`,
			},
		},
		{
			name: "a list at the top",
			new:  "- id: x\n",
			want: []string{
				`rules.yaml:1:1: the file is a list: want a mapping of ` + top,
			},
		},
		{
			name: "no rules key",
			new:  "regeln: []\n",
			want: []string{
				`rules.yaml:1:1: unknown key "regeln": want one of ` + top,
				`rules.yaml:1:1: rules: is missing: want a list of rules; "rules: []" says that none are wanted`,
			},
		},
		{
			name: "rules is no list",
			new:  "rules: none\n",
			want: []string{
				`rules.yaml:1:8: rules: is the single value "none": want a list of rules; "rules: []" says that none are wanted`,
			},
		},
		{
			name: "rules is empty",
			new:  "rules:\n",
			want: []string{
				`rules.yaml:1:7: rules: is empty: want a list of rules; "rules: []" says that none are wanted`,
			},
		},
		{
			name: "a rule is a word",
			new:  "rules:\n  - bin-full\n",
			want: []string{
				`rules.yaml:2:5: a rule is the single value "bin-full": want a mapping of ` + keys,
			},
		},
		{
			name: "unknown key",
			old:  "    for: 30m\n",
			new:  "    fro: 30m\n    farbe: rot\n",
			want: []string{
				`rules.yaml:7:5: unknown key "fro"; did you mean "for"?`,
				`rules.yaml:8:5: unknown key "farbe": want one of ` + keys,
			},
		},
		{
			name: "key twice",
			old:  "    for: 30m\n",
			new:  "    for: 30m\n    for: 40m\n",
			want: []string{
				`rules.yaml:8:5: for: stands here a second time: want it once`,
			},
		},
		{
			name: "merge key",
			old:  "    for: 30m\n",
			new:  "    <<: {for: 30m}\n",
			want: []string{
				`rules.yaml:7:5: unknown key "<<": want one of ` + keys,
			},
		},
		{
			name: "alias",
			old:  "title: Papierkorb voll",
			new:  "title: &t Papierkorb voll\n    advice: *t",
			want: []string{
				`rules.yaml:11:13: advice: is an alias (not understood here): want one value`,
			},
		},
		{
			name: "everything is missing",
			new:  "rules:\n  - readings: 3\n",
			want: []string{
				`rules.yaml:2:5: id: is missing: want something like id: bin-full`,
				`rules.yaml:2:5: kind: is missing: want something like kind: bin`,
				`rules.yaml:2:5: quantity: is missing: want something like quantity: fill_level`,
				`rules.yaml:2:5: open: is missing: want something like open: ">= 90 %"`,
				`rules.yaml:2:5: service: is missing: want something like service: OS-ABF-01`,
				`rules.yaml:2:5: title: is missing: want something like title: Papierkorb voll`,
			},
		},
		{
			name: "value is empty",
			old:  "service: OS-ABF-01",
			new:  "service:",
			want: []string{
				`rules.yaml:9:13: service: is empty: want a value`,
			},
		},
		{
			name: "value is a list",
			old:  "service: OS-ABF-01",
			new:  "service: [OS-ABF-01]",
			want: []string{
				`rules.yaml:9:14: service: is a list: want one value`,
			},
		},
		{
			name: "id with capitals",
			old:  "id: bin-full",
			new:  "id: Bin_Full",
			want: []string{
				`rules.yaml:2:9: id: "Bin_Full" does not fit: want lower-case letters, digits and hyphens, 64 at most, like bin-full`,
			},
		},
		{
			name: "unknown kind",
			old:  "kind: bin",
			new:  "kind: bim",
			want: []string{
				`rules.yaml:3:11: kind: unknown kind "bim"; did you mean "bin"?`,
			},
		},
		{
			name: "unknown quantity",
			old:  "quantity: fill_level",
			new:  "quantity: fill_levle",
			want: []string{
				`rules.yaml:4:15: quantity: unknown quantity "fill_levle"; did you mean "fill_level"?`,
			},
		},
		{
			name: "quantity of another kind",
			old:  "kind: bin",
			new:  "kind: soil",
			want: []string{
				`rules.yaml:4:15: quantity: fill_level is not measured at assets of kind soil: want one of ` + fmt.Sprint(measures(city.Soil)),
			},
		},
		{
			name: "wrong unit",
			old:  ">= 90 %",
			new:  ">= 90 kPa",
			want: []string{
				`rules.yaml:5:11: open: unit "kPa" does not fit: fill_level is in %, write something like ">= 10 %"`,
			},
		},
		{
			name: "no unit",
			old:  ">= 90 %",
			new:  ">= 90",
			want: []string{
				`rules.yaml:5:11: open: ">= 90" has no unit: fill_level is in %, write ">= 90 %"`,
			},
		},
		{
			name: "threshold beyond the range",
			old:  ">= 90 %",
			new:  ">= 120 %",
			want: []string{
				`rules.yaml:5:11: open: ">= 120 %" is out of reach: fill_level goes from 0 to 100 %`,
			},
		},
		{
			name: "threshold below the range",
			old:  "<= 30 %",
			new:  "<= -1 %",
			want: []string{
				`rules.yaml:6:12: clear: "<= -1 %" is out of reach: fill_level goes from 0 to 100 %`,
			},
		},
		{
			name: "never true",
			old:  ">= 90 %",
			new:  "> 100 %",
			want: []string{
				`rules.yaml:5:11: open: "> 100 %" can never be true: fill_level goes from 0 to 100 %`,
			},
		},
		{
			name: "always true",
			old:  ">= 90 %",
			new:  ">= 0 %",
			want: []string{
				`rules.yaml:5:11: open: ">= 0 %" is always true: fill_level goes from 0 to 100 %`,
			},
		},
		{
			name: "no comparison",
			old:  ">= 90 %",
			new:  "90 %",
			want: []string{
				`rules.yaml:5:11: open: "90 %" begins with no comparison: want >=, >, <= or <, like ">= 10 %"`,
			},
		},
		{
			name: "comparison only",
			old:  ">= 90 %",
			new:  ">=",
			want: []string{
				`rules.yaml:5:11: open: ">=" has no number after the comparison: want something like ">= 10 %"`,
			},
		},
		{
			name: "words for a number",
			old:  ">= 90 %",
			new:  ">= viel",
			want: []string{
				`rules.yaml:5:11: open: ">= viel" has no number after the comparison: want something like ">= 10 %"`,
			},
		},
		{
			name: "equal for a number",
			old:  ">= 90 %",
			new:  "= 90 %",
			want: []string{
				`rules.yaml:5:11: open: "= 90 %": measured numbers are never just equal: compare with >=, >, <= or <`,
			},
		},
		{
			name: "decimal comma",
			old:  ">= 90 %",
			new:  ">= 90,5 %",
			want: []string{
				`rules.yaml:5:11: open: ">= 90,5 %": write the number with a decimal point and without separators, like 3.5`,
			},
		},
		{
			name: "infinity",
			old:  ">= 90 %",
			new:  ">= Inf %",
			want: []string{
				`rules.yaml:5:11: open: ">= Inf %" has no number after the comparison: want something like ">= 10 %"`,
			},
		},
		{
			name: "number for yes or no",
			old:  fill,
			new:  "quantity: tilt\n    open: \">= 1\"",
			want: []string{
				`rules.yaml:5:11: open: ">= 1" does not fit: tilt is yes or no, write "= true" or "= false"`,
			},
		},
		{
			name: "true without a sign",
			old:  fill,
			new:  "quantity: tilt\n    open: true",
			want: []string{
				`rules.yaml:5:11: open: "true" does not fit: tilt is yes or no, write "= true" or "= false"`,
			},
		},
		{
			name: "open and clear the same yes",
			old:  fill,
			new:  "quantity: tilt\n    open: \"= true\"\n    clear: \"= yes\"",
			want: []string{
				`rules.yaml:6:12: clear: "= true" and open "= true" can be true at once: want a clear that is true only where open is not, like "= false"`,
			},
		},
		{
			name: "clear missing for a number",
			old:  "    clear: \"<= 30 %\"\n",
			want: []string{
				`rules.yaml:2:5: clear: is missing: want something like clear: "<= 30 %"`,
			},
		},
		{
			name: "clear the same way round",
			old:  "<= 30 %",
			new:  ">= 30 %",
			want: []string{
				`rules.yaml:6:12: clear: ">= 30 %" and open ">= 90 %" can be true at once: want a clear that is true only where open is not, like "< 90 %"`,
			},
		},
		{
			name: "clear overlaps",
			old:  "<= 30 %",
			new:  "<= 90 %",
			want: []string{
				`rules.yaml:6:12: clear: "<= 90 %" and open ">= 90 %" can be true at once: want a clear that is true only where open is not, like "< 90 %"`,
			},
		},
		{
			name: "clear the wrong way round",
			old:  "<= 30 %",
			new:  "<= 95 %",
			want: []string{
				`rules.yaml:6:12: clear: "<= 95 %" and open ">= 90 %" can be true at once: want a clear that is true only where open is not, like "< 90 %"`,
			},
		},
		{
			name: "for without unit",
			old:  "for: 30m",
			new:  "for: 30",
			want: []string{
				`rules.yaml:7:10: for: "30" has no unit: want s, m, h or d, like 30m`,
			},
		},
		{
			name: "for in words",
			old:  "for: 30m",
			new:  "for: 30 min",
			want: []string{
				`rules.yaml:7:10: for: "30 min" is not a span of time: want whole numbers with s, m, h or d, biggest first, like 30m or 1d12h`,
			},
		},
		{
			name: "for with a strange unit",
			old:  "for: 30m",
			new:  "for: 2w",
			want: []string{
				`rules.yaml:7:10: for: "2w" is not a span of time: want whole numbers with s, m, h or d, biggest first, like 30m or 1d12h`,
			},
		},
		{
			name: "for smallest first",
			old:  "for: 30m",
			new:  "for: 30m1h",
			want: []string{
				`rules.yaml:7:10: for: "30m1h" is not a span of time: want whole numbers with s, m, h or d, biggest first, like 30m or 1d12h`,
			},
		},
		{
			name: "for negative",
			old:  "for: 30m",
			new:  "for: -30m",
			want: []string{
				`rules.yaml:7:10: for: "-30m" is not a span of time: want whole numbers with s, m, h or d, like 30m or 1d12h`,
			},
		},
		{
			name: "for too long",
			old:  "for: 30m",
			new:  "for: 400d",
			want: []string{
				`rules.yaml:7:10: for: "400d" is too long: want 366d at most`,
			},
		},
		{
			name: "no readings",
			old:  "readings: 2",
			new:  "readings: 0",
			want: []string{
				`rules.yaml:8:15: readings: "0" does not fit: want a whole number from 1 to 1000`,
			},
		},
		{
			name: "readings with a fraction",
			old:  "readings: 2",
			new:  "readings: 2.5",
			want: []string{
				`rules.yaml:8:15: readings: "2.5" does not fit: want a whole number from 1 to 1000`,
			},
		},
		{
			name: "service in small letters",
			old:  "service: OS-ABF-01",
			new:  "service: Papierkorb voll",
			want: []string{
				`rules.yaml:9:14: service: "Papierkorb voll" does not fit: want upper-case letters, digits and hyphens, 64 at most, like OS-ABF-01`,
			},
		},
		{
			name: "title of two lines",
			old:  "title: Papierkorb voll",
			new:  "title: \"Papierkorb\\nvoll\"",
			want: []string{
				`rules.yaml:10:12: title: has more than one line: want one`,
			},
		},
		{
			name: "title too long",
			old:  "title: Papierkorb voll",
			new:  "title: üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü",
			want: []string{
				`rules.yaml:10:12: title: has 121 characters: want 120 at most`,
			},
		},
		{
			name: "id twice",
			old:  "title: Papierkorb voll\n",
			new:  "title: Papierkorb voll\n  - id: bin-full\n    kind: bin\n    quantity: tilt\n    open: \"= true\"\n    service: OS-ABF-02\n    title: Papierkorb umgekippt\n",
			want: []string{
				`rules.yaml:11:9: id: "bin-full" is taken by the rule in line 2: want another`,
			},
		},
		{
			name: "service twice for a kind",
			old:  "title: Papierkorb voll\n",
			new:  "title: Papierkorb voll\n  - id: bin-fuller\n    kind: bin\n    quantity: fill_level\n    open: \">= 95 %\"\n    clear: \"<= 30 %\"\n    service: OS-ABF-01\n    title: Papierkorb sehr voll\n",
			want: []string{
				`rules.yaml:16:14: service: rule "bin-full" opens tickets of OS-ABF-01 for bin already: one asset would get two of them; want another service, or one rule`,
			},
		},
		{
			name: "everything at once",
			new:  "rules:\n  - id: a\n    kind: bin\n    quantity: fill_level\n    open: \">= 90 kPa\"\n    clear: \"30 %\"\n    for: 30\n    readings: many\n    service: OS-ABF-01\n    title: Papierkorb voll\n  - id: b\n    kind: tree\n    colour: green\n",
			want: []string{
				`rules.yaml:5:11: open: unit "kPa" does not fit: fill_level is in %, write something like ">= 10 %"`,
				`rules.yaml:6:12: clear: "30 %" begins with no comparison: want >=, >, <= or <, like ">= 10 %"`,
				`rules.yaml:7:10: for: "30" has no unit: want s, m, h or d, like 30m`,
				`rules.yaml:8:15: readings: "many" does not fit: want a whole number from 1 to 1000`,
				`rules.yaml:11:5: quantity: is missing: want something like quantity: fill_level`,
				`rules.yaml:11:5: open: is missing: want something like open: ">= 90 %"`,
				`rules.yaml:11:5: service: is missing: want something like service: OS-ABF-01`,
				`rules.yaml:11:5: title: is missing: want something like title: Papierkorb voll`,
				`rules.yaml:12:11: kind: unknown kind "tree": want one of [bin soil parking level weather air people door tracker light meter]`,
				`rules.yaml:13:5: unknown key "colour": want one of ` + keys,
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := tt.new
			if tt.old != "" {
				if !strings.Contains(good, tt.old) {
					t.Fatalf("the good file has no %q", tt.old)
				}
				file = strings.Replace(good, tt.old, tt.new, 1)
			}
			set, err := Load("rules.yaml", []byte(file))
			if err == nil {
				t.Fatalf("accepted: %+v", set.Rules())
			}
			if got := strings.Split(err.Error(), "\n"); !slices.Equal(got, tt.want) {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestLoadTooManyRules(t *testing.T) {
	_, err := Load("rules.yaml", []byte("rules:\n"+strings.Repeat("  - id: x\n", maxRules+1)))
	if err == nil || err.Error() != "rules.yaml:2:3: rules: 256 are too many: want 255 at most" {
		t.Errorf("got %v", err)
	}
}

// TestConditionSpelling: what people may write for the same thing.
func TestConditionSpelling(t *testing.T) {
	tests := []struct {
		text string
		q    city.Quantity
		want Condition
		back string
	}{
		{">= 90 %", city.FillLevel, Condition{AtLeast, 90}, ">= 90 %"},
		{" >=90%", city.FillLevel, Condition{AtLeast, 90}, ">= 90 %"},
		{"≥ 90 %", city.FillLevel, Condition{AtLeast, 90}, ">= 90 %"},
		{"> 0 mm", city.Distance, Condition{Above, 0}, "> 0 mm"},
		{"≤ -2.5 °C", city.SoilTemperature, Condition{AtMost, -2.5}, "<= -2.5 °C"},
		{"< 3.30 V", city.BatteryVoltage, Condition{Below, 3.3}, "< 3.3 V"},
		{"> 800 µS/cm", city.Conductivity, Condition{Above, 800}, "> 800 µS/cm"},
		{"> 800 \u03bcS/cm", city.Conductivity, Condition{Above, 800}, "> 800 µS/cm"},
		{"> 800 uS/cm", city.Conductivity, Condition{Above, 800}, "> 800 µS/cm"},
		{"= true", city.Occupied, Condition{Equal, 1}, "= true"},
		{"=Ja", city.Occupied, Condition{Equal, 1}, "= true"},
		{"= no", city.Tilt, Condition{Equal, 0}, "= false"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			got, err := parseCondition(tt.text, tt.q)
			if err != nil || got != tt.want || got.In(tt.q) != tt.back {
				t.Errorf("got %v (%s), %v", got, got.In(tt.q), err)
			}
		})
	}
}

// TestOverlaps compares with what trying out values says.
func TestOverlaps(t *testing.T) {
	var all []Condition
	for c := AtLeast; c <= Equal; c++ {
		all = append(all, Condition{c, 1}, Condition{c, 2})
	}
	for _, a := range all {
		for _, b := range all {
			want := false
			for v := 0.0; v <= 3; v += 0.5 {
				want = want || a.Met(v) && b.Met(v)
			}
			if got := a.overlaps(b); got != want {
				t.Errorf("%v and %v: got %v, want %v", a, b, got, want)
			}
			if a.overlaps(a.opposite()) && a.Compare != Equal {
				t.Errorf("%v overlaps with its opposite %v", a, a.opposite())
			}
		}
	}
}

func TestParseSpan(t *testing.T) {
	tests := []struct {
		text string
		want time.Duration
	}{
		{"0s", 0},
		{"30m", 30 * time.Minute},
		{"24h", 24 * time.Hour},
		{"1d12h", 36 * time.Hour},
		{"1d2h3m4s", 26*time.Hour + 3*time.Minute + 4*time.Second},
		{"366d", longest},
	}
	for _, tt := range tests {
		if got, err := parseSpan(tt.text); err != nil || got != tt.want {
			t.Errorf("%s: got %v, %v, want %v", tt.text, got, err, tt.want)
		}
	}
	for _, text := range []string{"", "m", "1h30", "1m1m", "1.5h", "366d1s", "99999999999s", "4294967295d"} {
		if got, err := parseSpan(text); err == nil {
			t.Errorf("%q: accepted as %v", text, got)
		}
	}
}

func TestLoadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "regeln für Osnabrück.yaml")
	if _, err := LoadFile(path); err == nil || !strings.Contains(err.Error(), "open rules: ") {
		t.Errorf("absent file: got %v", err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(good, "90 %", "90", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadFile(path); err == nil || !strings.HasPrefix(err.Error(), path+":5:11: open: ") {
		t.Errorf("got %v, want it to begin with %s:5:11: open:", err, path)
	}
	if err := os.WriteFile(path, []byte(good+strings.Repeat("# and so on\n", maxFile/12)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadFile(path); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("big file: got %v", err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(good))
	f.Add(shipped)
	f.Add([]byte("rules:\n  - &a {id: x}\n  - *a\n  - <<: *a\n---\n"))
	f.Add([]byte("rules: [{open: >= 90 %}]"))
	f.Add([]byte(everything))
	f.Fuzz(func(t *testing.T, data []byte) {
		set, err := Load("f", data)
		if (set == nil) == (err == nil) {
			t.Fatalf("got %v and %v", set, err)
		}
		if err != nil {
			if !strings.HasPrefix(err.Error(), "f:") {
				t.Fatalf("does not say where: %v", err)
			}
			return
		}
		for _, r := range set.Rules() {
			if r.ID == "" || r.Service == "" || len(r.Levels) == 0 {
				t.Fatalf("not a rule: %+v", r)
			}
			for _, l := range r.Levels {
				if l.Open == nil || l.Open.String() == "" || l.Readings < 1 || l.ClearReadings < 1 || l.For < 0 || l.ClearFor < 0 {
					t.Fatalf("not a level: %+v", l)
				}
			}
		}
	})
}
