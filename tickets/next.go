package tickets

import (
	"fmt"
	"strconv"
	"time"

	"meldefunk/city"
)

// next decides the one next thing for a ticket; false: there is none now.
func (v *view) next() (plan, bool) {
	t := &v.Ticket
	waits := t.Next.After(v.now)
	if t.State == city.TicketSending {
		// Somebody may be sending it. When nobody can be any more, the create may have
		// arrived: the process ended, or the Store failed, after this was written.
		if waits {
			return plan{}, false
		}
		return v.lost(), true
	}
	if len(v.Wishes) > 0 {
		return v.grant(&v.Wishes[0])
	}
	if t.Hold != "" && !final(t.State) {
		if t.HoldUntil.IsZero() || v.now.Before(t.HoldUntil) {
			return plan{}, false
		}
		p := v.to(t.State, "Zurückstellung abgelaufen")
		p.ticket.Hold, p.ticket.HoldUntil = "", time.Time{}
		return p, true
	}
	if v.due(waits) && !v.can.known && !final(t.State) && t.State != city.TicketParked {
		return v.parked(fmt.Sprintf("Das Ticketsystem %q ist nicht mehr eingerichtet", t.System)), true
	}
	switch t.State {
	case city.TicketQueued, city.TicketMuted:
		return v.queued(waits)
	case city.TicketUnsure:
		return v.goes(callFind), !waits
	case city.TicketReopening:
		if !v.Case.Wanted() {
			return v.ending("Nicht mehr nötig: wird geschlossen"), true
		}
		return v.goes(callReopen), !waits
	case city.TicketOpen, city.TicketAcknowledged:
		if !v.Case.Wanted() {
			return v.over(), true
		}
		return v.grown(waits)
	case city.TicketClosing:
		return v.goes(callClose), !waits
	case city.TicketClosed:
		again := t.End == city.EndHuman || t.End == city.EndGone
		return v.goes(callRenew), again && v.Case.Wanted() && !waits
	}
	// The other states wait for a human. A Store that hands them out is wrong, and must not
	// keep anybody busy.
	return plan{}, false
}

// due tells whether anything is to be done in the present state.
func (v *view) due(waits bool) bool {
	switch v.Ticket.State {
	case city.TicketOpen, city.TicketAcknowledged:
		return !v.Case.Wanted()
	case city.TicketCleared, city.TicketManual, city.TicketHeld:
		return false
	case city.TicketQueued, city.TicketMuted:
		return !waits && v.Case.Wanted()
	}
	return !waits
}

// queued decides about a ticket of which nothing has been sent, or of which that certainly
// did not arrive.
func (v *view) queued(waits bool) (plan, bool) {
	t := &v.Ticket
	switch {
	case waits && t.State == city.TicketQueued && v.Case.Wanted():
		return plan{}, false
	case t.Creates >= v.maxCreates:
		// What may have arrived comes first: nobody would close it otherwise.
		return v.parked("Gesendet und nie wiedergefunden: bitte im Ticketsystem nachsehen"), true
	case !v.Case.Wanted():
		return v.to(city.TicketCancelled, "Nicht mehr nötig"), true
	}
	if m := v.muted(); m != nil {
		return v.mute(m)
	}
	if t.State == city.TicketMuted {
		return v.to(city.TicketQueued, "Keine Stummschaltung mehr"), true
	}
	if v.reopenable() {
		p := v.to(city.TicketReopening, "Befund besteht wieder: "+v.earlier.Ticket.ExternalID+" wird wieder geöffnet")
		p.ticket.ExternalID, p.ticket.Follows, p.ticket.Noted = v.earlier.Ticket.ExternalID, v.earlier.Case.Ref, v.now
		p.ticket.Attempts, p.call = 0, callReopen
		return p, true
	}
	if at := v.route.Hours.Next(v.now); at.After(v.now) {
		p := v.wait(earliest(at, v.now.Add(patience)))
		if v.now.Before(v.Case.Opened.Add(patience)) { // said once
			p.note = "Wartet auf die Meldezeit ab " + at.In(v.words.zone).Format("02.01.2006, 15:04") + " Uhr"
		}
		return p, true
	}
	p := v.to(city.TicketSending, fmt.Sprintf("Anlegen, Versuch %d", t.Attempts+1))
	p.ticket.SentAt, p.ticket.Next = v.now, v.now.Add(lease)
	p.ticket.Creates++
	p.ticket.Attempts++
	if t.Follows == "" && v.follows() {
		p.ticket.Follows = v.earlier.Case.Ref
	}
	p.call = callCreate
	return p, true
}

func (v *view) mute(m *city.Mute) (plan, bool) {
	t, until := &v.Ticket, m.Until
	if until.IsZero() || until.After(v.now.Add(time.Hour)) {
		until = v.now.Add(time.Hour) // whoever lifts it makes the ticket due; this is for who forgets
	}
	if t.State == city.TicketMuted {
		return v.wait(until), true
	}
	p := v.to(city.TicketMuted, "Stummgeschaltet von "+m.By+": "+m.Reason)
	p.ticket.Next = until
	return p, true
}

// follows tells whether the ticket should name the one before it: a human closed that, or
// we did a short while ago.
func (v *view) follows() bool {
	e := &v.earlier
	return e.Case.Ref != "" && e.Ticket.ExternalID != "" && (v.Case.Follows == e.Case.Ref || v.soon())
}

// soon tells whether we closed the ticket of the earlier case a short while ago.
func (v *view) soon() bool {
	e := &v.earlier
	return e.Ticket.State == city.TicketClosed && e.Ticket.End == city.EndUs && !e.Case.Closed.IsZero() &&
		v.Case.Opened.Sub(e.Case.Closed) <= v.route.ReopenWithin
}

// reopenable tells whether the ticket of the earlier case is opened again. That is repeated
// until it is answered: where nobody can tell what came of it, twice must do no harm.
func (v *view) reopenable() bool {
	e := &v.earlier
	return v.can.reopens && (v.can.watches || v.route.AtLeastOnce) && v.Ticket.Follows == "" && v.Ticket.Creates == 0 && v.route.ReopenWithin > 0 &&
		e.Case.Ref != "" && e.Ticket.ExternalID != "" && e.Ticket.System == v.Ticket.System &&
		v.Case.Follows == "" && v.soon()
}

// over decides about a ticket that the ticket system has and whose case is over.
func (v *view) over() plan {
	t := &v.Ticket
	ours := v.can.closes && v.route.AutoClose != AutoCloseNever &&
		(v.route.AutoClose == AutoCloseAlways || t.Remote.Progress != city.ProgressWorking)
	if ours {
		return v.ending("Befund besteht nicht mehr: wird geschlossen")
	}
	const note = "Befund besteht nicht mehr: bitte von Hand schließen"
	p := v.to(city.TicketCleared, note)
	if !v.can.watches {
		// Nobody would ever tell us that it is closed.
		p = v.to(city.TicketClosed, note)
		p.ticket.End = city.EndUs
	}
	if v.can.notes && !v.can.listed {
		p.ticket.Noted = v.now
		p.call, p.key, p.text = callNote, v.key("over"), v.words.cleared(&v.Case)
	}
	return p
}

// grown tells the ticket system that it has become worse, or concerns more.
func (v *view) grown(waits bool) (plan, bool) {
	t, c := &v.Ticket, &v.Case
	worse, joined := c.Grade > t.Told, v.joined()
	if !worse && len(joined) == 0 || waits {
		return plan{}, false // also where some have left: nobody needs to know
	}
	tell := v.can.known && v.can.notes && !v.can.listed && t.Told != 0 // 0: from before we noted that
	gap := memberGap
	if worse {
		gap = gradeGap
	}
	if len(joined) > 0 {
		gap = memberGap
	}
	if tell && !t.Noted.IsZero() && v.now.Before(t.Noted.Add(gap)) {
		return v.wait(t.Noted.Add(gap)), true
	}
	p := v.wait(v.now)
	p.ticket.Told, p.ticket.ToldMembers = max(c.Grade, t.Told), c.Members
	if tell {
		p.ticket.Noted = v.now
		p.call, p.key, p.text = callNote, v.key("note"), v.words.grown(c, worse, joined)
		p.note = "Nachtrag gesendet: " + p.text
	}
	return p, true
}

// escalate tells the ticket system once that nobody looks after a ticket; false: it is not
// time, or it need not.
func (v *view) escalate() (plan, bool) {
	t := &v.Ticket
	after := v.route.EscalateAfter
	if t.State != city.TicketOpen || !t.Escalated.IsZero() || t.Hold != "" || !v.Case.Wanted() ||
		after <= 0 || v.now.Before(v.Case.Opened.Add(after)) {
		return plan{}, false
	}
	p := v.wait(t.Next)
	p.ticket.Escalated, p.ticket.Noted = v.now, v.now
	p.note = "Noch von niemandem übernommen"
	if v.can.notes && !v.can.listed {
		p.call, p.key, p.text = callNote, v.key("lead"), v.words.idle(&v.Case)
		p.note += ": Nachtrag gesendet"
	}
	return p, true
}

// lost begins the search for a ticket whose create may have arrived.
func (v *view) lost() plan {
	p := v.to(city.TicketUnsure, "Ausgang des Anlegens unbekannt: es wird gesucht")
	p.ticket.Attempts, p.ticket.Next = 0, v.now.Add(v.searchAfter[0])
	return p
}

// parked leaves a ticket to a human.
func (v *view) parked(why string) plan {
	p := v.to(city.TicketParked, why)
	if p.ticket.Error == "" {
		p.ticket.Error = why
	}
	return p
}

// key names a note within its case.
func (v *view) key(what string) string {
	return what + "-" + strconv.FormatInt(v.now.Unix(), 36)
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
