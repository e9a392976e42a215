package rules

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"meldefunk/city"
)

var noon = time.Date(2026, time.October, 25, 12, 0, 0, 0, time.UTC)

func mustLoad(t testing.TB, file string) *Set {
	t.Helper()
	set, err := Load("rules.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// reading is one at noon plus some minutes.
func reading(k city.Kind, minute int, values ...city.Value) *city.Reading {
	return &city.Reading{Asset: "PK-0042", Kind: k, Time: city.Stamp{At: noon.Add(time.Duration(minute) * time.Minute)}, Values: values}
}

// TestJudge plays readings of one bin and tells each verdict as "open at 60 since 0: 92
// (90)". In the story "60:92" is minute and fill level; "60:-" has no fill level.
func TestJudge(t *testing.T) {
	const pattern = `rules:
  - id: r
    kind: bin
    quantity: fill_level
    open: ">= 90 %%"
    clear: "<= 30 %%"
    service: S
    title: T
    %s
`
	tests := []struct {
		name  string
		times string // for, readings, clear_for, clear_readings
		story string
		want  []string
		phase city.Phase // in the end
	}{
		{"never", "", "0:10 60:89.9 120:0", nil, city.PhaseIdle},
		{"one reading is not enough", "", "0:95", nil, city.PhasePending},
		{"two are", "", "0:95 60:92", []string{"open at 60 since 0: 92 (90)"}, city.PhaseOpen},
		{"one is, if the rule says so", "readings: 1", "7:90", []string{"open at 7 since 7: 90 (90)"}, city.PhaseOpen},
		{"often enough but not long enough", "for: 30m", "0:95 10:95 20:95 29:95", nil, city.PhasePending},
		{"long enough to the minute", "for: 30m", "0:95 10:95 30:95", []string{"open at 30 since 0: 95 (90)"}, city.PhaseOpen},
		{"long enough but not often enough", "for: 30m, readings: 3", "0:95 60:95", nil, city.PhasePending},
		{"a low reading starts anew", "for: 30m", "0:95 20:50 30:95 40:95", nil, city.PhasePending},
		{"and then counts from there", "for: 30m", "0:95 20:50 30:95 60:95", []string{"open at 60 since 30: 95 (90)"}, city.PhaseOpen},
		{"between the conditions ends pending", "", "0:95 60:60", nil, city.PhaseIdle},
		{"a fault neither adds nor breaks", "for: 30m", "0:95 10:- 20:- 30:95", []string{"open at 30 since 0: 95 (90)"}, city.PhaseOpen},
		{"a fault does not complete a run", "", "0:95 60:-", nil, city.PhasePending},
		{"open stays open in between", "", "0:95 1:95 2:60 3:31 4:100", []string{"open at 1 since 0: 95 (90)"}, city.PhaseOpen},
		{"one low reading does not close", "", "0:95 1:95 2:10", []string{"open at 1 since 0: 95 (90)"}, city.PhaseClearing},
		{"two do", "", "0:95 1:95 2:10 3:12", []string{"open at 1 since 0: 95 (90)", "close at 3 since 2: 12 (30)"}, city.PhaseIdle},
		{"one does, if the rule says so", "clear_readings: 1", "0:95 1:95 2:30", []string{"open at 1 since 0: 95 (90)", "close at 2 since 2: 30 (30)"}, city.PhaseIdle},
		{"what does not clear breaks clearing", "", "0:95 1:95 2:10 3:40 4:10", []string{"open at 1 since 0: 95 (90)"}, city.PhaseClearing},
		{"a fault does not break clearing", "", "0:95 1:95 2:10 3:- 4:10", []string{"open at 1 since 0: 95 (90)", "close at 4 since 2: 10 (30)"}, city.PhaseIdle},
		{"clear_for", "clear_for: 1h", "0:95 1:95 2:10 30:10 61:10 62:9", []string{"open at 1 since 0: 95 (90)", "close at 62 since 2: 9 (30)"}, city.PhaseIdle},
		{"clear_for starts anew", "clear_for: 1h", "0:95 1:95 2:10 50:35 62:10 100:10", []string{"open at 1 since 0: 95 (90)"}, city.PhaseClearing},
		{"opens again", "", "0:95 1:95 2:10 3:12 4:95 5:95", []string{"open at 1 since 0: 95 (90)", "close at 3 since 2: 12 (30)", "open at 5 since 4: 95 (90)"}, city.PhaseOpen},
		{"zero is a value", "", "0:95 1:95 2:0 3:0", []string{"open at 1 since 0: 95 (90)", "close at 3 since 2: 0 (30)"}, city.PhaseIdle},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set := mustLoad(t, fmt.Sprintf(pattern, strings.ReplaceAll(tt.times, ", ", "\n    ")))
			var standings []city.Standing
			var got []string
			for _, point := range strings.Fields(tt.story) {
				var minute int
				var level float64
				var r *city.Reading
				if n, _ := fmt.Sscanf(point, "%d:%f", &minute, &level); n == 2 {
					r = reading(city.Bin, minute, city.Value{Quantity: city.FillLevel, Number: level})
				} else {
					r = reading(city.Bin, minute, city.Value{Quantity: city.BatteryLevel, Number: 0})
				}
				var verdicts []city.Verdict
				standings, verdicts = set.Judge(standings, r)
				for _, v := range verdicts {
					word := "close"
					if v.Open {
						word = "open"
					}
					got = append(got, fmt.Sprintf("%s at %d since %.0f: %v (%v)", word, minute, v.Since.Sub(noon).Minutes(), v.Value, v.Limit))
					if v.Rule != "r" || v.Service != "S" || v.Title != "T" || v.Quantity != city.FillLevel {
						t.Errorf("verdict without its words: %+v", v)
					}
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
			phase := city.PhaseIdle
			if len(standings) > 0 {
				phase = standings[0].Phase
			}
			if phase != tt.phase || len(standings) > 1 || (len(standings) == 1 && phase == city.PhaseIdle) {
				t.Errorf("ends as %+v, want %v", standings, tt.phase)
			}
		})
	}
}

// TestJudgeStandings: what is remembered in between, and that the case is carried along.
func TestJudgeStandings(t *testing.T) {
	set := mustLoad(t, good)
	level := func(minute int, percent float64) *city.Reading {
		return reading(city.Bin, minute, city.Value{Quantity: city.FillLevel, Number: percent})
	}
	at := func(minute int) time.Time { return noon.Add(time.Duration(minute) * time.Minute) }

	steps := []struct {
		r    *city.Reading
		want []city.Standing
	}{
		{level(0, 95), []city.Standing{{Rule: "bin-full", Phase: city.PhasePending, Since: at(0), Count: 1}}},
		{level(10, 95), []city.Standing{{Rule: "bin-full", Phase: city.PhasePending, Since: at(0), Count: 2}}},
		{level(30, 95), []city.Standing{{Rule: "bin-full", Phase: city.PhaseOpen, Since: at(30)}}},
		{level(40, 20), []city.Standing{{Rule: "bin-full", Phase: city.PhaseClearing, Since: at(40), Count: 1, Case: "S-00000001"}}},
		{level(50, 50), []city.Standing{{Rule: "bin-full", Phase: city.PhaseOpen, Since: at(50), Case: "S-00000001"}}},
		{level(60, 20), []city.Standing{{Rule: "bin-full", Phase: city.PhaseClearing, Since: at(60), Count: 1, Case: "S-00000001"}}},
		{level(70, 20), []city.Standing{}},
	}
	var standings []city.Standing
	for i, step := range steps {
		standings, _ = set.Judge(standings, step.r)
		if !slices.Equal(standings, step.want) {
			t.Fatalf("step %d: got %+v, want %+v", i, standings, step.want)
		}
		if len(standings) == 1 && standings[0].Phase == city.PhaseOpen {
			standings[0].Case = "S-00000001" // as the pipeline does after an opening verdict
		}
	}
}

func TestJudgeRetiredRules(t *testing.T) {
	set := mustLoad(t, good)
	given := []city.Standing{
		{Rule: "gone-pending", Phase: city.PhasePending, Since: noon, Count: 1},
		{Rule: "gone-open", Phase: city.PhaseOpen, Since: noon, Case: "S-00000001"},
		{Rule: "bin-full", Phase: city.PhaseOpen, Since: noon, Case: "S-00000002"},
		{Rule: "gone-clearing", Phase: city.PhaseClearing, Since: noon, Count: 1, Case: "S-00000003"},
	}
	r := reading(city.Bin, 5, city.Value{Quantity: city.Tilt, Number: 0})
	standings, verdicts := set.Judge(given, r)
	if want := given[2:3]; !slices.Equal(standings, want) {
		t.Errorf("got %+v, want %+v", standings, want)
	}
	want := []city.Verdict{
		{Rule: "gone-open", Title: "Regel entfallen"},
		{Rule: "gone-clearing", Title: "Regel entfallen"},
	}
	if !slices.Equal(verdicts, want) {
		t.Errorf("got %+v, want %+v", verdicts, want)
	}

	t.Run("rule for another kind now", func(t *testing.T) {
		standings, verdicts := set.Judge(given[2:3], reading(city.Soil, 5))
		if len(standings) != 0 || len(verdicts) != 1 || verdicts[0].Open {
			t.Errorf("got %+v, %+v", standings, verdicts)
		}
	})
}

// TestJudgeShippedRules plays one short story per shipped rule.
func TestJudgeShippedRules(t *testing.T) {
	tests := []struct {
		rule        string
		kind        city.Kind
		q           city.Quantity
		bad, well   float64
		opens       int // minutes of hourly readings until it opens
		clears      int // and after that until it closes
		service     string
		limit, back float64
	}{
		{"bin-full", city.Bin, city.FillLevel, 90, 50, 60, 120, "OS-ABF-01", 90, 50},
		{"bin-tilted", city.Bin, city.Tilt, 1, 0, 60, 120, "OS-ABF-02", 1, 0},
		{"soil-dry", city.Soil, city.UsableFieldCapacity, 30, 50, 23 * 60, 7 * 60, "OS-GRN-01", 30, 50},
		{"bay-blocked", city.Parking, city.Occupied, 1, 0, 24 * 60, 120, "OS-PRK-01", 1, 0},
		{"bin-battery-low", city.Bin, city.BatteryLevel, 15, 50, 6 * 60, 120, "OS-SEN-03", 15, 50},
		{"soil-battery-low", city.Soil, city.BatteryVoltage, 3, 3.3, 6 * 60, 120, "OS-SEN-03", 3, 3.3},
	}
	set := Default()
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			var standings []city.Standing
			var got []city.Verdict
			var when []int
			for minute := 0; len(got) < 2 && minute < 3*24*60; minute += 60 {
				value := tt.bad
				if len(got) == 1 {
					value = tt.well
				}
				var verdicts []city.Verdict
				standings, verdicts = set.Judge(standings, reading(tt.kind, minute, city.Value{Quantity: tt.q, Number: value}))
				for _, v := range verdicts {
					got, when = append(got, v), append(when, minute)
				}
			}
			if want := []int{tt.opens, tt.opens + tt.clears}; !slices.Equal(when, want) {
				t.Fatalf("verdicts at minutes %v, want %v", when, want)
			}
			opened, closed := got[0], got[1]
			if !opened.Open || opened.Rule != tt.rule || opened.Service != tt.service || opened.Limit != tt.limit || opened.Value != tt.bad {
				t.Errorf("opened with %+v", opened)
			}
			if closed.Open || closed.Rule != tt.rule || closed.Service != tt.service || closed.Limit != tt.back || closed.Value != tt.well {
				t.Errorf("closed with %+v", closed)
			}
		})
	}
}

// A life is a set of rules and what one asset's sensor tells in order.
type life struct {
	set      *Set
	readings []*city.Reading
}

func drawLife(t *rapid.T) life {
	kind := rapid.SampledFrom(city.Kinds()).Draw(t, "kind")
	var rules []oldRule
	for i, q := range measures(kind) {
		r := oldRule{
			ID: fmt.Sprintf("r%d", i), Kind: kind, Quantity: q, Service: fmt.Sprintf("S%d", i), Title: "T",
			For:           time.Duration(rapid.IntRange(0, 40).Draw(t, "for")) * time.Minute,
			ClearFor:      time.Duration(rapid.IntRange(0, 40).Draw(t, "clear_for")) * time.Minute,
			Readings:      rapid.Uint32Range(1, 3).Draw(t, "readings"),
			ClearReadings: rapid.Uint32Range(1, 3).Draw(t, "clear_readings"),
			Open:          Condition{AtLeast, 3}, Clear: Condition{Below, 2},
		}
		if rapid.Bool().Draw(t, "upside down") {
			r.Open, r.Clear = Condition{AtMost, 1}, Condition{Above, 2}
		}
		rules = append(rules, r)
	}
	l := life{set: newSet(rules)}
	minute := 0
	for range rapid.IntRange(0, 60).Draw(t, "readings") {
		minute += rapid.IntRange(1, 20).Draw(t, "minutes")
		r := reading(kind, minute)
		for _, rule := range rules {
			if n := rapid.IntRange(-1, 4).Draw(t, "value"); n >= 0 {
				r.Values = append(r.Values, city.Value{Quantity: rule.Quantity, Number: float64(n)})
			}
		}
		l.readings = append(l.readings, r)
	}
	return l
}

func TestJudgeProperties(t *testing.T) {
	t.Run("never changes what it is given", rapid.MakeCheck(func(t *rapid.T) {
		l := drawLife(t)
		var standings []city.Standing
		for _, r := range l.readings {
			given := append(make([]city.Standing, 0, len(standings)+4), standings...)
			before := slices.Clone(given[:cap(given)])
			after, verdicts := l.set.Judge(given, r)
			if !slices.Equal(given[:cap(given)], before) {
				t.Fatalf("changed %+v to %+v", before, given[:cap(given)])
			}
			if slices.Equal(given, after) && (len(given) > 0 && &given[0] != &after[0] || len(verdicts) > 0) {
				t.Fatalf("nothing changed, but a new slice or %d verdicts came back", len(verdicts))
			}
			standings = after
		}
	}))

	t.Run("unknown changes nothing", rapid.MakeCheck(func(t *rapid.T) {
		l := drawLife(t)
		var standings []city.Standing
		for _, r := range l.readings {
			standings, _ = l.set.Judge(standings, r)
			blind := reading(r.Kind, 0)
			blind.Time.At = r.Time.At.Add(time.Second)
			blind.Faults = []city.Fault{city.FaultNoEcho}
			for _, rule := range l.set.old {
				if rapid.Bool().Draw(t, "not a number") {
					blind.Values = append(blind.Values, city.Value{Quantity: rule.Quantity, Number: math.NaN()})
				}
			}
			after, verdicts := l.set.Judge(standings, blind)
			if !slices.Equal(standings, after) || len(verdicts) > 0 {
				t.Fatalf("%+v became %+v with %+v", standings, after, verdicts)
			}
		}
	}))

	t.Run("verdicts alternate and agree with standings", rapid.MakeCheck(func(t *rapid.T) {
		l := drawLife(t)
		open := make(map[string]bool)
		var standings []city.Standing
		for _, r := range l.readings {
			var verdicts []city.Verdict
			standings, verdicts = l.set.Judge(standings, r)
			for _, v := range verdicts {
				if open[v.Rule] == v.Open {
					t.Fatalf("%s: open %v twice", v.Rule, v.Open)
				}
				if v.Since.After(r.Time.At) {
					t.Fatalf("since %v, decided at %v", v.Since, r.Time.At)
				}
				open[v.Rule] = v.Open
			}
			for _, s := range standings {
				if s.Phase == city.PhaseIdle {
					t.Fatalf("idle standing kept: %+v", s)
				}
				if open[s.Rule] != wanted(s.Phase) {
					t.Fatalf("verdicts say open %v, standing is %+v", open[s.Rule], s)
				}
			}
			for rule, is := range open {
				if is && !known(l.set.old, rule) || is && !slices.ContainsFunc(standings, func(s city.Standing) bool { return s.Rule == rule }) {
					t.Fatalf("%s is open without a standing", rule)
				}
			}
		}
	}))

	t.Run("a restart changes nothing", rapid.MakeCheck(func(t *rapid.T) {
		l := drawLife(t)
		var through, restarted []city.Standing
		for _, r := range l.readings {
			if rapid.Bool().Draw(t, "restart") {
				kept, err := json.Marshal(restarted)
				if err != nil {
					t.Fatal(err)
				}
				restarted = nil
				if err := json.Unmarshal(kept, &restarted); err != nil {
					t.Fatal(err)
				}
			}
			var a, b []city.Verdict
			through, a = l.set.Judge(through, r)
			restarted, b = l.set.Judge(restarted, r)
			if !reflect.DeepEqual(a, b) || !slices.Equal(through, restarted) {
				t.Fatalf("through:   %+v, %+v\nrestarted: %+v, %+v", through, a, restarted, b)
			}
		}
	}))

	// The definition in words, worked out over the whole past: a rule is open when, since
	// it last closed, there was a run of readings that is long and frequent enough.
	t.Run("agrees with its definition", rapid.MakeCheck(func(t *rapid.T) {
		l := drawLife(t)
		var standings []city.Standing
		var got, want []string
		for _, r := range l.readings {
			var verdicts []city.Verdict
			standings, verdicts = l.set.Judge(standings, r)
			for _, v := range verdicts {
				got = append(got, fmt.Sprint(v.Rule, v.Open, v.Since, v.Value))
			}
		}
		for i := range l.readings {
			for _, rule := range l.set.old {
				if d, ok := define(rule, l.readings[:i+1]); ok {
					want = append(want, d)
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got  %q\nwant %q", got, want)
		}
	}))
}

// define tells whether the last of the readings makes a rule speak, and what it says.
func define(rule oldRule, past []*city.Reading) (string, bool) {
	type point struct {
		at    time.Time
		value float64
	}
	open, said := false, ""
	var held []point // the readings that met the condition waited for, in a row
	for i, r := range past {
		said = ""
		value, ok := r.Value(rule.Quantity)
		if !ok {
			continue
		}
		wait, least, span := rule.Open, rule.Readings, rule.For
		if open {
			wait, least, span = rule.Clear, rule.ClearReadings, rule.ClearFor
		}
		if !wait.Met(value) {
			held = nil
			continue
		}
		held = append(held, point{past[i].Time.At, value})
		first, last := held[0], held[len(held)-1]
		if len(held) >= int(least) && last.at.Sub(first.at) >= span {
			open, held = !open, nil
			said = fmt.Sprint(rule.ID, open, first.at, last.value)
		}
	}
	return said, said != ""
}

// BenchmarkJudge: a bin under the shipped rules whose case is open.
func BenchmarkJudge(b *testing.B) {
	set := Default()
	r := reading(city.Bin, 90,
		city.Value{Quantity: city.BatteryLevel, Number: 90}, city.Value{Quantity: city.Distance, Number: 300},
		city.Value{Quantity: city.FillLevel, Number: 95}, city.Value{Quantity: city.Tilt, Number: 0})
	for name, standings := range map[string][]city.Standing{
		"idle": nil,
		"open": {{Rule: "bin-full", Phase: city.PhaseOpen, Since: noon, Case: "S-00000001"}},
	} {
		b.Run(name, func(b *testing.B) {
			r := *r
			if name == "idle" {
				r.Values = slices.Clone(r.Values)
				r.Values[2].Number = 50
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, verdicts := set.Judge(standings, &r); len(verdicts) > 0 {
					b.Fatal("not steady")
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(set.oldByKind[city.Bin])), "ns/rule")
		})
	}
}

func TestJudgeAllocatesNothingInSteadyState(t *testing.T) {
	set := Default()
	standings := []city.Standing{{Rule: "bin-full", Phase: city.PhaseOpen, Since: noon, Case: "S-00000001"}}
	r := reading(city.Bin, 90, city.Value{Quantity: city.FillLevel, Number: 95}, city.Value{Quantity: city.Tilt, Number: 0})
	if n := testing.AllocsPerRun(100, func() { set.Judge(standings, r) }); n != 0 {
		t.Errorf("%v allocations per reading, want none", n)
	}
}
