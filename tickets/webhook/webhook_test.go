package webhook

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"meldefunk/city"
	"meldefunk/city/door"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	key = []byte("0123456789abcdef01234567")
	now = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
)

// receiver is a strict receiver: it checks every header and the whole message, and keeps
// one case per key. A fault answers in its place, before or after the message was taken.
type receiver struct {
	t *testing.T

	mu      sync.Mutex
	taken   map[string]event // by key
	posts   int
	fault   func(w http.ResponseWriter) // nil: none
	swallow bool                        // the fault comes in place of taking the message
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.posts++
	if fault := r.fault; fault != nil && r.swallow {
		fault(w)
		return
	}
	body, err := io.ReadAll(io.LimitReader(req.Body, 1<<20))
	id, stamp := req.Header.Get("Webhook-Id"), req.Header.Get("Webhook-Timestamp")
	seconds, _ := strconv.ParseInt(stamp, 10, 64)
	var e event
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	switch {
	case err != nil || req.Method != http.MethodPost:
		http.Error(w, "want POST", http.StatusBadRequest)
	case now.Sub(time.Unix(seconds, 0)).Abs() > 5*time.Minute, req.Header.Get("Webhook-Signature") != door.SigningKey(key).Sign(id, time.Unix(seconds, 0), body):
		http.Error(w, "bad signature", http.StatusUnauthorized)
	case req.Header.Get("Idempotency-Key") != strconv.Quote(id):
		http.Error(w, "Idempotency-Key and Webhook-Id differ", http.StatusBadRequest)
	case req.Header.Get("Content-Type") != "application/cloudevents+json; charset=utf-8":
		http.Error(w, "content type", http.StatusUnsupportedMediaType)
	case d.Decode(&e) != nil || e.SpecVersion != "1.0" || e.ID != id || e.Data.Ref == "" || e.Data.Service == "" || e.Time.IsZero():
		http.Error(w, "not a message of ours", http.StatusUnprocessableEntity)
	default:
		if was, twice := r.taken[id]; twice && was.Data.Description != e.Data.Description {
			http.Error(w, "another message under a used key", http.StatusUnprocessableEntity)
			return
		}
		r.taken[id] = e
		if r.fault != nil {
			r.fault(w)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"ref": e.Data.Ref, "id": 4711})
	}
}

// seen gives how many posts came and which messages were taken.
func (r *receiver) seen() (int, map[string]event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.posts, r.taken
}

// fail sets what goes wrong from now on.
func (r *receiver) fail(fault func(http.ResponseWriter), swallow bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault, r.swallow = fault, swallow
}

func start(t *testing.T, change func(*Config)) (*System, *receiver) {
	t.Helper()
	r := &receiver{t: t, taken: map[string]event{}}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	cfg := DefaultConfig()
	cfg.URL, cfg.SecretFile = server.URL+"/in?tenant=1", secretFile(t, key)
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	return s, r
}

func secretFile(t *testing.T, key []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte("whsec_"+base64.StdEncoding.EncodeToString(key)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func order() city.Order {
	return city.Order{
		Case:  city.Case{Ref: "S-7K3QF2PA", Service: "OS-ABF-01", Asset: "PK-0042", Opened: now, Closed: now.Add(time.Hour)},
		Asset: &city.Asset{ID: "PK-0042", Address: "Große Straße 4 <=&\"", Position: &city.Position{Lat: 52.2786, Lon: 8.0431}},
		Title: "Papierkorb voll – PK-0042 🗑", Text: "Füllstand 96 %\n[Ref S-7K3QF2PA]", Closing: "Sensor meldet 12 %",
		Attributes: []city.Attribute{{Code: "messwert", Value: "96"}, {Code: "einheit", Value: "%"}},
	}
}

func TestOpenAndClose(t *testing.T) {
	s, r := start(t, nil)
	id, err := s.Create(t.Context(), order())
	if err != nil || id != "4711" {
		t.Fatalf("create: %q, %v", id, err)
	}
	if err := s.Close(t.Context(), order(), id); err != nil {
		t.Fatal(err)
	}
	_, taken := r.seen()
	opened, closed := taken["S-7K3QF2PA/create/1"], taken["S-7K3QF2PA/close/1"]
	if opened.Type != typeOpened || opened.Subject != "PK-0042" || opened.Data.Title != order().Title ||
		opened.Data.Address != order().Asset.Address || *opened.Data.Lat != 52.2786 || opened.Data.Attributes["messwert"] != "96" {
		t.Errorf("opened: %+v", opened)
	}
	if closed.Type != typeClosed || closed.Data.ID != "4711" || closed.Data.Status != "closed" || closed.Data.Notes != order().Closing {
		t.Errorf("closed: %+v", closed)
	}
}

// What an answer means for the next step: only what certainly was not done may be sent
// again without a search.
func TestAnswers(t *testing.T) {
	say := func(status int, body string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "90")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	hangUp := func(w http.ResponseWriter) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	}
	for _, c := range []struct {
		name  string
		fault func(http.ResponseWriter)
		want  city.Outcome
		words string
	}{
		{"hangs up", hangUp, city.Unsure, "EOF"},
		{"500", say(500, "oops\r\n\x1b[31m"), city.Unsure, "500 Internal Server Error: oops [31m"},
		{"503", say(503, ""), city.Retry, "503"},
		{"429", say(429, ""), city.Retry, "429"},
		{"401", say(401, ""), city.Retry, "check the secret"},
		{"422", say(422, "no such service"), city.Refused, "no such service"},
		{"409", say(409, ""), city.Unsure, "409"},
		{"redirect", say(302, ""), city.Refused, "302"},
		{"HTML with 200", say(200, "<html>"), city.Unsure, "something else"},
		{"other ref", say(200, `{"ref":"S-ZZZZZZZZ","id":1}`), city.Unsure, "answered for ref"},
		{"no id", say(200, `{"ref":"S-7K3QF2PA"}`), city.Unsure, "without a usable id"},
		{"endless answer", say(200, `{"ref":"`+strings.Repeat("x", 1<<20)), city.Unsure, "something else"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, r := start(t, nil)
			r.fail(c.fault, true)
			_, err := s.Create(t.Context(), order())
			var f *city.Failure
			if !errors.As(err, &f) || f.Outcome != c.want || !strings.Contains(err.Error(), c.words) {
				t.Fatalf("%v, want %v with %q", err, c.want, c.words)
			}
			if c.want == city.Retry && c.name != "401" && f.After != 90*time.Second {
				t.Errorf("After is %v", f.After)
			}
			if posts, _ := r.seen(); posts != 1 {
				t.Errorf("%d posts for one create", posts)
			}
			if strings.Contains(err.Error(), "tenant") {
				t.Error("the error tells the query of the URL")
			}
		})
	}
}

func TestLostAnswerMakesNoSecondTicket(t *testing.T) {
	s, r := start(t, nil)
	r.fail(func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, false) // taken, then gone
	if _, err := s.Create(t.Context(), order()); city.AsFailure(err).Outcome != city.Unsure {
		t.Fatalf("lost answer: %v", err)
	}
	if _, _, err := s.Find(t.Context(), order()); city.AsFailure(err).Outcome != city.Cannot {
		t.Fatalf("find: %v, want that it cannot be told", err)
	}
	r.fail(nil, false)
	if id, err := s.Create(t.Context(), order()); err != nil || id != "4711" {
		t.Fatalf("second create: %q, %v", id, err)
	}
	if posts, taken := r.seen(); len(taken) != 1 || posts != 2 {
		t.Fatalf("%d messages of %d posts, want 1 of 2", len(taken), posts)
	}
}

func TestNotReached(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = nil
	secure.StartTLS()
	defer secure.Close()
	for name, url := range map[string]string{
		"nobody listens":    "http://" + closed.Addr().String(),
		"unknown authority": secure.URL,
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := start(t, func(c *Config) { c.URL = url })
			if _, err := s.Create(t.Context(), order()); city.AsFailure(err).Outcome != city.Retry {
				t.Fatalf("%v, want retry", err)
			}
		})
	}
	t.Run("known authority", func(t *testing.T) {
		ca := filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}), 0o600); err != nil {
			t.Fatal(err)
		}
		s, _ := start(t, func(c *Config) { c.URL, c.CAFile = secure.URL, ca })
		if _, err := s.Create(t.Context(), order()); city.AsFailure(err).Outcome != city.Refused || !strings.Contains(err.Error(), "404") {
			t.Fatalf("%v, want the server's 404", err)
		}
	})
}

func TestConfig(t *testing.T) {
	short := secretFile(t, []byte("short"))
	for name, c := range map[string]struct {
		change func(*Config)
		words  string
	}{
		"no url":         {func(c *Config) { c.URL = "" }, "url is missing"},
		"plaintext":      {func(c *Config) { c.URL = "http://meldungen.example/" }, "use https"},
		"user":           {func(c *Config) { c.URL = "https://u:geheim@meldungen.example/" }, "user"},
		"no secret":      {func(c *Config) { c.SecretFile = "" }, "one of secret_file and secret_env"},
		"short secret":   {func(c *Config) { c.SecretFile = short }, "24 to 64 bytes"},
		"delivery":       {func(c *Config) { c.Delivery = "twice" }, "at-least-once"},
		"timeout":        {func(c *Config) { c.Timeout = 0 }, "1s to 5m"},
		"missing CA":     {func(c *Config) { c.CAFile = short + "x" }, "ca_file"},
		"CA is no PEM":   {func(c *Config) { c.CAFile = short }, "no certificate"},
		"plaintext word": {func(c *Config) { c.Plaintext = "yes" }, "accepted"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := DefaultConfig()
			cfg.URL, cfg.SecretFile = "https://meldungen.example/", secretFile(t, key)
			c.change(&cfg)
			_, err := New(cfg, func() time.Time { return now })
			if err == nil || !strings.Contains(err.Error(), c.words) || strings.Contains(err.Error(), "geheim") {
				t.Fatalf("%v, want %q and no secret", err, c.words)
			}
		})
	}
}

// A change and a return have types and keys of their own, and the receiver's number.
func TestNoteAndReopen(t *testing.T) {
	s, r := start(t, nil)
	id, err := s.Create(t.Context(), order())
	if err != nil {
		t.Fatal(err)
	}
	o := order()
	o.At = o.Case.Opened.Add(time.Hour)
	for range 2 {
		if err := s.Note(t.Context(), o, id, "note-abc", "Auch betroffen: PK-0043."); err != nil {
			t.Fatal(err)
		}
	}
	_, seen := r.seen()
	got := seen[o.Case.Ref+"/note/note-abc"]
	if got.Type != typeUpdated || got.Data.ID != id || got.Data.Status != "open" || got.Data.Notes != "Auch betroffen: PK-0043." || !got.Time.Equal(o.At) {
		t.Errorf("got %+v of %v", got, seen)
	}
	if err := s.Reopen(t.Context(), o, id); err != nil {
		t.Fatal(err)
	}
	_, seen = r.seen()
	if got := seen[o.Case.Ref+"/reopen/1"]; got.Type != typeReopened || got.Data.ID != id || got.Data.Status != "open" || len(seen) != 3 {
		t.Errorf("got %+v of %v", got, seen)
	}
}
