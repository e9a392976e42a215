package rules

import (
	"slices"
	"strings"
	"time"

	"meldefunk/city"
)

// Play shows a set what it would have seen live: readings of many assets in the order in which
// they arrived, the shares of groups, and the passing of time. It is for tests and for replays
// of history; the road does the same with stores and commits around it.
//
// It goes on in strides. Within one, each asset is played from beginning to end, because that
// is several times as fast as going to and fro between them, and the groups after that. Where
// a group's case would have kept a member from opening one, that member is played again from
// the beginning of the stride, until nothing changes any more. So where a stride ends makes
// no difference to what is decided.
type Play struct {
	set    *Set
	deaf   func(server string, from, to time.Time) time.Duration
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
	last    time.Time // our clock at the last step before the stride
	now     time.Time // likewise, so far
	busy    bool      // something happens to it in this stride
	in      []*city.Reading
	owed    []time.Time // when its groups had changed at the end of the stride before
	extra   []time.Time // when its groups have changed, owed included
	said    []Said
	shares  []sharing
	asked   []string // names of groups whose cases it has ever asked for
}

// sharing is a share and when it was told.
type sharing struct {
	now   time.Time
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
	last, now    time.Time // as those of an actor
	played       bool
}

// edge is an opening or the end of a group's case.
type edge struct {
	rule string
	at   time.Time
	open bool
}

// NewPlay begins with nothing remembered. deaf is as in city.Sight.
func NewPlay(set *Set, deaf func(server string, from, to time.Time) time.Duration) *Play {
	return &Play{set: set, deaf: deaf, actors: make(map[string]*actor), groups: make(map[string]*company)}
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
	a.in = append(a.in, r)
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

// act plays an asset from the beginning of the stride.
func (p *Play) act(a *actor, end time.Time) {
	a.now, a.said, a.shares = a.last, a.said[:0], a.shares[:0]
	walk := p.set.walk(a.before)
	defer func() { a.mind = walk.end() }()
	heard, extra := 0, 0
	sight := city.Sight{Asset: a.asset, Sensors: a.sensors, Deaf: p.deaf}
	sight.Mutes = func(group, rule string) bool {
		if !slices.Contains(a.asked, group) {
			a.asked = append(a.asked, group)
		}
		return p.groups[group].opened(rule, sight.Now)
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
		if heard < len(a.in) && (next.Equal(end) || a.in[heard].Received.Before(next)) {
			sight.Reading = a.in[heard]
			next = sight.Reading.Received
			heard++
		} else if !next.Before(end) {
			return
		}
		for extra < len(a.extra) && !a.extra[extra].After(next) {
			extra++
		}
		if next.After(a.now) {
			a.now = next // it does not go back
		}
		sight.Now = a.now
		verdicts, shares := walk.step(&sight)
		for _, v := range verdicts {
			a.said = append(a.said, Said{Asset: a.asset.ID, Now: a.now, Verdict: v})
		}
		for _, s := range shares {
			a.shares = append(a.shares, sharing{a.now, s})
		}
	}
}

// opened tells whether a group's case of a rule was open just before a time.
func (c *company) opened(rule string, at time.Time) bool {
	if c == nil {
		return false
	}
	open := slices.Contains(c.open, rule)
	for _, e := range c.edges {
		if e.rule == rule && e.at.Before(at) {
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
		if !slices.Equal(was, c.edges) {
			moved[c.name] = c
		}
	}
	return moved
}

// meet plays a group.
func (p *Play) meet(c *company, end time.Time) {
	slices.SortStableFunc(c.in, func(a, b sharing) int { return a.now.Compare(b.now) })
	former := &company{open: c.open, edges: c.edges}
	c.mind, c.now, c.said, c.edges, c.played = c.before, c.last, nil, nil, true
	told := 0
	sight := city.Sight{Group: c.name, Deaf: p.deaf}
	sight.Mutes = func(group, rule string) bool {
		if group == c.name {
			return former.opened(rule, sight.Now)
		}
		return p.groups[group].opened(rule, sight.Now)
	}
	for {
		next := end
		sight.Share = nil
		if due(c.mind, end) {
			next = c.mind.Deadline()
		}
		if told < len(c.in) && (next.Equal(end) || !c.in[told].now.After(next)) {
			sight.Share = &c.in[told].share
			next = c.in[told].now
			told++
		} else if !next.Before(end) {
			return
		}
		if next.After(c.now) {
			c.now = next
		}
		sight.Now = c.now
		mind, verdicts, _ := p.set.Step(c.mind, &sight)
		c.mind = mind
		for _, v := range verdicts {
			c.said = append(c.said, Said{Group: c.name, Now: c.now, Verdict: v})
			switch v.Change {
			case city.Opened:
				c.edges = append(c.edges, edge{v.Rule, c.now, true})
			case city.Closed, city.Revoked:
				c.edges = append(c.edges, edge{v.Rule, c.now, false})
			}
		}
	}
}

// touched tells whether an asset has asked for a group that went otherwise, and notes when
// the group has changed: the asset is shown the time then.
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
				a.extra = append(a.extra, e.at.Add(1))
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
		a.before, a.last, a.busy, a.in, a.owed = a.mind, a.now, false, a.in[:0], a.owed[:0]
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
