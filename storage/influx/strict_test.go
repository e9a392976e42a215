package influx

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

const testToken = "s3cr3t-t0ken=="

// strict is the writing half of InfluxDB 2.x, as strict as the real one about everything
// but the lines, which it keeps. judge, where set, sees a write before it is kept and may
// answer it itself by returning true.
type strict struct {
	mu       sync.Mutex
	token    string
	judge    func(w http.ResponseWriter, r *http.Request, lines []string) bool
	points   map[string]int // by series and time, how often written
	requests int
	deletes  int
	largest  int // lines
}

func newStrict() *strict { return &strict{token: testToken, points: map[string]int{}} }

func (s *strict) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/ping" {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	query := r.URL.Query()
	s.mu.Lock()
	token, judge := s.token, s.judge
	s.mu.Unlock()
	if r.URL.Path == "/api/v2/delete" {
		s.delete(w, r)
		return
	}
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/api/v2/write":
		http.NotFound(w, r)
		return
	case r.Header.Get("Authorization") != "Token "+token:
		v2Error(w, http.StatusUnauthorized, "unauthorized", "unauthorized access")
		return
	case query.Get("org") != "stadt":
		v2Error(w, http.StatusNotFound, "not found", fmt.Sprintf("organization name %q not found", query.Get("org")))
		return
	case query.Get("bucket") != "meldefunk":
		v2Error(w, http.StatusNotFound, "not found", fmt.Sprintf("bucket %q not found", query.Get("bucket")))
		return
	case query.Get("precision") != "ns" || len(query) != 3:
		v2Error(w, http.StatusBadRequest, "invalid", "want precision=ns and nothing else, got "+r.URL.RawQuery)
		return
	}
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			v2Error(w, http.StatusBadRequest, "invalid", err.Error())
			return
		}
		body = z
	}
	text, err := io.ReadAll(body)
	if err != nil {
		v2Error(w, http.StatusBadRequest, "invalid", err.Error())
		return
	}
	if len(text) == 0 {
		v2Error(w, http.StatusBadRequest, "invalid", "writing requires points")
		return
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	s.mu.Lock()
	s.requests++
	s.largest = max(s.largest, len(lines))
	s.mu.Unlock()
	if judge != nil && judge(w, r, lines) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range lines {
		s.points[line]++
	}
	w.WriteHeader(http.StatusNoContent)
}

// delete forgets the lines of one device at one time.
func (s *strict) delete(w http.ResponseWriter, r *http.Request) {
	var order struct{ Start, Stop, Predicate string }
	if err := json.NewDecoder(r.Body).Decode(&order); err != nil {
		v2Error(w, http.StatusBadRequest, "invalid", err.Error())
		return
	}
	at, err := time.Parse(time.RFC3339Nano, order.Start)
	device, ok := strings.CutPrefix(order.Predicate, `dev_eui="`)
	if err != nil || !ok || order.Stop != order.Start || r.URL.RawQuery != "bucket=meldefunk&org=stadt" || r.Header.Get("Authorization") != "Token "+testToken {
		v2Error(w, http.StatusBadRequest, "invalid", fmt.Sprint(order, r.URL, err))
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deletes++
	for line := range s.points {
		if strings.Contains(line, ",dev_eui="+strings.TrimSuffix(device, `"`)+",") && strings.HasSuffix(line, fmt.Sprint(" ", at.UnixNano())) {
			delete(s.points, line)
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *strict) deleted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deletes
}

func (s *strict) set(judge func(http.ResponseWriter, *http.Request, []string) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.judge = judge
}

func (s *strict) stored() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.points)
}

func (s *strict) asked() (requests, largest int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests, s.largest
}

func v2Error(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("X-Platform-Error-Code", code)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"code":%q,"message":%q}`, code, message)
}

var errRefused = errors.New("connect: connection refused")

// wire brings requests to a handler without a network, so that time can be virtual. Cut,
// every request fails; stuck, none is answered.
type wire struct {
	mu      sync.Mutex
	handler http.Handler
	cut     bool
	stuck   bool
	tries   int
}

func (x *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	x.mu.Lock()
	x.tries++
	cut, stuck, handler := x.cut, x.stuck, x.handler
	x.mu.Unlock()
	if r.Body != nil {
		defer r.Body.Close()
	}
	if cut {
		return nil, errRefused
	}
	if stuck {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, r)
	return answer.Result(), nil
}

func (x *wire) change(h http.Handler) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.handler = h
}

func (x *wire) set(cut, stuck bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.cut, x.stuck = cut, stuck
}

func (x *wire) tried() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.tries
}

// testConfig points at nobody; its token is in a file.
func testConfig(t testing.TB) Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(testToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := DefaultConfig()
	cfg.URL, cfg.Org, cfg.Bucket, cfg.TokenFile = "http://127.0.0.1:1", "stadt", "meldefunk", file
	return cfg
}

func newWriter(t testing.TB, cfg Config, source Source, log zerolog.Logger) *Writer {
	t.Helper()
	w, err := New(cfg, source, time.Now, log, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return w
}
