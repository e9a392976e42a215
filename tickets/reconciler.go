package tickets

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city"
)

// Reconciler moves tickets towards what is wanted. It owns the ticket, as the road owns the
// case; what people want done with it are wishes, which it grants:
//
//	muted ◄─► queued ─► sending ─► open ─► closing ─► closed
//	             │ ▲       │ ▲ found  │        └► cleared (a human closes it there)
//	             │ └─────┐ ▼ │        └ acknowledged: somebody looks after it
//	             │ empty └ unsure ─► manual, parked: a human must look
//	             ├► reopening ─► open: our own ticket of a short while ago
//	             └► cancelled
//
// Every arrow is written to the Store before the next call goes out, so a crash at any
// point loses nothing: whoever finds a ticket sending knows that its create may have
// arrived, and searches. Each ticket system has a lane of its own, so that one that is away
// holds up no other.
type Reconciler struct {
	cfg     Config
	tools   Tools
	zone    *time.Location
	log     zerolog.Logger
	metrics metrics
	lanes   map[string]*lane // of the ticket systems
	wake    chan struct{}    // of the desk
	orphans map[string]*lane // of ticket systems that are not configured any more; the desk's
}

// Tools are what a Reconciler works with.
type Tools struct {
	Store   Store
	Systems map[string]System // by name
	Router  Router
	Assets  Assets
	Road    Road
	Now     func() time.Time // the clock that times in the Store are compared with
}

// batch is how many cases are asked for at once.
const batch = 50

// writeTimeout bounds one write to the Store. It does not end with Run's ctx: what the
// ticket system has answered is worth writing down on the way out.
const writeTimeout = 10 * time.Second

// New makes a Reconciler.
func New(cfg Config, tools Tools, log zerolog.Logger, reg prometheus.Registerer) (*Reconciler, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(cfg.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("tickets: time_zone: %w", err)
	}
	r := &Reconciler{
		cfg: cfg, tools: tools, zone: zone,
		log:     log.With().Str("component", "tickets").Logger(),
		metrics: newMetrics(reg),
		lanes:   map[string]*lane{},
		wake:    make(chan struct{}, 1),
		orphans: map[string]*lane{},
	}
	for name, s := range tools.Systems {
		r.lanes[name] = newLane(r, name, s)
	}
	return r, nil
}

// Run works until ctx ends, and returns nil then. Failures of a ticket system or the Store
// are logged, counted and tried again.
func (r *Reconciler) Run(ctx context.Context) error {
	r.report(r.takeOver(ctx))
	var running sync.WaitGroup
	for _, l := range r.lanes {
		running.Go(func() { l.run(ctx) })
	}
	every(ctx, r.cfg.Poll, r.wake, func() { r.report(r.desk(ctx)) })
	running.Wait()
	return nil
}

// every works at once, and again whenever somebody wakes or time has passed, until ctx ends.
func every(ctx context.Context, pause time.Duration, wake <-chan struct{}, work func()) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		if ctx.Err() == nil {
			work()
		}
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-tick.C:
		}
	}
}

// Wake says that cases, wishes or mutes have changed. It does not block.
func (r *Reconciler) Wake() {
	rouse(r.wake)
	for _, l := range r.lanes {
		rouse(l.wake)
	}
}

func rouse(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default: // somebody has said so already
	}
}

// Orders gives what is open in a ticket system, or may be, oldest first.
func (r *Reconciler) Orders(ctx context.Context, system string) ([]city.Order, error) {
	l, ok := r.lanes[system]
	if !ok {
		return nil, fmt.Errorf("read open tickets: there is no ticket system %.40q", system)
	}
	cases, err := r.tools.Store.Handed(ctx, system)
	if err != nil {
		return nil, fmt.Errorf("read open tickets: %w", err)
	}
	orders := make([]city.Order, len(cases))
	for i := range cases {
		v, err := l.look(ctx, &cases[i])
		if err != nil {
			return nil, err
		}
		orders[i] = v.order()
	}
	return orders, nil
}

// Outage is a ticket system that cannot be reached.
type Outage struct {
	System string
	Since  time.Time
	Why    string
}

// Outages tells which ticket systems cannot be reached, by name.
func (r *Reconciler) Outages() []Outage {
	var all []Outage
	for _, name := range slices.Sorted(maps.Keys(r.lanes)) {
		if since, why := r.lanes[name].circuit.state(); !since.IsZero() {
			all = append(all, Outage{name, since, why})
		}
	}
	return all
}

// ErrEarly says that a ticket system tells of a ticket before it has answered with its number.
var ErrEarly = errors.New("the ticket is still on its way, and its number is not known yet")

// Push takes what a ticket system has told of a ticket by itself, and returns nil when that is
// on the disk. One that can be asked is asked for it; of another one it is taken as told. A
// number or a ref that is not known is city.ErrNoCase, a ref whose number is not known yet
// ErrEarly. It may be called by any goroutine.
func (r *Reconciler) Push(ctx context.Context, system string, remote city.Remote) error {
	l, ok := r.lanes[system]
	if !ok {
		return fmt.Errorf("there is no ticket system %.40q", system)
	}
	return l.push(ctx, remote)
}

// AskAll has every ticket asked for that can be, as soon as the rate allows, and tells how
// many those are. That they are to be asked for is on the disk when it returns.
func (r *Reconciler) AskAll(ctx context.Context) (int, error) {
	asked := 0
	for _, name := range slices.Sorted(maps.Keys(r.lanes)) {
		if !r.lanes[name].can.watches {
			continue
		}
		n, err := r.tools.Store.AskAll(ctx, name)
		if err != nil {
			return asked, fmt.Errorf("have the tickets of %s asked for: %w", name, err)
		}
		asked += n
	}
	r.Wake()
	return asked, nil
}

// takeOver searches at once for what was being sent when the process ended: it is the one
// that has the data, so nobody sends it now.
func (r *Reconciler) takeOver(ctx context.Context) error {
	found, err := r.tools.Store.Sending(ctx)
	if err != nil {
		return fmt.Errorf("read what was being sent: %w", err)
	}
	for i := range found {
		l := r.lane(found[i].Ticket.System)
		v, err := l.look(ctx, &found[i])
		if err != nil {
			return err
		}
		if _, err := l.put(ctx, v, v.lost()); err != nil {
			return err
		}
	}
	names, err := r.tools.Store.Systems(ctx)
	if err != nil {
		return fmt.Errorf("read whose tickets there are: %w", err)
	}
	for _, name := range names {
		r.lane(name)
	}
	return nil
}

// lane gives the lane of a ticket system; one that is not configured gets one too, which
// parks what is due.
func (r *Reconciler) lane(name string) *lane {
	if l, ok := r.lanes[name]; ok {
		return l
	}
	if name == "" {
		return newLane(r, "", nil) // not routed yet
	}
	if r.orphans[name] == nil {
		r.orphans[name] = newLane(r, name, nil)
	}
	return r.orphans[name]
}

// desk gives new tickets to their ticket systems.
func (r *Reconciler) desk(ctx context.Context) error {
	for {
		found, err := r.tools.Store.Unrouted(ctx, batch)
		if err != nil {
			return fmt.Errorf("read new tickets: %w", err)
		}
		moved := false
		for i := range found {
			if ctx.Err() != nil {
				return nil
			}
			did, err := r.assign(ctx, &found[i])
			if err != nil {
				return err
			}
			moved = moved || did
		}
		if !moved {
			break
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.orphans)) {
		if err := r.orphans[name].pass(ctx); err != nil {
			return err
		}
	}
	return nil
}

// assign gives a ticket to its ticket system.
func (r *Reconciler) assign(ctx context.Context, ct *city.CaseTicket) (bool, error) {
	route := r.tools.Router.Route(&ct.Case, r.asset(ct))
	name := cmp.Or(route.System, "?")
	l := r.lane(name)
	v, err := l.look(ctx, ct)
	if err != nil {
		return false, err
	}
	p := v.wait(ct.Ticket.Next)
	p.ticket.System, p.ticket.Unit = name, route.Unit
	if route.Unit != "" {
		p.note = "Zuständig: " + route.Unit
	}
	did, err := l.put(ctx, v, p)
	rouse(l.wake)
	return did, err
}

func (r *Reconciler) asset(ct *city.CaseTicket) *city.Asset {
	if a, ok := r.tools.Assets.Asset(ct.Case.Asset); ok {
		return a
	}
	return nil
}

// report logs an error of the Store.
func (r *Reconciler) report(err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		r.log.Warn().Err(err).Msg("store fails")
	}
}
