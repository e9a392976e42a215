package tickets

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/storage/sqlite"
)

// doomEnv makes a process of the test binary live a life in place of testing.
const doomEnv = "MELDEFUNK_TEST_DOOM"

// doom is the life of a process: a reconciler on a real database, real ticket systems, and a
// road that opens, worsens and closes cases. It ends by SIGKILL at a point, or from outside,
// or well when all episodes are over.
type doom struct {
	Folder    string            // of the database
	Addresses map[string]string // of the outlets that are used, by name
	Episodes  int               // so many are played with each outlet, those of earlier lives first
	Begin     bool              // whether episodes may begin that have not
	Ask       time.Duration     // how often ticket systems are asked what has changed

	Outlet string // whose steps are counted; "": nobody's
	At     int    // the step of the last episode at which the process dies, from 1
	Loud   bool   // every step is said

	Epoch time.Time // of the clock

	clock   quick
	written chan struct{} // a ticket was, or more
	steps   atomic.Int32  // of this life
}

// quick is a clock that runs a thousand times faster than others, and is the same one in
// every process.
type quick struct{ epoch time.Time }

const speed = 1000

// mostCreates is max_creates, as large as it may be: half of the answers are lost.
const mostCreates = 10

func (q quick) now() time.Time {
	return at("2026-11-21T12:00:00Z").Add(speed * time.Since(q.epoch))
}

// live lives a life and gives the exit code of the process.
func live(text string) int {
	var d doom
	err := json.Unmarshal([]byte(text), &d)
	if err == nil {
		d.clock, d.written = quick{d.Epoch}, make(chan struct{}, 1)
		err = d.live()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (d *doom) live() error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	store, err := sqlite.Open(ctx, d.Folder, zerolog.Nop())
	if err != nil {
		return err
	}
	defer store.Close()
	systems, err := Open(d.config(), Parts{Linked: store.Linked, Now: d.clock.now, Log: zerolog.Nop()})
	if err != nil {
		return err
	}
	for name, s := range systems {
		systems[name] = d.mortal(s)
	}
	r, err := New(d.config(), Tools{
		Store: mortalStore{store, d}, Systems: systems, Router: byLetter{}, Assets: everyBin{}, Road: noRenewal{}, Now: d.clock.now,
	}, zerolog.New(os.Stderr).Level(zerolog.ErrorLevel), prometheus.NewRegistry())
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	say("alive")
	err = d.play(ctx, store, r.Wake)
	cancel()
	if e := <-done; err == nil {
		err = e
	}
	return err
}

// config has every outlet that is used, and the waits of production, a little shorter.
func (d *doom) config() Config {
	cfg := config()
	cfg.Systems = map[string]SystemConfig{}
	for _, w := range outlets {
		if address := d.Addresses[w.name]; address != "" {
			cfg.Systems[w.name] = w.config(address)
		}
	}
	cfg.Backoff = []time.Duration{10 * time.Second, 30 * time.Second}
	cfg.SearchAfter = []time.Duration{0, 10 * time.Second, 30 * time.Second}
	cfg.MaxCreates, cfg.Rate, cfg.StatusEvery = mostCreates, 6000, d.Ask
	cfg.Poll = 20 * time.Millisecond
	return cfg
}

// play is the road: whenever a ticket was written it moves on every episode that has come to
// rest, until all are over.
func (d *doom) play(ctx context.Context, store *sqlite.Store, wake func()) error {
	past := map[string]int{} // episodes that are over, by outlet
	for {
		over := true
		for _, w := range outlets {
			if d.Addresses[w.name] == "" {
				continue
			}
			done := true
			for done && past[w.name] < d.Episodes {
				var err error
				if done, err = d.move(ctx, store, w, past[w.name]+1, wake); err != nil {
					return err
				}
				if done {
					past[w.name]++
				}
			}
			over = over && done
		}
		if over {
			return nil
		}
		<-d.written
	}
}

// move takes an episode one step on, if its tickets have come to rest: a case is opened,
// becomes worse, is closed, comes back and is closed again. It tells whether that is all, or
// whether the episode is not to begin.
func (d *doom) move(ctx context.Context, store *sqlite.Store, w outlet, n int, wake func()) (over bool, err error) {
	now := d.clock.now()
	for i, ref := range w.refs(n) {
		ct, known, err := store.Case(ctx, ref)
		var c city.Commit
		switch {
		case err != nil:
			return false, err
		case !known && i == 0 && !d.Begin:
			return true, nil
		case !known:
			c.Cases = []city.Case{{
				Ref: ref, Rule: "papierkorb-voll", Service: "OS-ABF-01", Asset: ref[:len(ref)-1], Quantity: city.FillLevel, Grade: 1,
				Value: 96, Limit: 90, Title: "Papierkorb voll", Since: now.Add(-time.Hour), Opened: now,
			}}
		case !atRest(&ct):
			return false, nil
		case ct.Case.Wanted() && ct.Case.Grade == 1 && i == 0:
			c.Updates = []city.CaseUpdate{{Ref: ref, Grade: 2, Value: 99}}
		case ct.Case.Wanted():
			c.Cases = []city.Case{{Ref: ref, Closed: now, ClosedSince: now, ClosedValue: 12}}
		default:
			continue
		}
		err = store.Commit(ctx, &c)
		wake()
		rouse(d.written)
		return false, err
	}
	return true, nil
}

// atRest tells whether a ticket waits for nothing but a human.
func atRest(ct *city.CaseTicket) bool {
	t := &ct.Ticket
	switch t.State {
	case city.TicketOpen, city.TicketAcknowledged:
		return ct.Case.Wanted() && t.Told >= ct.Case.Grade
	case city.TicketManual, city.TicketParked, city.TicketCleared, city.TicketClosed, city.TicketCancelled:
		return true
	}
	return false
}

func say(line string) { _, _ = os.Stdout.WriteString(line + "\n") }

// step is a point at which the process may die.
func (d *doom) step(system, ref, name string) {
	if d.Loud {
		say(name)
	}
	if system != d.Outlet || !strings.HasPrefix(ref, outletNamed(system).refs(d.Episodes)[0][:9]) {
		return
	}
	if int(d.steps.Add(1)) != d.At {
		return
	}
	say(name)
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// before runs a call, or a write, that a point follows.
func (d *doom) before(system, ref, name string, call func() error) error {
	err := call()
	d.step(system, ref, name)
	return err
}

// mortalStore dies after a ticket was written.
type mortalStore struct {
	*sqlite.Store
	d *doom
}

func (s mortalStore) PutTicket(ctx context.Context, t city.Ticket, e city.TicketEntry, granted ...int64) error {
	return s.d.before(t.System, t.Ref, "write "+string(t.State), func() error {
		defer rouse(s.d.written)
		return s.Store.PutTicket(ctx, t, e, granted...)
	})
}

// mortal is a ticket system that dies after a call.
type mortal struct {
	System
	d *doom
}

// mortalWatcher is one that can be asked, too.
type mortalWatcher struct {
	mortal
	Watcher
}

func (d *doom) mortal(s System) System {
	m := mortal{s, d}
	if w, ok := s.(Watcher); ok {
		return mortalWatcher{m, w}
	}
	return m
}

func (m mortal) call(o *city.Order, name string, call func() error) error {
	return m.d.before(byLetter{}.Route(&o.Case, nil).System, o.Case.Ref, name, call)
}

func (m mortal) Create(ctx context.Context, o city.Order) (id string, err error) {
	err = m.call(&o, "create", func() error { id, err = m.System.Create(ctx, o); return err })
	return id, err
}

func (m mortal) Find(ctx context.Context, o city.Order) (id string, found bool, err error) {
	err = m.call(&o, "search", func() error { id, found, err = m.System.Find(ctx, o); return err })
	return id, found, err
}

func (m mortal) Close(ctx context.Context, o city.Order, id string) error {
	return m.call(&o, "close", func() error { return m.System.Close(ctx, o, id) })
}

func (m mortal) Note(ctx context.Context, o city.Order, id, key, text string) error {
	return m.call(&o, "note", func() error { return m.System.(Noter).Note(ctx, o, id, key, text) })
}

func (m mortal) Reopen(ctx context.Context, o city.Order, id string) error {
	return m.call(&o, "reopen", func() error { return m.System.(Reopener).Reopen(ctx, o, id) })
}

func (m mortal) Closes() bool  { return powersOf("", m.System).closes }
func (m mortal) Notes() bool   { return powersOf("", m.System).notes }
func (m mortal) Reopens() bool { return powersOf("", m.System).reopens }
func (m mortal) Listed() bool  { return powersOf("", m.System).listed }

// byLetter is a Router that goes by the first letter of a ref.
type byLetter struct{}

func (byLetter) Route(c *city.Case, _ *city.Asset) Route {
	for _, w := range outlets {
		if strings.HasPrefix(c.Ref, w.refs(0)[0][:3]) {
			return Route{System: w.name, AutoClose: AutoCloseAlways, ReopenWithin: 1000 * time.Hour, AtLeastOnce: w.again}
		}
	}
	return Route{System: "?"}
}

// everyBin is an inventory in which all bins stand at one place.
type everyBin struct{}

func (everyBin) Asset(id string) (*city.Asset, bool) {
	bin := *inventory()["PK-0042"]
	bin.ID = id
	return &bin, true
}

// noRenewal is a road that is not asked: nobody closes anything but us, and nothing is held.
type noRenewal struct{}

func (noRenewal) Renew(_ context.Context, ref string) error {
	fmt.Fprintln(os.Stderr, ref, "is taken for closed by a human")
	os.Exit(1)
	return nil
}

func (noRenewal) Release(_ context.Context, ref string) error {
	fmt.Fprintln(os.Stderr, ref, "is taken for held")
	os.Exit(1)
	return nil
}
