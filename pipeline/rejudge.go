package pipeline

import (
	"context"
	"slices"

	"meldefunk/city"
)

// outcome is what an asset's whole series comes to.
type outcome struct {
	state  city.AssetState         // its standings name no cases
	last   map[string]city.Verdict // of each rule
	newest city.Reading            // that was judged; its ID is 0 where none was
}

// fold walks through the asset's series once, in order of event time, as it will be after
// the commit: occupancy is told anew, every change is reported, and the rules see it all.
func (x *redo) fold(ctx context.Context) (*outcome, error) {
	out := &outcome{state: city.AssetState{Asset: x.asset.ID}, last: map[string]city.Verdict{}}
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
	judged := !now.Late && !now.Simulated
	if judged {
		out.state.Occupancy = occupancy(out.state.Occupancy, &now)
	}
	if place < 0 && !sameContent(old, &now) {
		place = x.replace(old, now)
	}
	if place >= 0 {
		now.ID = x.road.commit.Readings[place].ID
		now.Poorer = old != nil && (old.Poorer || lacks(old, &now))
		x.road.commit.Readings[place] = now
		if err := x.report(Change{Old: old, New: &now}); err != nil {
			return err
		}
	}
	if !judged {
		return nil
	}
	var verdicts []city.Verdict
	out.state.Standings, verdicts = x.road.parts.Judge.Judge(out.state.Standings, &now)
	for _, v := range verdicts {
		out.last[v.Rule] = v
	}
	out.newest, out.state.Reading, out.state.Judged = now, now.ID, now.Time.At
	return nil
}

// rejudge moves the wanted cases to what the series comes to.
func (x *redo) rejudge(ctx context.Context, out *outcome) error {
	if out.newest.ID == 0 {
		return nil
	}
	kept, err := x.archive.State(ctx, x.asset.ID)
	if err != nil {
		return err
	}
	r, now := x.road, out.state
	now.Standings = slices.Clone(now.Standings)
	for i := range now.Standings {
		s := &now.Standings[i]
		if was := standing(kept.Standings, s.Rule); was != nil && was.Case != "" && wanted(s.Phase) {
			s.Case = was.Case // it was open, and should be
		} else if v := out.last[s.Rule]; v.Open {
			if err := r.rule(ctx, &out.newest, &v, nil, now.Standings); err != nil {
				return err
			}
		}
	}
	for i := range kept.Standings {
		was := &kept.Standings[i]
		if s := standing(now.Standings, was.Rule); was.Case == "" || s != nil && s.Case == was.Case {
			continue
		}
		v := out.last[was.Rule]
		if v.Open || v.Rule == "" {
			v = city.Verdict{} // it never should have been open: no reading says that it is over
		}
		v.Rule = was.Rule
		if err := r.rule(ctx, &out.newest, &v, kept.Standings, now.Standings); err != nil {
			return err
		}
	}
	r.commit.States = append(r.commit.States, now)
	return nil
}

// wanted tells whether a rule wants a case in a phase.
func wanted(p city.Phase) bool { return p == city.PhaseOpen || p == city.PhaseClearing }
