package pipeline

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"meldefunk/city"
)

// outcome is what an asset's whole series comes to.
type outcome struct {
	assetState                         // as nobody else knows it: without cases
	open       map[string]city.Verdict // by the rules that want a case: how it was opened, with its present severity
	last       map[string]city.Verdict // of the other rules: how it was closed
	shares     map[part]city.Share     // what groups were told last
	newest     city.Reading            // that was judged; its ID is 0 where none was
	now        time.Time               // our clock at it
}

// part is a rule's part in a group.
type part struct{ group, rule string }

func (p part) compare(o part) int {
	return cmp.Or(cmp.Compare(p.group, o.group), cmp.Compare(p.rule, o.rule))
}

// fold walks through the asset's series once, in order of event time, as it will be after
// the commit: occupancy is told anew, every change is reported, and the rules see it all.
func (x *redo) fold(ctx context.Context) (*outcome, error) {
	out := &outcome{open: map[string]city.Verdict{}, last: map[string]city.Verdict{}, shares: map[part]city.Share{}}
	out.Asset = x.asset.ID
	staged := func(i int) *city.Reading { return &x.road.commit.Readings[i] }
	slices.SortStableFunc(x.fresh, func(i, j int) int { return staged(i).Time.At.Compare(staged(j).Time.At) })
	fresh := x.fresh
	var after *city.Reading
	for {
		page, err := x.archive.Series(ctx, x.asset.ID, after, x.road.cfg.Batch)
		if err != nil {
			return nil, err
		}
		for i := range page {
			if x.gone[page[i].ID] {
				continue
			}
			for len(fresh) > 0 && staged(fresh[0]).Time.At.Before(page[i].Time.At) {
				if err := x.step(out, nil, fresh[0]); err != nil {
					return nil, err
				}
				fresh = fresh[1:]
			}
			place, replaced := x.instead[page[i].ID]
			if !replaced {
				place = -1
			}
			if err := x.step(out, &page[i], place); err != nil {
				return nil, err
			}
		}
		if len(page) == 0 {
			break
		}
		after = &page[len(page)-1]
	}
	for _, i := range fresh {
		if err := x.step(out, nil, i); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// step takes one reading of the series: old as it is stored, or the one that is staged at a
// place, or both; a place below 0 means none.
func (x *redo) step(out *outcome, old *city.Reading, place int) error {
	var now city.Reading
	if place >= 0 {
		now = x.road.commit.Readings[place]
	} else {
		now = *old
		now.Values = withoutOccupancy(now.Values)
	}
	judged := !now.Simulated
	if judged && !now.Late {
		out.Occupancy = occupancy(out.Occupancy, &now)
	}
	if place < 0 && !sameContent(old, &now) {
		place = x.replace(old, now)
	}
	if place >= 0 {
		now.ID = x.road.commit.Readings[place].ID
		now.Poorer = old != nil && (old.Poorer || lacks(old, &now)) || old == nil && x.moved[place]
		x.road.commit.Readings[place] = now
		if err := x.report(Change{Old: old, New: &now}); err != nil {
			return err
		}
	}
	if !judged {
		return nil
	}
	if now.Received.After(out.now) {
		out.now = now.Received
	}
	x.passTime(out)
	x.show(out, &city.Sight{Reading: &now, Now: out.now})
	if !now.Late {
		out.newest, out.Reading, out.Judged = now, now.ID, now.Time.At
	}
	return nil
}

// passTime lets the deadlines pass that come before our clock, as ticks would have.
func (x *redo) passTime(out *outcome) {
	for range caughtUp {
		at, heard := x.road.dueAt(&out.assetState, out.now)
		if at.IsZero() || !heard || at.After(out.now) {
			return
		}
		x.show(out, &city.Sight{Now: at})
	}
}

// show lets the rules see one thing, and notes what comes of it.
func (x *redo) show(out *outcome, sight *city.Sight) {
	r := x.road
	sight.Asset, sight.Server, sight.Sensors, sight.Deaf, sight.Mutes = x.asset, x.server, r.sensors(x.asset), r.deafFor, r.mutes
	mind, verdicts, shares := r.parts.Judge.Step(out.mind, sight)
	out.think(mind)
	for _, v := range verdicts {
		switch v.Change {
		case city.Opened:
			out.open[v.Rule] = v
		case city.Closed, city.Revoked:
			delete(out.open, v.Rule)
			out.last[v.Rule] = v
		case city.Escalated, city.Deescalated:
			if was, open := out.open[v.Rule]; open {
				was.Severity = v.Severity
				out.open[v.Rule] = was
			}
		}
	}
	for _, share := range shares {
		out.shares[part{share.Group, share.Rule}] = share
	}
}

// rejudge moves the wanted cases, and what groups know, to what the series comes to.
func (x *redo) rejudge(ctx context.Context, out *outcome) error {
	if out.newest.ID == 0 && len(x.gone) == 0 {
		return nil
	}
	r := x.road
	now := r.parts.Now()
	s, err := r.state(ctx, subject{asset: x.asset.ID})
	if err != nil {
		return err
	}
	s.adopt, s.Occupancy, s.Reading, s.Judged = false, out.Occupancy, out.Reading, out.Judged
	r.think(s, out.mind, now)
	r.touch(s)
	for _, c := range slices.Clone(s.Cases) {
		v, open := out.open[c.Rule]
		if !open {
			if v, open = out.last[c.Rule]; !open {
				v = city.Verdict{Rule: c.Rule, Change: city.Revoked} // it never should have been open
			}
		} else if v.Severity == c.Grade {
			continue // it was open, and should be
		} else {
			v.Change, v.Record = city.Escalated, nil
			if out.open[c.Rule].Severity < c.Grade {
				v.Change = city.Deescalated
			}
		}
		if err := r.rule(ctx, s, &v, now); err != nil {
			return err
		}
	}
	for _, rule := range slices.Sorted(maps.Keys(out.open)) {
		if v := out.open[rule]; s.find(rule) < 0 {
			if err := r.rule(ctx, s, &v, now); err != nil {
				return err
			}
		}
	}
	if err := x.shareAll(ctx, out, now); err != nil {
		return err
	}
	return r.digest(ctx, now)
}

// shareAll tells groups how things now stand at the asset, and that it is no member where it
// was one and is no longer.
func (x *redo) shareAll(ctx context.Context, out *outcome, now time.Time) error {
	r := x.road
	for _, p := range r.partsOf(x.asset.ID) {
		if _, told := out.shares[p]; !told {
			out.shares[p] = city.Share{Group: p.group, Rule: p.rule, Member: x.asset.ID, At: now, Gone: true}
		}
	}
	for _, p := range slices.SortedFunc(maps.Keys(out.shares), part.compare) {
		share := out.shares[p]
		if err := r.share(ctx, &share, now); err != nil {
			return err
		}
	}
	return nil
}
