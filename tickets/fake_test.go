package tickets

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"meldefunk/city"
	"meldefunk/tickets/open311"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a clock that the test moves.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: at("2026-11-21T12:00:00.25Z")} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// ledger is a Store in memory. It can die: from the moment it is told to, every write
// fails, as if the process had ended there.
type ledger struct {
	mu      sync.Mutex
	cases   []city.Case
	tickets map[string]city.Ticket
	notes   map[string][]string
	writes  int
	dieAt   int  // the number of the write that is the last; 0: never
	written bool // whether that write still reaches the disk
	dead    bool
}

var errDead = errors.New("the process is dead")

func newLedger() *ledger {
	return &ledger{tickets: map[string]city.Ticket{}, notes: map[string][]string{}}
}

func (l *ledger) open(refs ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, ref := range refs {
		l.cases = append(l.cases, city.Case{
			Ref: ref, Rule: "papierkorb-voll", Service: "OS-ABF-01", Asset: "PK-0042", Quantity: city.FillLevel,
			Value: 96, Limit: 90, Title: "Papierkorb voll", Since: at("2026-11-21T11:30:00Z"), Opened: at("2026-11-21T12:00:00Z"),
		})
	}
}

func (l *ledger) close(refs ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.cases {
		if c := &l.cases[i]; slices.Contains(refs, c.Ref) {
			c.Closed, c.ClosedSince, c.ClosedValue = at("2026-11-21T13:00:00Z"), at("2026-11-21T12:55:00Z"), 12
		}
	}
}

// Handed gives the wanted cases that the ticket system has, or may have.
func (l *ledger) Handed(_ context.Context, system string) ([]city.CaseTicket, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []city.CaseTicket
	for _, c := range l.cases {
		switch t := l.tickets[c.Ref]; t.State {
		case city.TicketSending, city.TicketUnsure, city.TicketOpen:
			if c.Wanted() && t.System == system {
				all = append(all, city.CaseTicket{Case: c, Ticket: t})
			}
		}
	}
	return all, nil
}

func (l *ledger) Due(_ context.Context, system string, now time.Time, limit int) ([]city.CaseTicket, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return nil, errDead
	}
	var due []city.CaseTicket
	for _, c := range l.cases {
		ct := l.pair(c)
		if ct.Ticket.System == system && !ct.Settled() && ct.Ticket.State != city.TicketParked && !ct.Ticket.Next.After(now) && len(due) < limit {
			due = append(due, ct)
		}
	}
	return due, nil
}

func (l *ledger) pair(c city.Case) city.CaseTicket {
	t, ok := l.tickets[c.Ref]
	if !ok {
		t = city.Ticket{Ref: c.Ref, State: city.TicketQueued}
	}
	return city.CaseTicket{Case: c, Ticket: t}
}

func (l *ledger) PutTicket(ctx context.Context, t city.Ticket, e city.TicketEntry, _ ...int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return errDead
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if l.tickets[t.Ref].Version != t.Version {
		return city.ErrStale
	}
	l.writes++
	if l.dead = l.writes == l.dieAt; l.dead && !l.written {
		return errDead
	}
	t.Version++
	l.tickets[t.Ref] = t
	l.notes[t.Ref] = append(l.notes[t.Ref], string(e.State)+": "+e.Note)
	if l.dead {
		return errDead
	}
	return nil
}

// revive is the start of a new process on the same disk.
func (l *ledger) revive() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead, l.dieAt = false, 0
}

func (l *ledger) ticket(ref string) city.Ticket {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.cases {
		if c.Ref == ref {
			return l.pair(c).Ticket
		}
	}
	return city.Ticket{}
}

func (l *ledger) history(ref string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.notes[ref])
}

// atRest tells whether no case waits for anything but a human.
func (l *ledger) atRest() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.cases {
		if ct := l.pair(c); !ct.Settled() && ct.Ticket.State != city.TicketParked {
			return false
		}
	}
	return true
}

// linked is how cmd answers the open311 client's question from the Store.
func (l *ledger) linked(_ context.Context, _, externalID string) (string, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for ref, t := range l.tickets {
		if t.ExternalID == externalID {
			return ref, true, nil
		}
	}
	return "", false, nil
}

type assets map[string]*city.Asset

func (a assets) Asset(id string) (*city.Asset, bool) { v, ok := a[id]; return v, ok }

func inventory() assets {
	return assets{"PK-0042": {
		ID: "PK-0042", Kind: city.Bin, Name: "Papierkorb Domhof 4", Address: "Domhof 4, 49074 Osnabrück",
		Position: &city.Position{Lat: 52.2775, Lon: 8.0417},
	}}
}

// config has the waits of production and nothing random.
func config() Config {
	cfg := DefaultConfig()
	cfg.Jitter = 0
	return cfg
}

// toServer is the configuration for a GeoReport server under test.
func toServer(t *testing.T, url string) Config {
	t.Helper()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := config()
	cfg.System = SystemOpen311
	cfg.Open311.Endpoint = url
	cfg.Open311.APIKeyFile = key
	cfg.Open311.ServiceMap = map[string]string{"OS-ABF-01": "ABF-1"}
	cfg.Open311.Updates = open311.UpdatesRequest
	cfg.Open311.Timeout = 5 * time.Second
	cfg.Open311.TokenPolls = []time.Duration{0, 0}
	return cfg
}

const secret = "geheim-4711"

func newReconciler(t *testing.T, cfg Config, l *ledger, s System, c *clock) *Reconciler {
	t.Helper()
	r, err := New(cfg, l, s, inventory(), c.now, zerolog.New(zerolog.NewTestWriter(t)), prometheus.NewPedanticRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// drive lets time pass in steps until every case is at rest, or the store is dead.
func drive(t *testing.T, r *Reconciler, l *ledger, c *clock, step time.Duration) {
	t.Helper()
	for range 2000 {
		if err := r.pass(t.Context()); err != nil {
			if errors.Is(err, errDead) {
				return
			}
			t.Fatal(err)
		}
		if l.atRest() {
			return
		}
		c.advance(step)
	}
	t.Fatal("cases never come to rest")
}

// script is a System that does as it is told, call by call.
type script struct {
	t       *testing.T
	calls   []string // what must come, in order
	answers []any    // an id, an error, or nil for nothing found
	orders  []city.Order
}

func (s *script) Name() string { return "script" }

func (s *script) next(call string, o city.Order) (string, error) {
	s.t.Helper()
	n := len(s.orders)
	s.orders = append(s.orders, o)
	if n >= len(s.calls) || s.calls[n] != call {
		s.t.Errorf("call %d is %s, expected %v", n, call, s.calls)
		return "", &city.Failure{Outcome: city.Refused, Err: errors.New("not in the script")}
	}
	switch v := s.answers[n].(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case error:
		return "", v
	default:
		panic(fmt.Sprintf("script: %T", v))
	}
}

func (s *script) Create(_ context.Context, o city.Order) (string, error) { return s.next("create", o) }

func (s *script) Find(_ context.Context, o city.Order) (string, bool, error) {
	id, err := s.next("find", o)
	return id, id != "", err
}

func (s *script) Close(_ context.Context, o city.Order, externalID string) error {
	_, err := s.next("close", o)
	return err
}
