package tickets

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
)

// blind is a ticket system that can be told everything and asked nothing, as a mailbox is.
type blind struct {
	System
	Reopener
}

func newBlind(t *testing.T, again bool) *stage {
	t.Helper()
	s := newStage(t, nil)
	s.d.cannot[callFind] = true
	tools := around(s.l, s.d, s.c)
	tools.Systems["town"] = blind{s.d, s.d}
	tools.Router = straight{System: "town", AutoClose: AutoCloseAlways, ReopenWithin: 2 * time.Hour, AtLeastOnce: again}
	s.r = reconcilerWith(t, config(), tools)
	return s
}

// Where nobody can tell what came of a create, the route says whether it is made again.
func TestCannotBeSearched(t *testing.T) {
	t.Run("at most once", func(t *testing.T) {
		s := newBlind(t, false)
		s.begin(ref)
		s.d.lose = 1
		s.let(24 * time.Hour)
		s.is(ref, city.TicketManual, "")
		if n := s.d.calls(callCreate); n != 1 {
			t.Errorf("%d creates", n)
		}
	})
	t.Run("at least once, not at once, and not for ever", func(t *testing.T) {
		s := newBlind(t, true)
		s.begin(ref)
		s.d.lose = 100
		last := config().SearchAfter[len(config().SearchAfter)-1]
		for n := 1; n <= config().MaxCreates; n++ {
			s.turn()
			s.c.advance(last - time.Second)
			s.turn()
			if got := s.d.calls(callCreate); got != n {
				t.Fatalf("%d creates, want %d; history %q", got, n, s.l.history(ref))
			}
			s.c.advance(time.Hour)
		}
		s.let(24 * time.Hour)
		s.is(ref, city.TicketManual, "")
		if n := s.d.calls(callCreate); n != config().MaxCreates {
			t.Errorf("%d creates", n)
		}
	})
	t.Run("a search that nobody can make tells nothing of the ticket system", func(t *testing.T) {
		s := newBlind(t, false)
		s.begin(ref)
		s.begin("S-2")
		s.d.lose = 100
		s.turn()
		if n := s.d.calls(callCreate); n != 1 {
			t.Errorf("%d creates at a ticket system that gives no answers; want that it is left alone after one", n)
		}
	})
	for _, again := range []bool{false, true} {
		t.Run(fmt.Sprintf("back soon, at least once %v", again), func(t *testing.T) {
			s := newBlind(t, again)
			s.begin(ref)
			s.turn()
			s.c.advance(time.Hour)
			s.end(ref)
			s.turn()
			s.is(ref, city.TicketClosed, city.EndUs)
			s.c.advance(time.Hour)
			s.begin("S-2")
			s.d.lose = 1
			s.let(24 * time.Hour)
			if again {
				if got := s.is("S-2", city.TicketOpen, ""); got.ExternalID != "1001" || len(s.d.all) != 1 {
					t.Errorf("got %+v", got)
				}
				return
			}
			// A reopening would be repeated until it is answered.
			s.is("S-2", city.TicketManual, "")
			if s.d.calls(callReopen) != 0 || s.d.calls(callCreate) != 2 || !strings.Contains(s.d.ticket("1002").text, "Folgemeldung zu 1001.\n") {
				t.Errorf("calls %v, text %q", s.d.log, s.d.ticket("1002").text)
			}
		})
	}
}
