package tickets

import (
	"strings"
	"time"
	"unicode"

	"meldefunk/city"
)

// maxNumber bounds the number of a ticket, in bytes.
const maxNumber = 200

// grant decides what comes of a wish: it is granted, or refused with a reason. False: it
// has to wait.
func (v *view) grant(w *city.Wish) (plan, bool) {
	t := &v.Ticket
	if final(t.State) {
		return v.deny(w, "das Ticket ist abgeschlossen"), true
	}
	switch w.Kind {
	case city.WishAcknowledge:
		p := v.granted(w, t.State, "Übernommen")
		p.ticket.Acknowledged = w.By
		if t.State == city.TicketOpen {
			p.ticket.State = city.TicketAcknowledged
		}
		p.ticket.Next = t.Next
		return p, true
	case city.WishHold:
		return v.hold(w), true
	case city.WishRelease:
		return v.release(w), true
	case city.WishRetry:
		return v.retry(w), true
	case city.WishLink:
		return v.link(w), true
	case city.WishClose:
		return v.close(w), true
	case city.WishCheck:
		return v.check(w), true
	}
	return v.deny(w, "unbekannter Wunsch"), true
}

// granted is a step that grants a wish.
func (v *view) granted(w *city.Wish, state city.TicketState, note string) plan {
	p := v.to(state, sentence(note, w.Reason))
	p.by, p.wish = w.By, w.ID
	return p
}

// deny is a step that refuses a wish and leaves the ticket as it is.
func (v *view) deny(w *city.Wish, why string) plan {
	p := v.wait(v.Ticket.Next)
	p.note = "Nicht möglich (" + wishName(w.Kind) + " von " + w.By + "): " + why
	p.wish, p.denied = w.ID, true
	return p
}

func (v *view) hold(w *city.Wish) plan {
	if !w.Until.IsZero() && !w.Until.After(v.now) {
		return v.deny(w, "die Frist ist schon vorbei")
	}
	note := "Zurückgestellt"
	if !w.Until.IsZero() {
		note += " bis " + w.Until.In(v.words.zone).Format("02.01.2006, 15:04") + " Uhr"
	}
	p := v.granted(w, v.Ticket.State, note)
	p.ticket.Next = v.Ticket.Next
	p.ticket.Hold, p.ticket.HoldUntil = sentence(w.By, w.Reason), w.Until
	return p
}

func (v *view) release(w *city.Wish) plan {
	t := &v.Ticket
	switch {
	case t.Hold != "":
		p := v.granted(w, t.State, "Zurückstellung aufgehoben")
		p.ticket.Hold, p.ticket.HoldUntil = "", time.Time{}
		if t.State == city.TicketSending {
			p.ticket.Next = t.Next
		}
		return p
	case t.State == city.TicketHeld:
		return v.goes(callLetGo) // it is the road's to let go
	}
	return v.deny(w, "es ist nicht zurückgestellt")
}

// retry takes up again what was left to a human. What may have arrived is searched for
// before anything is sent.
func (v *view) retry(w *city.Wish) plan {
	t := &v.Ticket
	const note = "Wieder aufgenommen"
	switch {
	case (t.State == city.TicketParked || t.State == city.TicketManual) && !v.can.known:
		// Its ticket system is no more, and with that what it knew.
		p := v.granted(w, city.TicketQueued, note+", neue Zuordnung")
		p.ticket.System, p.ticket.Unit, p.ticket.ExternalID = "", "", ""
		p.ticket.Creates, p.ticket.Attempts, p.ticket.Error = 0, 0, ""
		return p
	case t.State == city.TicketParked, t.State == city.TicketManual:
		p := v.granted(w, city.TicketUnsure, note)
		switch {
		case t.ExternalID != "" && t.End != "":
			p.ticket.State, p.ticket.Creates = city.TicketClosing, 0
		case t.ExternalID != "" && t.Follows != "" && t.Told == 0: // it was never answered
			p.ticket.State, p.ticket.Creates = city.TicketReopening, 0
		case t.ExternalID != "":
			p.ticket.State = there(t)
		}
		p.ticket.Attempts, p.ticket.Error = 0, ""
		return p
	case t.State == city.TicketQueued, t.State == city.TicketUnsure, t.State == city.TicketReopening, t.State == city.TicketClosing:
		return v.granted(w, t.State, "Nächster Versuch sofort")
	}
	return v.deny(w, "nichts ist zu wiederholen")
}

func (v *view) link(w *city.Wish) plan {
	t := &v.Ticket
	number := strings.TrimSpace(w.Number)
	switch {
	case number == "" || len(number) > maxNumber || strings.ContainsFunc(number, unicode.IsControl):
		return v.deny(w, "das ist keine Ticketnummer")
	case v.linked != "" && v.linked != t.Ref:
		return v.deny(w, number+" gehört schon zu "+v.linked)
	case t.ExternalID != "" && t.State != city.TicketParked && t.State != city.TicketManual:
		return v.deny(w, "es ist schon mit "+t.ExternalID+" verknüpft")
	case t.State == city.TicketHeld:
		return v.deny(w, "es ist noch zurückgehalten: erst freigeben")
	}
	p := v.granted(w, there(t), "Verknüpft mit "+number)
	v.arrived(&p.ticket, number)
	p.ticket.End, p.ticket.Checked = "", time.Time{} // how it stands is asked for soon
	return p
}

// close ends a ticket although the matter may go on.
func (v *view) close(w *city.Wish) plan {
	t := &v.Ticket
	if t.State == city.TicketHeld {
		return v.goes(callLetGo) // its place at the safety brake is another's then
	}
	if t.ExternalID == "" || !v.can.known || !v.can.closes {
		note := "Von Hand geschlossen"
		switch {
		case t.ExternalID != "":
			note += ", bitte auch " + t.ExternalID + " im Ticketsystem schließen"
		case t.Creates > 0:
			note += ", bitte im Ticketsystem nachsehen, ob es dort angekommen ist"
		}
		p := v.granted(w, city.TicketClosed, note)
		v.ended(&p.ticket, city.EndHuman)
		return p
	}
	p := v.granted(w, city.TicketClosing, "Wird auf Wunsch geschlossen")
	p.ticket.End, p.ticket.Noted = city.EndHuman, v.now
	p.ticket.Attempts, p.ticket.Creates = 0, 0
	return p
}

func (v *view) check(w *city.Wish) plan {
	switch {
	case v.Ticket.State == city.TicketUnsure:
		return v.granted(w, city.TicketUnsure, "Wird sofort gesucht")
	case !v.can.watches:
		return v.deny(w, "dieses Ticketsystem kann nicht gefragt werden")
	case !watched(&v.Ticket) && v.Ticket.ExternalID != "":
		return v.deny(w, "es wird noch nicht wieder verfolgt")
	case !watched(&v.Ticket):
		return v.deny(w, "es hat noch keine Nummer im Ticketsystem")
	}
	p := v.granted(w, v.Ticket.State, "Wird abgefragt")
	p.ticket.Next, p.ticket.Checked = v.Ticket.Next, time.Time{}
	return p
}

// wishName is how people call a kind of wish.
func wishName(k city.WishKind) string {
	names := map[city.WishKind]string{
		city.WishAcknowledge: "Übernehmen", city.WishHold: "Zurückstellen", city.WishRelease: "Freigeben",
		city.WishRetry: "Wiederholen", city.WishLink: "Verknüpfen", city.WishClose: "Schließen", city.WishCheck: "Prüfen",
	}
	return first(names[k], string(k))
}

// sentence puts a reason behind what it is for.
func sentence(what, reason string) string { return join(": ", what, oneLine(reason)) }
