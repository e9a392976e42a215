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
