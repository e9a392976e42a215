// Package influxtest starts a real influxd for tests: on loopback, on ports of its own,
// with its data in a folder of the test. Everything that is stored and everything that
// is answered comes from InfluxDB itself.
//
// It takes the first influxd it finds: the one MELDEFUNK_INFLUXD names, the one on PATH,
// the one of Debian's package. What stands between a test and that influxd depends on
// its version:
//
//   - 1.8 and newer 1.x know the 2.x interface: tests talk to influxd directly, and
//     Readings asks in Flux.
//   - Older ones (Debian ships 1.6.7) know only the 1.x interface. For them a thin, strict
//     front on its own port translates POST /api/v2/write and /api/v2/delete, GET /ping and
//     GET /health. It
//     checks token, organization, bucket and parameters as 2.x does, and passes bodies,
//     statuses and error texts through. Readings asks in InfluxQL. There is no Flux, and
//     /api/v2/query is not there. When influxd is stopped, so is the front.
//
// Without an influxd the test is skipped and says so; with MELDEFUNK_REAL=1 it fails.
//
// It knows nothing of readings, sensors, or how the platform lays out its measurements.
package influxtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// What every test server is called and opened with. The token has the form user:password
// because that is what InfluxDB 1.8 takes for one.
const (
	org      = "stadt"
	bucket   = "meldefunk"
	user     = "writer"
	password = "only-for-tests"
)

// Server is a running influxd, with a front where its version needs one.
type Server struct {
	URL    string // of the 2.x interface, "http://127.0.0.1:23456"; the same for the server's whole life
	Org    string
	Bucket string
	Token  string

	t       testing.TB
	influxd influxd
	front   string // address of the front; "" where influxd is asked directly
	address string // address of influxd

	like18 atomic.Bool

	mu      sync.Mutex
	process *process
	running *front
}

// Start starts an influxd with an empty bucket. It is killed when the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	found, err := find()
	if err != nil {
		if os.Getenv("MELDEFUNK_REAL") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	s := &Server{Org: org, Bucket: bucket, Token: user + ":" + password, t: t, influxd: found}
	dir := t.TempDir()
	if s.address, err = reserve(t); err != nil {
		t.Fatal(err)
	}
	if s.process, err = found.start(dir, s.address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	s.URL = "http://" + s.address
	if !found.speaksV2() {
		if s.front, err = reserve(t); err != nil {
			t.Fatal(err)
		}
		s.URL = "http://" + s.front
		if err := s.raiseFront(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.prepare(); err != nil {
		t.Fatal(err)
	}
	return s
}

// Stop asks influxd to end and waits until it has. From then on connections are refused.
func (s *Server) Stop() { s.end((*process).stop) }

// Kill ends influxd at once, as a power cut would (kill -9). From then on connections are
// refused. Killing a server that does not run is allowed.
func (s *Server) Kill() { s.end((*process).kill) }

func (s *Server) end(how func(*process) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		if err := how(s.process); err != nil {
			s.t.Error(err)
		}
	}
	if s.running != nil {
		s.running.close()
		s.running = nil
	}
}

// Restart starts influxd again, on the same port and the same data, after Stop or Kill;
// a server that still runs is stopped first. It returns when the server answers.
func (s *Server) Restart() {
	s.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	process, err := s.influxd.start(s.process.dir, s.address)
	if err != nil {
		s.t.Error(err)
		return
	}
	s.process = process
	if s.front != "" {
		if err := s.raiseFront(); err != nil {
			s.t.Error(err)
		}
	}
}

// Like18 makes the front answer as InfluxDB 1.8 does where that differs from 2.x: points are
// deleted with InfluxQL at /query, and there is no /api/v2/delete. An influxd that is asked
// directly answers so anyway.
func (s *Server) Like18() { s.like18.Store(true) }

// Direct tells whether tests talk to influxd itself, and not through the front.
func (s *Server) Direct() bool { return s.front == "" }

func (s *Server) raiseFront() error {
	running, err := newFront(s.front, s)
	if err != nil {
		return fmt.Errorf("front for %s: %w", s.influxd.path, err)
	}
	s.running = running
	return nil
}

// reserve finds a loopback port nobody listens on and keeps it until the test ends, also
// while the Server is stopped: it holds the same port of 127.0.0.2, so that other test
// processes that look for a port here pass it by. It stays below the ports that Linux
// gives to outgoing connections.
func reserve(t testing.TB) (string, error) {
	for range 100 {
		port := strconv.Itoa(20_000 + rand.N(12_000))
		holder, err := net.Listen("tcp", net.JoinHostPort("127.0.0.2", port))
		if err != nil {
			continue
		}
		address := net.JoinHostPort("127.0.0.1", port)
		probe, err := net.Listen("tcp", address)
		if err != nil {
			_ = holder.Close()
			continue
		}
		_ = probe.Close()
		t.Cleanup(func() { _ = holder.Close() })
		return address, nil
	}
	return "", errors.New("no free loopback port between 20000 and 32000")
}

// logTail is the end of what influxd said.
func logTail(dir string) string {
	b, err := os.ReadFile(filepath.Join(dir, "influxd.log"))
	if err != nil {
		return err.Error()
	}
	if len(b) > 2000 {
		b = b[len(b)-2000:]
	}
	return string(b)
}
