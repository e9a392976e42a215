package sqlite_test

import (
	"errors"
	"testing"
	"time"

	"meldefunk/city"
)

// Tickets with a number that are still there count as asked for very long ago, those that never
// were before them, and who was writing one of them learns that he is late; others stay as they
// are.
func TestAskAll(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	now := time.Unix(1_000_000, 0).UTC()
	c := city.Commit{}
	states := map[string]city.TicketState{
		"S-OPEN": city.TicketOpen, "S-TAKEN": city.TicketAcknowledged, "S-CLOSING": city.TicketClosing, "S-CLEARED": city.TicketCleared,
		"S-CLOSED": city.TicketClosed, "S-OTHER": city.TicketOpen, "S-NUMBERLESS": city.TicketUnsure,
	}
	for ref := range states {
		c.Cases = append(c.Cases, city.Case{Ref: ref, Rule: "r", Service: "OS-ABF-01", Asset: ref, Since: now, Opened: now})
	}
	if err := s.Commit(t.Context(), &c); err != nil {
		t.Fatal(err)
	}
	was := map[string]city.Ticket{}
	for ref, state := range states {
		tk := city.Ticket{Ref: ref, State: state, System: "town", ExternalID: "1" + ref, Checked: now, Updated: now}
		switch ref {
		case "S-OTHER":
			tk.System = "mail"
		case "S-NUMBERLESS":
			tk.ExternalID = ""
		case "S-TAKEN":
			tk.Checked = time.Time{}
		}
		if err := s.PutTicket(t.Context(), tk, city.TicketEntry{At: now, State: state}); err != nil {
			t.Fatal(err)
		}
		tk.Version++
		was[ref] = tk
	}
	if n, err := s.AskAll(t.Context(), "town"); n != 4 || err != nil {
		t.Errorf("%d, %v; want 4", n, err)
	}
	asked, err := s.Watched(t.Context(), "town", time.Unix(0, 2), 10)
	if err != nil || len(asked) != 4 || asked[0].Case.Ref != "S-TAKEN" || !asked[0].Ticket.Checked.IsZero() || !asked[1].Ticket.Checked.Equal(time.Unix(0, 1)) {
		t.Fatalf("%+v to ask for, %v; want 4, the one that never was asked for first", asked, err)
	}
	for _, ct := range asked {
		tk := was[ct.Case.Ref]
		if err := s.PutTicket(t.Context(), tk, city.TicketEntry{At: now, State: tk.State}); !errors.Is(err, city.ErrStale) {
			t.Errorf("%s: %v", tk.Ref, err)
		}
	}
	for _, ref := range []string{"S-CLOSED", "S-OTHER", "S-NUMBERLESS"} {
		if ct, _, err := s.Case(t.Context(), ref); err != nil || !ct.Ticket.Checked.Equal(now) || ct.Ticket.Version != was[ref].Version {
			t.Errorf("%s: %+v, %v", ref, ct.Ticket, err)
		}
	}
}
