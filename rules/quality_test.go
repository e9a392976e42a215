package rules_test

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/rules"
	"meldefunk/rules/quality"
)

// The experiment on quality; `make quality` makes it large. Seeds 1, 7 and 101 to 103
// were used to build it and to choose the figures of the shipped rules, so they prove nothing.
var (
	seed   = flag.Uint64("quality.seed", 2026, "where chance begins")
	assets = flag.Int("quality.assets", 10, "of each subject")
	days   = flag.Int("quality.days", 30, "of each asset")
	page   = flag.String("quality.page", "", "page whose table is written anew")
)

// engine lets the rules of a set decide as the road would have them do.
type engine struct {
	t     *testing.T
	set   *rules.Set
	rule  string
	asset *city.Asset
	what  city.Quantity
	mind  city.Mind
	now   time.Duration // time has passed up to
	down  []quality.Span
	cases []quality.Case
}

// watched are the rules that look for the matter of each subject.
var watched = map[string]struct {
	rule string
	kind city.Kind
	what city.Quantity
}{
	"bins":    {"bin-full", city.Bin, city.FillLevel},
	"soil":    {"soil-dry", city.Soil, city.UsableFieldCapacity},
	"parking": {"bay-blocked", city.Parking, city.Occupied},
}

func newEngine(t *testing.T, set *rules.Set) quality.Make {
	return func(s *quality.Subject, _ time.Duration) quality.Decider {
		w := watched[s.Name]
		return &engine{t: t, set: set, rule: w.rule, what: w.what, asset: &city.Asset{ID: "A-1", Kind: w.kind}}
	}
}

func (e *engine) Hear(m *quality.Message) {
	at := quality.Start.Add(m.At)
	e.step(m.Heard, &city.Reading{
		DevEUI: city.EUI{1}, Asset: e.asset.ID, Kind: e.asset.Kind, Epoch: 1, FCnt: m.FCnt,
		Time: city.Stamp{At: at}, Received: quality.Start.Add(m.Heard),
		Values: []city.Value{{Quantity: e.what, Number: m.Value}},
	})
}

// Restart stores the mind and reads it again.
func (e *engine) Restart(down quality.Span) {
	e.Pass(down.From)
	e.down, e.now = append(e.down, down), down.To
	if e.mind == nil {
		return
	}
	kept, err := e.mind.AppendBinary(nil)
	if err != nil {
		e.t.Fatal(err)
	}
	if e.mind, err = e.set.Recall(e.asset.ID, kept); err != nil {
		e.t.Fatal(err)
	}
}

// Pass looks every full minute whether the mind's deadline is over, as the road does.
func (e *engine) Pass(to time.Duration) {
	for e.mind != nil {
		d := e.mind.Deadline()
		if d.IsZero() {
			break
		}
		look := (max(d.Sub(quality.Start), e.now+1) + time.Minute - 1).Truncate(time.Minute)
		if look > to {
			break
		}
		e.step(look, nil)
		e.now = look
	}
	e.now = max(e.now, to)
}

func (e *engine) step(now time.Duration, r *city.Reading) {
	var verdicts []city.Verdict
	e.mind, verdicts, _ = e.set.Step(e.mind, &city.Sight{
		Asset: e.asset, Server: "one", Reading: r, Now: quality.Start.Add(now), Deaf: e.deaf,
	})
	for _, v := range verdicts {
		if v.Rule != e.rule {
			continue
		}
		switch v.Change {
		case city.Opened:
			e.cases = append(e.cases, quality.Case{Opened: now})
		case city.Closed, city.Revoked:
			e.cases[len(e.cases)-1].Closed = now
		}
	}
}

// deaf tells how long we were down between two times.
func (e *engine) deaf(_ string, from, to time.Time) time.Duration {
	var deaf time.Duration
	for _, d := range e.down {
		a, b := max(d.From, from.Sub(quality.Start)), min(d.To, to.Sub(quality.Start))
		deaf += max(0, b-a)
	}
	return deaf
}

func (e *engine) Cases() []quality.Case { return e.cases }

// deciders are us and what we are measured by.
var deciders = []string{"Meldefunk, shipped rules", "Prometheus, model", "ThingsBoard, model", "Kapacitor, model"}

// TestQuality holds what the shipped rules decide against the truth: at most 3 % of the cases
// are false and 1 % of the episodes missed, at every period and for every subject, and at no
// period do they make more mistakes than the best model does. Where the run is too small for
// so fine a share, a few are allowed.
func TestQuality(t *testing.T) {
	const few = 2
	x := quality.Experiment{Seed: *seed, Assets: *assets, Days: *days}
	var all []quality.Result
	for _, s := range quality.Subjects() {
		for _, period := range quality.Periods() {
			r := quality.Result{Subject: s.Name, Period: period}
			r.Scores = x.Run(&s, period, newEngine(t, rules.Default()), quality.Prometheus, quality.ThingsBoard, quality.Kapacitor)
			all = append(all, r)
			ours := &r.Scores[0]
			if ours.Episodes == 0 || ours.Cases == 0 {
				t.Fatalf("%s every %v: %d episodes and %d cases: this shows nothing", s.Name, period, ours.Episodes, ours.Cases)
			}
			if ours.False > max(few, ours.Cases*3/100) {
				t.Errorf("%s every %v: %d of %d cases are false", s.Name, period, ours.False, ours.Cases)
			}
			if ours.Missed > max(few, ours.Episodes/100) {
				t.Errorf("%s every %v: %d of %d episodes are missed", s.Name, period, ours.Missed, ours.Episodes)
			}
		}
	}
	for _, period := range quality.Periods() {
		scores := quality.At(all, period).Scores
		for i := range scores {
			if scores[0].Mistakes() > scores[i].Mistakes() {
				t.Errorf("every %v: we make %d mistakes, %s makes %d", period, scores[0].Mistakes(), deciders[i], scores[i].Mistakes())
			}
		}
	}
	var table strings.Builder
	if err := quality.Table(&table, deciders, all); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + table.String())
	if *page != "" {
		rewrite(t, *page, table.String())
	}
}

// rewrite puts a table between the marks of a page.
func rewrite(t *testing.T, page, table string) {
	const begin, end = "<!-- table -->\n", "<!-- end of table -->\n"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), begin)
	_, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place for the table: want the lines %q and %q", page, begin, end)
	}
	if err := os.WriteFile(page, []byte(head+begin+table+end+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}
