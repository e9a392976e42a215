package sqlite_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/storage/sqlite"
)

// BenchmarkTickets is a large city after years, with its ticket system away: 10,000 cases are
// open, half of them sent, 100,000 closed.
func BenchmarkTickets(b *testing.B) {
	const wanted, closed = 10_000, 100_000
	s, ctx := full(b, wanted, closed), context.Background()
	now := time.Unix(wanted+closed, 0)
	for _, q := range []struct {
		name string
		do   func() ([]city.CaseTicket, error)
		want int
	}{
		{"Due", func() ([]city.CaseTicket, error) { return s.Due(ctx, "emsos", now, 50) }, 50},
		{"Due/nothing", func() ([]city.CaseTicket, error) { return s.Due(ctx, "emsos", now.Add(-time.Hour), 50) }, 0},
		{"Unrouted", func() ([]city.CaseTicket, error) { return s.Unrouted(ctx, 50) }, 0},
		{"Watched", func() ([]city.CaseTicket, error) { return s.Watched(ctx, "emsos", now, 50) }, 50},
		{"Watched/nothing", func() ([]city.CaseTicket, error) { return s.Watched(ctx, "emsos", time.Unix(1, 0), 50) }, 0},
		{"Unacknowledged", func() ([]city.CaseTicket, error) { return s.Unacknowledged(ctx, "emsos", now, "", 50) }, 50},
		{"Earlier", func() ([]city.CaseTicket, error) {
			c, found, err := s.Earlier(ctx, fmt.Sprintf("S-%08d", closed+1))
			if !found {
				return nil, err
			}
			return []city.CaseTicket{c}, err
		}, 1},
		{"Tickets", func() ([]city.CaseTicket, error) { return s.Tickets(ctx, city.TicketFilter{Limit: 50}) }, 50},
		{"Tickets/open", func() ([]city.CaseTicket, error) { return s.Tickets(ctx, city.TicketFilter{Open: true, Limit: 50}) }, 50},
		{"Tickets/state", func() ([]city.CaseTicket, error) {
			return s.Tickets(ctx, city.TicketFilter{States: []city.TicketState{city.TicketOpen}, Limit: 50})
		}, 50},
		{"Tickets/rare state", func() ([]city.CaseTicket, error) {
			return s.Tickets(ctx, city.TicketFilter{States: []city.TicketState{city.TicketParked}, Limit: 50})
		}, 1},
		{"Tickets/rare states", func() ([]city.CaseTicket, error) {
			return s.Tickets(ctx, city.TicketFilter{States: []city.TicketState{city.TicketParked, city.TicketManual}, Limit: 50})
		}, 1},
		{"Tickets/states", func() ([]city.CaseTicket, error) {
			return s.Tickets(ctx, city.TicketFilter{States: []city.TicketState{city.TicketOpen, city.TicketQueued, city.TicketParked}, Limit: 50})
		}, 50},
		{"Tickets/ended states", func() ([]city.CaseTicket, error) {
			return s.Tickets(ctx, city.TicketFilter{States: []city.TicketState{city.TicketClosed, city.TicketCancelled}, Limit: 50})
		}, 50},
		{"Tickets/rare ended state", func() ([]city.CaseTicket, error) {
			return s.Tickets(ctx, city.TicketFilter{States: []city.TicketState{city.TicketCancelled}, Limit: 50})
		}, 0},
		{"Tickets/open, rare system", func() ([]city.CaseTicket, error) {
			return s.Tickets(ctx, city.TicketFilter{Open: true, System: "mail", Limit: 50})
		}, 1},
		{"Tickets/open, service", func() ([]city.CaseTicket, error) {
			return s.Tickets(ctx, city.TicketFilter{Open: true, Service: "OS-GRN-01", Limit: 50})
		}, 1},
		{"Tickets/service", func() ([]city.CaseTicket, error) {
			return s.Tickets(ctx, city.TicketFilter{Service: "OS-ABF-01", Limit: 50})
		}, 50},
		{"Tickets/rare service", func() ([]city.CaseTicket, error) {
			return s.Tickets(ctx, city.TicketFilter{Service: "OS-GRN-01", Limit: 50})
		}, 1},
		{"Tickets/rule", func() ([]city.CaseTicket, error) {
			return s.Tickets(ctx, city.TicketFilter{Rule: "dry", Limit: 50})
		}, 1},
		{"Tickets/system", func() ([]city.CaseTicket, error) {
			return s.Tickets(ctx, city.TicketFilter{System: "emsos", Limit: 50})
		}, 50},
		{"Tickets/rare system", func() ([]city.CaseTicket, error) {
			return s.Tickets(ctx, city.TicketFilter{System: "mail", Limit: 50})
		}, 1},
		{"Tickets/asset", func() ([]city.CaseTicket, error) {
			return s.Tickets(ctx, city.TicketFilter{Asset: "PK-7", Limit: 50})
		}, 11},
		{"Tickets/tour", func() ([]city.CaseTicket, error) {
			return s.Tickets(ctx, city.TicketFilter{Assets: []string{"PK-7", "PK-8", "PK-9"}, Limit: 50})
		}, 33},
		{"Tickets/page", func() ([]city.CaseTicket, error) {
			return s.Tickets(ctx, city.TicketFilter{After: fmt.Sprintf("S-%08d", closed/2), Limit: 50})
		}, 50},
		{"Tickets/text, open", func() ([]city.CaseTicket, error) {
			return s.Tickets(ctx, city.TicketFilter{Text: "not there", Open: true, Limit: 50})
		}, 0},
		{"Tickets/text", func() ([]city.CaseTicket, error) {
			return s.Tickets(ctx, city.TicketFilter{Text: "not there", Limit: 50})
		}, 0},
	} {
		b.Run(q.name, func(b *testing.B) {
			for b.Loop() {
				if got, err := q.do(); err != nil || len(got) != q.want {
					b.Fatalf("%d tickets, %v; want %d", len(got), err, q.want)
				}
			}
		})
	}
}

// full fills a store with cases, as the road and the reconciler would have.
func full(b *testing.B, wanted, closed int) *sqlite.Store {
	b.Helper()
	dir := b.TempDir()
	s := open(b, dir)
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	db := raw(b, dir)
	for _, text := range []string{
		`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < ?1 + ?2)
			INSERT INTO cases SELECT printf('S-%08d', i), iif(i = ?1 + 9, 'dry', 'bin-full'), iif(i = ?1 + 9, 'OS-GRN-01', 'OS-ABF-01'), 'PK-' || (i % ?2), 'fill_level', 95, 90,
				i * 1000000000, 'Papierkorb voll', 'Leerung mit der nächsten Tour.', i * 1000000000, iif(i <= ?1, i * 1000000000 + 1, NULL), NULL, NULL, '', '', 1, NULL, 0, '' FROM n`,
		`INSERT INTO tickets (ref, state, external_id, attempts, creates, error, updated, system, opened, told, next, checked)
			SELECT ref, CASE WHEN closed IS NOT NULL THEN 'closed' WHEN ref = printf('S-%08d', ?1 + 5) THEN 'parked' WHEN opened / 1000000000 % 2 THEN 'open' ELSE 'queued' END,
				iif(closed IS NOT NULL OR opened / 1000000000 % 2, substr(ref, 3), ''), 0, 1, '', opened, iif(ref = printf('S-%08d', ?1 + 9), 'mail', 'emsos'), opened, 1,
				(?1 + ?2) * 1000000000, 2000000000 FROM cases`,
		`INSERT INTO ticket_log (ref, at, state, note, who) SELECT ref, updated, state, 'so far', '' FROM tickets`,
		sqlite.FollowAll,
	} {
		if _, err := db.Exec(text, closed, wanted); err != nil {
			b.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	s = open(b, dir)
	b.Cleanup(func() { _ = s.Close() })
	return s
}

// BenchmarkUpdateGroup gives the cost of one change of a group's case that has a ticket, told of
// the same members, or of others.
func BenchmarkUpdateGroup(b *testing.B) {
	s := open(b, b.TempDir())
	defer s.Close()
	members := make([]string, 100)
	for i := range members {
		members[i] = fmt.Sprintf("PK-%04d", i)
	}
	at := time.Unix(1, 0)
	c := city.Case{Ref: "S-00000001", Rule: "gateway-down", Group: "gateway:g1", Members: members, Opened: at, Since: at, Grade: 1}
	if err := s.Commit(b.Context(), &city.Commit{Cases: []city.Case{c}}); err != nil {
		b.Fatal(err)
	}
	ticket := city.Ticket{Ref: c.Ref, State: city.TicketOpen, Told: 1, ToldMembers: members, Updated: at}
	if err := s.PutTicket(b.Context(), ticket, city.TicketEntry{At: at}); err != nil {
		b.Fatal(err)
	}
	reversed := slices.Clone(members)
	slices.Reverse(reversed)
	for name, members := range map[string][]string{"same": members, "in another order": reversed} {
		b.Run(name, func(b *testing.B) {
			updates := slices.Repeat([]city.CaseUpdate{{Ref: c.Ref, Grade: 1, Members: members}}, 200)
			for b.Loop() {
				if err := s.Commit(b.Context(), &city.Commit{Updates: updates}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(updates)), "ns/update")
		})
	}
}
