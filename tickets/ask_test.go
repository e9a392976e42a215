package tickets

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"meldefunk/city"
)

// What was told is on the disk before the ticket system hears that it was taken: another
// process asks for it at once.
func TestPushSurvivesACrash(t *testing.T) {
	s := newStage(t, nil)
	s.begin(ref)
	s.turn()
	s.d.people("1001", city.ProgressDone, "erledigt")
	if err := s.r.Push(t.Context(), "town", city.Remote{ID: "1001", Progress: city.ProgressDone}); err != nil {
		t.Fatal(err)
	}
	tools := around(s.l, s.d, s.c)
	tools.Router = straight(s.route)
	s.r = reconcilerWith(t, config(), tools)
	if err := s.l.SetPolled(t.Context(), "town", s.c.now()); err != nil {
		t.Fatal(err)
	}
	s.r.lanes["town"].looked = s.c.now() // it is not time for a poll
	s.turn()
	s.is(ref, city.TicketClosed, city.EndHuman)
}

// A store that fails keeps nothing, and whoever told is not thanked for it.
func TestPushIsNotTakenByADeadStore(t *testing.T) {
	s := newStage(t, nil)
	s.begin(ref)
	s.turn()
	s.l.dieAt = s.l.writes + 1
	if err := s.r.Push(t.Context(), "town", city.Remote{ID: "1001"}); !errors.Is(err, errDead) {
		t.Errorf("got %v", err)
	}
}

// A ticket system may tell of a ticket before its answer with the number has arrived.
func TestPushBeforeTheNumber(t *testing.T) {
	s := newStage(t, nil)
	s.begin(ref)
	if err := s.r.desk(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.r.Push(t.Context(), "town", city.Remote{Ref: ref, ID: "1001"}); !errors.Is(err, ErrEarly) {
		t.Errorf("got %v", err)
	}
	s.turn()
	if err := s.r.Push(t.Context(), "town", city.Remote{Ref: ref, ID: "1001"}); err != nil {
		t.Error(err)
	}
}

// Who wants all tickets looked at gets each asked for once, as fast as the rate allows.
func TestAskAll(t *testing.T) {
	const all, rate = 150, 60
	s := newStage(t, nil)
	for i := range all {
		s.begin(fmt.Sprintf("S-%08d", i))
	}
	s.begin("S-CLOSED01")
	s.let(20 * time.Minute)
	s.end("S-CLOSED01")
	s.turn()
	s.is("S-CLOSED01", city.TicketClosed, city.EndUs)

	before := s.d.calls(callStatus)
	n, err := s.r.AskAll(t.Context())
	if err != nil || n != all {
		t.Fatalf("%d, %v; want %d", n, err, all)
	}
	s.turn()
	if got := s.d.calls(callStatus) - before; got != rate {
		t.Errorf("%d asked for at once, want %d", got, rate)
	}
	for range 2 {
		s.c.advance(time.Minute)
		s.turn()
	}
	if got := s.d.calls(callStatus) - before; got != all {
		t.Errorf("%d asked for in the end, want %d", got, all)
	}
}

// Whom a ticket system tells of does not wait for those that are asked for because somebody
// wants all to be.
func TestPushGoesBeforeAskAll(t *testing.T) {
	const all = 150
	s := newStage(t, nil)
	for i := range all {
		s.begin(fmt.Sprintf("S-%08d", i))
	}
	s.let(20 * time.Minute)
	if n, err := s.r.AskAll(t.Context()); err != nil || n != all {
		t.Fatalf("%d, %v; want %d", n, err, all)
	}
	s.turn()
	last := fmt.Sprintf("S-%08d", all-1)
	s.d.people(s.l.ticket(last).ExternalID, city.ProgressDone, "erledigt")
	if err := s.r.Push(t.Context(), "town", city.Remote{Ref: last}); err != nil {
		t.Fatal(err)
	}
	s.c.advance(time.Minute)
	if err := s.r.lanes["town"].watch(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.is(last, city.TicketClosed, city.EndHuman)
}

// A note that certainly did not arrive goes out again, also where the ticket was told of, or
// was to be asked for, while it was out; and that is not lost either.
func TestNoteWhileAskedFor(t *testing.T) {
	for name, ask := range map[string]func(s *stage) error{
		"push":    func(s *stage) error { return s.r.Push(t.Context(), "town", city.Remote{Ref: ref}) },
		"ask all": func(s *stage) error { _, err := s.r.AskAll(t.Context()); return err },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, nil)
			s.begin(ref)
			s.turn()
			s.c.advance(5 * time.Hour)
			s.l.change(ref, func(c *city.Case) { c.Grade = 2 })
			s.d.fail = 1
			s.d.before = func(c call, _, _ string) {
				if c == callNote && s.d.fail > 0 {
					if err := ask(s); err != nil {
						t.Error(err)
					}
				}
			}
			if err := s.r.pass(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := s.l.ticket(ref); got.Told != 1 || !got.Noted.IsZero() || got.Checked.After(time.Unix(0, 1)) || s.d.calls(callNote) != 0 {
				t.Fatalf("got %+v, calls %v", got, s.d.log)
			}
			s.let(10 * time.Minute)
			if got := s.l.ticket(ref); got.Told != 2 || s.d.calls(callNote) != 1 {
				t.Errorf("got %+v, calls %v", got, s.d.log)
			}
		})
	}
	t.Run("closed by a human meanwhile", func(t *testing.T) {
		s := newStage(t, nil)
		s.begin(ref)
		s.turn()
		s.c.advance(5 * time.Hour)
		s.l.change(ref, func(c *city.Case) { c.Grade = 2 })
		s.d.fail = 1
		s.d.before = func(c call, _, _ string) {
			if c == callNote {
				if err := s.r.lanes["town"].learn(t.Context(), ref, city.Remote{Ref: ref, Progress: city.ProgressDone}, true); err != nil {
					t.Error(err)
				}
			}
		}
		s.turn()
		s.is(ref, city.TicketClosed, city.EndHuman)
	})
}

// Checks that people want while the ticket system is away hold up nobody, and are made when it
// is back.
func TestChecksHoldUpNobody(t *testing.T) {
	s := newStage(t, nil)
	for i := range 2 * batch {
		s.begin(fmt.Sprintf("S-%08d", i))
	}
	s.let(20 * time.Minute)
	s.begin(ref)
	s.turn()
	s.r.lanes["town"].away(&city.Failure{Err: errLost})
	for i := range 2 * batch {
		s.wish(city.Wish{Ref: fmt.Sprintf("S-%08d", i), Kind: city.WishCheck})
	}
	s.wish(city.Wish{Kind: city.WishHold, Reason: "Straßenfest"})
	asked := s.d.calls(callStatus)
	s.turn()
	if got := s.l.ticket(ref); got.Hold == "" || s.d.calls(callStatus) != asked {
		t.Fatalf("got %+v, asked %d times", got, s.d.calls(callStatus)-asked)
	}
	s.let(10 * time.Minute)
	for i := range 2 * batch { // by number, or among what has changed
		if got := s.l.ticket(fmt.Sprintf("S-%08d", i)); got.Checked.IsZero() {
			t.Errorf("%s is not looked at", got.Ref)
		}
	}
	if s.d.calls(callStatus) == asked {
		t.Error("none is asked for by number")
	}
}

// However many tickets nobody looks after, and whose routes do not mind: the youngest that has
// a route that does is told of.
func TestEscalationGoesRound(t *testing.T) {
	const all = 2*maxIdle + 30
	s := newStage(t, nil)
	for i := range all {
		s.begin(fmt.Sprintf("S-%08d", i))
		s.l.tickets[fmt.Sprintf("S-%08d", i)] = city.Ticket{Ref: fmt.Sprintf("S-%08d", i), System: "town", State: city.TicketOpen, ExternalID: "x", Told: 1, Checked: s.c.now()}
	}
	tools := around(s.l, s.d, s.c)
	last := fmt.Sprintf("S-%08d", all-1)
	tools.Router = router(func(c *city.Case) Route {
		r := Route{System: "town"}
		if c.Ref == last {
			r.EscalateAfter = time.Hour
		}
		return r
	})
	s.r = reconcilerWith(t, config(), tools)
	s.c.advance(2 * time.Hour)
	for n := range 3 {
		if err := s.r.lanes["town"].escalate(t.Context(), s.c.now()); err != nil {
			t.Fatal(err)
		}
		if done := !s.l.ticket(last).Escalated.IsZero(); done != (n == 2) {
			t.Fatalf("after %d rounds: %v", n+1, done)
		}
	}
	if s.r.lanes["town"].idle != "" {
		t.Error("it does not begin anew")
	}
}

// router is a Router that goes by the case.
type router func(c *city.Case) Route

func (r router) Route(c *city.Case, _ *city.Asset) Route { return r(c) }

// That a ticket was closed is played back after it was opened again under the same number:
// what is older than that closes nothing, what is newer does, also where clocks differ.
func TestPushFromBeforeTheReopening(t *testing.T) {
	for name, tt := range map[string]struct {
		told  time.Duration // from the reopening
		state city.TicketState
		end   city.TicketEnd
	}{
		"what was told of the case before":   {-30 * time.Minute, city.TicketOpen, ""},
		"what somebody has done since":       {10 * time.Minute, city.TicketClosed, city.EndHuman},
		"at once, by a clock that is behind": {-slack / 2, city.TicketClosed, city.EndHuman},
	} {
		t.Run(name, func(t *testing.T) {
			s := newBlind(t, true)
			s.begin(ref)
			s.turn()
			s.end(ref)
			s.turn()
			s.is(ref, city.TicketClosed, city.EndUs)
			s.c.advance(time.Hour)
			s.begin("S-2")
			s.turn()
			reopened := s.c.now()
			if got := s.is("S-2", city.TicketOpen, ""); got.ExternalID != "1001" {
				t.Fatalf("got %+v", got)
			}
			s.c.advance(20 * time.Minute)
			told := city.Remote{ID: "1001", Progress: city.ProgressDone, Updated: reopened.Add(tt.told)}
			if err := s.r.Push(t.Context(), "town", told); err != nil {
				t.Fatal(err)
			}
			s.is("S-2", tt.state, tt.end)
		})
	}
}

// What is told late does not take back what was told since.
func TestPushOutOfOrder(t *testing.T) {
	c, l := newClock(), newLedger()
	l.open(ref)
	r := newReconciler(t, config(), l, Local{}, c)
	if err := r.pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, told := range []city.Remote{
		{Ref: ref, Progress: city.ProgressWorking, Notes: "bin dran", Updated: c.now()},
		{Ref: ref, Progress: city.ProgressOpen, Notes: "eingegangen", Updated: c.now().Add(-time.Minute)},
	} {
		if err := r.Push(t.Context(), "local", told); err != nil {
			t.Fatal(err)
		}
	}
	if got := l.ticket(ref); got.State != city.TicketAcknowledged || got.Remote.Notes != "bin dran" {
		t.Errorf("got %+v", got)
	}
}
