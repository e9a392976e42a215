package bridge

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city"
)

const (
	firstPause = time.Second      // before the first new attempt
	maxPause   = 30 * time.Second // attempts are doubled in distance up to this
	// drainBound is how long Run waits at its end for acknowledgements of what it offered.
	drainBound = 5 * time.Second
	// pingBound is how long the broker may take to answer a test of the line.
	pingBound = 10 * time.Second
)

// Offer takes an arrival into the road. It blocks while the road is full; that is the
// back-pressure: nothing more is read from the broker meanwhile. It returns an error only
// when the arrival was not taken, as when ctx ended. It is called by one goroutine per
// Server, in the order of arrival.
type Offer func(ctx context.Context, a city.Arrival) error

// Server is the session with one network server.
type Server struct {
	cfg     Config
	dialect Dialect
	offer   Offer
	now     func() time.Time
	log     zerolog.Logger
	metrics *metrics

	status status
	client atomic.Pointer[mqtt.Client] // of the present connection; nil: none
	offers atomic.Int64                // when the present offer began, Unix ns; 0: none is made

	warnings warnings
	sessions Sessions    // nil: not remembered across restarts
	assured  atomic.Bool // every topic is granted with at least QoS 1

	// Of Run's goroutine.
	hadSession bool          // an earlier session was subscribed
	complaint  string        // logged last
	heard      chan struct{} // closed at the first subscription

	pause time.Duration // firstPause, less in tests
	ping  time.Duration // pingBound, less in tests
	drain time.Duration // drainBound, less in tests

	lookEvery time.Duration // lookEvery, less in tests
}

// New checks the configuration, including that the files it names can be read, and
// registers the metrics. It does not connect.
func New(cfg Config, offer func(ctx context.Context, a city.Arrival) error, now func() time.Time, log zerolog.Logger, reg prometheus.Registerer) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if !cfg.OwnSession() {
		return nil, fmt.Errorf("network server %s comes to us and has no session: want NewWebhooks or NewListener", cfg.Name)
	}
	d, _ := dialect(cfg.Dialect)
	return newServer(cfg, d, offer, now, log, reg)
}

func newServer(cfg Config, d Dialect, offer Offer, now func() time.Time, log zerolog.Logger, reg prometheus.Registerer) (*Server, error) {
	cfg = cfg.withDefaults()
	if len(cfg.Topics) == 0 {
		cfg.Topics = d.Topics()
	}
	_, errPassword := cfg.password()
	_, errTLS := cfg.TLS.load()
	if err := errors.Join(errPassword, errTLS); err != nil {
		return nil, err
	}
	m, err := newMetrics(reg, cfg.Name)
	if err != nil {
		return nil, err
	}
	return &Server{
		cfg: cfg, dialect: d, offer: offer, now: now, metrics: m,
		log:   log.With().Str("component", "bridge").Str("server", cfg.Name).Logger(),
		pause: firstPause, drain: drainBound, ping: pingBound, lookEvery: lookEvery,
		heard: make(chan struct{}),
	}, nil
}

// Name is what the configuration calls the network server.
func (s *Server) Name() string { return s.cfg.Name }

// Connected tells whether the connection to the broker is up.
func (s *Server) Connected() bool { return s.State().Connected }

// State tells how the session stands.
func (s *Server) State() State {
	state := s.status.get()
	state.Warnings = s.warnings.list(s.now())
	if began := s.offers.Load(); began != 0 && s.now().Sub(time.Unix(0, began)) > time.Second {
		state.Waiting = time.Unix(0, began)
	}
	// While an offer blocks, paho tells of a lost connection only after it.
	if client := s.client.Load(); state.Connected && client != nil && !(*client).IsConnectionOpen() {
		state.Connected, state.Subscribed = false, false
	}
	return state
}

// Run keeps the session up until ctx ends, and returns nil then. It is called once.
//
// The stop is soft: when ctx ends, nothing more is offered and nothing more is read; what
// was offered may still be acknowledged, and Run waits for that, 5 seconds at most, before
// it disconnects. The road must therefore outlive Run. What is not acknowledged by then is
// delivered again to the next session of the same client id.
//
// An error of the broker or the network is logged and tried again for ever. An error of
// offer ends Run: the road is broken.
func (s *Server) Run(ctx context.Context) error {
	s.status.set(false, false, s.now())
	looking, stop := context.WithCancel(ctx)
	var look sync.WaitGroup
	look.Go(func() { s.look(looking, s.heard) })
	defer look.Wait()
	defer stop()
	for pause := s.pause; ; pause = min(2*pause, maxPause) {
		began := s.now()
		err := s.session(ctx)
		s.status.set(false, false, s.now())
		s.metrics.connected.Set(0)
		if ctx.Err() != nil {
			return nil
		}
		var broken *offerError
		if errors.As(err, &broken) {
			return err
		}
		s.complain("session with the broker is down, trying again", err)
		if s.now().Sub(began) > maxPause {
			pause = s.pause
		}
		if !sleep(ctx, pause) {
			return nil
		}
	}
}

// connected notes a new connection, and whether the broker still knew the session.
func (s *Server) connected(ctx context.Context, present bool) {
	s.status.set(true, false, s.now())
	if s.hadSession {
		s.metrics.reconnects.Inc()
	}
	switch {
	case present:
	case s.hadSession:
		s.forgotten(time.Time{})
	default:
		if last := s.lastSubscribed(ctx); !last.IsZero() {
			s.forgotten(last)
			return
		}
		s.log.Info().Str("client_id", s.cfg.ClientID).
			Msg("new session at the broker: what was published before now was not kept for it")
	}
}

// subscribed notes that messages can arrive.
func (s *Server) subscribed(ctx context.Context) {
	if !s.hadSession {
		close(s.heard)
	}
	s.hadSession = true
	s.rememberSession(ctx)
	s.complaint = ""
	s.status.note("")
	s.status.set(true, true, s.now())
	s.metrics.connected.Set(1)
	s.log.Info().Str("broker", s.cfg.Broker).Strs("topics", s.cfg.Topics).Msg("subscribed")
}

// complain notes what is wrong, and logs it if it is not what was wrong before.
func (s *Server) complain(what string, err error) {
	s.status.note(err.Error())
	if s.complaint != err.Error() {
		s.complaint = err.Error()
		s.log.Warn().Err(err).Msg(what)
	}
}

// warnLossy says which topics the broker delivers without waiting for an acknowledgement.
func (s *Server) warnLossy(topics []string) {
	s.assured.Store(len(topics) == 0)
	if len(topics) == 0 {
		s.warnings.clear(lossGranted)
		return
	}
	s.warn(lossGranted, grantedWords+": "+strings.Join(topics, ", "))
}

// sleep waits for d and up to a fifth more, so that many clients do not come back at the
// same instant. It tells whether ctx still holds.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d + rand.N(d/5+1))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// offerError is the road's refusal to take anything more.
type offerError struct{ err error }

func (e *offerError) Error() string { return fmt.Sprintf("offer to the road: %v", e.err) }
func (e *offerError) Unwrap() error { return e.err }
