package tickets

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/tickets/georeport"
	"meldefunk/tickets/open311"
)

// On every flavour, in both formats, with answers lost at the create, at the close, or
// both, and with processes that die at any write: one ticket, closed once.
func TestExactlyOneTicketOnEveryFlavour(t *testing.T) {
	faults := map[string]georeport.Fault{"dropped": georeport.Drop, "502": georeport.BadGateway, "truncated": georeport.Truncate, "500": georeport.Broken}
	for flavour, habits := range georeport.Flavours() {
		for _, format := range []string{open311.JSON, open311.XML} {
			for name, fault := range faults {
				t.Run(strings.Join([]string{flavour, format, name}, " "), func(t *testing.T) {
					t.Parallel()
					for lost := range 4 {
						for dieAt := range 7 {
							oneCaseOn(t, flavour, habits, format, fault, lost, dieAt)
						}
					}
				})
			}
		}
	}
}

func oneCaseOn(t *testing.T, flavour string, habits georeport.Habits, format string, fault georeport.Fault, lost, dieAt int) {
	t.Helper()
	c, l := newClock(), newLedger()
	srv, err := georeport.New(georeport.Config{
		APIKey: secret, Now: c.now, Habits: habits, Services: []georeport.Service{{Code: "ABF-1", Name: "Papierkorb voll"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(srv)
	defer listener.Close()
	cfg := toServer(t, listener.URL)
	cfg.Open311.Flavour, cfg.Open311.Format = flavour, format
	cfg.Open311.Email = "sensorik@stadt.example"
	if flavour != "strict" {
		cfg.Open311.Updates = ""
	}
	cfg.Open311.Timeout = 20 * time.Second // a slow machine is not a fault
	if lost > 0 {
		srv.Fail(fault, lost)
	}
	l.open(ref)
	l.dieAt = dieAt
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
	got, all := l.ticket(ref), srv.Requests()
	if len(all) != 1 || got.State != city.TicketClosed || !all[0].Closed || !strings.HasPrefix(got.ExternalID, fmt.Sprint(all[0].ID)) || len(srv.Updates()) != 1 {
		t.Errorf("%d answers lost, died at write %d: ticket %+v, there %+v, changes %+v", lost, dieAt, got, all, srv.Updates())
	}
}

// A refused key is about us: no case is parked, and all go out when the key is mended.
func TestWrongKeyParksNothing(t *testing.T) {
	c, l := newClock(), newLedger()
	srv, url := townHall(t, c)
	cfg := toServer(t, url)
	t.Setenv("MELDEFUNK_TEST_KEY", "falsch")
	cfg.Open311.APIKeyFile, cfg.Open311.APIKeyEnv = "", "MELDEFUNK_TEST_KEY"
	l.open("S-00000001", "S-00000002")
	r := newReconciler(t, cfg, l, openSystem(t, cfg, l), c)
	for range 20 {
		if err := r.pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.advance(time.Minute)
	}
	for _, ref := range []string{"S-00000001", "S-00000002"} {
		if got := l.ticket(ref); got.State != city.TicketQueued && got.State != "" {
			t.Errorf("%s: %+v", ref, got)
		}
	}
	if n := srv.Calls("POST /requests.json"); n == 0 || n > 6 {
		t.Errorf("%d creates in 20 minutes", n)
	}
	t.Setenv("MELDEFUNK_TEST_KEY", secret)
	drive(t, newReconciler(t, cfg, l, openSystem(t, cfg, l), c), l, c, time.Minute)
	if n := len(srv.Requests()); n != 2 {
		t.Errorf("%d tickets", n)
	}
}
