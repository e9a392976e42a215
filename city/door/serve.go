package door

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"
)

// Service runs an HTTP server behind a door.
type Service struct {
	Server      *http.Server  // its handler and its bounds
	TLS         *tls.Config   // nil: plaintext
	Connections int           // most at once
	Drain       time.Duration // how long what is under way may take at the end
	Stopping    func()        // called when the end begins; may be nil
}

// ErrCut says that requests were under way for longer than they may at the end.
var ErrCut = errors.New("stopped before all requests were answered")

// Serve answers on ln until ctx ends, then what is under way. nil: all was answered. The
// error is ErrCut where connections had to be cut. ln is closed in any case.
//
// It speaks HTTP/1 only: many requests at once in one connection would escape the bounds.
func (s Service) Serve(ctx context.Context, ln net.Listener) error {
	s.Server.Protocols = new(http.Protocols)
	s.Server.Protocols.SetHTTP1(true)
	ln = Bounded(ln, s.Connections)
	if s.TLS != nil {
		ln = tls.NewListener(ln, s.TLS)
	}
	served := make(chan error, 1)
	go func() { served <- s.Server.Serve(ln) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	if s.Stopping != nil {
		s.Stopping()
	}
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.Drain)
	defer cancel()
	err := s.Server.Shutdown(bound)
	if err != nil {
		err = errors.Join(ErrCut, s.Server.Close())
	}
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}
