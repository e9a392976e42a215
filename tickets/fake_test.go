package tickets

import (
	"context"
	"errors"
	"fmt"
	"maps"
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

// TestMain is also the process that TestKilledAtEveryPoint and TestKilledAtRandom kill.
func TestMain(m *testing.M) {
	if text := os.Getenv(doomEnv); text != "" {
		os.Exit(live(text))
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(plain.folder) // "": nothing
		os.Exit(code)
	}))
}

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

// ledger is a Store in memory, as strict as the real one. It can die: from the moment it is
// told to, every write fails, as if the process had ended there. Renew makes it the road too.
type ledger struct {
	mu      sync.Mutex
	cases   []city.Case // in the order they were opened
	tickets map[string]city.Ticket
	wishes  []city.Wish // not granted yet
	judged  map[int64]int
	mutes   []city.Mute
	polled  map[string]time.Time
	notes   map[string][]string
	log     map[string][]city.TicketEntry
	now     func() time.Time // of the road; nil: cases do not renew
	serial  int64
	writes  int
	dieAt   int  // the number of the write that is the last; 0: never
	written bool // whether that write still reaches the disk
	dead    bool
}

var errDead = errors.New("the process is dead")

func newLedger() *ledger {
	return &ledger{
		tickets: map[string]city.Ticket{}, notes: map[string][]string{}, log: map[string][]city.TicketEntry{},
		polled: map[string]time.Time{}, judged: map[int64]int{},
	}
}

func (l *ledger) open(refs ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, ref := range refs {
		l.cases = append(l.cases, city.Case{
			Ref: ref, Rule: "papierkorb-voll", Service: "OS-ABF-01", Asset: "PK-0042", Quantity: city.FillLevel, Grade: 1,
			Value: 96, Limit: 90, Title: "Papierkorb voll", Since: at("2026-11-21T11:30:00Z"), Opened: at("2026-11-21T12:00:00Z"),
		})
	}
}

// add opens any case.
func (l *ledger) add(c city.Case) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cases = append(l.cases, c)
}

func (l *ledger) close(refs ...string) { l.closeAt(at("2026-11-21T13:00:00Z"), refs...) }

func (l *ledger) closeAt(when time.Time, refs ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.cases {
		if c := &l.cases[i]; slices.Contains(refs, c.Ref) && c.Wanted() {
			c.Closed, c.ClosedSince, c.ClosedValue = when, when.Add(-5*time.Minute), 12
		}
	}
}

// change changes a case that is wanted.
func (l *ledger) change(ref string, change func(c *city.Case)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.cases {
		if l.cases[i].Ref == ref {
			change(&l.cases[i])
		}
	}
}

// Renew is the road's: the case is over, and a new one of the same matter follows.
func (l *ledger) Renew(_ context.Context, ref string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return errDead
	}
	if l.now == nil {
		return nil
	}
	for i := range l.cases {
		c := &l.cases[i]
		if c.Ref != ref || !c.Wanted() {
			continue
		}
		c.Closed = l.now()
		next := *c
		l.serial++
		next.Ref, next.Follows, next.Opened, next.Closed = fmt.Sprintf("S-R%07d", l.serial), ref, l.now(), time.Time{}
		l.cases = append(l.cases, next)
		return nil
	}
	return nil
}

// Release is the road's too: the safety brake lets go.
func (l *ledger) Release(_ context.Context, ref string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return errDead
	}
	for _, c := range l.cases {
		if t := l.pair(c).Ticket; c.Ref == ref && t.State == city.TicketHeld {
			t.State = city.TicketQueued
			t.Version++
			l.tickets[ref] = t
		}
	}
	return nil
}

func (l *ledger) find(keep func(ct *city.CaseTicket) bool, limit int) ([]city.CaseTicket, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return nil, errDead
	}
	var all []city.CaseTicket
	for i := range l.cases {
		if ct := l.pair(l.cases[i]); keep(&ct) && len(all) < limit {
			all = append(all, ct)
		}
	}
	return all, nil
}

const all = 1 << 30

// Handed gives the wanted cases that the ticket system has, or may have.
func (l *ledger) Handed(_ context.Context, system string) ([]city.CaseTicket, error) {
	return l.find(func(ct *city.CaseTicket) bool {
		switch ct.Ticket.State {
		case city.TicketSending, city.TicketUnsure, city.TicketManual, city.TicketReopening, city.TicketOpen, city.TicketAcknowledged:
			return ct.Case.Wanted() && ct.Ticket.System == system
		}
		return false
	}, all)
}

func (l *ledger) Unrouted(_ context.Context, limit int) ([]city.CaseTicket, error) {
	return l.find(func(ct *city.CaseTicket) bool {
		s := ct.Ticket.State
		return ct.Ticket.System == "" && (len(ct.Wishes) > 0 || s != city.TicketHeld && s != city.TicketClosed && s != city.TicketCancelled)
	}, limit)
}

func (l *ledger) Sending(context.Context) ([]city.CaseTicket, error) {
	return l.find(func(ct *city.CaseTicket) bool { return ct.Ticket.State == city.TicketSending }, all)
}

func (l *ledger) Systems(context.Context) ([]string, error) {
	found, err := l.find(func(ct *city.CaseTicket) bool { return ct.Ticket.System != "" && !final(ct.Ticket.State) }, all)
	var names []string
	for _, ct := range found {
		if !slices.Contains(names, ct.Ticket.System) {
			names = append(names, ct.Ticket.System)
		}
	}
	return names, err
}

func (l *ledger) Case(_ context.Context, ref string) (city.CaseTicket, bool, error) {
	found, err := l.find(func(ct *city.CaseTicket) bool { return ct.Case.Ref == ref }, 1)
	if err != nil || len(found) == 0 {
		return city.CaseTicket{}, false, err
	}
	return found[0], true, nil
}

func (l *ledger) Earlier(_ context.Context, ref string) (city.CaseTicket, bool, error) {
	now, _, err := l.Case(context.Background(), ref)
	if err != nil {
		return now, false, err
	}
	found, err := l.find(func(ct *city.CaseTicket) bool {
		c := &ct.Case
		return c.Rule == now.Case.Rule && c.Asset == now.Case.Asset && c.Group == now.Case.Group && c.Ref != ref &&
			!c.Wanted() && !c.Closed.After(now.Case.Opened) && ct.Ticket.State != city.TicketCancelled
	}, all)
	if err != nil || len(found) == 0 {
		return city.CaseTicket{}, false, err
	}
	return found[len(found)-1], true, nil
}

func (l *ledger) Due(_ context.Context, system string, now time.Time, limit int) ([]city.CaseTicket, error) {
	wished, err := l.find(func(ct *city.CaseTicket) bool { return ct.Ticket.System == system && len(ct.Wishes) > 0 }, limit)
	if err != nil {
		return nil, err
	}
	others, err := l.find(func(ct *city.CaseTicket) bool {
		return ct.Ticket.System == system && len(ct.Wishes) == 0 && dueAt(ct, now)
	}, limit-len(wished))
	return append(wished, others...), err
}

// dueAt is the Store's word on a ticket without wishes.
func dueAt(ct *city.CaseTicket, now time.Time) bool {
	c, t := &ct.Case, &ct.Ticket
	switch t.State {
	case city.TicketHeld, city.TicketManual, city.TicketCleared, city.TicketCancelled, city.TicketParked:
		return false
	case city.TicketClosed:
		if !c.Wanted() || t.End != city.EndHuman && t.End != city.EndGone {
			return false
		}
	}
	switch {
	case t.Hold != "":
		return !t.HoldUntil.IsZero() && !t.HoldUntil.After(now)
	case !c.Wanted() && (t.State == city.TicketQueued || t.State == city.TicketMuted || t.State == city.TicketOpen || t.State == city.TicketAcknowledged):
		return true
	case t.State == city.TicketOpen || t.State == city.TicketAcknowledged:
		joined := slices.ContainsFunc(c.Members, func(m string) bool { return !slices.Contains(t.ToldMembers, m) })
		if c.Grade <= t.Told && !joined {
			return false
		}
	}
	return !t.Next.After(now)
}

func (l *ledger) Watched(_ context.Context, system string, before time.Time, limit int) ([]city.CaseTicket, error) {
	found, err := l.find(func(ct *city.CaseTicket) bool {
		t := &ct.Ticket
		there := t.State == city.TicketOpen || t.State == city.TicketAcknowledged || t.State == city.TicketClosing || t.State == city.TicketCleared
		return t.System == system && there && t.ExternalID != "" && t.Checked.Before(before)
	}, all)
	slices.SortStableFunc(found, func(a, b city.CaseTicket) int { return a.Ticket.Checked.Compare(b.Ticket.Checked) })
	return found[:min(limit, len(found))], err
}

func (l *ledger) AskAll(ctx context.Context, system string) (int, error) {
	found, err := l.Watched(ctx, system, time.Unix(1<<40, 0), all)
	if err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, ct := range found {
		t := l.tickets[ct.Case.Ref]
		if !t.Checked.IsZero() {
			t.Checked = time.Unix(0, 1)
		}
		t.Version++
		l.tickets[ct.Case.Ref] = t
	}
	return len(found), nil
}

func (l *ledger) Unacknowledged(_ context.Context, system string, since time.Time, after string, limit int) ([]city.CaseTicket, error) {
	on := after == "" // cases are in order
	return l.find(func(ct *city.CaseTicket) bool {
		if !on {
			on = ct.Case.Ref == after
			return false
		}
		return ct.Ticket.System == system && ct.Ticket.State == city.TicketOpen && ct.Ticket.Escalated.IsZero() &&
			ct.Case.Wanted() && ct.Case.Opened.Before(since)
	}, limit)
}

func (l *ledger) Linked(_ context.Context, system, externalID string) (string, bool, error) {
	found, err := l.find(func(ct *city.CaseTicket) bool {
		return ct.Ticket.ExternalID != "" && ct.Ticket.ExternalID == externalID && (ct.Ticket.System == system || ct.Ticket.System == "")
	}, all)
	if err != nil || len(found) == 0 {
		return "", false, err
	}
	return found[len(found)-1].Case.Ref, true, nil
}

func (l *ledger) Polled(_ context.Context, system string) (time.Time, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.polled[system], nil
}

func (l *ledger) SetPolled(_ context.Context, system string, cursor time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return errDead
	}
	l.polled[system] = cursor
	return nil
}

func (l *ledger) Mutes(_ context.Context, now time.Time) ([]city.Mute, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return nil, errDead
	}
	var found []city.Mute
	for _, m := range l.mutes {
		if m.Lifted.IsZero() && (m.Until.IsZero() || m.Until.After(now)) {
			found = append(found, m)
		}
	}
	return found, nil
}

func (l *ledger) Mute(_ context.Context, m city.Mute) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return 0, errDead
	}
	if m.Service == "" && m.Asset == "" && m.Tour == "" && m.District == "" {
		return 0, errors.New("a mute of everything")
	}
	l.serial++
	m.ID = l.serial
	l.mutes = append(l.mutes, m)
	return m.ID, nil
}

// unmute lifts a mute and lets muted tickets be due, as people do it.
func (l *ledger) unmute(id int64, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.mutes {
		if l.mutes[i].ID == id {
			l.mutes[i].Lifted, l.mutes[i].LiftedBy = at, "B. Beispiel"
		}
	}
	for ref, t := range l.tickets {
		if t.State == city.TicketMuted {
			t.Next = time.Time{}
			l.tickets[ref] = t
		}
	}
}

// wish keeps what somebody wants.
func (l *ledger) wish(w city.Wish) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.serial++
	w.ID = l.serial
	l.wishes = append(l.wishes, w)
	return w.ID
}

func (l *ledger) pair(c city.Case) city.CaseTicket {
	t, ok := l.tickets[c.Ref]
	if !ok {
		t = city.Ticket{Ref: c.Ref, State: city.TicketQueued}
		if c.Held {
			t.State = city.TicketHeld
		}
	}
	ct := city.CaseTicket{Case: c, Ticket: t}
	for _, w := range l.wishes {
		if w.Ref == c.Ref {
			ct.Wishes = append(ct.Wishes, w)
		}
	}
	return ct
}

func (l *ledger) PutTicket(ctx context.Context, t city.Ticket, e city.TicketEntry, granted ...int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return errDead
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if !slices.ContainsFunc(l.cases, func(c city.Case) bool { return c.Ref == t.Ref }) {
		return city.ErrNoCase
	}
	if l.tickets[t.Ref].Version != t.Version {
		return city.ErrStale
	}
	for _, id := range granted {
		if !slices.ContainsFunc(l.wishes, func(w city.Wish) bool { return w.ID == id && w.Ref == t.Ref }) {
			return fmt.Errorf("wish %d of %s is granted already, or is none", id, t.Ref)
		}
	}
	if e.State != t.State || e.At.IsZero() || !e.At.Equal(t.Updated) {
		return fmt.Errorf("%s: the history says %s at %v, the ticket %s at %v", t.Ref, e.State, e.At, t.State, t.Updated)
	}
	l.writes++
	if l.dead = l.writes == l.dieAt; l.dead && !l.written {
		return errDead
	}
	t.Version++
	t.ToldMembers = slices.Clone(t.ToldMembers)
	l.tickets[t.Ref] = t
	for _, id := range granted {
		l.judged[id]++
		l.wishes = slices.DeleteFunc(l.wishes, func(w city.Wish) bool { return w.ID == id })
	}
	if e.Note != "" {
		l.notes[t.Ref] = append(l.notes[t.Ref], string(e.State)+": "+e.Note)
		l.log[t.Ref] = append(l.log[t.Ref], e)
	}
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
		ct := l.pair(c)
		switch ct.Ticket.State {
		case city.TicketParked, city.TicketManual, city.TicketCleared, city.TicketClosed:
		default:
			if !ct.Settled() {
				return false
			}
		}
	}
	return true
}

// linked is how cmd answers the open311 client's question from the Store.
func (l *ledger) linked(ctx context.Context, system, externalID string) (string, bool, error) {
	return l.Linked(ctx, system, externalID)
}

// straight is a Router that sends everything one way.
type straight Route

func (s straight) Route(*city.Case, *city.Asset) Route { return Route(s) }

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

// around is what a Reconciler of one ticket system works with.
func around(l *ledger, s System, c *clock) Tools {
	return Tools{Store: l, Systems: map[string]System{s.Name(): s}, Router: straight{System: s.Name()}, Assets: inventory(), Road: l, Now: c.now}
}

// pass works on what is due in every lane.
func (r *Reconciler) pass(ctx context.Context) error {
	if err := r.desk(ctx); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(r.lanes)) {
		if err := r.lanes[name].pass(ctx); err != nil {
			return err
		}
	}
	return nil
}

func newReconciler(t *testing.T, cfg Config, l *ledger, s System, c *clock) *Reconciler {
	t.Helper()
	return reconcilerWith(t, cfg, around(l, s, c))
}

func reconcilerWith(t *testing.T, cfg Config, tools Tools) *Reconciler {
	t.Helper()
	r, err := New(cfg, tools, zerolog.New(zerolog.NewTestWriter(t)), prometheus.NewPedanticRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// drive lets time pass in steps until every case is at rest, or the store is dead.
func drive(t *testing.T, r *Reconciler, l *ledger, c *clock, step time.Duration) {
	t.Helper()
	if err := r.takeOver(t.Context()); err != nil {
		t.Fatal(err)
	}
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

// orderOf gives what the only ticket system is told of a case.
func orderOf(t *testing.T, r *Reconciler, ct *city.CaseTicket) city.Order {
	t.Helper()
	for _, l := range r.lanes {
		v, err := l.look(t.Context(), ct)
		if err != nil {
			t.Fatal(err)
		}
		return v.order()
	}
	t.Fatal("no ticket system")
	return city.Order{}
}
