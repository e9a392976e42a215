package rules

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"meldefunk/city"
)

// The rules of these tests: every form that is about readings, on few and coarse values, so
// that much happens.
func propertyRules(t *rapid.T) []Rule {
	condition := func(c Compare, limit float64) Condition { return Condition{c, limit} }
	signals := []Signal{
		Threshold{city.FillLevel, condition(AtLeast, 90)},
		Threshold{city.Tilt, condition(Equal, 1)},
		Change{city.FillLevel, -40, 2 * time.Hour},
		Rate{city.FillLevel, condition(AtLeast, 10), 3 * time.Hour},
		Forecast{city.FillLevel, condition(AtLeast, 100), 6 * time.Hour, Low},
		Faulty{},
		Implausible{Quantity: city.FillLevel, Stuck: 3, Jump: 80},
	}
	span := rapid.SampledFrom([]time.Duration{0, 0, 20 * time.Minute, time.Hour})
	var rules []Rule
	for i, n := 0, rapid.IntRange(1, 4).Draw(t, "rules"); i < n; i++ {
		r := Rule{ID: fmt.Sprintf("r%d", i), Evidence: rapid.SampledFrom([]Evidence{Samples, Hold}).Draw(t, "evidence"),
			MaxGap: rapid.SampledFrom([]time.Duration{0, 0, 90 * time.Minute}).Draw(t, "max_gap")}
		for j, n := 0, rapid.IntRange(1, 2).Draw(t, "levels"); j < n; j++ {
			l := Level{Severity: city.Grade(j + 1), Open: rapid.SampledFrom(signals).Draw(t, "open"),
				For: span.Draw(t, "for"), Readings: rapid.IntRange(1, 3).Draw(t, "readings"),
				ClearFor: span.Draw(t, "clear_for"), ClearReadings: rapid.IntRange(1, 2).Draw(t, "clear_readings")}
			if rapid.Bool().Draw(t, "of") {
				l.Of = l.Readings + rapid.IntRange(0, 2).Draw(t, "more")
			}
			if rapid.Bool().Draw(t, "clear") {
				l.Clear = Threshold{city.FillLevel, condition(AtMost, 30)}
			}
			r.Levels = append(r.Levels, l)
		}
		if i > 0 && rapid.Bool().Draw(t, "inhibited") {
			r.InhibitedBy = []string{"r0"}
		}
		rules = append(rules, r)
	}
	return rules
}

// propertyReadings are readings of up to two devices in order of event time, none twice.
func propertyReadings(t *rapid.T, most int) []*city.Reading {
	minute := 0
	var fcnt [2]uint32
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) *city.Reading {
		minute += rapid.SampledFrom([]int{1, 10, 10, 10, 11, 30, 200}).Draw(t, "minutes")
		dev := rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(t, "device")
		fcnt[dev] += rapid.SampledFrom([]uint32{1, 1, 1, 3}).Draw(t, "frames")
		r := reading(city.Bin, minute)
		r.DevEUI, r.Epoch, r.FCnt = city.EUI{byte(dev + 1)}, 1, fcnt[dev]
		if rapid.IntRange(0, 5).Draw(t, "measured") > 0 {
			level := rapid.SampledFrom([]float64{0, 10, 29.3, 50, 70, 89.99, 90, 95, 100, 100.0 / 3}).Draw(t, "level")
			r.Values = append(r.Values, city.Value{Quantity: city.FillLevel, Number: level})
		}
		if rapid.Bool().Draw(t, "tilted") {
			r.Values = append(r.Values, city.Value{Quantity: city.Tilt, Number: float64(rapid.IntRange(0, 1).Draw(t, "tilt"))})
		}
		if rapid.IntRange(0, 4).Draw(t, "faulty") == 0 {
			r.Faults = []city.Fault{city.FaultNoEcho}
		}
		return r
	}), 1, most).Draw(t, "readings")
}

// shuffled brings readings in an order in which none comes later than the rules can reach,
// some of them several times.
func shuffled(readings []*city.Reading, seed uint64) []*city.Reading {
	r := rand.New(rand.NewPCG(seed, 1))
	order := slices.Clone(readings)
	for i := range order { // a reading moves back by less than reach in all
		if j := i + r.IntN(4); j < len(order) {
			order[i], order[j] = order[j], order[i]
		}
	}
	var all []*city.Reading
	for _, x := range order {
		all = append(all, x)
		for r.IntN(4) == 0 {
			all = append(all, all[r.IntN(len(all))])
		}
	}
	return all
}

// reachable tells whether no reading comes after reach or more newer ones.
func reachable(order []*city.Reading) bool {
	for i, r := range order {
		newer := map[*city.Reading]bool{}
		for _, s := range order[:i] {
			if s == r {
				newer = nil
				break
			}
			if s.Time.At.After(r.Time.At) {
				newer[s] = true
			}
		}
		if len(newer) >= reach {
			return false
		}
	}
	return true
}

// outcome is a mind without what was told of it, and which cases are open: two orders tell
// the same story differently, but it must end the same.
func outcome(t interface{ Fatal(...any) }, set *Set, asset *city.Asset, order []*city.Reading, restart func(i int) bool) (string, []string) {
	var m city.Mind
	var told []string
	open := map[string]bool{}
	for i, r := range order {
		var verdicts []city.Verdict
		// Our clock stands still: how old a case is depends on the order of arrival.
		m, verdicts, _ = set.Step(m, &city.Sight{Asset: asset, Reading: r, Now: at(0)})
		for _, v := range verdicts {
			if v.Change == city.Overlooked {
				if !slices.Contains(order[:i], r) { // a repeat may come as late as it likes
					t.Fatal("overlooked a reading within reach")
				}
				continue
			}
			told = append(told, fmt.Sprint(i, v.Rule, v.Change, v.Severity, v.Since, v.Value, *v.Record))
			switch v.Change {
			case city.Opened:
				if open[v.Rule] {
					t.Fatal("opened twice")
				}
				open[v.Rule] = true
			case city.Closed, city.Revoked:
				if !open[v.Rule] {
					t.Fatal("closed and not open")
				}
				delete(open, v.Rule)
			}
		}
		if restart(i) {
			kept, err := m.AppendBinary(nil)
			if err != nil {
				t.Fatal(err)
			}
			if m, err = set.Recall(asset.ID, kept); err != nil {
				t.Fatal(err)
			}
		}
	}
	w := &work{}
	if kept, err := m.AppendBinary(nil); err != nil {
		t.Fatal(err)
	} else if w, _, err = restore(kept); err != nil {
		t.Fatal(err)
	}
	for i := range w.ring {
		w.ring[i].from, w.ring[i].to = 0, 0
	}
	text := fmt.Sprint(w.ring, w.heard, w.based, w.gateway)
	for i, r := range w.plan.refs {
		text += fmt.Sprint("\n", r.id, w.base[r.first:r.first+r.levels], w.current[r.first:r.first+r.levels], w.baseChanges[i], w.currentChanges[i])
		if len(set.byID[r.id].InhibitedBy) == 0 { // who came first counts there
			text += fmt.Sprint(w.published[i].open)
		}
		if open[r.id] != w.published[i].open {
			t.Fatal("what was told is not what is remembered")
		}
	}
	return text, told
}

func neverStop(int) bool { return false }

// Any order and duplication of the same readings within reach ends in the same.
func TestOrderChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := mustNewRapid(t, propertyRules(t))
		readings := propertyReadings(t, 40)
		order := shuffled(readings, rapid.Uint64().Draw(t, "seed"))
		if !reachable(order) {
			t.Skip("too far")
		}
		want, _ := outcome(t, set, bin, readings, neverStop)
		got, _ := outcome(t, set, bin, order, neverStop)
		if got != want {
			t.Fatalf("in order\n%s\nshuffled\n%s", want, got)
		}
	})
}

// A restart at any point changes nothing, not even in the records.
func TestRestartChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := mustNewRapid(t, propertyRules(t))
		order := shuffled(propertyReadings(t, 40), rapid.Uint64().Draw(t, "seed"))
		if !reachable(order) {
			t.Skip("too far")
		}
		restarts := rapid.Uint64().Draw(t, "restarts")
		wantEnd, want := outcome(t, set, bin, order, neverStop)
		gotEnd, got := outcome(t, set, bin, order, func(i int) bool { return restarts>>(i%64)&1 == 1 })
		if gotEnd != wantEnd || !slices.Equal(got, want) {
			t.Fatalf("without\n%s\n%q\nwith\n%s\n%q", wantEnd, want, gotEnd, got)
		}
	})
}

// Time that passes in between, as often as one likes, changes nothing of where things stand in
// the end, also for what time decides.
func TestTicksChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := mustNewRapid(t, propertyRules(t))
		order := shuffled(propertyReadings(t, 40), rapid.Uint64().Draw(t, "seed"))
		if !reachable(order) {
			t.Skip("too far")
		}
		ticks := rapid.Uint64().Draw(t, "ticks")
		end := order[0].Time.At
		for _, r := range order {
			if r.Time.At.After(end) {
				end = r.Time.At
			}
		}
		end = end.Add(time.Duration(rapid.IntRange(0, 200).Draw(t, "minutes")) * time.Minute)
		stand := func(ticks uint64) string {
			var m city.Mind
			now := order[0].Time.At
			for i, r := range order {
				if r.Time.At.After(now) {
					now = r.Time.At
				}
				m, _, _ = set.Step(m, &city.Sight{Asset: bin, Reading: r, Now: now})
				if d := m.Deadline(); ticks>>(i%64)&1 == 1 && !d.IsZero() && !d.After(end) && (i+1 == len(order) || d.Before(order[i+1].Time.At)) {
					m, _, _ = set.Step(m, &city.Sight{Asset: bin, Now: d})
				}
			}
			m, _, _ = set.Step(m, &city.Sight{Asset: bin, Now: end})
			x := m.(*mind)
			w := &work{}
			w.reset(x.plan)
			if err := w.decode(&decoder{b: x.body}); err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint(w.base, w.current, w.currentChanges)
		}
		if want, got := stand(0), stand(ticks); got != want {
			t.Fatalf("without\n%s\nwith\n%s", want, got)
		}
	})
}

// What says nothing of a rule neither opens nor closes its case: readings without the
// quantity, and time, at any distance.
func TestUnknownChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := propertyRules(t)
		for i := range rules {
			rules[i].Evidence = Samples
			for j := range rules[i].Levels {
				l := &rules[i].Levels[j]
				if _, is := l.Open.(Faulty); is { // it is about just such readings
					l.Open = Threshold{city.FillLevel, Condition{AtLeast, 90}}
				}
			}
		}
		set := mustNewRapid(t, rules)
		readings := propertyReadings(t, 30)
		var m city.Mind
		minute := 0
		for _, r := range readings {
			m, _, _ = set.Step(m, &city.Sight{Asset: bin, Reading: r, Now: r.Time.At})
			minute = int(r.Time.At.Sub(noon).Minutes())
		}
		for i := 0; i < 20; i++ {
			minute += rapid.SampledFrom([]int{1, 60, 1000, 100_000}).Draw(t, "minutes")
			s := &city.Sight{Asset: bin, Now: at(float64(minute))}
			if rapid.Bool().Draw(t, "reading") {
				s.Reading = reading(city.Bin, minute, city.Value{Quantity: city.Temperature, Number: 20})
				s.Reading.DevEUI, s.Reading.Epoch, s.Reading.FCnt = city.EUI{1}, 1, uint32(1000+i)
				s.Reading.Faults = []city.Fault{city.FaultNoEcho}
			}
			var verdicts []city.Verdict
			m, verdicts, _ = set.Step(m, s)
			for _, v := range verdicts {
				if v.Change != city.Moved {
					t.Fatalf("%v by nothing: %+v", v.Change, v.Record)
				}
			}
		}
	})
}

// What is read back from damaged bytes is an error or a mind that works.
func FuzzRecall(f *testing.F) {
	set, err := New([]Rule{full(), {ID: "g", Over: ByTour, Member: &full().Levels[0],
		Levels: []Level{{Severity: 1, Open: Aggregate{Condition: Condition{AtLeast, 2}}}}}}, Options{})
	if err != nil {
		f.Fatal(err)
	}
	var m, g city.Mind
	for i, level := range []float64{10, 95, 95, 20, 100.0 / 3, 95, 95, 95, 95, 95} {
		r := reading(city.Bin, 10*i, city.Value{Quantity: city.FillLevel, Number: level})
		r.FCnt = uint32(i)
		var shares []city.Share
		m, _, shares = set.Step(m, &city.Sight{Asset: bin, Reading: r, Now: r.Time.At})
		for _, s := range shares {
			g, _, _ = set.Step(g, &city.Sight{Group: s.Group, Share: &s, Now: r.Time.At})
		}
	}
	for _, m := range []city.Mind{m, g} {
		kept, err := m.AppendBinary(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(kept)
	}
	f.Fuzz(func(t *testing.T, kept []byte) {
		m, err := set.Recall("tour:5", kept)
		if err != nil || m == nil {
			return
		}
		m.Standings()
		m.Deadline()
		again, err := m.AppendBinary(nil)
		if err != nil || !bytes.Equal(again, kept) && kept[0] != storedGroup {
			t.Fatalf("stored again it is something else: %v", err)
		}
		s := &city.Sight{Asset: bin, Reading: reading(city.Bin, 200, city.Value{Quantity: city.FillLevel, Number: 95}), Now: at(200)}
		if _, is := m.(*groupMind); is {
			s = &city.Sight{Group: "tour:5", Share: &city.Share{Group: "tour:5", Rule: "g", Member: "x", Truth: city.True}, Now: at(200)}
		}
		if m, _, _ = set.Step(m, s); m != nil {
			m.Standings()
		}
	})
}

func mustNewRapid(t *rapid.T, rules []Rule) *Set {
	set, err := New(rules, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return set
}
