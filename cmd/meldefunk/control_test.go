package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/storage/sqlite"
)

// runControl serves the control socket of a data folder as the platform does, until the test
// ends. It gives the store, and what is told of each wake.
func runControl(t *testing.T, data string) (*sqlite.Store, chan struct{}) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), data, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	woken := make(chan struct{}, 100)
	a := &app{settings: settings{Data: data}, log: zerolog.New(zerolog.NewTestWriter(t)), now: time.Now,
		desk: &storeDesk{store, func() { woken <- struct{}{} }, func(ctx context.Context) (int, error) { return store.AskAll(ctx, "emsos") }}}
	parts := a.openControl()
	if len(parts) != 1 {
		t.Fatal("no control socket")
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- parts[0].run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-ended, store.Close()); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(controlPath(data)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the socket is still there: %v", err)
		}
	})
	return store, woken
}

// TestTicketBesideThePlatform gives every order while the platform has the data folder.
func TestTicketBesideThePlatform(t *testing.T) {
	config, data := ticketTown(t)
	store, woken := runControl(t, data)
	info, err := os.Stat(controlPath(data))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v, %v; want it to be its owner's alone", info.Mode(), err)
	}
	teach(t, config, []ticketLesson{
		{"list", []string{"list"}, exitOK, "3 listed"},
		{"hold", []string{"hold", "S-7K2MPQ4D", "--until", "3d", "--reason", "Straßenfest", "--by", "Erika"}, exitOK, "hold noted (1)"},
		{"link", []string{"link", "S-PARKED01", "2026-77", "--by", "Erika"}, exitOK, "link noted (2)"},
		{"mute", []string{"mute", "--asset", "PK-1", "--until", "3d", "--reason", "Umbau", "--by", "Erika"}, exitOK, "mute 2 until"},
		{"unmute", []string{"unmute", "1", "--by", "Max"}, exitOK, "mute 1 is lifted"},
		{"unmute what is not there", []string{"unmute", "7", "--by", "Max"}, exitFailure, "there is no such mute"},
		{"no such case", []string{"close", "S-0", "--reason", "x", "--by", "Max"}, exitFailure, `there is no case "S-0"`},
		{"reconcile", []string{"reconcile"}, exitOK, "asks for 1 in their ticket systems"},
	})
	if n := len(woken); n != 5 {
		t.Errorf("woken %d times, want once for each of 5 orders", n)
	}
	ct, _, err := store.Case(t.Context(), "S-7K2MPQ4D")
	if err != nil || len(ct.Wishes) != 1 || ct.Wishes[0].Kind != city.WishHold || ct.Wishes[0].By != "Erika" || ct.Wishes[0].Until.Before(time.Now().Add(70*time.Hour)) {
		t.Errorf("kept: %+v, %v", ct.Wishes, err)
	}
	mutes, err := store.Mutes(t.Context(), time.Now())
	if err != nil || len(mutes) != 1 || mutes[0].Asset != "PK-1" || mutes[0].Reason != "Umbau" {
		t.Errorf("mutes: %+v, %v", mutes, err)
	}
}

// controlled is the API over a store that must not be reached.
func controlled() http.Handler {
	return (&control{desk: &storeDesk{wake: func() {}}, now: func() time.Time { return time.Date(2026, 11, 21, 13, 0, 0, 0, time.UTC) }}).handler()
}

func TestControlRefuses(t *testing.T) {
	h := controlled()
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		want               string
	}{
		"no JSON":          {"POST", "/v1/mutes", "x", 400, "the body is not as it should be"},
		"no body":          {"POST", "/v1/tickets/S-1/wishes", "", 400, "the body is not as it should be"},
		"two values":       {"POST", "/v1/mutes", `{}{}`, 400, "there is more behind the first JSON value"},
		"unknown field":    {"POST", "/v1/mutes", `{"asset":"A","for":"ever"}`, 400, "unknown field"},
		"too long":         {"POST", "/v1/mutes", `{"asset":"` + strings.Repeat("a", maxControl) + `"}`, 400, "too large"},
		"no such kind":     {"POST", "/v1/tickets/S-1/wishes", `{"kind":"burn","by":"E"}`, 400, `kind \"burn\": want one of`},
		"by nobody":        {"POST", "/v1/tickets/S-1/wishes", `{"kind":"check"}`, 400, "by: missing"},
		"no reason":        {"POST", "/v1/tickets/S-1/wishes", `{"kind":"close","by":"E"}`, 400, "reason: missing"},
		"no number":        {"POST", "/v1/tickets/S-1/wishes", `{"kind":"link","by":"E"}`, 400, "number: missing"},
		"number of a hold": {"POST", "/v1/tickets/S-1/wishes", `{"kind":"hold","by":"E","reason":"x","number":"1"}`, 400, "only a link has one"},
		"end of a close":   {"POST", "/v1/tickets/S-1/wishes", `{"kind":"close","by":"E","reason":"x","until":"2027-01-01T00:00:00Z"}`, 400, "only a hold has one"},
		"over already":     {"POST", "/v1/tickets/S-1/wishes", `{"kind":"hold","by":"E","reason":"x","until":"2026-01-01T00:00:00Z"}`, 400, "is over already"},
		"long name":        {"POST", "/v1/tickets/S-1/wishes", `{"kind":"check","by":"` + strings.Repeat("ü", 81) + `"}`, 400, "81 characters, want at most 80"},
		"escape code":      {"POST", "/v1/tickets/S-1/wishes", `{"kind":"check","by":"\u001b[2J"}`, 400, "want text on one line"},
		"mute everything":  {"POST", "/v1/mutes", `{"by":"E","reason":"x","until":"2027-01-01T00:00:00Z"}`, 400, "nothing says what is muted"},
		"mute for ever":    {"POST", "/v1/mutes", `{"asset":"A","by":"E","reason":"x"}`, 400, "until: missing"},
		"unmute a word":    {"DELETE", "/v1/mutes/x", `{"by":"E"}`, 400, "invalid syntax"},
		"unmute by nobody": {"DELETE", "/v1/mutes/1", `{}`, 400, "by: missing"},
		"no such path":     {"GET", "/v1/mutes", ``, 404, "there is no GET /v1/mutes"},
		"other path":       {"POST", "/v2/mutes", ``, 404, "there is no POST /v2/mutes"},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(c.method, c.path, strings.NewReader(c.body)))
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s: status %d, want %d with %q: %s", name, w.Code, c.status, c.want, w.Body)
		}
	}
}

// FuzzControl: whatever the body of a request, it is answered as a mistake or found right, and
// what is right is a whole wish.
func FuzzControl(f *testing.F) {
	f.Add(`{"kind":"hold","by":"E","reason":"x","until":"2027-01-01T00:00:00Z"}`)
	f.Add(`{"kind":"link","by":"E","number":"1"}`)
	f.Add(`{"by":null,"until":"x"}{`)
	f.Fuzz(func(t *testing.T, body string) {
		taken := &takenDesk{}
		w := httptest.NewRecorder()
		(&control{desk: taken, now: time.Now}).handler().ServeHTTP(w, httptest.NewRequest("POST", "/v1/tickets/S-1/wishes", strings.NewReader(body)))
		if (w.Code == 200) != (taken.wish != nil) || w.Code != 200 && w.Code != 400 {
			t.Fatalf("status %d, wish %+v", w.Code, taken.wish)
		}
		if taken.wish != nil && (checkWish(taken.wish) != nil || taken.wish.Ref != "S-1") {
			t.Fatalf("taken: %+v", taken.wish)
		}
	})
}

// takenDesk remembers the last wish.
type takenDesk struct {
	desk
	wish *city.Wish
}

func (d *takenDesk) Wish(_ context.Context, w city.Wish) (int64, error) {
	d.wish = &w
	return 1, nil
}

func TestControlSocket(t *testing.T) {
	t.Run("left behind", func(t *testing.T) {
		data := t.TempDir()
		old, err := net.ListenUnix("unix", &net.UnixAddr{Name: controlPath(data), Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		old.SetUnlinkOnClose(false) // as if the process had been killed
		_ = old.Close()
		if _, err := dialControl(t.Context(), data); !errors.Is(err, errNotRunning) {
			t.Errorf("nobody listens: %v", err)
		}
		ln, err := listenControl(data)
		if err != nil {
			t.Fatal(err)
		}
		_ = ln.Close()
	})
	t.Run("no socket", func(t *testing.T) {
		data := t.TempDir()
		if err := os.WriteFile(controlPath(data), []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := listenControl(data); err == nil || !strings.Contains(err.Error(), "is no socket: move it away") {
			t.Errorf("error %v", err)
		}
		if text, err := os.ReadFile(controlPath(data)); err != nil || string(text) != "mine" {
			t.Errorf("the file is %q now, %v", text, err)
		}
	})
	t.Run("path too long", func(t *testing.T) {
		data := filepath.Join(t.TempDir(), strings.Repeat("d", 100))
		if _, err := listenControl(data); err == nil || !strings.Contains(err.Error(), "choose a shorter one for data") {
			t.Errorf("error %v", err)
		}
		var log strings.Builder
		a := &app{settings: settings{Data: data}, log: zerolog.New(&log)}
		if parts := a.openControl(); parts != nil || !strings.Contains(log.String(), "no control socket") {
			t.Errorf("%d parts, and it says %s", len(parts), log.String())
		}
	})
}

// Where the platform runs without a socket, orders are refused and say so; they never wait.
func TestTicketWithoutSocket(t *testing.T) {
	config, data := ticketTown(t)
	store, err := sqlite.Open(t.Context(), data, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	teach(t, config, []ticketLesson{
		{"close", []string{"close", "S-7K2MPQ4D", "--reason", "x", "--by", "Erika"}, exitFailure, "is in use by process"},
		{"where it should answer", []string{"unmute", "1", "--by", "Erika"}, exitFailure, "control.sock"},
		{"show", []string{"show", "S-7K2MPQ4D"}, exitOK, "Angelegt als 4711"},
	})
}

// TestTicketInTheRunningPlatform tells a real process what shall be done, by the command line
// and by the form of its board, and finds both when it has ended.
func TestTicketInTheRunningPlatform(t *testing.T) {
	p := newPlatform(t, buildBinary(t, false), strings.Replace(good, "inventory.yaml", "DIR/inventory.yaml", 1), map[string]string{"inventory.yaml": twoBins})
	ticketsInto(t, p.path("data"))
	p.launch()
	teach(t, p.config, []ticketLesson{
		{"mute", []string{"mute", "--asset", "PK-1", "--until", "3d", "--reason", "Umbau", "--by", "Erika"}, exitOK, "mute 2 until"},
		{"hold", []string{"hold", "S-7K2MPQ4D", "--until", "3d", "--reason", "Straßenfest", "--by", "Erika"}, exitOK, "hold noted (1)"},
		{"reconcile", []string{"reconcile"}, exitOK, "asks for 0 in their ticket systems"},
	})
	page, err := p.get("/stummschaltungen")
	_, seal, found := strings.Cut(page, `name="siegel" value="`)
	if err != nil || !found || !strings.Contains(page, "Umbau") {
		t.Fatalf("the page of mutes: %v, %s", err, page)
	}
	seal, _, _ = strings.Cut(seal, `"`)
	resp, err := http.PostForm(p.board+"/stummschaltungen/2/aufheben", url.Values{"siegel": {seal}, "name": {"Max"}})
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Request.URL.Query().Get("vermerkt") != "aufgehoben" { // after the redirect
		t.Errorf("lifting on the board: %s %s", resp.Status, resp.Request.URL)
	}
	teach(t, p.config, []ticketLesson{
		{"it is lifted", []string{"mutes", "--all"}, exitOK, "by Max Erika Umbau"},
		{"the hold is known", []string{"show", "S-7K2MPQ4D"}, exitOK, "Straßenfest"},
	})
	p.stop()
	if _, err := os.Lstat(controlPath(p.path("data"))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}
