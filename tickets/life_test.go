package tickets

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city"
)

// stage is one ticket system, its people, and the platform with one rule and one bin.
type stage struct {
	t     *testing.T
	c     *clock
	l     *ledger
	d     *hall
	r     *Reconciler
	route Route
}

func newStage(t *testing.T, change func(*stage)) *stage {
	c := newClock()
	s := &stage{t: t, c: c, l: newLedger(), d: newHall(c), route: Route{System: "town", AutoClose: AutoCloseUntouched}}
	s.l.now = c.now
	if change != nil {
		change(s)
	}
	tools := around(s.l, s.d, c)
	tools.Router = straight(s.route)
	s.r = reconcilerWith(t, config(), tools)
	return s
}

// begin opens a case now.
func (s *stage) begin(ref string) {
	s.l.open(ref)
	s.l.change(ref, func(c *city.Case) { c.Opened, c.Since = s.c.now(), s.c.now().Add(-30*time.Minute) })
}

func (s *stage) end(ref string) { s.l.closeAt(s.c.now(), ref) }

// turn lets the platform do all it can now: send, and ask.
func (s *stage) turn() {
	s.t.Helper()
	for range 2 {
		if err := s.r.pass(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
		for _, l := range s.r.lanes {
			if err := l.watch(s.t.Context()); err != nil {
				s.t.Fatal(err)
			}
		}
	}
}

// let time pass, with a turn every five minutes.
func (s *stage) let(d time.Duration) {
	s.t.Helper()
	for end := s.c.now().Add(d); s.c.now().Before(end); {
		s.c.advance(5 * time.Minute)
		s.turn()
	}
}

func (s *stage) is(ref string, state city.TicketState, end city.TicketEnd) city.Ticket {
	s.t.Helper()
	got := s.l.ticket(ref)
	if got.State != state || got.End != end {
		s.t.Fatalf("%s is %s %q, want %s %q; history %q", ref, got.State, got.End, state, end, s.l.history(ref))
	}
	return got
}

func (s *stage) said(ref, words string) {
	s.t.Helper()
	if h := strings.Join(s.l.history(ref), "\n"); !strings.Contains(h, words) {
		s.t.Errorf("history of %s does not say %q:\n%s", ref, words, h)
	}
}

func (s *stage) wish(w city.Wish) int64 {
	w.At, w.By = s.c.now(), "A. Beispiel"
	if w.Ref == "" {
		w.Ref = ref
	}
	return s.l.wish(w)
}

// What people do there, and what we make of it.
func TestPeopleThere(t *testing.T) {
	t.Run("somebody takes it on, and the sensor sees it emptied", func(t *testing.T) {
		s := newStage(t, nil)
		s.begin(ref)
		s.turn()
		s.d.people("1001", city.ProgressWorking, "Kolonne 3")
		s.let(10 * time.Minute)
		if got := s.is(ref, city.TicketAcknowledged, ""); got.Acknowledged != "town" || got.Remote.Notes != "Kolonne 3" {
			t.Errorf("got %+v", got)
		}
		s.said(ref, "Im Ticketsystem übernommen: in_progress – Kolonne 3")
		s.end(ref)
		s.turn()
		s.is(ref, city.TicketCleared, "")
		if got := s.d.ticket("1001"); got.status != city.ProgressWorking || len(got.notes) != 2 || !strings.Contains(got.notes[1], "Sensor meldet: Füllstand 12 %") {
			t.Errorf("there: %+v", got)
		}
		s.let(2 * time.Hour)
		if n := s.d.calls(callNote); n != 1 || s.d.calls(callClose) != 0 {
			t.Errorf("%d notes, want one", n)
		}
		s.d.people("1001", city.ProgressDone, "geleert")
		s.let(10 * time.Minute)
		s.is(ref, city.TicketClosed, city.EndHuman)
	})
	t.Run("always closed, also where somebody is at it", func(t *testing.T) {
		s := newStage(t, func(s *stage) { s.route.AutoClose = AutoCloseAlways })
		s.begin(ref)
		s.turn()
		s.d.people("1001", city.ProgressWorking, "")
		s.let(10 * time.Minute)
		s.end(ref)
		s.turn()
		s.is(ref, city.TicketClosed, city.EndUs)
	})
	t.Run("never closed by us", func(t *testing.T) {
		s := newStage(t, func(s *stage) { s.route.AutoClose = AutoCloseNever })
		s.begin(ref)
		s.turn()
		if strings.Contains(s.d.ticket("1001").text, "automatisch geschlossen") {
			t.Error("the text promises what is not done")
		}
		s.end(ref)
		s.turn()
		s.is(ref, city.TicketCleared, "")
		if s.d.calls(callClose) != 0 || s.d.calls(callNote) != 1 {
			t.Errorf("calls %v", s.d.log)
		}
	})
	t.Run("closed by a human while it lasts: respected, then told anew", func(t *testing.T) {
		s := newStage(t, func(s *stage) { s.route.ReopenWithin = 2 * time.Hour })
		s.begin(ref)
		s.turn()
		s.d.people("1001", city.ProgressDone, "war da, ist leer")
		s.let(10 * time.Minute)
		s.is(ref, city.TicketClosed, city.EndHuman)
		s.let(23 * time.Hour)
		if len(s.d.all) != 1 || s.d.calls(callReopen) != 0 {
			t.Fatalf("%d tickets, calls %v", len(s.d.all), s.d.log)
		}
		s.let(2 * time.Hour)
		next := "S-R0000001"
		got := s.is(next, city.TicketOpen, "")
		if got.Follows != ref || got.ExternalID != "1002" || s.d.calls(callReopen) != 0 || len(s.d.all) != 2 {
			t.Errorf("got %+v, calls %v", got, s.d.log)
		}
		if !strings.Contains(s.d.ticket("1002").text, "Folgemeldung zu 1001.") {
			t.Errorf("text %q", s.d.ticket("1002").text)
		}
		s.said(ref, "neue Meldung")
		s.is(ref, city.TicketClosed, city.EndHuman)
	})
	t.Run("closed by a human, and the condition clears: nothing more", func(t *testing.T) {
		s := newStage(t, nil)
		s.begin(ref)
		s.turn()
		s.d.people("1001", city.ProgressDone, "erledigt")
		s.let(10 * time.Minute)
		s.end(ref)
		s.let(48 * time.Hour)
		s.is(ref, city.TicketClosed, city.EndHuman)
		if len(s.d.all) != 1 || s.d.calls(callClose) != 0 || s.d.calls(callNote) != 0 {
			t.Errorf("calls %v", s.d.log)
		}
	})
	for _, p := range []city.Progress{city.ProgressRejected, city.ProgressDuplicate} {
		t.Run(string(p)+": the matter is muted until somebody lifts it", func(t *testing.T) {
			s := newStage(t, nil)
			s.begin(ref)
			s.turn()
			s.d.people("1001", p, "nicht zuständig")
			s.let(10 * time.Minute)
			end := map[city.Progress]city.TicketEnd{city.ProgressRejected: city.EndRejected, city.ProgressDuplicate: city.EndDuplicate}[p]
			s.is(ref, city.TicketClosed, end)
			if len(s.l.mutes) != 1 {
				t.Fatalf("mutes %+v", s.l.mutes)
			}
			m := s.l.mutes[0]
			if m.Service != "OS-ABF-01" || m.Asset != "PK-0042" || !m.Until.IsZero() || m.By != "town" || !strings.Contains(m.Reason, "nicht zuständig") {
				t.Errorf("mute %+v", m)
			}
			s.let(30 * time.Hour) // no renewal
			s.end(ref)
			s.c.advance(time.Minute)
			s.begin("S-2")
			s.let(5 * time.Hour)
			s.is("S-2", city.TicketMuted, "")
			s.l.unmute(m.ID, s.c.now())
			s.turn()
			s.is("S-2", city.TicketOpen, "")
			if len(s.d.all) != 2 {
				t.Errorf("%d tickets", len(s.d.all))
			}
		})
	}
	t.Run("a group that is rejected is muted, and its members are not", func(t *testing.T) {
		s := newStage(t, nil)
		group := city.Case{Ref: ref, Rule: "tour", Service: "OS-ABF-01", Group: "tour:5", Members: []string{"PK-0042"}, Grade: 1, Opened: s.c.now()}
		s.l.add(group)
		s.turn()
		s.d.people("1001", city.ProgressRejected, "nicht zuständig")
		s.let(10 * time.Minute)
		s.is(ref, city.TicketClosed, city.EndRejected)
		if len(s.l.mutes) != 1 || s.l.mutes[0].Asset != "tour:5" || s.l.mutes[0].Service != "OS-ABF-01" || !s.l.mutes[0].Until.IsZero() {
			t.Fatalf("mutes %+v", s.l.mutes)
		}
		s.end(ref)
		s.c.advance(time.Minute)
		group.Ref, group.Opened = "S-2", s.c.now()
		s.l.add(group)
		group.Ref, group.Group = "S-3", "tour:6"
		s.l.add(group)
		s.begin("S-4")
		s.let(5 * time.Hour)
		s.is("S-2", city.TicketMuted, "")
		s.is("S-3", city.TicketOpen, "")
		s.is("S-4", city.TicketOpen, "")
		s.l.unmute(s.l.mutes[0].ID, s.c.now())
		s.turn()
		s.is("S-2", city.TicketOpen, "")
	})
	t.Run("gone, and told anew while it lasts", func(t *testing.T) {
		s := newStage(t, nil)
		s.begin(ref)
		s.turn()
		s.d.vanish("1001")
		s.let(65 * time.Minute)
		if got := s.is(ref, city.TicketOpen, ""); got.Missing != 1 {
			t.Errorf("got %+v", got)
		}
		s.let(3 * time.Hour)
		s.is(ref, city.TicketClosed, city.EndGone)
		s.let(26 * time.Hour)
		s.is("S-R0000001", city.TicketOpen, "")
	})
	t.Run("not there once or twice is not gone", func(t *testing.T) {
		s := newStage(t, nil)
		s.begin(ref)
		s.turn()
		s.d.vanish("1001")
		s.let(130 * time.Minute)
		s.d.mu.Lock()
		s.d.all[0].hidden = false
		s.d.mu.Unlock()
		s.let(2 * time.Hour)
		if got := s.is(ref, city.TicketOpen, ""); got.Missing != 0 || !got.MissingSince.IsZero() {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("put into another category: adopted", func(t *testing.T) {
		s := newStage(t, nil)
		s.begin(ref)
		s.turn()
		s.d.people("1001", city.ProgressOpen, "a")
		s.let(10 * time.Minute)
		v := view{CaseTicket: city.CaseTicket{Ticket: s.l.ticket(ref)}, now: s.c.now()}
		p := v.observe(city.Remote{ID: "1001", Progress: city.ProgressOpen, Service: "GRN-9", Name: "Wilder Müll"}, true)
		if !strings.Contains(p.note, "andere Kategorie gelegt: GRN-9 Wilder Müll") || p.ticket.Remote.Service != "GRN-9" || p.call != callNone {
			t.Errorf("plan %+v", p)
		}
	})
	t.Run("closed there while our close is under way: theirs", func(t *testing.T) {
		s := newStage(t, func(s *stage) { s.route.ReopenWithin = 2 * time.Hour })
		s.begin(ref)
		s.turn()
		s.d.people("1001", city.ProgressDone, "selbst gesehen")
		s.end(ref)
		s.turn()
		s.is(ref, city.TicketClosed, city.EndHuman)
		s.c.advance(time.Minute)
		s.begin("S-2")
		s.turn()
		if s.d.calls(callReopen) != 0 || s.d.calls(callClose) != 0 || len(s.d.all) != 2 {
			t.Errorf("calls %v", s.d.log)
		}
	})
	t.Run("our close whose answer was lost: ours", func(t *testing.T) {
		s := newStage(t, nil)
		s.begin(ref)
		s.turn()
		s.end(ref)
		s.d.lose = 1
		s.let(10 * time.Minute)
		s.is(ref, city.TicketClosed, city.EndUs)
		if s.d.calls(callClose) != 1 {
			t.Errorf("calls %v", s.d.log)
		}
	})
}

// A close by a human is respected for as long as the route says, by the time that passes and
// not by what clocks show, also in the nights in which they change.
func TestRespectWhenClocksChange(t *testing.T) {
	for name, evening := range map[string]string{
		"an hour twice": "2026-10-24T18:00:00+02:00", "an hour never": "2026-03-28T18:00:00+01:00", "another night": "2026-11-21T18:00:00+01:00",
	} {
		for _, respect := range []time.Duration{24 * time.Hour, 72 * time.Hour} {
			t.Run(name+", "+respect.String(), func(t *testing.T) {
				s := newStage(t, func(s *stage) { s.c.t, s.route.Respect = at(evening), respect })
				s.begin(ref)
				s.turn()
				s.d.people("1001", city.ProgressDone, "erledigt")
				s.let(5 * time.Minute)
				got := s.is(ref, city.TicketClosed, city.EndHuman)
				if want := s.c.now().Add(respect); !got.Next.Equal(want) {
					t.Fatalf("until %v, want %v", got.Next, want)
				}
				s.let(respect - 5*time.Minute)
				if len(s.d.all) != 1 {
					t.Fatalf("told anew too early, at %v", s.c.now())
				}
				s.let(5 * time.Minute)
				if got := s.is("S-R0000001", city.TicketOpen, ""); got.Follows != ref || len(s.d.all) != 2 {
					t.Errorf("got %+v", got)
				}
			})
		}
	}
}

// A matter that comes back.
func TestComesBack(t *testing.T) {
	once := func(t *testing.T, change func(*stage)) *stage {
		s := newStage(t, func(s *stage) {
			s.route.ReopenWithin = 2 * time.Hour
			if change != nil {
				change(s)
			}
		})
		s.begin(ref)
		s.turn()
		s.c.advance(time.Hour)
		s.end(ref)
		s.turn()
		s.is(ref, city.TicketClosed, city.EndUs)
		return s
	}
	t.Run("soon: its ticket is opened again", func(t *testing.T) {
		s := once(t, nil)
		s.c.advance(time.Hour)
		s.begin("S-2")
		s.d.lose = 1
		s.let(10 * time.Minute)
		if got := s.is("S-2", city.TicketOpen, ""); got.ExternalID != "1001" || got.Follows != ref || got.Creates != 0 {
			t.Errorf("got %+v", got)
		}
		if got := s.d.ticket("1001"); len(s.d.all) != 1 || got.status != city.ProgressOpen || !strings.Contains(got.notes[len(got.notes)-1], Marker("S-2")) {
			t.Errorf("there %+v", got)
		}
		s.c.advance(time.Hour)
		s.end("S-2")
		s.turn()
		s.is("S-2", city.TicketClosed, city.EndUs)
	})
	t.Run("soon, and it cannot be opened again: one that refers to it", func(t *testing.T) {
		s := once(t, func(s *stage) { s.d.cannot[callReopen] = true })
		s.c.advance(time.Hour)
		s.begin("S-2")
		s.turn()
		if got := s.is("S-2", city.TicketOpen, ""); got.ExternalID != "1002" || got.Follows != ref {
			t.Errorf("got %+v", got)
		}
		if !strings.Contains(s.d.ticket("1002").text, "Folgemeldung zu 1001.\n") {
			t.Errorf("text %q", s.d.ticket("1002").text)
		}
	})
	t.Run("soon, and people have turned it down since", func(t *testing.T) {
		s := once(t, nil)
		s.d.people("1001", city.ProgressRejected, "Unsinn")
		s.c.advance(time.Hour)
		s.begin("S-2")
		s.turn()
		if got := s.is("S-2", city.TicketOpen, ""); got.ExternalID != "1002" || s.d.calls(callReopen) != 0 {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("late: a ticket of its own", func(t *testing.T) {
		s := once(t, nil)
		s.c.advance(3 * time.Hour)
		s.begin("S-2")
		s.turn()
		if got := s.is("S-2", city.TicketOpen, ""); got.ExternalID != "1002" || got.Follows != "" || strings.Contains(s.d.ticket("1002").text, "Folgemeldung") {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("over again before it could be opened", func(t *testing.T) {
		s := once(t, nil)
		s.c.advance(time.Hour)
		s.begin("S-2")
		s.d.fail = 2
		s.turn()
		s.is("S-2", city.TicketReopening, "")
		s.end("S-2")
		s.let(2 * time.Hour)
		if got := s.l.ticket("S-2"); got.State != city.TicketClosed || s.d.calls(callReopen) != 0 {
			t.Errorf("got %+v, calls %v", got, s.d.log)
		}
	})
}

// Notes are few, and each once.
func TestNotes(t *testing.T) {
	worse := func(s *stage, g city.Grade) { s.l.change(ref, func(c *city.Case) { c.Grade = g }) }
	t.Run("worse, at most once in four hours", func(t *testing.T) {
		s := newStage(t, nil)
		s.begin(ref)
		s.turn()
		worse(s, 2)
		s.let(10 * time.Minute)
		if n := s.d.calls(callNote); n != 1 {
			t.Fatalf("%d notes", n)
		}
		worse(s, 3)
		s.let(3 * time.Hour)
		if n := s.d.calls(callNote); n != 1 {
			t.Errorf("%d notes within four hours", n)
		}
		s.let(2 * time.Hour)
		worse(s, 1)
		s.let(10 * time.Hour)
		if n := s.d.calls(callNote); n != 2 {
			t.Errorf("%d notes, want 2: nothing when it falls", n)
		}
	})
	t.Run("members join, at most once in half an hour", func(t *testing.T) {
		s := newStage(t, nil)
		s.l.add(city.Case{Ref: ref, Rule: "tour", Service: "OS-ABF-01", Group: "tour:5", Members: []string{"PK-1", "PK-2"}, Grade: 1, Opened: s.c.now()})
		s.turn()
		members := func(all ...string) { s.l.change(ref, func(c *city.Case) { c.Members = all }) }
		members("PK-1", "PK-2", "PK-3")
		s.turn()
		members("PK-1", "PK-2", "PK-3", "PK-4")
		s.let(25 * time.Minute)
		if n := s.d.calls(callNote); n != 1 {
			t.Fatalf("%d notes", n)
		}
		s.let(10 * time.Minute)
		members("PK-1", "PK-4")
		s.let(5 * time.Hour)
		notes := s.d.ticket("1001").notes
		if len(notes) != 2 || notes[1] != "Auch betroffen: PK-4. Zusammen 4 Standorte. [Ref S-7K3QF2PA]" {
			t.Errorf("notes %q", notes)
		}
	})
	t.Run("a note that waits does not hold up the close", func(t *testing.T) {
		s := newStage(t, nil)
		s.begin(ref)
		s.turn()
		worse(s, 2)
		s.turn()
		worse(s, 3)
		s.let(10 * time.Minute)
		s.end(ref)
		s.turn()
		s.is(ref, city.TicketClosed, city.EndUs)
	})
	t.Run("lost answer: not told twice", func(t *testing.T) {
		s := newStage(t, nil)
		s.begin(ref)
		s.turn()
		worse(s, 2)
		s.d.lose = 1
		s.let(12 * time.Hour)
		if n := s.d.calls(callNote); n != 1 {
			t.Errorf("%d notes", n)
		}
		s.said(ref, "vielleicht nicht angekommen")
	})
	t.Run("certainly not arrived: told again", func(t *testing.T) {
		s := newStage(t, nil)
		s.begin(ref)
		s.turn()
		worse(s, 2)
		s.d.fail = 1
		s.let(time.Hour)
		if n := s.d.calls(callNote); n != 1 {
			t.Errorf("%d notes", n)
		}
	})
	t.Run("nobody takes it on: told once", func(t *testing.T) {
		s := newStage(t, func(s *stage) { s.route.EscalateAfter = 24 * time.Hour })
		s.begin(ref)
		s.let(23 * time.Hour)
		if n := s.d.calls(callNote); n != 0 {
			t.Fatalf("%d notes too early", n)
		}
		s.let(48 * time.Hour)
		if n := s.d.ticket("1001").notes; len(n) != 1 || !strings.HasPrefix(n[0], "Noch nicht übernommen seit 21.11.2026, 13:00 Uhr.") {
			t.Errorf("notes %q", n)
		}
	})
	t.Run("taken on in time", func(t *testing.T) {
		s := newStage(t, func(s *stage) { s.route.EscalateAfter = 24 * time.Hour })
		s.begin(ref)
		s.turn()
		s.wish(city.Wish{Kind: city.WishAcknowledge})
		s.let(48 * time.Hour)
		if n := s.d.calls(callNote); n != 0 {
			t.Errorf("%d notes", n)
		}
	})
}

// A mute keeps creates from going out, and nothing else.
func TestMutes(t *testing.T) {
	s := newStage(t, nil)
	s.begin(ref)
	s.turn()
	id, err := s.l.Mute(t.Context(), city.Mute{Service: "OS-ABF-01", Since: s.c.now(), Until: s.c.now().Add(5 * time.Hour), By: "A. Beispiel", Reason: "Straßenfest"})
	if err != nil || id == 0 {
		t.Fatal(err)
	}
	s.end(ref)
	s.turn()
	s.is(ref, city.TicketClosed, city.EndUs)
	s.c.advance(time.Minute)
	s.begin("S-2")
	s.let(4 * time.Hour)
	s.is("S-2", city.TicketMuted, "")
	s.said("S-2", "Stummgeschaltet von A. Beispiel: Straßenfest")
	s.begin("S-3")
	s.turn()
	s.end("S-3")
	s.turn()
	s.is("S-3", city.TicketCancelled, "")
	s.let(2 * time.Hour)
	s.is("S-2", city.TicketOpen, "")
	if len(s.d.all) != 2 || len(s.l.history("S-2")) > 6 {
		t.Errorf("%d tickets, history %q", len(s.d.all), s.l.history("S-2"))
	}
}

// nights is a Calendar that is active between 22 and 6 o'clock UTC.
type nights struct{}

func (nights) Active(at time.Time) bool { return at.Hour() >= 22 || at.Hour() < 6 }
func (n nights) Next(at time.Time) time.Time {
	for was := n.Active(at); n.Active(at) == was; {
		at = at.Truncate(time.Hour).Add(time.Hour)
	}
	return at
}

// Creates wait for their hours; closes do not.
func TestHoursHoldBackCreates(t *testing.T) {
	s := newStage(t, func(s *stage) { s.route.Hours = Hours{Quiet: nights{}} })
	s.begin(ref)
	s.turn()
	s.c.advance(11 * time.Hour) // 23:00
	s.begin("S-2")
	s.let(6 * time.Hour)
	s.is("S-2", city.TicketQueued, "")
	if h := s.l.history("S-2"); len(h) != 1 || !strings.Contains(h[0], "Wartet auf die Meldezeit ab 22.11.2026, 07:00 Uhr") {
		t.Errorf("history %q", h)
	}
	s.end(ref)
	s.turn()
	s.is(ref, city.TicketClosed, city.EndUs)
	s.let(time.Hour + 5*time.Minute)
	s.is("S-2", city.TicketOpen, "")
}

// At most so many in any minute, the oldest first, and closes at once.
func TestRate(t *testing.T) {
	cfg := config()
	cfg.Rate = 7
	c, l := newClock(), newLedger()
	d := newHall(c)
	r := newReconciler(t, cfg, l, d, c)
	var sent []time.Time
	d.before = func(k call, _, _ string) {
		if k.sends() {
			sent = append(sent, c.now())
		}
	}
	for i := range 100 {
		l.open(fmt.Sprintf("S-%08d", i))
		l.change(fmt.Sprintf("S-%08d", i), func(c *city.Case) { c.Opened = c.Opened.Add(time.Duration(i)) })
	}
	l.close("S-00000098", "S-00000099")
	for range 600 {
		if err := r.pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.advance(2 * time.Second)
	}
	for i := 7; i < len(sent); i++ {
		if sent[i].Sub(sent[i-7]) < time.Minute {
			t.Fatalf("8 within %s", sent[i].Sub(sent[i-7]))
		}
	}
	if len(sent) != 98 {
		t.Errorf("%d sent, want 98", len(sent))
	}
	if !strings.Contains(d.ticket("1001").text, "S-00000000") || !strings.Contains(d.ticket("1098").text, "S-00000097") {
		t.Error("not the oldest first")
	}
}

// Eight workers on one store and one ticket, as if started by mistake: one ticket, whatever
// is lost, and one of each that follows.
func TestManyWorkersOneTicket(t *testing.T) {
	for _, lose := range []int{0, 1, 2} {
		c, l := newClock(), newLedger()
		l.now = c.now
		d := newHall(c)
		d.lose = lose
		l.open(ref)
		var workers []*Reconciler
		for range 8 {
			r, err := New(config(), around(l, d, c), zerolog.Nop(), prometheus.NewRegistry())
			if err != nil {
				t.Fatal(err)
			}
			workers = append(workers, r)
		}
		together := func() {
			var wg sync.WaitGroup
			for _, r := range workers {
				wg.Go(func() {
					if err := r.pass(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		}
		for range 100 {
			together()
			c.advance(10 * time.Second)
		}
		if len(d.all) != 1 || l.ticket(ref).State != city.TicketOpen || l.ticket(ref).ExternalID != "1001" {
			t.Errorf("%d lost: %d tickets, ours %+v", lose, len(d.all), l.ticket(ref))
		}
		l.change(ref, func(c *city.Case) { c.Grade = 2 })
		together()
		if n := d.calls(callNote); n != 1 {
			t.Errorf("%d lost: %d notes", lose, n)
		}
		l.closeAt(c.now(), ref)
		for range 100 {
			together()
			c.advance(10 * time.Second)
		}
		if got := l.ticket(ref); got.State != city.TicketClosed || got.End != city.EndUs {
			t.Errorf("%d lost: after the close %+v", lose, got)
		}
	}
}

// A ticket system that is away does not hold up the others, and people are heard meanwhile.
func TestLanesAreApart(t *testing.T) {
	c, l := newClock(), newLedger()
	here, away := newHall(c), newHall(c)
	away.fail = 1 << 30
	tools := around(l, here, c)
	tools.Systems["away"] = away
	tools.Router = byRef{}
	r := reconcilerWith(t, config(), tools)
	for i := range 120 {
		l.open(fmt.Sprintf("S-A%07d", i))
	}
	l.open("S-B0000000")
	for range 3 {
		if err := r.pass(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := l.ticket("S-B0000000"); got.State != city.TicketOpen || got.System != "town" || got.Unit != "OSB" {
		t.Errorf("got %+v", got)
	}
	id := l.wish(city.Wish{Ref: "S-A0000119", Kind: city.WishHold, By: "A. Beispiel", At: c.now()})
	if err := r.pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := l.ticket("S-A0000119"); got.Hold == "" || l.judged[id] != 1 {
		t.Errorf("got %+v", got)
	}
	out := r.Outages()
	if len(out) != 1 || out[0].System != "away" || out[0].Why != "away" || !out[0].Since.Equal(c.now()) {
		t.Errorf("outages %+v", out)
	}
}

type byRef struct{}

func (byRef) Route(c *city.Case, _ *city.Asset) Route {
	if strings.HasPrefix(c.Ref, "S-A") {
		return Route{System: "away"}
	}
	return Route{System: "town", Unit: "OSB"}
}

// A ticket system that was taken out of the settings.
func TestSystemGone(t *testing.T) {
	c, l := newClock(), newLedger()
	old := newHall(c)
	l.open("S-1", "S-2")
	r := newReconciler(t, config(), l, old, c)
	if err := r.pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.open("S-3")
	l.tickets["S-3"] = city.Ticket{Ref: "S-3", State: city.TicketQueued, System: "town"}
	tools := around(l, Local{}, c)
	r = reconcilerWith(t, config(), tools)
	if err := r.takeOver(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.close("S-1")
	turn := func() {
		if err := r.pass(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	turn()
	for ref, want := range map[string]city.TicketState{"S-1": city.TicketParked, "S-2": city.TicketOpen, "S-3": city.TicketParked} {
		if got := l.ticket(ref); got.State != want {
			t.Errorf("%s is %s, want %s", ref, got.State, want)
		}
	}
	l.wish(city.Wish{Ref: "S-3", Kind: city.WishRetry, By: "A. Beispiel", At: c.now()})
	l.wish(city.Wish{Ref: "S-1", Kind: city.WishRetry, By: "A. Beispiel", At: c.now()})
	turn()
	turn()
	if got := l.ticket("S-3"); got.State != city.TicketOpen || got.System != SystemLocal {
		t.Errorf("S-3 %+v; %q", got, l.history("S-3"))
	}
	if got := l.ticket("S-1"); got.State != city.TicketCancelled {
		t.Errorf("S-1 %+v; %q", got, l.history("S-1"))
	}
}

// What a ticket system tells by itself.
func TestPush(t *testing.T) {
	t.Run("one that can be asked is asked", func(t *testing.T) {
		s := newStage(t, nil)
		s.begin(ref)
		s.turn()
		s.d.people("1001", city.ProgressDone, "erledigt")
		// What is told is not believed.
		if err := s.r.Push(t.Context(), "town", city.Remote{ID: "1001", Progress: city.ProgressRejected}); err != nil {
			t.Fatal(err)
		}
		s.turn()
		s.is(ref, city.TicketClosed, city.EndHuman)
	})
	t.Run("one that cannot be asked is believed", func(t *testing.T) {
		c, l := newClock(), newLedger()
		l.open(ref)
		r := newReconciler(t, config(), l, Local{}, c)
		if err := r.pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := r.Push(t.Context(), "local", city.Remote{Ref: ref, Progress: city.ProgressWorking, Notes: "bin dran"}); err != nil {
			t.Fatal(err)
		}
		if got := l.ticket(ref); got.State != city.TicketAcknowledged || got.Remote.Notes != "bin dran" {
			t.Errorf("got %+v", got)
		}
	})
	s := newStage(t, nil)
	s.begin(ref)
	s.turn()
	for name, p := range map[string]struct {
		system string
		r      city.Remote
	}{
		"unknown system": {"fax", city.Remote{ID: "1001"}},
		"unknown number": {"town", city.Remote{ID: "17"}},
		"unknown ref":    {"town", city.Remote{Ref: "S-99999999"}},
		"other number":   {"town", city.Remote{Ref: ref, ID: "17"}},
	} {
		if err := s.r.Push(t.Context(), p.system, p.r); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A lane asks from where it was last, a little earlier.
func TestPollGoesOn(t *testing.T) {
	s := newStage(t, nil)
	s.begin(ref)
	s.let(time.Hour)
	if got := s.l.polled["town"]; got.Before(s.c.now().Add(-5 * time.Minute)) {
		t.Errorf("polled up to %v at %v", got, s.c.now())
	}
	if n := s.d.calls("changes"); n < 11 || n > 13 {
		t.Errorf("%d polls in an hour, want one every five minutes", n)
	}
	if n := s.d.calls(callStatus); n > 2 {
		t.Errorf("%d times asked by number in an hour", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.r.lanes["town"].confirm(ctx, s.d, s.c.now().Add(24*time.Hour)); err != nil {
		t.Errorf("told to stop: %v", err)
	}
}
