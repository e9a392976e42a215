package rules

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
)

// bench is an asset with its mind, shown readings and times of a story.
type bench struct {
	t     testing.TB
	set   *Set
	asset *city.Asset
	mind  city.Mind
	said  []string
	fcnt  uint32 // frames that the device counts in a minute
	share []city.Share
	sight city.Sight // what every sight of the story has
	store bool       // keep and recall the mind after each step
}

var bin = &city.Asset{ID: "PK-0042", Kind: city.Bin, Tour: "5", Address: "Domhof 4", District: "Altstadt"}

func newBench(t testing.TB, rules ...Rule) *bench {
	t.Helper()
	return &bench{t: t, set: mustNew(t, rules, Options{}), asset: bin}
}

func mustNew(t testing.TB, rules []Rule, o Options) *Set {
	t.Helper()
	set, err := New(rules, o)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func at(minute float64) time.Time { return noon.Add(time.Duration(minute * float64(time.Minute))) }

// step shows one sight and notes what is said of it, as "opened@10 since 0: 92 (90)".
func (b *bench) step(s city.Sight) {
	b.t.Helper()
	s.Asset = b.asset
	s.Sensors, s.Deaf, s.Mutes, s.Server = b.sight.Sensors, b.sight.Deaf, b.sight.Mutes, b.sight.Server
	var verdicts []city.Verdict
	var shares []city.Share
	b.mind, verdicts, shares = b.set.Step(b.mind, &s)
	b.share = append(b.share, shares...)
	for _, v := range verdicts {
		if v.Change == city.Moved && v.Record.Muted == "" && !v.Record.Flapping && v.Record.Note == "" {
			continue
		}
		line := v.Change.String()
		if v.Rule != "r" && v.Rule != "" {
			line += " " + v.Rule
		}
		if v.Severity > 1 || v.Change == city.Deescalated {
			line += fmt.Sprintf(" %d", v.Severity)
		}
		line += fmt.Sprintf("@%.0f", s.Now.Sub(noon).Minutes())
		switch v.Change {
		case city.Opened, city.Closed:
			line += fmt.Sprintf(" since %.0f: %v (%v)", v.Since.Sub(noon).Minutes(), v.Value, v.Limit)
		case city.Moved:
			line += " " + v.Record.Muted
		}
		if v.Record != nil && (v.Record.Change != v.Change.String() && v.Change != city.Moved || v.Record.Version != v.Version) {
			b.t.Errorf("the record says otherwise than the verdict: %+v, %+v", v, v.Record)
		}
		b.said = append(b.said, strings.TrimSpace(line))
	}
	if b.store && b.mind != nil {
		kept, err := b.mind.AppendBinary(nil)
		if err != nil {
			b.t.Fatal(err)
		}
		if b.mind, err = b.set.Recall(b.asset.ID, kept); err != nil {
			b.t.Fatal(err)
		}
		if again, err := b.mind.AppendBinary(nil); err != nil || !bytes.Equal(kept, again) {
			b.t.Fatalf("stored again it is something else: %v", err)
		}
	}
}

// reading shows one of the bench's device; its frame counter tells of fcnt frames a minute.
func (b *bench) reading(minute float64, now float64, values ...city.Value) {
	r := reading(b.asset.Kind, 0, values...)
	r.Time.At = at(minute)
	r.DevEUI, r.Epoch, r.FCnt = city.EUI{1}, 1, uint32(minute*float64(b.fcnt)) // 0: tells of no period
	b.step(city.Sight{Reading: r, Now: at(now)})
}

// tell plays a story: "60:92" is a fill level at a minute, "60:-" a reading without one,
// "90>60:92" one that comes at 90, "60!" is time passing.
func (b *bench) tell(story string) {
	b.t.Helper()
	for _, point := range strings.Fields(story) {
		var minute, now, level float64
		text := point
		if before, after, late := strings.Cut(point, ">"); late {
			now = minutes(b.t, before)
			text = after
		}
		switch {
		case strings.HasSuffix(text, "!"):
			b.step(city.Sight{Now: at(minutes(b.t, strings.TrimSuffix(text, "!")))})
			continue
		case strings.HasSuffix(text, ":-"):
			minute = minutes(b.t, strings.TrimSuffix(text, ":-"))
			b.reading(minute, max(now, minute), city.Value{Quantity: city.BatteryLevel, Number: 0})
			continue
		}
		m, l, _ := strings.Cut(text, ":")
		minute, level = minutes(b.t, m), minutes(b.t, l)
		b.reading(minute, max(now, minute), city.Value{Quantity: city.FillLevel, Number: level})
	}
}

// minutes reads a number of a story.
func minutes(t testing.TB, text string) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (b *bench) phase() city.Phase {
	if b.mind == nil {
		return city.PhaseIdle
	}
	for _, s := range b.mind.Standings() {
		if s.Rule == "r" {
			return s.Phase
		}
	}
	return city.PhaseIdle
}

// full is the rule of the shipped set: 90 % opens, 30 % closes, two readings each.
func full(change ...func(r *Rule, l *Level)) Rule {
	r := Rule{ID: "r", Kinds: []city.Kind{city.Bin}, Service: "S", Title: "T", Levels: []Level{{
		Severity: 1, Readings: 2, ClearReadings: 2,
		Open:  Threshold{city.FillLevel, Condition{AtLeast, 90}},
		Clear: Threshold{city.FillLevel, Condition{AtMost, 30}},
	}}}
	for _, c := range change {
		c(&r, &r.Levels[0])
	}
	return r
}

func TestStep(t *testing.T) {
	span := func(d time.Duration) func(*Rule, *Level) { return func(_ *Rule, l *Level) { l.For = d } }
	readings := func(n, of int) func(*Rule, *Level) { return func(_ *Rule, l *Level) { l.Readings, l.Of = n, of } }
	clearing := func(n int, d time.Duration) func(*Rule, *Level) {
		return func(_ *Rule, l *Level) { l.ClearReadings, l.ClearFor = n, d }
	}
	hold := func(r *Rule, _ *Level) { r.Evidence = Hold }
	gap := func(d time.Duration) func(*Rule, *Level) { return func(r *Rule, _ *Level) { r.MaxGap = d } }
	tests := []struct {
		name  string
		rule  Rule
		story string
		want  []string
		phase city.Phase
	}{
		{"what holds goes on through a short contrary", full(hold, span(time.Hour), readings(1, 0), clearing(1, 5*time.Minute)), "0:95 20:10 23:95 61!", []string{"opened@61 since 0: 95 (90)"}, city.PhaseOpen},
		{"not through a long one", full(hold, span(time.Hour), readings(1, 0), clearing(1, 5*time.Minute)), "0:95 20:10 25:95 61! 86!", []string{"opened@86 since 25: 95 (90)"}, city.PhaseOpen},
		{"nor through many that are one", full(hold, span(time.Hour), readings(1, 0), clearing(1, 5*time.Minute)), "0:95 20:10 23:10 26:95 61!", nil, city.PhasePending},
		{"and does not open meanwhile", full(hold, span(time.Hour), readings(1, 0), clearing(1, 5*time.Minute)), "0:95 59:10 61! 62:95", []string{"opened@62 since 0: 95 (90)"}, city.PhaseOpen},
		{"never", full(), "0:10 60:89.9 120:0", nil, city.PhaseIdle},
		{"one reading is not enough", full(), "0:95", nil, city.PhasePending},
		{"two are", full(), "0:95 60:92", []string{"opened@60 since 0: 92 (90)"}, city.PhaseOpen},
		{"one is, if the rule says so", full(readings(1, 0)), "7:90", []string{"opened@7 since 7: 90 (90)"}, city.PhaseOpen},
		{"often enough but not long enough", full(span(30 * time.Minute)), "0:95 10:95 20:95 29:95", nil, city.PhasePending},
		{"long enough to the minute", full(span(30 * time.Minute)), "0:95 10:95 30:95", []string{"opened@30 since 0: 95 (90)"}, city.PhaseOpen},
		{"a low reading starts anew", full(span(30 * time.Minute)), "0:95 20:50 30:95 40:95", nil, city.PhasePending},
		{"a fault neither adds nor breaks", full(span(30 * time.Minute)), "0:95 10:- 20:- 30:95", []string{"opened@30 since 0: 95 (90)"}, city.PhaseOpen},
		{"time alone opens nothing", full(span(30 * time.Minute)), "0:95 10:95 60! 6000!", nil, city.PhasePending},
		{"time alone closes nothing", full(), "0:95 1:95 2:20 90000!", []string{"opened@1 since 0: 95 (90)"}, city.PhaseClearing},
		{"open stays open in between", full(), "0:95 1:95 2:60 3:31 4:100", []string{"opened@1 since 0: 95 (90)"}, city.PhaseOpen},
		{"two low readings close", full(), "0:95 1:95 2:10 3:12", []string{"opened@1 since 0: 95 (90)", "closed@3 since 2: 12 (30)"}, city.PhaseIdle},
		{"what does not clear breaks clearing", full(), "0:95 1:95 2:10 3:40 4:10", []string{"opened@1 since 0: 95 (90)"}, city.PhaseClearing},
		{"clear_for", full(clearing(2, time.Hour)), "0:95 1:95 2:10 30:10 61:10 62:9", []string{"opened@1 since 0: 95 (90)", "closed@62 since 2: 9 (30)"}, city.PhaseIdle},
		{"opens again", full(), "0:95 1:95 2:10 3:12 4:95 5:95", []string{"opened@1 since 0: 95 (90)", "closed@3 since 2: 12 (30)", "opened@5 since 4: 95 (90)"}, city.PhaseOpen},
		{"zero is a value", full(), "0:95 1:95 2:0 3:0", []string{"opened@1 since 0: 95 (90)", "closed@3 since 2: 0 (30)"}, city.PhaseIdle},
		{"a gap breaks a run", full(gap(time.Hour)), "0:95 61:95", nil, city.PhasePending},
		{"and the run begins anew", full(gap(time.Hour)), "0:95 61:95 120:95", []string{"opened@120 since 61: 95 (90)"}, city.PhaseOpen},
		{"a gap breaks clearing", full(gap(time.Hour)), "0:95 1:95 2:10 70:10", []string{"opened@1 since 0: 95 (90)"}, city.PhaseClearing},
		{"two of three", full(readings(2, 3)), "0:95 1:50 2:95", []string{"opened@2 since 0: 95 (90)"}, city.PhaseOpen},
		{"one of three is too few", full(readings(2, 3)), "0:95 1:50 2:50", nil, city.PhaseIdle},
		{"seen twice is seen once", full(), "0:95 0:95 0:95", nil, city.PhasePending},

		{"late, and now it opens", full(), "0:10 20:95 30>10:95", []string{"opened@30 since 10: 95 (90)"}, city.PhaseOpen},
		{"late, and it should not have opened", full(), "0:95 20:95 30>10:10", []string{"opened@20 since 0: 95 (90)", "revoked@30"}, city.PhasePending},
		{"late, and it should have opened otherwise", full(), "0:95 20:95 30:95 40>10:10", []string{"opened@20 since 0: 95 (90)"}, city.PhaseOpen},
		{"late, and it had closed", full(), "0:95 10:95 30:20 40>20:20", []string{"opened@10 since 0: 95 (90)", "closed@40 since 20: 20 (30)"}, city.PhaseIdle},
		{"too late for anything", full(), "1:0 2:0 3:0 4:0 5:0 6:0 7:0 8:0 9:95 10>0.5:95", []string{"overlooked@10"}, city.PhasePending},
		{"too old to be taken back", full(), "0:95 20:95 2000:95 3000>10:10 3001:95", []string{"opened@20 since 0: 95 (90)"}, city.PhaseOpen},
		{"too old to be taken back, stays until clear", full(), "0:95 20:95 3000>10:10 3001:50 3002:20", []string{"opened@20 since 0: 95 (90)", "moved@3000", "closed@3002 since 3002: 20 (30)"}, city.PhaseIdle},
		{"flapping", full(readings(1, 0), clearing(1, 0)), "0:95 1:0 2:95 3:0 4:95 5:0 6:0 7:0 8:0", []string{
			"opened@0 since 0: 95 (90)", "closed@1 since 1: 0 (30)", "opened@2 since 2: 95 (90)", "moved@3", "closed@3 since 3: 0 (30)", "opened@4 since 4: 95 (90)", "moved@5", "closed@8 since 5: 0 (30)"}, city.PhaseIdle},
	}
	for _, tt := range tests {
		for _, store := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, stored %v", tt.name, store), func(t *testing.T) {
				b := newBench(t, tt.rule)
				b.store = store
				b.tell(tt.story)
				if !slices.Equal(b.said, tt.want) {
					t.Errorf("got  %q\nwant %q", b.said, tt.want)
				}
				if p := b.phase(); p != tt.phase {
					t.Errorf("ends %v, want %v", p, tt.phase)
				}
			})
		}
	}
}
