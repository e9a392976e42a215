package tickets

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/storage/sqlite"
)

// office is a ticket system in memory without idempotency of its own. While it is away,
// nothing that is sent to it gets an answer. It keeps when what came, and no texts.
type office struct {
	clock   *clock
	away    bool
	unheard int // calls while it was away
	created []arrival
	number  map[string]int // of the tickets, by ref
	closed  map[string]int // how often
	asked   []time.Time    // for single tickets
	polls   []time.Time
}

type arrival struct {
	ref string
	at  time.Time
}

func (*office) Name() string { return "town" }

func (d *office) call() error {
	if d.away {
		d.unheard++
		return &city.Failure{Outcome: city.Unsure, Err: errors.New("no answer")}
	}
	return nil
}

func (d *office) Create(_ context.Context, o city.Order) (string, error) {
	if err := d.call(); err != nil {
		return "", err
	}
	d.created = append(d.created, arrival{o.Case.Ref, d.clock.now()})
	d.number[o.Case.Ref]++
	return "T-" + o.Case.Ref, nil
}

func (d *office) Find(_ context.Context, o city.Order) (string, bool, error) {
	if err := d.call(); err != nil {
		return "", false, err
	}
	return "T-" + o.Case.Ref, d.number[o.Case.Ref] > 0, nil
}

func (d *office) Close(_ context.Context, o city.Order, _ string) error {
	if err := d.call(); err != nil {
		return err
	}
	d.closed[o.Case.Ref]++
	return nil
}

func (d *office) Status(_ context.Context, id string) (city.Remote, bool, error) {
	if err := d.call(); err != nil {
		return city.Remote{}, false, err
	}
	d.asked = append(d.asked, d.clock.now())
	return city.Remote{ID: id, Progress: city.ProgressOpen, Status: "open"}, true, nil
}

func (d *office) Changes(context.Context, time.Time) ([]city.Remote, error) {
	if err := d.call(); err != nil {
		return nil, err
	}
	d.polls = append(d.polls, d.clock.now())
	return nil, nil
}

// most gives how many of the times fall into any window.
func most(times []time.Time, window time.Duration) int {
	n, from := 0, 0
	for i := range times {
		for times[i].Sub(times[from]) >= window {
			from++
		}
		n = max(n, i-from+1)
	}
	return n
}

// A city has 100 open tickets when its ticket system goes away for a day, in which 10,000 cases
// are opened and some of all are over again. (With the race detector it is a smaller city: the
// database is 30 times slower then.) The ticket system is left in peace meanwhile. When
// it is back it gets what is still wanted, each once, the oldest first, no faster than is
// configured. Memory does not follow the backlog.
func TestADayWithoutTheTicketSystem(t *testing.T) {
	const before, during, hours = 100, 10_000 / slower, 24
	ctx, c := t.Context(), newClock()
	store, err := sqlite.Open(ctx, t.TempDir(), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	name := func(n int) string { return fmt.Sprintf("S-%08d", n) }
	serial := 0
	begin := func(count int) {
		t.Helper()
		var all city.Commit
		for range count {
			serial++
			all.Cases = append(all.Cases, city.Case{
				Ref: name(serial), Rule: "full", Service: "OS-ABF-01", Asset: fmt.Sprintf("PK-%05d", serial), Grade: 1, Quantity: city.FillLevel,
				Value: 95, Limit: 90, Title: "Papierkorb voll", Since: c.now(), Opened: c.now().Add(time.Duration(serial)),
			})
		}
		if err := store.Commit(ctx, &all); err != nil {
			t.Fatal(err)
		}
	}
	over := map[string]bool{}
	end := func(refs ...string) {
		t.Helper()
		var all city.Commit
		for _, ref := range refs {
			over[ref] = true
			all.Cases = append(all.Cases, city.Case{Ref: ref, Closed: c.now(), ClosedSince: c.now(), ClosedValue: 10})
		}
		if err := store.Commit(ctx, &all); err != nil {
			t.Fatal(err)
		}
	}
	d := &office{clock: c, number: make(map[string]int, before+during), closed: map[string]int{}, created: make([]arrival, 0, before+during)}
	cfg := config()
	r, err := New(cfg, Tools{
		Store: store, Systems: map[string]System{"town": d}, Router: straight{System: "town", AutoClose: AutoCloseAlways},
		Assets: assets{}, Road: newLedger(), Now: c.now,
	}, zerolog.Nop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	let := func(span, step time.Duration) {
		t.Helper()
		for until := c.now().Add(span); c.now().Before(until); c.advance(step) {
			if err := r.pass(ctx); err != nil {
				t.Fatal(err)
			}
			if err := r.lanes["town"].watch(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	weigh := func() (kB int) {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc >> 10)
	}

	begin(before)
	let(10*time.Minute, 30*time.Second)
	if len(d.created) != before {
		t.Fatalf("%d tickets before the day, want %d", len(d.created), before)
	}
	atFirst, routines := weigh(), runtime.NumGoroutine()

	d.away = true
	for h := range hours {
		begin(during*(h+1)/hours - during*h/hours)
		let(time.Hour, 10*time.Minute)
		end(name(1+4*h), name(before+1+during/hours*h)) // one that it has, one that it has not
	}
	perHour := 60/int(cfg.Backoff[len(cfg.Backoff)-1]/time.Minute) + 1
	if d.unheard < hours || d.unheard > 6+hours*perHour {
		t.Errorf("%d calls in %d hours without an answer, want a handful an hour", d.unheard, hours)
	}
	if out := r.Outages(); len(out) != 1 || out[0].System != "town" {
		t.Errorf("outages %+v", out)
	}
	inIt := weigh()

	d.away, d.created, d.asked, d.polls = false, d.created[:0], nil, nil
	back := c.now()
	let(30*time.Minute+during/time.Duration(cfg.Rate)*time.Minute+10*time.Minute, 30*time.Second)
	after := weigh()

	var at []time.Time
	var refs []string
	for _, a := range d.created {
		at, refs = append(at, a.at), append(refs, a.ref)
	}
	if n := during - hours; len(refs) != n {
		t.Fatalf("%d tickets after the day, want %d: those still wanted", len(refs), n)
	}
	// The one that was sent when it went away may have arrived: it is searched for, and waits.
	if late := slices.Index(refs, name(before+2)); late >= 0 && !slices.IsSorted(slices.Delete(slices.Clone(refs), late, late+1)) {
		t.Error("not the oldest first")
	}
	if n := most(at, time.Minute); n > cfg.Rate {
		t.Errorf("%d creates within a minute, want %d at most", n, cfg.Rate)
	}
	if took, least := at[len(at)-1].Sub(at[0]), during/time.Duration(cfg.Rate)*time.Minute; took > least+5*time.Minute {
		t.Errorf("took %s, %s would do", took, least)
	}
	if n := most(d.asked, cfg.StatusEvery); n > maxConfirmed+hours {
		t.Errorf("asked for %d tickets within %s", n, cfg.StatusEvery)
	}
	if n := most(d.polls, cfg.StatusEvery); n > 1 {
		t.Errorf("%d polls within %s", n, cfg.StatusEvery)
	}
	whole, err := store.Tickets(ctx, city.TicketFilter{Limit: 2 * serial})
	if err != nil || len(whole) != serial {
		t.Fatalf("%d cases, %v", len(whole), err)
	}
	for i := range whole {
		ref, got := whole[i].Case.Ref, whole[i].Ticket.State
		state, tickets, closes := city.TicketOpen, 1, 0
		switch {
		case over[ref] && ref <= name(before):
			state, closes = city.TicketClosed, 1
		case over[ref]:
			state, tickets = city.TicketCancelled, 0
		}
		if got != state || d.number[ref] != tickets || d.closed[ref] != closes {
			t.Errorf("%s is %s, want %s; %d tickets, want %d; %d closes, want %d", ref, got, state, d.number[ref], tickets, d.closed[ref], closes)
		}
	}
	const slackMemory = 4 << 10 // kB; the backlog itself is more than 10,000 kB
	if inIt > atFirst+slackMemory || after > atFirst+slackMemory+2<<10 {
		t.Errorf("heap: %d kB before, %d kB while it was away, %d kB when all is told", atFirst, inIt, after)
	}
	if n := runtime.NumGoroutine(); n > routines+3 { // the database keeps some a little longer
		t.Errorf("%d goroutines, %d before", n, routines)
	}
	t.Logf("%d calls in %d hours away; then %d creates in %s; heap %d, %d, %d kB", d.unheard, hours, len(refs), at[len(at)-1].Sub(back).Round(time.Minute), atFirst, inIt, after)
}
