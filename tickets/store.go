package tickets

import (
	"context"
	"time"

	"meldefunk/city"
)

// Store keeps cases, what the ticket systems were told of them, and what people want. It may
// be called by several goroutines.
type Store interface {
	// Unrouted gives tickets that nobody has given to a ticket system yet, oldest case first:
	// those that are neither held, closed nor cancelled, and those with wishes.
	Unrouted(ctx context.Context, limit int) ([]city.CaseTicket, error)
	// Due gives what a ticket system has to be told at now, with the wishes: first tickets
	// with wishes, in any state and whatever their Next; then the others, each oldest case
	// first. Those are tickets whose Next has come and that are queued, muted, sending,
	// unsure, reopening or closing; that are open or acknowledged and whose case has grown
	// worse or has members that were not told; that a human closed, or that are gone, while
	// the case is wanted. And whatever their Next: those queued, muted, open or acknowledged
	// whose case is over. A ticket on hold is due only with wishes, or once the hold is past.
	Due(ctx context.Context, system string, now time.Time, limit int) ([]city.CaseTicket, error)
	// Sending gives the tickets whose create has begun, in any ticket system.
	Sending(ctx context.Context) ([]city.CaseTicket, error)
	// Systems names the ticket systems of the tickets that are neither closed nor cancelled.
	Systems(ctx context.Context) ([]string, error)
	// Case gives one case; false where the ref is unknown.
	Case(ctx context.Context, ref string) (city.CaseTicket, bool, error)
	// Earlier gives the last case before this one of the same rule, and asset or group.
	Earlier(ctx context.Context, ref string) (city.CaseTicket, bool, error)
	// PutTicket writes a ticket, one line of its history (none without a note), and that
	// wishes are granted or refused: all of it or nothing. It returns when they are on the
	// disk. A Version that is not the one in the Store is city.ErrStale; the one that is kept is
	// the next.
	PutTicket(ctx context.Context, t city.Ticket, e city.TicketEntry, granted ...int64) error

	// Handed gives the wanted cases that a ticket system has, or may have, oldest first.
	Handed(ctx context.Context, system string) ([]city.CaseTicket, error)
	// Watched gives tickets with a number that are open, acknowledged, closing or cleared and
	// were last asked for before a time, those first that were asked for longest ago.
	Watched(ctx context.Context, system string, before time.Time, limit int) ([]city.CaseTicket, error)
	// AskAll has all that Watched can give count as last asked for at time.Unix(0, 1), after
	// those that were never asked for and before all others, and tells how many those are. Their
	// Version rises.
	AskAll(ctx context.Context, system string) (int, error)
	// Unacknowledged gives open tickets whose case was opened before since, of which nobody
	// was told yet that nobody looks after them, oldest first: those after the ref after, from
	// the oldest on where that is "" or unknown.
	Unacknowledged(ctx context.Context, system string, since time.Time, after string, limit int) ([]city.CaseTicket, error)
	// Linked gives the newest ref that a ticket system's number belongs to.
	Linked(ctx context.Context, system, externalID string) (ref string, linked bool, err error)
	// Polled gives the time up to which changes were asked for; zero: never.
	Polled(ctx context.Context, system string) (time.Time, error)
	SetPolled(ctx context.Context, system string, cursor time.Time) error

	// Mutes gives those that are in force at now or will be. Whoever lifts one lets the muted
	// tickets be due.
	Mutes(ctx context.Context, now time.Time) ([]city.Mute, error)
	Mute(ctx context.Context, m city.Mute) (id int64, err error)
}

// Assets is the inventory. It is called once per step and must not block.
type Assets interface {
	Asset(id string) (*city.Asset, bool)
}

// Road owns the cases, and the tickets that the safety brake holds.
type Road interface {
	// Renew closes a case and opens a new one of the same matter, which follows it. A case
	// that is over already, or unknown, is no error.
	Renew(ctx context.Context, ref string) error
	// Release lets the ticket of a case go that the safety brake holds: it is queued then. A
	// case that is not held, or unknown, is no error.
	Release(ctx context.Context, ref string) error
}
