package open311

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/tickets/georeport"
)

// noon is a little after the orders of these tests are sent.
var noon = sentAt.Add(time.Second)

// townHall is a stand-in of one flavour, and a client for it.
type townHall struct {
	*georeport.Server
	*Client
	mu    sync.Mutex
	taken map[string]string // refs by number
}

func (h *townHall) linked(_ context.Context, id string) (string, bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ref, ok := h.taken[id]
	return ref, ok, nil
}

func (h *townHall) take(id, ref string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.taken[id] = ref
}

func open(t *testing.T, flavour string, habits georeport.Habits, changes ...func(*Config)) *townHall {
	t.Helper()
	srv, err := georeport.New(georeport.Config{
		APIKey: secret,
		Services: []georeport.Service{
			{Code: "ABF-1", Name: "Papierkorb voll", Attributes: []georeport.Attribute{
				{Code: "ref", Datatype: "string", Required: true},
				{Code: "wert", Datatype: "number"},
				{Code: "seit", Datatype: "datetime"},
				{Code: "prioritaet", Datatype: "singlevaluelist", Values: []string{"niedrig", "normal", "hoch"}},
			}},
			{Code: "STAPEL", Name: "Später", Batch: true},
		},
		Now: func() time.Time { return noon }, Habits: habits,
	})
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(srv)
	t.Cleanup(listener.Close)
	cfg := config(t, listener.URL)
	cfg.Flavour, cfg.Updates, cfg.Email = flavour, "", "sensorik@stadt.example"
	if flavour == "strict" {
		cfg.Updates = UpdatesRequest
	}
	cfg.ServiceMap = map[string]string{"OS-ABF-01": "ABF-1", "OS-ABF-02": "STAPEL"}
	cfg.Attributes = map[string]string{"messwert": "wert"}
	for _, change := range changes {
		change(&cfg)
	}
	h := &townHall{Server: srv, taken: map[string]string{}}
	if h.Client, err = New(cfg, h.linked); err != nil {
		t.Fatal(err)
	}
	return h
}

// The whole life of a request, on every flavour and in both formats.
func TestEveryFlavour(t *testing.T) {
	for flavour, habits := range georeport.Flavours() {
		for _, format := range []string{JSON, XML} {
			t.Run(flavour+" in "+format, func(t *testing.T) {
				h := open(t, flavour, habits, func(c *Config) { c.Format = format })
				if err := h.Check(t.Context()); err != nil {
					t.Fatalf("check: %v", err)
				}
				o := over()
				o.At = noon
				id, err := h.Create(t.Context(), o)
				if err != nil {
					t.Fatal(err)
				}
				h.take(id, ref)
				if got := h.Requests()[0].Attributes; got["ref"] != ref || got["wert"] != "96" || got["seit"] != "2026-11-21T12:30:00Z" || got["prioritaet"] != "hoch" || len(got) != 4 {
					t.Errorf("attributes %v", got)
				}
				if got, found, err := h.Find(t.Context(), o); got != id || !found || err != nil {
					t.Errorf("find: %q, %v, %v; want %q", got, found, err, id)
				}
				state := func(want city.Progress) city.Remote {
					t.Helper()
					got, found, err := h.Status(t.Context(), id)
					if err != nil || !found || got.Progress != want {
						t.Fatalf("status %+v, %v, %v; want %s", got, found, err, want)
					}
					return got
				}
				state(city.ProgressOpen)
				if err := h.Note(t.Context(), o, id, "note-1", "Füllstand 99 %"); err != nil {
					t.Errorf("note: %v", err)
				}
				if got := h.Requests()[0]; got.Closed || got.Notes != "Füllstand 99 %" {
					t.Errorf("after the note %+v", got)
				}
				for range 2 {
					if err := h.Client.Close(t.Context(), o, id); err != nil {
						t.Errorf("close: %v", err)
					}
				}
				state(city.ProgressDone)
				if got, found, err := h.Find(t.Context(), o); got != id || !found || err != nil {
					t.Errorf("find closed: %q, %v, %v", got, found, err)
				}
				for range 2 {
					if err := h.Reopen(t.Context(), o, id); err != nil {
						t.Errorf("reopen: %v", err)
					}
				}
				state(city.ProgressOpen)
				if n := len(h.Updates()); n != 3 {
					t.Errorf("%d changes there, want note, close and reopen: %+v", n, h.Updates())
				}

				// People move it to another service and close it.
				if err := h.Act(georeport.Update{Request: 1001, Service: "STAPEL", Status: "CLOSED", Description: "erledigt"}); err != nil {
					t.Fatal(err)
				}
				if got := state(city.ProgressDone); got.Service != "STAPEL" || got.Notes != "erledigt" {
					t.Errorf("got %+v", got)
				}
				if got, found, err := h.Find(t.Context(), o); got != id || !found || err != nil {
					t.Errorf("find in another category: %q, %v, %v", got, found, err)
				}
				list, err := h.Changes(t.Context(), noon)
				if err != nil || len(list) != 1 || list[0].Ref != ref || list[0].Progress != city.ProgressDone || list[0].ID != id {
					t.Errorf("list: %+v, %v", list, err)
				}
				if list, err := h.Changes(t.Context(), noon.Add(time.Second)); err != nil || len(list) != 0 {
					t.Errorf("list of what changed later: %+v, %v", list, err)
				}
				if _, found, err := h.Status(t.Context(), "999999"); found || err != nil {
					t.Errorf("unknown number: %v, %v", found, err)
				}
			})
		}
	}
}

// What goes wrong on the way, on every flavour: what the client says of it, and what is
// there afterwards.
func TestFlavoursAndTraps(t *testing.T) {
	wrongKey := func(c *Config) {
		c.APIKeyFile = filepath.Join(filepath.Dir(c.APIKeyFile), "wrong")
		if err := os.WriteFile(c.APIKeyFile, []byte("falsch"), 0o600); err != nil {
			panic(err)
		}
	}
	fail := func(kind georeport.Fault) func(*townHall) { return func(h *townHall) { h.Fail(kind, 1) } }
	tests := []struct {
		trap    string
		habits  func(*georeport.Habits)
		config  func(*Config)
		before  func(*townHall)
		service string // "": OS-ABF-01
		good    bool
		want    city.Outcome
		there   int // requests
		found   bool
	}{
		{trap: "none", good: true, there: 1, found: true},
		{trap: "envelope", habits: func(h *georeport.Habits) { h.Envelope = true }, good: true, there: 1, found: true},
		{trap: "answer dropped", before: fail(georeport.Drop), want: city.Unsure, there: 1, found: true},
		{trap: "502", before: fail(georeport.BadGateway), want: city.Unsure, there: 1, found: true},
		{trap: "answer truncated", before: fail(georeport.Truncate), want: city.Unsure, there: 1, found: true},
		{trap: "no answer", before: fail(georeport.Hang), config: func(c *Config) { c.Timeout = time.Second }, want: city.Unsure, there: 1, found: true},
		{trap: "slow drip", before: fail(georeport.Drip), config: func(c *Config) { c.Timeout = time.Second }, want: city.Unsure, there: 1, found: true},
		{trap: "500", before: fail(georeport.Broken), want: city.Unsure, there: 1, found: true},
		{trap: "429", before: fail(georeport.TooMany), want: city.Retry},
		{trap: "503", before: fail(georeport.Unavailable), want: city.Retry},
		{trap: "web page with 200", before: fail(georeport.HTML), want: city.Retry}, // in the way of the look at the services
		{trap: "web page in place of the create", before: func(h *townHall) {
			if err := h.Check(context.Background()); err != nil {
				panic(err)
			}
			h.Fail(georeport.HTML, 1)
		}, want: city.Unsure},
		{trap: "POST as search, nothing there", habits: func(h *georeport.Habits) { h.PostSearches = true }, want: city.Unsure},
		{trap: "swapped dates", habits: func(h *georeport.Habits) { h.SwappedDates = true }, good: true, there: 1, found: true},
		{trap: "bare lists, 32-bit positions", habits: func(h *georeport.Habits) { h.Bare = true }, good: true, there: 1, found: true},
		{trap: "unknown is an empty list", habits: func(h *georeport.Habits) { h.EmptyUnknown = true }, good: true, there: 1, found: true},
		{trap: "wrong key", config: wrongKey, want: city.Retry},
		{trap: "token", service: "OS-ABF-02", good: true, there: 1, found: true},
		{trap: "token late", habits: func(h *georeport.Habits) { h.TokenAfter = 3 }, service: "OS-ABF-02", want: city.Unsure, there: 1, found: true},
		{trap: "token lost", habits: func(h *georeport.Habits) { h.TokenAfter = -1 }, service: "OS-ABF-02", want: city.Unsure, there: 1, found: true},
	}
	for flavour, habits := range georeport.Flavours() {
		for _, tt := range tests {
			t.Run(flavour+", "+tt.trap, func(t *testing.T) {
				t.Parallel()
				habits := habits
				if tt.habits != nil {
					tt.habits(&habits)
				}
				var changes []func(*Config)
				if tt.config != nil {
					changes = append(changes, tt.config)
				}
				h := open(t, flavour, habits, changes...)
				if tt.before != nil {
					tt.before(h)
				}
				o := order()
				if tt.service != "" {
					o.Case.Service = tt.service
				}
				id, err := h.Create(t.Context(), o)
				if (err == nil) != tt.good || err != nil && outcome(t, err).Outcome != tt.want {
					t.Fatalf("create: %q, %v; want good %v, %s", id, err, tt.good, tt.want)
				}
				if n := len(h.Requests()); n != tt.there {
					t.Errorf("%d requests there, want %d", n, tt.there)
				}
				if strings.Contains(fmt.Sprint(err), secret) {
					t.Errorf("%v tells the key", err)
				}
				h.Mend()
				got, found, err := h.Find(t.Context(), o)
				if err != nil || found != tt.found || found && !strings.HasPrefix(got, "1001") || id != "" && got != id {
					t.Errorf("find: %q, %v, %v", got, found, err)
				}
			})
		}
	}
}

// A server that answers a create with what it has: never is a stranger's request taken.
func TestPostAsSearch(t *testing.T) {
	for _, n := range []int{1, 3} {
		h := open(t, "fixmystreet", georeport.Flavours()["fixmystreet"])
		for range n {
			o := order()
			if _, err := h.Create(t.Context(), o); err != nil {
				t.Fatal(err)
			}
		}
		search := open(t, "fixmystreet", georeport.Habits{PostSearches: true, Envelope: true})
		for _, q := range h.Requests() {
			q.Requested = q.Requested.Add(-time.Hour)
			if err := search.Server.Seed(q); err != nil {
				t.Fatal(err)
			}
		}
		id, err := search.Create(t.Context(), order())
		if err == nil || outcome(t, err).Outcome != city.Unsure {
			t.Errorf("%d old ones: got %q, %v", n, id, err)
		}
	}
}

// Check tells of what is wrong with a server, and of codes that were given to others.
func TestCheckProbes(t *testing.T) {
	h := open(t, "strict", georeport.Habits{SwappedDates: true})
	if _, err := h.Create(t.Context(), order()); err != nil {
		t.Fatal(err)
	}
	if err := h.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "start_date") {
		t.Errorf("swapped dates: %v", err)
	}
	h = open(t, "strict", georeport.Habits{}, func(c *Config) { c.ServiceNames = map[string]string{"OS-ABF-01": "Kölner Grün"} })
	if err := h.Check(t.Context()); err == nil || !strings.Contains(err.Error(), `"ABF-1" is now called "Papierkorb voll", not "Kölner Grün"`) {
		t.Errorf("other name: %v", err)
	}
	h = open(t, "strict", georeport.Habits{}, func(c *Config) { c.Attributes = map[string]string{"ref": "kennung"} })
	if err := h.Check(t.Context()); err == nil || !strings.Contains(err.Error(), `requires the attribute "ref"`) {
		t.Errorf("required attribute: %v", err)
	}
	if _, err := h.Create(t.Context(), order()); err == nil || outcome(t, err).Outcome != city.Refused || len(h.Requests()) != 0 {
		t.Errorf("create without it: %v", err)
	}
	h = open(t, "strict", georeport.Habits{}, func(c *Config) {
		c.Attributes, c.Constants = map[string]string{"ref": "kennung"}, map[string]string{"ref": "Sensorik"}
	})
	if err := h.Check(t.Context()); err != nil {
		t.Errorf("constant: %v", err)
	}
}

// A request whose words are hidden is neither taken for ours nor made a second time.
func TestHiddenWords(t *testing.T) {
	habits := georeport.Flavours()["klarschiff"]
	habits.Hidden = Flavours()["klarschiff"].Hidden
	h := open(t, "klarschiff", habits)
	h.Fail(georeport.Drop, 1)
	if _, err := h.Create(t.Context(), order()); err == nil {
		t.Fatal("no error for a lost answer")
	}
	_, found, err := h.Find(t.Context(), order())
	if found || err == nil || outcome(t, err).Outcome != city.Refused || !strings.Contains(err.Error(), "1001") {
		t.Errorf("hidden: %v, %v", found, err)
	}
	far := order()
	far.Asset = &city.Asset{Position: &city.Position{Lat: 52.2775, Lon: 8.0421}} // 27 m
	if _, found, err := h.Find(t.Context(), far); found || err != nil {
		t.Errorf("elsewhere: %v, %v", found, err)
	}
	later := order()
	later.SentAt = sentAt.Add(time.Hour)
	if _, found, err := h.Find(t.Context(), later); found || err != nil {
		t.Errorf("at another time: %v, %v", found, err)
	}
	h.take("1001", "S-ANDERER")
	if _, found, err := h.Find(t.Context(), order()); found || err != nil {
		t.Errorf("of another case: %v, %v", found, err)
	}
	h.take("1001", ref)
	if err := h.Act(georeport.Update{Request: 1001, Released: true}); err != nil {
		t.Fatal(err)
	}
	if id, found, err := h.Find(t.Context(), order()); id != "1001" || !found || err != nil {
		t.Errorf("released: %q, %v, %v", id, found, err)
	}
}

// Every way to read on, over lists that the server cuts into pieces.
func TestPaging(t *testing.T) {
	tests := map[string]georeport.Habits{
		PagingPage:  {Page: "page", Most: 7},
		PagingSize:  {Page: "page", Size: "page_size", Most: 10},
		PagingLimit: {Offset: "offset", Size: "limit", Most: 10, Lenient: true},
		PagingMax:   {Size: "max_requests"},
	}
	for paging, habits := range tests {
		t.Run(paging, func(t *testing.T) {
			h := open(t, "strict", habits, func(c *Config) { c.Paging = paging })
			if paging == PagingMax {
				h.pages.ask = 10
			}
			var last city.Order
			for i := range 33 {
				last = order()
				last.Case.Ref = fmt.Sprintf("S-%08d", i)
				last.Marker = "[Ref " + last.Case.Ref + "]"
				last.Text = last.Marker
				if _, err := h.Create(t.Context(), last); err != nil {
					t.Fatal(err)
				}
			}
			if id, found, err := h.Find(t.Context(), last); id != "1033" || !found || err != nil {
				t.Errorf("the last of 33: %q, %v, %v", id, found, err)
			}
		})
	}
}

// A certificate that has run out is no connection: nothing was sent.
func TestExpiredCertificate(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		until time.Time
		good  bool
	}{{"valid", time.Now().Add(time.Hour), true}, {"expired", time.Now().Add(-time.Hour), false}} {
		tmpl := x509.Certificate{
			SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: tt.until,
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		}
		der, err := x509.CreateCertificate(rand.Reader, &tmpl, &tmpl, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		ca := filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		h := open(t, "strict", georeport.Habits{})
		s := httptest.NewUnstartedServer(h.Server)
		s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.StartTLS()
		defer s.Close()
		cfg := h.cfg
		cfg.Endpoint, cfg.CAFile = s.URL, ca
		c, err := New(cfg, h.linked)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Create(t.Context(), order())
		if tt.good && err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if !tt.good && (outcome(t, err).Outcome != city.Retry || !strings.Contains(err.Error(), "expired") || len(h.Requests()) != 0) {
			t.Errorf("%s: %v, %d requests", tt.name, err, len(h.Requests()))
		}
	}
}
