package javascript

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city"
)

const (
	waitLimit    = 5 * time.Second // for a free worker
	firstRestart = 100 * time.Millisecond
	lastRestart  = 10 * time.Second
)

// Sandbox runs codecs in child processes.
//
//	Decode ──► idle ──► child ──pipe──► worker process: engine, one codec after the other
//	             ▲                         │ too slow, too greedy: killed
//	             └── Run starts another ◄──┘
type Sandbox struct {
	cfg     Config
	command []string
	now     func() time.Time
	log     zerolog.Logger

	idle   chan *child
	closed chan struct{} // closed when Run ends

	runs     *prometheus.CounterVec
	restarts prometheus.Counter
}

// New makes a sandbox. command starts a worker: a program that calls Worker with its
// standard input and output, and its arguments. now is the clock by which codecs are held
// back; nil: they are not, because nobody else waits.
func New(cfg Config, command []string, now func() time.Time, log zerolog.Logger, reg prometheus.Registerer) (*Sandbox, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if len(command) == 0 {
		return nil, errors.New("codec sandbox: no command to start workers with")
	}
	s := &Sandbox{
		cfg: cfg, command: command, now: now, log: log,
		idle: make(chan *child, 2*cfg.Workers), closed: make(chan struct{}),
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "meldefunk_codec_runs_total",
			Help: "Runs of JavaScript codecs by result (ok, refused: the codec gave an error, ended: it was killed, held: it was not run, trouble: the machine's).",
		}, []string{"result"}),
		restarts: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "meldefunk_codec_worker_starts_total",
			Help: "Processes started to run JavaScript codecs.",
		}),
	}
	reg.MustRegister(s.runs, s.restarts)
	return s, nil
}

// Run starts the workers and replaces those that end, until ctx ends; then it ends them
// all and returns nil. It can be called once.
func (s *Sandbox) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for range s.cfg.Workers {
		all.Go(func() { s.keep(ctx) })
	}
	<-ctx.Done()
	close(s.closed)
	all.Wait()
	return nil
}

// keep keeps one worker alive.
func (s *Sandbox) keep(ctx context.Context) {
	pause := firstRestart
	for ctx.Err() == nil {
		s.restarts.Inc()
		c, err := startChild(s.command)
		if err != nil {
			s.log.Error().Err(err).Dur("retry_in", pause).Msg("no codec worker")
			rest(ctx, pause)
			pause = min(2*pause, lastRestart)
			continue
		}
		pause = firstRestart
		s.giveBack(c)
		select {
		case <-c.gone:
			s.sweep()
		case <-s.closed: // and not ctx: a run that this breaks must know why
			c.stop()
		}
	}
}

// rest waits, or until ctx ends.
func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// giveBack makes a worker free. Workers that died while they were free may fill the place;
// then this one goes too, and others come.
func (s *Sandbox) giveBack(c *child) {
	select {
	case s.idle <- c:
	default:
		c.stop()
	}
}

// sweep takes out workers that died while they were free: where nothing is decoded nobody else
// does, and there would be no room for those that replace them.
func (s *Sandbox) sweep() {
	for range len(s.idle) {
		select {
		case c := <-s.idle:
			if c.dead() {
				c.stop()
			} else {
				s.giveBack(c)
			}
		default:
			return
		}
	}
}

var errClosed = errors.New("codec sandbox: not running")

// ended tells whether Run has come to its end.
func (s *Sandbox) ended() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// take gives a worker that lives.
func (s *Sandbox) take(ctx context.Context) (*child, error) {
	late := time.NewTimer(waitLimit)
	defer late.Stop()
	for {
		select {
		case c := <-s.idle:
			if !c.dead() {
				return c, nil
			}
			c.stop()
		case <-s.closed:
			return nil, errClosed
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-late.C:
			return nil, fmt.Errorf("codec sandbox: no worker became free in %s", waitLimit)
		}
	}
}

// Output is what a codec gave for one uplink.
type Output struct {
	Data       map[string]any // JSON: map[string]any, []any, string, float64, bool, nil
	Errors     []string       // the codec's own; Data is not to be used then
	Warnings   []string
	Normalized any // what normalizeUplink made of Data: a hint only, see docs/howto
}

// Compile reads the codec and runs nothing of it. The error says what is wrong with it.
func (s *Sandbox) Compile(ctx context.Context, codec *Codec) error {
	return s.with(ctx, codec, func(c *child) error {
		_, err := c.load(codec)
		return err
	})
}

// Output runs the codec on one payload. at becomes recvTime.
//
// An error is a *city.Rejection where the payload or the codec is to blame: it threw, was
// ended, or is held back. Other errors are trouble of this machine's, and the same payload
// may be tried again.
func (s *Sandbox) Output(ctx context.Context, codec *Codec, port uint8, payload []byte, at time.Time) (Output, error) {
	var out Output
	err := s.with(ctx, codec, func(c *child) error {
		text, err := c.run(codec, port, payload, at, s.cfg.Timeout)
		if err == nil {
			out, err = parseOutput(text)
		}
		return err
	})
	if err != nil {
		return Output{}, err
	}
	return out, nil
}

// with lends a worker for something done with a codec, and sees to what becomes of both.
func (s *Sandbox) with(ctx context.Context, codec *Codec, do func(*child) error) error {
	codec.hold.Lock()
	defer codec.hold.Unlock()
	if s.now != nil {
		if r := codec.hold.refuse(s.now()); r != nil {
			s.runs.WithLabelValues("held").Inc()
			r.Detail = "codec " + codec.name + ": " + r.Detail
			return r
		}
	}
	c, err := s.take(ctx)
	if err != nil {
		s.runs.WithLabelValues("trouble").Inc()
		return err
	}
	err = do(c)
	var refused *refusal
	var broken *ended
	switch {
	case err == nil:
		s.runs.WithLabelValues("ok").Inc()
	case errors.As(err, &refused):
		s.runs.WithLabelValues("refused").Inc()
		err = city.Reject(city.ReasonUndecodable, "codec %s: %s", codec.name, refused.text)
	case s.ended():
		return errClosed
	case errors.As(err, &broken):
		s.runs.WithLabelValues("ended").Inc()
		if s.now != nil {
			codec.hold.strike(s.now(), broken.why)
		}
		s.log.Warn().Str("codec", codec.name).Str("why", broken.why).Int("in_a_row", codec.hold.strikes).Msg("codec ended")
		return city.Reject(city.ReasonUndecodable, "codec %s: %s", codec.name, broken.why)
	default:
		s.runs.WithLabelValues("trouble").Inc()
		return fmt.Errorf("codec %s: %w", codec.name, err)
	}
	codec.hold.clear()
	s.giveBack(c)
	return err
}

// hintPrefix starts the warning that says why there is no hint.
const hintPrefix = "normalizeUplink: "

// parseOutput reads what engine/driver.js writes. What the codec did wrong is a *refusal.
func parseOutput(text []byte) (Output, error) {
	var a struct {
		Missing          bool
		Data, Normalized any
		Errors, Warnings []string
		Hint             string
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return Output{}, &refusal{"gives no JSON: " + clip(err.Error(), maxText)}
	}
	if a.Missing {
		return Output{}, &refusal{"has no function decodeUplink(input), Decoder(bytes, port) or Decode(fPort, bytes)"}
	}
	out := Output{Errors: texts(a.Errors), Warnings: texts(a.Warnings), Normalized: a.Normalized}
	if a.Hint != "" {
		out.Warnings = append(out.Warnings, hintPrefix+clip(a.Hint, maxText))
	}
	data, ok := a.Data.(map[string]any)
	if !ok && len(out.Errors) == 0 {
		return Output{}, &refusal{fmt.Sprintf("gives no object with values but %.40q: want {data: {…}}, or errors", fmt.Sprint(a.Data))}
	}
	out.Data = data
	return out, nil
}

// texts makes a codec's texts fit for logs and messages.
func texts(in []string) []string {
	var out []string
	for _, t := range in {
		out = append(out, clip(t, maxText))
	}
	return out
}
