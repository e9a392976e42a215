package tickets

import (
	"context"
	"strings"
	"time"

	"meldefunk/city"
)

// turnUp is how long after a repeated create the ticket of an earlier one may turn up: as long
// as a city takes to release what was reported.
const turnUp = 24 * time.Hour

// arrivedTwice tells whether the ticket has just got its number in a way that leaves room for
// a second ticket: by a search, or by a create that was repeated.
func (v *view) arrivedTwice(c call) bool {
	return v.Ticket.ExternalID != "" && !final(v.Ticket.State) && (c == callFind || c == callCreate && v.Ticket.Creates > 1)
}

// mayTurnUp tells whether a second ticket is still to be looked for.
func (v *view) mayTurnUp() bool {
	t := &v.Ticket
	return t.Creates > 1 && (t.State == city.TicketOpen || t.State == city.TicketAcknowledged) && v.now.Sub(t.SentAt) < turnUp
}

// turnedUp looks what another ticket with the reference of a case is, also where ours is closed
// already: nobody else would close it.
func (l *lane) turnedUp(ctx context.Context, ref string) error {
	ct, known, err := l.r.tools.Store.Case(ctx, ref)
	if err != nil {
		return err
	}
	t := &ct.Ticket
	if !known || t.System != l.name || t.ExternalID == "" || t.State == city.TicketClosing || !watched(t) && t.State != city.TicketClosed ||
		l.now().Sub(t.SentAt) >= turnUp || l.circuit.paused(l.now()) {
		return nil
	}
	v, err := l.look(ctx, &ct)
	if err != nil {
		return err
	}
	return l.doubles(ctx, v)
}

// doubles looks for further tickets of the case and closes those that certainly come from us
// and that nobody has touched. The oldest stays; where it is not the one we know, it is put
// down as ours before the other is closed. What is doubtful is left as it is, and told. It may
// be repeated, whatever became of the last time.
func (l *lane) doubles(ctx context.Context, v *view) error {
	d, ok := l.system.(Doubler)
	if !ok || v.Ticket.Hold != "" || ctx.Err() != nil {
		return nil
	}
	found, err := d.Doubles(ctx, v.order(), v.Ticket.ExternalID)
	if err != nil {
		if f := l.failed(callFind, v, err); unanswered(f) {
			l.away(f)
		}
		return nil // it is looked for again
	}
	l.count(callFind, "ok")
	var left []string
	for i := range found {
		v.now = l.now()
		p, shut, why := v.double(&found[i])
		if why != "" {
			left = append(left, found[i].ID+" ("+why+")")
		}
		if shut == "" {
			continue
		}
		if p.write {
			if did, err := l.put(ctx, v, p); !did || err != nil {
				return err
			}
		}
		o := v.order()
		o.Case.Closed, o.Closing = v.now, v.words.double(&v.Case, v.Ticket.ExternalID, final(v.Ticket.State))
		p = v.wait(v.Ticket.Next)
		p.note = shut + " trug dieselbe Referenz: als Dublette von " + v.Ticket.ExternalID + " geschlossen"
		if err := l.system.Close(ctx, o, shut); err != nil {
			f := l.failed(callClose, v, err)
			if unanswered(f) {
				l.away(f)
				return nil
			}
			left = append(left, shut+" ("+f.Error()+")")
			continue
		}
		l.answered(callClose, "ok")
		if did, err := l.put(ctx, v, p); !did || err != nil {
			return err
		}
	}
	return l.leave(ctx, v, left)
}

// double decides about another ticket with the same reference: the number to close, after p is
// written, or why both stay. Neither: it is over there already.
func (v *view) double(d *city.Double) (p plan, shut, why string) {
	over := final(v.Ticket.State) || v.Ticket.State == city.TicketCleared // ours is the one that counts
	switch {
	case d.Progress.Over():
		return plan{}, "", ""
	case d.Doubt != "":
		return plan{}, "", d.Doubt
	case !v.can.closes || v.route.AutoClose == AutoCloseNever:
		return plan{}, "", "wird nicht von hier geschlossen"
	case v.Ticket.End == city.EndGone:
		return plan{}, "", v.Ticket.ExternalID + " ist dort nicht mehr zu finden"
	case v.touched(d.Remote) && (!d.Older || over):
		return plan{}, "", "dort schon bearbeitet"
	case !d.Older || over:
		return plan{}, d.ID, ""
	case v.touched(v.Ticket.Remote):
		return plan{}, "", v.Ticket.ExternalID + " ist dort schon bearbeitet"
	}
	shut = v.Ticket.ExternalID
	p = v.wait(v.Ticket.Next)
	p.ticket.ExternalID, p.ticket.Remote = d.ID, d.Remote
	p.note = "Älteres Ticket " + d.ID + " mit derselben Referenz gefunden: es gilt"
	return p, shut, ""
}

// touched tells whether people have done something with a ticket there.
func (v *view) touched(r city.Remote) bool {
	return r.Progress != "" && r.Progress != city.ProgressOpen || r.Notes != "" && !strings.Contains(r.Notes, Marker(v.Ticket.Ref))
}

// leave says once which other tickets carry the reference and stay open.
func (l *lane) leave(ctx context.Context, v *view, left []string) error {
	if len(left) == 0 {
		return nil
	}
	p := v.wait(v.Ticket.Next)
	p.note = "Dieselbe Referenz trägt auch " + strings.Join(left, ", ") + ": bitte im Ticketsystem ansehen"
	if v.Ticket.Error == p.note {
		return nil
	}
	p.ticket.Error = p.note
	_, err := l.put(ctx, v, p)
	return err
}
