package city

import (
	"errors"
	"time"
)

// TicketState is how far a case has got in the ticket system.
type TicketState string

// The states.
const (
	TicketHeld         TicketState = "held"         // wanted, and held back by the safety brake
	TicketQueued       TicketState = "queued"       // wanted, nothing sent yet
	TicketMuted        TicketState = "muted"        // wanted, and nothing is sent: a Mute covers it
	TicketSending      TicketState = "sending"      // a create has begun; found at a start: outcome unknown
	TicketUnsure       TicketState = "unsure"       // outcome of a create unknown: search before anything else
	TicketManual       TicketState = "manual"       // a search could not tell which ticket it is: a human must say
	TicketReopening    TicketState = "reopening"    // the ticket of an earlier case of the matter is being opened again
	TicketOpen         TicketState = "open"         // the ticket system has it
	TicketAcknowledged TicketState = "acknowledged" // and somebody looks after it
	TicketClosing      TicketState = "closing"      // a close has begun or is to be repeated
	TicketCleared      TicketState = "cleared"      // over for us; a human closes it there
	TicketClosed       TicketState = "closed"       // see Ticket.End
	TicketCancelled    TicketState = "cancelled"    // no longer wanted before anything was sent
	TicketParked       TicketState = "parked"       // refused; a human must look
)

// TicketEnd says who closed a ticket.
type TicketEnd string

// The ends.
const (
	EndUs        TicketEnd = "us"        // by itself, as the case was over
	EndHuman     TicketEnd = "human"     // somebody, there or here; the case may still be wanted
	EndRejected  TicketEnd = "rejected"  // there: nothing is to be done, or not by them
	EndDuplicate TicketEnd = "duplicate" // there: it is another ticket's matter
	EndGone      TicketEnd = "gone"      // the ticket system does not know it any more
)

// Ticket is what the ticket system was told of a case, and what it says. It is born with its
// case, queued or held; once it is queued only the ticket reconciler writes it, and only the
// road writes the case.
type Ticket struct {
	Ref        string // Case.Ref
	State      TicketState
	End        TicketEnd // of a closed one
	System     string    // name of the ticket system it goes to; "": nobody has decided yet
	Unit       string    // German, who is to do it; "": not told
	ExternalID string    // the ticket system's number, "" while unknown
	Attempts   int       // tries of the present step
	Creates    int       // creates, or reopenings, or closings of the present step, that may have reached the ticket system
	SentAt     time.Time // begin of the last create
	Next       time.Time // not before this time
	Error      string    // why the last try failed, without secrets
	Updated    time.Time
	Version    int // rises with each write, so that of two writers one learns that it is late

	Acknowledged string    // by whom; "": by nobody
	Hold         string    // who wants nothing done with it, and why; "": nobody
	HoldUntil    time.Time // of Hold; zero: until it is released
	Follows      string    // Ref of the earlier case whose ticket it goes on with or refers to; ""
	Told         Grade     // how bad the ticket system was told it is
	ToldMembers  []string  // Case.Members as it was told
	Noted        time.Time // when it was last told of a change
	Escalated    time.Time // when the lead was told that nobody looks after it; zero: not yet

	Remote       Remote    // what the ticket system says
	Checked      time.Time // when it was last asked for; see Asked
	Missing      int       // times in a row that it was not there
	MissingSince time.Time
}

// Asked gives when it was last asked for; zero: never, or it is to be asked for anew as soon as
// can be, for which Checked is zero or time.Unix(0, 1).
func (t *Ticket) Asked() time.Time {
	if t.Checked.Unix() <= 0 {
		return time.Time{}
	}
	return t.Checked
}

// CaseTicket is a case together with its ticket, and what people want done with it.
type CaseTicket struct {
	Case   Case
	Ticket Ticket
	Wishes []Wish // in the order they were made; none of them granted yet
}

// Settled tells whether the ticket system knows what it should know. A parked ticket is
// not settled, but nothing more is done for it without a human.
func (c *CaseTicket) Settled() bool {
	if c.Case.Wanted() {
		return c.Ticket.State == TicketOpen || c.Ticket.State == TicketAcknowledged
	}
	return c.Ticket.State == TicketClosed || c.Ticket.State == TicketCancelled
}

// TicketEntry is one line in the history of a ticket.
type TicketEntry struct {
	At    time.Time
	State TicketState
	By    string // who; "": the platform itself
	Note  string // German
}

// TicketFilter chooses tickets. What is empty chooses nothing out.
type TicketFilter struct {
	States  []TicketState // one of them
	Service string
	System  string
	Rule    string
	Asset   string   // the asset's number, or the group's name
	Assets  []string // one of them, as those of a tour; not nil and empty: none fits
	Open    bool     // only those of which something may still come: the case is wanted, or the ticket is not closed
	Text    string   // in the reference, the ticket's number, the title, the asset or the group
	After   string   // Ref of the last one of the page before
	Limit   int      // more than 0
}

// What a store says of tickets.
var (
	ErrStale  = errors.New("somebody else has written the ticket meanwhile") // of two writers, to the one that is late
	ErrNoCase = errors.New("there is no such case")
	ErrNoMute = errors.New("there is no such mute")
)
