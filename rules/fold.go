package rules

import (
	"math"
	"slices"
	"time"

	"meldefunk/city"
)

// see takes in a reading. It gives whether the reading was new, and whether it came late;
// what is older than everything that can be thought anew is new, but changes nothing.
func (w *work) see(r *city.Reading) (fresh, late, evaluated bool) {
	dev := w.device(r.DevEUI)
	if dev < 0 {
		return false, false, false
	}
	s := w.take(r, dev)
	place, found := w.place(&s)
	if found {
		return false, false, false
	}
	late = place < len(w.ring)
	if late && place < w.based {
		if w.heard[dev].last == 0 {
			w.remove(dev)
		}
		return true, true, false
	}
	if s.at > w.heard[dev].last {
		w.heard[dev].last = s.at
	}
	if !late && w.plan.gateway && r.Radio.Gateway != "" {
		w.gateway = r.Radio.Gateway
	}
	w.ring = slices.Insert(w.ring, place, s)
	if len(w.ring)-w.based > reach {
		w.learn(w.based)
		w.fold(w.base, w.baseChanges, w.based)
		w.based++
	}
	w.tracing = true
	if late || s.at < w.until {
		w.refold()
	} else {
		w.fold(w.current, w.currentChanges, place)
	}
	w.tracing = false
	if s.at >= w.until {
		w.until = 0
	}
	if w.until != 0 {
		w.pass(w.until)
	}
	if len(w.ring) > ringSize {
		w.ring = slices.Delete(w.ring, 0, 1)
		w.based--
		for i := range w.trace {
			w.trace[i].sample = max(0, w.trace[i].sample-1)
		}
	}
	return true, late, true
}

// place is where a sample belongs, and whether it is there already. Most belong to the end.
func (w *work) place(s *sample) (int, bool) {
	for i := len(w.ring); i > 0; i-- {
		if c := w.compare(&w.ring[i-1], s); c <= 0 {
			if c == 0 {
				return i - 1, true
			}
			return i, false
		}
	}
	return 0, false
}

// learn notes how often a device sends, for the time when the ring knows it no more.
func (w *work) learn(at int) {
	if !w.plan.silence {
		return
	}
	var steps [ringSize]float64
	if p := most(w.steps(&steps, max(0, at-context), at)); p > 0 {
		w.heard[w.ring[at].dev].learned = p.Truncate(time.Second)
	}
}

// refold thinks everything after the base anew.
func (w *work) refold() {
	for i := range w.plan.rules {
		r := &w.plan.rules[i]
		if r.timed {
			continue
		}
		copy(w.current[r.first:r.first+r.levels], w.base[r.first:r.first+r.levels])
		w.currentChanges[i] = w.baseChanges[i]
	}
	for i := w.based; i < len(w.ring); i++ {
		w.fold(w.current, w.currentChanges, i)
	}
}

// fold lets every rule see one sample of the ring.
func (w *work) fold(ms []machine, cs []changes, at int) {
	w.view = View{work: w, at: at, oldest: max(0, at-context)}
	now := w.ring[at].at
	for i := range w.plan.rules {
		r := &w.plan.rules[i]
		if r.timed {
			continue
		}
		mine := ms[r.first : r.first+r.levels]
		if r.Evidence == Hold && at > 0 && running(mine) {
			alive := w.ring[at-1].at + int64(w.gap(r, at-1, at-context))
			w.ripen(i, mine, &cs[i], at-1, now, alive)
			for j := range mine {
				if mine[j].running() && now > alive {
					mine[j].rest()
				}
			}
		}
		before := open(mine)
		var began int64
		if before {
			began = begun(mine)
		}
		for j := range mine {
			w.level(r, &r.Levels[j], &mine[j], &cs[i], at)
		}
		if after := open(mine); after != before {
			cs[i].add(now)
			w.note(i, at, now, after, began)
		}
	}
}

// ripen lets time pass for a rule whose evidence holds by itself, up to an instant: its
// levels come to their outcome one after the other, as they would have had somebody looked
// each time. It tells whether any has.
func (w *work) ripen(i int, mine []machine, c *changes, sample int, until, alive int64) bool {
	r := &w.plan.rules[i]
	ripened := false
	for {
		next, due := -1, int64(0)
		for j := range mine {
			if t := mine[j].due(need(r.Evidence, &r.Levels[j], &mine[j], c, until)); t != 0 && t <= min(until, alive) && (next < 0 || t < due) {
				next, due = j, t
			}
		}
		if next < 0 {
			return ripened
		}
		before, began := open(mine), begun(mine)
		mine[next].done()
		ripened = true
		if after := open(mine); after != before {
			c.add(due)
			w.note(i, sample, due, after, began)
		}
	}
}

// note remembers what happened to a rule.
func (w *work) note(rule, sample int, at int64, opens bool, began int64) {
	if !w.tracing {
		return
	}
	t := &w.trace[rule]
	t.sample, t.at = sample, at
	if !opens {
		t.closed = at
		t.began = began
		if began == 0 {
			t.began = at
		}
	}
}

// running tells whether a run of any level is under way.
func running(ms []machine) bool {
	for i := range ms {
		if ms[i].running() {
			return true
		}
	}
	return false
}

// open tells whether any level is open.
func open(ms []machine) bool {
	for i := range ms {
		if ms[i].wantedNow() {
			return true
		}
	}
	return false
}

// begun is when the run of a level that clears began; 0: none does.
func begun(ms []machine) int64 {
	var since int64
	for i := range ms {
		if ms[i].phase == city.PhaseClearing && ms[i].since > since {
			since = ms[i].since
		}
	}
	return since
}

// level lets one level see one sample.
func (w *work) level(r *ruled, l *Level, m *machine, c *changes, at int) {
	now := w.ring[at].at
	if m.wantedNow() {
		truth := cleared(l, &w.view)
		if truth == city.True || m.phase == city.PhaseClearing {
			m.see(truth, now, need(r.Evidence, l, m, c, now), w.gapOf(r, m, at))
		}
		return
	}
	truth := l.Open.Eval(&w.view).Truth
	if truth != city.True && m.phase == city.PhaseIdle {
		return
	}
	if truth == city.True && r.windows && !r.looks(when(now)) {
		truth = city.Unknown
	}
	m.see(truth, now, l.opening(r.Evidence), w.gapOf(r, m, at))
}

// need is what the present run needs, or one that begins now. Whether the rule flaps is
// asked of the time at which the run began, so that the need stays the same.
func need(evidence Evidence, l *Level, m *machine, c *changes, now int64) enough {
	if !m.wantedNow() {
		return l.opening(evidence)
	}
	if m.running() {
		now = m.since
	}
	return l.clearing(c.flapping(now))
}

// cleared tells whether the condition for closing is met.
func cleared(l *Level, v *View) city.Truth {
	if l.Clear != nil {
		return l.Clear.Eval(v).Truth
	}
	switch l.Open.Eval(v).Truth {
	case city.True:
		return city.False
	case city.False:
		return city.True
	}
	return city.Unknown
}

// gapOf is gap where there is a run that it could break.
func (w *work) gapOf(r *ruled, m *machine, at int) time.Duration {
	if !m.running() || r.Evidence == Hold {
		return 0
	}
	return w.gap(r, at, at-context)
}

// never is as long as it takes.
const never = time.Duration(math.MaxInt64 / 4)

// gap is how long a silence may be before it breaks a run. What holds by itself is proven by
// signs of life, which are as rare as the rarest of them. The readings from oldest to at tell
// of it; none of them may be out of reach of what is thought anew.
func (w *work) gap(r *ruled, at, oldest int) time.Duration {
	if r.MaxGap > 0 {
		return r.MaxGap
	}
	if r.Period > 0 {
		return 3 * r.Period
	}
	p := w.period(at, oldest)
	if r.Evidence == Hold && w.heard[w.ring[at].dev].declared == 0 {
		var steps [ringSize]float64
		for _, s := range w.steps(&steps, max(0, oldest), at) {
			p = max(p, time.Duration(s*float64(time.Second)))
		}
	}
	if p == 0 {
		return never
	}
	return 3 * p
}

// gapAfter is gap after the newest sample.
func (w *work) gapAfter(r *ruled, newest int) time.Duration {
	return w.gap(r, newest, newest+1-context)
}

// pass lets time pass up to an instant, for what holds by itself.
func (w *work) pass(until int64) {
	if !w.plan.holds || len(w.ring) == 0 {
		return
	}
	newest := len(w.ring) - 1
	w.tracing = true
	for i := range w.plan.rules {
		r := &w.plan.rules[i]
		if r.Evidence != Hold || r.timed {
			continue
		}
		alive := w.ring[newest].at + int64(w.gapAfter(r, newest))
		if w.ripen(i, w.current[r.first:r.first+r.levels], &w.currentChanges[i], newest, until, alive) {
			w.until = max(w.until, until)
		}
	}
	w.tracing = false
}
