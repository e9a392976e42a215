package tickets

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/rs/zerolog"

	"meldefunk/city"
)

func fail(kind city.Outcome, words string) error {
	return &city.Failure{Outcome: kind, Err: errors.New(words)}
}

const ref = "S-7K3QF2PA"

// One case through every answer a ticket system can give.
func TestStates(t *testing.T) {
	type exchange struct {
		call   string
		answer any
	}
	lost := fail(city.Unsure, "connection reset")
	tests := []struct {
		name      string
		closed    bool // before the first pass
		closeWhen city.TicketState
		start     *city.Ticket
		exchanges []exchange
		state     city.TicketState
		id        string
		creates   int // that may have arrived; once it is to be closed, closings without an answer
		err       string
		within    time.Duration // how long it may take by the clock
	}{
		{name: "opened", exchanges: []exchange{{"create", "17"}}, state: city.TicketOpen, id: "17", creates: 1},
		{name: "opened and closed", closeWhen: city.TicketOpen, exchanges: []exchange{{"create", "17"}, {"close", nil}},
			state: city.TicketClosed, id: "17"},
		{name: "closed while queued: not a word", closed: true, state: city.TicketCancelled},
		{name: "refused", exchanges: []exchange{{"create", fail(city.Refused, "400: no such service")}},
			state: city.TicketParked, err: "400: no such service"},
		{name: "not done, twice: does not count as a create",
			exchanges: []exchange{{"create", fail(city.Retry, "refused")}, {"create", fail(city.Retry, "refused")}, {"create", "17"}},
			state:     city.TicketOpen, id: "17", creates: 1, within: 7 * time.Minute},
		{name: "closed while waiting for a retry", closeWhen: city.TicketQueued,
			exchanges: []exchange{{"create", fail(city.Retry, "refused")}}, state: city.TicketCancelled, err: "refused", within: 2 * time.Minute},
		{name: "lost answer, found at once", exchanges: []exchange{{"create", lost}, {"find", "17"}},
			state: city.TicketOpen, id: "17", creates: 1, within: time.Nanosecond},
		{name: "lost answer, found at the last search", exchanges: []exchange{{"create", lost}, {"find", nil}, {"find", nil}, {"find", nil}, {"find", "17"}},
			state: city.TicketOpen, id: "17", creates: 1, err: "", within: 12 * time.Minute},
		{name: "lost create, made again",
			exchanges: []exchange{{"create", lost}, {"find", nil}, {"find", nil}, {"find", nil}, {"find", nil}, {"create", "17"}},
			state:     city.TicketOpen, id: "17", creates: 2, within: 12 * time.Minute},
		{name: "three lost creates and no more",
			exchanges: []exchange{
				{"create", lost}, {"find", nil}, {"find", nil}, {"find", nil}, {"find", nil},
				{"create", lost}, {"find", nil}, {"find", nil}, {"find", nil}, {"find", nil},
				{"create", lost}, {"find", nil}, {"find", nil}, {"find", nil}, {"find", nil}},
			state: city.TicketParked, creates: 3, err: "connection reset"},
		{name: "search fails, then finds", exchanges: []exchange{{"create", lost}, {"find", fail(city.Retry, "down")}, {"find", "17"}},
			state: city.TicketOpen, id: "17", creates: 1},
		{name: "an unreachable search is not an empty one",
			exchanges: []exchange{{"create", lost},
				{"find", fail(city.Retry, "down")}, {"find", fail(city.Retry, "down")}, {"find", fail(city.Retry, "down")}, {"find", fail(city.Retry, "down")}, {"find", fail(city.Retry, "down")},
				{"find", "17"}},
			state: city.TicketOpen, id: "17", creates: 1},
		{name: "search refused", exchanges: []exchange{{"create", lost}, {"find", fail(city.Refused, "403")}}, state: city.TicketParked, creates: 1, err: "403"},
		{name: "closed while unsure, found", closeWhen: city.TicketUnsure, exchanges: []exchange{{"create", lost}, {"find", nil}, {"find", "17"}, {"close", nil}},
			state: city.TicketClosed, id: "17"},
		{name: "closed while unsure, never found", closeWhen: city.TicketUnsure,
			exchanges: []exchange{{"create", lost}, {"find", nil}, {"find", nil}, {"find", nil}, {"find", nil}},
			state:     city.TicketCancelled, creates: 1, err: "connection reset"},
		{name: "accepted without a number is never sent again",
			exchanges: []exchange{{"create", &city.Failure{Outcome: city.Unsure, Accepted: true, Err: errors.New("token 5")}}, {"find", nil}, {"find", nil}, {"find", nil}, {"find", nil}},
			state:     city.TicketParked, creates: 3, err: "token 5"},
		{name: "no number is a lost answer", exchanges: []exchange{{"create", nil}, {"find", "17"}}, state: city.TicketOpen, id: "17", creates: 1},
		{name: "an error of no kind is a lost answer", exchanges: []exchange{{"create", errors.New("boom")}, {"find", "17"}}, state: city.TicketOpen, id: "17", creates: 1},
		{name: "close lost and repeated", closeWhen: city.TicketOpen,
			exchanges: []exchange{{"create", "17"}, {"close", lost}, {"close", fail(city.Retry, "down")}, {"close", nil}},
			state:     city.TicketClosed, id: "17", creates: 1},
		{name: "close refused", closeWhen: city.TicketOpen, exchanges: []exchange{{"create", "17"}, {"close", fail(city.Refused, "404")}},
			state: city.TicketParked, id: "17", err: "404"},
		{name: "no way to close", closeWhen: city.TicketOpen, exchanges: []exchange{{"create", "17"}, {"close", fail(city.Cannot, "no way")}},
			state: city.TicketClosed, id: "17", err: "no way"},
		{name: "found sending at the start", start: &city.Ticket{State: city.TicketSending, Creates: 1, Attempts: 1, SentAt: at("2026-11-21T11:59:00Z")},
			exchanges: []exchange{{"find", "17"}}, state: city.TicketOpen, id: "17", creates: 1},
		{name: "found sending at the start, closed meanwhile", closed: true,
			start:     &city.Ticket{State: city.TicketSending, Creates: 1, Attempts: 1, SentAt: at("2026-11-21T11:59:00Z")},
			exchanges: []exchange{{"find", "17"}, {"close", nil}}, state: city.TicketClosed, id: "17"},
		{name: "found closing at the start", closed: true, start: &city.Ticket{State: city.TicketClosing, ExternalID: "17", Creates: 1},
			exchanges: []exchange{{"close", nil}}, state: city.TicketClosed, id: "17", creates: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, l, s := newClock(), newLedger(), &script{t: t}
			for _, x := range tt.exchanges {
				s.calls, s.answers = append(s.calls, x.call), append(s.answers, x.answer)
			}
			l.open(ref)
			if tt.start != nil {
				tt.start.Ref = ref
				l.tickets[ref] = *tt.start
			}
			if tt.closed {
				l.close(ref)
			}
			r := newReconciler(t, config(), l, s, c)
			begin := c.now()
			for n := 0; ; n++ {
				if err := r.pass(t.Context()); err != nil {
					t.Fatal(err)
				}
				if l.ticket(ref).State == tt.closeWhen {
					l.close(ref)
				}
				if l.atRest() {
					break
				}
				if n == 1000 {
					t.Fatalf("never comes to rest: %v", l.history(ref))
				}
				c.advance(10 * time.Second)
			}
			got := l.ticket(ref)
			if got.State != tt.state || got.ExternalID != tt.id || got.Creates != tt.creates || got.Error != tt.err {
				t.Errorf("got %+v\nwant state %s, id %q, creates %d, error %q\nhistory %q", got, tt.state, tt.id, tt.creates, tt.err, l.history(ref))
			}
			if len(s.orders) != len(s.calls) {
				t.Errorf("%d calls, want %v", len(s.orders), s.calls)
			}
			if took := c.now().Sub(begin); tt.within > 0 && took > tt.within {
				t.Errorf("took %v, want at most %v", took, tt.within)
			}
		})
	}
}

// The order that is searched for knows when the create began; sending is written first.
func TestSendingIsWrittenBeforeItIsSent(t *testing.T) {
	c, l := newClock(), newLedger()
	l.open(ref)
	s := &script{t: t, calls: []string{"create", "find"}, answers: []any{fail(city.Unsure, "lost"), "17"}}
	r := newReconciler(t, config(), l, s, c)
	drive(t, r, l, c, time.Second)
	want := []string{"sending", "unsure", "open"}
	for i, h := range l.history(ref) {
		if i >= len(want) || !strings.HasPrefix(h, want[i]+": ") {
			t.Errorf("history %q, want states %v", l.history(ref), want)
			break
		}
	}
	for i, o := range s.orders {
		if !o.SentAt.Equal(at("2026-11-21T12:00:00.25Z")) {
			t.Errorf("order %d: sent at %v", i, o.SentAt)
		}
	}
}

// The waits between searches and retries are those of the configuration.
func TestWaits(t *testing.T) {
	lost, down := fail(city.Unsure, "lost"), fail(city.Retry, "down")
	tests := []struct {
		name    string
		calls   []string
		answers []any
		want    []time.Duration // of each call, from the first
	}{
		// The pause after the lost create ends after one minute; until then only the first
		// search goes out.
		{"search", []string{"create", "find", "find", "find", "find", "create"}, []any{lost, nil, nil, nil, nil, "17"},
			[]time.Duration{0, 0, 60 * time.Second, 150 * time.Second, 630 * time.Second, 630 * time.Second}},
		{"retry", []string{"create", "create", "create", "create", "create", "create"}, []any{down, down, down, down, down, "17"},
			[]time.Duration{0, 1 * time.Minute, 6 * time.Minute, 21 * time.Minute, 51 * time.Minute, 81 * time.Minute}},
		{"retry-after", []string{"create", "create"}, []any{&city.Failure{Outcome: city.Retry, After: 20 * time.Second, Err: errors.New("busy")}, "17"},
			[]time.Duration{0, 20 * time.Second}},
		{"retry-after without reason", []string{"create", "create"}, []any{&city.Failure{Outcome: city.Retry, After: 1000 * time.Hour, Err: errors.New("busy")}, "17"},
			[]time.Duration{0, time.Hour}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, l := newClock(), newLedger()
			l.open(ref)
			s := &script{t: t, calls: tt.calls, answers: tt.answers}
			r := newReconciler(t, config(), l, s, c)
			begin := c.now()
			var got []time.Duration
			for !l.atRest() && c.now().Sub(begin) < 3*time.Hour {
				n := len(s.orders)
				if err := r.pass(t.Context()); err != nil {
					t.Fatal(err)
				}
				for range len(s.orders) - n {
					got = append(got, c.now().Sub(begin))
				}
				c.advance(time.Second)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("calls at %v, want %v", got, tt.want)
			}
		})
	}
}

func TestJitterStaysInBounds(t *testing.T) {
	c := circuit{backoff: []time.Duration{time.Minute, time.Hour}, jitter: 0.2}
	low, high := time.Hour, time.Duration(0)
	for range 1000 {
		d := c.wait(1)
		low, high = min(low, d), max(high, d)
	}
	if low < 48*time.Second || high > 72*time.Second || high-low < 10*time.Second {
		t.Errorf("waits from %v to %v, want spread over 48s to 72s", low, high)
	}
	if d := c.wait(99); d < 48*time.Minute || d > 72*time.Minute {
		t.Errorf("the last wait repeats: got %v", d)
	}
}

// A store that hands out what has ended keeps nobody busy.
func TestEndsAreEnds(t *testing.T) {
	for _, state := range []city.TicketState{city.TicketClosed, city.TicketCancelled, city.TicketParked, "nonsense"} {
		l := newLedger()
		l.open(ref)
		l.tickets[ref] = city.Ticket{Ref: ref, State: state}
		r := newReconciler(t, config(), l, &script{t: t}, newClock())
		ct := l.pair(l.cases[0])
		if did, err := r.lanes["script"].advance(t.Context(), &ct, new([]city.Mute)); did || err != nil {
			t.Errorf("%s: advance = %v, %v", state, did, err)
		}
	}
}

func TestMetricsAndDown(t *testing.T) {
	c, l := newClock(), newLedger()
	l.open(ref)
	s := &script{t: t, calls: []string{"create", "create"}, answers: []any{fail(city.Retry, "connection refused"), "17"}}
	reg := prometheus.NewPedanticRegistry()
	r, err := New(config(), around(l, s, c), zerolog.Nop(), reg)
	if err != nil {
		t.Fatal(err)
	}
	if out := r.Outages(); len(out) != 0 {
		t.Errorf("%+v before anything was sent", out)
	}
	if err := r.pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	if out := r.Outages(); len(out) != 1 || out[0] != (Outage{"script", c.now(), "connection refused"}) {
		t.Errorf("outages %+v", out)
	}
	c.advance(time.Minute)
	if err := r.pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	if out := r.Outages(); len(out) != 0 {
		t.Errorf("still %+v", out)
	}
	err = testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP meldefunk_ticket_calls_total Calls to a ticket system by action (create, find, close, reopen, note, status, changes) and result (ok, unsure, retry, refused, cannot).
# TYPE meldefunk_ticket_calls_total counter
meldefunk_ticket_calls_total{action="create",result="ok",system="script"} 1
meldefunk_ticket_calls_total{action="create",result="retry",system="script"} 1
# HELP meldefunk_ticket_moves_total Tickets that entered a state.
# TYPE meldefunk_ticket_moves_total counter
meldefunk_ticket_moves_total{state="open",system="script"} 1
meldefunk_ticket_moves_total{state="queued",system="script"} 1
meldefunk_ticket_moves_total{state="sending",system="script"} 2
# HELP meldefunk_ticket_stale_total Steps dropped because somebody else had written the ticket.
# TYPE meldefunk_ticket_stale_total counter
meldefunk_ticket_stale_total 0
# HELP meldefunk_ticket_system_down 1 while a ticket system cannot be reached and sending to it pauses, else 0.
# TYPE meldefunk_ticket_system_down gauge
meldefunk_ticket_system_down{system="script"} 0
`))
	if err != nil {
		t.Error(err)
	}
}

func TestNewRefusesBadConfig(t *testing.T) {
	cfg := config()
	cfg.TimeZone = "Nirgendwo"
	if _, err := New(cfg, around(newLedger(), Local{}, newClock()), zerolog.Nop(), prometheus.NewRegistry()); err == nil {
		t.Error("no error")
	}
}

// accepting takes every create and never shows a ticket.
type accepting struct{ creates, closes int }

func (*accepting) Name() string { return "accepting" }
func (a *accepting) Create(context.Context, city.Order) (string, error) {
	a.creates++
	return "", &city.Failure{Outcome: city.Unsure, Accepted: true, Err: errors.New("202, a token only")}
}
func (*accepting) Find(context.Context, city.Order) (string, bool, error) { return "", false, nil }
func (a *accepting) Close(context.Context, city.Order, string) error      { a.closes++; return nil }

// A ticket that has arrived and cannot be found needs a human, also when the case is over
// meanwhile: to call it cancelled would leave it open over there for ever.
func TestAcceptedAndNeverSeenIsParked(t *testing.T) {
	l, c, s := newLedger(), newClock(), &accepting{}
	l.open("S-1")
	r := newReconciler(t, config(), l, s, c)
	for i := range 40 {
		if err := r.pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			l.close("S-1")
		}
		c.advance(time.Hour)
	}
	if state := l.ticket("S-1").State; state != city.TicketParked || s.creates != 1 || s.closes != 0 {
		t.Errorf("state %s after %d creates and %d closes, want parked after one create", state, s.creates, s.closes)
	}
}
