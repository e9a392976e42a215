package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"meldefunk/city"
)

// Trials is a test file: stories of readings, and what the rules should make of them.
// LoadTrials reads one.
type Trials struct {
	file  string
	zone  *time.Location
	set   *Set
	tests []trial
}

// trial is one story.
type trial struct {
	line        int
	name        string
	start       time.Time
	cast        []player
	frames      []city.Reading // in order of arrival
	deaf        []deafTime
	stops       []time.Time // restarts
	points      []point
	changes     []wantedChange // all that is opened and closed; nil with asked false
	asked       bool
	changesLine int // of changes
}

// player is an asset of a story with its sensor.
type player struct {
	asset  *city.Asset
	sensor city.Sensor
}

// deafTime is a time in which we could not hear.
type deafTime struct{ from, to time.Time }

// point is an instant at which the standings are looked at.
type point struct {
	line                   int
	at                     time.Duration
	open, pending, muted   []string
	asksPending, asksMuted bool
}

// wantedChange is something that should be said.
type wantedChange struct {
	line int
	at   time.Duration
	text string // "opened bin-full PK-1"
}

// TrialResult is what came of one story.
type TrialResult struct {
	Name     string         `json:"name"`
	File     string         `json:"file"`
	Line     int            `json:"line"`
	Failures []TrialFailure `json:"failures,omitempty"` // none: it went as expected
}

// TrialFailure is one expectation that was not met.
type TrialFailure struct {
	Line    int      `json:"line"`
	At      string   `json:"at,omitempty"`      // "3h", from the story's beginning; "": about all of it
	What    string   `json:"what"`              // "open cases"
	Missing []string `json:"missing,omitempty"` // expected, and not so
	Extra   []string `json:"extra,omitempty"`   // not expected, and so
	Why     []string `json:"why,omitempty"`     // the decisions behind it, in German sentences
}

// String writes the failure as people read it, with several lines.
func (f *TrialFailure) String() string {
	var b strings.Builder
	b.WriteString(f.What)
	if f.At != "" {
		b.WriteString(" after " + f.At)
	}
	b.WriteString(" are not as expected")
	for _, s := range f.Missing {
		b.WriteString("\n      - " + s)
	}
	for _, s := range f.Extra {
		b.WriteString("\n      + " + s)
	}
	for _, s := range f.Why {
		b.WriteString("\n        " + s)
	}
	return b.String()
}

// Run plays every story. An error is a defect of ours: minds that cannot be kept.
func (t *Trials) Run() ([]TrialResult, error) {
	var all []TrialResult
	for i := range t.tests {
		r, err := t.tests[i].run(t)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", t.file, t.tests[i].line, err)
		}
		all = append(all, r)
	}
	return all, nil
}

// stage is a story while it is played.
type stage struct {
	*trial
	set    *Set
	zone   *time.Location
	play   *Play
	ledger Ledger
	said   []Said
	heard  int // frames given to the play
	began  int // restarts that are over
}

func (t *trial) run(file *Trials) (TrialResult, error) {
	s := stage{trial: t, set: file.set, zone: file.zone, play: NewPlay(file.set, t.deafness, t.heard)}
	for _, m := range t.cast {
		s.play.Cast(m.asset, []city.Sensor{m.sensor})
	}
	r := TrialResult{Name: t.name, File: file.file, Line: t.line}
	for i := range t.points {
		p := &t.points[i]
		if err := s.to(t.start.Add(p.at).Add(1)); err != nil {
			return r, err
		}
		r.Failures = append(r.Failures, s.look(p)...)
	}
	if err := s.to(s.end()); err != nil {
		return r, err
	}
	if t.asked {
		r.Failures = append(r.Failures, s.compare()...)
	}
	return r, nil
}

// end is when nothing more is told or asked of a story.
func (t *trial) end() time.Time {
	last := t.start
	if n := len(t.frames); n > 0 {
		last = t.frames[n-1].Received
	}
	for i := range t.points {
		if at := t.start.Add(t.points[i].at); at.After(last) {
			last = at
		}
	}
	for i := range t.changes {
		if at := t.start.Add(t.changes[i].at); at.After(last) {
			last = at
		}
	}
	return last.Add(time.Second)
}

func (t *trial) deafness(_ string, from, to time.Time) time.Duration {
	var all time.Duration
	for _, d := range t.deaf {
		begin, end := from, to
		if d.from.After(begin) {
			begin = d.from
		}
		if d.to.Before(end) {
			end = d.to
		}
		all += max(0, end.Sub(begin))
	}
	return all
}

// heard gives an instant, or when we could hear again if we could not then.
func (t *trial) heard(_ string, at time.Time) time.Time {
	for again := true; again; {
		again = false
		for _, d := range t.deaf {
			if at.After(d.from) && at.Before(d.to) {
				at, again = d.to, true
			}
		}
	}
	return at
}

// to plays up to an instant, without it, with the restarts on the way.
func (s *stage) to(at time.Time) error {
	for ; s.began < len(s.stops) && s.stops[s.began].Before(at); s.began++ {
		s.until(s.stops[s.began])
		if err := s.play.Restart(); err != nil {
			return err
		}
	}
	s.until(at)
	return nil
}

// until plays up to an instant, without it.
func (s *stage) until(at time.Time) {
	for ; s.heard < len(s.frames) && s.frames[s.heard].Received.Before(at); s.heard++ {
		s.play.Hear(&s.frames[s.heard])
	}
	said := s.play.Until(at)
	s.ledger.Add(said)
	s.said = append(s.said, said...)
}

// look compares where things stand with what a point expects.
func (s *stage) look(p *point) []TrialFailure {
	var open, pending, muted []string
	graded := make(map[string]bool) // which of those expected name a severity
	for _, w := range p.open {
		graded[ungraded(w)] = strings.Contains(w, gradeMark)
	}
	for _, e := range s.ledger.Open() {
		text := e.Rule + " " + e.place()
		if graded[text] {
			text += fmt.Sprint(gradeMark, e.now)
		}
		open = append(open, text)
	}
	for _, x := range s.play.Standings() {
		text := x.Rule + " " + x.Asset + x.Group
		if x.Phase == city.PhasePending {
			pending = append(pending, text)
		}
		if x.Muted != "" {
			muted = append(muted, text)
		}
	}
	var all []TrialFailure
	check := func(what string, want, got []string) {
		f := TrialFailure{Line: p.line, At: lasting(p.at), What: what, Missing: without(want, got), Extra: without(got, want)}
		if len(f.Missing)+len(f.Extra) > 0 {
			f.Why = s.why(append(slices.Clone(f.Missing), f.Extra...), s.start.Add(p.at))
			all = append(all, f)
		}
	}
	check("open cases", p.open, open)
	if p.asksPending {
		check("pending rules", p.pending, pending)
	}
	if p.asksMuted {
		check("muted rules", p.muted, muted)
	}
	return all
}

const gradeMark = " severity "

func ungraded(text string) string {
	before, _, _ := strings.Cut(text, gradeMark)
	return before
}

// compare compares everything that was opened and closed with what should have been.
func (s *stage) compare() []TrialFailure {
	var want, got []string
	for _, w := range s.changes {
		want = append(want, lasting(w.at)+" "+w.text)
	}
	for i := range s.said {
		x := &s.said[i]
		if x.Verdict.Change != city.Moved && x.Verdict.Change != city.Overlooked {
			at := x.Now.Sub(s.start).Truncate(time.Second)
			got = append(got, fmt.Sprintf("%s %s %s %s", lasting(at), x.Verdict.Change, x.Verdict.Rule, x.Asset+x.Group))
		}
	}
	f := TrialFailure{Line: s.changesLine, What: "changes", Missing: without(want, got), Extra: without(got, want)}
	if len(f.Missing)+len(f.Extra) == 0 {
		return nil
	}
	for _, w := range s.changes {
		if slices.Contains(f.Missing, lasting(w.at)+" "+w.text) {
			f.Line = w.line
			break
		}
	}
	var about []string
	for _, text := range append(slices.Clone(f.Missing), f.Extra...) {
		if words := strings.SplitN(text, " ", 3); len(words) == 3 {
			about = append(about, words[2])
		}
	}
	f.Why = s.why(about, s.end())
	return []TrialFailure{f}
}

// without gives what of a list is not in another, each as often as it is missing.
func without(all, but []string) []string {
	but = slices.Clone(but)
	var rest []string
	for _, x := range all {
		if i := slices.Index(but, x); i >= 0 {
			but = slices.Delete(but, i, i+1)
			continue
		}
		rest = append(rest, x)
	}
	return rest
}

// mostWhys bounds how much is told of one failure.
const mostWhys = 3

// why tells the last decision about each of some "rule place", as they were at a time.
func (s *stage) why(about []string, at time.Time) []string {
	slices.Sort(about)
	about = slices.Compact(about)
	var all []string
	for _, text := range about[:min(len(about), mostWhys)] {
		text = ungraded(text)
		var last *city.Decision
		for i := range s.said {
			x := &s.said[i]
			if x.Verdict.Rule+" "+x.Asset+x.Group == text && !x.Now.After(at) && x.Verdict.Record != nil {
				last = x.Verdict.Record
			}
		}
		if last == nil {
			all = append(all, text+": Die Regel hat sich bis dahin nicht gerührt: Ihre Bedingung war nie erfüllt, oder sie gilt dort nicht.")
			continue
		}
		all = append(all, text+":")
		for _, sentence := range Explain(last, s.zone) {
			all = append(all, "  "+sentence)
		}
	}
	return all
}

// inOrder brings the frames into the order in which they arrive, and the rest into that of time.
func (t *trial) inOrder() {
	slices.SortStableFunc(t.frames, func(a, b city.Reading) int { return a.Received.Compare(b.Received) })
	slices.SortFunc(t.stops, time.Time.Compare)
	slices.SortStableFunc(t.points, func(a, b point) int { return cmp.Compare(a.at, b.at) })
}
