package rules

import (
	"strings"
	"testing"
	"time"

	"meldefunk/city"
)

// TestForms reads each way to write a condition, and holds its meaning in words against what
// was meant.
func TestForms(t *testing.T) {
	for _, c := range []struct{ kind, rule, open, clear string }{
		{"bin", `quantity: fill_level, open: ">= 90 %", clear: "<= 30 %"`, "fill_level >= 90 %", "fill_level <= 30 %"},
		{"bin", `open: {quantity: fill_level, is: ">= 90 %"}, clear: {quantity: fill_level, is: "< 90 %"}`, "fill_level >= 90 %", "fill_level < 90 %"},
		{"bin", `quantity: tilt, open: "= true"`, "tilt = true", "tilt = false"},
		{"bin", `quantity: fill_level, open: {change: -40 %, within: 1h}`, "fill_level changes by -40 % within 1h", ""},
		{"bin", `quantity: fill_level, open: {rate: ">= 5 %/h", over: 6h}, clear: {rate: < 1 % / h, over: 6h}`,
			"rate of fill_level over 6h >= 5 %/h", "rate of fill_level over 6h < 1 %/h"},
		{"people", `quantity: people_in, open: {rate: ">= 100 /h", over: 1h}`, "rate of people_in over 1h >= 100/h", ""},
		{"bin", `quantity: fill_level, open: {forecast: ">= 100 %", within: 12h}, clear: "<= 30 %"`,
			"fill_level >= 100 % within 12h, reliability medium", "fill_level <= 30 %"},
		{"bin", `quantity: fill_level, open: {forecast: ">= 100 %", within: 12h, reliability: high}`, "fill_level >= 100 % within 12h, reliability high", ""},
		{"bin", `quantity: fill_level, open: {stuck: 8, jump: 200 %/h, outside: 1 % to 99 %}`,
			"fill_level outside 1 to 99 % or stuck 8 times or jumps more than 200 %/h", ""},
		{"bin", `open: {fault: any}`, "any fault", ""},
		{"bin", `open: {fault: [no_echo, obstructed]}`, "fault no_echo or obstructed", ""},
		{"any", `open: {silent: 3 periods, at_least: 24h}`, "silent for 3 periods, 1d at least", ""},
		{"any", `open: {silent: auto}`, "silent", ""},
		{"parking", `over: street, member: {quantity: occupied, open: "= true"}, open: {share: ">= 90 %", members: 5}, clear: {share: "<= 80 %"}`,
			"share >= 90 % of 5 members or more", "share <= 80 %"},
		{"parking", `over: district, member: {quantity: occupied, open: "= true"}, open: {number: ">= 30"}`, "number >= 30", ""},
		{"bin", `open: {expr: fill_level >= limit && !tilt, limit: 85}`, "expr fill_level >= limit && !tilt, limit 85", ""},
		{"any", `open: {expr: "last(battery_level) <= 10"}`, "expr last(battery_level) <= 10", ""},
	} {
		file := "rules:\n  - {id: r, kind: " + c.kind + ", service: S, title: T, " + c.rule + "}\n"
		set, err := Load("r.yaml", []byte(file))
		if err != nil {
			t.Errorf("%s: %v", c.rule, err)
			continue
		}
		l := set.Rules()[0].Levels[0]
		clear := ""
		if l.Clear != nil {
			clear = l.Clear.String()
		}
		if l.Open.String() != c.open || clear != c.clear {
			t.Errorf("%s: read as %q and %q, want %q and %q", c.rule, l.Open, clear, c.open, c.clear)
		}
	}
}

const everything = `
zone: Europe/Berlin
holidays: BY
extra_holidays: [08-08]
revoke_within: 12h
rules:
  - id: full
    kind: [bin, level]
    quantity: fill_level
    clear: "<= 30 %"
    for: 30m
    readings: 2 of 3
    levels:
      - open: ">= 80 %"
      - {severity: 3, open: ">= 95 %", clear: "<= 80 %", for: 0s, readings: 1}
    evidence: hold
    period: 1h
    max_gap: 4h
    when: mon-sat except holidays 06:00-20:00
    season: [april-october, 12-24]
    quiet: ["22:00-06:00", sun]
    inhibited_by: sick
    group_by: tour
    shadow: true
    per_hour: 20
    service: OS-ABF-01
    title: voll
  - {id: sick, kind: any, open: {fault: any}, service: OS-SEN-02, title: krank}
  - {id: hot, kind: bin, open: {expr: temperature > limit, limit: 60}, service: OS-ABF-02, title: heiß}
overrides:
  - {rule: full, tour: ["5", "6"], severity: 3, open: 90 %, for: 2h}
  - {rule: hot, asset: PK-0042, open: 70}
  - {rule: full, kind: level, clear_for: 1h, max_gap: 1d, period: 2h, clear: 20 %}
maintenance:
  - {reason: Straßenfest, street: Domhof, rules: [full], when: "sat 08:00-12:00", from: 2026-11-22 08:00, until: 2026-11-30}
`

func TestLoadEverything(t *testing.T) {
	set, err := Load("r.yaml", []byte(everything))
	if err != nil {
		t.Fatal(err)
	}
	r := set.Rules()[0]
	mild, bad := r.Levels[0], r.Levels[1]
	if mild.Severity != 1 || mild.For != 30*time.Minute || mild.Readings != 2 || mild.Of != 3 || mild.Clear.String() != "fill_level <= 30 %" {
		t.Errorf("mild: %+v", mild)
	}
	if bad.Severity != 3 || bad.For != 0 || bad.Readings != 1 || bad.Of != 0 || bad.Clear.String() != "fill_level <= 80 %" {
		t.Errorf("bad: %+v", bad)
	}
	if len(r.Kinds) != 2 || r.Evidence != Hold || r.Period != time.Hour || r.MaxGap != 4*time.Hour || r.GroupBy != ByTour || !r.Shadow ||
		r.PerHour != 20 || len(r.InhibitedBy) != 1 {
		t.Errorf("got %+v", r)
	}
	for got, want := range map[string]string{
		r.When.Text:   "mon,tue,wed,thu,fri,sat except holidays 06:00-20:00 in BY+08-08",
		r.Season.Text: "04-01..10-31; 12-24..12-24",
		r.Quiet.Text:  "22:00-06:00; sun",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	peace := time.Date(2026, 8, 7, 9, 0, 0, 0, time.UTC)
	if !r.When.Calendar.Active(peace) || r.When.Calendar.Active(peace.AddDate(0, 0, 1)) {
		t.Error("the extra holiday does not count")
	}
	if set.revoke != 12*time.Hour || len(set.all) != 4 || len(set.maintenance) != 1 {
		t.Errorf("got %v, %+v, %+v", set.revoke, set.all, set.maintenance)
	}
	if o := set.all[1]; o.Target.String() != "tour:6" || o.Severity != 3 || *o.Figures.Open != 90 || *o.Figures.For != 2*time.Hour {
		t.Errorf("got %+v", o)
	}
	m := set.maintenance[0]
	if m.Reason != "Straßenfest" || m.Targets[0].String() != "street:Domhof" || m.Rules[0] != "full" ||
		!m.From.Equal(time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)) || !m.Until.Equal(time.Date(2026, 11, 30, 23, 0, 0, 0, time.UTC)) {
		t.Errorf("got %+v", m)
	}
}

// TestLoadBadForms: what is wrong with a condition or a rule of the newer sort.
func TestLoadBadForms(t *testing.T) {
	for _, c := range []struct{ rule, want string }{
		{`open: {change: -40 %, within: 1h}`, "r.yaml:2:52: quantity: is missing"},
		{`quantity: fill_level, open: {within: 1h}`, "open: says nothing to be asked: want one of is, change, rate"},
		{`quantity: fill_level, open: [90]`, "open is a list: want a mapping"},
		{`quantity: fill_level, open: {change: -40 %}`, "within: is missing: want something like within: 1h"},
		{`quantity: fill_level, open: {change: 0 %, within: 1h}`, "0 is no change"},
		{`quantity: fill_level, open: {change: much, within: 1h}`, `"much" is no number: want something like "10 %"`},
		{`quantity: tilt, open: {rate: "> 1", over: 1h}`, "wants a quantity that is a number, and tilt is yes or no"},
		{`quantity: fill_level, open: {rate: "> 1 %/h", over: 0s}`, "over: want more than nothing"},
		{`quantity: fill_level, open: {forecast: ">= 100 %", within: 12h, reliability: sure}`, `"sure" does not fit: want low or medium or high`},
		{`quantity: fill_level, open: {stuck: 1}`, "want a whole number from 2 to 9"},
		{`quantity: fill_level, open: {outside: 90 %}`, "is no range"},
		{`quantity: fill_level, open: {jump: 0 %/h}`, "jump: want more than 0"},
		{`open: {silent: never}`, "want so many periods"},
		{`open: {fault: []}`, "is an empty list"},
		{`open: {share: ">= 30 %"}`, "share is about the members of a group: want over beside it"},
		{`open: {share: ">= 30 %"}, over: tour`, "over: wants member beside it"},
		{`open: {fault: any}, over: tour, member: {open: {fault: any}}`, "open: wants the share or the number"},
		{`open: {number: ">= 3 %"}, over: tour, member: {open: {fault: any}}`, `unit "%" does not fit: number has none`},
		{`open: {fault: any}, member: {open: {fault: any}}`, "member: goes only with over"},
		{`open: {expr: fill_level >= limit}`, "limit is used, and the rule declares none"},
		{`open: {expr: water_level > 3}`, "water_level is not measured at assets of kind bin"},
		{`open: {expr: "fill_level >= 90 %"}`, "units are left out in expressions"},
		{`open: {fault: any}, clear: "<= 30 %"`, "clear: wants quantity beside it"},
		{`open: {fault: any}, levels: []`, "levels: is a list"},
		{`quantity: fill_level, clear: "<= 30 %", levels: [{open: ">= 80 %", severity: 2}, {open: ">= 90 %", severity: 2}]`, "severity: 2 does not fit"},
		{`open: {fault: any}, readings: 3 of 9`, "some of the last 8 at most"},
		{`open: {fault: any}, season: mon-fri`, "names no part of the year"},
		{`open: {fault: any}, shadow: maybe`, "want true or false"},
		{`open: {fault: any}, evidence: holds`, `want samples or hold; did you mean "hold"?`},
		{`open: {fault: any}, inhibited_by: r`, "inhibited_by: goes in a circle"},
		{`open: {fault: any}, group_by: tour, over: tour, member: {open: {fault: any}}`, "open: wants the share"},
	} {
		file := "rules:\n  - {id: r, kind: bin, service: S, title: T, " + c.rule + "}\n"
		if _, err := Load("r.yaml", []byte(file)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.rule, err, c.want)
		}
	}
}

// TestToldOnce: what levels share is read for each of them, and what is wrong with it told once.
func TestToldOnce(t *testing.T) {
	_, err := Load("r.yaml", []byte(`rules:
  - {id: r, kind: bin, service: S, title: T, quantity: fil_level, for: long, levels: [{open: ">= 80 %"}, {open: ">= 90 %"}]}
`))
	want := `r.yaml:2:56: quantity: unknown quantity "fil_level"; did you mean "fill_level"?
r.yaml:2:72: for: "long" is not a span of time: want whole numbers with s, m, h or d, like 30m or 1d12h`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// TestLoadBadLists: overrides and maintenance windows.
func TestLoadBadLists(t *testing.T) {
	file := "rules:\n" +
		"  - {id: full, kind: bin, quantity: fill_level, open: \">= 90 %\", clear: \"<= 30 %\", service: S, title: T}\n" +
		"  - {id: sick, kind: bin, open: {fault: any}, service: S2, title: T}\n"
	for _, c := range []struct{ list, want string }{
		{"overrides: {rule: full}", "r.yaml:4:12: overrides: is a mapping: want a list"},
		{"overrides: [{rule: ful, tour: a, open: 80 %}]", `there is no rule "ful"; did you mean "full"?`},
		{"overrides: [{rule: full, tour: a}]", "an override changes nothing"},
		{"overrides: [{rule: full, open: 80 %}]", "an override is for nothing"},
		{"overrides: [{rule: full, kind: bim, open: 80 %}]", `did you mean "bin"?`},
		{"overrides: [{rule: full, tour: a, open: 80}]", `r.yaml:4:41: open: "80" has no unit: fill_level is in %, write "80 %"`},
		{"overrides: [{rule: full, tour: a, open: 180 %}]", "out of reach"},
		{"overrides: [{rule: full, tour: a, severity: 4, open: 80 %}]", `the rule "full" has no level of severity 4`},
		{"overrides: [{rule: sick, tour: a, open: 80 %}]", `the rule "sick" has no limit here`},
		{"maintenance: [{tour: a, until: 2026-12-01}]", "reason: is missing"},
		{"maintenance: [{reason: x, tour: a}]", "until: is missing"},
		{"maintenance: [{reason: x, until: 2026-12-01}]", "a maintenance window is for nothing"},
		{"maintenance: [{reason: x, tour: a, rules: [ful], until: 2026-12-01}]", `r.yaml:4:44: rules: there is no rule "ful"`},
		{"maintenance: [{reason: x, tour: a, from: 2026-12-02, until: 2026-12-01}]", "until: is not after from"},
	} {
		if _, err := Load("r.yaml", []byte(file+c.list+"\n")); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.list, err, c.want)
		}
	}
}

// TestInside holds the place of a mistake within a text in every way to write a text.
func TestInside(t *testing.T) {
	for name, text := range map[string]string{
		"plain":             "temperature > 60 && wrong",
		"double quotes":     `"temperature > 60 && wrong"`,
		"escapes":           `"temperature > 60 \u0026\u0026 wrong"`,
		"escaped space":     `"temperature > 60\t&&\n wrong"`,
		"single quotes":     `'temperature > 60 && wrong'`,
		"literal":           "|\n        temperature > 60 &&\n          wrong",
		"folded":            ">-\n        temperature > 60\n        && wrong",
		"plain, two lines":  "temperature > 60\n          && wrong",
		"quoted, two lines": "\"temperature > 60 &&\n          wrong\"",
	} {
		file := "rules:\n  - id: r\n    kind: bin\n    service: S\n    title: T\n    open:\n      expr: " + text + "\n"
		before, _, _ := strings.Cut(file, "wrong")
		line := strings.Count(before, "\n") + 1
		column := len(before) - strings.LastIndex(before, "\n")
		_, err := Load("r.yaml", []byte(file))
		if want := (place{line, column}); err == nil || !strings.HasPrefix(err.Error(), "r.yaml:"+number(float64(want.line))+":"+number(float64(want.column))+": expr: unknown name") {
			t.Errorf("%s: %v, want it at %v", name, err, want)
		}
	}
}

// TestExpressionInARule plays a rule with an expression through the engine.
func TestExpressionInARule(t *testing.T) {
	set, err := Load("r.yaml", []byte(`rules:
  - {id: r, kind: bin, open: {expr: "fill_level >= limit && rise(fill_level, \"3h\") > 10", limit: 80}, clear: {expr: fill_level < 20},
     readings: 1, clear_readings: 1, service: S, title: T}
overrides:
  - {rule: r, asset: PK-0042, open: 60}
`))
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, set: set, asset: bin}
	b.tell("0:40 60:50 120:- 180:65 240:30 300:10")
	want := "opened@180 since 180: 65 (60), closed@300 since 300: 10 (0)"
	if got := strings.Join(b.said, ", "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestExpressionParts(t *testing.T) {
	set, err := Load("r.yaml", []byte(`rules:
  - {id: r, kind: bin, open: {expr: "fill_level >= limit && !tilt", limit: 80}, readings: 1, service: S, title: T}
`))
	if err != nil {
		t.Fatal(err)
	}
	var mind city.Mind
	reading := reading(city.Bin, 0, city.Value{Quantity: city.FillLevel, Number: 92}, city.Value{Quantity: city.Tilt, Number: 0})
	_, verdicts, _ := set.Step(mind, &city.Sight{Asset: bin, Reading: reading, Now: reading.Time.At})
	if len(verdicts) != 1 || verdicts[0].Record == nil {
		t.Fatalf("got %+v", verdicts)
	}
	var got []string
	for _, p := range verdicts[0].Record.Parts {
		got = append(got, strings.TrimSpace(p.Text+": "+p.Value+" "+p.Truth))
	}
	want := "fill_level: 92 %|limit: 80|fill_level >= limit: true true|tilt: false false|!tilt: true true|fill_level >= limit && !tilt: true true"
	if strings.Join(got, "|") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "|"), want)
	}
}
