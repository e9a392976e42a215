package joinserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	stdlog "log"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city/door"
)

// Limits of the server. A network server has to have the join-accept on air 5 s after the
// request (JOIN_ACCEPT_DELAY1), so ChirpStack v4 waits no longer for an answer.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 5 * time.Second // header and body
	idleTimeout   = 2 * time.Minute // network servers keep a connection (BI section 20)
	maxHeader     = 16 << 10        // bytes
	// storeBound is how long a request, once read, may wait for its turn and the disk.
	storeBound = 4 * time.Second
	// writeTimeout is above all the others together.
	writeTimeout = readTimeout + storeBound + 3*time.Second
	// drainBound is how long Serve waits at its end for answers that are under way.
	drainBound = storeBound + time.Second
	// mostConnections bounds what strangers can make this process hold, and how many requests
	// are under way: one at a time on each. Some 50 KiB each, with TLS.
	mostConnections = 256
	// complainEvery keeps a stranger from filling the log.
	complainEvery = time.Minute
)

// Server is the join server.
type Server struct {
	cfg     Config
	tls     *tls.Config // nil: plaintext
	store   Store
	keks    KEKs
	now     func() time.Time
	log     zerolog.Logger
	metrics *metrics

	turns     *turns
	repeats   repeats
	pace      pace
	serving   atomic.Bool
	complaint atomic.Int64 // when the last one was logged, Unix ns
}

// New checks the configuration, including that the files it names can be read and the KEKs
// are there, and registers the metrics. It does not listen.
func New(cfg Config, store Store, keks KEKs, now func() time.Time, log zerolog.Logger, reg prometheus.Registerer) (*Server, error) {
	problems := []error{cfg.Validate()}
	labels := keks.Labels()
	for i := range cfg.Peers {
		p := &cfg.Peers[i]
		if p.KEK != "" && !slices.Contains(labels, p.KEK) {
			problems = append(problems, fmt.Errorf("peers: %d (%.40q): kek: key encryption key %.60q is not configured: want one of %q", i, p.Name, p.KEK, labels))
		}
		if p.hasToken() {
			if _, err := p.token(); err != nil {
				problems = append(problems, fmt.Errorf("peers: %d (%.40q): %w", i, p.Name, err))
			}
		}
	}
	config, err := cfg.TLS.Server(now, "http/1.1")
	problems = append(problems, err)
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	m, err := newMetrics(reg)
	if err != nil {
		return nil, err
	}
	return &Server{
		cfg: cfg, tls: config, store: store, keks: keks, now: now, metrics: m, turns: newTurns(),
		log: log.With().Str("component", "joinserver").Logger(),
	}, nil
}

// Serving tells whether devices can join.
func (s *Server) Serving() bool { return s.serving.Load() }

// Serve answers on ln until ctx ends, and returns nil then. It is called once; ln is closed in
// any case. The stop is soft: requests that are under way are answered, for 5 seconds at
// most. The store must therefore outlive Serve.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	service := door.Service{TLS: s.tls, Connections: mostConnections, Drain: drainBound, Stopping: func() { s.serving.Store(false) }, Server: &http.Server{
		Handler:           http.HandlerFunc(s.answer),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          stdlog.New(s.log, "", 0),
	}}
	s.log.Info().Stringer("address", ln.Addr()).Bool("tls", s.tls != nil).Int("peers", len(s.cfg.Peers)).Msg("join server is open")
	s.serving.Store(true)
	defer s.serving.Store(false)
	err := service.Serve(ctx, ln)
	switch {
	case errors.Is(err, door.ErrCut):
		s.log.Warn().Err(err).Msg("some network servers got no answer")
		return nil
	case err != nil:
		return fmt.Errorf("serve joins on %s: %w", ln.Addr(), err)
	}
	return nil
}

// complain logs what strangers do wrong, once in a while.
func (s *Server) complain(r *http.Request, peer, what string) {
	now, last := s.now().UnixNano(), s.complaint.Load()
	if now-last < int64(complainEvery) || !s.complaint.CompareAndSwap(last, now) {
		return
	}
	s.log.Warn().Str("peer", peer).Str("from", r.RemoteAddr).Msg(what)
}
