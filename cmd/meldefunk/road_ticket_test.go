package main

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/tickets"
	"meldefunk/tickets/georeport"
)

// Route sends everything one way.
func (b *block) Route(*city.Case, *city.Asset) tickets.Route {
	return tickets.Route{System: "open311", AutoClose: tickets.AutoCloseAlways, Respect: 24 * time.Hour, ReopenWithin: 2 * time.Hour}
}

// reconcile has a ticket server told of the cases, until the test ends.
func (b *block) reconcile() *georeport.Server {
	b.t.Helper()
	const key = "geheim-4711"
	server, err := georeport.New(georeport.Config{APIKey: key, Now: b.now, Services: []georeport.Service{{Code: "ABF-1", Name: "Papierkorb voll"}}})
	if err != nil {
		b.t.Fatal(err)
	}
	web := httptest.NewServer(server)
	b.t.Cleanup(web.Close)
	cfg := tickets.DefaultConfig()
	cfg.System, cfg.Poll = tickets.SystemOpen311, 5*time.Millisecond
	cfg.Open311.Endpoint, cfg.Open311.APIKeyFile = web.URL, filepath.Join(b.dir, "key")
	cfg.Open311.ServiceMap = map[string]string{"OS-ABF-01": "ABF-1"}
	cfg.Open311.Updates = "servicerequestupdates"
	if err := os.WriteFile(cfg.Open311.APIKeyFile, []byte(key), 0o600); err != nil {
		b.t.Fatal(err)
	}
	systems, err := tickets.Open(cfg, tickets.Parts{Linked: b.store.Linked, Now: b.now, Log: zerolog.Nop()})
	if err != nil {
		b.t.Fatal(err)
	}
	r, err := tickets.New(cfg, tickets.Tools{
		Store: b.store, Systems: systems, Router: b, Assets: b, Road: b.road, Now: b.now,
	}, zerolog.Nop(), prometheus.NewRegistry())
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- r.Run(ctx) }()
	b.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			b.t.Error(err)
		}
	})
	return server
}

// becomes waits until a ticket is in a state.
func (b *block) becomes(ref string, state city.TicketState, end city.TicketEnd) city.Ticket {
	b.t.Helper()
	var got city.CaseTicket
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		var err error
		if got, _, err = b.store.Case(b.t.Context(), ref); err != nil {
			b.t.Fatal(err)
		}
		if got.Ticket.State == state && got.Ticket.End == end {
			return got.Ticket
		}
	}
	b.t.Fatalf("%s does not become %s %q: %+v", ref, state, end, got.Ticket)
	return city.Ticket{}
}

// A human closes a ticket while the bin is full: that is respected for a day. Then the rules'
// case goes on as another one, whose ticket names the first; when the bin is emptied that one is
// closed, and the first is left as it is.
func TestHumanClosesWhatLasts(t *testing.T) {
	b := newBlock(t, city.Bin, 1, fullRule)
	server := b.reconcile()
	b.pass(10)
	b.send(b.frame(1, 95, 0))
	first := b.becomes("S-00000001", city.TicketOpen, "")
	b.jump(10)
	if err := server.Act(georeport.Update{Request: server.Requests()[0].ID, Status: "CLOSED", Description: "war da"}); err != nil {
		t.Fatal(err)
	}
	b.jump(10)
	b.becomes("S-00000001", city.TicketClosed, city.EndHuman)
	b.jump(22 * 60)
	b.send(b.frame(1, 96, 0))
	b.want("still full", "full A-1")
	b.jump(3 * 60)
	next := b.becomes("S-00000002", city.TicketOpen, "")
	b.want("told anew", "full A-1 closed", "full A-1")
	all := server.Requests()
	if len(all) != 2 || next.Follows != "S-00000001" || !strings.Contains(all[1].Description, "Folgemeldung zu "+first.ExternalID+".") {
		t.Errorf("ticket %+v, there %+v", next, all)
	}
	b.send(b.frame(1, 10, 0))
	b.becomes("S-00000002", city.TicketClosed, city.EndUs)
	b.want("emptied", "full A-1 closed", "full A-1 closed")
	if all := server.Requests(); !all[0].Closed || !all[1].Closed || len(server.Updates()) != 2 {
		t.Errorf("there %+v, updates %+v", all, server.Updates())
	}
}

// What the safety brake holds is let go by the road when a human wants that: it counts for the
// hour, the case that tells of the others knows, and so does the record.
func TestReleaseByHand(t *testing.T) {
	b := newBlock(t, city.Bin, 5, strings.Replace(fullRule, "service:", "per_hour: 2, service:", 1))
	server := b.reconcile()
	b.pass(10)
	b.send(b.frame(1, 95, 0), b.frame(2, 95, 0), b.frame(3, 95, 0), b.frame(4, 95, 0))
	b.want("two wait", "full A-1", "full A-2", "full A-3 held", "full A-4 held", "full rule:full")
	ref := func(asset string) string {
		t.Helper()
		all, err := b.store.Tickets(t.Context(), city.TicketFilter{Asset: asset, Limit: 1})
		if err != nil || len(all) != 1 {
			t.Fatalf("%v, %v", all, err)
		}
		return all[0].Case.Ref
	}
	wish := func(ref string, kind city.WishKind) {
		t.Helper()
		if _, err := b.store.Wish(t.Context(), city.Wish{Ref: ref, At: b.now(), By: "A. Beispiel", Kind: kind}); err != nil {
			t.Fatal(err)
		}
	}
	wish(ref("A-4"), city.WishRelease)
	b.becomes(ref("A-4"), city.TicketOpen, "")
	b.want("one is let go", "full A-1", "full A-2", "full A-3 held", "full A-4", "full rule:full")
	if c := b.caseOf(ref("rule:full")).Case; fmt.Sprint(c.Members) != "[A-3]" {
		t.Errorf("the case that tells of the others: %v", c.Members)
	}
	rulings, err := b.store.Decisions(t.Context(), ref("A-4"))
	if err != nil || len(rulings) == 0 || !strings.Contains(rulings[len(rulings)-1].Note, "Von Hand freigegeben") {
		t.Errorf("record %+v, %v", rulings, err)
	}
	wish(ref("A-3"), city.WishClose)
	b.becomes(ref("A-3"), city.TicketClosed, city.EndHuman)
	b.want("none waits", "full A-1", "full A-2", "full A-3", "full A-4", "full rule:full closed")
	b.send(b.frame(5, 95, 0))
	b.want("they count", "full A-1", "full A-2", "full A-3", "full A-4", "full A-5 held", "full rule:full closed", "full rule:full")
	for _, q := range server.Requests() {
		if strings.Contains(q.Description, ref("A-3")) {
			t.Errorf("sent although it was closed: %+v", q)
		}
	}
	if err := b.road.Release(t.Context(), "S-ZZZZZZZZ"); err != nil { // as one that is let go already
		t.Error(err)
	}
}
