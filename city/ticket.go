package city

import "time"

// TicketState is how far a case has got in the ticket system.
type TicketState string

// The states.
const (
	TicketHeld      TicketState = "held"      // wanted, and held back by the safety brake
	TicketQueued    TicketState = "queued"    // wanted, nothing sent yet
	TicketSending   TicketState = "sending"   // a create has begun; found at a start: outcome unknown
	TicketUnsure    TicketState = "unsure"    // outcome of a create unknown: search before anything else
	TicketOpen      TicketState = "open"      // the ticket system has it
	TicketClosing   TicketState = "closing"   // a close has begun or is to be repeated
	TicketClosed    TicketState = "closed"    // closed there, by us
	TicketCancelled TicketState = "cancelled" // no longer wanted before anything was sent
	TicketParked    TicketState = "parked"    // refused; a human must look
)

// Ticket is what the ticket system was told of a case. It is born with its case, queued or
// held; once it is queued only the ticket reconciler writes it, and only the road writes the case.
type Ticket struct {
	Ref        string // Case.Ref
	State      TicketState
	ExternalID string    // the ticket system's number, "" while unknown
	Attempts   int       // tries of the present step
	Creates    int       // creates that may have reached the ticket system
	SentAt     time.Time // begin of the last create
	Next       time.Time // not before this time
	Error      string    // why the last try failed, without secrets
	Updated    time.Time
}

// CaseTicket is a case together with its ticket.
type CaseTicket struct {
	Case   Case
	Ticket Ticket
}

// Settled tells whether the ticket system knows what it should know. A parked ticket is
// not settled, but nothing more is done for it without a human.
func (c *CaseTicket) Settled() bool {
	if c.Case.Wanted() {
		return c.Ticket.State == TicketOpen
	}
	return c.Ticket.State == TicketClosed || c.Ticket.State == TicketCancelled
}
