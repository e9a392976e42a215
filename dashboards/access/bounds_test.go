package access

import (
	"errors"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city/visitor"
)

var epoch = time.Date(2026, 11, 21, 13, 5, 0, 0, time.UTC)

// TestAttemptsAreBounded has far more addresses guess than there is memory for, and the guesser
// of one name gains nothing by it.
func TestAttemptsAreBounded(t *testing.T) {
	a := newAttempts()
	for range 30 {
		a.begin("erika", "10.0.0."+strconv.Itoa(len(a.buckets)), epoch)
	}
	now := epoch
	for i := range 3 * mostBuckets {
		now = now.Add(time.Microsecond)
		a.begin("n"+strconv.Itoa(i), "a"+strconv.Itoa(i), now)
		if i%1000 == 0 && a.begin("erika", "b"+strconv.Itoa(i), now) == 0 {
			t.Fatalf("after %d others there is a try for erika again", i)
		}
		if len(a.buckets) > mostBuckets+3 {
			t.Fatalf("%d buckets", len(a.buckets))
		}
	}
	for i := range 2 * mostFamiliar {
		now = now.Add(time.Microsecond)
		a.succeeded("n"+strconv.Itoa(i), "a"+strconv.Itoa(i), now)
	}
	if len(a.familiar) > mostFamiliar {
		t.Errorf("%d familiar addresses", len(a.familiar))
	}
	a.forget(now.Add(time.Hour))
	if len(a.buckets) != 0 {
		t.Errorf("after an hour %d buckets still say something", len(a.buckets))
	}
}

func TestSessionsAreBounded(t *testing.T) {
	s := newSessions(time.Hour, time.Hour)
	at := func(i int) time.Time { return epoch.Add(time.Duration(i)) }
	for i := range mostSessions { // by hand: begin looks at each of them
		s.all[keyOf(strconv.Itoa(i))] = session{name: strconv.Itoa(i), begun: epoch, seen: at(i + 1)}
	}
	s.find(keyOf("0"), at(mostSessions+1)) // the oldest becomes the newest
	s.begin(session{name: "one more", begun: epoch, seen: at(mostSessions + 2)}, at(mostSessions+2))
	if s.number() != mostSessions {
		t.Errorf("%d sessions", s.number())
	}
	for id, want := range map[string]bool{"0": true, "1": false, "2": true} {
		if _, still := s.find(keyOf(id), at(mostSessions+3)); still != want {
			t.Errorf("session %s is there: %v", id, still)
		}
	}
	late := epoch.Add(2 * time.Hour)
	s.begin(session{name: "late", begun: late, seen: late}, late)
	if s.number() != 1 {
		t.Errorf("%d sessions, of which one is not over", s.number())
	}
}

// TestSameWork holds a login for an unknown name to cost what one for a known name costs: by
// the parameters of the hash that is computed, not by a clock.
func TestSameWork(t *testing.T) {
	a, err := New(DefaultConfig(), func() time.Time { return epoch }, zerolog.Nop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	text, err := HashPassword("Kastanie-Fähre-77")
	if err != nil {
		t.Fatal(err)
	}
	user, err := parsePHC(text)
	if err != nil {
		t.Fatal(err)
	}
	n := a.nobody
	if n.memory != user.memory || n.passes != user.passes || n.lanes != user.lanes || len(n.salt) != len(user.salt) || len(n.hash) != len(user.hash) {
		t.Errorf("of nobody: %s, of a user: %s", n, user)
	}
	// That work is done: with the hash of nobody made to fit, still nobody is let in.
	a.nobody.hash = a.nobody.of("Kastanie-Fähre-77")
	if err := a.Login(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "POST", "/", nil), "niemand", "Kastanie-Fähre-77"); !errors.Is(err, visitor.ErrRefused) {
		t.Errorf("nobody has logged in: %v", err)
	}
}
