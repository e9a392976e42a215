package pipeline

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"meldefunk/city"
)

// wheel knows who has to be looked at when, by the minute. Whoever has to be looked at later
// than was thought stays where he is until his minute comes, and who has to be looked at sooner
// leaves a place behind: when there are many of those they are swept.
type wheel struct {
	slots  map[int64][]subject
	places int // in all slots
	most   int // of them, before it is time to sweep
}

// fewest is how many places are no reason to sweep.
const fewest = 1024

func newWheel() *wheel { return &wheel{slots: map[int64][]subject{}, most: fewest} }

// add has some wait for a minute.
func (w *wheel) add(minute int64, who ...subject) {
	w.slots[minute] = append(w.slots[minute], who...)
	w.places += len(who)
}

// sweep takes away the places that somebody has left behind, if there are many.
func (w *wheel) sweep(states map[subject]*assetState) {
	if w.places <= w.most {
		return
	}
	w.places = 0
	for minute, waiting := range w.slots {
		waiting = slices.DeleteFunc(waiting, func(of subject) bool {
			s, known := states[of]
			return known && s.slot != minute
		})
		if waiting = distinct(waiting); len(waiting) == 0 {
			delete(w.slots, minute)
			continue
		}
		w.slots[minute] = waiting
		w.places += len(waiting)
	}
	w.most = fewest + 2*w.places
}

// distinct puts subjects in order, each once, in the room of the list.
func distinct(all []subject) []subject {
	slices.SortFunc(all, subject.compare)
	return slices.Compact(all)
}

func minuteOf(t time.Time) int64 { return t.Unix() / 60 }

// put notes when a state is due.
func (w *wheel) put(s *assetState) {
	if at := s.due(); !at.IsZero() {
		w.putAt(s, minuteOf(at))
	}
}

func (w *wheel) putAt(s *assetState, minute int64) {
	if s.slot != 0 && s.slot <= minute {
		return
	}
	s.slot = minute
	w.add(minute, s.subject())
}

// take gives the oldest minute up to now, and who waits in it; false: nobody waits.
func (w *wheel) take(now time.Time) (minute int64, waiting []subject, some bool) {
	for m := range w.slots {
		if m <= minuteOf(now) && (!some || m < minute) {
			minute, some = m, true
		}
	}
	waiting = w.slots[minute]
	delete(w.slots, minute)
	w.places -= len(waiting)
	return minute, waiting, some
}

// caughtUp bounds the deadlines of one state that pass one by one.
const caughtUp = 16

// catchUp lets time pass for a state, as if somebody had looked at each deadline: so it makes
// no difference how often ticks come. A deadline while its network server was deaf passes when
// it can be heard again. asset is nil of a group.
func (r *Road) catchUp(ctx context.Context, s *assetState, asset *city.Asset, now time.Time) error {
	for n := 0; ; n++ {
		at, due := r.dueAt(s, now)
		if !due {
			return nil
		}
		if n == caughtUp {
			at = now
		}
		sight := city.Sight{Asset: asset, Group: s.Group, Server: s.Server, Now: at}
		if asset != nil {
			sight.Sensors = r.sensors(asset)
		}
		if err := r.step(ctx, s, &sight); err != nil || n == caughtUp {
			return err
		}
	}
}

// dueAt is when a state has to be looked at, and whether that is by now.
func (r *Road) dueAt(s *assetState, now time.Time) (time.Time, bool) {
	at := s.due()
	if at.IsZero() || at.After(now) {
		return at, false
	}
	at, heard := r.hearing.after(s.Server, at)
	return at, heard && !at.After(now)
}

// tick lets time pass for everybody.
func (r *Road) tick(ctx context.Context, now time.Time) error {
	r.pulse(now)
	r.listen(now)
	r.release(now)
	return r.turn(ctx, now)
}

// turn looks at those who are due, in order of their time, as many as go into a batch.
func (r *Road) turn(ctx context.Context, now time.Time) error {
	var due []*assetState
	var again []*assetState
	r.behind = false
	r.wheel.sweep(r.states)
	for len(due) < r.cfg.Batch {
		minute, waiting, some := r.wheel.take(now)
		if !some {
			break
		}
		for i, of := range waiting {
			if len(due) >= r.cfg.Batch {
				r.wheel.add(minute, waiting[i:]...)
				r.behind = true
				break
			}
			_, known := r.states[of]
			s, err := r.state(ctx, of)
			if err != nil {
				return err
			}
			if !known {
				s.poke = now // the rules may be others than those that have set its deadline
			}
			if s.slot != 0 && s.slot != minute {
				continue // it waits elsewhere
			}
			s.slot = 0
			if _, is := r.dueAt(s, now); is {
				due = append(due, s)
			} else {
				again = append(again, s)
			}
		}
		if r.behind {
			break
		}
	}
	for _, s := range again {
		switch at := s.due(); {
		case at.IsZero():
		case at.After(now):
			r.wheel.put(s)
		default: // its network server is deaf
			r.wheel.putAt(s, minuteOf(now)+1)
		}
	}
	slices.SortStableFunc(due, func(a, b *assetState) int {
		if c := a.due().Compare(b.due()); c != 0 {
			return c
		}
		return cmp.Compare(a.subject().name(), b.subject().name())
	})
	for _, s := range due {
		if err := r.look(ctx, s, now); err != nil {
			return err
		}
	}
	return nil
}

// look lets time pass for one who is due.
func (r *Road) look(ctx context.Context, s *assetState, now time.Time) error {
	var asset *city.Asset
	if s.Group == "" {
		var found bool
		if asset, found = r.parts.Inventory.Asset(s.Asset); !found {
			return r.gone(ctx, s, now)
		}
	}
	if err := r.catchUp(ctx, s, asset, now); err != nil {
		return err
	}
	r.wheel.put(s)
	return nil
}

// gone lets go of an asset that the inventory has no more: nothing is expected of it, and no
// group counts it. Its own cases stay until people close them, or it is back.
func (r *Road) gone(ctx context.Context, s *assetState, now time.Time) error {
	s.poke = time.Time{}
	if s.mind == nil {
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
		r.mark, r.alive, r.listened = mark, mark.Alive, mark.Alive
		r.hearing, r.brake = newHearing(deaf), newBrake()
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

// loadWheel has everybody looked at once: the rules may be others than those that have set a
// deadline, or none.
func (r *Road) loadWheel(ctx context.Context) error {
	return r.persist(ctx, "read what is due when", func() error {
		r.wheel = newWheel()
		minute := minuteOf(r.parts.Now())
		return r.parts.Store.Dues(ctx, func(d city.Due) {
			r.wheel.add(minute, subject{d.Asset, d.Group})
		})
	})
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

// rethink puts everybody who is remembered into the wheel.
func (r *Road) rethink(now time.Time) {
	for _, of := range slices.SortedFunc(maps.Keys(r.states), func(a, b subject) int { return cmp.Compare(a.name(), b.name()) }) {
		s := r.states[of]
		s.poke = now
		r.wheel.put(s)
	}
}
