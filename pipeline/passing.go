package pipeline

import (
	"context"
	"maps"
	"math"
	"slices"
	"time"

	"meldefunk/city"
)

// Everything that happens has an instant by our clock, and what happens at one instant has an
// order: first what time brings, groups before assets and by their names, then what arrives,
// as it arrives. The road keeps to it however the day is cut into ticks, batches and restarts,
// and a play of the rules over what is stored keeps to it too: so it comes to the same.

// present is what our clock shows to an arrival: it does not go back behind what has passed.
func (r *Road) present(received time.Time) time.Time {
	if received.After(r.passed) {
		r.passed = received
	}
	return r.passed
}

// everybody is no bound.
const everybody = math.MaxInt

// upTo lets time pass: it looks at those who are due by now, at each at his time. A deadline
// while its network server was deaf passes when it can be heard again. It gives false if more
// are due than are to be looked at in a batch.
func (r *Road) upTo(ctx context.Context, now time.Time, most int) (bool, error) {
	for {
		s := r.wheel.next(now)
		if s == nil {
			return true, nil
		}
		if r.looked >= most {
			return false, nil
		}
		waited := s.waits
		r.wheel.remove(s)
		s, err := r.state(ctx, s.subject())
		if err != nil {
			return false, err
		}
		at, heard := r.dueAt(s, now)
		switch {
		case at.IsZero():
		case !heard:
			r.wheel.putAt(s, now.Add(time.Minute))
		case at.After(waited):
			r.wheel.putAt(s, at)
		default:
			r.looked++
			if err := r.look(ctx, s, at); err != nil {
				return false, err
			}
		}
	}
}

// dueAt is when a state has to be looked at; false: when its network server can be heard
// again, which it cannot now.
func (r *Road) dueAt(s *assetState, now time.Time) (time.Time, bool) {
	at := s.due()
	if at.IsZero() || at.After(now) {
		return at, true
	}
	return r.hearing.after(s.Server, at)
}

// caughtUp bounds the deadlines of one state that pass one by one.
const caughtUp = 16

// catchUp lets the deadlines of a group pass that are due before a share.
func (r *Road) catchUp(ctx context.Context, g *assetState, now time.Time) error {
	for range caughtUp {
		at, heard := r.dueAt(g, now)
		if at.IsZero() || !heard || at.After(now) {
			return nil
		}
		if err := r.look(ctx, g, at); err != nil {
			return err
		}
	}
	return nil
}

// tick lets time pass for everybody, and has some looked at of those who have to be in any case.
func (r *Road) tick(ctx context.Context, now time.Time) error {
	now = r.present(now)
	r.release(now)
	n := min(len(r.unseen), r.cfg.Batch)
	for _, of := range r.unseen[:n] {
		s, err := r.state(ctx, of)
		if err != nil {
			return err
		}
		s.poke = now
		r.wheel.put(s)
	}
	r.unseen = r.unseen[n:]
	all, err := r.upTo(ctx, now, r.cfg.Batch)
	r.behind = !all || len(r.unseen) > 0
	return err
}

// look lets time pass for one who is due.
func (r *Road) look(ctx context.Context, s *assetState, at time.Time) error {
	sight := city.Sight{Group: s.Group, Server: s.Server, Now: at}
	if s.Group == "" {
		asset, found := r.parts.Inventory.Asset(s.Asset)
		if !found {
			return r.gone(ctx, s, at)
		}
		sight.Asset, sight.Sensors = asset, r.sensors(asset)
	}
	return r.step(ctx, s, &sight)
}

// gone lets go of an asset that the inventory has no more: nothing is expected of it, and no
// group counts it. Its own cases stay until people close them, or it is back.
func (r *Road) gone(ctx context.Context, s *assetState, now time.Time) error {
	if s.mind == nil && s.Deadline.IsZero() {
		s.poke = time.Time{}
		return nil
	}
	for _, p := range r.partsOf(s.Asset) {
		if err := r.share(ctx, &city.Share{Group: p.group, Rule: p.rule, Member: s.Asset, At: now, Gone: true}, now); err != nil {
			return err
		}
	}
	s.mind, s.adopt, s.Deadline, s.poke = nil, len(s.Cases) > 0, time.Time{}, time.Time{}
	r.touch(s)
	return nil
}

// partsOf lists what groups were told of an asset, in order.
func (r *Road) partsOf(asset string) (parts []part) {
	for _, g := range r.groups {
		if m, is := g.mind.(gathering); is {
			for _, rule := range m.MemberOf(asset) {
				parts = append(parts, part{g.Group, rule})
			}
		}
	}
	slices.SortFunc(parts, part.compare)
	return parts
}

// Rethink has the rules look at everybody once, after they were changed: nobody else would
// show them an asset that is silent. It may be called from any goroutine, and blocks while
// the road is busy.
func (r *Road) Rethink(ctx context.Context) error { return r.pass(ctx, passenger{rethink: true}) }

// Tick lets time pass: what is due by now is looked at. It may be called from any goroutine,
// and blocks while the road is busy; nobody need call it twice at a time.
func (r *Road) Tick(ctx context.Context) error {
	return r.pass(ctx, passenger{tick: r.parts.Now()})
}

func (r *Road) pass(ctx context.Context, p passenger) error {
	select {
	case r.arrivals <- p:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// rethink has everybody looked at once who is remembered.
func (r *Road) rethink() {
	r.unseen = slices.SortedFunc(maps.Keys(r.states), subject.compare)
}
