package pipeline

import (
	"cmp"
	"context"
	"slices"
	"time"

	"meldefunk/city"
)

// subject is whom a state is about: an asset, or a group of assets.
type subject struct{ asset, group string }

// name is how people call it.
func (s subject) name() string { return s.asset + s.group }

func (s subject) compare(o subject) int {
	return cmp.Or(cmp.Compare(s.asset, o.asset), cmp.Compare(s.group, o.group))
}

// assetState is the state of an asset or a group, and whether the present batch has changed
// it. Its mind is unpacked; AssetState.Mind is only for the store.
type assetState struct {
	city.AssetState
	mind    city.Mind
	unread  bool // nothing is known but its deadline
	adopt   bool // nothing is known but which cases are open
	changed bool
	waits   time.Time // until when it waits in the wheel; zero: it does not
	place   int       // in the wheel
	poke    time.Time // when to look at it whatever its mind says; zero: no need
}

func (s *assetState) subject() subject { return subject{s.Asset, s.Group} }

// think gives it a mind, and the deadline of that.
func (s *assetState) think(mind city.Mind) {
	s.mind, s.Deadline = mind, time.Time{}
	if mind != nil {
		s.Deadline = mind.Deadline()
	}
}

// due is when time alone may change something; zero: never.
func (s *assetState) due() time.Time {
	if s.poke.IsZero() || !s.Deadline.IsZero() && s.Deadline.Before(s.poke) {
		return s.Deadline
	}
	return s.poke
}

// told is a reading on its way to the rules.
type told struct {
	city.Reading
	device *city.Device
	hangs  city.Hangings
	asset  *city.Asset // of its time; nil: the device hung nowhere
	spoke  *city.Asset // the one it was decoded for; nil: it was not decoded
	frame  int         // in the commit
	moved  bool        // it was committed before and is to be decoded anew
	server string
	now    time.Time // our clock when it arrived
}

// judge tells since when a bay is occupied or free, and lets the rules see a reading. What
// was sent by hand is kept and not judged.
func (r *Road) judge(ctx context.Context, reading *told) error {
	if _, err := r.upTo(ctx, reading.now, everybody); err != nil {
		return err
	}
	s, err := r.state(ctx, subject{asset: reading.Asset})
	if err != nil {
		return err
	}
	// A time judged from the future was a wrong clock of ours: it makes nothing late, and what
	// the rules thought then is forgotten.
	if s.Judged.After(r.parts.Now().Add(r.cfg.MaxAhead)) && !reading.Simulated {
		r.log.Warn().Str("asset", s.Asset).Time("judged", s.Judged).Msg("was judged in the future, by a wrong clock; the rules begin anew, open cases stay")
		s.Judged, s.mind, s.adopt = time.Time{}, nil, len(s.Cases) > 0
	}
	reading.Late = !reading.Time.At.After(s.Judged)
	if reading.Simulated {
		return nil
	}
	if !reading.Late {
		s.Occupancy = occupancy(s.Occupancy, &reading.Reading)
	}
	if !reading.Late {
		s.Judged, s.Server = reading.Time.At, reading.server
	}
	r.touch(s)
	return r.step(ctx, s, &city.Sight{
		Asset: reading.asset, Sensors: r.sensors(reading.asset), Server: reading.server, Reading: &reading.Reading, Now: reading.now,
	})
}

// sensors lists what hangs on an asset. The list is lent until the next call.
func (r *Road) sensors(asset *city.Asset) []city.Sensor {
	r.lent = r.lent[:0]
	for _, d := range r.parts.Inventory.Devices(asset.ID) {
		r.lent = append(r.lent, city.Sensor{DevEUI: d.DevEUI, Server: d.Server})
	}
	return r.lent
}

// step shows a mind one thing more, and does what follows: cases, and shares of groups.
func (r *Road) step(ctx context.Context, s *assetState, sight *city.Sight) error {
	sight.Deaf, sight.Mutes = r.deafFor, r.mutes
	if s.adopt && sight.Asset != nil {
		if err := r.adopt(ctx, s, sight); err != nil {
			return err
		}
	}
	if !s.poke.After(sight.Now) {
		s.poke = time.Time{}
	}
	mind, verdicts, shares := r.parts.Judge.Step(s.mind, sight)
	r.think(s, mind, sight.Now)
	for i := range verdicts {
		if err := r.rule(ctx, s, &verdicts[i], sight.Now); err != nil {
			return err
		}
	}
	for i := range shares {
		if err := r.share(ctx, &shares[i], sight.Now); err != nil {
			return err
		}
	}
	return nil
}

// think gives a state another mind. A deadline that has passed already is due at once: time does
// not go back for anybody.
func (r *Road) think(s *assetState, mind city.Mind, now time.Time) {
	was, deadline := s.mind, s.Deadline
	s.think(mind)
	if !s.Deadline.IsZero() && s.Deadline.Before(now) {
		s.Deadline = now
	}
	if mind != was || !s.Deadline.Equal(deadline) {
		r.touch(s)
	}
	r.wheel.put(s)
}

// adopt hands over cases that were opened when nothing else was remembered.
func (r *Road) adopt(ctx context.Context, s *assetState, sight *city.Sight) error {
	open := make([]city.Standing, len(s.Cases))
	for i, c := range s.Cases {
		open[i] = city.Standing{Rule: c.Rule, Since: c.Since, Severity: c.Grade}
	}
	s.adopt = false
	mind, verdicts := r.parts.Judge.Adopt(sight.Asset, open)
	s.mind = mind
	r.touch(s)
	for i := range verdicts {
		if err := r.rule(ctx, s, &verdicts[i], sight.Now); err != nil {
			return err
		}
	}
	return nil
}

// share tells a group how things now stand at a member.
func (r *Road) share(ctx context.Context, share *city.Share, now time.Time) error {
	g, err := r.state(ctx, subject{group: share.Group})
	if err != nil {
		return err
	}
	if err := r.catchUp(ctx, g, now); err != nil {
		return err
	}
	return r.step(ctx, g, &city.Sight{Group: share.Group, Share: share, Now: now})
}

// mutedBy tells whether a case of a rule about a whole group is open. All groups are
// remembered from the start.
func (r *Road) mutedBy(group, rule string) bool {
	g, known := r.states[subject{group: group}]
	return known && g.find(rule) >= 0
}

// gathering is the mind of a group.
type gathering interface {
	Members(rule string) []string   // who has told the group of a rule
	MemberOf(asset string) []string // the rules of which an asset has told it
}

// wakeMembers has the members of a group looked at as soon as its case has moved: it may have
// muted them, and does so no longer.
func (r *Road) wakeMembers(ctx context.Context, g *assetState, rule string, now time.Time) error {
	m, is := g.mind.(gathering)
	if !is {
		return nil
	}
	then := now.Add(1)
	for _, id := range m.Members(rule) {
		s, err := r.state(ctx, subject{asset: id})
		if err != nil {
			return err
		}
		if s.Deadline.IsZero() || s.Deadline.After(then) {
			s.Deadline = then
			r.touch(s)
			r.wheel.put(s)
		}
	}
	return nil
}

// find is the place of a rule's open case, -1: there is none.
func (s *assetState) find(rule string) int {
	return slices.IndexFunc(s.Cases, func(c city.OpenCase) bool { return c.Rule == rule })
}

func (r *Road) state(ctx context.Context, of subject) (*assetState, error) {
	if s, ok := r.states[of]; ok && !s.unread {
		return s, nil
	}
	var kept city.AssetState
	err := r.persist(ctx, "recall asset", func() (err error) {
		kept, err = r.parts.Store.State(ctx, of.asset, of.group)
		return err
	})
	if err != nil {
		return nil, err
	}
	return r.recall(kept), nil
}

// recall unpacks a state and remembers it.
func (r *Road) recall(kept city.AssetState) *assetState {
	s := r.states[subject{kept.Asset, kept.Group}]
	if s == nil {
		s = &assetState{}
	}
	s.AssetState, s.unread = kept, false
	mind, err := r.parts.Judge.Recall(s.subject().name(), kept.Mind)
	if err != nil {
		r.log.Error().Err(err).Str("asset", kept.Asset).Str("group", kept.Group).
			Msg("what the rules knew is damaged; they begin anew, open cases stay until their rule closes them")
	}
	s.mind, s.AssetState.Mind = mind, nil
	s.adopt = mind == nil && len(kept.Cases) > 0 && kept.Asset != ""
	r.states[s.subject()] = s
	if s.Group != "" {
		r.groups = append(r.groups, s)
	}
	return s
}

// newest notes the reading as the asset's newest, once it has its number.
func (r *Road) newest(reading *told) {
	if reading.Late || reading.Simulated {
		return
	}
	r.states[subject{asset: reading.Asset}].Reading = reading.ID
}

func (r *Road) touch(s *assetState) {
	if !s.changed {
		s.changed = true
		r.touched = append(r.touched, s)
	}
}
