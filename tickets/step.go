package tickets

import (
	"context"
	"fmt"
	"slices"

	"meldefunk/city"
)

// advance takes one case as far as it gets without waiting. An error is the Store's.
func (r *Reconciler) advance(ctx context.Context, ct city.CaseTicket) (moved bool, err error) {
	for {
		did, err := r.step(ctx, &ct)
		if err != nil || !did {
			return moved, err
		}
		moved = true
		if ctx.Err() != nil || !r.due(&ct) {
			return moved, nil
		}
		// The first search after a lost answer may go out at once: it tells whether the
		// ticket system is down or only dropped this one answer.
		if r.circuit.paused(r.now()) && ct.Ticket.State != city.TicketUnsure {
			return moved, nil
		}
	}
}

func (r *Reconciler) due(ct *city.CaseTicket) bool {
	return !ct.Settled() && ct.Ticket.State != city.TicketParked && !ct.Ticket.Next.After(r.now())
}

// step does the one next thing for a case; false: there is none.
func (r *Reconciler) step(ctx context.Context, ct *city.CaseTicket) (bool, error) {
	t, wanted := &ct.Ticket, ct.Case.Wanted()
	switch t.State {
	case city.TicketQueued, "":
		// What may have arrived comes first: nobody would close it otherwise.
		if t.Creates >= r.cfg.MaxCreates {
			return true, r.move(ctx, t, city.TicketParked, "Gesendet und nie wiedergefunden: bitte im Ticketsystem nachsehen")
		}
		if !wanted {
			return true, r.move(ctx, t, city.TicketCancelled, "Nicht mehr nötig")
		}
		return true, r.create(ctx, ct)
	case city.TicketSending:
		// One case is worked on at a time, so nobody is sending it now: the process ended,
		// or the Store failed, after this was written.
		return true, r.unsure(ctx, t)
	case city.TicketUnsure:
		return true, r.search(ctx, ct)
	case city.TicketOpen:
		if wanted {
			return r.tell(ctx, ct)
		}
		t.Attempts = 0
		return true, r.move(ctx, t, city.TicketClosing, "Befund besteht nicht mehr: wird geschlossen")
	case city.TicketClosing:
		return true, r.close(ctx, ct)
	}
	// The other states are ends. A Store that hands them out is wrong, and must not keep
	// this loop busy.
	return false, nil
}

// tell notes how bad an open case has become, and its members.
func (r *Reconciler) tell(ctx context.Context, ct *city.CaseTicket) (bool, error) {
	t, c := &ct.Ticket, &ct.Case
	if c.Grade <= t.Told && slices.Equal(c.Members, t.ToldMembers) {
		return false, nil
	}
	t.Told, t.ToldMembers = c.Grade, c.Members
	return true, r.move(ctx, t, city.TicketOpen, "Befund hat sich geändert")
}

func (r *Reconciler) create(ctx context.Context, ct *city.CaseTicket) error {
	t := &ct.Ticket
	t.SentAt = r.now()
	t.Told, t.ToldMembers = ct.Case.Grade, ct.Case.Members
	t.Creates++
	t.Attempts++
	if err := r.move(ctx, t, city.TicketSending, fmt.Sprintf("Anlegen, Versuch %d", t.Attempts)); err != nil {
		return err
	}
	id, err := r.system.Create(ctx, r.order(ct))
	if err == nil && id == "" {
		err = fmt.Errorf("%s gave no number for the new ticket", r.system.Name())
	}
	if err == nil {
		r.answered("create", "ok")
		return r.opened(ctx, t, id, "Angelegt als "+id)
	}

	f := r.failed("create", ct, err)
	switch f.Outcome {
	case city.Retry:
		t.Creates-- // it certainly did not arrive
		return r.later(ctx, t, city.TicketQueued, f)
	case city.Refused, city.Cannot:
		t.Creates--
		return r.refused(ctx, t, f)
	}
	if f.Accepted {
		t.Creates = r.cfg.MaxCreates // it has arrived: no other create, whatever a search says
	}
	r.circuit.fail(r.now(), f.After, f.Error())
	r.metrics.down.Set(1)
	t.Error = f.Error()
	return r.unsure(ctx, t)
}

// unsure begins the search for a ticket whose create may have arrived.
func (r *Reconciler) unsure(ctx context.Context, t *city.Ticket) error {
	t.Attempts = 0
	t.Next = r.now().Add(r.cfg.SearchAfter[0])
	return r.put(ctx, t, city.TicketUnsure, "Ausgang des Anlegens unbekannt: es wird gesucht")
}

// search looks for a ticket whose create went out without an answer. Attempts counts the
// searches that found nothing.
func (r *Reconciler) search(ctx context.Context, ct *city.CaseTicket) error {
	t := &ct.Ticket
	id, found, err := r.system.Find(ctx, r.order(ct))
	if err == nil && found && id == "" {
		err = &city.Failure{Outcome: city.Retry, Err: fmt.Errorf("%s found a ticket without a number", r.system.Name())}
	}
	if err != nil {
		f := r.failed("find", ct, err)
		if f.Outcome == city.Refused || f.Outcome == city.Cannot {
			return r.refused(ctx, t, f)
		}
		return r.again(ctx, t, city.TicketUnsure, f, 0)
	}
	if found {
		r.answered("find", "ok")
		return r.opened(ctx, t, id, "Wiedergefunden als "+id)
	}

	// A ticket system that answers searches but loses creates is not well again yet, so
	// this ends no pause.
	r.metrics.calls.WithLabelValues("find", "ok").Inc()
	n := t.Attempts
	t.Attempts++
	if t.Attempts < len(r.cfg.SearchAfter) {
		t.Next = r.now().Add(r.cfg.SearchAfter[t.Attempts] - r.cfg.SearchAfter[n])
		return r.put(ctx, t, city.TicketUnsure, fmt.Sprintf("Suche %d: nicht gefunden", t.Attempts))
	}
	t.Attempts = 0
	return r.move(ctx, t, city.TicketQueued, "Nicht gefunden")
}

func (r *Reconciler) close(ctx context.Context, ct *city.CaseTicket) error {
	t := &ct.Ticket
	err := r.system.Close(ctx, r.order(ct), t.ExternalID)
	if err == nil {
		r.answered("close", "ok")
		t.Attempts, t.Error = 0, ""
		return r.move(ctx, t, city.TicketClosed, "Geschlossen")
	}
	f := r.failed("close", ct, err)
	switch f.Outcome {
	case city.Cannot:
		t.Error = f.Error()
		return r.move(ctx, t, city.TicketClosed, "Das Ticketsystem lässt sich nicht von hier schließen: bitte "+t.ExternalID+" dort von Hand schließen")
	case city.Refused:
		return r.refused(ctx, t, f)
	}
	return r.later(ctx, t, city.TicketClosing, f) // closing twice does no harm
}

// order puts together what the ticket system is told.
func (r *Reconciler) order(ct *city.CaseTicket) city.Order {
	asset, ok := r.assets.Asset(ct.Case.Asset)
	if !ok {
		asset = nil
	}
	o := r.words.order(ct.Case, asset)
	o.SentAt = ct.Ticket.SentAt
	return o
}

// opened notes the number; if the case has ended meanwhile, the next step closes it.
func (r *Reconciler) opened(ctx context.Context, t *city.Ticket, id, note string) error {
	t.ExternalID, t.Attempts, t.Error = id, 0, ""
	return r.move(ctx, t, city.TicketOpen, note)
}

func (r *Reconciler) refused(ctx context.Context, t *city.Ticket, f *city.Failure) error {
	t.Error = f.Error()
	return r.move(ctx, t, city.TicketParked, "Abgelehnt, bitte ansehen: "+f.Error())
}

// later notes a try of this step that failed and puts the next one off, longer each time.
func (r *Reconciler) later(ctx context.Context, t *city.Ticket, state city.TicketState, f *city.Failure) error {
	if state == city.TicketClosing {
		t.Attempts++
	}
	return r.again(ctx, t, state, f, t.Attempts)
}

// again pauses all sending, and this ticket at least as long as its own n-th failure asks
// for; n = 0: just as long.
func (r *Reconciler) again(ctx context.Context, t *city.Ticket, state city.TicketState, f *city.Failure, n int) error {
	now := r.now()
	t.Next = r.circuit.fail(now, f.After, f.Error())
	r.metrics.down.Set(1)
	if own := now.Add(r.circuit.wait(n)); n > 0 && f.After == 0 && own.After(t.Next) {
		t.Next = own
	}
	t.Error = f.Error()
	return r.put(ctx, t, state, "Ticketsystem nicht erreichbar, nächster Versuch folgt: "+f.Error())
}

// answered notes that the ticket system is there.
func (r *Reconciler) answered(action, result string) {
	r.metrics.calls.WithLabelValues(action, result).Inc()
	r.metrics.down.Set(0)
	if news, since := r.circuit.ok(); news {
		r.said = ""
		r.log.Info().Dur("after", r.now().Sub(since)).Msg("ticket system answers again")
	}
}

// failed counts and logs a failure. A refusal is an answer too.
func (r *Reconciler) failed(action string, ct *city.CaseTicket, err error) *city.Failure {
	f := city.AsFailure(err)
	r.complain(action+" failed", ct.Case.Ref, err)
	if f.Outcome == city.Refused || f.Outcome == city.Cannot {
		r.answered(action, f.Outcome.String())
	} else {
		r.metrics.calls.WithLabelValues(action, f.Outcome.String()).Inc()
	}
	return f
}

// move writes a ticket in a state that may be worked on at once.
func (r *Reconciler) move(ctx context.Context, t *city.Ticket, state city.TicketState, note string) error {
	t.Next = r.now()
	return r.put(ctx, t, state, note)
}

func (r *Reconciler) put(ctx context.Context, t *city.Ticket, state city.TicketState, note string) error {
	if t.State != state {
		r.metrics.moves.WithLabelValues(string(state)).Inc()
	}
	t.State, t.Updated = state, r.now()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	if err := r.store.PutTicket(ctx, *t, city.TicketEntry{At: t.Updated, State: state, Note: note}); err != nil {
		return fmt.Errorf("write ticket %s: %w", t.Ref, err)
	}
	t.Version++
	return nil
}
