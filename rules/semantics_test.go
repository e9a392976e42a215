package rules

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata" // test machines may have no zone files

	"meldefunk/city"
)

// window is a calendar that is active from one minute after noon to another, once.
type window struct{ from, to float64 }

func (w window) Active(t time.Time) bool { return !t.Before(at(w.from)) && t.Before(at(w.to)) }

func (w window) Next(t time.Time) time.Time {
	switch {
	case t.Before(at(w.from)):
		return at(w.from)
	case t.Before(at(w.to)):
		return at(w.to)
	}
	return time.Time{}
}

func during(from, to float64) Window {
	return Window{Calendar: window{from, to}, Text: fmt.Sprint(from, to)}
}

func TestSignals(t *testing.T) {
	rule := func(open Signal) Rule {
		return full(func(_ *Rule, l *Level) { l.Open, l.Clear, l.Readings, l.ClearReadings = open, nil, 1, 1 })
	}
	hour := time.Hour
	tests := []struct {
		name  string
		open  Signal
		story string
		want  []string
	}{
		{"emptied", Change{city.FillLevel, -40, hour}, "0:80 30:85 60:20", []string{"opened@60 since 60: -65 (-40)"}},
		{"not so much", Change{city.FillLevel, -40, hour}, "0:80 30:45", nil},
		{"not so fast", Change{city.FillLevel, -40, hour}, "0:80 61:20", nil},
		{"risen", Change{city.FillLevel, 20, hour}, "0:50 10:20 20:45", []string{"opened@20 since 20: 25 (20)"}},
		{"rate", Rate{city.FillLevel, Condition{AtLeast, 10}, 2 * hour}, "0:0 60:11 120:20", []string{"opened@120 since 120: 10 (10)"}},
		{"rate of two is none", Rate{city.FillLevel, Condition{AtLeast, 10}, 2 * hour}, "0:0 120:40", nil},
		{"rate too short is none", Rate{city.FillLevel, Condition{AtLeast, 10}, 2 * hour}, "0:0 10:10 20:20", nil},
		{"rate is not led astray by one", Rate{city.FillLevel, Condition{AtLeast, 10}, 5 * hour}, "0:0 60:1 120:100 180:3 240:4", nil},
		{"soon full", Forecast{city.FillLevel, Condition{AtLeast, 100}, 12 * hour, Low}, "0:20 60:30 120:40", []string{"opened@120 since 120: 160 (100)"}},
		{"not so soon", Forecast{city.FillLevel, Condition{AtLeast, 100}, 5 * hour, Low}, "0:20 60:30 120:40", nil},
		{"full already", Forecast{city.FillLevel, Condition{AtLeast, 100}, 5 * hour, High}, "0:100", []string{"opened@0 since 0: 100 (100)"}},
		{"too few to rely on", Forecast{city.FillLevel, Condition{AtLeast, 100}, 12 * hour, Medium}, "0:20 60:30 120:40", nil},
		{"enough to rely on", Forecast{city.FillLevel, Condition{AtLeast, 100}, 12 * hour, Medium}, "0:20 60:25 120:30 180:35 240:40", []string{"opened@240 since 240: 100 (100)"}},
		{"an emptied bin begins anew", Forecast{city.FillLevel, Condition{AtLeast, 100}, 12 * hour, Low}, "0:10 60:11 120:12 180:0 240:10 300:20", []string{"opened@300 since 300: 140 (100)"}},
		{"going away", Forecast{city.FillLevel, Condition{AtLeast, 100}, 1000 * hour, Low}, "0:60 60:50 120:40", nil},
		{"stuck", Implausible{Quantity: city.FillLevel, Stuck: 3}, "0:40 1:41 2:41 3:41", []string{"opened@3 since 3: 41 (41)"}},
		{"jumps", Implausible{Quantity: city.FillLevel, Jump: 100}, "0:40 10:70", []string{"opened@10 since 10: 180 (100)"}},
		{"outside", Implausible{Quantity: city.FillLevel, Outside: &Range{5, 95}}, "0:50 1:96", []string{"opened@1 since 1: 96 (95)"}},
		{"blind", Faulty{[]city.Fault{city.FaultNoEcho}}, "0:50 1:50", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, rule(tt.open))
			b.tell(tt.story)
			if !slices.Equal(b.said, tt.want) {
				t.Errorf("got  %q\nwant %q", b.said, tt.want)
			}
		})
	}
}

func TestFaulty(t *testing.T) {
	b := newBench(t, full(func(_ *Rule, l *Level) {
		l.Open, l.Clear = Faulty{[]city.Fault{city.FaultNoEcho, city.FaultProbe}}, nil
	}))
	for i, f := range [][]city.Fault{{city.FaultNoEcho}, {city.FaultClock, city.FaultProbe}, nil, {city.FaultClock}} {
		r := reading(city.Bin, i)
		r.Faults = f
		b.step(city.Sight{Reading: r, Now: at(float64(i))})
	}
	if want := []string{"opened@1 since 0: 1 (1)", "closed@3 since 2: 0 (1)"}; !slices.Equal(b.said, want) {
		t.Errorf("got %q, want %q", b.said, want)
	}
}

// Every fault has its bit, and no two quantities have the same hash: what is stored rests on
// both.
func TestStoredNames(t *testing.T) {
	for _, f := range city.Faults() {
		if faultBit(f) == 0 || !slices.Equal(faults(faultBit(f)), []city.Fault{f}) {
			t.Errorf("%s cannot be stored", f)
		}
	}
	for _, q := range city.Quantities() {
		if got := quantityOf(nameHash(q.String())); got != q {
			t.Errorf("%s is read back as %s", q, got)
		}
	}
}

func TestLadder(t *testing.T) {
	r := full(func(r *Rule, l *Level) {
		l.Readings, l.ClearReadings = 1, 1
		worse := *l
		worse.Severity, worse.Open = 3, Threshold{city.FillLevel, Condition{AtLeast, 98}}
		worse.Clear = Threshold{city.FillLevel, Condition{AtMost, 90}}
		r.Levels = append(r.Levels, worse)
	})
	b := newBench(t, r)
	b.tell("0:92 1:99 2:95 3:85 4:99 5:20")
	want := []string{"opened@0 since 0: 92 (90)", "escalated 3@1", "deescalated 1@3", "escalated 3@4", "closed 3@5 since 5: 20 (30)"}
	if !slices.Equal(b.said, want) {
		t.Errorf("got  %q\nwant %q", b.said, want)
	}
}

// A bay says when it changes, and now and then that it is alive.
func TestHold(t *testing.T) {
	bay := full(func(r *Rule, l *Level) {
		r.Evidence, r.MaxGap = Hold, 2*time.Hour
		l.For, l.Readings, l.ClearFor, l.ClearReadings = 3*time.Hour, 1, 5*time.Minute, 1
	})
	for _, tt := range []struct {
		name, story string
		want        []string
		deadline    float64 // in the end; -1: none
	}{
		{"time decides while it is alive", "0:95 60:95 150:95 179! 180!", []string{"opened@180 since 0: 95 (90)"}, -1},
		{"waits for its time", "0:95 60:95 150:95", nil, 180},
		{"not alive long enough", "0:95 60!", nil, -1},
		{"silence proves nothing", "0:95 300! 301:95", nil, -1},
		{"and breaks the run", "0:95 150:95 160! 330!", nil, -1},
		{"closes by time", "0:95 60:95 150:95 180! 190:0 194! 195!", []string{"opened@180 since 0: 95 (90)", "closed@195 since 190: 0 (30)"}, -1},
		{"late word that it was free", "0:95 60:95 150:95 180! 185>90:0 185!", []string{"opened@180 since 0: 95 (90)", "revoked@185"}, -1},
		{"a reading later than its time decides as well", "0:95 60:95 150:95 200:95", []string{"opened@200 since 0: 95 (90)"}, -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, bay)
			b.store = true
			b.tell(tt.story)
			if !slices.Equal(b.said, tt.want) {
				t.Errorf("got  %q\nwant %q", b.said, tt.want)
			}
			got := -1.0
			if d := b.mind.Deadline(); !d.IsZero() {
				got = d.Sub(noon).Minutes()
			}
			if tt.deadline >= 0 && got != tt.deadline {
				t.Errorf("deadline %v, want %v", got, tt.deadline)
			}
		})
	}
}

// silent is the rule for devices: three periods and an hour at least.
func silent() Rule {
	return Rule{ID: "r", Service: "S", Title: "T", Levels: []Level{{Severity: 1, Open: Silence{Periods: 3, AtLeast: time.Hour}}}}
}

func TestSilence(t *testing.T) {
	deaf := func(from, to float64) func(string, time.Time, time.Time) time.Duration {
		return func(_ string, a, b time.Time) time.Duration {
			if a.Before(at(from)) {
				a = at(from)
			}
			if b.After(at(to)) {
				b = at(to)
			}
			return max(0, b.Sub(a))
		}
	}
	other := city.Sensor{DevEUI: city.EUI{9}, Since: at(0), Period: time.Hour}
	one := city.Sensor{DevEUI: city.EUI{1}}
	for _, tt := range []struct {
		name  string
		sight city.Sight
		story string
		want  []string
		next  float64
	}{
		{"learns the period, and waits three of them", city.Sight{}, "0:1 60:1 120:1 299! 300! 301!", []string{"opened@301 since 120: 3.017 (3)"}, -1},
		{"deadline", city.Sight{}, "0:1 60:1 120:1", nil, 300},
		{"lost frames are no period", city.Sight{}, "0:1 60:1 240:1 300:1", nil, 480},
		{"an hour at least", city.Sight{}, "0:1 10:1 20:1 55! 79! 81!", []string{"opened@81 since 20: 1.017 (1)"}, -1},
		{"heard again", city.Sight{}, "0:1 60:1 120:1 301! 400:1", []string{"opened@301 since 120: 3.017 (3)", "closed@400 since 400: 0 (3)"}, 580},
		{"heard all the time, but late", city.Sight{}, "0:1 60:1 120:1 301! 302>180:1", []string{"opened@301 since 120: 3.017 (3)", "revoked@302"}, 360},
		{"we were deaf", city.Sight{Deaf: deaf(130, 230)}, "0:1 60:1 120:1 301! 399!", nil, 400},
		{"we were deaf, and it is silent", city.Sight{Deaf: deaf(130, 230)}, "0:1 60:1 120:1 401!", []string{"opened@401 since 120: 3.017 (3)"}, -1},
		{"one of two", city.Sight{Sensors: []city.Sensor{one, other}}, "0:1 60:1 120:1 175:1 181!", []string{"opened@181 since 0: 3.017 (3)"}, -1},
		{"hangs elsewhere now", city.Sight{Sensors: []city.Sensor{}}, "0:1 60:1 120:1 1000!", nil, -1},
		{"declared", city.Sight{Sensors: []city.Sensor{{DevEUI: city.EUI{1}, Period: 4 * time.Hour}}}, "0:1 60:1 719!", nil, 780},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, silent())
			b.sight, b.store, b.fcnt = tt.sight, true, 1
			b.t = t
			// A frame every hour counts one.
			for _, point := range strings.Fields(tt.story) {
				b.hourly(point)
			}
			if !slices.Equal(b.said, tt.want) {
				t.Errorf("got  %q\nwant %q", b.said, tt.want)
			}
			next := -1.0
			if d := b.mind.Deadline(); !d.IsZero() {
				next = d.Sub(noon).Truncate(time.Second).Minutes()
			}
			if next != tt.next {
				t.Errorf("deadline %v, want %v", next, tt.next)
			}
		})
	}
}

// hourly tells one point of a story of a device that counts a frame an hour, or as often as
// it is told of.
func (b *bench) hourly(point string) {
	if strings.HasSuffix(point, "!") {
		b.tell(point)
		return
	}
	now := 0.0
	if before, after, late := strings.Cut(point, ">"); late {
		now, point = minutes(b.t, before), after
	}
	m, l, _ := strings.Cut(point, ":")
	minute, level := minutes(b.t, m), minutes(b.t, l)
	r := reading(b.asset.Kind, int(minute), city.Value{Quantity: city.FillLevel, Number: level})
	r.DevEUI, r.Epoch, r.FCnt = city.EUI{1}, 1, uint32(minute/60)
	if int(minute)%60 != 0 {
		r.FCnt = uint32(minute / 10)
	}
	b.step(city.Sight{Reading: r, Now: at(max(now, minute))})
}

func TestMutes(t *testing.T) {
	now := func(l *Level) { l.Readings, l.ClearReadings = 1, 1 }
	quick := func(change func(r *Rule)) []Rule {
		return []Rule{full(func(r *Rule, l *Level) { now(l); change(r) })}
	}
	tests := []struct {
		name    string
		rules   []Rule
		options Options
		sight   city.Sight
		story   string
		want    []string
		next    float64
	}{
		{"quiet delays", quick(func(r *Rule) { r.Quiet = during(0, 60) }), Options{}, city.Sight{}, "10:95 59! 60!", []string{"moved@10 Ruhezeit", "opened@60 since 10: 95 (90)"}, -1},
		{"quiet until", quick(func(r *Rule) { r.Quiet = during(0, 60) }), Options{}, city.Sight{}, "10:95", []string{"moved@10 Ruhezeit"}, 60},
		{"quiet, and over by then", quick(func(r *Rule) { r.Quiet = during(0, 60) }), Options{}, city.Sight{}, "10:95 20:0 60!", []string{"moved@10 Ruhezeit", "moved@20 Ruhezeit"}, -1},
		{"quiet closes nothing", quick(func(r *Rule) { r.Quiet = during(5, 60) }), Options{}, city.Sight{}, "0:95 10:95", []string{"opened@0 since 0: 95 (90)"}, -1},
		{"quiet lets close", quick(func(r *Rule) { r.Quiet = during(5, 60) }), Options{}, city.Sight{}, "0:95 10:0", []string{"opened@0 since 0: 95 (90)", "closed@10 since 10: 0 (30)"}, -1},
		{"does not look", quick(func(r *Rule) { r.When = during(0, 60) }), Options{}, city.Sight{}, "70:95 80:95", nil, -1},
		{"looks", quick(func(r *Rule) { r.When = during(0, 60) }), Options{}, city.Sight{}, "50:95", []string{"opened@50 since 50: 95 (90)"}, -1},
		{"out of season", quick(func(r *Rule) { r.Season = during(60, 90) }), Options{}, city.Sight{}, "50:95 60:95", []string{"opened@60 since 60: 95 (90)"}, -1},
		{"closes when it does not look", quick(func(r *Rule) { r.When = during(0, 60) }), Options{}, city.Sight{}, "50:95 70:0", []string{"opened@50 since 50: 95 (90)", "closed@70 since 70: 0 (30)"}, -1},
		{"shadow", quick(func(r *Rule) { r.Shadow = true }), Options{}, city.Sight{}, "0:95 10:0", []string{"moved@0 Probebetrieb", "moved@10 Probebetrieb"}, -1},
		{"maintenance of the tour", quick(func(*Rule) {}), Options{Maintenance: []Maintenance{{Targets: []Target{{TargetTour, "5"}}, From: at(0), Until: at(60), Reason: "Fest"}}},
			city.Sight{}, "10:95 61!", []string{"moved@10 Wartung: Fest", "opened@61 since 10: 95 (90)"}, -1},
		{"maintenance ends", quick(func(*Rule) {}), Options{Maintenance: []Maintenance{{Targets: []Target{{TargetKind, "bin"}}, From: at(0), Until: at(60), Reason: "Fest"}}},
			city.Sight{}, "10:95", []string{"moved@10 Wartung: Fest"}, 60},
		{"maintenance of another", quick(func(*Rule) {}), Options{Maintenance: []Maintenance{{Targets: []Target{{TargetTour, "6"}}, From: at(0), Until: at(60), Reason: "Fest"}}},
			city.Sight{}, "10:95", []string{"opened@10 since 10: 95 (90)"}, -1},
		{"maintenance for another rule", append(quick(func(*Rule) {}), renamed(silent(), "silent")), Options{Maintenance: []Maintenance{{Rules: []string{"silent"}, Targets: []Target{{TargetTour, "5"}}, From: at(0), Until: at(60), Reason: "Fest"}}},
			city.Sight{}, "10:95", []string{"opened@10 since 10: 95 (90)"}, 70},
		{"by another rule", []Rule{full(func(r *Rule, l *Level) { now(l); r.InhibitedBy = []string{"x"} }), renamed(full(func(_ *Rule, l *Level) { now(l) }), "x")}, Options{}, city.Sight{}, "0:95 1:0",
			[]string{"opened x@0 since 0: 95 (90)", "moved@0 unterdrückt durch x", "closed x@1 since 1: 0 (30)", "moved@1 unterdrückt durch x"}, -1},
		{"by its group", append(quick(func(r *Rule) { r.InhibitedBy = []string{"g"} }), Rule{ID: "g", Over: ByTour, Member: &full().Levels[0],
			Levels: []Level{{Severity: 1, Open: Aggregate{Condition: Condition{AtLeast, 5}}}}}), Options{},
			city.Sight{Mutes: func(group, rule string) bool { return group == "tour:5" && rule == "g" }}, "0:95", []string{"moved@0 unterdrückt durch g"}, 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := &bench{t: t, set: mustNew(t, tt.rules, tt.options), asset: bin, sight: tt.sight, store: true}
			b.tell(tt.story)
			if !slices.Equal(b.said, tt.want) {
				t.Errorf("got  %q\nwant %q", b.said, tt.want)
			}
			next := -1.0
			if d := b.mind.Deadline(); !d.IsZero() {
				next = d.Sub(noon).Truncate(time.Second).Minutes()
			}
			if next != tt.next {
				t.Errorf("deadline %v, want %v", next, tt.next)
			}
		})
	}
}

func renamed(r Rule, id string) Rule { r.ID = id; return r }

func TestOverrides(t *testing.T) {
	limit := func(f float64) *float64 { return &f }
	span := func(d time.Duration) *time.Duration { return &d }
	set := mustNew(t, []Rule{full(func(_ *Rule, l *Level) { l.Readings = 1 })}, Options{Overrides: []Override{
		{Rule: "r", Target: Target{TargetAsset, "PK-0001"}, Figures: Figures{Open: limit(60)}},
		{Rule: "r", Target: Target{TargetTour, "5"}, Figures: Figures{Open: limit(70), Clear: limit(10)}},
		{Rule: "r", Target: Target{TargetDistrict, "Altstadt"}, Figures: Figures{Open: limit(75), For: span(time.Hour)}},
		{Rule: "r", Target: Target{TargetKind, "bin"}, Figures: Figures{Open: limit(80), MaxGap: span(time.Minute)}},
	}})
	for _, tt := range []struct {
		asset city.Asset
		want  string
	}{
		{city.Asset{ID: "PK-0001", Kind: city.Bin, Tour: "5"}, "open 60 asset:PK-0001, clear 10 tour:5, for 0s rule, max_gap 1m kind:bin"},
		{city.Asset{ID: "PK-0002", Kind: city.Bin, Tour: "5", District: "Altstadt"}, "open 70 tour:5, clear 10 tour:5, for 1h district:Altstadt, max_gap 1m kind:bin"},
		{city.Asset{ID: "PK-0003", Kind: city.Bin, District: "Altstadt"}, "open 75 district:Altstadt, clear 30 rule, for 1h district:Altstadt, max_gap 1m kind:bin"},
		{city.Asset{ID: "PK-0004", Kind: city.Bin}, "open 80 kind:bin, clear 30 rule, for 0s rule, max_gap 1m kind:bin"},
	} {
		_, verdicts, _ := set.Step(nil, &city.Sight{Asset: &tt.asset, Now: at(0), Reading: reading(city.Bin, 0, city.Value{Quantity: city.FillLevel, Number: 99})})
		if len(verdicts) != 1 {
			t.Fatalf("%s: %+v", tt.asset.ID, verdicts)
		}
		var got []string
		for _, s := range verdicts[0].Record.Settings {
			if !strings.HasSuffix(s.Name, "readings") && s.Name != "clear_for" {
				got = append(got, s.Name+" "+s.Value+" "+s.Source)
			}
		}
		if text := strings.Join(got, ", "); text != tt.want {
			t.Errorf("%s: got %s, want %s", tt.asset.ID, text, tt.want)
		}
	}
}

// city10 is a town of ten bins and the groups they are in, with what was said of those.
type city10 struct {
	t      *testing.T
	set    *Set
	minds  map[string]city.Mind
	groups map[string]city.Mind
	said   []string
	last   *city.Decision
}

func (c *city10) reading(asset int, minute float64, level float64) {
	a := &city.Asset{ID: fmt.Sprintf("PK-%d", asset), Kind: city.Bin, Tour: "5"}
	r := reading(city.Bin, int(minute), city.Value{Quantity: city.FillLevel, Number: level})
	r.Radio.Gateway = "7076"
	m, verdicts, shares := c.set.Step(c.minds[a.ID], &city.Sight{Asset: a, Reading: r, Now: at(minute)})
	for _, v := range verdicts {
		if v.Change != city.Moved {
			c.said = append(c.said, fmt.Sprintf("%s %s", a.ID, v.Change))
		}
	}
	c.minds[a.ID] = m
	for i := range shares {
		c.group(city.Sight{Group: shares[i].Group, Share: &shares[i], Now: at(minute)})
	}
}

func (c *city10) group(s city.Sight) {
	was := c.groups[s.Group]
	if was != nil {
		kept, err := was.AppendBinary(nil)
		if err != nil {
			c.t.Fatal(err)
		}
		if was, err = c.set.Recall(s.Group, kept); err != nil {
			c.t.Fatal(err)
		}
	}
	m, verdicts, _ := c.set.Step(was, &s)
	for _, v := range verdicts {
		c.last = v.Record
		if v.Change != city.Moved || v.Record.Note != "" {
			c.said = append(c.said, strings.TrimSpace(fmt.Sprintf("%s %s@%.0f %v of %d %s", s.Group, v.Change, s.Now.Sub(noon).Minutes(), v.Record.Counted, v.Record.Total, v.Record.Note)))
		}
	}
	c.groups[s.Group] = m
}

func newCity10(t *testing.T, r Rule) *city10 {
	return &city10{t: t, set: mustNew(t, []Rule{r}, Options{}), minds: map[string]city.Mind{}, groups: map[string]city.Mind{}}
}

func TestAggregate(t *testing.T) {
	member := full().Levels[0]
	member.Readings, member.ClearReadings = 1, 1
	c := newCity10(t, Rule{ID: "r", Over: ByGateway, Member: &member, MaxGap: time.Hour, Service: "S", Title: "T", Levels: []Level{{
		Severity: 1, For: 10 * time.Minute, Open: Aggregate{Percent: true, Condition: Condition{AtLeast, 30}, Least: 5}}}})
	c.reading(1, 0, 95)
	c.reading(2, 0, 95)
	c.reading(3, 1, 10) // 2 of 3, but three are too few
	c.reading(4, 2, 10)
	c.reading(5, 3, 10) // 2 of 5: 40 %
	if len(c.said) != 0 {
		t.Fatalf("said too early: %q", c.said)
	}
	if d := c.groups["gateway:7076"].Deadline(); !d.Equal(at(13)) {
		t.Errorf("deadline %v, want 13 minutes", d.Sub(noon))
	}
	c.group(city.Sight{Group: "gateway:7076", Now: at(13)})
	c.reading(1, 20, 10) // 1 of 5
	want := []string{"gateway:7076 opened@13 2 of 5", "gateway:7076 closed@20 1 of 5"}
	if !slices.Equal(c.said, want) {
		t.Errorf("got  %q\nwant %q", c.said, want)
	}
	// What is not heard of is unknown: it neither opens nor closes.
	c.said = nil
	c.reading(2, 30, 95)
	c.reading(1, 31, 95)
	c.group(city.Sight{Group: "gateway:7076", Now: at(50)})
	for id, m := range c.minds {
		a := &city.Asset{ID: id, Kind: city.Bin, Tour: "5"}
		if m.Deadline().IsZero() {
			t.Errorf("%s is never unknown", id)
		}
		_, _, shares := c.set.Step(m, &city.Sight{Asset: a, Now: at(1000)})
		for i := range shares {
			if shares[i].Truth != city.Unknown {
				t.Errorf("%s is %v", id, shares[i].Truth)
			}
			c.group(city.Sight{Group: shares[i].Group, Share: &shares[i], Now: at(1000)})
		}
	}
	if want := []string{"gateway:7076 opened@50 2 of 5"}; !slices.Equal(c.said, want) {
		t.Errorf("got  %q\nwant %q", c.said, want)
	}
}

func TestGroupBy(t *testing.T) {
	r := full(func(r *Rule, l *Level) { l.Readings, l.ClearReadings, r.GroupBy = 1, 1, ByTour })
	c := newCity10(t, r)
	c.reading(1, 0, 95)
	c.reading(2, 1, 50)
	c.reading(3, 2, 95)
	if got := strings.Join(c.last.Members, " "); got != "PK-1 PK-3" {
		t.Errorf("members %s", got)
	}
	c.reading(1, 3, 0)
	c.reading(3, 4, 0)
	want := []string{"tour:5 opened@0 1 of 1", "tour:5 moved@2 2 of 2 PK-3 ist dazugekommen.", "tour:5 moved@3 1 of 1 PK-1 ist erledigt.", "tour:5 closed@4 0 of 0"}
	if !slices.Equal(c.said, want) {
		t.Errorf("got  %q\nwant %q", c.said, want)
	}
	if c.groups["tour:5"] != nil {
		t.Errorf("an empty group is remembered: %+v", c.groups["tour:5"].Standings())
	}
}

// TestReload: what carries over when rules change.
func TestReload(t *testing.T) {
	before := mustNew(t, []Rule{full(), renamed(full(func(_ *Rule, l *Level) { l.Readings = 3 }), "slow"), renamed(full(), "gone")}, Options{})
	after := mustNew(t, []Rule{
		full(func(r *Rule, _ *Level) { r.Title, r.Service = "anders", "S2" }), // the same meaning
		renamed(full(func(_ *Rule, l *Level) { l.Readings, l.Open = 2, Threshold{city.FillLevel, Condition{AtLeast, 97}} }), "slow"),
		renamed(full(), "new"),
	}, Options{})
	d := after.Since(before)
	if fmt.Sprint(d) != "{[r] [slow] [new] [gone]}" {
		t.Errorf("difference %v", d)
	}
	for _, store := range []bool{false, true} {
		b := &bench{t: t, set: before, asset: bin, store: store}
		b.tell("0:95 1:95 2:95")
		if len(b.said) != 3 {
			t.Fatalf("said %q", b.said)
		}
		b.said, b.set = nil, after
		b.tell("3:96")
		// The changed one stays open, the new one has read the last readings, the gone one is closed.
		if len(b.said) != 2 || !strings.HasPrefix(b.said[0], "closed gone@3") || b.said[1] != "opened new@3 since 0: 95 (90)" {
			t.Errorf("store %v: got %q", store, b.said)
		}
		b.said = nil
		b.tell("4:20 5:20")
		if len(b.said) != 3 {
			t.Errorf("store %v: got %q", store, b.said)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	level := full().Levels[0]
	limit := 5.0
	for _, tt := range []struct {
		name    string
		rules   []Rule
		options Options
		want    string
	}{
		{"no levels", []Rule{{ID: "r"}}, Options{}, "levels: has 0"},
		{"twice", []Rule{full(), full()}, Options{}, "taken"},
		{"severities fall", []Rule{{ID: "r", Levels: []Level{level, level}}}, Options{}, "severity"},
		{"unknown inhibitor", []Rule{full(func(r *Rule, _ *Level) { r.InhibitedBy = []string{"x"} })}, Options{}, `no rule "x"`},
		{"circle", []Rule{full(func(r *Rule, _ *Level) { r.InhibitedBy = []string{"r"} })}, Options{}, "circle"},
		{"aggregate of nothing", []Rule{full(func(_ *Rule, l *Level) { l.Open = Aggregate{} })}, Options{}, "members of a group"},
		{"group without member", []Rule{full(func(r *Rule, l *Level) { r.Over, l.Open = ByTour, Aggregate{} })}, Options{}, "member: is missing"},
		{"of too many", []Rule{full(func(_ *Rule, l *Level) { l.Of = 9 })}, Options{}, "2 of the last 9"},
		{"override of nothing", []Rule{full()}, Options{Overrides: []Override{{Rule: "x"}}}, "no such rule"},
		{"override of no limit", []Rule{full(func(_ *Rule, l *Level) { l.Open = Faulty{} })}, Options{Overrides: []Override{{Rule: "r", Figures: Figures{Open: &limit}}}}, "has no limit"},
		{"maintenance for ever", []Rule{full()}, Options{Maintenance: []Maintenance{{Reason: "x"}}}, "end by itself"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := New(tt.rules, tt.options); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestExplain(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	set := mustNew(t, []Rule{full(func(_ *Rule, l *Level) { l.For = 30 * time.Minute })}, Options{})
	var m city.Mind
	var verdicts []city.Verdict
	for i, level := range []float64{50, 95, 92.5} {
		r := reading(city.Bin, 30*i, city.Value{Quantity: city.FillLevel, Number: level})
		r.FCnt = uint32(i)
		m, verdicts, _ = set.Step(m, &city.Sight{Asset: bin, Reading: r, Now: r.Time.At.Add(5 * time.Second)})
	}
	if len(verdicts) != 1 {
		t.Fatalf("%+v", verdicts)
	}
	got := Explain(verdicts[0].Record, berlin)
	want := []string{
		"Am 25.10.2026 14:00:00 wollte die Regel r bei PK-0042 einen Fall.",
		"Die Bedingung gilt seit 25.10.2026 13:30:00, also seit 30 Minuten.",
		"Füllstand: 92,5 %, Grenze 90 %.",
		"Gefragt war „fill_level >= 90 %“, der Wert war 92,5 %: ja.",
		"Messung vom 25.10.2026 13:00:00 (Zähler 0): Füllstand 50 %, trifft nicht zu.",
		"Messung vom 25.10.2026 13:30:00 (Zähler 1): Füllstand 95 %, trifft zu.",
		"Messung vom 25.10.2026 14:00:00 (Zähler 2): Füllstand 92,5 %, trifft zu.",
		"Grenze zum Öffnen: 90 (aus der Regel).",
		"Grenze zum Schließen: 30 (aus der Regel).",
		"Dauer bis zum Öffnen: 30m (aus der Regel).",
		"Messungen bis zum Öffnen: 2 (aus der Regel).",
		"Dauer bis zum Schließen: 0s (aus der Regel).",
		"Messungen bis zum Schließen: 2 (aus der Regel).",
		"Größte Lücke: 1h30m (aus den Messungen gelernt).",
		"Fassung der Regel: " + verdicts[0].Version + ".",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// When a gateway fails its devices fall silent: one case, and none for each of them.
func TestGatewayDown(t *testing.T) {
	member := silent().Levels[0]
	device := renamed(silent(), "device")
	device.Levels[0].Open = Silence{Periods: 5}
	device.InhibitedBy = []string{"gateway"}
	set := mustNew(t, []Rule{device, {ID: "gateway", Over: ByGateway, Member: &member, Service: "S", Title: "T", Levels: []Level{{
		Severity: 1, Open: Aggregate{Percent: true, Condition: Condition{AtLeast, 30}, Least: 5}}}}}, Options{})
	assets := make([]*city.Asset, 10)
	minds := make([]city.Mind, len(assets))
	var group city.Mind
	open := false
	var said []string
	step := func(i int, s city.Sight) {
		s.Asset = assets[i]
		s.Mutes = func(group, rule string) bool { return group == "gateway:7076" && rule == "gateway" && open }
		var verdicts []city.Verdict
		var shares []city.Share
		minds[i], verdicts, shares = set.Step(minds[i], &s)
		for _, v := range verdicts {
			if v.Change != city.Moved || v.Record.Muted != "" {
				said = append(said, fmt.Sprintf("%s %s@%.0f%s", v.Rule, v.Change, s.Now.Sub(noon).Minutes(), v.Record.Muted))
			}
		}
		for k := range shares {
			group, verdicts, _ = set.Step(group, &city.Sight{Group: shares[k].Group, Share: &shares[k], Now: s.Now})
			for _, v := range verdicts {
				said = append(said, fmt.Sprintf("%s %s@%.0f of %d", shares[k].Group, v.Change, s.Now.Sub(noon).Minutes(), v.Record.Counted))
				open = open && v.Change != city.Closed || v.Change == city.Opened
			}
		}
	}
	for i := range assets {
		assets[i] = &city.Asset{ID: fmt.Sprint(i), Kind: city.Bin}
		for n := range 10 {
			r := reading(city.Bin, 60*n)
			r.FCnt, r.Radio.Gateway = uint32(n), "7076"
			step(i, city.Sight{Reading: r, Now: r.Time.At})
		}
	}
	// Time passes: each mind is shown it at its deadline, as the road does.
	now := at(0)
	for range 100 {
		next := -1
		for i, m := range minds {
			if d := m.Deadline(); !d.IsZero() && d.Before(at(900)) && (next < 0 || d.Before(minds[next].Deadline())) {
				next = i
			}
		}
		if next < 0 {
			break
		}
		if d := minds[next].Deadline(); d.After(now) {
			now = d
		}
		step(next, city.Sight{Now: now})
	}
	muted := 0
	said = slices.DeleteFunc(said, func(s string) bool {
		if s == "device moved@840unterdrückt durch gateway" {
			muted++
			return true
		}
		return false
	})
	if want := []string{"gateway:7076 opened@720 of 3"}; !slices.Equal(said, want) || muted != len(assets) {
		t.Errorf("got %q and %d muted devices, want %q and %d", said, muted, want, len(assets))
	}
}

func TestAdopt(t *testing.T) {
	set := mustNew(t, []Rule{full()}, Options{})
	m, verdicts := set.Adopt(bin, []city.Standing{{Rule: "r", Phase: city.PhaseOpen, Since: at(0)}, {Rule: "gone", Phase: city.PhaseOpen}})
	if len(verdicts) != 1 || verdicts[0].Rule != "gone" || verdicts[0].Change != city.Closed {
		t.Errorf("got %+v", verdicts)
	}
	b := &bench{t: t, set: set, asset: bin, mind: m, store: true}
	b.tell("5000:95 5001:95 5002:10 5003:10")
	if want := []string{"closed@5003 since 5002: 10 (30)"}; !slices.Equal(b.said, want) {
		t.Errorf("got %q, want %q", b.said, want)
	}
}

func TestNothingToRemember(t *testing.T) {
	set := mustNew(t, []Rule{full()}, Options{})
	tree := &city.Asset{ID: "B-1", Kind: city.Soil}
	if m, _, _ := set.Step(nil, &city.Sight{Asset: tree, Reading: reading(city.Soil, 0), Now: at(0)}); m != nil {
		t.Errorf("a tree without rules is remembered: %v", m)
	}
	r := reading(city.Bin, 0, city.Value{Quantity: city.FillLevel, Number: 95})
	r.Simulated = true
	if m, verdicts, _ := set.Step(nil, &city.Sight{Asset: bin, Reading: r, Now: at(0)}); m != nil || verdicts != nil {
		t.Errorf("a simulated reading counts: %v", verdicts)
	}
	// What was seen is remembered as it is: the same mind comes back.
	r.Simulated = false
	m, _, _ := set.Step(nil, &city.Sight{Asset: bin, Reading: r, Now: at(0)})
	if again, _, _ := set.Step(m, &city.Sight{Asset: bin, Reading: r, Now: at(0)}); again != m {
		t.Error("a repeat makes a new mind")
	}
}

// Many goroutines use one set.
func TestSetTogether(t *testing.T) {
	limit := 50.0
	set := mustNew(t, ten(), Options{Overrides: []Override{{Rule: "bin-full", Target: Target{TargetTour, "5"}, Figures: Figures{Open: &limit}}}})
	var wg sync.WaitGroup
	readings := history(50, true)
	ends := make([]string, 4)
	for i := range ends {
		wg.Go(func() {
			kept, err := mindOf(set, bin, readings).AppendBinary(nil)
			if err != nil {
				t.Error(err)
			}
			ends[i] = string(kept)
		})
	}
	wg.Wait()
	for _, e := range ends {
		if e != ends[0] {
			t.Error("not the same for all")
		}
	}
}

// Without a number of periods it is as many as a healthy device almost never loses in a row.
func TestSilenceAllowed(t *testing.T) {
	for _, tt := range []struct {
		silence Silence
		loss    float64
		want    time.Duration
	}{
		{Silence{Periods: 3}, 0.5, 3 * time.Hour},
		{Silence{Periods: 3, AtLeast: 24 * time.Hour}, 0.5, 24 * time.Hour},
		{Silence{}, 0.05, 3 * time.Hour}, // 0.05³ is little more than 0.0001
		{Silence{}, 0.15, 4 * time.Hour}, // 0.15³ is 0.003, 0.15⁴ is 0.0005
		{Silence{}, 0.5, 10 * time.Hour},
	} {
		if got := tt.silence.allowed(&heard{period: time.Hour, loss: tt.loss}); got != tt.want {
			t.Errorf("%s, loss %v: %v, want %v", tt.silence, tt.loss, got, tt.want)
		}
	}
}
