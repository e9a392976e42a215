package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	stdlog "log"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city/door"
)

// Limits of the server. Network servers wait 5 s (ChirpStack v4, The Things Stack) or 10 s
// (ChirpStack v3) for an answer.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second // header and body
	idleTimeout   = time.Minute
	maxHeader     = 16 << 10 // bytes
	// mostConnections bounds what strangers can make this process hold: some 10 KiB each.
	mostConnections = 2048
	// slotBound is how long a post waits for one of Config.InFlight places.
	slotBound = 2 * time.Second
	// commitBound is how long a post, once read, waits for its commit.
	commitBound = 5 * time.Second
	// writeTimeout is above all the others together.
	writeTimeout = readTimeout + slotBound + commitBound + 3*time.Second
	// drainBound is how long Serve waits at its end for posts that are under way.
	drainBound = commitBound + time.Second
	// complainEvery keeps a stranger from filling the log.
	complainEvery = time.Minute
)

// Server takes the posts of every hook.
type Server struct {
	cfg     Config
	tls     *tls.Config // nil: plaintext
	hooks   []Hook
	offer   Offer
	now     func() time.Time
	log     zerolog.Logger
	metrics *metrics

	slots     chan struct{}
	stopping  context.Context // set by Serve: nothing more is offered after its end
	serving   atomic.Bool
	complaint atomic.Int64 // when the last one was logged, Unix ns

	slot, commit, read, drain time.Duration // the bounds, less in tests
}

// New checks the configuration, including that the files it names can be read, and
// registers the metrics. It does not listen. Two hooks of the same path, or one within
// another, are an error.
func New(cfg Config, hooks []Hook, offer Offer, now func() time.Time, log zerolog.Logger, reg prometheus.Registerer) (*Server, error) {
	problems := []error{cfg.Validate()}
	for i := range hooks {
		for j := range hooks[:i] {
			if overlap(hooks[i].Path, hooks[j].Path) {
				problems = append(problems, fmt.Errorf("network server %s: webhook.path %s and %s of network server %s overlap: want different ones", hooks[i].Server, hooks[i].Path, hooks[j].Path, hooks[j].Server))
			}
		}
		if _, err := hooks[i].Secret.token(); err != nil {
			problems = append(problems, fmt.Errorf("network server %s: webhook.%w", hooks[i].Server, err))
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
		cfg: cfg, tls: config, hooks: hooks, offer: offer, now: now, metrics: m,
		log:   log.With().Str("component", "webhook").Logger(),
		slots: make(chan struct{}, cfg.InFlight),
		slot:  slotBound, commit: commitBound, read: readTimeout, drain: drainBound,
	}, nil
}

// Serving tells whether posts can arrive.
func (s *Server) Serving() bool { return s.serving.Load() }

// Serve answers on ln until ctx ends, and returns nil then. It is called once; ln is closed
// in any case.
//
// The stop is soft: when ctx ends, nothing more is offered and nobody is let in; what was
// offered may still be committed, and is answered, for 6 seconds at most. The road must
// therefore outlive Serve. What got no 2xx by then, the network server has to post again.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	s.stopping = ctx
	service := door.Service{TLS: s.tls, Connections: mostConnections, Drain: s.drain, Stopping: func() { s.serving.Store(false) }, Server: &http.Server{
		Handler:           http.HandlerFunc(s.answer),
		ReadHeaderTimeout: min(headerTimeout, s.read),
		ReadTimeout:       s.read,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          stdlog.New(s.log, "", 0),
	}}
	for _, h := range s.hooks {
		s.log.Info().Str("server", h.Server).Stringer("address", ln.Addr()).Str("path", h.Path).Bool("tls", s.tls != nil).Msg("webhook is open")
	}
	s.serving.Store(true)
	defer s.serving.Store(false)
	err := service.Serve(ctx, ln)
	switch {
	case errors.Is(err, door.ErrCut):
		s.log.Warn().Err(err).Msg("some posts got no answer: their network servers have to send them again")
		return nil
	case err != nil:
		return fmt.Errorf("serve webhooks on %s: %w", ln.Addr(), err)
	}
	return nil
}

// complain logs what strangers do wrong, once in a while.
func (s *Server) complain(r *http.Request, server, what string) {
	now, last := s.now().UnixNano(), s.complaint.Load()
	if now-last < int64(complainEvery) || !s.complaint.CompareAndSwap(last, now) {
		return
	}
	s.log.Warn().Str("server", server).Str("from", r.RemoteAddr).Msg(what)
}
