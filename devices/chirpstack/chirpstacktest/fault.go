package chirpstacktest

import (
	"context"
	"net"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Fault is something that goes wrong once, with the next call of a method.
type Fault struct {
	Method  string // "DeviceService/CreateKeys"
	After   bool   // the call is done before it goes wrong
	Code    codes.Code
	Message string
	Cut     bool // all connections break, in place of a status
	Hang    bool // there is no answer until the caller's patience ends
}

// Fail makes something go wrong.
func (s *Server) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// due takes the first fault of a method.
func (s *Server) due(method string) *Fault {
	for i, f := range s.faults {
		if f.Method == method {
			s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
			return f
		}
	}
	return nil
}

func (s *Server) strike(ctx context.Context, f *Fault) error {
	switch {
	case f.Hang:
		<-ctx.Done()
		return status.FromContextError(ctx.Err()).Err()
	case f.Cut:
		s.mu.Lock()
		for c := range s.conns {
			c.Close()
		}
		s.mu.Unlock()
		<-ctx.Done() // so that no answer is faster than the break
		return status.FromContextError(ctx.Err()).Err()
	}
	return status.Error(f.Code, f.Message)
}

// listener knows the connections, to break them.
type listener struct {
	net.Listener
	s *Server
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	l.s.conns[c] = true
	return &conn{c, l.s}, nil
}

type conn struct {
	net.Conn
	s *Server
}

func (c *conn) Close() error {
	c.s.mu.Lock()
	delete(c.s.conns, c.Conn)
	c.s.mu.Unlock()
	return c.Conn.Close()
}
