package tickets

import (
	"slices"
	"time"

	"meldefunk/city"
)

const (
	// lease is how long a create that has begun is left alone by others: twice the longest
	// call.
	lease = 2 * time.Minute
	// A ticket is told of a change at most so often.
	gradeGap  = 4 * time.Hour
	memberGap = 30 * time.Minute
	// patience is how long a ticket waits for its hours at once: meanwhile its case may grow
	// worse and need no hours any more.
	patience = 30 * time.Minute
	// A ticket is gone that was not there so many times in a row, over at least so long.
	goneTimes = 3
	goneTime  = time.Hour
	// usualRespect is for how long a close by a human is respected where the route does not say.
	usualRespect = 24 * time.Hour
	// slack is how much the clocks of a ticket system and ours may differ.
	slack = time.Minute
	// renewAgain is the pause after the road was asked to renew a case.
	renewAgain = 10 * time.Minute
)

// view is everything that the next step of a ticket depends on.
type view struct {
	city.CaseTicket
	asset   *city.Asset // nil: of a group, or not in the inventory
	route   Route
	can     powers
	mutes   []city.Mute
	earlier city.CaseTicket // the case of the same matter before this one; without Ref: there is none
	shut    bool            // nothing that makes work there may go out, so nobody has looked for the earlier one
	linked  string          // ref that the number of a link belongs to already; ""
	words   words
	now     time.Time

	maxCreates  int
	searchAfter []time.Duration
}

// call is what goes out to a ticket system, or to the road.
type call string

// The calls; all but the two to the road are labels of a metric too.
const (
	callNone   call = ""
	callCreate call = "create"
	callFind   call = "find"
	callClose  call = "close"
	callReopen call = "reopen"
	callNote   call = "note"
	callStatus call = "status"
	callRenew  call = "renew"
	callLetGo  call = "release"
)

// sends tells whether it makes work for people there: a rate applies.
func (c call) sends() bool { return c == callCreate || c == callReopen || c == callNote }

// plan is a step: what is written, and what goes out when that is on the disk.
type plan struct {
	ticket city.Ticket
	write  bool // nothing is written before the call otherwise
	note   string
	by     string
	wish   int64      // granted or refused by it; 0: none
	denied bool       // the wish is refused
	mute   *city.Mute // that comes of it; kept before the ticket

	call      call
	key, text string      // of a note
	before    city.Ticket // the ticket without this step
}

// to is a step that writes the ticket in a state, to be worked on at once.
func (v *view) to(state city.TicketState, note string) plan {
	t := v.Ticket
	t.State, t.Next = state, v.now
	return plan{ticket: t, write: true, note: note}
}

// wait puts the ticket off without a word.
func (v *view) wait(until time.Time) plan {
	t := v.Ticket
	t.Next = until
	return plan{ticket: t, write: true}
}

// ending is a step that begins to close the ticket there.
func (v *view) ending(note string) plan {
	p := v.to(city.TicketClosing, note)
	p.ticket.Attempts, p.ticket.Creates = 0, 0
	return p
}

// goes is a step that calls and writes nothing before.
func (v *view) goes(c call) plan { return plan{ticket: v.Ticket, call: c} }

// final tells whether nothing comes after a state by itself.
func final(s city.TicketState) bool { return s == city.TicketClosed || s == city.TicketCancelled }

// watched tells whether the ticket is there, as far as we know, and what happens to it there
// counts.
func watched(t *city.Ticket) bool {
	switch t.State {
	case city.TicketOpen, city.TicketAcknowledged, city.TicketClosing, city.TicketCleared:
		return t.ExternalID != ""
	}
	return false
}

// there is the state of a ticket that the ticket system has.
func there(t *city.Ticket) city.TicketState {
	if t.Acknowledged != "" {
		return city.TicketAcknowledged
	}
	return city.TicketOpen
}

// muted gives the mute that covers the case longest, nil where none does.
func (v *view) muted() *city.Mute {
	var longest *city.Mute
	for i := range v.mutes {
		m := &v.mutes[i]
		if !m.Covers(&v.Case, v.asset, v.now) {
			continue
		}
		if longest == nil || m.Until.IsZero() || !longest.Until.IsZero() && m.Until.After(longest.Until) {
			longest = m
		}
	}
	return longest
}

// joined gives the members that the ticket was not told of.
func (v *view) joined() []string {
	var names []string
	for _, m := range v.Case.Members {
		if !slices.Contains(v.Ticket.ToldMembers, m) {
			names = append(names, m)
		}
	}
	return names
}

// respect is how long a close by a human is respected.
func (v *view) respect() time.Duration {
	if v.route.Respect > 0 {
		return v.route.Respect
	}
	return usualRespect
}
