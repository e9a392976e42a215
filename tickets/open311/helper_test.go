package open311

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"meldefunk/city"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	secret = "geheim+/4711"
	ref    = "S-7K3QF2PA"
	marker = "[Ref S-7K3QF2PA]"
)

var sentAt = time.Date(2026, 11, 21, 13, 5, 7, 250e6, time.UTC)

func report() Report {
	return Report{
		Ref: ref, Marker: marker, Service: "OS-ABF-01",
		Description: "Papierkorb voll - PK-0042\n\nFüllstand 96 % – größer als 90 %.\n" + marker,
		Address:     "Domhof 4, 49074 Osnabrück",
		Position:    &city.Position{Lat: 52.2775, Lon: 8.0417},
		SentAt:      sentAt,
	}
}

func config(t *testing.T, endpoint string) Config {
	t.Helper()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := DefaultConfig()
	cfg.Endpoint = endpoint
	cfg.APIKeyFile = key
	cfg.ServiceMap = map[string]string{"OS-ABF-01": "3.2 a:b"}
	cfg.Updates = UpdatesRequest
	cfg.Timeout = 5 * time.Second
	cfg.TokenPolls = []time.Duration{0, 0, 0}
	return cfg
}

func nobody(context.Context, string) (string, bool, error) { return "", false, nil }

// call is what arrived at the endpoint.
type call struct {
	method, path string
	args         url.Values
	header       http.Header
}

// endpoint is a server that answers by the test's word and writes down what comes.
type endpoint struct {
	mu    sync.Mutex
	calls []call
	url   string
}

func serve(t *testing.T, answer func(n int, w http.ResponseWriter, c call)) *endpoint {
	t.Helper()
	e := &endpoint{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Errorf("form: %v", err)
		}
		c := call{r.Method, r.URL.EscapedPath(), r.Form, r.Header}
		e.mu.Lock()
		e.calls = append(e.calls, c)
		n := len(e.calls)
		e.mu.Unlock()
		answer(n, w, c)
	}))
	t.Cleanup(s.Close)
	e.url = s.URL
	return e
}

func (e *endpoint) seen() []call {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]call(nil), e.calls...)
}

func writeJSON(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func client(t *testing.T, cfg Config, linked Linked) *Client {
	t.Helper()
	c, err := New(cfg, linked)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func outcome(t *testing.T, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v is not an *Error", err)
	}
	return e
}
