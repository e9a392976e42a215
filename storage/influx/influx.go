// Package influx copies committed readings into InfluxDB through its 2.x interface. It
// keeps a place of its own in what was committed and moves it only after InfluxDB has
// taken a batch, so an outage of any length costs nothing but time. Sending a reading
// again overwrites the same point and changes nothing.
//
// It does not know how readings come about or where they are kept: it asks the Source it
// declares. What a point looks like is described in docs/influxdb.md.
package influx

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	influxdb2 "github.com/influxdata/influxdb-client-go/v2"
	"github.com/influxdata/influxdb-client-go/v2/api"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city"
)

// Source is where committed readings come from and where the writer's place among them is
// kept. All calls come from one goroutine, may block, and end soon after ctx does. After
// an error the writer waits and asks again.
type Source interface {
	// ReadingsAfter gives up to limit committed readings with ids above id, ids rising.
	// The writer keeps nothing of them after the next call.
	ReadingsAfter(ctx context.Context, id int64, limit int) ([]city.Reading, error)
	// Mark tells the newest reading's id.
	Mark(ctx context.Context) (city.Mark, error)
	// Cursor gives what SetCursor kept under that name, 0 before the first time.
	Cursor(ctx context.Context, name string) (int64, error)
	// SetCursor keeps id; durable when it returns nil.
	SetCursor(ctx context.Context, name string, id int64) error
	// Refuse notes that sink will never take the reading, and why; durable when it
	// returns nil. It is called again for the same reading after a crash.
	Refuse(ctx context.Context, sink string, readingID int64, reason string) error
	// GiveUp moves the cursor past readings that arrived before a time (zero: none) and
	// past all but the newest keep (0: none), some of them at a time, and notes which
	// these are; durable when it returns nil. Last is 0 where there are none.
	GiveUp(ctx context.Context, sink string, before time.Time, keep int64) (city.SpoolLoss, error)
}

const (
	// linger collects what is committed shortly after a wake-up: many small writes cost
	// InfluxDB far more than one of the same size.
	linger = 250 * time.Millisecond
	// idle is how long a missed wake-up can go unnoticed.
	idle = 10 * time.Second
)

// Writer feeds one bucket. All methods may be called from any goroutine; Run once.
type Writer struct {
	cfg    Config
	name   string // of the cursor, and of the sink when a reading is refused
	source Source
	now    func() time.Time
	log    zerolog.Logger

	carrier *carrier
	http    *http.Client
	client  influxdb2.Client
	api     api.WriteAPIBlocking
	wake    chan struct{}
	users   atomic.Int32 // of the connections: see enter
	meters  meters

	// Only Run's goroutine uses these.
	loaded bool  // cursor was read
	cursor int64 // newest reading that InfluxDB has or refused
	size   int   // readings in the next batch
	most   int   // readings in a batch at most, lowered when InfluxDB finds one too large
	line   []byte
	pause  time.Duration

	mu     sync.Mutex
	state  State
	warned int // of warnAt, how far the log has told
}

// New makes a writer. It reads the token but does not talk to InfluxDB. The cursor's name
// holds organization and bucket: a new bucket gets everything that is still kept.
func New(cfg Config, source Source, now func() time.Time, log zerolog.Logger, reg prometheus.Registerer) (*Writer, error) {
	if cfg.URL == "" {
		return nil, fmt.Errorf("influx: url is missing")
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	token, err := cfg.token()
	if err != nil {
		return nil, err
	}
	w := &Writer{
		cfg:    cfg,
		name:   "influx:" + cfg.Org + "/" + cfg.Bucket,
		source: source,
		now:    now,
		log:    log,
		wake:   make(chan struct{}, 1),
		size:   cfg.Batch,
		most:   cfg.Batch,
	}
	if w.meters, err = newMeters(reg); err != nil {
		return nil, err
	}
	w.connect(newCarrier(http.DefaultTransport.(*http.Transport).Clone(), token))
	return w, nil
}

// Name is that of the writer's cursor: "influx:organization/bucket".
func (w *Writer) Name() string { return w.name }

// connect builds the client. The token is the carrier's business: the client library
// never sees it and cannot log it.
func (w *Writer) connect(c *carrier) {
	w.carrier = c
	w.http = &http.Client{
		Transport: c,
		Timeout:   w.cfg.Timeout,
		// A redirect would turn the POST into a GET, or carry readings elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	options := influxdb2.DefaultOptions().
		SetHTTPClient(w.http).
		SetApplicationName("meldefunk").
		SetPrecision(time.Nanosecond).
		SetUseGZip(w.cfg.Compression == CompressionGzip)
	w.client = influxdb2.NewClientWithOptions(w.cfg.URL, "", options)
	w.api = w.client.WriteAPIBlocking(w.cfg.Org, w.cfg.Bucket)
}

// Wake tells that something was committed. It never blocks.
func (w *Writer) Wake() {
	select {
	case w.wake <- struct{}{}:
	default: // it is going to look anyway
	}
}

// Run copies until ctx ends, and returns nil then. InfluxDB being away, or wrongly
// configured, or the source failing does not end it: see State.
func (w *Writer) Run(ctx context.Context) error {
	defer w.enter()()
	look := time.NewTicker(idle)
	defer look.Stop()
	for {
		more, err := w.turn(ctx)
		if ctx.Err() != nil {
			return nil
		}
		w.note(err)
		switch {
		case err != nil:
			wait(ctx, w.backOff(err))
		case !more:
			select {
			case <-ctx.Done():
			case <-look.C:
			case <-w.wake:
				wait(ctx, linger)
			}
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

// turn copies one batch and tells whether there is probably more.
func (w *Writer) turn(ctx context.Context) (more bool, err error) {
	if !w.loaded {
		if w.cursor, err = w.source.Cursor(ctx, w.name); err != nil {
			return false, fmt.Errorf("cursor %s: %w", w.name, err)
		}
		w.loaded = true
	}
	mark, err := w.source.Mark(ctx)
	if err != nil {
		return false, fmt.Errorf("newest reading: %w", err)
	}
	w.behind(mark.Reading - w.cursor)
	size := w.size
	batch, err := w.source.ReadingsAfter(ctx, w.cursor, size)
	if err != nil {
		return false, fmt.Errorf("readings after %d: %w", w.cursor, err)
	}
	if len(batch) == 0 {
		w.spooled(0, nil)
		return false, nil
	}
	w.spooled(mark.Reading-w.cursor, first(batch))
	if err := w.deliver(ctx, batch); err != nil {
		return false, errors.Join(err, w.giveUp(ctx))
	}
	w.behind(mark.Reading - w.cursor)
	return len(batch) == size, nil
}

// first is the first reading of a batch that is to be written, nil: there is none.
func first(batch []city.Reading) *city.Reading {
	for i := range batch {
		if !batch[i].Withdrawn {
			return &batch[i]
		}
	}
	return nil
}

// advance moves the cursor to a reading: it and all before are dealt with.
func (w *Writer) advance(ctx context.Context, last int64) error {
	if err := w.source.SetCursor(ctx, w.name, last); err != nil {
		return fmt.Errorf("set cursor %s to %d: %w", w.name, last, err)
	}
	w.cursor = last
	return nil
}

// wait returns after d, or when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// enter begins to use the connections; what it gives ends that. The last one to leave closes
// them: whoever asks after that would keep those open that are just being made.
func (w *Writer) enter() (leave func()) {
	w.users.Add(1)
	return func() {
		if w.users.Add(-1) == 0 {
			w.http.CloseIdleConnections()
		}
	}
}
