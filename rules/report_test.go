package rules

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
)

// TestReport counts cases that were made up, and holds two lists of them against each other.
func TestReport(t *testing.T) {
	hour := func(h int) time.Time { return noon.Add(time.Duration(h) * time.Hour) }
	said := func(h int, asset string, change city.Change, since int) Said {
		return Said{Asset: asset, Now: hour(h), Verdict: city.Verdict{Rule: "bin-full", Change: change, Since: hour(since), Severity: 1}}
	}
	var before, after Ledger
	before.Add([]Said{
		said(-2, "A", city.Opened, -3), said(-1, "A", city.Closed, -1), // before the span
		said(10, "A", city.Opened, 9), said(30, "A", city.Closed, 28),
		said(32, "A", city.Opened, 31), said(33, "A", city.Revoked, 0), // a flap, taken back
		said(40, "B", city.Opened, 39), said(44, "B", city.Closed, 44),
		said(50, "C", city.Opened, 49), said(51, "C", city.Escalated, 51),
	})
	after.Add([]Said{
		said(8, "A", city.Opened, 7), said(30, "A", city.Closed, 28),
		said(60, "B", city.Opened, 59),
		said(50, "C", city.Opened, 49),
	})
	set := mustNew(t, ten()[:1], Options{})
	was, is := Summarize(set, &before, hour(0), hour(14*24)), Summarize(set, &after, hour(0), hour(14*24))
	want := RuleReport{Rule: "bin-full", Cases: 4, PerWeek: 2, Open: 1, Revoked: 1, Flaps: 1, Lead: 18, Places: 3}
	if len(was.Rules) != 1 || was.Rules[0] != want {
		t.Errorf("got  %+v\nwant %+v", was.Rules, want)
	}
	var got []string
	for _, d := range Contrast(was, is) {
		got = append(got, fmt.Sprintf("%s both %d, only before %d, only after %d, sooner %s", d.Place, d.Both, len(d.OldOnly), len(d.NewOnly), d.Sooner))
	}
	const differences = "B both 0, only before 1, only after 1, sooner 0s | A both 1, only before 1, only after 0, sooner 2h0m0s"
	if strings.Join(got, " | ") != differences {
		t.Errorf("got  %q\nwant %q", got, differences)
	}
}

// TestSurvey: each remark, on a fleet made for it.
func TestSurvey(t *testing.T) {
	set, err := Load("rules.yaml", []byte(`rules:
  - {id: full, kind: bin, quantity: fill_level, open: ">= 90 %", clear: "<= 30 %", readings: 1, service: A, title: t}
  - {id: hot, kind: bin, quantity: temperature, open: ">= 60 °C", clear: "<= 2 °C", service: B, title: t}
  - {id: tilted, kind: bin, quantity: tilt, open: "= true", service: C, title: t}
  - {id: battery, kind: bin, quantity: battery_level, open: "<= 15 %", clear: ">= 50 %", service: D, title: t}
  - {id: dry, kind: soil, quantity: soil_moisture, open: "<= 15 %", clear: ">= 50 %", service: E, title: t}
  - {id: blocked, kind: parking, quantity: occupied, open: "= true", service: F, title: t}
  - {id: again, kind: bin, quantity: fill_level, open: ">= 95 %", clear: "<= 30 %", readings: 1, service: A, title: t, shadow: true}
`))
	if err != nil {
		t.Fatal(err)
	}
	var assets []*city.Asset
	for i := range 4 {
		assets = append(assets, &city.Asset{ID: fmt.Sprint("PK-", i), Kind: city.Bin})
	}
	assets = append(assets, &city.Asset{ID: "P-1", Kind: city.Parking})
	survey, play := NewSurvey(assets), NewPlay(set, nil, nil)
	var ledger Ledger
	for i, a := range assets[:3] {
		play.Cast(a, nil)
		values := []city.Value{{Quantity: city.FillLevel, Number: float64(30 + 32*i)}, {Quantity: city.Temperature, Number: float64(10 + i)}}
		if i == 0 {
			values = append(values, city.Value{Quantity: city.BatteryLevel, Number: 80})
		}
		r := reading(city.Bin, 0, values...)
		r.Asset, r.DevEUI, r.Epoch, r.Received = a.ID, euiOf(a.ID), 1, r.Time.At
		survey.See(r)
		play.Hear(r)
	}
	survey.See(&city.Reading{Asset: "unknown", Values: []city.Value{{Quantity: city.Tilt, Number: math.Inf(1)}}})
	ledger.Add(play.Until(noon.Add(time.Hour)))
	var got []string
	for _, r := range survey.Remarks(set, play.Standings(), ledger.Open(), 30) {
		got = append(got, fmt.Sprintf("%s %v: %s", r.Rule, r.Serious, r.Text))
	}
	want := []string{
		"full false: fires for 1 of 3 assets now, is muted for 0 and pending for 0",
		`hot false: open: ">= 60 °C" was never true within 30 days, when temperature went from 10 to 12 °C`,
		`hot false: clear: "<= 2 °C" was never true within 30 days, when temperature went from 10 to 12 °C`,
		"tilted true: none of the 3 assets that were heard ever sends tilt: it can never fire",
		"battery false: 2 of 3 assets that were heard never send battery_level",
		`battery false: open: "<= 15 %" was never true within 30 days, when battery_level went from 80 to 80 %`,
		"dry true: the inventory has no asset that it looks at (kind: soil)",
		"blocked false: none of the 1 assets that it looks at was heard within 30 days",
		`again false: open: ">= 95 %" was never true within 30 days, when fill_level went from 30 to 94 %`,
		"again false: opens tickets of A, as full does for assets of the same kind",
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
}

// TestPromote: only the one word changes, however the rule is written.
func TestPromote(t *testing.T) {
	const file = `# Rules of the town.
rules:
  # The old one.
  - id: full
    kind: bin
    quantity: fill_level
    open: ">= 90 %"   # agreed in May

    clear: "<= 30 %"
    service: A
    title: Papierkorb füllt sich

  - {id: new, kind: bin, quantity: fill_level, open: ">= 80 %", clear: "<= 30 %", service: A, title: "Ü: voll", shadow: true} # try
  - id: other
    kind: soil
    shadow: yes # for now
    quantity: soil_moisture
    open: "<= 10 %"
    clear: ">= 20 %"
    service: B
    title: Boden trocken
`
	for _, c := range []struct{ name, id, instead, old, new, old2, new2, err string }{
		{name: "in braces, instead of one in lines", id: "new", instead: "full", old: "shadow: true}", new: "shadow: false}", old2: "  - id: full\n", new2: "  - shadow: true\n    id: full\n"},
		{name: "in lines", id: "other", old: "shadow: yes #", new: "shadow: false #"},
		{name: "two of a category", id: "new", err: `new cannot be promoted as the file stands:`},
		{name: "counts already", id: "full", err: "r.yaml:4: rule full is not in shadow: it counts already"},
		{name: "instead of one in shadow", id: "new", instead: "other", err: "rule other is in shadow already"},
		{name: "no such rule", id: "nwe", err: `r.yaml: there is no rule "nwe"; did you mean "new"?`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Promote("r.yaml", []byte(file), c.id, c.instead)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("got %v, want %s", err, c.err)
				}
				return
			}
			want := strings.Replace(file, c.old, c.new, 1)
			if c.old2 != "" {
				want = strings.Replace(want, c.old2, c.new2, 1)
			}
			if err != nil || string(got) != want {
				t.Errorf("error %v, got\n%s", err, got)
			}
		})
	}
	if _, err := Promote("r.yaml", []byte("rules: [\n"), "x", ""); err == nil {
		t.Error("a file with mistakes is accepted")
	}
}
