package pipeline

import (
	"context"
	"time"

	"meldefunk/city"
)

// load reads what the road remembers from the start: its marks, when nobody could be heard,
// all groups and what the brake holds.
func (r *Road) load(ctx context.Context) error {
	return r.persist(ctx, "read how far the road has come", func() error {
		store := r.parts.Store
		mark, err := store.Mark(ctx)
		if err != nil {
			return err
		}
		deaf, err := store.Deafness(ctx)
		if err != nil {
			return err
		}
		groups, err := store.Groups(ctx)
		if err != nil {
			return err
		}
		held, err := store.Held(ctx)
		if err != nil {
			return err
		}
		begun, err := store.Begun(ctx, r.parts.Now().Add(-time.Hour))
		if err != nil {
			return err
		}
		r.mark, r.alive, r.listened, r.passed = mark, mark.Alive, mark.Alive, time.Time{}
		r.hearing, r.brake = newHearing(deaf), newBrake()
		r.wheel = newWheel()
		r.hearing.resume(mark.Alive)
		clear(r.states)
		r.groups = nil
		for i := range groups {
			r.recall(groups[i])
		}
		for _, c := range held {
			r.brake.waiting[c.Rule] = append(r.brake.waiting[c.Rule], c)
		}
		for _, c := range begun {
			r.brake.begun[c.Rule] = append(r.brake.begun[c.Rule], c.Opened)
		}
		r.metrics.held.Set(float64(len(held)))
		r.loaded = true
		return nil
	})
}

// loadWheel reads who has to be looked at when. Everybody has to be looked at once besides: the
// rules may be others than those that have set a deadline, or none.
func (r *Road) loadWheel(ctx context.Context) error {
	return r.persist(ctx, "read what is due when", func() error {
		r.wheel, r.unseen = newWheel(), nil
		for _, s := range r.states {
			s.waits = time.Time{}
		}
		return r.parts.Store.Dues(ctx, func(d city.Due) {
			of := subject{d.Asset, d.Group}
			r.unseen = append(r.unseen, of)
			s := r.states[of]
			if s == nil {
				s = &assetState{AssetState: city.AssetState{Asset: d.Asset, Group: d.Group, Deadline: d.At}, unread: true}
				r.states[of] = s
			}
			r.wheel.put(s)
		})
	})
}
