package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/storage/sqlite"
)

const ruleFile = `rules:
  - {id: bin-full, kind: bin, quantity: fill_level, open: ">= 90 %", clear: "<= 30 %", for: 30m, service: OS-ABF-01, title: Papierkorb voll}
  - {id: bin-fast, kind: bin, quantity: fill_level, open: ">= 70 %", clear: "<= 30 %", service: OS-ABF-01, title: Papierkorb bald voll, shadow: true}
`

// ruledTown is a configuration with two bins and three days of hourly readings, ending an hour
// ago: they fill in ten hours and are emptied, one of them later than the other.
func ruledTown(t *testing.T) (dir string, from time.Time) {
	dir = write(t, map[string]string{
		"meldefunk.yaml": strings.Replace(good, "inventory.yaml", "DIR/inventory.yaml", 1) + "rules: DIR/rules.yaml\ndata: DIR/data\n",
		"inventory.yaml": "assets:\n  - {id: PK-1, kind: bin, name: Domhof}\n  - {id: PK-2, kind: bin, name: Markt}\n" +
			"devices:\n  - {dev_eui: a840410001810001, model: milesight/em310-udl, asset: PK-1}\n  - {dev_eui: a840410001810002, model: milesight/em310-udl, asset: PK-2}\n",
		"rules.yaml": ruleFile,
		"new.yaml":   strings.Replace(ruleFile, ">= 90 %", ">= 80 %", 1),
		"wrong.yaml": "rules:\n  - {id: x, kind: soil, quantity: soil_moisture, open: '<= 5 %', clear: '>= 9 %', service: S, title: t}\n",
		"bad.yaml":   "rules:\n  - {id: x, kind: bin, quantity: fill_level, open: '>= 90 kPa', clear: '<= 30 %', service: S, title: t}\n",
		"rules_test.yaml": "rules: rules.yaml\ntests:\n  - name: fills\n    assets: [{id: PK-1, kind: bin}]\n" +
			"    readings: [{asset: PK-1, every: 1h, fill_level: 50 92 93}]\n    expect: [{at: 2h, open: [bin-full PK-1]}]\n",
		"fails_test.yaml": "tests:\n  - name: fills\n    assets: [{id: PK-1, kind: bin}]\n" +
			"    readings: [{asset: PK-1, every: 1h, fill_level: 50 92 93}]\n    expect: [{at: 1h, open: [bin-full PK-1]}]\n",
	})
	store, err := sqlite.Open(t.Context(), filepath.Join(dir, "data"), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	from = time.Now().UTC().Truncate(time.Hour).Add(-73 * time.Hour)
	var c city.Commit
	for n := range 72 {
		for i, asset := range []string{"PK-1", "PK-2"} {
			at := from.Add(time.Duration(n) * time.Hour)
			c.Mark.Reading++
			c.Readings = append(c.Readings, city.Reading{ID: c.Mark.Reading, DevEUI: city.EUI{0xa8, 0x40, 0x41, 0, 1, 0x81, 0, byte(1 + i)}, Asset: asset,
				Kind: city.Bin, Model: "milesight/em310-udl", Epoch: 1, FCnt: uint32(n), Time: city.Stamp{At: at, Source: city.TimeServer}, Received: at,
				Values: []city.Value{{Quantity: city.FillLevel, Number: float64(min(95, 9*(n%(12+12*i))))}}})
		}
	}
	opened := from.Add(12 * time.Hour)
	c.Cases = []city.Case{{Ref: "S-7K2MPQ4D", Rule: "bin-full", Service: "OS-ABF-01", Asset: "PK-1", Quantity: city.FillLevel, Value: 95, Limit: 90,
		Since: from.Add(10 * time.Hour), Title: "Papierkorb voll", Opened: from.Add(11 * time.Hour)}}
	for i, d := range []city.Decision{
		{Change: "moved", From: "idle", To: "pending"}, {Change: "opened", From: "pending", To: "open"}, {Change: "closed", From: "clearing", To: "idle"},
	} {
		d.Rule, d.Asset, d.At, d.Decided = "bin-full", "PK-1", from.Add(time.Duration(10+i)*time.Hour), from.Add(time.Duration(10+i)*time.Hour)
		c.Mark.Ruling++
		c.Rulings = append(c.Rulings, city.Ruling{ID: c.Mark.Ruling, Case: "S-7K2MPQ4D", Decision: d})
	}
	c.Deaf = []city.Deafness{{Since: from, Until: from.Add(2 * time.Hour)}, {Server: "chirpstack", Since: from.Add(time.Hour), Until: from.Add(5 * time.Hour)},
		{Server: "elsewhere", Since: from, Until: from.Add(50 * time.Hour)}}
	if err := store.Commit(t.Context(), &c); err != nil {
		t.Fatal(err)
	}
	done := city.Commit{Mark: c.Mark, Cases: []city.Case{{Ref: "S-7K2MPQ4D", Closed: opened.Add(time.Hour), ClosedSince: opened}}}
	if err := store.Commit(t.Context(), &done); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, from
}

// TestRule runs every command about rules on a small town.
func TestRule(t *testing.T) {
	dir, from := ruledTown(t)
	in := func(name string) string { return filepath.Join(dir, name) }
	config := in("meldefunk.yaml")
	day, end := from.Format(time.RFC3339), from.Add(72*time.Hour).Format(time.RFC3339)
	for _, c := range []struct {
		name string
		args []string
		code int
		want []string // in what is printed, blanks made one
	}{
		{"list", []string{"list", "-c", config}, exitOK, []string{"bin-full bin OS-ABF-01 fill_level >= 90 %", "fill_level >= 70 % (shadow)"}},
		{"list a file", []string{"list", "default"}, exitOK, []string{"gateway-down any OS-GWY-01 share >= 30 % of 5 members or more"}},
		{"list as JSON", []string{"list", "-c", config, "--json"}, exitOK, []string{`"id":"bin-full"`, `"opens":["fill_level \u003e= 90 %"]`}},
		{"check", []string{"check", "-c", config}, exitOK, []string{"bin-fast: opens tickets of OS-ABF-01", "2 rules are fine by themselves; held against 2 assets and 144 readings"}},
		{"check, cannot work", []string{"check", "-c", config, in("wrong.yaml")}, exitFailure, []string{
			"WRONG x: the inventory has no asset that it looks at (kind: soil)", "1 of 1 rules cannot work with this fleet"}},
		{"check as JSON", []string{"check", "-c", config, "--json"}, exitOK, []string{`"assets":2,"readings":144`}},
		{"check, bad", []string{"check", in("bad.yaml")}, exitUsage, []string{"bad.yaml:2:"}},
		{"check, no days", []string{"check", "-c", config, "--days", "0"}, exitUsage, []string{"--days 0: want 1 to 3660"}},
		{"check, no fleet", []string{"check", "-c", in("none.yaml"), in("rules.yaml")}, exitUsage, []string{"--alone checks the file without the fleet"}},
		{"check alone", []string{"check", "--alone", in("rules.yaml")}, exitOK, []string{"2 rules are fine by themselves"}},
		{"test", []string{"test", in("rules_test.yaml"), "-v"}, exitOK, []string{"ok ", "1 tests pass, 0 fail"}},
		{"test fails", []string{"test", "-c", config, in("rules_test.yaml"), in("fails_test.yaml")}, exitFailure, []string{"FAIL", "fails_test.yaml:5: open cases after 1h are not as expected",
			"- bin-full PK-1", "ruht → wartet ab", "1 tests pass, 1 fail", "1 of 2 tests fail"}},
		{"test without rules", []string{"test", "-c", in("none.yaml"), in("fails_test.yaml")}, exitUsage, []string{"the test names no rules"}},
		{"test nothing", []string{"test"}, exitUsage, []string{"which file?"}},
		{"test a file of rules", []string{"test", in("rules.yaml")}, exitUsage, []string{"rules.yaml:1:1: tests: is missing", "rules.yaml:2:3: rules: is a list: want one value"}},
		{"replay", []string{"replay", "-c", config, "--from", day, "--to", end}, exitOK, []string{"144 readings", "bin-full 8 18.7 2 2 6 0 1.0 h", "bin-fast (shadow) 8"}},
		{"replay one asset", []string{"replay", "-c", config, "--from", day, "--asset", "PK-2"}, exitOK, []string{"72 readings", "bin-full 3 "}},
		{"replay, compare", []string{"replay", "-c", config, "--from", day, "--rules", in("new.yaml")}, exitOK, []string{"2 places are different", "bin-full PK-1 5 0 0 1h0m0s", "bin-full PK-2 3 0 0 1h0m0s"}},
		{"replay as JSON", []string{"replay", "-c", config, "--from", day, "--json"}, exitOK, []string{`"rule":"bin-full","cases":8,`}},
		{"replay, decisions", []string{"replay", "-c", config, "--from", day, "--decisions"}, exitOK, []string{`{"rule":"bin-full",`, `"change":"opened"`, `"shadow":true`}},
		{"replay backwards", []string{"replay", "-c", config, "--from", "2026-02-01", "--to", "2026-01-01"}, exitUsage, []string{"is not before --to"}},
		{"replay no time", []string{"replay", "-c", config, "--from", "gestern"}, exitUsage, []string{`--from: "gestern" is no time`}},
		{"replay unknown asset", []string{"replay", "-c", config, "--asset", "PK-9"}, exitUsage, []string{`--asset: there is no "PK-9" in the inventory`}},
		{"explain", []string{"explain", "-c", config, "S-7K2MPQ4D"}, exitOK, []string{"S-7K2MPQ4D PK-1 Papierkorb voll (bin-full)",
			"ruht → wartet ab", "wollte die Regel bin-full bei PK-1 einen Fall", "war für die Regel bin-full die Sache bei PK-1 erledigt"}},
		{"explain as JSON", []string{"explain", "-c", config, "S-7K2MPQ4D", "--json"}, exitOK, []string{`"ref":"S-7K2MPQ4D"`, `"change":"closed"`}},
		{"explain unknown", []string{"explain", "-c", config, "S-0"}, exitFailure, []string{`there is no case "S-0"`}},
		{"explain nothing", []string{"explain", "-c", config}, exitUsage, []string{"wants the reference of a case"}},
		{"promote, two of a category", []string{"promote", "-c", config, "bin-fast"}, exitUsage, []string{"bin-fast cannot be promoted as the file stands"}},
		{"promote", []string{"promote", "-c", config, "bin-fast", "--instead-of", "bin-full"}, exitOK, []string{"bin-fast counts after the next reload"}},
		{"promote again", []string{"promote", "-c", config, "bin-fast"}, exitUsage, []string{"it counts already"}},
		{"complete rules", []string{"promote", "-c", config, ""}, exitOK, []string{"bin-full Papierkorb voll", "bin-fast Papierkorb bald voll"}},
		{"complete cases", []string{"explain", "-c", config, ""}, exitOK, []string{"S-7K2MPQ4D PK-1 Papierkorb voll"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := append([]string{"rule"}, c.args...)
			if strings.HasPrefix(c.name, "complete") {
				args = append([]string{"__complete"}, args...)
			}
			out, code := run(t, args...)
			if code != c.code {
				t.Errorf("exit code %d, want %d: %s", code, c.code, out)
			}
			printed := strings.Join(strings.Fields(out), " ")
			for _, want := range c.want {
				if !strings.Contains(printed, want) {
					t.Errorf("no %q in:\n%s", want, out)
				}
			}
		})
	}
	text, err := os.ReadFile(in("rules.yaml"))
	if want := strings.Replace(strings.Replace(ruleFile, "shadow: true", "shadow: false", 1), "{id: bin-full", "{shadow: true, id: bin-full", 1); err != nil || string(text) != want {
		t.Errorf("after promote the file is\n%s", text)
	}
	if left, err := filepath.Glob(in("rules.yaml.*")); err != nil || len(left) > 0 {
		t.Errorf("promote has left %v", left)
	}
}

// TestReplayDecides says that decisions of a replay are the records that the rules made, and
// that they are the same whether all of history is played or one asset.
func TestReplayDecides(t *testing.T) {
	dir, from := ruledTown(t)
	decisions := func(more ...string) (all []city.Decision) {
		var out bytes.Buffer
		root := command()
		root.SetArgs(append([]string{"rule", "replay", "-c", filepath.Join(dir, "meldefunk.yaml"), "--from", from.Format(time.RFC3339), "--decisions"}, more...))
		root.SetOut(&out)
		if err := root.ExecuteContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		for decoder := json.NewDecoder(&out); decoder.More(); {
			var d city.Decision
			if err := decoder.Decode(&d); err != nil {
				t.Fatal(err)
			}
			all = append(all, d)
		}
		return all
	}
	var of, one []string
	for _, d := range decisions() {
		if d.Asset == "PK-1" {
			of = append(of, fmt.Sprintf("%+v", d))
		}
	}
	for _, d := range decisions("--asset", "PK-1") {
		one = append(one, fmt.Sprintf("%+v", d))
	}
	if len(of) < 20 || strings.Join(of, "\n") != strings.Join(one, "\n") {
		t.Errorf("%d decisions about PK-1 of all, %d by itself", len(of), len(one))
	}
}

// TestDeafness adds up times that overlap once, and those of other network servers not.
func TestDeafness(t *testing.T) {
	dir, from := ruledTown(t)
	err := withPast(t.Context(), filepath.Join(dir, "meldefunk.yaml"), func(p *past) error {
		for _, c := range []struct {
			server     string
			begin, end int
			want       time.Duration
		}{{"chirpstack", 0, 72, 5 * time.Hour}, {"other", 0, 72, 2 * time.Hour}, {"chirpstack", 3, 4, time.Hour}, {"chirpstack", 6, 72, 0}} {
			got := p.deafness(c.server, from.Add(time.Duration(c.begin)*time.Hour), from.Add(time.Duration(c.end)*time.Hour))
			if got != c.want {
				t.Errorf("%s from %d to %d: deaf for %s, want %s", c.server, c.begin, c.end, got, c.want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
