package listener

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"golang.org/x/sync/semaphore"

	"meldefunk/city/door"
)

const (
	// budget is how many bytes of messages may wait for their commit, of all connections
	// together. The largest message fits in.
	budget = 64 << 20
	// complainEvery keeps strangers, and a network server that goes wrong, from filling
	// the log.
	complainEvery = time.Minute
	// acceptPause is before the next attempt when the system has no room for a connection.
	acceptPause = 100 * time.Millisecond
)

// Server takes the messages of every publisher.
type Server struct {
	cfg        Config
	tls        *tls.Config // nil: plaintext
	publishers []Publisher
	offer      Offer
	now        func() time.Time
	log        zerolog.Logger
	metrics    *metrics

	memory   memory
	budget   *semaphore.Weighted
	attempts attempts
	serving  atomic.Bool

	mu         sync.Mutex
	sessions   map[session]*connection
	complaints map[string]time.Time // by kind: when it was last logged

	patience, drain time.Duration // loginBound and drainBound, less in tests
}

// session is what only one connection at a time can be.
type session struct{ server, clientID string }

// New checks the configuration, including that the files it names can be read, and registers
// the metrics. It does not listen. Two publishers that could not be told apart are an error.
func New(cfg Config, publishers []Publisher, offer Offer, now func() time.Time, log zerolog.Logger, reg prometheus.Registerer) (*Server, error) {
	problems := []error{cfg.Validate()}
	for i := range publishers {
		problems = append(problems, publishers[i].problems(cfg, publishers[:i])...)
	}
	config, err := cfg.TLS.Server(now)
	problems = append(problems, err)
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	m, err := newMetrics(reg, publishers)
	if err != nil {
		return nil, err
	}
	return &Server{
		cfg: cfg, tls: config, publishers: publishers, offer: offer, now: now, metrics: m,
		log:      log.With().Str("component", "listener").Logger(),
		memory:   memory{file: cfg.SessionsFile},
		budget:   semaphore.NewWeighted(budget),
		sessions: map[session]*connection{}, complaints: map[string]time.Time{},
		patience: loginBound, drain: drainBound,
	}, nil
}

// problems are those of a publisher beside the ones before it.
func (p *Publisher) problems(cfg Config, before []Publisher) (problems []error) {
	problem := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("network server "+p.Server+": listen."+format, args...))
	}
	if p.Username != "" {
		if _, err := p.Password.Read("password"); err != nil {
			problem("%w", err)
		}
	}
	if p.Certificate != "" && cfg.TLS.ClientCAFile == "" {
		problem("client_certificate: nobody is asked for one: give mqtt_listener.tls.client_ca_file")
	}
	for _, other := range before {
		switch {
		case p.Username != "" && p.Username == other.Username:
			problem("username: %q is that of network server %s, too: want different ones", p.Username, other.Server)
		case p.Username == "" && other.Username == "" && p.Certificate == other.Certificate:
			problem("client_certificate: %q is that of network server %s, too: want different ones", p.Certificate, other.Server)
		}
	}
	return problems
}

// Serving tells whether messages can arrive.
func (s *Server) Serving() bool { return s.serving.Load() }

// Connections gives how many a network server has open.
func (s *Server) Connections(server string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.sessions {
		if key.server == server {
			n++
		}
	}
	return n
}

// Serve takes connections on ln until ctx ends, and returns nil then. It is called once; ln
// is closed in any case.
//
// The stop is soft: when ctx ends, nothing more is offered and nothing more is read; what
// was offered may still be committed, and is acknowledged, for 5 seconds at most. The road
// must therefore outlive Serve. What is not acknowledged by then, publishers send again.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	if err := s.memory.load(); err != nil {
		s.log.Error().Err(err).Msg("publishers are told that their sessions are gone; some then drop what was not acknowledged")
	}
	address := ln.Addr()
	ln = door.Bounded(ln, s.cfg.MaxConnections)
	stop := context.AfterFunc(ctx, func() { ln.Close() })
	defer stop()
	defer ln.Close()
	s.log.Info().Stringer("address", address).Bool("tls", s.tls != nil).Int("network_servers", len(s.publishers)).Msg("MQTT listener is open")
	s.serving.Store(true)
	defer s.serving.Store(false)

	var connections sync.WaitGroup
	defer connections.Wait()
	for {
		conn, err := ln.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				conn.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("listen for MQTT on %s: %w", address, err)
		case err != nil: // no room in the system just now
			s.complain("", "accept", s.log.Error().Err(err), "no connection can be taken")
			select {
			case <-time.After(acceptPause):
			case <-ctx.Done():
			}
			continue
		}
		connections.Go(func() { s.serve(ctx, conn) })
	}
}

// serve takes one connection from its first byte to its end.
func (s *Server) serve(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	if s.tls != nil {
		conn = tls.Server(conn, s.tls)
	}
	_ = conn.SetDeadline(deadline(s.patience)) // it fails where the first read does
	interrupt := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	in := bufio.NewReaderSize(conn, 16<<10)
	hello, p, err := s.login(conn, in)
	interrupt()
	if err != nil {
		if ctx.Err() == nil {
			s.refuse(conn, hello, err)
		}
		return
	}
	c := s.admitted(ctx, hello, p, conn, in)
	defer s.ended(c)
	present, err := s.memory.resume(session{p.Server, c.clientID}, hello.clean)
	if err != nil {
		s.complain(p.Server, "session", s.log.Error().Err(err), "the session cannot be remembered: after a restart its publisher may drop what was not acknowledged")
	}
	if err := c.greet(present); err != nil {
		return
	}
	switch why := c.run(); {
	case errors.Is(why, errLeft), ctx.Err() != nil:
		s.log.Debug().Str("server", p.Server).Str("client_id", c.clientID).Msg("network server left")
	default:
		s.complain(p.Server, "lost", s.log.Warn().Err(why).Str("from", conn.RemoteAddr().String()).Str("client_id", c.clientID), "connection with the network server is lost; it sends again what was not acknowledged")
	}
}

// refuse answers a login that failed.
func (s *Server) refuse(conn net.Conn, hello connect, err error) {
	result, f := loginBroken, (*fault)(nil)
	if errors.As(err, &f) {
		result = loginRefused
		if f == errAttempts {
			result = loginLimited
		}
		_, _ = conn.Write(appendRefusal(nil, hello.version, f)) // who has left meanwhile need not know
	}
	s.complain("", result, s.log.Warn().Err(err).Str("from", conn.RemoteAddr().String()).Str("username", fmt.Sprintf("%.40s", hello.username)), "a login was refused")
	s.metrics.logins.WithLabelValues(result).Inc()
}

// admitted notes a connection; an older one with the same client id ends (section 3.1.4).
func (s *Server) admitted(ctx context.Context, hello connect, p *Publisher, conn net.Conn, in *bufio.Reader) *connection {
	c := &connection{
		server: s, publisher: p, hello: hello, clientID: hello.clientID, conn: conn, in: in,
		offers: make(chan *delivery, window+2), order: make(chan *delivery, window),
		quick: make(chan []byte, 16), gone: make(chan struct{}),
	}
	live, stopped := context.WithCancelCause(context.WithoutCancel(ctx))
	c.live, c.kill = live, stopped
	c.unwatch = context.AfterFunc(ctx, func() { stopped(errStopping) })
	if c.clientID == "" {
		c.clientID = newID()
	}
	s.metrics.logins.WithLabelValues(loginAccepted).Inc()
	s.metrics.connections.WithLabelValues(p.Server).Inc()
	s.mu.Lock()
	key := session{p.Server, c.clientID}
	older := s.sessions[key]
	s.sessions[key] = c
	s.mu.Unlock()
	if older != nil {
		older.kill(errTakenOver)
	}
	s.complain(p.Server, "connected", s.log.Info().Str("from", conn.RemoteAddr().String()).Str("client_id", c.clientID).Uint8("mqtt", hello.version), "network server is connected")
	return c
}

func (s *Server) ended(c *connection) {
	c.unwatch()
	c.kill(errLeft)
	s.metrics.connections.WithLabelValues(c.publisher.Server).Dec()
	s.mu.Lock()
	defer s.mu.Unlock()
	if key := (session{c.publisher.Server, c.clientID}); s.sessions[key] == c {
		delete(s.sessions, key)
	}
}

// refused counts a message on a topic that is not the publisher's.
func (s *Server) refused(c *connection, topic string) {
	s.metrics.refused.WithLabelValues(c.publisher.Server).Inc()
	s.complain(c.publisher.Server, "topic", s.log.Warn().Str("topic", fmt.Sprintf("%.200s", topic)), "a message was refused: its network server may not publish to this topic (listen.topics)")
}

// complain logs, once a minute for each kind and network server.
func (s *Server) complain(server, kind string, line *zerolog.Event, what string) {
	now := s.now()
	s.mu.Lock()
	last, before := s.complaints[server+" "+kind]
	silent := before && now.Sub(last) < complainEvery
	if !silent {
		s.complaints[server+" "+kind] = now
	}
	s.mu.Unlock()
	if silent {
		line.Discard().Send()
		return
	}
	line.Str("server", server).Msg(what)
}
