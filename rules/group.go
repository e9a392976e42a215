package rules

import (
	"slices"
	"strings"
	"time"

	"meldefunk/city"
)

// groupPlan is the rules of a set that are about groups of one sort, or make one case of
// the cases of a group.
type groupPlan struct {
	group    Group
	rules    []ruled
	inhibits bool // any of them may be kept from opening by another
}

// isEdge tells whether a case begins or ends.
func isEdge(v city.Verdict) bool {
	return v.Change == city.Opened || v.Change == city.Closed || v.Change == city.Revoked
}

func (s *Set) groupPlan(g Group) *groupPlan {
	p := &groupPlan{group: g}
	for i := range s.rules {
		r := &s.rules[i]
		if r.Over != g && r.GroupBy != g {
			continue
		}
		p.inhibits = p.inhibits || len(r.InhibitedBy) > 0
		p.rules = append(p.rules, ruled{
			Rule: *r, ref: ref{id: r.ID, version: r.hash(), levels: len(r.Levels)},
			windows: r.When.Calendar != nil || r.Season.Calendar != nil,
		})
	}
	if p.rules == nil {
		return nil
	}
	return p
}

// groupMind is what is remembered of a group. Groups are few, so it is not encoded.
type groupMind struct {
	name     string
	rules    []groupRule // those that have members or are not idle
	deadline int64
}

// groupRule is where one rule stands at a group.
type groupRule struct {
	id      string
	version uint64
	members []member // in order of id
	last    int64    // event time of the newest share

	machines  []machine
	changes   changes
	published published
}

// member is how things stand at one member.
type member struct {
	id    string
	truth city.Truth
	at    int64
}

// Deadline is when time alone may change something.
func (m *groupMind) Deadline() time.Time { return when(m.deadline) }

// Standings tells where the rules stand that are not idle.
func (m *groupMind) Standings() []city.Standing {
	var all []city.Standing
	for i := range m.rules {
		g := &m.rules[i]
		r := ref{levels: len(g.machines)}
		phase, x := r.phase(g.machines)
		if phase == city.PhaseIdle && !g.published.open {
			continue
		}
		s := city.Standing{Rule: g.id, Phase: phase, Since: when(x.opened), Severity: g.published.severity,
			Muted: g.published.muted, Flapping: g.published.flapping}
		if x.running() {
			s.Since = when(x.since)
		}
		all = append(all, s)
	}
	return all
}

// Members lists who has told the group of a rule.
func (m *groupMind) Members(rule string) []string {
	for i := range m.rules {
		if m.rules[i].id == rule {
			all := make([]string, len(m.rules[i].members))
			for j := range all {
				all[j] = m.rules[i].members[j].id
			}
			return all
		}
	}
	return nil
}

// MemberOf lists the rules of which somebody has told the group.
func (m *groupMind) MemberOf(id string) []string {
	var all []string
	for i := range m.rules {
		_, found := slices.BinarySearchFunc(m.rules[i].members, id, func(m member, id string) int { return strings.Compare(m.id, id) })
		if found {
			all = append(all, m.rules[i].id)
		}
	}
	return all
}

// groupStep is one step of a group in the making.
type groupStep struct {
	set      *Set
	plan     *groupPlan
	s        *city.Sight
	m        *groupMind
	now      int64
	verdicts []city.Verdict
}

// stepGroup is Step for a group: a share has changed, or time has passed.
func (s *Set) stepGroup(was city.Mind, sight *city.Sight) (city.Mind, []city.Verdict, []city.Share) {
	x := groupStep{set: s, s: sight, m: &groupMind{name: sight.Group}, now: sight.Now.UnixNano()}
	if before, _ := was.(*groupMind); before != nil {
		x.m.rules = before.clone()
	}
	sort, _, _ := strings.Cut(sight.Group, ":")
	x.plan = &groupPlan{}
	for g, p := range s.groups {
		if g.String() == sort {
			x.plan = p
		}
	}
	x.align()
	for i := range x.plan.rules {
		r := &x.plan.rules[i]
		g := x.rule(r.ID)
		x.take(g)
		x.step(r, g)
		x.m.deadline = sooner(x.m.deadline, x.deadline(r, g))
	}
	if x.plan.inhibits && slices.ContainsFunc(x.verdicts, isEdge) {
		x.m.deadline = sooner(x.m.deadline, x.now+1) // other rules of the group are muted, or no longer
	}
	x.m.deadline = later(x.m.deadline, sight)
	x.m.rules = slices.DeleteFunc(x.m.rules, func(g groupRule) bool {
		return len(g.members) == 0 && idle(g.machines) && g.published.idle()
	})
	if len(x.m.rules) == 0 {
		return nil, x.verdicts, nil
	}
	return x.m, x.verdicts, nil
}

func (m *groupMind) clone() []groupRule {
	all := slices.Clone(m.rules)
	for i := range all {
		all[i].members = slices.Clone(all[i].members)
		all[i].machines = slices.Clone(all[i].machines)
	}
	return all
}

// align closes what no rule looks after any more, and begins anew where a rule decides
// otherwise; what was open stays open until the new rule closes it.
func (x *groupStep) align() {
	x.m.rules = slices.DeleteFunc(x.m.rules, func(g groupRule) bool {
		known := slices.ContainsFunc(x.plan.rules, func(r ruled) bool { return r.ID == g.id })
		if !known && g.published.open {
			x.verdicts = append(x.verdicts, city.Verdict{Rule: g.id, Change: city.Closed, Title: retired})
		}
		return !known
	})
	for i := range x.plan.rules {
		r := &x.plan.rules[i]
		g := x.rule(r.ID)
		if g.version == r.version && len(g.machines) == r.levels {
			continue
		}
		g.version, g.machines, g.changes = r.version, make([]machine, r.levels), changes{}
		g.published.muted, g.published.flapping = "", false
		if g.published.open {
			g.machines[r.nearest(g.published.severity)] = machine{phase: city.PhaseOpen, opened: g.published.since}
		}
	}
}

// rule finds where a rule stands, or begins it.
func (x *groupStep) rule(id string) *groupRule {
	for i := range x.m.rules {
		if x.m.rules[i].id == id {
			return &x.m.rules[i]
		}
	}
	x.m.rules = append(x.m.rules, groupRule{id: id})
	return &x.m.rules[len(x.m.rules)-1]
}

// take takes in the share at hand, if it is for this rule.
func (x *groupStep) take(g *groupRule) {
	s := x.s.Share
	if s == nil || s.Rule != g.id || s.Member == "" {
		return
	}
	i, found := slices.BinarySearchFunc(g.members, s.Member, func(m member, id string) int { return strings.Compare(m.id, id) })
	now := member{s.Member, s.Truth, unix(s.At)}
	switch {
	case s.Gone && found:
		g.members = slices.Delete(g.members, i, i+1)
	case s.Gone:
	case found:
		g.members[i] = now
	default:
		g.members = slices.Insert(g.members, i, now)
	}
	g.last = max(g.last, now.at)
}

// tally counts the members.
func (g *groupRule) tally() Tally {
	var t Tally
	for i := range g.members {
		switch g.members[i].truth {
		case city.True:
			t.True++
		case city.False:
			t.False++
		default:
			t.Unknown++
		}
	}
	return t
}

// first is since when the first of the members has stood open.
func (g *groupRule) first() int64 {
	var at int64
	for i := range g.members {
		if g.members[i].truth == city.True {
			at = sooner(at, g.members[i].at)
		}
	}
	return at
}

// step moves one rule to where its members put it.
func (x *groupStep) step(r *ruled, g *groupRule) {
	t := g.tally()
	was, _ := (&ref{levels: len(g.machines)}).phase(g.machines)
	at := x.now
	if x.s.Share != nil {
		at = min(at, max(g.last, unix(x.s.Share.At)))
	}
	before, began := open(g.machines), begun(g.machines)
	closed := int64(0)
	if r.GroupBy != NoGroup {
		g.machines[0] = machine{}
		if t.True > 0 {
			g.machines[0] = machine{phase: city.PhaseOpen, opened: g.first()}
		}
	} else {
		v := View{tally: &t}
		looks := !r.windows || r.looks(x.s.Now)
		for j := range g.machines {
			x.level(&r.Levels[j], &g.machines[j], &v, &g.changes, at, looks)
		}
	}
	if after := open(g.machines); after != before {
		g.changes.add(at)
		if !after {
			closed = at
		}
	}
	x.publish(r, g, t, was, closed, began)
}

// level lets one level see what the members come to. It holds by itself until a share says
// otherwise, so time ripens it.
func (x *groupStep) level(l *Level, m *machine, v *View, c *changes, at int64, looks bool) {
	var truth city.Truth
	if m.wantedNow() {
		truth = cleared(l, v)
	} else if truth = l.Open.Eval(v).Truth; truth == city.True && !looks {
		truth = city.Unknown
	}
	m.see(truth, at, once(need(Samples, l, m, c, at)), 0)
	if due := m.due(once(need(Samples, l, m, c, at))); due != 0 && due <= x.now {
		m.done()
	}
}

// once makes one share enough: they come only when something changes.
func once(e enough) enough { return enough{span: e.span, readings: 1} }

// publish compares where a rule stands with what was told of it.
func (x *groupStep) publish(r *ruled, g *groupRule, t Tally, was city.Phase, closed, began int64) {
	p := &g.published
	severity, since := r.severity(g.machines)
	said := len(x.verdicts)
	p.flapping = g.changes.flapping(x.now)
	joined := r.GroupBy != NoGroup && x.s.Share != nil && x.s.Share.Rule == r.ID
	switch {
	case severity > 0 && p.open:
		if from := p.severity; severity != from {
			p.severity = severity
			change := city.Escalated
			if severity < from {
				change = city.Deescalated
			}
			x.say(r, g, t, was, change, from, since, "")
		} else if joined {
			x.say(r, g, t, was, city.Moved, severity, since, x.membership())
		}
	case severity > 0:
		before := p.muted
		if p.muted = x.muted(r); p.muted == "" {
			p.open, p.severity, p.since, p.decided = true, severity, since, x.now
			x.say(r, g, t, was, city.Opened, 0, since, "")
		} else if p.muted != before {
			x.say(r, g, t, was, city.Moved, 0, since, "")
		}
	case p.open:
		if began == 0 {
			began = closed
		}
		x.say(r, g, t, was, city.Closed, p.severity, began, "")
		*p = published{flapping: p.flapping}
	case p.muted != "":
		p.muted = ""
	}
	phase, _ := (&ref{levels: len(g.machines)}).phase(g.machines)
	if phase != was && len(x.verdicts) == said {
		x.say(r, g, t, was, city.Moved, p.severity, since, "")
	}
}

// membership tells who has joined or left.
func (x *groupStep) membership() string {
	if x.s.Share.Gone || x.s.Share.Truth != city.True {
		return x.s.Share.Member + " ist erledigt."
	}
	return x.s.Share.Member + " ist dazugekommen."
}

// muted tells why a rule may not open its case now; "": it may.
func (x *groupStep) muted(r *ruled) string {
	if r.Shadow {
		return mutedShadow
	}
	sort, name, _ := strings.Cut(x.s.Group, ":")
	for i := range x.set.maintenance {
		m := &x.set.maintenance[i]
		here := func(t Target) bool { return t.By.String() == sort && t.Name == name }
		if m.active(x.s.Now) && slices.ContainsFunc(m.Targets, here) && (len(m.Rules) == 0 || slices.Contains(m.Rules, r.ID)) {
			return mutedMaintenance + m.Reason
		}
	}
	for _, id := range r.InhibitedBy {
		if x.s.Mutes != nil && x.s.Mutes(x.s.Group, id) {
			return mutedBy + id
		}
	}
	if r.Quiet.Calendar != nil && r.Quiet.Calendar.Active(x.s.Now) {
		return mutedQuiet
	}
	return ""
}

// deadline is when time alone may change something of a rule; 0: never.
func (x *groupStep) deadline(r *ruled, g *groupRule) int64 {
	var next int64
	for j := range g.machines {
		m := &g.machines[j]
		next = sooner(next, m.due(once(need(Samples, &r.Levels[j], m, &g.changes, x.now))))
	}
	switch {
	case g.published.muted == "" || g.published.muted == mutedShadow:
	case g.published.muted == mutedQuiet:
		next = sooner(next, unix(r.Quiet.Calendar.Next(x.s.Now)))
	default:
		next = sooner(next, x.s.Now.Add(recheck).UnixNano())
	}
	if r.windows && !r.looks(x.s.Now) {
		for _, c := range []Calendar{r.When.Calendar, r.Season.Calendar} {
			if c != nil && !c.Active(x.s.Now) {
				next = sooner(next, unix(c.Next(x.s.Now)))
			}
		}
	}
	return next
}

// maxListed bounds the members that a record names.
const maxListed = 100

func (x *groupStep) say(r *ruled, g *groupRule, t Tally, was city.Phase, change city.Change, from city.Grade, since int64, note string) {
	phase, _ := (&ref{levels: len(g.machines)}).phase(g.machines)
	v := city.Verdict{Rule: r.ID, Version: version(r.version), Change: change, Severity: g.published.severity, Service: r.Service,
		Since: when(since), Title: r.Title, Advice: r.Advice}
	d := &city.Decision{Rule: r.ID, Version: v.Version, Group: x.s.Group, Change: change.String(), At: x.s.Now, Decided: x.s.Now,
		Since: v.Since, From: was.String(), To: phase.String(), FromSeverity: from, Counted: t.True, Total: t.total(),
		Muted: g.published.muted, Shadow: r.Shadow, Flapping: g.published.flapping, Note: note}
	if x.s.Share != nil {
		d.At = x.s.Share.At
	}
	if change != city.Closed {
		d.ToSeverity = g.published.severity
	}
	if r.Over != NoGroup {
		l := r.telling(g.machines)
		asked := l.Open
		if change == city.Closed && l.Clear != nil {
			asked = l.Clear
		}
		view := View{tally: &t}
		o := asked.Eval(&view)
		v.Value, v.Limit = o.Value, o.Limit
		d.Parts = asked.Explain(&view)
	} else {
		v.Value, v.Limit = float64(t.True), 1
	}
	d.Value, d.Limit = v.Value, v.Limit
	for i := range g.members {
		if g.members[i].truth == city.True && len(d.Members) < maxListed {
			d.Members = append(d.Members, g.members[i].id)
		}
	}
	v.Record = d
	x.verdicts = append(x.verdicts, v)
}
