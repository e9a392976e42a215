package access_test

import (
	"bytes"
	"context"
	"errors"
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
	"go.uber.org/goleak"

	"meldefunk/city/visitor"
	"meldefunk/dashboards/access"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	erika    = "Erika Mustermann"
	password = "Kastanie-Fähre-77"
)

// house is an Access with a user, a clock and a log.
type house struct {
	*access.Access
	t      *testing.T
	clock  time.Time
	log    bytes.Buffer
	cfg    access.Config
	cookie *http.Cookie // what the browser has
}

func newHouse(t *testing.T, change ...func(*access.Config)) *house {
	t.Helper()
	dir := t.TempDir()
	h := &house{t: t, clock: time.Date(2026, 11, 21, 13, 5, 0, 0, time.UTC), cfg: access.DefaultConfig()}
	h.cfg.UsersFile, h.cfg.TokensFile = filepath.Join(dir, "users.csv"), filepath.Join(dir, "tokens.csv")
	h.setUser(erika, visitor.Dispatcher, password)
	ts, err := access.OpenTokens(h.cfg.TokensFile)
	if err == nil {
		err = ts.Save()
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range change {
		c(&h.cfg)
	}
	h.Access, err = access.New(h.cfg, func() time.Time { return h.clock }, zerolog.New(&h.log), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// setUser writes a user into the file; an empty password leaves the old one.
func (h *house) setUser(name string, role visitor.Role, password string) {
	h.t.Helper()
	us, err := access.OpenUsers(h.cfg.UsersFile)
	if err != nil {
		h.t.Fatal(err)
	}
	hash := ""
	if password != "" {
		hash = hashOf(h.t, password)
	}
	if err := errors.Join(us.Put(name, role, hash), us.Save()); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) request(from string) *http.Request {
	r := httptest.NewRequestWithContext(h.t.Context(), "POST", "https://tafel.example.org/anmelden", nil)
	r.RemoteAddr = from
	if h.cookie != nil {
		r.AddCookie(h.cookie)
	}
	return r
}

// login tries, and keeps the cookie as a browser would.
func (h *house) login(from, name, password string) error {
	w := httptest.NewRecorder()
	err := h.Login(w, h.request(from), name, password)
	h.take(w)
	return err
}

func (h *house) take(w *httptest.ResponseRecorder) {
	for _, c := range w.Result().Cookies() {
		if c.Name == "__Host-meldefunk" {
			h.cookie = c
		}
	}
}

func (h *house) who() (visitor.Visitor, error) {
	w := httptest.NewRecorder()
	v, err := h.Who(w, h.request(home))
	h.take(w)
	return v, err
}

// hashes are those of passwords that tests use often: each takes a while.
var hashes sync.Map

func hashOf(t testing.TB, password string) string {
	t.Helper()
	if kept, known := hashes.Load(password); known {
		return kept.(string)
	}
	hash, err := access.HashPassword(password)
	if err != nil {
		t.Fatal(err)
	}
	hashes.Store(password, hash)
	return hash
}

const home = "10.0.0.7:4000"

func TestLogin(t *testing.T) {
	h := newHouse(t)
	if _, err := h.who(); !errors.Is(err, visitor.ErrNobody) {
		t.Errorf("before the login: %v", err)
	}
	for name, c := range map[string]struct{ name, password string }{
		"wrong password": {erika, "kastanie-fähre-77"}, "no password": {erika, ""}, "unknown name": {"Max", password}, "other case": {strings.ToLower(erika), password},
		"too long": {erika, password + strings.Repeat("x", 5000)}, "a start that is right": {erika, password[:len(password)-1]},
	} {
		if err := h.login("10.0.0."+string(rune('1'+len(name)%8))+":1", c.name, c.password); !errors.Is(err, visitor.ErrRefused) || h.cookie != nil {
			t.Errorf("%s: %v, cookie %v", name, err, h.cookie)
		}
	}
	if err := h.login(home, erika, password); err != nil {
		t.Fatal(err)
	}
	v, err := h.who()
	if err != nil || v.Name != erika || v.Role != visitor.Dispatcher || v.May.String() != visitor.Dispatcher.May().String() || v.Local || v.Bearer || v.Session == "" {
		t.Errorf("%+v, %v", v, err)
	}
	for _, secret := range []string{password, "kastanie", h.cookie.Value, "argon2id"} {
		if strings.Contains(h.log.String(), secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
	if !strings.Contains(h.log.String(), `"name":"Erika Mustermann"`) || strings.Contains(h.log.String(), `"Max"`) {
		t.Errorf("the log names known people and nobody else: %s", h.log.String())
	}
}

func TestCookie(t *testing.T) {
	h := newHouse(t)
	if err := h.login(home, erika, password); err != nil {
		t.Fatal(err)
	}
	c := h.cookie
	if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 0 || len(c.Value) != 43 {
		t.Errorf("cookie %+v", c)
	}
	v, _ := h.who()
	if strings.Contains(v.Session, c.Value) || strings.Contains(c.Value, v.Session) {
		t.Error("the name of a session tells its secret")
	}
	w := httptest.NewRecorder()
	h.Logout(w, h.request(home))
	if gone := w.Result().Cookies(); len(gone) != 1 || gone[0].MaxAge != -1 || !gone[0].Secure || gone[0].Path != "/" || gone[0].Value != "" {
		t.Errorf("logout leaves %v", gone)
	}
	if _, err := h.who(); !errors.Is(err, visitor.ErrNobody) {
		t.Errorf("after the logout the old cookie still works: %v", err)
	}
}

// TestFixation begins with a cookie that somebody else has put into the browser.
func TestFixation(t *testing.T) {
	h := newHouse(t)
	planted := &http.Cookie{Name: "__Host-meldefunk", Value: strings.Repeat("A", 43)}
	h.cookie = planted
	if err := h.login(home, erika, password); err != nil {
		t.Fatal(err)
	}
	first := h.cookie
	if first.Value == planted.Value {
		t.Fatal("the planted id became the session's")
	}
	if err := h.login(home, erika, password); err != nil {
		t.Fatal(err)
	}
	if h.cookie.Value == first.Value {
		t.Error("a second login kept the id")
	}
	for name, c := range map[string]*http.Cookie{"planted": planted, "of the first login": first} {
		h.cookie = c
		if _, err := h.who(); !errors.Is(err, visitor.ErrNobody) {
			t.Errorf("the id %s works: %v", name, err)
		}
	}
}

func TestSessionsEnd(t *testing.T) {
	for name, c := range map[string]struct {
		pause time.Duration
		times int
		still bool
	}{
		"busy for a day but a moment": {7 * time.Hour, 3, true}, "busy for a day": {6 * time.Hour, 4, false},
		"a shift but a moment of rest": {8*time.Hour - time.Second, 1, true}, "a shift of rest": {8 * time.Hour, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			if err := h.login(home, erika, password); err != nil {
				t.Fatal(err)
			}
			var err error
			for range c.times {
				h.clock = h.clock.Add(c.pause)
				_, err = h.who()
			}
			if (err == nil) != c.still {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestRoleChanges takes roles and passwords away from somebody who is logged in.
func TestRoleChanges(t *testing.T) {
	h := newHouse(t)
	if err := h.login(home, erika, password); err != nil {
		t.Fatal(err)
	}
	before := h.cookie
	was, _ := h.who()
	h.setUser(erika, visitor.Viewer, "")
	if v, _ := h.who(); v.Role != visitor.Dispatcher {
		t.Errorf("before the reload the role is %s", v.Role)
	}
	if err := h.Reload(); err != nil {
		t.Fatal(err)
	}
	v, err := h.who()
	if err != nil || v.Role != visitor.Viewer || v.May.Have(visitor.WriteTickets) {
		t.Errorf("after the reload: %+v, %v", v, err)
	}
	if h.cookie.Value == before.Value || v.Session == was.Session {
		t.Error("the session was not changed with the role")
	}
	after := h.cookie
	h.cookie = before
	if _, err := h.who(); !errors.Is(err, visitor.ErrNobody) {
		t.Errorf("the old session still works: %v", err)
	}
	h.cookie = after
	h.setUser(erika, visitor.Viewer, "ein neues Passwort")
	if err := h.Reload(); err != nil {
		t.Fatal(err)
	}
	if _, err := h.who(); !errors.Is(err, visitor.ErrNobody) {
		t.Errorf("with a new password the session goes on: %v", err)
	}
	if err := h.login(home, erika, "ein neues Passwort"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(h.cfg.UsersFile, []byte("name;role;password\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := h.Reload(); err != nil {
		t.Fatal(err)
	}
	if _, err := h.who(); !errors.Is(err, visitor.ErrNobody) {
		t.Errorf("who was removed is still in: %v", err)
	}
}

func TestReloadRefusesMistakes(t *testing.T) {
	h := newHouse(t)
	if err := h.login(home, erika, password); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(h.cfg.UsersFile, []byte("name;role;password\nErika Mustermann;chef;x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := h.Reload(); err == nil || !strings.Contains(err.Error(), "users.csv:2: role \"chef\"") {
		t.Errorf("a file with mistakes: %v", err)
	}
	if _, err := h.who(); err != nil {
		t.Errorf("a refused file has put somebody out: %v", err)
	}
}

// TestGuessing is limited by name and address, and locks nobody out for ever.
func TestGuessing(t *testing.T) {
	h := newHouse(t)
	var many *visitor.TooManyError
	tries := func(from, name string) (n int) {
		for range 40 {
			if err := h.login(from, name, "geraten, nicht gewusst"); errors.As(err, &many) {
				return n
			}
			n++
		}
		return n
	}
	if n := tries("10.6.6.6:1", "niemand"); n != 5 {
		t.Errorf("%d tries for an unknown name", n)
	}
	if n := tries("10.6.6.6:2", erika); n != 5 {
		t.Errorf("%d tries from one address", n)
	}
	if err := h.login("10.6.6.6:3", erika, password); !errors.As(err, &many) || many.Wait < time.Second || many.Wait > time.Minute {
		t.Errorf("the right password after that from there: %v", err)
	}
	if err := h.login(home, erika, password); err != nil {
		t.Errorf("the right password from another place: %v", err)
	}
	h.clock = h.clock.Add(many.Wait)
	if err := h.login("10.6.6.6:4", erika, password); err != nil {
		t.Errorf("after the wait: %v", err)
	}
	for range 6 {
		if err := h.login(home, erika, password); err != nil {
			t.Fatalf("logins that go well count as tries: %v", err)
		}
	}
	h.setUser("Otto", visitor.Crew, password)
	if err := h.Reload(); err != nil {
		t.Fatal(err)
	}
	if err := h.login(home, "Otto", password); err != nil {
		t.Fatal(err)
	}
	// Many addresses guess at one name: at some time that is too much too, but not for its
	// owner, where he has been before.
	total := 0
	for a := range 12 {
		total += tries("10.7.0."+string(rune('0'+a%10))+string(rune('0'+a/10))+":1", "Otto")
	}
	if total != 30 {
		t.Errorf("%d tries for one name from twelve addresses", total)
	}
	if err := h.login("10.9.9.9:1", "Otto", password); !errors.As(err, &many) {
		t.Errorf("from a new place while somebody guesses: %v", err)
	}
	if err := h.login(home, "Otto", password); err != nil {
		t.Errorf("the owner is kept out by others: %v", err)
	}
	if !strings.Contains(h.log.String(), "too many were tried") {
		t.Error("the log does not tell of it")
	}
}

// TestOneAddress has one machine try many names.
func TestOneAddress(t *testing.T) {
	h := newHouse(t, func(c *access.Config) { c.Proxies = []string{"127.0.0.1"} })
	n := 0
	for i := range 24 {
		r := h.request("127.0.0.1:1")
		r.Header.Set("X-Forwarded-For", "10.1.1.1, 203.0.113.9")
		if err := h.Login(httptest.NewRecorder(), r, "name "+string(rune('a'+i)), "x"); errors.Is(err, visitor.ErrRefused) {
			n++
		}
	}
	if n != 20 {
		t.Errorf("%d tries, want 20", n)
	}
	if err := h.login("127.0.0.1:1", erika, password); err != nil {
		t.Errorf("others behind the same proxy: %v", err)
	}
}

func TestTokens(t *testing.T) {
	h := newHouse(t, func(c *access.Config) { c.UseFile = filepath.Join(t.TempDir(), "use.json") })
	ts, err := access.OpenTokens(h.cfg.TokensFile)
	if err != nil {
		t.Fatal(err)
	}
	add := func(name, scopes string, expires time.Time) string {
		ps, err := visitor.ParsePermissions(scopes)
		if err != nil {
			t.Fatal(err)
		}
		text, _, err := ts.Add(name, ps, h.clock, expires)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	forever, brief := add("Prometheus", "read:platform", time.Time{}), add("Leitstelle", "read:tickets,write:tickets", h.clock.Add(time.Hour))
	if err := errors.Join(ts.Save(), h.Reload()); err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(h.cfg.TokensFile)
	if err != nil || strings.Contains(string(kept), forever[20:]) {
		t.Errorf("the file holds a token, or cannot be read: %v", err)
	}
	bearer := func(header string) (visitor.Visitor, error) {
		r := h.request(home)
		r.Header.Set("Authorization", header)
		return h.Who(httptest.NewRecorder(), r)
	}
	v, err := bearer("bearer " + brief)
	if err != nil || v.Name != "Leitstelle" || v.May.String() != "read:tickets,write:tickets" || !v.Bearer || v.Session != "" || v.Role != "" {
		t.Errorf("%+v, %v", v, err)
	}
	for name, header := range map[string]string{"none": "Bearer", "unknown": "Bearer meldefunk_00000000_" + brief[19:], "cut": "Bearer " + brief[:len(brief)-1], "longer": "Bearer " + brief + "A", "two": "Bearer " + brief + " " + brief} {
		if _, err := bearer(header); !errors.Is(err, visitor.ErrToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := bearer("Basic " + brief); !errors.Is(err, visitor.ErrNobody) {
		t.Errorf("a proxy's login is taken for ours: %v", err)
	}
	h.clock = h.clock.Add(time.Hour)
	if _, err := bearer("Bearer " + brief); !errors.Is(err, visitor.ErrToken) {
		t.Errorf("expired: %v", err)
	}
	if _, err := bearer("Bearer " + forever); err != nil {
		t.Errorf("without an end: %v", err)
	}
	stop(t, h)
	last, err := access.ReadUses(h.cfg.UseFile)
	if err != nil || len(last) != 2 || !last[ts.All()[0].ID].Equal(h.clock) {
		t.Errorf("used last: %v, %v", last, err)
	}
	ts.Remove(ts.All()[0].ID)
	if err := errors.Join(ts.Save(), h.Reload()); err != nil {
		t.Fatal(err)
	}
	if _, err := bearer("Bearer " + forever); !errors.Is(err, visitor.ErrToken) {
		t.Errorf("removed: %v", err)
	}
	if strings.Contains(h.log.String(), brief[20:40]) || strings.Contains(h.log.String(), forever[20:40]) {
		t.Error("a token is in the log")
	}
}

func TestManySessions(t *testing.T) {
	h := newHouse(t)
	var cookies []*http.Cookie
	for range 21 {
		h.cookie = nil
		if err := h.login(home, erika, password); err != nil {
			t.Fatal(err)
		}
		cookies = append(cookies, h.cookie)
		h.clock = h.clock.Add(time.Second)
	}
	for i, c := range cookies {
		h.cookie = c
		if _, err := h.who(); (err == nil) != (i > 0) {
			t.Errorf("browser %d of 21: %v", i+1, err)
		}
	}
}

// stop runs what keeps the use of tokens, to its end.
func stop(t *testing.T, h *house) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Run(ctx); err != nil {
		t.Fatal(err)
	}
}
