package tickets

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city"
)

// Store keeps cases and what the ticket system was told of them. But for Handed it is
// called by the goroutine of Run only.
type Store interface {
	// Due gives at most limit cases that are neither settled nor parked and whose ticket
	// may be worked on at now, oldest first. A case without a ticket comes with one that
	// is queued.
	Due(ctx context.Context, system string, now time.Time, limit int) ([]city.CaseTicket, error)
	// PutTicket writes a ticket, one row of its history, and which wishes were granted or
	// refused, all or nothing, and returns when they are on the disk. What is kept has the
	// next Version; if somebody else has written the ticket since it was read, nothing is,
	// and the error is city.ErrStale.
	PutTicket(ctx context.Context, t city.Ticket, e city.TicketEntry, granted ...int64) error
	// Handed gives all cases that are wanted and that the ticket system has, or may have,
	// oldest first. It may be called from any goroutine.
	Handed(ctx context.Context, system string) ([]city.CaseTicket, error)
}

// Assets is the inventory. It is called once per step and must not block.
type Assets interface {
	Asset(id string) (*city.Asset, bool)
}

// Reconciler moves tickets towards what is wanted:
//
//	queued ─► sending ─► open ─► closing ─► closed
//	  │ ▲        │ ▲ found
//	  │ └─────┐  ▼ │
//	  │ empty └ unsure          parked: a human must look
//	  ▼
//	cancelled
//
// Every arrow is written to the Store before the next call goes out, so a crash at any
// point loses nothing: whoever finds a ticket sending knows that its create may have
// arrived, and searches.
type Reconciler struct {
	cfg     Config
	store   Store
	system  System
	assets  Assets
	words   words
	now     func() time.Time
	log     zerolog.Logger
	metrics metrics
	circuit circuit
	wake    chan struct{}
	said    string // the last failure that was logged
}

// undecided is the system of tickets of which nobody has decided where they go: there is one
// only.
const undecided = ""

// batch is how many cases are asked for at once.
const batch = 50

// writeTimeout bounds one write to the Store. It does not end with Run's ctx: what the
// ticket system has answered is worth writing down on the way out.
const writeTimeout = 10 * time.Second

// New makes a Reconciler. now is the clock that times in the Store are compared with.
func New(cfg Config, store Store, system System, assets Assets, now func() time.Time, log zerolog.Logger, reg prometheus.Registerer) (*Reconciler, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(cfg.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("tickets: time_zone: %w", err)
	}
	chosen := cfg.all()[cfg.System]
	return &Reconciler{
		cfg:     cfg,
		store:   store,
		system:  system,
		assets:  assets,
		words:   words{zone: zone, closes: chosen.closes()},
		now:     now,
		log:     log.With().Str("component", "tickets").Str("system", system.Name()).Logger(),
		metrics: newMetrics(reg),
		circuit: circuit{backoff: cfg.Backoff, jitter: cfg.Jitter},
		wake:    make(chan struct{}, 1),
	}, nil
}

// Run works until ctx ends, and returns nil then. Failures of the ticket system or the
// Store are logged, counted and tried again.
func (r *Reconciler) Run(ctx context.Context) error {
	tick := time.NewTicker(r.cfg.Poll)
	defer tick.Stop()
	for {
		if err := r.pass(ctx); err != nil && ctx.Err() == nil {
			r.complain("store fails", "", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-r.wake:
		case <-tick.C:
		}
	}
}

// Wake says that cases have changed. It does not block.
func (r *Reconciler) Wake() {
	select {
	case r.wake <- struct{}{}:
	default: // somebody has said so already
	}
}

// Orders gives what is open in the ticket system, or may be, oldest first.
func (r *Reconciler) Orders(ctx context.Context) ([]city.Order, error) {
	cases, err := r.store.Handed(ctx, undecided)
	if err != nil {
		return nil, fmt.Errorf("read open tickets: %w", err)
	}
	orders := make([]city.Order, len(cases))
	for i := range cases {
		orders[i] = r.order(&cases[i])
	}
	return orders, nil
}

// Down tells since when the ticket system cannot be reached, and why; a zero time while
// it can.
func (r *Reconciler) Down() (since time.Time, why string) { return r.circuit.state() }

// pass works on what is due until nothing is, or the ticket system cannot be reached.
func (r *Reconciler) pass(ctx context.Context) error {
	for !r.circuit.paused(r.now()) {
		due, err := r.store.Due(ctx, undecided, r.now(), batch)
		if err != nil {
			return fmt.Errorf("read due tickets: %w", err)
		}
		moved := false
		for _, ct := range due {
			if ctx.Err() != nil || r.circuit.paused(r.now()) {
				return nil
			}
			did, err := r.advance(ctx, ct)
			if err != nil {
				return err
			}
			moved = moved || did
		}
		if !moved {
			return nil
		}
	}
	return nil
}

// complain logs a failure, once until its text changes.
func (r *Reconciler) complain(msg, ref string, err error) {
	level := zerolog.WarnLevel
	if r.said == err.Error() {
		level = zerolog.DebugLevel
	}
	r.said = err.Error()
	event := r.log.WithLevel(level).Err(err)
	if ref != "" {
		event.Str("ref", ref)
	}
	event.Msg(msg)
}
