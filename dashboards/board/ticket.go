package board

import (
	"cmp"
	"context"
	"time"

	"meldefunk/city"
)

// mutesShown is how many mutes are looked through and listed.
const mutesShown = 500

// ticketPart is what is known of a case's ticket.
type ticketPart struct {
	Number       link // there; without a name: none yet
	System, Unit string
	Acknowledged string // by whom
	Hold, Until  string // who wants nothing done with it, and until when
	Follows      link
	NextAt       string // when the next try is due
	Escalated    moment
	Remote       remotePart
	Mutes        []muteRow // that cover it
	Wishes       []wishRow
	History      []entryRow
}

// remotePart is what the ticket system says.
type remotePart struct {
	Progress, Status, Notes, Category string
	Updated, Checked                  moment
	Missing                           string
}

// wishRow is a wish that is not granted yet.
type wishRow struct {
	Word, By, Reason, Until string
	At                      moment
}

// entryRow is one step of a ticket.
type entryRow struct {
	At              moment
	State, By, Note string
}

func (b *Board) ticketPart(ctx context.Context, c *city.CaseTicket, a *city.Asset, now time.Time) (ticketPart, error) {
	t, zone := &c.Ticket, b.opt.Location
	p := ticketPart{System: printable(t.System), Unit: t.Unit, Acknowledged: printable(t.Acknowledged), Hold: printable(t.Hold),
		Escalated: momentOf(t.Escalated, now, zone), Remote: b.remotePart(t, now)}
	if t.Hold != "" && !t.HoldUntil.IsZero() {
		p.Until = clock(t.HoldUntil, zone)
	}
	p.Number.Name = printable(t.ExternalID)
	if b.opt.Link != nil {
		p.Number.Address = b.opt.Link(t.System, t.ExternalID)
	}
	if follows := cmp.Or(t.Follows, c.Case.Follows); follows != "" {
		p.Follows = link{follows, caseLink(follows)}
	}
	if waits(t, now) {
		p.NextAt = clock(t.Next, zone)
	}
	for i := range c.Wishes {
		p.Wishes = append(p.Wishes, b.wishRow(&c.Wishes[i], now))
	}
	log, err := b.opt.Store.TicketLog(ctx, c.Case.Ref)
	if err != nil {
		return p, err
	}
	for i := len(log) - 1; i >= 0; i-- { // the newest first, as everywhere on the board
		e := &log[i]
		p.History = append(p.History, entryRow{momentOf(e.At, now, zone), ticketWord(&city.Ticket{State: e.State}), printable(e.By), printable(e.Note)})
	}
	mutes, err := b.opt.Store.AllMutes(ctx, mutesShown)
	if err != nil {
		return p, err
	}
	for i := range mutes {
		if mutes[i].Covers(&c.Case, a, now) {
			p.Mutes = append(p.Mutes, b.muteRow(&mutes[i], now))
		}
	}
	return p, nil
}

// waits tells whether a ticket is put off to a time.
func waits(t *city.Ticket, now time.Time) bool {
	switch t.State {
	case city.TicketQueued, city.TicketUnsure, city.TicketReopening, city.TicketClosing:
		return t.Hold == "" && t.Next.After(now)
	}
	return false
}

func (b *Board) remotePart(t *city.Ticket, now time.Time) remotePart {
	r := &t.Remote
	p := remotePart{Progress: progressWord(r.Progress), Status: printable(r.Status), Notes: printable(r.Notes), Category: printable(cmp.Or(r.Name, r.Service)),
		Updated: momentOf(r.Updated, now, b.opt.Location), Checked: momentOf(t.Asked(), now, b.opt.Location)}
	if t.Missing > 0 {
		p.Missing = "seit " + clock(t.MissingSince, b.opt.Location) + " nicht gefunden, " + counted(t.Missing, "Abfrage", "Abfragen")
	}
	return p
}

func (b *Board) wishRow(w *city.Wish, now time.Time) wishRow {
	row := wishRow{Word: string(w.Kind), By: printable(w.By), Reason: printable(w.Reason), At: momentOf(w.At, now, b.opt.Location)}
	for _, a := range actions() {
		if a.Kind == w.Kind {
			row.Word = a.Word
		}
	}
	if w.Number != "" {
		row.Word += ": " + printable(w.Number)
	}
	if !w.Until.IsZero() {
		row.Until = clock(w.Until, b.opt.Location)
	}
	return row
}
