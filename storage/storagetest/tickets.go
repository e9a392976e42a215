package storagetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
)

// caseAt is a case at an asset of its own that opens some hours after noon.
func caseAt(n int, hours time.Duration) city.Case {
	c := newCase(fmt.Sprintf("S-%08d", n))
	c.Asset, c.Opened, c.Grade = fmt.Sprintf("PK-%d", n), noon.Add(hours*time.Hour), 1
	return c
}

// refs lists cases in order.
func refs(all []city.CaseTicket) string {
	var s []string
	for i := range all {
		s = append(s, strings.TrimLeft(all[i].Case.Ref, "S-0"))
	}
	return strings.Join(s, " ")
}

// give opens a case whose ticket is with a ticket system.
func (s *suite) give(t *testing.T, c city.Case, ticket city.Ticket) *city.Ticket {
	t.Helper()
	s.commit(t, &city.Commit{Cases: []city.Case{c}})
	ticket.Ref, ticket.Updated = c.Ref, c.Opened
	if ticket.System == "" {
		ticket.System = "emsos"
	}
	s.put(t, &ticket, "so far")
	return &ticket
}

// What is due: each row is a ticket of its own.
func (s *suite) due(t *testing.T) {
	now := noon.Add(24 * time.Hour)
	members := []string{"PK-1", "PK-2"}
	for name, row := range map[string]struct {
		ticket  city.Ticket
		members []string
		over    bool
		wish    bool
		want    bool
	}{
		"queued":                       {ticket: city.Ticket{State: city.TicketQueued}, want: true},
		"queued for now":               {ticket: city.Ticket{State: city.TicketQueued, Next: now}, want: true},
		"queued for later":             {ticket: city.Ticket{State: city.TicketQueued, Next: now.Add(1)}},
		"queued for later, over":       {ticket: city.Ticket{State: city.TicketQueued, Next: now.Add(1)}, over: true, want: true},
		"queued for later, a wish":     {ticket: city.Ticket{State: city.TicketQueued, Next: now.Add(1)}, wish: true, want: true},
		"muted":                        {ticket: city.Ticket{State: city.TicketMuted, Next: now.Add(1)}},
		"muted, over":                  {ticket: city.Ticket{State: city.TicketMuted, Next: now.Add(1)}, over: true, want: true},
		"sending on a lease":           {ticket: city.Ticket{State: city.TicketSending, Next: now.Add(1)}},
		"sending, lease over":          {ticket: city.Ticket{State: city.TicketSending, Next: now}, want: true},
		"unsure":                       {ticket: city.Ticket{State: city.TicketUnsure}, want: true},
		"reopening":                    {ticket: city.Ticket{State: city.TicketReopening}, want: true},
		"closing, over":                {ticket: city.Ticket{State: city.TicketClosing}, over: true, want: true},
		"closing by a wish":            {ticket: city.Ticket{State: city.TicketClosing}, want: true},
		"open":                         {ticket: city.Ticket{State: city.TicketOpen, Told: 1}},
		"open, less bad":               {ticket: city.Ticket{State: city.TicketOpen, Told: 2}},
		"open, worse":                  {ticket: city.Ticket{State: city.TicketOpen}, want: true},
		"open, worse, told lately":     {ticket: city.Ticket{State: city.TicketOpen, Next: now.Add(1)}},
		"open, over":                   {ticket: city.Ticket{State: city.TicketOpen, Told: 1}, over: true, want: true},
		"open, over, told lately":      {ticket: city.Ticket{State: city.TicketOpen, Told: 1, Next: now.Add(1)}, over: true, want: true},
		"closing, not yet":             {ticket: city.Ticket{State: city.TicketClosing, Next: now.Add(1)}, over: true},
		"open, with a wish":            {ticket: city.Ticket{State: city.TicketOpen, Told: 1}, wish: true, want: true},
		"open, same members":           {ticket: city.Ticket{State: city.TicketOpen, Told: 1, ToldMembers: []string{"PK-2", "PK-1"}}, members: members},
		"open, fewer members":          {ticket: city.Ticket{State: city.TicketOpen, Told: 1, ToldMembers: []string{"PK-2", "PK-3", "PK-1"}}, members: members},
		"open, more members":           {ticket: city.Ticket{State: city.TicketOpen, Told: 1, ToldMembers: []string{"PK-2"}}, members: members, want: true},
		"open, first members":          {ticket: city.Ticket{State: city.TicketOpen, Told: 1}, members: members, want: true},
		"acknowledged":                 {ticket: city.Ticket{State: city.TicketAcknowledged, Told: 1}},
		"acknowledged, over":           {ticket: city.Ticket{State: city.TicketAcknowledged, Told: 1}, over: true, want: true},
		"acknowledged, worse":          {ticket: city.Ticket{State: city.TicketAcknowledged}, want: true},
		"cleared":                      {ticket: city.Ticket{State: city.TicketCleared}, over: true},
		"cleared, with a wish":         {ticket: city.Ticket{State: city.TicketCleared}, over: true, wish: true, want: true},
		"closed by a human":            {ticket: city.Ticket{State: city.TicketClosed, End: city.EndHuman}, want: true},
		"closed by a human, respected": {ticket: city.Ticket{State: city.TicketClosed, End: city.EndHuman, Next: now.Add(1)}},
		"closed by a human, over":      {ticket: city.Ticket{State: city.TicketClosed, End: city.EndHuman}, over: true},
		"gone":                         {ticket: city.Ticket{State: city.TicketClosed, End: city.EndGone}, want: true},
		"rejected":                     {ticket: city.Ticket{State: city.TicketClosed, End: city.EndRejected}},
		"closed by us":                 {ticket: city.Ticket{State: city.TicketClosed, End: city.EndUs}, over: true},
		"closed, with a wish":          {ticket: city.Ticket{State: city.TicketClosed, End: city.EndUs}, over: true, wish: true, want: true},
		"cancelled":                    {ticket: city.Ticket{State: city.TicketCancelled}, over: true},
		"parked":                       {ticket: city.Ticket{State: city.TicketParked}},
		"parked, over":                 {ticket: city.Ticket{State: city.TicketParked}, over: true},
		"parked, with a wish":          {ticket: city.Ticket{State: city.TicketParked}, wish: true, want: true},
		"manual":                       {ticket: city.Ticket{State: city.TicketManual}},
		"held by the brake":            {ticket: city.Ticket{State: city.TicketHeld}},
		"held by the brake, a wish":    {ticket: city.Ticket{State: city.TicketHeld}, wish: true, want: true},
		"on hold":                      {ticket: city.Ticket{State: city.TicketQueued, Hold: "Meier: Baustelle"}},
		"on hold, over":                {ticket: city.Ticket{State: city.TicketQueued, Hold: "Meier: Baustelle"}, over: true},
		"on hold until later":          {ticket: city.Ticket{State: city.TicketOpen, Hold: "Meier: Baustelle", HoldUntil: now.Add(1)}},
		"on hold until now":            {ticket: city.Ticket{State: city.TicketOpen, Told: 1, Hold: "Meier: Baustelle", HoldUntil: now}, want: true},
		"on hold, with a wish":         {ticket: city.Ticket{State: city.TicketOpen, Hold: "Meier: Baustelle"}, wish: true, want: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := &suite{dir: t.TempDir(), open: s.open}
			s.store, s.shut = s.open(t, s.dir)
			defer func() { s.shut() }()
			c := caseAt(1, 1)
			if row.members != nil {
				c.Asset, c.Group, c.Members = "", "tour:5", row.members
			}
			s.give(t, c, row.ticket)
			if row.over {
				s.commit(t, &city.Commit{Cases: []city.Case{closing(c.Ref)}})
			}
			if row.wish {
				get[int64](t)(s.store.Wish(t.Context(), city.Wish{Ref: c.Ref, At: noon, By: "Meier", Kind: city.WishRetry}))
			}
			due := get[[]city.CaseTicket](t)(s.store.Due(t.Context(), "emsos", now, 10))
			equal(t, "due", len(due) == 1, row.want)
			if row.want {
				equal(t, "wishes", len(due[0].Wishes) == 1, row.wish)
			}
			equal(t, "due elsewhere", len(get[[]city.CaseTicket](t)(s.store.Due(t.Context(), "mail", now, 10))), 0)
		})
	}
	// A case that gets worse, or more members, is due after the commit that says so.
	s.give(t, caseAt(1, 1), city.Ticket{State: city.TicketOpen, Told: 1})
	s.commit(t, &city.Commit{Updates: []city.CaseUpdate{{Ref: "S-00000001", Grade: 2}}})
	equal(t, "worse", refs(get[[]city.CaseTicket](t)(s.store.Due(t.Context(), "emsos", now, 10))), "1")
	// People do not wait for the queue.
	for n := 2; n <= 5; n++ {
		s.give(t, caseAt(n, time.Duration(10-n)), city.Ticket{State: city.TicketQueued})
	}
	get[int64](t)(s.store.Wish(t.Context(), city.Wish{Ref: "S-00000002", At: noon, By: "Meier", Kind: city.WishRetry}))
	equal(t, "order", refs(get[[]city.CaseTicket](t)(s.store.Due(t.Context(), "emsos", now, 10))), "2 1 5 4 3")
	equal(t, "the first", refs(get[[]city.CaseTicket](t)(s.store.Due(t.Context(), "emsos", now, 2))), "2 1")
}

// A ticket goes to one system, or nobody has decided yet.
func (s *suite) whose(t *testing.T) {
	ctx, now := t.Context(), noon.Add(24*time.Hour)
	s.commit(t, &city.Commit{Cases: []city.Case{caseAt(2, 2), caseAt(1, 1), caseAt(3, 3), {Ref: "S-00000003", Closed: noon.Add(4 * time.Hour)}}})
	held := caseAt(4, 4)
	held.Held = true
	s.commit(t, &city.Commit{Cases: []city.Case{held}})
	s.put(t, &city.Ticket{Ref: "S-00000003", State: city.TicketCancelled, Updated: noon}, "never sent")
	equal(t, "undecided", refs(get[[]city.CaseTicket](t)(s.store.Unrouted(ctx, 10))), "1 2")
	equal(t, "the first", refs(get[[]city.CaseTicket](t)(s.store.Unrouted(ctx, 1))), "1")
	for _, ref := range []string{"S-00000003", "S-00000004"} {
		get[int64](t)(s.store.Wish(ctx, city.Wish{Ref: ref, At: noon, By: "Meier", Kind: city.WishRelease}))
	}
	equal(t, "undecided with wishes", refs(get[[]city.CaseTicket](t)(s.store.Unrouted(ctx, 10))), "1 2 3 4")

	mine := city.Ticket{Ref: "S-00000001", State: city.TicketOpen, System: "emsos", Unit: "Straßenreinigung", ExternalID: "7", Told: 1, Updated: noon}
	s.put(t, &mine, "decided")
	other := city.Ticket{Ref: "S-00000002", State: city.TicketOpen, System: "mail", ExternalID: "7", Told: 1, Updated: noon}
	s.put(t, &other, "decided")
	for system, want := range map[string]string{"emsos": "1", "mail": "2", "webhook": ""} {
		equal(t, "handed to "+system, refs(get[[]city.CaseTicket](t)(s.store.Handed(ctx, system))), want)
		ref, linked, err := s.store.Linked(ctx, system, "7")
		must(t, err)
		equal(t, "linked at "+system, strings.TrimLeft(ref, "S-0"), want)
		equal(t, "linked at "+system, linked, want != "")
	}
	equal(t, "systems", get[[]string](t)(s.store.Systems(ctx)), []string{"emsos", "mail"})
	equal(t, "sending", refs(get[[]city.CaseTicket](t)(s.store.Sending(ctx))), "")
	mine.State = city.TicketSending
	s.put(t, &mine, "goes out")
	other.State, other.End = city.TicketClosed, city.EndHuman
	s.put(t, &other, "by hand")
	equal(t, "systems of what is open", get[[]string](t)(s.store.Systems(ctx)), []string{"emsos"})
	equal(t, "sending", refs(get[[]city.CaseTicket](t)(s.store.Sending(ctx))), "1")
	mine.State = city.TicketParked
	s.put(t, &mine, "refused")
	equal(t, "parked is not handed", refs(get[[]city.CaseTicket](t)(s.store.Handed(ctx, "emsos"))), "")
	equal(t, "due", refs(get[[]city.CaseTicket](t)(s.store.Due(ctx, "emsos", now, 10))), "")
}

// Of two writers of a ticket one is late, and nothing of what it wrote is kept.
func (s *suite) versions(t *testing.T) {
	ctx := t.Context()
	full := city.Ticket{
		State: city.TicketClosed, End: city.EndHuman, System: "emsos", Unit: "Straßenreinigung", ExternalID: "7", Attempts: 2, Creates: 1,
		SentAt: noon, Next: noon.Add(1), Error: "nein", Acknowledged: "Meier", Hold: "Meier: Baustelle", HoldUntil: noon.Add(2), Follows: "S-00000009",
		Told: 2, ToldMembers: []string{"PK-1", "PK-2"}, Noted: noon.Add(3), Escalated: noon.Add(4),
		Remote:  city.Remote{ID: "7", Ref: "S-00000001", Progress: city.ProgressDone, Status: "erledigt", Notes: "Müll „weg“", Service: "3.2", Name: "Papierkorb", Updated: noon},
		Checked: noon.Add(5), Missing: 3, MissingSince: noon.Add(6),
	}
	c := caseAt(1, 1)
	c.Follows = "S-00000008"
	held := *s.give(t, c, full)
	s.reopen(t)
	got, found, err := s.store.Case(ctx, "S-00000001")
	must(t, err)
	equal(t, "found", found, true)
	equal(t, "ticket", got.Ticket, held)
	equal(t, "case", got.Case, c)

	late := held
	held.State = city.TicketOpen
	s.put(t, &held, "again open")
	s.put(t, &held, "") // nothing to tell
	late.State = city.TicketParked
	id := get[int64](t)(s.store.Wish(ctx, city.Wish{Ref: c.Ref, At: noon, By: "Meier", Kind: city.WishRetry}))
	err = s.store.PutTicket(ctx, late, city.TicketEntry{At: noon, State: late.State, Note: "too late"}, id)
	if !errors.Is(err, city.ErrStale) || !strings.Contains(err.Error(), "S-00000001") {
		t.Errorf("a writer that is late is told %v", err)
	}
	got, _, err = s.store.Case(ctx, c.Ref)
	must(t, err)
	equal(t, "ticket after a late writer", got.Ticket, held)
	equal(t, "wishes after a late writer", len(got.Wishes), 1)
	err = s.store.PutTicket(ctx, city.Ticket{Ref: "S-ZZZZZZZZ", State: city.TicketOpen}, city.TicketEntry{At: noon})
	if !errors.Is(err, city.ErrNoCase) {
		t.Errorf("a ticket of no case: %v", err)
	}
	equal(t, "history", get[[]city.TicketEntry](t)(s.store.TicketLog(ctx, c.Ref)), []city.TicketEntry{
		{At: c.Opened, State: city.TicketClosed, Note: "so far"}, {At: c.Opened, State: city.TicketOpen, Note: "again open"},
	})
	// The road is a writer too, of what it holds.
	braked := caseAt(2, 2)
	braked.Held = true
	s.commit(t, &city.Commit{Cases: []city.Case{braked}})
	s.commit(t, &city.Commit{Released: []city.Released{{Ref: braked.Ref, At: noon}}})
	err = s.store.PutTicket(ctx, city.Ticket{Ref: braked.Ref, State: city.TicketQueued}, city.TicketEntry{At: noon})
	if !errors.Is(err, city.ErrStale) {
		t.Errorf("a ticket that the brake has let go meanwhile: %v", err)
	}
}

// Of many who have read the same ticket one may send it.
func (s *suite) rivals(t *testing.T) {
	ticket := s.give(t, caseAt(1, 1), city.Ticket{State: city.TicketQueued})
	const rivals = 8
	errs := make(chan error)
	for n := range rivals {
		mine := *ticket
		mine.State, mine.Unit = city.TicketSending, fmt.Sprint(n)
		go func() {
			errs <- s.store.PutTicket(t.Context(), mine, city.TicketEntry{At: noon, State: mine.State, Note: mine.Unit})
		}()
	}
	won := 0
	for range rivals {
		if err := <-errs; err == nil {
			won++
		} else if !errors.Is(err, city.ErrStale) {
			t.Error(err)
		}
	}
	equal(t, "who may send", won, 1)
	equal(t, "lines in the history", len(get[[]city.TicketEntry](t)(s.store.TicketLog(t.Context(), ticket.Ref))), 2)
}

// A wish is kept until it is granted, by whoever writes the ticket.
func (s *suite) wishes(t *testing.T) {
	ctx := t.Context()
	c := caseAt(1, 1)
	ticket := s.give(t, c, city.Ticket{State: city.TicketOpen, Told: 1})
	other := s.give(t, caseAt(2, 2), city.Ticket{State: city.TicketOpen, Told: 1})
	hold := city.Wish{Ref: c.Ref, At: noon, By: "Meier", Kind: city.WishHold, Reason: "Baustelle <b>", Until: noon.Add(time.Hour)}
	link := city.Wish{Ref: c.Ref, At: noon.Add(1), By: "Schulz", Kind: city.WishLink, Number: "4711"}
	hold.ID, link.ID = get[int64](t)(s.store.Wish(ctx, hold)), get[int64](t)(s.store.Wish(ctx, link))
	if hold.ID <= 0 || link.ID <= hold.ID {
		t.Errorf("numbers %d, %d do not rise", hold.ID, link.ID)
	}
	s.reopen(t)
	wishes := func() []city.Wish {
		t.Helper()
		one, _, err := s.store.Case(ctx, c.Ref)
		must(t, err)
		return one.Wishes
	}
	equal(t, "wishes", wishes(), []city.Wish{hold, link})
	// Nobody grants the wishes of another ticket.
	must(t, s.store.PutTicket(ctx, *other, city.TicketEntry{At: noon}, hold.ID))
	equal(t, "wishes", wishes(), []city.Wish{hold, link})
	must(t, s.store.PutTicket(ctx, *ticket, city.TicketEntry{At: noon, State: city.TicketOpen, By: "Meier", Note: "Zurückgestellt"}, hold.ID))
	ticket.Version++
	equal(t, "wishes", wishes(), []city.Wish{link})
	log := get[[]city.TicketEntry](t)(s.store.TicketLog(ctx, c.Ref))
	equal(t, "history", log[len(log)-1], city.TicketEntry{At: noon, State: city.TicketOpen, By: "Meier", Note: "Zurückgestellt"})
	must(t, s.store.PutTicket(ctx, *ticket, city.TicketEntry{At: noon}, link.ID))
	equal(t, "due", len(get[[]city.CaseTicket](t)(s.store.Due(ctx, "emsos", noon.Add(24*time.Hour), 10))), 0)
	if _, err := s.store.Wish(ctx, city.Wish{Ref: "S-ZZZZZZZZ", At: noon, By: "Meier", Kind: city.WishClose}); !errors.Is(err, city.ErrNoCase) {
		t.Errorf("a wish for no case: %v", err)
	}
}

func (s *suite) mutes(t *testing.T) {
	ctx, now := t.Context(), noon.Add(24*time.Hour)
	if _, err := s.store.Mute(ctx, city.Mute{Since: noon, By: "Meier"}); err == nil {
		t.Error("a mute of everything is taken")
	}
	all := []city.Mute{
		{Service: "OS-ABF-01", Tour: "5", Since: noon, Until: now, By: "Meier", Reason: "Markt"},
		{Asset: "PK-1", Since: noon, By: "emsos", Reason: "abgelehnt: Kunst, kein Müll"},
		{District: "Altstadt", Since: now.Add(1), Until: now.Add(2), By: "Meier"},
	}
	for i := range all {
		all[i].ID = get[int64](t)(s.store.Mute(ctx, all[i]))
	}
	s.reopen(t)
	equal(t, "in force", get[[]city.Mute](t)(s.store.Mutes(ctx, now.Add(-1))), all)
	equal(t, "past", get[[]city.Mute](t)(s.store.Mutes(ctx, now)), all[1:])
	muted := s.give(t, caseAt(1, 1), city.Ticket{State: city.TicketMuted, Next: now.Add(time.Hour)})
	must(t, s.store.Unmute(ctx, all[1].ID, "Schulz", now))
	must(t, s.store.Unmute(ctx, all[1].ID, "Meier", now.Add(1)))
	all[1].Lifted, all[1].LiftedBy = now, "Schulz"
	slices.Reverse(all)
	equal(t, "all", get[[]city.Mute](t)(s.store.AllMutes(ctx, 10)), all)
	equal(t, "the newest", get[[]city.Mute](t)(s.store.AllMutes(ctx, 1)), all[:1])
	equal(t, "left", get[[]city.Mute](t)(s.store.Mutes(ctx, now)), all[:1])
	equal(t, "due as a mute is gone", refs(get[[]city.CaseTicket](t)(s.store.Due(ctx, "emsos", now, 10))), "1")
	s.put(t, muted, "another covers it")
	equal(t, "due", refs(get[[]city.CaseTicket](t)(s.store.Due(ctx, "emsos", now, 10))), "")
	if err := s.store.Unmute(ctx, 999, "Schulz", now); !errors.Is(err, city.ErrNoMute) {
		t.Errorf("no such mute: %v", err)
	}
}

// What ticket systems are asked for, longest ago first, and how far they were asked.
func (s *suite) watched(t *testing.T) {
	ctx, now := t.Context(), noon.Add(24*time.Hour)
	for n, row := range []city.Ticket{
		1: {State: city.TicketOpen, ExternalID: "1", Checked: noon.Add(3)},
		2: {State: city.TicketAcknowledged, ExternalID: "2", Checked: noon.Add(2)},
		3: {State: city.TicketCleared, ExternalID: "3"},
		4: {State: city.TicketClosing, ExternalID: "4", Checked: noon.Add(1)},
		5: {State: city.TicketOpen, ExternalID: "5", Checked: now},
		6: {State: city.TicketOpen},
		7: {State: city.TicketClosed, ExternalID: "7"},
		8: {State: city.TicketParked, ExternalID: "8"},
		9: {State: city.TicketOpen, ExternalID: "9", Escalated: noon},
	} {
		if n > 0 {
			s.give(t, caseAt(n, time.Duration(n)), row)
		}
	}
	equal(t, "watched", refs(get[[]city.CaseTicket](t)(s.store.Watched(ctx, "emsos", now, 10))), "3 9 4 2 1")
	equal(t, "the first", refs(get[[]city.CaseTicket](t)(s.store.Watched(ctx, "emsos", now, 2))), "3 9")
	equal(t, "elsewhere", refs(get[[]city.CaseTicket](t)(s.store.Watched(ctx, "mail", now, 10))), "")
	s.commit(t, &city.Commit{Cases: []city.Case{closing("S-00000006")}})
	equal(t, "nobody looks after", refs(get[[]city.CaseTicket](t)(s.store.Unacknowledged(ctx, "emsos", noon.Add(7*time.Hour), "", 10))), "1 5")
	for after, want := range map[string]string{"": "1", "S-00000001": "5", "S-00000003": "5", "S-00000005": "", "S-ZZZZZZZZ": "1"} {
		equal(t, "the first after "+after, refs(get[[]city.CaseTicket](t)(s.store.Unacknowledged(ctx, "emsos", noon.Add(7*time.Hour), after, 1))), want)
	}

	equal(t, "never polled", get[time.Time](t)(s.store.Polled(ctx, "emsos")), time.Time{})
	must(t, s.store.SetPolled(ctx, "emsos", noon))
	must(t, s.store.SetPolled(ctx, "emsos", now))
	s.reopen(t)
	equal(t, "polled", get[time.Time](t)(s.store.Polled(ctx, "emsos")), now)
	equal(t, "polled elsewhere", get[time.Time](t)(s.store.Polled(ctx, "mail")), time.Time{})
}

// The case before this one, of the same matter.
func (s *suite) earlier(t *testing.T) {
	ctx := t.Context()
	at := func(n int, from, to time.Duration, change func(*city.Case)) {
		c := caseAt(n, from)
		c.Asset = "PK-1"
		if change != nil {
			change(&c)
		}
		s.commit(t, &city.Commit{Cases: []city.Case{c}})
		s.put(t, &city.Ticket{Ref: c.Ref, State: city.TicketOpen, System: "emsos", ExternalID: fmt.Sprint(n), Updated: c.Opened}, "created")
		if to > 0 {
			s.commit(t, &city.Commit{Cases: []city.Case{{Ref: c.Ref, Closed: noon.Add(to * time.Hour)}}})
		}
	}
	at(1, 1, 2, nil)
	at(2, 3, 4, nil)
	at(3, 5, 6, func(c *city.Case) { c.Asset = "PK-2" })
	at(4, 5, 6, func(c *city.Case) { c.Rule = "bin-hot" })
	at(5, 5, 6, func(c *city.Case) { c.Asset, c.Group = "", "tour:5" })
	at(6, 5, 6, nil)
	s.put(t, &city.Ticket{Ref: "S-00000006", State: city.TicketCancelled, Version: 1, Updated: noon}, "never sent")
	at(7, 7, 0, nil)
	at(8, 7, 0, func(c *city.Case) { c.Asset, c.Group = "", "tour:5" })
	for ref, want := range map[string]string{"7": "2", "2": "1", "1": "", "8": "5", "5": "", "9": ""} {
		before, found, err := s.store.Earlier(ctx, "S-0000000"+ref)
		must(t, err)
		equal(t, "found before "+ref, found, want != "")
		equal(t, "before "+ref, strings.TrimLeft(before.Case.Ref, "S-0"), want)
	}
}

// What people list.
func (s *suite) list(t *testing.T) {
	ctx := t.Context()
	s.give(t, caseAt(1, 1), city.Ticket{State: city.TicketOpen, ExternalID: "2026-000_1"})
	s.give(t, caseAt(2, 2), city.Ticket{State: city.TicketParked, System: "mail"})
	s.give(t, caseAt(3, 3), city.Ticket{State: city.TicketCleared})
	s.give(t, caseAt(4, 4), city.Ticket{State: city.TicketClosed, End: city.EndUs})
	s.give(t, caseAt(5, 5), city.Ticket{State: city.TicketClosed, End: city.EndHuman})
	s.commit(t, &city.Commit{Cases: []city.Case{closing("S-00000003"), closing("S-00000004")}})
	group := caseAt(6, 6)
	group.Asset, group.Group, group.Members, group.Service, group.Rule, group.Title = "", "tour:5", []string{"PK-1"}, "OS-GRN-01", "dry", "100 % trocken"
	s.give(t, group, city.Ticket{State: city.TicketQueued})
	for name, row := range map[string]struct {
		filter city.TicketFilter
		want   string
	}{
		"all":               {city.TicketFilter{}, "6 5 4 3 2 1"},
		"open":              {city.TicketFilter{Open: true}, "6 5 3 2 1"},
		"a state":           {city.TicketFilter{States: []city.TicketState{city.TicketParked}}, "2"},
		"states":            {city.TicketFilter{States: []city.TicketState{city.TicketClosed, city.TicketOpen}}, "5 4 1"},
		"a system":          {city.TicketFilter{System: "mail"}, "2"},
		"a service":         {city.TicketFilter{Service: "OS-GRN-01"}, "6"},
		"a rule":            {city.TicketFilter{Rule: "bin-full"}, "5 4 3 2 1"},
		"an asset":          {city.TicketFilter{Asset: "PK-3"}, "3"},
		"a group":           {city.TicketFilter{Asset: "tour:5"}, "6"},
		"assets":            {city.TicketFilter{Assets: []string{"PK-5", "PK-1", "PK-77"}}, "5 1"},
		"no assets":         {city.TicketFilter{Assets: []string{}}, ""},
		"open of a rule":    {city.TicketFilter{Open: true, Rule: "bin-full"}, "5 3 2 1"},
		"a reference":       {city.TicketFilter{Text: "s-00000004"}, "4"},
		"a number":          {city.TicketFilter{Text: "000_1"}, "1"},
		"not a pattern":     {city.TicketFilter{Text: "0_00"}, ""},
		"a percent sign":    {city.TicketFilter{Text: "100 %"}, "6"},
		"a word":            {city.TicketFilter{Text: "papierkorb", Open: true}, "5 3 2 1"},
		"a quote":           {city.TicketFilter{Text: `' OR "1" = \`}, ""},
		"after":             {city.TicketFilter{After: "S-00000004"}, "3 2 1"},
		"after nobody":      {city.TicketFilter{After: "S-ZZZZZZZZ"}, ""},
		"open, after":       {city.TicketFilter{Open: true, After: "S-00000004"}, "3 2 1"},
		"nothing of a kind": {city.TicketFilter{Service: "OS-ZZZ-99"}, ""},
	} {
		row.filter.Limit = 10
		equal(t, name, refs(get[[]city.CaseTicket](t)(s.store.Tickets(ctx, row.filter))), row.want)
	}
	equal(t, "a page", refs(get[[]city.CaseTicket](t)(s.store.Tickets(ctx, city.TicketFilter{Limit: 2}))), "6 5")
	if _, err := s.store.Tickets(ctx, city.TicketFilter{}); err == nil {
		t.Error("a list without a limit")
	}
}

// Parked tickets are taken up again: searched for, closed, or as open as they were.
func (s *suite) unparked(t *testing.T) {
	ctx, now := t.Context(), noon.Add(24*time.Hour)
	s.give(t, caseAt(1, 1), city.Ticket{State: city.TicketParked, Told: 1, Creates: 1, Error: "nein"})
	s.give(t, caseAt(2, 2), city.Ticket{State: city.TicketParked, Told: 1, ExternalID: "2"})
	s.give(t, caseAt(3, 3), city.Ticket{State: city.TicketParked, Told: 1, ExternalID: "3"})
	s.give(t, caseAt(4, 4), city.Ticket{State: city.TicketOpen, Told: 1, ExternalID: "4"})
	s.commit(t, &city.Commit{Cases: []city.Case{closing("S-00000003")}})
	equal(t, "taken up", get[int64](t)(s.store.Unpark(ctx, now)), int64(3))
	for n, want := range []city.TicketState{city.TicketUnsure, city.TicketOpen, city.TicketClosing, city.TicketOpen} {
		one, _, err := s.store.Case(ctx, fmt.Sprintf("S-%08d", n+1))
		must(t, err)
		equal(t, one.Case.Ref, one.Ticket.State, want)
		equal(t, "error of "+one.Case.Ref, one.Ticket.Error, "")
	}
	equal(t, "due", refs(get[[]city.CaseTicket](t)(s.store.Due(ctx, "emsos", now, 10))), "1 3")
	log := get[[]city.TicketEntry](t)(s.store.TicketLog(ctx, "S-00000001"))
	equal(t, "history", log[len(log)-1], city.TicketEntry{At: now, State: city.TicketUnsure, Note: "wieder aufgenommen"})
}
