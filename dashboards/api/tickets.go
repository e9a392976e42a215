package api

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"meldefunk/city"
)

// ticketBody is a case with its ticket, as it is told.
type ticketBody struct {
	Ref      string        `json:"ref"`
	Rule     string        `json:"rule"`
	Service  string        `json:"service,omitempty"`
	Asset    string        `json:"asset,omitempty"`
	Group    string        `json:"group,omitempty"` // instead of asset
	Members  []string      `json:"members,omitempty"`
	Title    string        `json:"title"`
	Advice   string        `json:"advice,omitempty"`
	Severity city.Grade    `json:"severity"`
	Quantity string        `json:"quantity,omitempty"`
	Value    float64       `json:"value"` // at opening
	Limit    float64       `json:"limit"`
	Since    time.Time     `json:"since"` // event time since when the condition has held
	Opened   time.Time     `json:"opened"`
	Closed   *time.Time    `json:"closed,omitempty"` // missing: the case lasts
	Revoked  bool          `json:"revoked,omitempty"`
	Follows  string        `json:"follows,omitempty"`
	State    string        `json:"state"` // of the ticket
	End      string        `json:"end,omitempty"`
	System   string        `json:"system,omitempty"`
	Unit     string        `json:"unit,omitempty"`
	Number   string        `json:"number,omitempty"` // in the ticket system
	Updated  time.Time     `json:"updated"`
	Ack      string        `json:"acknowledged_by,omitempty"`
	Hold     string        `json:"hold,omitempty"`
	Until    *time.Time    `json:"hold_until,omitempty"`
	Error    string        `json:"error,omitempty"` // why the last try to tell the ticket system failed
	Remote   string        `json:"remote_status,omitempty"`
	History  []historyBody `json:"history,omitempty"` // of a single one, oldest first
}

// historyBody is one line in the history of a ticket.
type historyBody struct {
	At    time.Time `json:"at"`
	State string    `json:"state"`
	By    string    `json:"by,omitempty"` // missing: the platform itself
	Note  string    `json:"note,omitempty"`
}

func bodyOfTicket(t *city.CaseTicket) ticketBody {
	c, k := &t.Case, &t.Ticket
	b := ticketBody{
		Ref: c.Ref, Rule: c.Rule, Service: c.Service, Asset: c.Asset, Group: c.Group, Members: c.Members, Title: c.Title, Advice: c.Advice,
		Severity: c.Grade, Value: c.Value, Limit: c.Limit, Since: c.Since.UTC(), Opened: c.Opened.UTC(), Closed: some(c.Closed), Revoked: c.Revoked, Follows: c.Follows,
		State: string(k.State), End: string(k.End), System: k.System, Unit: k.Unit, Number: k.ExternalID, Updated: k.Updated.UTC(),
		Ack: k.Acknowledged, Hold: k.Hold, Until: some(k.HoldUntil), Error: k.Error, Remote: k.Remote.Status,
	}
	if c.Quantity != city.QuantityUnknown {
		b.Quantity = c.Quantity.String()
	}
	return b
}

// ticketStates are all that a ticket can be in.
func ticketStates() []city.TicketState {
	return []city.TicketState{city.TicketHeld, city.TicketQueued, city.TicketMuted, city.TicketSending, city.TicketUnsure, city.TicketManual, city.TicketReopening,
		city.TicketOpen, city.TicketAcknowledged, city.TicketClosing, city.TicketCleared, city.TicketClosed, city.TicketCancelled, city.TicketParked}
}

func (a *API) tickets(c call) (any, error) {
	q := c.query
	f := city.TicketFilter{Service: q.word("service"), System: q.word("system"), Rule: q.word("rule"), Asset: q.word("asset"), Text: q.word("q")}
	limit, err := q.limit()
	if err != nil {
		return nil, err
	}
	if f.Open, err = q.yes("open"); err != nil {
		return nil, err
	}
	if f.After, err = q.cursor(); err != nil {
		return nil, err
	}
	if words := q.word("state"); words != "" {
		for word := range strings.SplitSeq(words, ",") {
			state := city.TicketState(word)
			if !slices.Contains(ticketStates(), state) {
				return nil, badArgument("state", "%.40q: want some of %v, with commas between", word, ticketStates())
			}
			f.States = append(f.States, state)
		}
	}
	f.Limit = limit + 1 // to see whether there are more
	found, err := a.opt.Store.Tickets(c, f)
	if err != nil {
		return nil, err
	}
	items := make([]ticketBody, 0, limit)
	for i := range found[:min(len(found), limit)] {
		items = append(items, bodyOfTicket(&found[i]))
	}
	if len(found) > limit {
		return c.page(items, true, items[limit-1].Ref), nil
	}
	return c.page(items, false, ""), nil
}

func (a *API) ticket(c call) (any, error) {
	t, there, err := a.opt.Store.Case(c, c.path("ref"))
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, noTicket()
	}
	entries, err := a.opt.Store.TicketLog(c, t.Case.Ref)
	if err != nil {
		return nil, err
	}
	b := bodyOfTicket(&t)
	for _, e := range entries {
		b.History = append(b.History, historyBody{e.At.UTC(), string(e.State), e.By, e.Note})
	}
	return b, nil
}

func noTicket() *problem {
	return &problem{Status: http.StatusNotFound, Detail: "there is no case of this reference; " + Base + "/tickets lists all"}
}
