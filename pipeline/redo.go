package pipeline

import (
	"context"
	"slices"
	"time"

	"meldefunk/city"
)

// Which says which frames of a device to decode again. Zero fields do not restrict.
type Which struct {
	From, To time.Time // event time, From included, To not
}

// Archive is what decoding again needs of the store, besides committing.
type Archive interface {
	Store
	// FramesOf gives a device's stored frames after a number, in order, at most limit.
	FramesOf(ctx context.Context, devEUI city.EUI, after int64, limit int) ([]city.Frame, error)
	// ReadingOf finds the reading that a frame became at an asset.
	ReadingOf(ctx context.Context, asset string, f *city.Frame) (city.Reading, bool, error)
	// Series gives an asset's readings after an event time, in order of event time, at
	// most limit.
	Series(ctx context.Context, asset string, after time.Time, limit int) ([]city.Reading, error)
}

// Change is what decoding a frame again makes of it.
type Change struct {
	Frame    city.Frame
	Old, New *city.Reading // nil: there is none
	Err      error         // why there is no new one
}

// Redo decodes stored frames of one device again, with today's decoder and calibration,
// and replaces their readings: none is doubled, and what can no longer be decoded stays as
// it was. The rules then see the asset's whole series anew, so that standings and wanted
// cases are as if it had been so from the start; cases that were closed stay closed. All
// of it is one commit. It is meant for a store that no road uses. report hears of every
// frame whose reading changes; with dry nothing is written.
func (r *Road) Redo(ctx context.Context, archive Archive, d *city.Device, a *city.Asset, which Which, dry bool, report func(Change) error) error {
	var err error
	if r.mark, err = archive.Mark(ctx); err != nil {
		return err
	}
	r.begin()
	instead := map[int64]*city.Reading{} // by the number of the reading that it replaces
	for after := int64(0); ; {
		frames, err := archive.FramesOf(ctx, d.DevEUI, after, r.cfg.Batch)
		if err != nil {
			return err
		}
		if len(frames) == 0 {
			break
		}
		after = frames[len(frames)-1].ID
		for i := range frames {
			c, err := r.again(ctx, archive, d, a, &frames[i], which)
			if err != nil {
				return err
			}
			if c == nil {
				continue
			}
			if c.New != nil && c.Old != nil {
				instead[c.Old.ID] = c.New
			}
			if err := report(*c); err != nil {
				return err
			}
		}
	}
	if dry || len(r.commit.Readings) == 0 {
		return nil
	}
	if err := r.rejudge(ctx, archive, a, instead); err != nil {
		return err
	}
	r.finish()
	return archive.Commit(ctx, &r.commit)
}

// again decodes one frame; nil: nothing about it changes.
func (r *Road) again(ctx context.Context, archive Archive, d *city.Device, a *city.Asset, f *city.Frame, which Which) (*Change, error) {
	u := &f.Uplink
	if !which.From.IsZero() && u.Time.At.Before(which.From) || !which.To.IsZero() && !u.Time.At.Before(which.To) {
		return nil, nil
	}
	old, found, err := archive.ReadingOf(ctx, a.ID, f)
	if err != nil {
		return nil, err
	}
	now := city.Reading{
		DevEUI: u.DevEUI, Asset: a.ID, Kind: a.Kind, Model: d.Model,
		Epoch: f.Epoch, FCnt: u.FCnt, Time: u.Time, Received: u.Received,
		Radio: u.Radio, Simulated: u.Simulated, Late: old.Late,
	}
	c := &Change{Frame: *f}
	if found {
		c.Old = &old
	}
	fate, err := r.decode(d, a, u, &now)
	now.History = nil // what came from the device's memory stays as it is
	switch {
	case trouble(err):
		return nil, err
	case err != nil:
		c.Err = err
		if !found {
			return nil, nil // it was set aside before, and still is
		}
		return c, nil
	case fate != city.FateRead || len(now.Values)+len(now.Faults) == 0:
		return nil, nil
	case found && sameContent(&old, &now):
		return nil, nil
	}
	r.mark.Reading++
	now.ID = r.mark.Reading
	c.New = &now
	r.commit.Readings = append(r.commit.Readings, now)
	if found {
		r.commit.Replaced = append(r.commit.Replaced, old.ID)
	} else {
		f.Fate = city.FateRead
		r.commit.Frames = append(r.commit.Frames, *f)
	}
	return c, nil
}

// sameContent tells whether two readings say the same.
func sameContent(a, b *city.Reading) bool {
	if a.Model != b.Model || len(a.Values) != len(b.Values) || !slices.Equal(a.Faults, b.Faults) || string(a.Tail) != string(b.Tail) || string(a.Raw) != string(b.Raw) {
		return false
	}
	for _, v := range a.Values {
		if n, ok := b.Value(v.Quantity); !ok || n != v.Number {
			return false
		}
	}
	return true
}

// series is the asset's readings in order of event time, as they will be after the commit.
func (r *Road) series(ctx context.Context, archive Archive, a *city.Asset, instead map[int64]*city.Reading) ([]city.Reading, error) {
	var all []city.Reading
	for after := (time.Time{}); ; {
		page, err := archive.Series(ctx, a.ID, after, r.cfg.Batch)
		if err != nil {
			return nil, err
		}
		if len(page) == 0 {
			break
		}
		after = page[len(page)-1].Time.At
		all = append(all, page...)
	}
	placed := map[int64]bool{}
	for i := range all {
		if now := instead[all[i].ID]; now != nil {
			all[i], placed[now.ID] = *now, true
		}
	}
	for _, reading := range r.commit.Readings {
		if !placed[reading.ID] {
			all = append(all, reading) // it was set aside before
		}
	}
	slices.SortStableFunc(all, func(x, y city.Reading) int { return x.Time.At.Compare(y.Time.At) })
	return all, nil
}

// rejudge folds the rules over an asset's series from its beginning, and moves the wanted
// cases to what comes out.
func (r *Road) rejudge(ctx context.Context, archive Archive, a *city.Asset, instead map[int64]*city.Reading) error {
	series, err := r.series(ctx, archive, a, instead)
	if err != nil {
		return err
	}
	kept, err := archive.State(ctx, a.ID)
	if err != nil {
		return err
	}
	now := city.AssetState{Asset: a.ID}
	last := map[string]city.Verdict{} // of each rule
	var newest *city.Reading
	for i := range series {
		reading := &series[i]
		if reading.Late || reading.Simulated {
			continue
		}
		var verdicts []city.Verdict
		now.Standings, verdicts = r.parts.Judge.Judge(now.Standings, reading)
		for _, v := range verdicts {
			last[v.Rule] = v
		}
		newest, now.Reading, now.Judged = reading, reading.ID, reading.Time.At
	}
	if newest == nil {
		return nil
	}
	now.Standings = slices.Clone(now.Standings)
	for i := range now.Standings {
		s := &now.Standings[i]
		if was := standing(kept.Standings, s.Rule); was != nil && was.Case != "" && wanted(s.Phase) {
			s.Case = was.Case // it was open, and should be
		} else if v := last[s.Rule]; v.Open {
			if err := r.rule(ctx, newest, &v, nil, now.Standings); err != nil {
				return err
			}
		}
	}
	for i := range kept.Standings {
		was := &kept.Standings[i]
		if s := standing(now.Standings, was.Rule); was.Case == "" || s != nil && s.Case == was.Case {
			continue
		}
		v := last[was.Rule]
		if v.Open || v.Rule == "" {
			v = city.Verdict{} // it never should have been open: no reading says that it is over
		}
		v.Rule = was.Rule
		if err := r.rule(ctx, newest, &v, kept.Standings, now.Standings); err != nil {
			return err
		}
	}
	r.commit.States = append(r.commit.States, now)
	return nil
}

// wanted tells whether a rule wants a case in a phase.
func wanted(p city.Phase) bool { return p == city.PhaseOpen || p == city.PhaseClearing }
