package tickets

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/tickets/georeport"
	"meldefunk/tickets/open311"
)

// townHall is a GeoReport server that listens.
func townHall(t *testing.T, c *clock) (*georeport.Server, string) {
	t.Helper()
	srv, err := georeport.New(georeport.Config{
		APIKey:   secret,
		Services: []georeport.Service{{Code: "ABF-1", Name: "Papierkorb voll"}, {Code: "STAPEL", Name: "Später", Batch: true}},
		Now:      c.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(srv)
	t.Cleanup(h.Close)
	return srv, h.URL
}

func openSystem(t *testing.T, cfg Config, l *ledger) System {
	t.Helper()
	all, err := Open(cfg, Parts{Linked: l.linked})
	if err != nil {
		t.Fatal(err)
	}
	return all[cfg.System]
}

// The contract of a System, over every ticket system there is.
func TestSystemContract(t *testing.T) {
	c := newClock()
	tests := []struct {
		name string
		cfg  func(t *testing.T) Config
	}{
		{SystemLocal, func(*testing.T) Config { return config() }},
		{SystemOpen311, func(t *testing.T) Config {
			_, url := townHall(t, c)
			return toServer(t, url)
		}},
		{SystemCSV, func(t *testing.T) Config {
			cfg := config()
			cfg.System, cfg.CSV.Folder = SystemCSV, t.TempDir()
			return cfg
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := newLedger()
			l.open("S-00000001", "S-00000002")
			s := openSystem(t, tt.cfg(t), l)
			r := newReconciler(t, config(), l, s, c)
			if s.Name() != tt.name {
				t.Errorf("name %q, want %q", s.Name(), tt.name)
			}
			if k, ok := s.(Checker); ok {
				if err := k.Check(t.Context()); err != nil {
					t.Errorf("check: %v", err)
				}
			}
			ids := map[string]bool{}
			for _, ref := range []string{"S-00000001", "S-00000002"} {
				ct := city.CaseTicket{Case: l.cases[len(ids)], Ticket: city.Ticket{Ref: ref, SentAt: c.now()}}
				o := orderOf(t, r, &ct)
				id, err := s.Create(t.Context(), o)
				if err != nil || id == "" || ids[id] {
					t.Fatalf("create %s = %q, %v; want a number of its own", ref, id, err)
				}
				ids[id] = true
				if got, found, err := s.Find(t.Context(), o); got != id || !found || err != nil {
					t.Errorf("find %s = %q, %v, %v; want %q", ref, got, found, err, id)
				}
				l.close(ref)
				ct.Case = l.cases[len(ids)-1]
				o = orderOf(t, r, &ct)
				for range 2 {
					if err := s.Close(t.Context(), o, id); err != nil {
						t.Errorf("close %s: %v", ref, err)
					}
				}
				if got, found, err := s.Find(t.Context(), o); got != id || !found || err != nil {
					t.Errorf("find closed %s = %q, %v, %v; want %q", ref, got, found, err, id)
				}
			}
		})
	}
}

func TestOpenRefusesUnknownSystem(t *testing.T) {
	if _, err := Open(Config{System: "fax"}, Parts{Linked: nil}); err == nil || !strings.Contains(err.Error(), "fax") {
		t.Errorf("got %v", err)
	}
	if _, err := Open(Config{System: SystemOpen311}, Parts{Linked: nil}); err == nil {
		t.Error("an empty open311 section is no error")
	}
}

// Lost answers, and a process that dies at any write, before or after it reached the
// disk: in the end there is exactly one ticket, and it is closed.
func TestExactlyOneTicket(t *testing.T) {
	faults := []struct {
		name string
		kind georeport.Fault
		n    int // how many answers are bad; 0: none
		long bool
	}{
		{name: "no fault"},
		{name: "answer dropped", kind: georeport.Drop, n: 1},
		{name: "answers dropped", kind: georeport.Drop, n: 2},
		{name: "502", kind: georeport.BadGateway, n: 1},
		{name: "truncated", kind: georeport.Truncate, n: 1},
		{name: "hang", kind: georeport.Hang, n: 1, long: true},
		{name: "unavailable", kind: georeport.Unavailable, n: 3},
		{name: "web page", kind: georeport.HTML, n: 2},
	}
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			points := 0
			for dieAt := 0; ; dieAt++ {
				if dieAt > points && dieAt > 1 || f.long && dieAt > 1 {
					break
				}
				for _, written := range []bool{false, true} {
					writes := oneCase(t, f.kind, f.n, dieAt, written)
					points = max(points, writes)
				}
			}
			if points < 5 {
				t.Errorf("only %d writes: the crash points were not reached", points)
			}
		})
	}
}

// oneCase opens and closes one case, with a crash at one write, and gives how many writes
// there were.
func oneCase(t *testing.T, kind georeport.Fault, n, dieAt int, written bool) int {
	t.Helper()
	c, l := newClock(), newLedger()
	srv, url := townHall(t, c)
	cfg := toServer(t, url)
	cfg.Open311.Timeout = time.Second
	if kind != georeport.Hang {
		cfg.Open311.Timeout = 20 * time.Second // a slow machine is not a fault
	}
	if n > 0 {
		srv.Fail(kind, n)
	}
	l.open(ref)
	l.dieAt, l.written = dieAt, written
	for range 2 {
		for range 2 { // the second one is the new process, if the first died
			drive(t, newReconciler(t, cfg, l, openSystem(t, cfg, l), c), l, c, 10*time.Second)
			l.mu.Lock()
			dead := l.dead
			l.mu.Unlock()
			if !dead {
				break
			}
			l.revive()
			c.advance(time.Minute)
		}
		l.close(ref)
	}
	got := l.ticket(ref)
	where := fmt.Sprintf("died at write %d (written %v), history %q", dieAt, written, l.history(ref))
	all := srv.Requests()
	if len(all) != 1 {
		t.Errorf("%d tickets; %s", len(all), where)
		return l.writes
	}
	if got.State != city.TicketClosed || got.ExternalID != fmt.Sprint(all[0].ID) || !all[0].Closed {
		t.Errorf("ticket %+v, there %+v; %s", got, all[0], where)
	}
	if updates := srv.Updates(); len(updates) != 1 || updates[0].Status != "CLOSED" || !strings.Contains(updates[0].Description, "Füllstand 12 %") {
		t.Errorf("updates %+v; %s", updates, where)
	}
	return l.writes
}

// What the city sees: words, place and time, and neither key nor device.
func TestWhatArrives(t *testing.T) {
	c, l := newClock(), newLedger()
	srv, url := townHall(t, c)
	cfg := toServer(t, url)
	l.open(ref)
	drive(t, newReconciler(t, cfg, l, openSystem(t, cfg, l), c), l, c, time.Second)
	q := srv.Requests()[0]
	want := `Papierkorb voll - PK-0042, Domhof 4, 49074 Osnabrück

Automatische Meldung der städtischen Sensorik (keine Bürgermeldung).
Standort: Papierkorb Domhof 4, Domhof 4, 49074 Osnabrück (PK-0042)
Befund: Füllstand 96 % (Schwelle 90 %), seit 21.11.2026, 12:30 Uhr.
Wird automatisch geschlossen, sobald der Sensor eine Leerung erkennt.
[Ref S-7K3QF2PA]`
	if q.Description != want {
		t.Errorf("got\n%s\nwant\n%s", q.Description, want)
	}
	if q.Lat != "52.277500" || q.Long != "8.041700" || q.Address != "Domhof 4, 49074 Osnabrück" || q.Service != "ABF-1" {
		t.Errorf("got %+v", q)
	}
}

// A hundred cases while the server is away for hours: few calls go out, and when it is
// back each case is opened once, one call each.
func TestOutage(t *testing.T) {
	c, l := newClock(), newLedger()
	srv, _ := townHall(t, c)
	var away atomic.Bool
	var calls atomic.Int64
	away.Store(true)
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if away.Load() {
			panic(http.ErrAbortHandler) // the request was read, and nothing was done
		}
		srv.ServeHTTP(w, r)
	}))
	defer door.Close()
	cfg := toServer(t, door.URL)
	for i := range 100 {
		l.open(fmt.Sprintf("S-%08d", i))
	}
	r := newReconciler(t, cfg, l, openSystem(t, cfg, l), c)
	pass := func() {
		if err := r.pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.advance(10 * time.Second)
	}
	const hours = 5
	for range hours * 360 {
		pass()
	}
	// One create and one search at first, then one search for each wait: 1, 5, 15, 30 min.
	if n := calls.Load(); n < 8 || n > 2+4+2*hours {
		t.Errorf("%d calls in %d hours, want a handful", n, hours)
	}
	away.Store(false)
	calls.Store(0)
	drive(t, r, l, c, 10*time.Second)
	seen := map[string]int{}
	for _, q := range srv.Requests() {
		seen[q.Description[strings.LastIndex(q.Description, "[Ref "):]]++
	}
	for _, ct := range l.cases {
		if got := l.ticket(ct.Ref); got.State != city.TicketOpen || seen[Marker(ct.Ref)] != 1 {
			t.Errorf("%s: %s, %d tickets there", ct.Ref, got.State, seen[Marker(ct.Ref)])
		}
	}
	// 100 creates; the one case that was sent into the outage is searched for four times
	// with at most four lists each.
	if n := calls.Load(); n < 100 || n > 116 {
		t.Errorf("%d calls for 100 cases", n)
	}
}

// Run stops when told, and Wake is enough to begin.
func TestRun(t *testing.T) {
	srv, url := townHall(t, newClock())
	cfg := toServer(t, url)
	cfg.Poll = time.Hour // only Wake can begin
	l := newLedger()
	r, err := New(cfg, around(l, openSystem(t, cfg, l), newClock()), zerolog.Nop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	for i := range 3 {
		ref := fmt.Sprintf("S-%08d", i)
		l.open(ref)
		r.Wake()
		r.Wake()
		waitFor(t, func() bool { return l.ticket(ref).State == city.TicketOpen })
		l.close(ref)
		r.Wake()
		waitFor(t, func() bool { return l.ticket(ref).State == city.TicketClosed })
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	if n := len(srv.Requests()); n != 3 {
		t.Errorf("%d tickets, want 3", n)
	}
}

// Told to stop while a create hangs, Run ends at once and leaves a note to search.
func TestStopWhileSending(t *testing.T) {
	c := newClock()
	srv, url := townHall(t, c)
	srv.Fail(georeport.Hang, 1)
	cfg := toServer(t, url)
	cfg.Open311.Timeout = time.Minute
	l := newLedger()
	l.open(ref)
	r := newReconciler(t, cfg, l, openSystem(t, cfg, l), c)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	waitFor(t, func() bool { return len(srv.Requests()) == 1 })
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("Run: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Run does not end")
	}
	if got := l.ticket(ref); got.State != city.TicketUnsure || got.Creates != 1 {
		t.Errorf("left behind %+v", got)
	}
	c.advance(time.Minute)
	drive(t, newReconciler(t, cfg, l, openSystem(t, cfg, l), c), l, c, time.Second)
	if got := l.ticket(ref); got.State != city.TicketOpen || len(srv.Requests()) != 1 {
		t.Errorf("after the next start %+v, %d tickets", got, len(srv.Requests()))
	}
}

// An endpoint that cannot close: the ticket waits for a human there.
func TestNoWayToClose(t *testing.T) {
	c, l := newClock(), newLedger()
	srv, url := townHall(t, c)
	cfg := toServer(t, url)
	cfg.Open311.Updates = open311.UpdatesNone
	l.open(ref)
	r := newReconciler(t, cfg, l, openSystem(t, cfg, l), c)
	drive(t, r, l, c, time.Second)
	l.close(ref)
	drive(t, r, l, c, time.Second)
	h := l.history(ref)
	if got := l.ticket(ref); got.State != city.TicketCleared || !strings.Contains(h[len(h)-1], "von Hand schließen") {
		t.Errorf("got %+v, history %q", got, h)
	}
	if err := srv.Act(georeport.Update{Request: 1001, Status: "CLOSED"}); err != nil {
		t.Fatal(err)
	}
	c.advance(time.Hour + time.Second)
	if err := r.lanes[SystemOpen311].watch(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := l.ticket(ref); got.State != city.TicketClosed || got.End != city.EndHuman {
		t.Errorf("after a human closed it: %+v, history %q", got, l.history(ref))
	}
	if q := srv.Requests()[0]; strings.Contains(q.Description, "automatisch geschlossen") {
		t.Errorf("the text promises what cannot be kept: %+v", q)
	}
}

// No failure may tell the key.
func TestKeyStaysSecret(t *testing.T) {
	c, l := newClock(), newLedger()
	var log strings.Builder
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		http.Error(w, "you sent "+string(body), http.StatusBadRequest)
	}))
	defer echo.Close()
	cfg := toServer(t, echo.URL)
	l.open(ref)
	r, err := New(cfg, around(l, openSystem(t, cfg, l), c), zerolog.New(&log), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	drive(t, r, l, c, time.Second)
	got := l.ticket(ref)
	if got.State != city.TicketParked || !strings.Contains(got.Error, "you sent") {
		t.Fatalf("got %+v", got)
	}
	if all := got.Error + log.String() + strings.Join(l.history(ref), ""); strings.Contains(all, secret) {
		t.Errorf("the key is in %s", all)
	}
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatal("does not happen within 10s")
		}
		time.Sleep(time.Millisecond)
	}
}
