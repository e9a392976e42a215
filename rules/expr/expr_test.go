package expr

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // test machines may have no zone files

	"meldefunk/city"
)

// sample is a View with everything written out.
type sample struct {
	at       time.Time
	values   map[city.Quantity]float64
	last     map[city.Quantity]float64
	age      time.Duration
	previous map[city.Quantity]float64
	slope    map[city.Quantity]float64
	faults   []city.Fault
	holiday  string
	limit    float64
}

func (s *sample) Time() time.Time { return s.at }
func (s *sample) Value(_ int, q city.Quantity) (float64, bool) {
	v, ok := s.values[q]
	return v, ok
}
func (s *sample) Last(q city.Quantity) (float64, time.Duration, bool) {
	if v, ok := s.values[q]; ok {
		return v, 0, true
	}
	v, ok := s.last[q]
	return v, s.age, ok
}
func (s *sample) Previous(q city.Quantity) (float64, bool) {
	v, ok := s.previous[q]
	return v, ok
}
func (s *sample) Rate(q city.Quantity, over time.Duration) (float64, bool) {
	v, ok := s.slope[q]
	return v, ok && over >= time.Hour
}
func (s *sample) Slope(q city.Quantity) (float64, bool) {
	v, ok := s.slope[q]
	return v, ok
}
func (s *sample) Rise(q city.Quantity, within time.Duration) (float64, bool) {
	v, ok := s.slope[q]
	return v * within.Hours(), ok
}
func (s *sample) Fall(q city.Quantity, within time.Duration) (float64, bool) {
	v, ok := s.slope[q]
	return -v * within.Hours(), ok
}
func (s *sample) HoursTo(q city.Quantity, limit float64) (float64, bool) {
	slope, ok := s.slope[q]
	if hours := (limit - s.values[q]) / slope; hours >= 0 {
		return hours, ok
	}
	return math.Inf(1), ok
}
func (s *sample) Fault(f city.Fault) bool {
	return f == "" && len(s.faults) > 0 || slices.Contains(s.faults, f)
}
func (s *sample) Holiday() string { return s.holiday }
func (s *sample) Limit() float64  { return s.limit }

func env(t testing.TB) Env {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return Env{
		Kind:       "bin",
		Quantities: []city.Quantity{city.FillLevel, city.Tilt, city.Temperature, city.BatteryLevel, city.BatteryVoltage},
		Limit:      true,
		Zone:       zone,
		Span: func(text string) (time.Duration, error) {
			if span, err := time.ParseDuration(text); err == nil {
				return span, nil
			}
			return 0, errors.New("no span of time")
		},
		Meant: func(word string, allowed []string) string {
			for _, a := range allowed {
				if len(word) > 3 && strings.HasPrefix(a, word[:3]) {
					return fmt.Sprintf("; did you mean %q?", a)
				}
			}
			return ""
		},
	}
}

func TestEval(t *testing.T) {
	monday := time.Date(2026, 11, 23, 6, 30, 0, 0, time.UTC) // 7.30 in Berlin
	s := &sample{
		at:       monday,
		values:   map[city.Quantity]float64{city.FillLevel: 90, city.Tilt: 0},
		last:     map[city.Quantity]float64{city.BatteryLevel: 40},
		age:      26 * time.Hour,
		previous: map[city.Quantity]float64{city.FillLevel: 20, city.Tilt: 1},
		slope:    map[city.Quantity]float64{city.FillLevel: 5, city.BatteryLevel: -0.5},
		faults:   []city.Fault{city.FaultObstructed},
		holiday:  "Testtag",
		limit:    85,
	}
	for text, want := range map[string]string{
		"fill_level >= 90":                                              "true",
		"fill_level >= 90.0 && !tilt":                                   "true",
		"fill_level > 90":                                               "false",
		"fill_level >= limit":                                           "true",
		"fill_level >= limit + 10":                                      "false",
		"tilt":                                                          "false",
		"temperature > 60":                                              "unknown", // not in this sample
		"!(temperature > 60)":                                           "unknown",
		"temperature > 60 && fill_level > 90":                           "false", // the rest decides it
		"temperature > 60 && fill_level >= 90":                          "unknown",
		"fill_level >= 90 || temperature > 60":                          "true",
		"temperature > 60 || fill_level >= 90":                          "true",
		"temperature > 60 || fill_level > 90":                           "unknown",
		"tilt ? temperature > 60 : true":                                "true",
		"temperature > 60 ? true : true":                                "unknown",
		"battery_level < 50":                                            "unknown",
		"last(battery_level) < 50":                                      "true",
		"last(battery_voltage) < 3":                                     "unknown",
		"last(tilt) || last(fill_level) < 90":                           "false",
		"age(battery_level) > 24 && age(tilt) == 0":                     "true",
		"age(temperature) > 24":                                         "unknown",
		"previous(fill_level) <= 20 && previous(tilt)":                  "true",
		"previous(temperature) <= 20":                                   "unknown",
		`rate(fill_level, "1h") > 4`:                                    "true",
		`rate(fill_level, "30m") > 4`:                                   "unknown",
		`rise(fill_level, "2h") == 10 && fall(fill_level, "2h") == -10`: "true",
		"slope(fill_level) == 5":                                        "true",
		"hours_to(fill_level, 100) == 2":                                "true",
		"hours_to(fill_level, limit + 5.0) == 0":                        "true",
		"hours_to(fill_level, 80) < 12":                                 "false", // passed, and going away
		"hours_to(battery_level, -20) == 40":                            "true",
		"hours_to(battery_level, 100) < 1000000":                        "false",
		"hours_to(temperature, 100) < 12":                               "unknown",
		`fault("obstructed") && !fault("no_echo")`:                      "true",
		"fault()":                         "true",
		"is_holiday()":                    "true",
		"hour() == 7.5 && weekday() == 1": "true",
		"month() in [11, 12, 1]":          "true",
		"1 / 0 > 1":                       "true", // infinite
	} {
		c, problems := Compile(text, env(t))
		if problems != nil {
			t.Errorf("%s: %v", text, problems)
			continue
		}
		got := "unknown"
		if yes, known := c.Eval(s); known {
			got = fmt.Sprint(yes)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestUses(t *testing.T) {
	c, problems := Compile(`rate(fill_level, "1h") > 3 && last(battery_level) > 2 || tilt && !fault("no_echo")`, env(t))
	if problems != nil {
		t.Fatal(problems)
	}
	got := c.Quantities()
	slices.Sort(got)
	if want := []city.Quantity{city.FillLevel, city.Tilt, city.BatteryLevel}; !slices.Equal(got, want) || !c.Faults() {
		t.Errorf("%v, %t, want %v", got, c.Faults(), want)
	}
}

func TestParts(t *testing.T) {
	c, problems := Compile(`fill_level >= limit && hours_to(fill_level, 100) < 12 || temperature > 60`, env(t))
	if problems != nil {
		t.Fatal(problems)
	}
	var got []string
	for _, p := range c.Parts(&sample{
		values: map[city.Quantity]float64{city.FillLevel: 90},
		slope:  map[city.Quantity]float64{city.FillLevel: 5},
		limit:  85,
	}) {
		got = append(got, fmt.Sprintf("%s = %v %t %t", p.Text, p.Number, p.Boolean, p.Known))
	}
	want := []string{
		"fill_level = 90 false true",
		"limit = 85 false true",
		"fill_level >= limit = 1 true true",
		"hours_to(fill_level, 100) = 2 false true",
		"hours_to(fill_level, 100) < 12 = 1 true true",
		"fill_level >= limit && hours_to(fill_level, 100) < 12 = 1 true true",
		"temperature = 0 false false",
		"temperature > 60 = 0 false false",
		"fill_level >= limit && hours_to(fill_level, 100) < 12 || temperature > 60 = 1 true true",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestCompileBad(t *testing.T) {
	for _, c := range []struct {
		text         string
		line, column int
		want         string
	}{
		{"fill_levl >= 90", 1, 1, `unknown name "fill_levl"; did you mean "fill_level"?`},
		{"tilt &&\n  fill_levl >= 90", 2, 3, `unknown name "fill_levl"`},
		{"xyz > 1", 1, 1, "want a quantity of the kind, or one of the functions last,"},
		{"soil_moisture > 1", 1, 1, "soil_moisture is not measured at assets of kind bin"},
		{"fill_level", 1, 1, "gives a number: want yes or no"},
		{"fill_level >= true", 1, 12, `">=" does not go with a number and yes or no; yes or no is written as it is`},
		{`fill_level >= "90"`, 1, 12, `">=" does not go with a number and a text`},
		{"3u == fill_level", 1, 4, "does not go with"},
		{"fill_level >= 90 %", 1, 19, "units are left out in expressions"},
		{"fill_level >= 90 and tilt", 1, 18, `"and" is written &&`},
		{"fill_level = 90", 1, 12, `"equal" is written ==`},
		{"", 1, 1, "not understood"},
		{"(fill_level > 90", 1, 17, "not understood"},
		{`rate(fill_level) > 1`, 1, 5, `rate: has 1 arguments: want 2, like rate(fill_level, "2h")`},
		{`rate(tilt, "1h") > 1`, 1, 6, "wants a number, and tilt is yes or no"},
		{`rate(fill_level, 60) > 1`, 1, 18, "wants a span of time in quotes"},
		{`rate(fill_level, "1 Stunde") > 1`, 1, 18, "no span of time"},
		{`rate(fill_level, "0s") > 1`, 1, 18, "above 0"},
		{`slope(3) > 1`, 1, 7, "wants the name of a quantity"},
		{`slope(water_level) > 1`, 1, 7, "water_level is not measured at assets of kind bin"},
		{`fault("no_ekko")`, 1, 7, `one of [no_sensor`},
		{`hours_to(fill_level, "x") < 1`, 1, 9, "does not go with"},
		{`[1, 2].all(x, x > fill_level)`, 1, 11, "loops are not allowed"},
		{`@view == @view`, 1, 1, "not understood"},
		{strings.Repeat("(", 60) + "tilt" + strings.Repeat(")", 60), 1, 1, ""},
		{"tilt" + strings.Repeat(" || tilt", 300), 1, 1, "2404 characters: want 2000 at most"},
		{`"` + strings.Repeat("a", 900) + `".matches("` + strings.Repeat("(a*)*", 100) + `")`, 1, 1, "may cost"},
	} {
		_, problems := Compile(c.text, env(t))
		if len(problems) == 0 {
			t.Errorf("%.60s: no problem", c.text)
			continue
		}
		if p := problems[0]; c.want != "" && (p.Line != c.line || p.Column != c.column) || !strings.Contains(p.Text, c.want) {
			t.Errorf("%.60s: %+v, want %d:%d %s", c.text, p, c.line, c.column, c.want)
		}
	}
}

// TestNothingWritable holds that nobody can write the names that calls are rewritten to.
func TestNothingWritable(t *testing.T) {
	for i := range functions {
		if name := functions[i].internal(functions[i].gives); !strings.HasPrefix(name, "@") {
			t.Errorf("%s is carried out as %s", functions[i].name, name)
		}
	}
	if _, problems := Compile("@slope(@view, 1) > 1", env(t)); problems == nil {
		t.Error("an internal call was taken")
	}
}

func FuzzCompile(f *testing.F) {
	for _, text := range []string{"fill_level >= 90 && !tilt", `rate(fill_level, "1h") > limit || fault("no_echo")`, "hours_to(fill_level, 100) < 12",
		"last(tilt) ? age(tilt) > 2 : previous(tilt)", "month() in [4, 5]", "fill_level >= 90 %", `fault()`, `"a".matches("(a*)*")`} {
		f.Add(text)
	}
	e := env(f)
	s := &sample{values: map[city.Quantity]float64{city.FillLevel: 90, city.Tilt: 1}, slope: map[city.Quantity]float64{city.FillLevel: 3}, limit: 80}
	f.Fuzz(func(t *testing.T, text string) {
		c, problems := Compile(text, e)
		if problems != nil {
			lines := strings.Split(text, "\n")
			for _, p := range problems {
				if p.Text == "" || p.Line < 1 || p.Column < 1 || p.Line > len(lines)+1 {
					t.Fatalf("%q: %+v", text, p)
				}
			}
			return
		}
		yes, known := c.Eval(s)
		parts := c.Parts(s)
		if len(parts) == 0 {
			return // nothing but a constant
		}
		if whole := parts[len(parts)-1]; whole.Known != known || known && (whole.Number != 0) != yes {
			t.Fatalf("%q: %t %t, but the parts say %+v", text, yes, known, parts)
		}
	})
}

func BenchmarkEval(b *testing.B) {
	s := &sample{values: map[city.Quantity]float64{city.FillLevel: 90, city.BatteryLevel: 60}, slope: map[city.Quantity]float64{city.FillLevel: 5},
		limit: 80}
	for _, text := range []string{"fill_level >= 80 && battery_level > 20", `hours_to(fill_level, 100) < 12 || rate(fill_level, "1h") > 30`, "fill_level >= 80 && temperature > 20"} {
		c, problems := Compile(text, env(b))
		if problems != nil {
			b.Fatal(problems)
		}
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.Eval(s)
			}
		})
	}
}
