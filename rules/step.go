package rules

import (
	"bytes"
	"slices"
	"time"

	"meldefunk/city"
)

// step is one step in the making.
type step struct {
	set      *Set
	w        *work
	s        *city.Sight
	anew     bool // the rules have changed
	late     bool // the reading at hand was put between others
	verdicts []city.Verdict
	shares   []city.Share
}

// Step lets the rules see one thing more. It gives what they remember from then on, what
// has changed, and what groups of the asset have to be told.
//
// Readings may come in any order and any number of times. A late one among the newest 8 of
// its asset is put in its place, and what follows is thought anew; an older one has no
// effect but a verdict of city.Overlooked. Simulated readings are not seen at all.
//
// The mind is one that Step gave or Recall read, of this set or of another; nil at first.
// It stays as it is.
func (s *Set) Step(was city.Mind, sight *city.Sight) (city.Mind, []city.Verdict, []city.Share) {
	if sight.Asset == nil {
		return s.stepGroup(was, sight)
	}
	if sight.Reading != nil && sight.Reading.Simulated {
		return was, nil, nil
	}
	m, _ := was.(*mind)
	w := s.works.Get().(*work)
	defer s.works.Put(w)
	x := step{set: s, w: w, s: sight}
	x.begin(m)
	deadline := x.think()
	return w.pack(m, deadline), x.verdicts, x.shares
}

// begin unpacks what is remembered.
func (x *step) begin(m *mind) {
	w := x.w
	var p *plan
	if m != nil && m.asset == x.s.Asset && m.plan != nil && m.plan.set == x.set {
		p = m.plan
	} else {
		p = x.set.planFor(x.s.Asset)
	}
	gone, anew, err := w.bind(m, p)
	if err != nil {
		w.reset(p) // Recall has read it: it cannot be
	}
	w.holds = nil // until it is packed again
	w.asset = x.s.Asset
	x.anew = anew
	x.retire(gone)
}

// think takes in what there is to see, and gives when time alone may change something.
func (x *step) think() int64 {
	w, sight := x.w, x.s
	w.now = sight.Now.UnixNano()
	for i := range w.plan.refs {
		w.was[i], _ = w.plan.refs[i].phase(w.current)
	}
	if len(w.plan.rules) == 0 {
		return 0
	}
	w.acquaint(sight)
	if x.anew {
		w.tracing = true
		w.refold()
		w.tracing = false
		if w.until != 0 {
			w.pass(w.until)
		}
	}
	if r := sight.Reading; r != nil {
		fresh, late, evaluated := w.see(r)
		x.late = late
		if fresh && !evaluated {
			x.verdicts = append(x.verdicts, city.Verdict{Change: city.Overlooked, Since: r.Time.At})
		}
	} else {
		w.pass(w.now)
	}
	w.clock(sight)
	x.publish()
	for i := range w.currentChanges {
		w.forgetChanges(i) // before the deadline, which rests on what is left
	}
	return x.deadline()
}

// pack gives the mind that the work is by now: the one it was, where nothing has changed.
func (w *work) pack(was *mind, deadline int64) city.Mind {
	if len(w.plan.rules) == 0 {
		return nil
	}
	w.bytes = w.encode(w.bytes[:0], nil)
	m := was
	if m == nil || m.plan != w.plan || m.asset != w.asset || m.deadline != deadline || !bytes.Equal(m.body, w.bytes) {
		m = &mind{plan: w.plan, asset: w.asset, body: slices.Clone(w.bytes), deadline: deadline}
	}
	w.holds, w.source = m, m.body
	return m
}

// forgetChanges drops what can no longer make a rule flap.
func (w *work) forgetChanges(i int) {
	if w.currentChanges[i][0] != 0 {
		w.currentChanges[i].forget(w.origin())
	}
	if w.baseChanges[i][0] != 0 && w.based > 0 {
		w.baseChanges[i].forget(w.ring[w.based-1].at)
	}
}

// retire speaks the last word on what nobody looks after any more.
func (x *step) retire(gone []goneRule) {
	for _, g := range gone {
		if g.cased {
			title := retired
			if x.set.byID[g.id] != nil {
				title = regrouped
			}
			// No Since: no sensor says that the matter is over.
			x.verdicts = append(x.verdicts, city.Verdict{Rule: g.id, Change: city.Closed, Title: title})
		}
		if g.group != "" {
			x.shares = append(x.shares, city.Share{Group: g.group, Rule: g.id, Member: x.s.Asset.ID, At: x.s.Now, Gone: true})
		}
	}
}

// retired is the title of the last word on a case whose rule is no longer in the set.
const retired = "Regel entfallen"

// regrouped is the title of the last word on a case that is part of another from now on.
const regrouped = "Regel geändert: Fälle werden zusammengefasst"

// publish compares where the rules stand with what was told of them.
func (x *step) publish() {
	for i := range x.w.plan.rules {
		if x.w.plan.rules[i].member {
			x.share(i)
		} else {
			x.rule(i)
		}
	}
}

// rule moves what was told of one rule to where it stands.
func (x *step) rule(i int) {
	w := x.w
	r, p := &w.plan.rules[i], &w.published[i]
	said := len(x.verdicts)
	severity, since := r.severity(w.current[r.first : r.first+r.levels])
	if severity > 0 || !p.idle() {
		x.flaps(i)
		x.want(i, severity, since)
		if r.GroupBy != NoGroup {
			x.joined(i)
		}
	}
	if phase, _ := r.phase(w.current); phase != w.was[i] && len(x.verdicts) == said {
		x.say(i, city.Moved, "")
	}
}

// flaps tells when a rule begins and ends to change too often.
func (x *step) flaps(i int) {
	w := x.w
	p := &w.published[i]
	flapping := w.currentChanges[i].flapping(max(w.origin(), w.currentChanges[i][0])) // a look more or less changes nothing
	if flapping == p.flapping {
		return
	}
	p.flapping = flapping
	note := "Wechselt nicht mehr so oft."
	if flapping {
		note = "Wechselt zu oft: Der Fall bleibt offen, das Schließen wartet viermal so lange."
	}
	x.say(i, city.Moved, note)
}

// want opens, grades or ends the case of a rule of some severity, 0: it does not stand open.
func (x *step) want(i int, severity city.Grade, since int64) {
	w := x.w
	r, p := &w.plan.rules[i], &w.published[i]
	switch {
	case severity > 0 && p.open:
		p.orphan = false
		if from := p.severity; severity != from {
			p.severity = severity
			if severity > from {
				x.grade(i, city.Escalated, from)
			} else {
				x.grade(i, city.Deescalated, from)
			}
		}
	case severity > 0:
		before := p.muted
		if p.muted = x.muted(r); p.muted == "" {
			p.open, p.severity, p.since, p.decided = true, severity, since, w.now
			x.say(i, city.Opened, "")
		} else if p.muted != before {
			x.say(i, city.Moved, "")
		}
	case p.open:
		x.end(i)
	case p.muted != "":
		x.say(i, city.Moved, "")
		p.muted = ""
	}
}

// end closes or takes back a case of a rule that no longer stands open.
func (x *step) end(i int) {
	w := x.w
	r, p, t := &w.plan.rules[i], &w.published[i], &w.trace[i]
	young := w.now-p.decided <= int64(x.set.revoke)
	switch {
	case r.timed && young && w.tooEarly(r, p, x.s):
		x.revoke(i)
	case t.closed != 0 && t.closed >= p.since:
		x.close(i)
	case p.orphan:
		if x.clearNow(i) {
			x.close(i)
		}
	case young:
		x.revoke(i)
	default:
		p.orphan = true
		x.say(i, city.Moved, "Nach verspäteten Messungen wäre der Fall nicht eröffnet worden. Er ist zu alt, um ihn zurückzunehmen, und bleibt, bis die Bedingung zum Schließen zutrifft.")
	}
}

func (x *step) close(i int) {
	x.say(i, city.Closed, "")
	x.w.published[i].settle()
}

func (x *step) revoke(i int) {
	x.say(i, city.Revoked, "Verspätete Messungen zeigen, dass der Fall nicht hätte eröffnet werden dürfen.")
	x.w.published[i].settle()
}

// settle forgets a case.
func (p *published) settle() {
	*p = published{flapping: p.flapping, shared: p.shared, group: p.group}
}

// clearNow tells whether the newest reading meets the condition for closing.
func (x *step) clearNow(i int) bool {
	w := x.w
	if len(w.ring) == 0 {
		return false
	}
	newest := len(w.ring) - 1
	w.view = View{work: w, at: newest, oldest: max(0, newest-context)}
	for j := range w.plan.rules[i].Levels {
		if cleared(&w.plan.rules[i].Levels[j], &w.view) != city.True {
			return false
		}
	}
	return true
}

// share tells the group of a rule about groups how things stand at this member.
func (x *step) share(i int) {
	w := x.w
	r := &w.plan.rules[i]
	truth, since := x.memberTruth(r)
	x.tell(i, x.groupOf(r.Over, w.published[i].group), truth, since)
}

// memberTruth is how things stand at a member, and since when: unknown while too little is
// known, or what is known is too old.
func (x *step) memberTruth(r *ruled) (city.Truth, int64) {
	w := x.w
	m := &w.current[r.first]
	if r.timed {
		switch {
		case m.wantedNow():
			return city.True, m.opened
		case len(w.ring) > 0:
			return city.False, w.origin()
		}
		return city.Unknown, w.now
	}
	at := x.lastWord(r)
	switch {
	case at < 0:
		return city.Unknown, w.now
	case w.now > w.ring[at].at+int64(w.gapAfter(r, at)):
		return city.Unknown, w.ring[at].at
	case m.wantedNow():
		return city.True, m.opened
	}
	return city.False, w.ring[at].at
}

// lastWord is the newest sample that tells anything of a rule's first level; -1: none does.
func (x *step) lastWord(r *ruled) int {
	w := x.w
	if r.Evidence == Hold {
		return len(w.ring) - 1
	}
	for at := len(w.ring) - 1; at >= 0; at-- {
		w.view = View{work: w, at: at, oldest: max(0, at-context)}
		if r.Levels[0].Open.Eval(&w.view).Truth != city.Unknown {
			return at
		}
	}
	return -1
}

// joined tells the group of a rule with GroupBy whether this member's case is part of it.
func (x *step) joined(i int) {
	p := &x.w.published[i]
	r := &x.w.plan.rules[i]
	if !p.open && p.group == "" {
		return
	}
	group := x.groupOf(r.GroupBy, p.group)
	if p.open {
		x.tell(i, group, city.True, p.since)
		return
	}
	x.leave(i)
}

// tell gives a group a share, if it does not have it yet.
func (x *step) tell(i int, group string, truth city.Truth, since int64) {
	p := &x.w.published[i]
	if p.group != group {
		x.leave(i)
	}
	if group == "" || p.group == group && p.shared == truth {
		return
	}
	p.group, p.shared = group, truth
	x.shares = append(x.shares, city.Share{Group: group, Rule: x.w.plan.rules[i].ID, Member: x.s.Asset.ID, Truth: truth, At: when(since)})
}

// leave tells a group that this is no member any more.
func (x *step) leave(i int) {
	p := &x.w.published[i]
	if p.group == "" {
		return
	}
	x.shares = append(x.shares, city.Share{Group: p.group, Rule: x.w.plan.rules[i].ID, Member: x.s.Asset.ID, At: x.at(i), Gone: true})
	p.group, p.shared = "", city.Unknown
}

// at is the event time of what happened to a rule, or else our clock.
func (x *step) at(i int) time.Time {
	if t := x.w.trace[i].at; t != 0 {
		return when(t)
	}
	return x.s.Now
}

// groupOf is the asset's group, "": it is in none. was is the one that it is likely to be: then
// no string is made.
func (x *step) groupOf(g Group, was string) string {
	a := x.s.Asset
	name := ""
	switch g {
	case ByTour:
		name = a.Tour
	case ByStreet:
		name = street(a.Address)
	case ByDistrict:
		name = a.District
	case ByGateway:
		name = x.w.gateway
	case ByKind:
		name = a.Kind.String()
	}
	if name == "" {
		return ""
	}
	sort := g.String()
	if n := len(sort); len(was) == n+1+len(name) && was[:n] == sort && was[n] == ':' && was[n+1:] == name {
		return was
	}
	return sort + ":" + name
}
