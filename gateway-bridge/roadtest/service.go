package roadtest

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"
)

// Service is something at work that ends without an error when its context does.
type Service struct {
	Cancel context.CancelFunc // tells it to end, and does not wait
	Ended  chan error         // has one value once it has ended

	t testing.TB
}

// Serve starts run. It ends with the test at the latest.
func Serve(t testing.TB, run func(ctx context.Context) error) *Service {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &Service{Cancel: cancel, Ended: make(chan error, 1), t: t}
	go func() { s.Ended <- run(ctx) }()
	t.Cleanup(s.Stop)
	return s
}

// Stop ends it and waits for that. It may be called twice.
func (s *Service) Stop() {
	s.t.Helper()
	s.Cancel()
	select {
	case err := <-s.Ended:
		if err != nil {
			s.t.Errorf("it ended with %v", err)
		}
		s.Ended <- nil
	case <-time.After(patience):
		s.t.Fatal("it does not end")
	}
}

// Log keeps what is logged; it can be read meanwhile.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// NewLog is shown at the end of a test that failed.
func NewLog(t testing.TB) *Log {
	l := &Log{}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log:\n%s", l)
		}
	})
	return l
}

func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
