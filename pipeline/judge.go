package pipeline

import (
	"context"
	"slices"

	"meldefunk/city"
)

// assetState is the state of an asset and whether the present batch has changed it.
type assetState struct {
	city.AssetState
	changed bool
}

// judge tells since when a bay is occupied or free, lets the rules see a reading and turns
// their verdicts into cases. What is older
// than the newest judged reading of the asset, or was sent by hand, is kept and not judged.
func (r *Road) judge(ctx context.Context, reading *city.Reading) error {
	s, err := r.state(ctx, reading.Asset)
	if err != nil {
		return err
	}
	// A time judged from the future was a wrong clock of ours, and holds nobody up.
	reading.Late = !reading.Time.At.After(s.Judged) && !s.Judged.After(r.parts.Now().Add(r.cfg.MaxAhead))
	if reading.Late || reading.Simulated {
		return nil
	}
	s.Occupancy = occupancy(s.Occupancy, reading)
	standings, verdicts := r.parts.Judge.Judge(s.Standings, reading)
	if len(verdicts) > 0 {
		standings = append([]city.Standing(nil), standings...) // the judge keeps its own
	}
	for i := range verdicts {
		if err := r.rule(ctx, reading, &verdicts[i], s.Standings, standings); err != nil {
			return err
		}
	}
	s.Standings, s.Judged = standings, reading.Time.At
	r.touch(s)
	return nil
}

// rule opens or closes the case of a verdict. The case's reference is kept in the
// standing of the rule, before the verdict for closing, after it for opening.
func (r *Road) rule(ctx context.Context, reading *city.Reading, v *city.Verdict, before, after []city.Standing) error {
	if v.Open {
		ref, err := r.newRef(ctx)
		if err != nil {
			return err
		}
		if s := standing(after, v.Rule); s != nil {
			s.Case = ref
		}
		r.commit.Cases = append(r.commit.Cases, city.Case{
			Ref: ref, Rule: v.Rule, Service: v.Service, Asset: reading.Asset,
			Quantity: v.Quantity, Value: v.Value, Limit: v.Limit, Since: v.Since,
			Title: v.Title, Advice: v.Advice, Opened: r.parts.Now(),
		})
		return nil
	}
	s := standing(before, v.Rule)
	if s == nil || s.Case == "" {
		return nil // opened by a rule without a case: nothing to close
	}
	if t := standing(after, v.Rule); t != nil {
		t.Case = ""
	}
	r.commit.Cases = append(r.commit.Cases, city.Case{
		Ref: s.Case, Rule: v.Rule, Service: v.Service, Asset: reading.Asset,
		Closed: r.parts.Now(), ClosedValue: v.Value, ClosedSince: v.Since,
	})
	return nil
}

func standing(all []city.Standing, rule string) *city.Standing {
	for i := range all {
		if all[i].Rule == rule {
			return &all[i]
		}
	}
	return nil
}

// newRef makes up references until one is free: they are short enough to be read out on
// the phone, so chance alone is not enough.
func (r *Road) newRef(ctx context.Context) (string, error) {
	for {
		ref, taken := r.parts.Ref(), false
		if slices.ContainsFunc(r.commit.Cases, func(c city.Case) bool { return c.Ref == ref }) {
			continue
		}
		err := r.persist(ctx, "look for a case", func() (err error) {
			taken, err = r.parts.Store.Taken(ctx, ref)
			return err
		})
		if err != nil || !taken {
			return ref, err
		}
	}
}

func (r *Road) state(ctx context.Context, asset string) (*assetState, error) {
	if s, ok := r.states[asset]; ok {
		return s, nil
	}
	s := &assetState{}
	err := r.persist(ctx, "recall asset", func() (err error) {
		s.AssetState, err = r.parts.Store.State(ctx, asset)
		return err
	})
	if err != nil {
		return nil, err
	}
	r.states[asset] = s
	return s, nil
}

// newest notes the reading as the asset's newest, once it has its number.
func (r *Road) newest(reading *city.Reading) {
	if reading.Late || reading.Simulated {
		return
	}
	s := r.states[reading.Asset]
	s.Reading = reading.ID
}

func (r *Road) touch(s *assetState) {
	if !s.changed {
		s.changed = true
		r.touched = append(r.touched, s)
	}
}
