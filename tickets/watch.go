package tickets

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"meldefunk/city"
)

const (
	// overlap is how much earlier than the last poll changes are asked for: clocks differ,
	// and lists of real servers miss the present second.
	overlap = 10 * time.Minute
	// maxConfirmed bounds the tickets that are asked for by number in one poll.
	maxConfirmed = 50
	// maxIdle bounds the tickets that are looked at in one poll for how long nobody looks after
	// them; the next poll goes on from there.
	maxIdle = 2000
	// pushTries bounds how often a pushed status is tried against other writers.
	pushTries = 5
	// maxTwice bounds the tickets that are looked at in one poll for a second one there.
	maxTwice = 10
)

// watch asks now and then how tickets stand, and for some at once.
func (l *lane) watch(ctx context.Context) error {
	now := l.now()
	if l.system == nil || l.circuit.paused(now) {
		return nil
	}
	w, watches := l.system.(Watcher)
	if watches {
		if err := l.confirmMarked(ctx, w); err != nil {
			return err
		}
	}
	if !l.looked.IsZero() && now.Sub(l.looked) < l.r.cfg.StatusEvery && !now.Before(l.looked) {
		return nil
	}
	l.looked = now
	if err := l.escalate(ctx, now); err != nil {
		return err
	}
	if !watches {
		return nil
	}
	if err := l.poll(ctx, w, now); err != nil || l.circuit.paused(l.now()) {
		return err
	}
	return l.confirm(ctx, w, now)
}

// poll asks what has changed since the last time.
func (l *lane) poll(ctx context.Context, w Watcher, now time.Time) error {
	store := l.r.tools.Store
	since, err := store.Polled(ctx, l.name)
	if err != nil {
		return err
	}
	if since.IsZero() || since.After(now) {
		since = now.Add(-l.r.cfg.StatusEvery)
	}
	changed, err := w.Changes(ctx, since.Add(-overlap))
	if err != nil {
		f := l.failed("changes", &view{}, err)
		if unanswered(f) {
			l.away(f)
		}
		return nil
	}
	l.answered("changes", "ok")
	var twice []string
	for _, r := range changed {
		ref, linked, err := store.Linked(ctx, l.name, r.ID)
		if err != nil {
			return err
		}
		if !linked {
			if r.Ref != "" && len(twice) < maxTwice && !slices.Contains(twice, r.Ref) {
				twice = append(twice, r.Ref)
			}
			continue
		}
		if err := l.learn(ctx, ref, r, true); err != nil && !errors.Is(err, city.ErrStale) {
			return err
		}
	}
	for _, ref := range twice {
		if err := l.turnedUp(ctx, ref); err != nil {
			return err
		}
	}
	return store.SetPolled(ctx, l.name, now)
}

// confirm asks by number for those that were not asked for in a long time: a list misses
// some.
func (l *lane) confirm(ctx context.Context, w Watcher, now time.Time) error {
	found, err := l.r.tools.Store.Watched(ctx, l.name, now.Add(-l.r.cfg.ConfirmEvery), maxConfirmed)
	if err != nil {
		return fmt.Errorf("read tickets to ask for: %w", err)
	}
	for i := range found {
		if on, err := l.confirmOne(ctx, w, &found[i]); err != nil || !on {
			return err
		}
	}
	return nil
}

// confirmMarked asks by number for those that were never asked for, or that were told of or
// asked about since, and then for those of AskAll: at once, but not for more in a minute than
// may be sent.
func (l *lane) confirmMarked(ctx context.Context, w Watcher) error {
	found, err := l.r.tools.Store.Watched(ctx, l.name, time.Unix(0, 2), maxConfirmed)
	if err != nil {
		return fmt.Errorf("read tickets to ask for at once: %w", err)
	}
	for i := range found {
		if !l.asks.allows(l.now()) {
			return nil
		}
		l.asks.note(l.now())
		if on, err := l.confirmOne(ctx, w, &found[i]); err != nil || !on {
			return err
		}
	}
	return nil
}

// confirmOne asks for one ticket by its number; false: the ticket system is away.
func (l *lane) confirmOne(ctx context.Context, w Watcher, ct *city.CaseTicket) (bool, error) {
	if ctx.Err() != nil {
		return false, nil
	}
	v, err := l.look(ctx, ct)
	if err != nil {
		return false, err
	}
	r, found, err := w.Status(ctx, v.Ticket.ExternalID)
	if err != nil {
		f := l.failed(callStatus, v, err)
		if unanswered(f) {
			l.away(f)
			return false, nil
		}
		// It cannot be told; others can.
		p := v.wait(v.Ticket.Next)
		if v.Ticket.Checked.IsZero() { // somebody waits for it
			p.note = "Lässt sich nicht abfragen: " + f.Error()
		}
		p.ticket.Checked = l.now()
		_, err := l.put(ctx, v, p)
		return true, err
	}
	l.answered(callStatus, "ok")
	if _, err = l.take(ctx, v, r, found); err == nil && v.mayTurnUp() {
		err = l.doubles(ctx, v)
	}
	return true, err
}

// take writes down how a ticket stands there; false: somebody else was faster, or there is
// nothing to write.
func (l *lane) take(ctx context.Context, v *view, r city.Remote, found bool) (bool, error) {
	if r.Progress.Over() {
		mutes, err := l.r.tools.Store.Mutes(ctx, l.now())
		if err != nil {
			return false, fmt.Errorf("read mutes: %w", err)
		}
		v.mutes = mutes
	}
	v.now = l.now()
	p := v.observe(r, found)
	if !p.write {
		return false, nil
	}
	return l.put(ctx, v, p)
}

// learn takes what was told of the ticket of a ref. It gives city.ErrStale where others kept
// writing the ticket.
func (l *lane) learn(ctx context.Context, ref string, r city.Remote, found bool) error {
	for range pushTries {
		ct, known, err := l.r.tools.Store.Case(ctx, ref)
		if err != nil {
			return err
		}
		if !known || ct.Ticket.System != l.name || !watched(&ct.Ticket) {
			return nil
		}
		v, err := l.look(ctx, &ct)
		if err != nil {
			return err
		}
		if did, err := l.take(ctx, v, r, found); did || err != nil {
			return err
		}
	}
	return city.ErrStale
}

// push takes what the ticket system has told by itself. When it returns nil that is on the
// disk: what was told, or that it is to be asked for.
func (l *lane) push(ctx context.Context, r city.Remote) error {
	ref, err := l.refOf(ctx, r)
	if err != nil {
		return err
	}
	if l.can.watches {
		err = l.mark(ctx, ref)
	} else {
		err = l.believe(ctx, ref, r)
	}
	if err == nil {
		rouse(l.wake)
	}
	return err
}

// believe takes what was told of the ticket of a ref, unless it is older than what is known:
// what could not be taken at first comes again, and then perhaps late.
func (l *lane) believe(ctx context.Context, ref string, r city.Remote) error {
	ct, _, err := l.r.tools.Store.Case(ctx, ref)
	if err != nil {
		return err
	}
	known, err := l.toldLast(ctx, &ct)
	if err != nil || !r.Updated.IsZero() && r.Updated.Before(known) {
		return err
	}
	return l.learn(ctx, ref, r, true)
}

// toldLast is when the ticket system last told of a ticket. What it told of one that was opened
// again before that, by its own clock, is about the case before: it is no news that it was closed.
func (l *lane) toldLast(ctx context.Context, ct *city.CaseTicket) (time.Time, error) {
	t := &ct.Ticket
	if !t.Remote.Updated.IsZero() || t.Follows == "" || t.Checked.IsZero() {
		return t.Remote.Updated, nil
	}
	earlier, found, err := l.r.tools.Store.Earlier(ctx, t.Ref)
	if err != nil {
		return time.Time{}, fmt.Errorf("read the case before %s: %w", t.Ref, err)
	}
	if !found || earlier.Ticket.ExternalID != t.ExternalID {
		return time.Time{}, nil // a number of its own
	}
	return t.Checked.Add(-slack), nil // nobody has told since the answer to the reopening
}

// mark has a ticket asked for as if it never had been. It gives city.ErrStale where others
// kept writing the ticket.
func (l *lane) mark(ctx context.Context, ref string) error {
	for range pushTries {
		ct, known, err := l.r.tools.Store.Case(ctx, ref)
		if err != nil {
			return err
		}
		if !known || !watched(&ct.Ticket) || ct.Ticket.Checked.IsZero() {
			return nil
		}
		v, err := l.look(ctx, &ct)
		if err != nil {
			return err
		}
		p := v.wait(ct.Ticket.Next)
		p.ticket.Checked = time.Time{}
		if did, err := l.put(ctx, v, p); did || err != nil {
			return err
		}
	}
	return city.ErrStale
}

// refOf finds whom a push is about. A ref goes before a number, and both must fit.
func (l *lane) refOf(ctx context.Context, r city.Remote) (string, error) {
	if r.Ref != "" {
		ct, known, err := l.r.tools.Store.Case(ctx, r.Ref)
		switch {
		case err != nil:
			return "", err
		case known && ct.Ticket.System == l.name && ct.Ticket.ExternalID == "" && !final(ct.Ticket.State):
			return "", fmt.Errorf("%s: %w", r.Ref, ErrEarly)
		case !known, ct.Ticket.System != l.name, r.ID != "" && ct.Ticket.ExternalID != r.ID:
			return "", fmt.Errorf("%s has no ticket %.60q of %.40q: %w", l.name, r.ID, r.Ref, city.ErrNoCase)
		}
		return r.Ref, nil
	}
	ref, linked, err := l.r.tools.Store.Linked(ctx, l.name, r.ID)
	if err != nil {
		return "", err
	}
	if !linked {
		return "", fmt.Errorf("%s has no ticket %.60q: %w", l.name, r.ID, city.ErrNoCase)
	}
	return ref, nil
}

// escalate tells once of each ticket that nobody looks after it. It goes round: each time it
// looks at the next ones.
func (l *lane) escalate(ctx context.Context, now time.Time) error {
	for looked := 0; looked < maxIdle; {
		found, err := l.r.tools.Store.Unacknowledged(ctx, l.name, now, l.idle, batch)
		if err != nil {
			return fmt.Errorf("read tickets nobody looks after: %w", err)
		}
		for i := range found {
			v, err := l.look(ctx, &found[i])
			if err != nil {
				return err
			}
			if p, ok := v.escalate(); ok {
				if ctx.Err() != nil || !l.may(p.call, v.Ticket.State, false) {
					return nil
				}
				if _, err := l.do(ctx, v, p); err != nil {
					return err
				}
			}
			l.idle = found[i].Case.Ref
		}
		if looked += len(found); len(found) < batch {
			l.idle = ""
			return nil
		}
	}
	return nil
}
