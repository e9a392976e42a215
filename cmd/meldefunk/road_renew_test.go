package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"meldefunk/city"
)

// renew has a case go on as another one.
func (b *block) renew(ref string) {
	b.t.Helper()
	if err := b.road.Renew(b.t.Context(), ref); err != nil {
		b.t.Fatal(err)
	}
}

// case of a reference.
func (b *block) caseOf(ref string) *city.CaseTicket {
	b.t.Helper()
	c, found, err := b.store.Case(b.t.Context(), ref)
	if err != nil || !found {
		b.t.Fatalf("case %s: %v, %v", ref, found, err)
	}
	return &c
}

// What people have closed and lasts goes on as a new case with a ticket of its own; what the
// rules say next is about that one.
func TestRenew(t *testing.T) {
	for name, restart := range map[string]bool{"it goes on": false, "restart": true} {
		t.Run(name, func(t *testing.T) {
			b := newBlock(t, city.Bin, 2, `rules:
  - {id: full, kind: bin, quantity: fill_level, readings: 1, clear_readings: 1, levels: [{open: ">= 90 %", clear: "<= 30 %"}, {severity: 2, open: ">= 98 %", clear: "<= 97 %"}], service: OS-ABF-01, title: voll}
`)
			b.pass(10)
			b.send(b.frame(1, 92, 0))
			b.pass(10)
			b.send(b.frame(1, 99, 0))
			b.want("full", "full A-1 2")
			first := b.caseOf("S-00000001").Case
			b.jump(24 * 60)
			if restart {
				b.restart()
			}
			b.renew("S-00000001")
			b.want("renewed", "full A-1 closed 2", "full A-1 2")
			if restart {
				b.restart()
			}
			b.renew("S-00000001") // its answer was lost
			b.renew("S-ZZZZZZZZ")
			b.want("renewed once", "full A-1 closed 2", "full A-1 2")

			next := b.caseOf("S-00000002")
			want := first
			want.Ref, want.Opened, want.Follows = "S-00000002", b.now(), "S-00000001"
			if fmt.Sprint(next.Case) != fmt.Sprint(want) {
				t.Errorf("goes on as\n%+v\nwant\n%+v", next.Case, want)
			}
			if next.Ticket.State != city.TicketQueued || next.Ticket.Version != 0 {
				t.Errorf("its ticket: %+v", next.Ticket)
			}
			if old := b.caseOf("S-00000001").Case; !old.Closed.Equal(b.now()) || !old.ClosedSince.IsZero() || old.Revoked {
				t.Errorf("the old case: %+v", old)
			}
			for ref, note := range map[string]string{"S-00000001": "neue Meldung S-00000002", "S-00000002": "Die Meldung S-00000001"} {
				rulings, err := b.store.Decisions(t.Context(), ref)
				if last := rulings[len(rulings)-1]; err != nil || last.Change != "renewed" || !strings.Contains(last.Note, note) || last.Quantity != "fill_level" {
					t.Errorf("record of %s: %+v, %v", ref, rulings, err)
				}
			}
			b.pass(10)
			b.send(b.frame(1, 97, 0)) // says nothing new
			b.want("less bad", "full A-1 closed 2", "full A-1")
			b.send(b.frame(1, 10, 0))
			b.want("emptied", "full A-1 closed 2", "full A-1 closed")
			b.renew("S-00000002")
			b.pass(10)
			b.send(b.frame(1, 95, 0))
			b.want("full again", "full A-1 closed 2", "full A-1 closed", "full A-1")
			if c := b.caseOf("S-00000003").Case; c.Follows != "" {
				t.Errorf("an episode of its own follows %s", c.Follows)
			}
		})
	}
}

// A case that the same batch closes is over, and stays so.
func TestRenewBesideItsEnd(t *testing.T) {
	b := newBlock(t, city.Bin, 50, fullRule)
	b.pass(10)
	var flood []city.Arrival
	for n := range byte(50) {
		flood = append(flood, b.frame(n+1, 95, 0))
	}
	b.send(flood...)
	b.pass(10)
	var all sync.WaitGroup
	for n := range 50 {
		all.Add(1)
		go func() {
			defer all.Done()
			if err := b.road.Renew(t.Context(), fmt.Sprintf("S-%08d", n+1)); err != nil {
				t.Error(err)
			}
		}()
	}
	flood = flood[:0]
	for n := range byte(50) {
		flood = append(flood, b.frame(n+1, 10, 0))
	}
	b.send(flood...)
	all.Wait()
	cases, err := b.store.Cases(t.Context(), false, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if c.Case.Wanted() {
			t.Errorf("%s of %s is open although it is empty", c.Case.Ref, c.Case.Asset)
		}
	}
}

// The members and the value of a group's case go on as they are now.
func TestRenewGroup(t *testing.T) {
	b := newBlock(t, city.Bin, 3, strings.Replace(fullRule, "service:", "group_by: tour, service:", 1))
	b.pass(10)
	b.send(b.frame(1, 95, 0))
	b.pass(10)
	b.send(b.frame(2, 95, 0))
	b.renew("S-00000001")
	b.want("renewed", "full tour:5 closed", "full tour:5")
	if got := b.caseOf("S-00000002").Case.Members; !slices.Equal(got, []string{"A-1", "A-2"}) {
		t.Errorf("members: %v", got)
	}
	// One more comes in the batch that renews.
	b.jump(10)
	for _, a := range []city.Arrival{b.frame(3, 95, 0)} {
		if err := b.road.Offer(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	b.renew("S-00000002")
	if c := b.caseOf("S-00000003").Case; !slices.Equal(c.Members, []string{"A-1", "A-2", "A-3"}) || c.Follows != "S-00000002" {
		t.Errorf("members: %+v", c)
	}
	b.send(b.frame(1, 10, 0), b.frame(2, 10, 0), b.frame(3, 10, 0))
	b.want("emptied", "full tour:5 closed", "full tour:5 closed", "full tour:5 closed")
}

// A case that is told anew counts for the safety brake; what the brake tells of itself does not.
func TestRenewUnderTheBrake(t *testing.T) {
	b := newBlock(t, city.Bin, 3, strings.Replace(fullRule, "service:", "per_hour: 2, service:", 1))
	b.pass(10)
	b.send(b.frame(1, 95, 0), b.frame(2, 95, 0), b.frame(3, 95, 0))
	b.want("three", "full A-1", "full A-2", "full A-3 held", "full rule:full")
	b.renew("S-00000001")
	b.want("one anew", "full A-1 closed", "full A-1 held", "full A-2", "full A-3 held", "full rule:full")
	b.renew("S-00000004")
	b.want("the digest anew", "full A-1 closed", "full A-1 held", "full A-2", "full A-3 held", "full rule:full closed", "full rule:full")
	b.renew("S-00000003") // somebody has closed here what was never sent
	if got := b.caseOf("S-00000003").Ticket.State; got != city.TicketCancelled {
		t.Errorf("a held ticket that is told anew: %s", got)
	}
	b.restart()
	b.pass(70)
	b.want("an hour later", "full A-1 closed", "full A-1", "full A-2", "full A-3 closed", "full A-3", "full rule:full closed", "full rule:full closed")
}

// Nobody waits for a road that has ended.
func TestRenewWithoutARoad(t *testing.T) {
	b := newBlock(t, city.Bin, 1, fullRule)
	b.end()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.road.Renew(ctx, "S-00000001"); !errors.Is(err, context.Canceled) {
		t.Errorf("renewed on no road: %v", err)
	}
}
