package rules

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"meldefunk/city"
)

// Play shows a set what it would have seen live: readings of many assets in the order in which
// they arrived, the shares of groups, and the passing of time. It is for tests and for replays
// of history; the road does the same with stores and commits around it, and in the same order:
// see moment.
//
// It goes on in strides. Within one, each asset is played from beginning to end, because that
// is several times as fast as going to and fro between them, and the groups after that. Where
// a group's case would have kept a member from opening one, that member is played again from
// the beginning of the stride, until nothing changes any more. So where a stride ends makes
// no difference to what is decided.
type Play struct {
	set    *Set
	deaf   func(server string, from, to time.Time) time.Duration
	heard  func(server string, at time.Time) time.Time
	clock  time.Time // at the last arrival
	nth    int64     // how many have arrived
	actors map[string]*actor
	order  []*actor
	groups map[string]*company
}

// Said is a verdict, of whom, and what our clock showed.
type Said struct {
	Asset, Group string // one of them
	Now          time.Time
	Verdict      city.Verdict
}

// actor is an asset and what happens to it in a stride.
type actor struct {
	asset   *city.Asset
	sensors []city.Sensor
	before  city.Mind // at the beginning of the stride
	mind    city.Mind
	last    moment   // of the last step before the stride
	now     moment   // likewise, so far
	voice   city.EUI // the device that was heard last, so far
	spoke   city.EUI // likewise, before the stride
	busy    bool     // something happens to it in this stride
	in      []arrival
	owed    []time.Time // when its groups had changed at the end of the stride before
	extra   []time.Time // when its groups have changed, owed included
	said    []Said
	shares  []sharing
	asked   []string // names of groups whose cases it has ever asked for
}

// arrival is a reading and when it came.
type arrival struct {
	reading *city.Reading
	now     time.Time
	nth     int64
}

// sharing is a share and when it was told.
type sharing struct {
	now   moment
	share city.Share
}

// company is a group and what happens to it in a stride.
type company struct {
	name         string
	before, mind city.Mind
	open         []string // rules whose case was open at the beginning of the stride
	edges        []edge   // what has changed since
	in           []sharing
	said         []Said
	last, now    moment // as those of an actor
	played       bool
}

// edge is an opening or the end of a group's case.
type edge struct {
	rule    string
	at      moment
	open    bool
	members []string // who has told the group of the rule, in order
}

// same tells whether two edges are one.
func (e edge) same(f edge) bool { return e.rule == f.rule && e.at == f.at && e.open == f.open }

// moment is when something happens. Whatever happens at one instant of our clock has an order:
// what time brings comes first, groups before assets and by their names, and then readings as
// they arrive. What follows of it at once, as a group's case does of a share, is of its moment.
type moment struct {
	at   int64 // our clock, in nanoseconds since 1970
	turn turn
	nth  int64 // of readings
	name string
}

// turn is who comes first at one instant.
type turn uint8

const (
	groupTurn turn = iota
	assetTurn
	arrivalTurn
)

func (m *moment) compare(o *moment) int {
	if m.at != o.at {
		return cmp.Compare(m.at, o.at)
	}
	return cmp.Or(cmp.Compare(m.turn, o.turn), cmp.Compare(m.nth, o.nth), strings.Compare(m.name, o.name))
}

// follow gives a moment that is not before another: time does not go back for anybody.
func (m *moment) follow(o moment) moment {
	if m.compare(&o) > 0 {
		return *m
	}
	return o
}

// NewPlay begins with nothing remembered. deaf is as in city.Sight; heard gives an instant, or
// when the network server, "" any, could be heard again if it was deaf then: deadlines wait until
// then. Both nil: never deaf.
func NewPlay(set *Set, deaf func(server string, from, to time.Time) time.Duration, heard func(server string, at time.Time) time.Time) *Play {
	if heard == nil {
		heard = func(_ string, at time.Time) time.Time { return at }
	}
	return &Play{set: set, deaf: deaf, heard: heard, actors: make(map[string]*actor), groups: make(map[string]*company)}
}

// Cast makes an asset known, with the sensors that hang on it. Without sensors, those count
// that were heard.
func (p *Play) Cast(asset *city.Asset, sensors []city.Sensor) {
	if p.actors[asset.ID] != nil {
		return
	}
	a := &actor{asset: asset, sensors: sensors}
	p.actors[asset.ID], p.order = a, append(p.order, a)
}

// Hear takes a reading for the next stride, in the order of arrival; its Received is our clock
// then. It must stay as it is until the stride is over. It gives false for an asset nobody knows.
func (p *Play) Hear(r *city.Reading) bool {
	a := p.actors[r.Asset]
	if a == nil {
		return false
	}
	if r.Received.After(p.clock) {
		p.clock = r.Received
	}
	p.nth++
	a.in = append(a.in, arrival{r, p.clock, p.nth})
	return true
}

// Until plays what was heard and what time brings, up to an instant and without it, and gives
// what was said, in the order of our clock.
func (p *Play) Until(end time.Time) []Said {
	var busy []*actor
	for _, a := range p.order {
		if len(a.in) > 0 || len(a.owed) > 0 || due(a.before, end) {
			a.extra, a.busy = append(a.extra[:0], a.owed...), true
			busy = append(busy, a)
			p.act(a, end)
		}
	}
	// Inhibition does not go in circles, so there is an end; the bound is for two groups that
	// keep each other's members.
	for range 2 + len(p.set.rules) {
		moved := p.gather(busy, end)
		if len(moved) == 0 {
			break
		}
		for _, a := range p.order {
			if p.touched(a, moved) {
				p.act(a, end)
				if !a.busy {
					a.busy = true
					busy = append(busy, a)
				}
			}
		}
	}
	return p.settle(busy, end)
}

func due(m city.Mind, end time.Time) bool {
	if m == nil {
		return false
	}
	at := m.Deadline()
	return !at.IsZero() && at.Before(end)
}

// notBefore keeps a deadline from passing before what has happened already.
func notBefore(deadline time.Time, ns int64) time.Time {
	if deadline.UnixNano() < ns {
		return when(ns)
	}
	return deadline
}

// act plays an asset from the beginning of the stride.
func (p *Play) act(a *actor, end time.Time) {
	a.now, a.voice, a.said, a.shares = a.last, a.spoke, a.said[:0], a.shares[:0]
	walk := p.set.walk(a.before)
	defer func() { a.mind = walk.end() }()
	heard, extra := 0, 0
	sight := city.Sight{Asset: a.asset, Sensors: a.sensors, Deaf: p.deaf}
	sight.Mutes = func(group, rule string) bool {
		if !slices.Contains(a.asked, group) {
			a.asked = append(a.asked, group)
		}
		return p.groups[group].opened(rule, &a.now)
	}
	for {
		next := end
		sight.Reading = nil
		if at, is := walk.due(end); is {
			next = at
		}
		if extra < len(a.extra) && a.extra[extra].Before(next) {
			next = a.extra[extra]
		}
		if next.Before(end) {
			next = p.heard(a.server(), notBefore(next, a.now.at))
		}
		m := moment{turn: assetTurn, name: a.asset.ID}
		if heard < len(a.in) && (!next.Before(end) || a.in[heard].now.Before(next)) {
			in := &a.in[heard]
			sight.Reading, next = in.reading, in.now
			if !in.reading.Late {
				a.voice = in.reading.DevEUI
			}
			m = moment{turn: arrivalTurn, nth: in.nth}
			heard++
		} else if !next.Before(end) {
			return
		}
		for extra < len(a.extra) && !a.extra[extra].After(next) {
			extra++
		}
		m.at = next.UnixNano()
		a.now = m.follow(a.now)
		sight.Now = when(a.now.at)
		verdicts, shares := walk.step(&sight)
		for _, v := range verdicts {
			a.said = append(a.said, Said{Asset: a.asset.ID, Now: sight.Now, Verdict: v})
		}
		for _, s := range shares {
			a.shares = append(a.shares, sharing{a.now, s})
		}
	}
}

// server is the network server of the device that was heard last.
func (a *actor) server() string {
	for i := range a.sensors {
		if a.sensors[i].DevEUI == a.voice {
			return a.sensors[i].Server
		}
	}
	return ""
}

// opened tells whether a group's case of a rule was open just before a moment; nil: by all that
// is known of it so far.
func (c *company) opened(rule string, at *moment) bool {
	if c == nil {
		return false
	}
	open := slices.Contains(c.open, rule)
	for _, e := range c.edges {
		if e.rule == rule && (at == nil || e.at.compare(at) < 0) {
			open = e.open
		}
	}
	return open
}

// gather plays the groups from the beginning of the stride with what their members have told,
// and gives those whose cases went otherwise than the last time.
func (p *Play) gather(busy []*actor, end time.Time) map[string]*company {
	for _, c := range p.groups {
		c.in = c.in[:0]
	}
	for _, a := range busy {
		for _, s := range a.shares {
			c := p.groups[s.share.Group]
			if c == nil {
				c = &company{name: s.share.Group}
				p.groups[c.name] = c
			}
			c.in = append(c.in, s)
		}
	}
	moved := make(map[string]*company)
	for _, c := range p.groups {
		if len(c.in) == 0 && len(c.edges) == 0 && !due(c.before, end) {
			continue
		}
		was := c.edges
		p.meet(c, end)
		if !slices.EqualFunc(was, c.edges, edge.same) {
			moved[c.name] = c
		}
	}
	return moved
}

// meet plays a group.
func (p *Play) meet(c *company, end time.Time) {
	slices.SortStableFunc(c.in, func(a, b sharing) int { return a.now.compare(&b.now) })
	c.mind, c.now, c.said, c.edges, c.played = c.before, c.last, nil, nil, true
	told := 0
	sight := city.Sight{Group: c.name, Deaf: p.deaf}
	sight.Mutes = func(_, rule string) bool { return c.opened(rule, nil) } // a group asks for its own cases
	for {
		next := end
		sight.Share = nil
		if due(c.mind, end) {
			next = p.heard("", notBefore(c.mind.Deadline(), c.now.at))
		}
		m := moment{at: next.UnixNano(), turn: groupTurn, name: c.name}
		if told < len(c.in) && (!next.Before(end) || c.in[told].now.compare(&m) < 0) {
			sight.Share, m = &c.in[told].share, c.in[told].now
			told++
		} else if !next.Before(end) {
			return
		}
		c.now = m.follow(c.now)
		sight.Now = when(c.now.at)
		mind, verdicts, _ := p.set.Step(c.mind, &sight)
		c.mind = mind
		for _, v := range verdicts {
			c.said = append(c.said, Said{Group: c.name, Now: sight.Now, Verdict: v})
			if isEdge(v) {
				e := edge{rule: v.Rule, at: c.now, open: v.Change == city.Opened}
				if g, _ := mind.(*groupMind); g != nil {
					e.members = g.Members(v.Rule)
				}
				c.edges = append(c.edges, e)
			}
		}
	}
}

// touched tells whether an asset has asked for a group that went otherwise, and notes when
// the group has changed: who is a member is shown the time right after it.
func (p *Play) touched(a *actor, moved map[string]*company) bool {
	is := false
	for _, name := range a.asked {
		is = is || moved[name] != nil
	}
	if !is {
		return false
	}
	a.extra = append(a.extra[:0], a.owed...)
	for _, name := range a.asked {
		if c := p.groups[name]; c != nil {
			for _, e := range c.edges {
				if _, is := slices.BinarySearch(e.members, a.asset.ID); is {
					a.extra = append(a.extra, when(e.at.at+1))
				}
			}
		}
	}
	slices.SortFunc(a.extra, time.Time.Compare)
	return true
}

// settle ends the stride.
func (p *Play) settle(busy []*actor, end time.Time) []Said {
	var all []Said
	for _, a := range busy {
		all = append(all, a.said...)
		a.before, a.last, a.spoke, a.busy, a.in, a.owed = a.mind, a.now, a.voice, false, a.in[:0], a.owed[:0]
		for _, at := range a.extra {
			if !at.Before(end) {
				a.owed = append(a.owed, at)
			}
		}
		a.extra = a.extra[:0]
	}
	for _, name := range sortedNames(p.groups) {
		c := p.groups[name]
		all = append(all, c.said...)
		for _, e := range c.edges {
			c.open = slices.DeleteFunc(c.open, func(rule string) bool { return rule == e.rule })
			if e.open {
				c.open = append(c.open, e.rule)
			}
		}
		if c.played {
			c.before, c.last = c.mind, c.now
		}
		c.mind, c.said, c.edges, c.in, c.played = nil, nil, nil, c.in[:0], false
		if c.before == nil && len(c.open) == 0 {
			delete(p.groups, name)
		}
	}
	slices.SortStableFunc(all, func(a, b Said) int { return a.Now.Compare(b.Now) })
	return all
}

func sortedNames(m map[string]*company) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.SortFunc(names, strings.Compare)
	return names
}

// Restart stores every mind and reads it again, as a restart does. It fails where a mind
// cannot be read: that is a defect of ours.
func (p *Play) Restart() error {
	for _, a := range p.order {
		m, err := p.stored(a.asset.ID, a.before)
		if err != nil {
			return err
		}
		a.before = m
	}
	for _, c := range p.groups {
		m, err := p.stored(c.name, c.before)
		if err != nil {
			return err
		}
		c.before = m
	}
	return nil
}

func (p *Play) stored(name string, m city.Mind) (city.Mind, error) {
	if m == nil {
		return nil, nil
	}
	b, err := m.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	return p.set.Recall(name, b)
}

// Standing is where a rule stands at an asset or a group.
type Standing struct {
	Asset, Group string // one of them
	city.Standing
}

// Standings tells where everything stands that is not idle, assets in the order in which they
// were cast, then groups.
func (p *Play) Standings() []Standing {
	var all []Standing
	for _, a := range p.order {
		if a.before == nil {
			continue
		}
		for _, s := range a.before.Standings() {
			all = append(all, Standing{Asset: a.asset.ID, Standing: s})
		}
	}
	for _, name := range sortedNames(p.groups) {
		if m := p.groups[name].before; m != nil {
			for _, s := range m.Standings() {
				all = append(all, Standing{Group: name, Standing: s})
			}
		}
	}
	return all
}
