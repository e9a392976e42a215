package rules

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

// byName gives the shipped rules for "default", or none.
func byName(name string) (*Set, error) {
	if name != "default" {
		return nil, errors.New("want default")
	}
	return Default(), nil
}

// TestShipped runs the tests of the shipped rules, in the format that users write.
func TestShipped(t *testing.T) {
	data, err := os.ReadFile("default_test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	trials, err := LoadTrials("default_test.yaml", data, byName)
	if err != nil {
		t.Fatal(err)
	}
	results, err := trials.Run()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		t.Run(r.Name, func(t *testing.T) {
			for _, f := range r.Failures {
				t.Errorf("%s:%d: %s", r.File, f.Line, f.String())
			}
		})
	}
	for _, r := range Default().Rules() {
		if !strings.Contains(string(data), " opened "+r.ID+" ") && !strings.Contains(string(data), "open: ["+r.ID) &&
			!strings.Contains(string(data), ", "+r.ID+" ") {
			t.Errorf("no test opens a case of %s", r.ID)
		}
	}
}

// TestTrialFails: each story goes otherwise than it says, and what is told of it names the
// line, what is missing, what is there instead, and why.
func TestTrialFails(t *testing.T) {
	const head = "rules: default\ntests:\n  - name: x\n    assets: [{id: PK-1, kind: bin}, {id: PK-2, kind: bin}]\n" +
		"    readings: [{asset: PK-1, every: 1h, fill_level: 40 80 92 95 97 12 13}]\n"
	for _, c := range []struct{ name, rest, want string }{
		{"not open", "    expect: [{at: 2h, open: [bin-full PK-1]}]\n",
			"6: open cases after 2h are not as expected | - bin-full PK-1 | bin-full PK-1: | Am 01.06.2026 14:00:00 hat die Regel bin-full bei PK-1 ihren Stand geändert: ruht → wartet ab."},
		{"open elsewhere", "    expect: [{at: 3h, open: [bin-full PK-2]}]\n",
			"6: open cases after 3h are not as expected | - bin-full PK-2 | + bin-full PK-1 | bin-full PK-1: | Am 01.06.2026 15:00:00 wollte die Regel bin-full bei PK-1 einen Fall."},
		{"never moved", "    expect: [{at: 1h, open: [bin-tilted PK-1]}]\n",
			"6: open cases after 1h are not as expected | - bin-tilted PK-1 | bin-tilted PK-1: Die Regel hat sich bis dahin nicht gerührt: Ihre Bedingung war nie erfüllt, oder sie gilt dort nicht."},
		{"another severity", "    expect: [{at: 3h, open: [bin-full PK-1 severity 2]}]\n",
			"6: open cases after 3h are not as expected | - bin-full PK-1 severity 2 | + bin-full PK-1 severity 1"},
		{"pending", "    expect: [{at: 2h, open: [], pending: []}]\n", "6: pending rules after 2h are not as expected | + bin-full PK-1"},
		{"changes", "    changes:\n      - 3h opened bin-full PK-1\n      - 5h closed bin-full PK-1\n",
			"8: changes are not as expected | - 5h closed bin-full PK-1 | + 6h closed bin-full PK-1 | bin-full PK-1: | Am 01.06.2026 18:00:00 war für die Regel bin-full die Sache bei PK-1 erledigt."},
		{"no changes", "    changes: []\n", "6: changes are not as expected | + 3h opened bin-full PK-1 | + 6h closed bin-full PK-1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			trials, err := LoadTrials("x_test.yaml", []byte(head+c.rest), byName)
			if err != nil {
				t.Fatal(err)
			}
			results, err := trials.Run()
			if err != nil || len(results) != 1 || len(results[0].Failures) != 1 {
				t.Fatalf("got %+v, %v: want one failure", results, err)
			}
			f := results[0].Failures[0]
			words := strings.Fields(fmt.Sprintf("%d: %s", f.Line, f.String()))
			if got, want := strings.Join(words, " "), strings.ReplaceAll(c.want, " | ", " "); !strings.HasPrefix(got, want) {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// TestTrialMistakes: each mistake with exactly what is said of it.
func TestTrialMistakes(t *testing.T) {
	const good = `rules: default
tests:
  - name: x
    start: 2026-06-01 12:00
    assets: [{id: PK-1, kind: bin}]
    readings:
      - {asset: PK-1, every: 1h, fill_level: 40 50, tilt: "false"}
    expect: [{at: 3h, open: []}]
`
	if _, err := LoadTrials("t.yaml", []byte(good), byName); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, old, new, want string }{
		{"empty", good, "", `t.yaml:1:1: the file is empty: want a list of rules under "rules:"; "rules: []" says that none are wanted`},
		{"no tests", good, "rules: default\n", "t.yaml:1:1: tests: is missing: want a list of tests, each with name, assets, readings and expect"},
		{"rules not found", "rules: default", "rules: other.yaml", "t.yaml:1:8: rules: want default"},
		{"unknown key", "start:", "begin:", "t.yaml:4:5: unknown key \"begin\": want one of name, start, assets, readings, deaf, restarts, expect, changes"},
		{"no time", "2026-06-01 12:00", "tomorrow", `t.yaml:4:12: start: "tomorrow" is no time: want a day, or a day and a time, like 2026-11-22 or 2026-11-22 18:00`},
		{"unknown asset", "asset: PK-1", "asset: PK-2", `t.yaml:7:17: asset: there is no asset "PK-2" in this test; did you mean "PK-1"?`},
		{"unknown kind", "kind: bin", "kind: bim", `t.yaml:5:31: kind: unknown kind "bim"; did you mean "bin"?`},
		{"twice", "[{id: PK-1, kind: bin}]", "[{id: PK-1..PK-3, kind: bin}, {id: PK-2, kind: bin}]", `t.yaml:5:48: id: "PK-2" stands here a second time: want it once`},
		{"bad row", "[{id: PK-1,", "[{id: PK-9..PK-1,", `t.yaml:5:19: id: "PK-9..PK-1" does not fit: want an asset, or a row of 10000 at most like PK-1..PK-8`},
		{"unknown quantity", "fill_level: 40 50", "fil_level: 40 50", `did you mean "fill_level"?`},
		{"no number", "40 50", "40 fifty", `t.yaml:7:46: fill_level: "fifty" does not fit: want a number from 0 to 100 (fill_level %), _ or lost`},
		{"out of range", "40 50", "40 150", `"150" does not fit: want a number from 0 to 100`},
		{"bad times", "40 50", "40*x 50", `"40*x": want how often after the *, from 1 to 100000, like 90*6`},
		{"bad ramp", "40 50", "40..90", `"40..90": from .. to wants numbers and how many there are, like 40..90*6`},
		{"bad late", "40 50", "40 50~soon", `"50~soon": how late: "soon" is not a span of time`},
		{"yes or no", `"false"`, `"maybe"`, `tilt: "maybe" does not fit: tilt is yes or no, want true, false, _ or lost`},
		{"unknown fault", `tilt: "false"`, `faults: no_ecko _`, `faults: unknown fault "no_ecko"; did you mean "no_echo"?`},
		{"uneven", `tilt: "false"`, "tilt: false true true", "tilt: has 3 frames, and fill_level has 2: want as many, or a single one that stands for all"},
		{"no period", "every: 1h, ", "", "t.yaml:7:9: every: is missing: want something like every: 1h"},
		{"no expectation", "    expect: [{at: 3h, open: []}]\n", "", "expect: is missing: want what should be open at a time"},
		{"no open", ", open: []", "", "t.yaml:8:14: open: is missing: want the cases that are open then"},
		{"unknown rule", "open: []", "open: [bin-ful PK-1]", `t.yaml:8:30: open: there is no rule "bin-ful"; did you mean "bin-full"?`},
		{"no place", "open: []", "open: [bin-full]", `open: "bin-full" does not fit: want a rule and where, like bin-full PK-1 or gateway-down gateway:gw-1`},
		{"no change", "expect: [{at: 3h, open: []}]", "changes: [3h opend bin-full PK-1]", `t.yaml:8:15: changes: "opend" is no change: want one of [opened closed revoked escalated deescalated]; did you mean "opened"?`},
		{"deaf backwards", "    expect:", "    deaf: [{from: 2h, to: 1h}]\n    expect:", "t.yaml:8:27: to: is not after from: want a later time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := LoadTrials("t.yaml", []byte(strings.Replace(good, c.old, c.new, 1)), byName)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

// FuzzTrials says that no file makes the loader or a short play go astray.
func FuzzTrials(f *testing.F) {
	data, err := os.ReadFile("default_test.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte("rules: default\ntests: [{name: x, assets: [{id: A..B}], readings: [{asset: A, fill_level: 1*99}], changes: []}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		trials, err := LoadTrials("t.yaml", data, byName)
		if err != nil || len(trials.tests) > 3 {
			return
		}
		for _, one := range trials.tests {
			if len(one.frames) > 300 || len(one.cast) > 20 {
				return
			}
		}
		if _, err := trials.Run(); err != nil {
			t.Fatal(err)
		}
	})
}
