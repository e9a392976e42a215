package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"golang.org/x/sync/semaphore"

	"meldefunk/city"
)

// Road carries arrivals from the network servers to the store.
//
//	Offer ──► arrivals ──► batch ──► walk ──► Commit ──► Ack ──► Follow
//	                                  │
//	      look up · order · decode · judge, for each arrival
//
// One goroutine walks. What it remembers of devices and assets always equals what was
// committed: a commit is repeated until it succeeds or the process ends.
type Road struct {
	cfg      Config
	parts    Parts
	arrivals chan passenger
	lanes    *lanes
	throttle *throttle
	room     *semaphore.Weighted    // bytes of messages that are on the road
	trouble  atomic.Pointer[string] // why the store fails just now; nil: it does not
	log      zerolog.Logger
	metrics  metrics

	mark     city.Mark
	devices  map[city.EUI]*memory
	states   map[subject]*assetState
	groups   []*assetState // the states of groups among them
	wheel    *wheel
	hearing  *hearing
	brake    *brake
	alive    time.Time // the last pulse
	beats    bool      // the present batch tells the store of it
	passed   time.Time // up to when time has passed for everybody
	looked   int       // at how many who were due, in the present batch
	behind   bool      // more is due than went into the batch
	unseen   []subject // who has to be looked at once in any case
	listened time.Time
	deafFor  func(server string, from, to time.Time) time.Duration // lent to the rules
	mutes    func(group, rule string) bool
	lent     []city.Sensor
	loaded   bool          // what Run and Redo begin with
	minds    []byte        // of the states in the commit
	commit   city.Commit   // what the present batch changes
	touched  []*assetState // the states among it
	foreign  strangers
	excess   map[city.EUI]*excess

	// What the present batch still has to judge, and where its frames and changes are.
	pending []told
	base    int64            // the number of the last frame before the batch
	places  []place          // of the batch's new frames, in order of their numbers
	second  map[int64]*place // of its frames on their second try, by number
	amended map[int64]int    // in commit.Readings, by frame: readings in place of stored ones
	reheard map[int64]int    // in commit.Reheard, by frame

	ordered   []*seen // lent to settle
	moved     moves   // by settle
	intervals []int64 // lent to period
}

// Parts are what the road calls at each step.
type Parts struct {
	Inventory Inventory
	Keys      Keys
	Frames    Frames
	Decoder   Decoder
	Judge     Judge
	Store     Store
	Hearing   Hearing // nil: everybody can always be heard
	// Follow is called after each commit and its acknowledgements, from the road's
	// goroutine; it must not block and must not keep what it is given.
	Follow func(*city.Commit)
	// Ref makes up a reference for a new case, like "S-7K3QF2PA".
	Ref func() string
	// Now is the present, for everything that is decided.
	Now func() time.Time
}

// maxBytes bounds the bodies of the messages that are on the road at once: few large ones
// must not take more memory than many small ones.
const maxBytes = 64 << 20

// New makes a road. It does nothing until Run.
func New(cfg Config, parts Parts, log zerolog.Logger, reg prometheus.Registerer) *Road {
	r := &Road{
		cfg: cfg, parts: parts, log: log, metrics: newMetrics(reg),
		arrivals: make(chan passenger, cfg.Batch),
		lanes:    newLanes(),
		throttle: newThrottle(&cfg),
		room:     semaphore.NewWeighted(maxBytes),
		devices:  map[city.EUI]*memory{},
		states:   map[subject]*assetState{},
		wheel:    newWheel(),
		hearing:  newHearing(nil),
		brake:    newBrake(),
		amended:  map[int64]int{},
		reheard:  map[int64]int{},
		second:   map[int64]*place{},
		excess:   map[city.EUI]*excess{},
	}
	r.deafFor = func(server string, from, to time.Time) time.Duration { return r.hearing.deaf(server, from, to) }
	r.mutes = r.mutedBy
	return r
}

// Offer hands an arrival to the road. It blocks while the road is busy, which is how a
// network server's broker comes to wait. The arrival is acknowledged after its commit; if
// ctx ends first it is not taken and never acknowledged.
func (r *Road) Offer(ctx context.Context, a city.Arrival) error {
	if err := r.room.Acquire(ctx, weight(&a)); err != nil {
		return err
	}
	p := passenger{Arrival: a, excess: r.throttle.over(&a, r.cfg.MaxAhead)}
	if name := r.laneOf(&a); name != "" && !p.excess { // a wild device must not fill its lane
		err := r.offerLane(ctx, name, a)
		if err != nil {
			r.room.Release(weight(&a))
		}
		return err
	}
	select {
	case r.arrivals <- p:
		return nil
	case <-ctx.Done():
		r.room.Release(weight(&a))
		return ctx.Err()
	}
}

func weight(a *city.Arrival) int64 { return min(int64(len(a.Message.Body)), maxBytes) }

// Trouble tells why the store fails just now, "" while it works. It may be called from any
// goroutine.
func (r *Road) Trouble() string {
	if text := r.trouble.Load(); text != nil {
		return *text
	}
	return ""
}

// Run walks until ctx ends, then finishes what was offered. A failing store does not end
// it: it tries again, for as long as it takes, and after ctx has ended for Config.Grace. An
// error means that arrivals were left without acknowledgement: they will be sent again.
func (r *Road) Run(ctx context.Context) error {
	hard, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(r.cfg.Grace, cancel) })()

	if err := r.load(hard); err != nil {
		return err
	}
	if err := r.loadWheel(hard); err != nil {
		return err
	}
	batch := make([]passenger, 0, r.cfg.Batch)
	for {
		batch = r.collect(ctx, hard, batch[:0])
		if len(batch) == 0 {
			break
		}
		if err := r.carry(hard, batch); err != nil {
			return fmt.Errorf("%d messages not acknowledged: %w", len(batch)+len(r.arrivals)+r.lanes.end(), err)
		}
		clear(batch) // let go of the messages
	}
	if n := r.lanes.end(); n > 0 {
		return fmt.Errorf("%d messages not acknowledged: their decoder took too long", n)
	}
	return nil
}

// collect waits for one arrival and takes what else is there. While a commit runs the next
// batch gathers, so batches grow with the load by themselves and nothing waits for a
// timer. After ctx has ended it takes what is left, and what comes out of the lanes until
// hard ends; an empty batch means the end.
func (r *Road) collect(ctx, hard context.Context, batch []passenger) []passenger {
	if r.behind && ctx.Err() == nil {
		r.behind = false
		batch = append(batch, passenger{tick: r.parts.Now()})
	}
	if len(batch) == 0 {
		select {
		case p := <-r.arrivals:
			batch = append(batch, p)
		case <-ctx.Done():
			select {
			case p := <-r.arrivals:
				batch = append(batch, p)
			case <-r.lanes.empty():
			case <-hard.Done():
			}
		}
	}
	for len(batch) < cap(batch) {
		select {
		case p := <-r.arrivals:
			batch = append(batch, p)
		default:
			return batch
		}
	}
	return batch
}

// carry takes one batch all the way: this is the order of things, and what "done" means.
func (r *Road) carry(ctx context.Context, batch []passenger) error {
	now := r.parts.Now()
	r.begin()
	r.pulse(now)
	r.listen(now)
	if err := r.reach(ctx, batch, now); err != nil {
		return err
	}
	for i := range batch {
		if err := r.walk(ctx, &batch[i]); err != nil {
			return err
		}
	}
	if err := r.judgeAll(ctx); err != nil {
		return err
	}
	if err := r.pastTime(ctx, batch); err != nil {
		return err
	}
	if err := r.grantAll(ctx, batch, now); err != nil {
		return err
	}
	if err := r.keep(ctx, now); err != nil {
		return err
	}
	messages := 0
	for i := range batch {
		if batch[i].request != nil {
			close(batch[i].request.done)
		}
		if !batch[i].arrival() {
			continue
		}
		messages++
		batch[i].Acker.Ack()
		r.room.Release(weight(&batch[i].Arrival))
	}
	r.metrics.committed(&r.commit, len(r.amended), messages)
	r.parts.Follow(&r.commit)
	return nil
}

// keep commits what the batch has changed so far.
func (r *Road) keep(ctx context.Context, now time.Time) error {
	if err := r.digest(ctx, now); err != nil {
		return err
	}
	if err := r.finish(); err != nil {
		return err
	}
	if r.commit.Empty() {
		return nil
	}
	timer := prometheus.NewTimer(r.metrics.commitSeconds)
	defer timer.ObserveDuration()
	return r.persist(ctx, "commit", func() error { return r.parts.Store.Commit(ctx, &r.commit) })
}

// reach lets time pass up to the first uplink of a batch. It comes first, so where more is due
// than goes into a batch, as after a night in which we were down, commits of their own take it.
func (r *Road) reach(ctx context.Context, batch []passenger, now time.Time) error {
	first := slices.IndexFunc(batch, func(p passenger) bool {
		return p.arrival() && p.Event.Kind == city.EventUp && !p.Replay
	})
	if first < 0 {
		return nil
	}
	until := r.present(batch[first].Event.Uplink.Received)
	for {
		all, err := r.upTo(ctx, until, r.cfg.Batch)
		if all || err != nil {
			return err
		}
		if err := r.keep(ctx, now); err != nil {
			return err
		}
		r.metrics.committed(&r.commit, 0, 0)
		r.parts.Follow(&r.commit)
		r.begin()
	}
}

// pastTime lets time pass as far as the ticks of a batch say, after its readings.
func (r *Road) pastTime(ctx context.Context, batch []passenger) error {
	var now time.Time
	for i := range batch {
		if batch[i].rethink {
			r.rethink()
		}
		if !batch[i].tick.IsZero() {
			now = batch[i].tick
		}
	}
	if now.IsZero() {
		return nil
	}
	return r.tick(ctx, now)
}

// walk takes one arrival as far as the commit. A replayed message that is not set aside
// again is done with, whatever it turned out to be.
func (r *Road) walk(ctx context.Context, p *passenger) (err error) {
	a := &p.Arrival
	aside := len(r.commit.Aside)
	switch {
	case !p.arrival():
		return nil
	case a.Err != nil:
		r.setAside(a, a.Err)
	case p.excess:
		r.setThrottled(a)
	case a.Event.Kind == city.EventJoin:
		err = r.join(ctx, a)
	case a.Event.Kind == city.EventUp:
		err = r.uplink(ctx, p)
	case a.Event.Kind == city.EventRaw:
		err = r.raw(ctx, p)
	}
	if err == nil && a.Err == nil {
		r.news(a)
	}
	if a.Replay && len(r.commit.Aside) == aside {
		r.commit.Replayed = append(r.commit.Replayed, asideKey(&a.Message))
	}
	return err
}

// uplink is the road of a data frame.
func (r *Road) uplink(ctx context.Context, p *passenger) error {
	a := &p.Arrival
	u := &a.Event.Uplink

	// 1 look up: device, and where it hung when
	device, hangs, found := r.parts.Inventory.Find(u.Server, u.DevEUI)
	if !found {
		r.setAside(a, city.Reject(city.ReasonUnknownDevice,
			"device %s is not in the inventory: add it and replay", u.DevEUI))
		return nil
	}

	// 2 order: repeat? which session? when?
	mem, err := r.memory(ctx, u.DevEUI)
	if err != nil {
		return err
	}
	frame, known, kept, err := r.order(ctx, mem, u, a.Replay)
	if rejected, ok := errors.AsType[*city.Rejection](err); ok {
		r.setAside(a, rejected)
		return nil
	}
	if err != nil {
		return err
	}
	if known != fresh {
		r.metrics.repeats.Inc()
		if known == heardAgain {
			return r.rehear(ctx, kept, u, hangs)
		}
		return nil
	}

	if frame.ID != 0 {
		if err := r.hearAll(ctx, frame.ID, u); err != nil {
			return err
		}
	}

	// 3 decode: bytes and calibration to values
	reading := told{Reading: ofUplink(u, device, &frame), device: device, hangs: hangs, server: u.Server}
	fate, rejected, err := r.tell(ctx, p, &reading)
	if err != nil {
		return err
	}
	if rejected != nil {
		r.setAside(a, rejected)
		reason, detail := why(rejected)
		r.notice(u, city.DeviceAside, city.SeverityError, string(reason), detail)
	}
	reading.frame = len(r.commit.Frames)
	if err := r.keepFrame(ctx, mem, frame, u, fate, &reading); err != nil {
		return err
	}
	if fate != city.FateRead && fate != city.FateLoose {
		return nil
	}
	now := u.Received
	if a.Replay {
		now = r.parts.Now()
	}
	if now = r.present(now); !a.Replay {
		reading.Received = now // what the rules go by
	}
	reading.Time, reading.now = u.Time, now
	if again := r.second[frame.ID]; again != nil {
		again.reading = len(r.pending)
	} else {
		r.places[len(r.places)-1].reading = len(r.pending)
	}
	r.pending = append(r.pending, reading)
	return nil
}

// judgeAll takes what the batch has read through the rest of the road. By now the batch is
// known to its end, and with it the event times.
func (r *Road) judgeAll(ctx context.Context) error {
	for i := range r.pending {
		reading := &r.pending[i]
		if err := r.rehang(ctx, reading); err != nil {
			return err
		}
		// What the device kept in its memory comes first: it is older.
		if err := r.history(ctx, reading); err != nil {
			return err
		}
		if len(reading.Values)+len(reading.Faults) == 0 {
			continue // nothing but memory
		}
		if err := r.measured(ctx, *reading); err != nil {
			return err
		}
	}
	return nil
}

// measured takes a reading through the rest of the road.
func (r *Road) measured(ctx context.Context, reading told) error {
	// 4 judge: where do the rules stand now?
	if err := r.judge(ctx, &reading); err != nil {
		return err
	}

	// 5 commit: with the rest of the batch
	r.mark.Reading++
	reading.ID = r.mark.Reading
	r.commit.Readings = append(r.commit.Readings, reading.Reading)
	r.newest(&reading)
	return nil
}

// persist does something with the store until it succeeds. Only the end of ctx gives up.
func (r *Road) persist(ctx context.Context, what string, f func() error) error {
	const first, longest = 50 * time.Millisecond, 5 * time.Second
	last := ""
	for wait := first; ; wait = min(2*wait, longest) {
		err := f()
		if err == nil {
			if last != "" {
				r.log.Info().Str("what", what).Msg("works again")
				r.trouble.Store(nil)
			}
			r.metrics.storeFails.Set(0)
			return nil
		}
		r.metrics.storeFails.Inc()
		if text := err.Error(); text != last {
			r.log.Error().Err(err).Str("what", what).Msg("fails; trying again, nothing is acknowledged meanwhile")
			r.trouble.Store(&text)
			last = text
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("%s: %w", what, err), ctx.Err())
		case <-time.After(wait):
		}
	}
}
