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

func order() city.Order {
	return city.Order{
		Case:   city.Case{Ref: ref, Service: "OS-ABF-01", Asset: "PK-0042"},
		Asset:  &city.Asset{ID: "PK-0042", Address: "Domhof 4,\n49074 Osnabrück", Position: &city.Position{Lat: 52.2775, Lon: 8.0417}},
		SentAt: sentAt,
		Title:  "Papierkorb voll - PK-0042",
		Text:   "Füllstand 96 % – größer als 90 %.\n" + marker,
		Marker: marker,
		Attributes: []city.Attribute{
			{Code: "ref", Value: ref}, {Code: "asset_id", Value: "PK-0042"}, {Code: "messwert", Value: "96"},
			{Code: "seit", Value: "2026-11-21T13:30:00+01:00"}, {Code: "prioritaet", Value: "Hoch"},
		},
	}
}

// over is the same order at its end.
func over() city.Order {
	o := order()
	o.Case.Closed, o.Closing = sentAt.Add(time.Hour), "Sensor meldet 12 %"
	return o
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
type sent struct {
	method, path string
	args         url.Values
	header       http.Header
}

// endpoint is a server that answers by the test's word and writes down what comes.
type endpoint struct {
	mu    sync.Mutex
	calls []sent
	url   string
}

func serve(t *testing.T, answer func(n int, w http.ResponseWriter, c sent)) *endpoint {
	t.Helper()
	e := &endpoint{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Errorf("form: %v", err)
		}
		c := sent{r.Method, r.URL.EscapedPath(), r.Form, r.Header}
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

func (e *endpoint) seen() []sent {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]sent(nil), e.calls...)
}

func writeJSON(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// client is one that has looked at the services already, and found none with attributes.
func client(t *testing.T, cfg Config, linked Linked) *Client {
	t.Helper()
	c, err := New(cfg, linked)
	if err != nil {
		t.Fatal(err)
	}
	c.services.asked = c.sent()
	return c
}

func outcome(t *testing.T, err error) *city.Failure {
	t.Helper()
	var f *city.Failure
	if !errors.As(err, &f) {
		t.Fatalf("error %v is not a *city.Failure", err)
	}
	return f
}
