package tickets

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"meldefunk/city"
)

// answer is what came of a call.
type answer struct {
	id      string
	found   bool
	remote  city.Remote // of a close that found the ticket closed
	asked   bool        // remote and found are told
	failure *city.Failure
	pause   time.Time // of a failure: until when the ticket system is left alone
	own     time.Time // until when this ticket waits after its own failures in a row
}

// settle decides what follows from an answer. p is the step that made the call; its ticket
// is in the Store if it was written, and Ticket of the view is that ticket.
func (v *view) settle(p plan, a answer) plan {
	switch p.call {
	case callCreate:
		return v.created(a)
	case callFind:
		return v.searched(a)
	case callReopen:
		return v.reopened(a)
	case callClose:
		return v.closed(a)
	case callNote:
		return v.noted(p, a)
	case callLetGo:
		return v.letGo(a)
	}
	return v.renewed(a)
}

func (v *view) created(a answer) plan {
	f := a.failure
	if f == nil {
		p := v.to(there(&v.Ticket), "Angelegt als "+a.id)
		v.arrived(&p.ticket, a.id)
		return p
	}
	switch f.Outcome {
	case city.Retry:
		p := v.later(city.TicketQueued, a)
		p.ticket.Creates-- // it certainly did not arrive
		return p
	case city.Refused, city.Cannot:
		p := v.refused(f)
		p.ticket.Creates--
		return p
	}
	p := v.lost()
	p.ticket.Error = f.Error()
	if f.Accepted {
		p.ticket.Creates = max(p.ticket.Creates, v.maxCreates) // it has arrived: no other create, whatever a search says
	}
	return p
}

// searched goes on after a search. Attempts counts the searches that found nothing.
func (v *view) searched(a answer) plan {
	t, f := &v.Ticket, a.failure
	if f != nil && f.Outcome == city.Cannot && v.route.AtLeastOnce && t.Creates < v.maxCreates {
		p := v.to(city.TicketQueued, "Ob es angekommen ist, lässt sich nicht feststellen: es wird noch einmal gesendet")
		p.ticket.Attempts, p.ticket.Next = 0, v.now.Add(v.searchAfter[len(v.searchAfter)-1]) // no sooner than after a search
		return p
	}
	if f != nil {
		switch {
		case f.Ambiguous, f.Outcome == city.Cannot:
			p := v.to(city.TicketManual, "Bitte nachsehen und verknüpfen oder wiederholen: "+f.Error())
			p.ticket.Error = f.Error()
			return p
		case f.Outcome == city.Refused:
			return v.refused(f)
		}
		a.own = time.Time{} // a search harms nobody: no longer pause than the ticket system's
		return v.later(city.TicketUnsure, a)
	}
	if a.found {
		p := v.to(there(t), "Wiedergefunden als "+a.id)
		v.arrived(&p.ticket, a.id)
		return p
	}
	n := t.Attempts
	if n+1 < len(v.searchAfter) {
		p := v.to(city.TicketUnsure, fmt.Sprintf("Suche %d: nicht gefunden", n+1))
		p.ticket.Attempts = n + 1
		p.ticket.Next = v.now.Add(v.searchAfter[n+1] - v.searchAfter[n])
		return p
	}
	p := v.to(city.TicketQueued, "Nicht gefunden")
	p.ticket.Attempts = 0
	return p
}

func (v *view) reopened(a answer) plan {
	t, f := &v.Ticket, a.failure
	if f == nil {
		p := v.to(there(t), t.ExternalID+" wieder geöffnet")
		v.arrived(&p.ticket, t.ExternalID)
		p.ticket.Creates = 0
		return p
	}
	if f.Outcome == city.Refused || f.Outcome == city.Cannot {
		p := v.to(city.TicketQueued, "Lässt sich nicht wieder öffnen, ein neues Ticket folgt: "+f.Error())
		p.ticket.ExternalID, p.ticket.Attempts, p.ticket.Creates = "", 0, 0
		return p
	}
	return v.again(city.TicketReopening, "wieder zu öffnen", a)
}

func (v *view) closed(a answer) plan {
	t, f := &v.Ticket, a.failure
	if a.asked && a.found && a.remote.Progress.Over() {
		return v.observe(a.remote, true)
	}
	end := city.EndUs
	if t.End != "" {
		end = t.End
	}
	switch {
	case f == nil:
		p := v.to(city.TicketClosed, "Geschlossen")
		v.ended(&p.ticket, end)
		p.ticket.Error, p.ticket.Checked = "", v.now
		return p
	case f.Outcome == city.Cannot:
		note := "Das Ticketsystem lässt sich nicht von hier schließen: bitte " + t.ExternalID + " dort von Hand schließen"
		p := v.to(city.TicketCleared, note)
		if end == city.EndHuman || !v.can.watches || v.Case.Wanted() {
			p.ticket.State = city.TicketClosed
			v.ended(&p.ticket, end)
		}
		p.ticket.Error = f.Error()
		return p
	case f.Outcome == city.Refused:
		return v.refused(f)
	}
	return v.again(city.TicketClosing, "zu schließen", a) // twice does no harm
}

// again repeats a reopening or a closing that failed, but where it may have arrived only so
// often: a mailbox is not to be filled because its server answers nothing.
func (v *view) again(state city.TicketState, what string, a answer) plan {
	p := v.later(state, a)
	if a.failure.Outcome != city.Unsure {
		return p
	}
	if p.ticket.Creates++; p.ticket.Creates < v.maxCreates {
		return p
	}
	p.ticket.State = city.TicketParked
	p.note = fmt.Sprintf("Aufforderung, %s %s, %d-mal ohne Antwort gesendet: bitte dort nachsehen und wiederholen: %v",
		v.Ticket.ExternalID, what, p.ticket.Creates, a.failure)
	return p
}

// noted goes on after a note; p is the step that wrote it down as told. It goes out again
// only where it certainly did not arrive, and the ticket still stands as p left it: what
// others have told of it meanwhile stays.
func (v *view) noted(p plan, a answer) plan {
	if a.failure == nil {
		return plan{}
	}
	n := v.wait(v.Ticket.Next)
	switch a.failure.Outcome {
	case city.Retry:
		n.note = "Nachtrag nicht angekommen: " + a.failure.Error()
		if v.Ticket.State != p.ticket.State {
			break
		}
		n.note = "Nachtrag nicht angekommen, nächster Versuch folgt: " + a.failure.Error()
		t, was := &n.ticket, &p.before
		t.State, t.End = was.State, was.End
		t.Told, t.ToldMembers, t.Noted, t.Escalated = was.Told, was.ToldMembers, was.Noted, was.Escalated
		t.Next = a.pause
	case city.Refused, city.Cannot:
		n.note = "Nachtrag nicht angenommen: " + a.failure.Error()
	default:
		n.note = "Nachtrag vielleicht nicht angekommen: " + a.failure.Error()
	}
	return n
}

func (v *view) renewed(a answer) plan {
	if a.failure != nil {
		p := v.wait(v.now.Add(renewAgain))
		p.note = "Neue Meldung nicht möglich, nächster Versuch folgt: " + a.failure.Error()
		return p
	}
	p := v.wait(v.now.Add(renewAgain))
	p.note = "Befund besteht weiter: neue Meldung"
	return p
}

// letGo goes on with a wish for a ticket that the safety brake held, as the road has left it.
func (v *view) letGo(a answer) plan {
	w := &v.Wishes[0]
	switch t := &v.Ticket; {
	case a.failure != nil:
		return plan{} // the wish stays
	case t.State == city.TicketHeld:
		return v.deny(w, "die Sicherheitsbremse gibt es nicht frei")
	case w.Kind == city.WishRelease && !final(t.State):
		return v.granted(w, t.State, "Trotz Häufung freigegeben")
	}
	p, _ := v.grant(w)
	return p
}

// arrived notes the ticket system's number, and what it was told with the create.
func (v *view) arrived(t *city.Ticket, number string) {
	t.ExternalID, t.Attempts, t.Error = number, 0, ""
	t.Told, t.ToldMembers = v.Case.Grade, v.Case.Members
	t.Checked, t.Missing, t.MissingSince = v.now, 0, time.Time{}
}

// ended notes who closed a ticket. While the case is wanted that is respected for a while.
func (v *view) ended(t *city.Ticket, end city.TicketEnd) {
	t.State, t.End, t.Attempts = city.TicketClosed, end, 0
	t.Hold, t.HoldUntil = "", time.Time{}
	t.Next = v.now
	if end == city.EndHuman || end == city.EndGone {
		t.Next = v.now.Add(v.respect())
	}
}

func (v *view) refused(f *city.Failure) plan {
	p := v.to(city.TicketParked, "Abgelehnt, bitte ansehen: "+f.Error())
	p.ticket.Error = f.Error()
	return p
}

// later notes a try that failed and puts the next one off.
func (v *view) later(state city.TicketState, a answer) plan {
	p := v.to(state, "Ticketsystem nicht erreichbar, nächster Versuch folgt: "+a.failure.Error())
	p.ticket.Error, p.ticket.Next = a.failure.Error(), a.pause
	if state != city.TicketQueued && state != city.TicketUnsure { // a create is counted before it goes out
		p.ticket.Attempts++
	}
	if a.own.After(a.pause) {
		p.ticket.Next = a.own
	}
	return p
}

// observe decides what follows from how a ticket stands in its system.
func (v *view) observe(r city.Remote, found bool) plan {
	t := &v.Ticket
	p := v.wait(t.Next)
	if !watched(t) {
		return plan{}
	}
	p.by = v.can.name
	p.ticket.Checked = v.now
	if !found {
		return v.missing(p)
	}
	r.Ref = t.Ref
	p.ticket.Remote, p.ticket.Missing, p.ticket.MissingSince = r, 0, time.Time{}
	switch {
	case r.Progress.Over():
		return v.endedThere(p, r)
	case r.Progress == city.ProgressWorking && t.Acknowledged == "":
		p.ticket.Acknowledged = v.can.name
		if t.State == city.TicketOpen {
			p.ticket.State = city.TicketAcknowledged
		}
		p.note = "Im Ticketsystem übernommen" + v.said(r)
	case r.Status != t.Remote.Status || r.Notes != t.Remote.Notes:
		if said := v.said(r); said != "" {
			p.note = "Im Ticketsystem" + said
		}
	}
	if was := t.Remote; was.Service != "" && r.Service != "" && was.Service != r.Service {
		// It is theirs to change, and is never changed back.
		p.note = join(". ", p.note, "Dort in eine andere Kategorie gelegt: "+join(" ", r.Service, oneLine(r.Name)))
	}
	return p
}

// endedThere notes that a ticket is closed there, and what follows for the next ones.
func (v *view) endedThere(p plan, r city.Remote) plan {
	t := &v.Ticket
	end, note := city.EndHuman, "Im Ticketsystem geschlossen"
	switch {
	case r.Progress == city.ProgressRejected:
		end, note = city.EndRejected, "Im Ticketsystem abgelehnt"
	case r.Progress == city.ProgressDuplicate:
		end, note = city.EndDuplicate, "Im Ticketsystem als Dublette geschlossen"
	case t.State == city.TicketClosing && v.closedByUs(r):
		end, note = city.EndUs, "Geschlossen"
		if t.End != "" {
			end = t.End
		}
	}
	v.ended(&p.ticket, end)
	p.note = note + v.said(r)
	if end != city.EndRejected && end != city.EndDuplicate {
		return p
	}
	m := city.Mute{Service: v.Case.Service, Asset: first(v.Case.Asset, v.Case.Group), Since: v.now, By: v.can.name, Reason: cut(note+v.said(r), 500)}
	if !slices.ContainsFunc(v.mutes, func(o city.Mute) bool {
		return o.By == m.By && o.Service == m.Service && o.Asset == m.Asset && o.Until.IsZero()
	}) {
		p.mute = &m
	}
	p.note += ". Weitere Tickets dazu sind stummgeschaltet, bis das jemand aufhebt"
	return p
}

// closedByUs tells whether a closed ticket is closed by a try of ours whose answer was lost:
// our words stand there.
func (v *view) closedByUs(r city.Remote) bool {
	words := v.closing()
	return words != "" && strings.Contains(r.Notes, words)
}

// missing notes that a ticket was not there. One that stays away is gone.
func (v *view) missing(p plan) plan {
	t := &p.ticket
	t.Missing++
	if t.Missing == 1 {
		t.MissingSince = v.now
		p.note = "Im Ticketsystem nicht zu finden"
	}
	if t.Missing >= goneTimes && v.now.Sub(t.MissingSince) >= goneTime {
		v.ended(t, city.EndGone)
		p.note = "Im Ticketsystem seit Längerem nicht zu finden"
	}
	return p
}

// closing is why the ticket is closed, for people there.
func (v *view) closing() string {
	if v.Ticket.End == city.EndHuman {
		return v.words.closedByHand(&v.Case)
	}
	return v.words.closing(&v.Case)
}

// said is what they say of a ticket there, unless those are our own words.
func (v *view) said(r city.Remote) string {
	status, notes := oneLine(r.Status), oneLine(r.Notes)
	if strings.Contains(notes, Marker(v.Ticket.Ref)) || v.Ticket.Follows != "" && strings.Contains(notes, Marker(v.Ticket.Follows)) {
		notes = ""
	}
	if s := join(" – ", cut(status, 100), cut(notes, 1000)); s != "" {
		return ": " + s
	}
	return ""
}
