package tickets

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"meldefunk/city"
)

// lane is one ticket system and what goes to it: one call at a time.
type lane struct {
	r       *Reconciler
	name    string
	system  System // nil: it is not configured any more
	can     powers
	log     zerolog.Logger
	circuit circuit
	rate    *rate // of what goes out
	asks    *rate // of the tickets asked for because somebody told of them or wants to know
	wake    chan struct{}
	said    string    // the last failure that was logged
	looked  time.Time // when the ticket system was last asked for what has changed
	idle    string    // ref of the last one looked at for how long nobody looks after it; "": the next is the oldest
}

func newLane(r *Reconciler, name string, s System) *lane {
	return &lane{
		r: r, name: name, system: s, can: powersOf(name, s),
		log:     r.log.With().Str("system", name).Logger(),
		circuit: circuit{backoff: r.cfg.Backoff, jitter: r.cfg.Jitter},
		rate:    newRate(r.cfg.Rate),
		asks:    newRate(r.cfg.Rate),
		wake:    make(chan struct{}, 1),
	}
}

func (l *lane) now() time.Time { return l.r.tools.Now() }

func (l *lane) run(ctx context.Context) {
	every(ctx, l.r.cfg.Poll, l.wake, func() {
		err := l.pass(ctx)
		if err == nil {
			err = l.watch(ctx)
		}
		if err != nil && ctx.Err() == nil {
			l.complain("store fails", "", err)
		}
	})
}

// pass works on what is due until nothing is, or nothing may go out.
func (l *lane) pass(ctx context.Context) error {
	for {
		due, err := l.r.tools.Store.Due(ctx, l.name, l.now(), batch)
		if err != nil {
			return fmt.Errorf("read due tickets: %w", err)
		}
		if len(due) == 0 {
			return nil
		}
		mutes, err := l.r.tools.Store.Mutes(ctx, l.now())
		if err != nil {
			return fmt.Errorf("read mutes: %w", err)
		}
		moved := false
		for i := range due {
			if ctx.Err() != nil {
				return nil
			}
			did, err := l.advance(ctx, &due[i], &mutes)
			if err != nil {
				return err
			}
			moved = moved || did
		}
		if !moved {
			return nil
		}
	}
}

// advance takes one case as far as it gets without waiting. It adds to the mutes what comes
// of it. An error is the Store's.
func (l *lane) advance(ctx context.Context, ct *city.CaseTicket, mutes *[]city.Mute) (moved bool, err error) {
	v, err := l.look(ctx, ct)
	if err != nil {
		return false, err
	}
	v.mutes = *mutes
	defer func() { *mutes = v.mutes }()
	for ctx.Err() == nil {
		v.now = l.now()
		p, ok := v.next()
		if !ok || p.call.sends() && v.shut || !l.may(p.call, v.Ticket.State, moved) {
			return moved, nil
		}
		did, err := l.do(ctx, v, p)
		if err != nil || !did {
			return moved, err
		}
		moved = true
		if v.Ticket.System != l.name { // it is given to another one
			rouse(l.r.wake)
			return moved, nil
		}
		if len(v.Wishes) == 0 && v.Ticket.Next.After(l.now()) {
			return moved, nil
		}
	}
	return moved, nil
}

// may tells whether a call may go out now. The first search after a lost answer may, at once:
// it tells whether the ticket system is down or only dropped this one answer.
func (l *lane) may(c call, state city.TicketState, moved bool) bool {
	switch {
	case c == callNone, c == callRenew, c == callLetGo:
		return true
	case l.circuit.paused(l.now()):
		return c == callFind && state == city.TicketUnsure && moved
	case c.sends() && !l.can.listed:
		return l.rate.allows(l.now())
	}
	return true
}

// look puts together what the next step of a ticket depends on, but for the mutes.
func (l *lane) look(ctx context.Context, ct *city.CaseTicket) (*view, error) {
	asset := l.r.asset(ct)
	v := &view{
		CaseTicket: *ct, asset: asset, can: l.can, now: l.now(),
		route:      l.r.tools.Router.Route(&ct.Case, asset),
		maxCreates: l.r.cfg.MaxCreates, searchAfter: l.r.cfg.SearchAfter,
	}
	v.words = words{zone: l.r.zone}.along(v.route)
	v.words.closes = v.words.closes && l.can.closes
	t := &v.Ticket
	v.shut = l.circuit.paused(v.now) || !l.can.listed && !l.rate.allows(v.now)
	unsent := t.State == city.TicketQueued || t.State == city.TicketMuted || t.State == city.TicketHeld
	if unsent && !v.shut || t.Follows != "" {
		earlier, found, err := l.r.tools.Store.Earlier(ctx, t.Ref)
		if err != nil {
			return nil, fmt.Errorf("read the case before %s: %w", t.Ref, err)
		}
		if found {
			v.earlier = earlier
		}
	}
	if len(v.Wishes) > 0 && v.Wishes[0].Kind == city.WishLink {
		ref, linked, err := l.r.tools.Store.Linked(ctx, l.name, v.Wishes[0].Number)
		if err != nil {
			return nil, fmt.Errorf("look up whether %.60q is taken: %w", v.Wishes[0].Number, err)
		}
		if linked {
			v.linked = ref
		}
	}
	return v, nil
}

// do takes one step: writes it down, calls, and writes down what came of it. False: somebody
// else was faster, or nothing has changed.
func (l *lane) do(ctx context.Context, v *view, p plan) (bool, error) {
	p.before = v.Ticket
	if p.write {
		if did, err := l.put(ctx, v, p); !did || err != nil {
			return false, err
		}
	}
	if p.call == callNone {
		return true, nil
	}
	if p.call.sends() {
		l.rate.note(l.now())
	}
	a := l.ask(ctx, v, p)
	v.now = l.now()
	for range pushTries {
		after := v.settle(p, a)
		if !after.write {
			return p.write, nil
		}
		did, err := l.put(ctx, v, after)
		if did && err == nil && v.arrivedTwice(p.call) {
			return true, l.doubles(ctx, v)
		}
		if did || err != nil || p.call != callNote {
			return did, err
		}
		// While the note was out somebody has told of the ticket, or wants it asked for.
		if err := l.reread(ctx, v); err != nil {
			return false, err
		}
	}
	return false, nil
}

// reread takes the case and the ticket as they are in the Store now.
func (l *lane) reread(ctx context.Context, v *view) error {
	ct, found, err := l.r.tools.Store.Case(ctx, v.Ticket.Ref)
	if err == nil && !found {
		err = city.ErrNoCase
	}
	if err != nil {
		return fmt.Errorf("read %s anew: %w", v.Ticket.Ref, err)
	}
	v.Case, v.Ticket = ct.Case, ct.Ticket
	return nil
}

// ask makes a call and says what came of it.
func (l *lane) ask(ctx context.Context, v *view, p plan) answer {
	var a answer
	var err error
	o, id := v.order(), v.Ticket.ExternalID
	switch p.call {
	case callRenew:
		if err = l.r.tools.Road.Renew(ctx, v.Ticket.Ref); err != nil {
			l.complain("the road does not renew", v.Ticket.Ref, err)
			a.failure = city.AsFailure(err)
		}
		return a
	case callLetGo:
		if err = l.letGo(ctx, v); err != nil {
			l.complain("the road does not release", v.Ticket.Ref, err)
			a.failure = city.AsFailure(err)
		}
		return a
	case callCreate:
		if a.id, err = l.system.Create(ctx, o); err == nil && a.id == "" {
			err = fmt.Errorf("%s gave no number for the new ticket", l.name)
		}
	case callFind:
		if a.id, a.found, err = l.system.Find(ctx, o); err == nil && a.found && a.id == "" {
			err = &city.Failure{Outcome: city.Retry, Err: fmt.Errorf("%s found a ticket without a number", l.name)}
		}
	case callReopen:
		err = l.reopen(ctx, v, o, !p.write)
	case callNote:
		err = l.system.(Noter).Note(ctx, o, id, p.key, p.text)
	case callClose:
		a, err = l.close(ctx, o, id)
	}
	if err != nil {
		a.failure = l.failed(p.call, v, err)
		if unanswered(a.failure) {
			a.pause = l.away(a.failure)
			if a.failure.After == 0 {
				a.own = l.now().Add(l.circuit.wait(v.Ticket.Attempts + ahead(p.call)))
			}
		}
		return a
	}
	if p.call == callFind && !a.found {
		// A ticket system that answers searches but loses creates is not well again yet, so
		// this ends no pause.
		l.count(p.call, "ok")
		return a
	}
	l.answered(p.call, "ok")
	return a
}

// letGo has the road end the safety brake's hold, and reads what it has written.
func (l *lane) letGo(ctx context.Context, v *view) error {
	if err := l.r.tools.Road.Release(ctx, v.Ticket.Ref); err != nil {
		return err
	}
	return l.reread(ctx, v)
}

// ahead is how many failures in a row a failure makes beyond those counted: a create is
// counted before it goes out.
func ahead(c call) int {
	if c == callCreate {
		return 0
	}
	return 1
}

// close closes a ticket that is not closed there yet: what people have done there is not
// taken for ours.
func (l *lane) close(ctx context.Context, o city.Order, id string) (a answer, err error) {
	if w, ok := l.system.(Watcher); ok {
		a.remote, a.found, err = w.Status(ctx, id)
		if err != nil {
			return a, undone(err)
		}
		if a.found && a.remote.Progress.Over() {
			a.asked = true
			return a, nil
		}
	}
	return a, l.system.Close(ctx, o, id)
}

// undone is the failure of a question: without an answer too it has changed nothing.
func undone(err error) error {
	f := *city.AsFailure(err)
	if f.Outcome == city.Unsure {
		f.Outcome = city.Retry
	}
	return &f
}

// reopen opens a ticket again, but not one that people have done something with since we
// closed it, or, when it is tried again, may have closed since we opened it.
func (l *lane) reopen(ctx context.Context, v *view, o city.Order, again bool) error {
	id := v.Ticket.ExternalID
	if w, ok := l.system.(Watcher); ok {
		r, found, err := w.Status(ctx, id)
		ours := strings.Contains(r.Notes, v.words.closing(&v.earlier.Case)) ||
			!again && r.Notes == "" && !r.Updated.After(v.earlier.Ticket.Checked.Add(slack))
		switch {
		case err != nil:
			return undone(err)
		case found && again && r.Progress != "" && !r.Progress.Over():
			return nil
		case !found, r.Progress == city.ProgressRejected, r.Progress == city.ProgressDuplicate, r.Progress.Over() && !ours:
			return &city.Failure{Outcome: city.Refused, Err: fmt.Errorf("people have done something with %s", id)}
		}
	}
	return l.system.(Reopener).Reopen(ctx, o, id)
}

// put writes a step down; false: somebody else was faster, and the step is dropped.
func (l *lane) put(ctx context.Context, v *view, p plan) (bool, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	t := p.ticket
	t.Updated = l.now()
	if p.mute != nil {
		if _, err := l.r.tools.Store.Mute(ctx, *p.mute); err != nil {
			return false, fmt.Errorf("mute what %s is about: %w", t.Ref, err)
		}
		v.mutes = append(slices.Clip(v.mutes), *p.mute)
	}
	var wishes []int64
	if p.wish != 0 {
		wishes = append(wishes, p.wish)
	}
	err := l.r.tools.Store.PutTicket(ctx, t, city.TicketEntry{At: t.Updated, State: t.State, By: p.by, Note: p.note}, wishes...)
	if errors.Is(err, city.ErrStale) {
		l.r.metrics.stale.Inc()
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("write ticket %s: %w", t.Ref, err)
	}
	if t.State != v.Ticket.State {
		l.r.metrics.moves.WithLabelValues(l.name, string(t.State)).Inc()
	}
	if p.wish != 0 {
		l.granted(v, p)
	}
	t.Version++
	v.Ticket = t
	return true, nil
}

func (l *lane) granted(v *view, p plan) {
	result := "granted"
	if p.denied {
		result = "refused"
	}
	l.r.metrics.wishes.WithLabelValues(string(v.Wishes[0].Kind), result).Inc()
	v.Wishes = v.Wishes[1:]
}

// order is what the ticket system is told.
func (v *view) order() city.Order {
	t := &v.Ticket
	w := v.words
	if t.Follows != "" && v.earlier.Case.Ref == t.Follows && t.ExternalID != v.earlier.Ticket.ExternalID {
		w.follows = v.earlier.Ticket.ExternalID
	}
	o := w.order(v.Case, v.asset)
	o.SentAt, o.At = t.SentAt, t.Noted
	if t.End == city.EndHuman {
		// It is closed although the case may be wanted.
		o.Closing = v.closing()
		if o.Case.Closed.IsZero() {
			o.Case.Closed = t.Noted
		}
	}
	return o
}

// unanswered tells whether a failure says nothing but that the ticket system cannot be reached,
// or may not be.
func unanswered(f *city.Failure) bool { return f.Outcome == city.Retry || f.Outcome == city.Unsure }

// away notes that the ticket system cannot be reached, and gives the end of the pause.
func (l *lane) away(f *city.Failure) time.Time {
	l.r.metrics.down.WithLabelValues(l.name).Set(1)
	return l.circuit.fail(l.now(), f.After, f.Error())
}

// answered notes that the ticket system is there.
func (l *lane) answered(c call, result string) {
	l.count(c, result)
	l.r.metrics.down.WithLabelValues(l.name).Set(0)
	if news, since := l.circuit.ok(); news {
		l.said = ""
		l.log.Info().Dur("after", l.now().Sub(since)).Msg("ticket system answers again")
	}
}

// failed counts and logs a failure. A refusal is an answer too.
func (l *lane) failed(c call, v *view, err error) *city.Failure {
	f := city.AsFailure(err)
	l.complain(string(c)+" failed", v.Ticket.Ref, err)
	if f.Outcome == city.Refused || f.Outcome == city.Cannot && c != callFind { // without a search nobody was asked
		l.answered(c, f.Outcome.String())
	} else {
		l.count(c, f.Outcome.String())
	}
	return f
}

func (l *lane) count(c call, result string) {
	l.r.metrics.calls.WithLabelValues(l.name, string(c), result).Inc()
}

// complain logs a failure, once until its text changes.
func (l *lane) complain(msg, ref string, err error) {
	level := zerolog.WarnLevel
	if l.said == err.Error() {
		level = zerolog.DebugLevel
	}
	l.said = err.Error()
	event := l.log.WithLevel(level).Err(err)
	if ref != "" {
		event.Str("ref", ref)
	}
	event.Msg(msg)
}
