package board_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/city/visitor"
	"meldefunk/dashboards/access"
	"meldefunk/dashboards/access/openidtest"
	"meldefunk/dashboards/board"
)

// people have one password, Kastanie-Fähre-77.
const (
	theirPassword = "Kastanie-Fähre-77"
)

// gate is a board where people have to log in.
type gate struct {
	http.Handler
	t      testing.TB
	board  *board.Board
	store  *store
	assets *inventory
	cfg    access.Config
	door   *access.Access
	clock  time.Time
	tokens map[visitor.Permission]string
	log    strings.Builder
}

// newGate knows one user of each role, called like it, and one token of each scope.
func newGate(t testing.TB, change ...func(*access.Config)) *gate {
	t.Helper()
	dir := t.TempDir()
	g := &gate{t: t, clock: now, cfg: access.DefaultConfig(), tokens: map[visitor.Permission]string{}}
	g.cfg.UsersFile, g.cfg.TokensFile = filepath.Join(dir, "users.csv"), filepath.Join(dir, "tokens.csv")
	hash, err := access.HashPassword(theirPassword)
	if err != nil {
		t.Fatal(err)
	}
	users := "name;role;password\n"
	for _, role := range visitor.Roles() {
		users += fmt.Sprintf("Person %s;%s;%s\n", role, role, hash)
	}
	if err := os.WriteFile(g.cfg.UsersFile, []byte(users), 0o600); err != nil {
		t.Fatal(err)
	}
	ts, err := access.OpenTokens(g.cfg.TokensFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, scope := range visitor.AllPermissions() {
		if g.tokens[scope], _, err = ts.Add("Programm "+string(scope), visitor.Permissions{scope}, now, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := ts.Save(); err != nil {
		t.Fatal(err)
	}
	for _, c := range change {
		c(&g.cfg)
	}
	log := zerolog.New(&g.log)
	if g.door, err = access.New(g.cfg, func() time.Time { return g.clock }, log, prometheus.NewRegistry()); err != nil {
		t.Fatal(err)
	}
	g.store, g.assets = osnabrueck()
	o := options(t, g.store, g.assets)
	o.Registrar = withRegister(g.assets)
	o.Desk, o.Tours, o.Access, o.Log, o.Now = g.store, g.store, g.door, log, func() time.Time { return g.clock }
	o.Config.Hosts = []string{"tafel.example.org"}
	if g.board, err = board.New(o); err != nil {
		t.Fatal(err)
	}
	g.Handler = g.board.Handler()
	return g
}

func (g *gate) asset(id string) *city.Asset {
	return g.assets.assets[slices.IndexFunc(g.assets.assets, func(a *city.Asset) bool { return a.ID == id })]
}

// guest is one browser, or one program.
type guest struct {
	*gate
	cookies map[string]string
	token   string
}

func (g *gate) guest() *guest { return &guest{gate: g, cookies: map[string]string{}} }

// do sends a request as a browser does that shows a page of the board.
func (v *guest) do(method, path string, form url.Values, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), method, "https://tafel.example.org"+path, strings.NewReader(form.Encode()))
	r.RemoteAddr = "10.0.0.7:4000"
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "https://tafel.example.org")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for name, value := range v.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	if v.token != "" {
		r.Header.Set("Authorization", "Bearer "+v.token)
	}
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	v.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if v.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(v.cookies, c.Name)
		}
	}
	return w
}

// seal is that of the last form on a page: the first is that which logs out.
func (v *guest) seal(path string) string {
	all := sealIn.FindAllStringSubmatch(v.do("GET", path, nil).Body.String(), -1)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1][1]
}

func (v *guest) login(role visitor.Role) *guest {
	v.t.Helper()
	w := v.do("POST", "/anmelden", url.Values{"siegel": {v.seal("/anmelden")}, "name": {"Person " + string(role)}, "passwort": {theirPassword}})
	if w.Code != http.StatusSeeOther {
		v.t.Fatalf("login of %s: %d %s", role, w.Code, text(w.Body.String()))
	}
	return v
}

// asked is one address with something to ask for, and who is let in: by letters, as the
// columns of docs/access.md have them. It is written down here once more, on purpose.
var asked = []struct {
	method, pattern, path string
	form                  url.Values
	roles                 string // v viewer, c crew, d dispatcher, t technician, a admin
	scope                 visitor.Permission
	in                    int  // status for those who are let in
	program               bool // without a login 401, not the way to one
}{
	{"GET", "/{$}", "/", nil, "vcdta", "read:readings", 200, false},
	{"GET", "/arbeit", "/arbeit", nil, "vcdta", "read:readings", 200, false},
	{"GET", "/tour/{name}", "/tour/Tour%201", nil, "vcdta", "read:readings", 200, false},
	{"POST", "/tour/{name}", "/tour/Tour%201", url.Values{"stopp:PK-1": {"erledigt"}}, "cda", "write:tours", 303, false},
	{"GET", "/qualitaet", "/qualitaet", nil, "vcdta", "read:devices", 200, false},
	{"GET", "/anlage/{id}/code.svg", "/anlage/PK-1/code.svg", nil, "vcdta", "read:readings", 200, false},
	{"GET", "/anlage/{id}", "/anlage/PK-1", nil, "vcdta", "read:readings", 200, false},
	{"GET", "/meldungen", "/meldungen", nil, "vcdta", "read:tickets", 200, false},
	{"GET", "/meldung/{ref}", "/meldung/S-GONE0001", nil, "vcdta", "read:tickets", 200, false},
	{"GET", "/meldung/{ref}/auftrag", "/meldung/S-GONE0001/auftrag", nil, "vcdta", "read:tickets", 303, false},
	{"POST", "/meldung/{ref}/auftrag", "/meldung/S-GONE0001/auftrag", url.Values{"auftrag": {"anhalten"}, "grund": {"Fest"}}, "da", "write:tickets", 303, false},
	{"GET", "/stummschaltungen", "/stummschaltungen", nil, "vcdta", "read:tickets", 200, false},
	{"POST", "/stummschaltungen", "/stummschaltungen", url.Values{"anlage": {"PK-1"}, "bis": {"3 Tage"}, "grund": {"Fest"}}, "da", "write:tickets", 303, false},
	{"POST", "/stummschaltungen/{id}/aufheben", "/stummschaltungen/3/aufheben", url.Values{}, "da", "write:tickets", 303, false},
	{"GET", "/regeln", "/regeln", nil, "vcdta", "read:rules", 200, false},
	{"GET", "/zurueckgestellt", "/zurueckgestellt", nil, "vcdta", "read:devices", 200, false},
	{"GET", "/inventar", "/inventar", nil, "vcdta", "read:devices", 200, false},
	{"GET", "/inventar/netzwerkserver", "/inventar/netzwerkserver", nil, "vcdta", "read:devices", 200, false},
	{"GET", "/geraet/{eui}/aendern", "/geraet/24e124000000232a/aendern", nil, "ta", "write:devices", 200, false},
	{"POST", "/geraet/{eui}/aendern", "/geraet/24e124000000232a/aendern", url.Values{"tun": {"umhaengen"}, "stand": {"1"}}, "ta", "write:devices", 422, false},
	{"GET", "/anlage/{id}/aendern", "/anlage/R-1/aendern", nil, "ta", "write:devices", 200, false},
	{"POST", "/anlage/{id}/aendern", "/anlage/R-1/aendern", url.Values{"stand": {"3"}, "grund": {"nachgesehen"}}, "ta", "write:devices", 303, false},
	{"GET", "/readyz", "/readyz", nil, "ta", "read:platform", 200, true},
	{"GET", "/metrics", "/metrics", nil, "ta", "read:platform", 200, true},
	{"GET", "/barrierefreiheit", "/barrierefreiheit", nil, "*", "", 200, false},
	{"GET", "/datenschutz", "/datenschutz", nil, "*", "", 200, false},
	{"GET", "/healthz", "/healthz", nil, "*", "", 200, false},
	{"GET", "/static/board.css", "/static/board.css", nil, "*", "", 200, false},
	{"GET", "/static/icon.svg", "/static/icon.svg", nil, "*", "", 200, false},
	{"GET", "/", "/nirgends", nil, "*", "", 404, false},
	{"POST", "/", "/nirgends", url.Values{}, "*", "", 405, false},
	{"GET", "/anmelden", "/anmelden", nil, "*", "", 200, false},
	{"POST", "/anmelden", "/anmelden", url.Values{"name": {"Person crew"}, "passwort": {theirPassword}}, "*", "", 303, false},
	{"GET", "/anmelden/anbieter", "/anmelden/anbieter", nil, "*", "", 404, false}, // none is configured
	{"GET", "/anmelden/openid", "/anmelden/openid", nil, "*", "", 404, false},
	{"POST", "/abmelden", "/abmelden", url.Values{}, "*", "", 303, false},
}

// TestEveryRouteWithEveryRole walks the table that the board is served from.
func TestEveryRouteWithEveryRole(t *testing.T) {
	g := newGate(t)
	routes := g.board.Routes()
	for _, r := range routes {
		n := 0
		for _, a := range asked {
			if a.method == r.Method && a.pattern == r.Pattern {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s %s is in the table of expectations %d times: who may go there?", r.Method, r.Pattern, n)
		}
	}
	if len(asked) != len(routes) {
		t.Errorf("%d expectations for %d routes", len(asked), len(routes))
	}
	letters := map[visitor.Role]string{"viewer": "v", "crew": "c", "dispatcher": "d", "technician": "t", "admin": "a"}
	sessions := map[visitor.Role]map[string]string{}
	for role := range letters {
		sessions[role] = g.guest().login(role).cookies
	}
	seals := map[visitor.Role]string{}
	for role := range letters {
		v := g.guest()
		v.cookies = sessions[role]
		seals[role] = v.seal("/")
	}
	for _, a := range asked {
		open := a.roles == "*"
		t.Run(a.method+" "+a.path, func(t *testing.T) {
			send := func(v *guest, seal string) int {
				form := url.Values{}
				for key, value := range a.form {
					form[key] = value
				}
				if form.Set("siegel", seal); a.pattern == "/anmelden" {
					form.Set("siegel", g.guest().seal("/anmelden"))
				}
				for i := range g.store.mutes { // each finds the city as it was
					g.store.mutes[i].Lifted, g.store.mutes[i].LiftedBy = time.Time{}, ""
				}
				return v.do(a.method, a.path, form).Code
			}
			for role, letter := range letters {
				v := g.guest()
				for key, value := range sessions[role] {
					v.cookies[key] = value
				}
				seal := seals[role]
				if a.pattern == "/abmelden" || a.pattern == "/anmelden" { // these end the session
					v = g.guest().login(role)
					seal = v.seal("/")
				}
				want := http.StatusForbidden
				if open || strings.Contains(a.roles, letter) {
					want = a.in
				}
				if got := send(v, seal); got != want {
					t.Errorf("%s: %d, want %d", role, got, want)
				}
			}
			for scope, token := range g.tokens {
				v := g.guest()
				v.token = token
				want := http.StatusForbidden
				if open || scope == a.scope {
					want = a.in
				}
				if got := send(v, ""); got != want {
					t.Errorf("token of %s: %d, want %d", scope, got, want)
				}
			}
			nobody := http.StatusSeeOther
			switch {
			case open:
				nobody = a.in
			case a.program || a.method == http.MethodPost:
				nobody = http.StatusUnauthorized
			}
			if got := send(g.guest(), g.guest().seal("/anmelden")); got != nobody {
				t.Errorf("nobody: %d, want %d", got, nobody)
			}
			v := g.guest()
			v.token = "meldefunk_00000000_" + strings.Repeat("A", 43)
			want := http.StatusUnauthorized
			if open {
				want = a.in
			}
			if a.pattern == "/anmelden" || a.pattern == "/abmelden" || a.pattern == "/" {
				want = a.in
			}
			if got := send(v, ""); got != want {
				t.Errorf("unknown token: %d, want %d", got, want)
			}
		})
	}
}

// TestWithoutLoginEveryRoute holds what nobody has to log in for: everything here, reading from
// elsewhere.
func TestWithoutLoginEveryRoute(t *testing.T) {
	s, inv := osnabrueck()
	book := withRegister(inv)
	h, seal := desk(t, s, inv, nil, func(o *board.Options) { o.Registrar = book })
	for _, a := range asked {
		if strings.HasPrefix(a.path, "/anmelden") || a.path == "/abmelden" {
			a.in = map[string]int{"GET": 404, "POST": 405}[a.method]
		}
		for from, want := range map[string]int{"127.0.0.1:5": a.in, "10.0.0.7:5": a.in} {
			if from == "10.0.0.7:5" && (a.scope == visitor.WriteTickets || a.scope == visitor.WriteTours || a.scope == visitor.WriteDevices) {
				want = 403
			}
			form := url.Values{"siegel": {seal}, "name": {"Erika"}}
			for key, value := range a.form {
				form[key] = value
			}
			r := httptest.NewRequestWithContext(t.Context(), a.method, "http://127.0.0.1:8080"+a.path, strings.NewReader(form.Encode()))
			r.RemoteAddr = from
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			w := httptest.NewRecorder()
			if h.ServeHTTP(w, r); w.Code != want {
				t.Errorf("%s %s from %s: %d, want %d", a.method, a.path, from, w.Code, want)
			}
		}
	}
}

func TestLoginPage(t *testing.T) {
	g := newGate(t)
	v := g.guest()
	w := v.do("GET", "/meldung/S-GONE0001?x=%C3%BC", nil)
	way := w.Header().Get("Location")
	if w.Code != 303 || way != "/anmelden?weiter=%2Fmeldung%2FS-GONE0001%3Fx%3D%25C3%25BC" {
		t.Fatalf("%d %s", w.Code, way)
	}
	page := v.do("GET", way, nil).Body.String()
	for _, want := range []string{`autocomplete="username"`, `autocomplete="current-password"`, `name="weiter" value="/meldung/S-GONE0001?x=%C3%BC"`, `<h1>Anmelden</h1>`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for _, not := range []string{"Hauptnavigation", "Abmelden", "Betriebszustand", "S-7K2M9QXA"} {
		if strings.Contains(page, not) {
			t.Errorf("nobody is shown %q", not)
		}
	}
	send := func(name, password, next string) *httptest.ResponseRecorder {
		return v.do("POST", "/anmelden", url.Values{"siegel": {v.seal("/anmelden")}, "name": {name}, "passwort": {password}, "weiter": {next}})
	}
	wrongName, wrongPassword := send("Niemand", theirPassword, "/"), send("Person crew", "falsch", "/")
	for _, w := range []*httptest.ResponseRecorder{wrongName, wrongPassword} {
		if w.Code != 403 || !strings.Contains(text(w.Body.String()), "Name oder Passwort stimmt nicht.") || !strings.Contains(w.Body.String(), `role="alert"`) || len(w.Result().Cookies()) > 0 {
			t.Errorf("%d %s", w.Code, text(w.Body.String()))
		}
	}
	if a, b := strings.ReplaceAll(wrongName.Body.String(), "Niemand", "Person crew"), wrongPassword.Body.String(); sealIn.ReplaceAllString(a, "") != sealIn.ReplaceAllString(b, "") {
		t.Error("the page tells which half was wrong")
	}
	if strings.Contains(wrongPassword.Body.String(), "falsch") {
		t.Error("the page repeats the password")
	}
	w = send("Person dispatcher", theirPassword, "/meldung/S-GONE0001?x=%C3%BC")
	if w.Code != 303 || w.Header().Get("Location") != "/meldung/S-GONE0001?x=%C3%BC" {
		t.Errorf("after the login: %d %s", w.Code, w.Header().Get("Location"))
	}
	page = v.do("GET", "/meldung/S-GONE0001", nil).Body.String()
	if !strings.Contains(page, "Hauptnavigation") || !strings.Contains(text(page), "Person dispatcher , angemeldet mit der Rolle Disposition") || strings.Contains(page, "Ihr Name") || !strings.Contains(page, "Im Verlauf steht: <b>Person dispatcher</b>") {
		t.Errorf("the page of who is logged in: %s", text(page))
	}
	if strings.Contains(page, "Betriebszustand") {
		t.Error("a dispatcher is led to what he may not see")
	}
	if !strings.Contains(text(v.do("GET", "/anmelden", nil).Body.String()), "Sie sind angemeldet als Person dispatcher") {
		t.Error("the login does not say who is in")
	}
}

func TestLoginLeadsNowhereElse(t *testing.T) {
	g := newGate(t)
	for _, next := range []string{"https://evil.example/", "//evil.example", "/\\evil.example", "/%2f/evil", "", "evil", "/x\r\nSet-Cookie: a=b", "/anmelden?weiter=/", "javascript:alert(1)", "/" + strings.Repeat("x", 3000), "/./\t/evil.example"} {
		v := g.guest()
		w := v.do("POST", "/anmelden", url.Values{"siegel": {v.seal("/anmelden")}, "name": {"Person crew"}, "passwort": {theirPassword}, "weiter": {next}})
		if got := w.Header().Get("Location"); w.Code != 303 || got != "/" && next != "/%2f/evil" {
			t.Errorf("%.40q: %d, leads to %q", next, w.Code, got)
		}
	}
}

func TestTooManyLogins(t *testing.T) {
	g := newGate(t)
	v := g.guest()
	form := url.Values{"siegel": {v.seal("/anmelden")}, "name": {"Person crew"}, "passwort": {"geraten"}}
	var w *httptest.ResponseRecorder
	for range 6 {
		w = v.do("POST", "/anmelden", form)
	}
	if w.Code != 429 || w.Header().Get("Retry-After") != "61" || !strings.Contains(text(w.Body.String()), "Bitte 60 Sekunden warten") {
		t.Errorf("%d, Retry-After %q: %s", w.Code, w.Header().Get("Retry-After"), text(w.Body.String()))
	}
}

// TestSealOfSession tries the form of one login in another one.
func TestSealOfSession(t *testing.T) {
	g := newGate(t)
	mine, other := g.guest().login(visitor.Dispatcher), g.guest().login(visitor.Dispatcher)
	wish := func(v *guest, seal string) int {
		return v.do("POST", "/meldung/S-GONE0001/auftrag", url.Values{"siegel": {seal}, "auftrag": {"anhalten"}, "grund": {"Fest"}, "name": {"Jemand anders"}}).Code
	}
	if got := wish(mine, other.seal("/meldung/S-GONE0001")); got != 403 {
		t.Errorf("with the seal of another session of the same person: %d", got)
	}
	if got := wish(mine, g.guest().seal("/anmelden")); got != 403 {
		t.Errorf("with the seal of the login's form: %d", got)
	}
	old := mine.seal("/meldung/S-GONE0001")
	mine.login(visitor.Dispatcher)
	if got := wish(mine, old); got != 403 {
		t.Errorf("with a seal from before the login: %d", got)
	}
	if got := wish(mine, mine.seal("/meldung/S-GONE0001")); got != 303 {
		t.Errorf("with its own: %d", got)
	}
	if w := g.store.cases[2].Wishes; len(w) != 1 || w[0].By != "Person dispatcher" {
		t.Errorf("kept: %+v", w)
	}
	for name, change := range map[string]func(*http.Request){
		"another site":   func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"another origin": func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "https://evil.example") },
		"plaintext":      func(r *http.Request) { r.Header.Set("Origin", "http://tafel.example.org") },
	} {
		for _, path := range []string{"/anmelden", "/abmelden", "/stummschaltungen"} {
			if w := mine.do("POST", path, url.Values{"siegel": {mine.seal("/meldung/S-GONE0001")}}, change); w.Code != 403 || !strings.Contains(w.Body.String(), "von einer fremden Seite") {
				t.Errorf("%s, %s: %d", name, path, w.Code)
			}
		}
	}
}

func TestLogout(t *testing.T) {
	g := newGate(t)
	v := g.guest().login(visitor.Viewer)
	before := v.cookies["__Host-meldefunk"]
	w := v.do("POST", "/abmelden", url.Values{"siegel": {v.seal("/")}})
	if w.Code != 303 || w.Header().Get("Location") != "/anmelden?abgemeldet=1" || len(v.cookies) != 0 {
		t.Fatalf("%d %s, cookies %v", w.Code, w.Header().Get("Location"), v.cookies)
	}
	if !strings.Contains(text(v.do("GET", "/anmelden?abgemeldet=1", nil).Body.String()), "Sie sind abgemeldet.") {
		t.Error("nothing says so")
	}
	v.cookies["__Host-meldefunk"] = before
	if w := v.do("GET", "/", nil); w.Code != 303 || w.Header().Get("Location") != "/anmelden?weiter=%2F" {
		t.Errorf("the old cookie still works: %d", w.Code)
	}
	for _, want := range []string{"somebody has logged in", "somebody has logged out", `"name":"Person viewer"`} {
		if !strings.Contains(g.log.String(), want) {
			t.Errorf("the log lacks %q", want)
		}
	}
}

// TestRoleIsTaken takes a role from somebody whose page is open.
func TestRoleIsTaken(t *testing.T) {
	g := newGate(t)
	v := g.guest().login(visitor.Dispatcher)
	seal := v.seal("/stummschaltungen")
	users, err := os.ReadFile(g.cfg.UsersFile)
	if err == nil {
		err = os.WriteFile(g.cfg.UsersFile, []byte(strings.Replace(string(users), ";dispatcher;", ";viewer;", 1)), 0o600)
	}
	if err = errors.Join(err, g.door.Reload()); err != nil {
		t.Fatal(err)
	}
	w := v.do("POST", "/stummschaltungen", url.Values{"siegel": {seal}, "anlage": {"PK-1"}, "bis": {"3 Tage"}, "grund": {"Fest"}})
	if w.Code != 403 || !strings.Contains(text(w.Body.String()), "gehört nicht zu den Aufgaben der Rolle „Ansicht“") {
		t.Errorf("%d %s", w.Code, text(w.Body.String()))
	}
	if w := v.do("GET", "/stummschaltungen", nil); w.Code != 200 || strings.Contains(w.Body.String(), `aria-label="Stummschalten"`) {
		t.Errorf("%d, or there is still a form", w.Code)
	}
	if !strings.Contains(g.log.String(), "refused: not allowed") {
		t.Error("the log does not tell of the refusal")
	}
}

func TestTokenProblems(t *testing.T) {
	g := newGate(t)
	for name, c := range map[string]struct{ token, challenge string }{
		"none":    {"", `Bearer realm="Meldefunk"`},
		"unknown": {"x", `Bearer realm="Meldefunk", error="invalid_token"`},
	} {
		v := g.guest()
		v.token = c.token
		if w := v.do("GET", "/metrics", nil); w.Code != 401 || w.Header().Get("WWW-Authenticate") != c.challenge {
			t.Errorf("%s: %d %q", name, w.Code, w.Header().Get("WWW-Authenticate"))
		}
	}
	v := g.guest()
	v.token = g.tokens[visitor.WriteTickets]
	if w := v.do("POST", "/stummschaltungen", url.Values{"anlage": {"PK-1"}, "bis": {"3 Tage"}, "grund": {"Fest"}, "name": {"Jemand anders"}}); w.Code != 303 {
		t.Errorf("a program mutes: %d", w.Code)
	}
	if m := g.store.mutes[len(g.store.mutes)-1]; m.By != "Programm write:tickets" {
		t.Errorf("the history names %q", m.By)
	}
}

// TestOpenIDThroughTheBoard logs in by a provider, from the link to the page that was wanted.
func TestOpenIDThroughTheBoard(t *testing.T) {
	p := openidtest.Start(t, "https://tafel.example.org/anmelden/openid", func() time.Time { return now }, map[string]any{"sub": "1", "name": "Erika <b>Mustermann</b>", "roles": []string{"dispo"}})
	g := newGate(t, func(c *access.Config) {
		c.UsersFile = ""
		c.OpenID = access.OpenID{Issuer: p.URL, Name: "Stadt <Osnabrück>", ClientID: p.ClientID, ClientSecretEnv: "MELDEFUNK_TEST_CLIENT_SECRET", Address: "https://tafel.example.org",
			NameClaim: "name", RolesClaim: "roles", Roles: []access.RoleRule{{Value: "dispo", Role: visitor.Dispatcher}}}
		t.Setenv("MELDEFUNK_TEST_CLIENT_SECRET", p.Secret)
	})
	v := g.guest()
	page := v.do("GET", "/anmelden?weiter=/regeln", nil).Body.String()
	if strings.Contains(page, "Passwort") || !strings.Contains(page, `href="/anmelden/anbieter?weiter=%2Fregeln">Anmelden mit Stadt &lt;Osnabrück&gt;</a>`) {
		t.Errorf("the page of the login: %s", page)
	}
	travel := func() *httptest.ResponseRecorder {
		w := v.do("GET", "/anmelden/anbieter?weiter=/regeln", nil)
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		resp, err := client.Get(w.Header().Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		back, err := url.Parse(resp.Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		return v.do("GET", back.RequestURI(), nil)
	}
	if w := travel(); w.Code != 303 || w.Header().Get("Location") != "/regeln" {
		t.Fatalf("%d %s: %s", w.Code, w.Header().Get("Location"), text(w.Body.String()))
	}
	if page := v.do("GET", "/regeln", nil).Body.String(); !strings.Contains(page, "Erika &lt;b&gt;Mustermann&lt;/b&gt;") {
		t.Error("the page does not show the name as text")
	}
	for name, c := range map[string]struct {
		twist  openidtest.Twist
		status int
		says   string
	}{
		"no role": {openidtest.Twist{Claims: map[string]any{"roles": nil}}, 403, "noch keine Rolle"},
		"denied":  {openidtest.Twist{Denied: true}, 403, "Die Anmeldung hat nicht geklappt."},
		"away":    {openidtest.Twist{Broken: true}, 503, "antwortet gerade nicht"},
		"state":   {openidtest.Twist{State: "x"}, 403, "begann in einem anderen Fenster"},
	} {
		p.Be(c.twist)
		if w := travel(); w.Code != c.status || !strings.Contains(text(w.Body.String()), c.says) {
			t.Errorf("%s: %d %s", name, w.Code, text(w.Body.String()))
		}
	}
	if w := v.do("POST", "/anmelden", url.Values{"siegel": {v.seal("/anmelden")}, "name": {"x"}, "passwort": {"y"}}); w.Code != 403 {
		t.Errorf("a password where there are none: %d", w.Code)
	}
}

func TestReachableNeedsALogin(t *testing.T) {
	s, inv := osnabrueck()
	o := options(t, s, inv)
	o.Config.Listen, o.Config.Hosts = "0.0.0.0:8443", []string{"tafel.example.org"}
	o.Config.TLS.CertFile, o.Config.TLS.KeyFile = "a", "b"
	if _, err := board.New(o); err == nil || !strings.Contains(err.Error(), "nobody would have to log in") {
		t.Errorf("%v", err)
	}
	if !slices.ContainsFunc(newGate(t).board.Routes(), func(r board.Route) bool { return r.Pattern == "/anmelden" }) {
		t.Error("there is no login")
	}
}
