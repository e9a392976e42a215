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

// What is repeated because no answer comes is repeated only so often, and goes on when somebody
// says so. That the ticket system was away for long counts for nothing.
func TestLostAnswersAreNotRepeatedForEver(t *testing.T) {
	closed := func(s *stage) {
		s.begin(ref)
		s.turn()
		s.c.advance(time.Hour)
		s.end(ref)
		s.turn()
		s.is(ref, city.TicketClosed, city.EndUs)
		s.c.advance(time.Hour)
	}
	for name, tt := range map[string]struct {
		call  call
		ref   string
		state city.TicketState // while it is tried
		end   city.TicketState // when it is answered at last
		begin func(*stage)
	}{
		"closing": {callClose, ref, city.TicketClosing, city.TicketClosed, func(s *stage) {
			s.begin(ref)
			s.turn()
			s.end(ref)
		}},
		"closing by hand": {callClose, ref, city.TicketClosing, city.TicketClosed, func(s *stage) {
			s.begin(ref)
			s.turn()
			s.wish(city.Wish{Kind: city.WishClose, Reason: "erledigt"})
		}},
		"reopening": {callReopen, "S-2", city.TicketReopening, city.TicketOpen, func(s *stage) {
			closed(s)
			s.begin("S-2")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newBlind(t, true)
			tt.begin(s)
			before := s.d.calls(tt.call)
			s.d.fail = 20
			s.let(8 * time.Hour)
			s.is(tt.ref, tt.state, s.l.ticket(tt.ref).End)
			s.d.fail, s.d.lose = 0, 100
			s.let(48 * time.Hour)
			got := s.is(tt.ref, city.TicketParked, s.l.ticket(tt.ref).End)
			if n := s.d.calls(tt.call) - before; n != config().MaxCreates {
				t.Errorf("%d tries, want %d", n, config().MaxCreates)
			}
			s.said(tt.ref, "3-mal ohne Antwort gesendet: bitte dort nachsehen und wiederholen")
			if got.Error != errLost.Error() {
				t.Errorf("the board says %q", got.Error)
			}

			s.d.lose = 1
			s.wish(city.Wish{Ref: tt.ref, Kind: city.WishRetry})
			s.let(time.Hour)
			if got := s.l.ticket(tt.ref); got.State != tt.end || s.d.calls(tt.call)-before != config().MaxCreates+2 {
				t.Errorf("got %+v after %d tries; history %q", got, s.d.calls(tt.call)-before, s.l.history(tt.ref))
			}
		})
	}
}
