package inbox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	stdlog "log"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/city/door"
)

// Limits of the server.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second // header and body
	writeTimeout  = 30 * time.Second // from the header to the end of the answer
	idleTimeout   = time.Minute
	maxHeader     = 16 << 10 // bytes
	// mostConnections and mostAtOnce bound what strangers can make this process hold.
	mostConnections = 256
	mostAtOnce      = 32
	// stopBound is how long Serve waits at its end for what is under way.
	stopBound = 10 * time.Second
	// complainEvery keeps a stranger from filling the log.
	complainEvery = time.Minute
)

// Push keeps what a ticket system tells of a ticket; nil: it is on the disk. Without such a
// ticket of this ticket system it is city.ErrNoCase; after any other error the same may be told
// again. It may be called by several goroutines.
type Push func(ctx context.Context, system string, told city.Remote) error

// Server takes what ticket systems post.
type Server struct {
	cfg      Config
	tls      *tls.Config // nil: plaintext
	push     Push
	now      func() time.Time
	log      zerolog.Logger
	requests *prometheus.CounterVec // system, code

	slots     chan struct{}
	seen      map[string]*memory // of each ticket system
	complaint atomic.Int64       // when the last one was logged, Unix ns
}

// New checks the configuration, including that the files it names can be read, and registers
// the metrics. It does not listen. Without an address in cfg it gives nil.
func New(cfg Config, push Push, now func() time.Time, log zerolog.Logger, reg prometheus.Registerer) (*Server, error) {
	if cfg.Listen == "" {
		return nil, cfg.Validate()
	}
	errs := []error{cfg.Validate()}
	seen := map[string]*memory{}
	for _, name := range slices.Sorted(maps.Keys(cfg.Secrets)) {
		if _, err := cfg.Secrets[name].key(); err != nil {
			errs = append(errs, fmt.Errorf("inbox: secrets: %s: %w", name, err))
		}
		seen[name] = &memory{}
	}
	config, err := cfg.TLS.Server(now, "http/1.1")
	if err != nil {
		errs = append(errs, fmt.Errorf("inbox: %w", err))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "meldefunk_ticket_inbox_requests_total",
		Help: "What ticket systems have posted, by ticket system (empty: a path of none) and status code of the answer.",
	}, []string{"system", "code"})
	if err := reg.Register(requests); err != nil {
		return nil, fmt.Errorf("inbox: register metrics: %w", err)
	}
	return &Server{
		cfg: cfg, tls: config, push: push, now: now, requests: requests, seen: seen,
		log:   log.With().Str("component", "ticket inbox").Logger(),
		slots: make(chan struct{}, mostAtOnce),
	}, nil
}

// Serve answers on ln until ctx ends, and returns nil then. It is called once; ln is closed in
// any case. What is under way when ctx ends is finished, for 10 seconds at most.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	service := door.Service{TLS: s.tls, Connections: mostConnections, Drain: stopBound, Server: &http.Server{
		Handler:           http.HandlerFunc(s.answer),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          stdlog.New(s.log, "", 0),
	}}
	s.log.Info().Stringer("address", ln.Addr()).Bool("tls", s.tls != nil).Msg("ticket systems can tell of tickets")
	err := service.Serve(ctx, ln)
	switch {
	case errors.Is(err, door.ErrCut):
		s.log.Warn().Err(err).Msg("some ticket systems got no answer")
		return nil
	case err != nil:
		return fmt.Errorf("serve the inbox of tickets on %s: %w", ln.Addr(), err)
	}
	return nil
}

// complain logs what goes wrong, once in a while.
func (s *Server) complain(r *http.Request, system, what string) {
	now, last := s.now().UnixNano(), s.complaint.Load()
	if now-last < int64(complainEvery) || !s.complaint.CompareAndSwap(last, now) {
		return
	}
	s.log.Warn().Str("system", system).Str("from", r.RemoteAddr).Msg(what)
}
