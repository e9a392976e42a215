package access_test

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"meldefunk/city/visitor"
	"meldefunk/dashboards/access"
	"meldefunk/dashboards/access/openidtest"
)

const boardAt = "https://tafel.example.org"

// person is what the provider tells of the one person it knows.
func person() map[string]any {
	return map[string]any{"sub": "u-4711", "name": erika, "realm_access": map[string]any{"roles": []string{"offline_access", "mf-dispo"}}}
}

// provided is an Access with a provider.
func provided(t *testing.T, change ...func(*access.Config)) (*house, *openidtest.Provider) {
	t.Helper()
	var h *house
	at := time.Date(2026, 11, 21, 13, 5, 0, 0, time.UTC)
	p := openidtest.Start(t, boardAt+"/anmelden/openid", func() time.Time {
		if h != nil {
			return h.clock
		}
		return at
	}, person())
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(p.Secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h = newHouse(t, append([]func(*access.Config){func(c *access.Config) {
		c.OpenID = access.OpenID{Issuer: p.URL, Name: "Stadt Osnabrück", ClientID: p.ClientID, ClientSecretFile: secret, Address: boardAt,
			NameClaim: "name", RolesClaim: "realm_access.roles",
			Roles: []access.RoleRule{{Value: "mf-admin", Role: visitor.Chief}, {Value: "mf-dispo", Role: visitor.Dispatcher}}}
	}}, change...)...)
	return h, p
}

// journey is a browser on its way to the provider and back.
type journey struct {
	flow *http.Cookie
	back *url.URL // where the provider sends it
}

// leave goes to the provider, and lets it send the browser back.
func leave(t *testing.T, h *house, next string) journey {
	t.Helper()
	w := httptest.NewRecorder()
	if err := h.Leave(w, h.request(home), next); err != nil {
		t.Fatal(err)
	}
	cookies := w.Result().Cookies()
	if w.Code != http.StatusSeeOther || len(cookies) != 1 {
		t.Fatalf("status %d, cookies %v", w.Code, cookies)
	}
	c := cookies[0]
	if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.MaxAge != 600 {
		t.Errorf("cookie of the way there: %+v", c)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(w.Header().Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	back, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || resp.StatusCode != http.StatusFound {
		t.Fatalf("the provider answers %d: %s", resp.StatusCode, body)
	}
	return journey{c, back}
}

// arrive comes back.
func arrive(t *testing.T, h *house, j journey) (next string, err error) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), "GET", j.back.String(), nil)
	r.RemoteAddr = home
	if j.flow != nil {
		r.AddCookie(j.flow)
	}
	if h.cookie != nil {
		r.AddCookie(h.cookie)
	}
	w := httptest.NewRecorder()
	next, err = h.Return(w, r)
	h.take(w)
	if !slices.ContainsFunc(w.Result().Cookies(), func(c *http.Cookie) bool { return c.Name == "__Host-meldefunk-openid" && c.MaxAge < 0 }) {
		t.Error("the cookie of the way there stays")
	}
	return next, err
}

func TestOpenID(t *testing.T) {
	h, p := provided(t)
	if h.Provider() != "Stadt Osnabrück" {
		t.Errorf("provider %q", h.Provider())
	}
	h.cookie = &http.Cookie{Name: "__Host-meldefunk", Value: strings.Repeat("A", 43)}
	planted := h.cookie.Value
	j := leave(t, h, "/meldung/S-1?x=y")
	next, err := arrive(t, h, j)
	if err != nil || next != "/meldung/S-1?x=y" {
		t.Fatalf("%q, %v: %s", next, err, h.log.String())
	}
	if h.cookie.Value == planted {
		t.Error("the planted id became the session's")
	}
	v, err := h.who()
	if err != nil || v.Name != erika || v.Role != visitor.Dispatcher || v.Session == "" {
		t.Errorf("%+v, %v", v, err)
	}
	if got := strings.Join(p.Served(), " "); got != "/.well-known/openid-configuration /authorize /token /keys" {
		t.Errorf("asked for: %s", got)
	}
	if _, err := arrive(t, h, j); !errors.Is(err, visitor.ErrRefused) {
		t.Errorf("the same code a second time: %v", err)
	}
	if strings.Contains(h.log.String(), p.Secret) || strings.Contains(h.log.String(), j.back.Query().Get("code")) || !strings.Contains(h.log.String(), "u-4711") {
		t.Errorf("the log has a secret, or not the subject: %s", h.log.String())
	}
}

// TestOpenIDRefuses meets a provider that is not as it should be, and those who pretend to be one.
func TestOpenIDRefuses(t *testing.T) {
	claim := func(name string, value any) openidtest.Twist {
		return openidtest.Twist{Claims: map[string]any{name: value}}
	}
	for name, c := range map[string]struct {
		twist openidtest.Twist
		way   func(*journey)
		wait  time.Duration
		want  error
	}{
		"state of the answer":     {twist: openidtest.Twist{State: "AAAAAAAAAAAAAAAAAAAAAAAAAA"}, want: visitor.ErrStale},
		"no state":                {way: func(j *journey) { strip(j, "state") }, want: visitor.ErrStale},
		"no cookie":               {way: func(j *journey) { j.flow = nil }, want: visitor.ErrStale},
		"a cookie made up":        {way: func(j *journey) { j.flow.Value = strings.Repeat("A", len(j.flow.Value)) }, want: visitor.ErrStale},
		"a cookie changed":        {way: func(j *journey) { j.flow.Value = "A" + j.flow.Value[1:] + "A" }, want: visitor.ErrStale},
		"after ten minutes":       {wait: 10*time.Minute + time.Second, want: visitor.ErrStale},
		"issuer of the answer":    {twist: openidtest.Twist{Issuer: "https://evil.example"}, want: visitor.ErrRefused},
		"nonce":                   {twist: claim("nonce", "another"), want: visitor.ErrRefused},
		"no nonce":                {twist: claim("nonce", nil), want: visitor.ErrRefused},
		"issuer":                  {twist: claim("iss", "https://evil.example"), want: visitor.ErrRefused},
		"audience":                {twist: claim("aud", "another"), want: visitor.ErrRefused},
		"two audiences, no party": {twist: claim("aud", []string{"meldefunk", "another"}), want: visitor.ErrRefused},
		"party":                   {twist: claim("azp", "another"), want: visitor.ErrRefused},
		"expired":                 {twist: claim("exp", 1_700_000_000), want: visitor.ErrRefused},
		"without an end":          {twist: claim("exp", nil), want: visitor.ErrRefused},
		"not yet":                 {twist: claim("nbf", 1_900_000_000), want: visitor.ErrRefused},
		"alg none":                {twist: openidtest.Twist{None: true}, want: visitor.ErrRefused},
		"alg HS256":               {twist: openidtest.Twist{HMAC: true}, want: visitor.ErrRefused},
		"another key":             {twist: openidtest.Twist{OtherKey: true}, want: visitor.ErrRefused},
		"access token":            {twist: claim("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"), want: visitor.ErrRefused},
		"person does not want":    {twist: openidtest.Twist{Denied: true}, want: visitor.ErrRefused},
		"a code made up":          {way: func(j *journey) { strip(j, "code", "AAAA") }, want: visitor.ErrRefused},
		"no code":                 {way: func(j *journey) { strip(j, "code") }, want: visitor.ErrRefused},
		"503 and HTML":            {twist: openidtest.Twist{Broken: true}, want: visitor.ErrAway},
		"no role":                 {twist: claim("realm_access", map[string]any{"roles": []string{"mf-dispo2"}}), want: visitor.ErrNoRole},
		"no roles":                {twist: claim("realm_access", "mf-dispo"), want: visitor.ErrNoRole},
		"roles of another kind":   {twist: claim("realm_access", map[string]any{"roles": []any{map[string]any{"mf-dispo": true}, 7}}), want: visitor.ErrNoRole},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, p := provided(t)
			p.Be(c.twist)
			j := leave(t, h, "/")
			if c.way != nil {
				c.way(&j)
			}
			h.clock = h.clock.Add(c.wait)
			if _, err := arrive(t, h, j); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if h.cookie != nil {
				t.Error("there is a session all the same")
			}
			if !strings.Contains(h.log.String(), "refused") {
				t.Error("the log does not tell of it")
			}
		})
	}
}

// strip takes a parameter out of the way back, or puts another in.
func strip(j *journey, name string, instead ...string) {
	q := j.back.Query()
	q.Del(name)
	for _, v := range instead {
		q.Set(name, v)
	}
	j.back.RawQuery = q.Encode()
}

func TestOpenIDNamesAndRoles(t *testing.T) {
	for name, c := range map[string]struct {
		claims     map[string]any
		name, role string
	}{
		"name and role":         {nil, erika, "dispatcher"},
		"one role":              {map[string]any{"realm_access": map[string]any{"roles": "mf-dispo"}}, erika, "dispatcher"},
		"the first rule counts": {map[string]any{"realm_access": map[string]any{"roles": []string{"mf-dispo", "mf-admin"}}}, erika, "admin"},
		"a name with dots":      {map[string]any{"realm_access.roles": "mf-admin"}, erika, "admin"},
		"no name":               {map[string]any{"name": nil, "preferred_username": "emuster"}, "emuster", "dispatcher"},
		"an empty name":         {map[string]any{"name": "  ", "email": "e@example.org"}, "e@example.org", "dispatcher"},
		"nothing":               {map[string]any{"name": 7}, "u-4711", "dispatcher"},
		"a name on two lines":   {map[string]any{"name": "Erika\r\nadmin\x1b[2J"}, "Erikaadmin[2J", "dispatcher"},
		"a long name":           {map[string]any{"name": strings.Repeat("ü", 200)}, strings.Repeat("ü", 80), "dispatcher"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, p := provided(t)
			p.Be(openidtest.Twist{Claims: maps.Clone(c.claims)})
			if _, err := arrive(t, h, leave(t, h, "/")); err != nil {
				t.Fatal(err)
			}
			if v, err := h.who(); err != nil || v.Name != c.name || string(v.Role) != c.role {
				t.Errorf("%+v, %v", v, err)
			}
		})
	}
}

func TestOpenIDProviderIsAway(t *testing.T) {
	h, _ := provided(t, func(c *access.Config) { c.OpenID.Issuer = "http://127.0.0.1:1" })
	w := httptest.NewRecorder()
	if err := h.Leave(w, h.request(home), "/"); !errors.Is(err, visitor.ErrAway) || w.Header().Get("Location") != "" || w.Header().Get("Set-Cookie") != "" {
		t.Errorf("%v, %v", err, w.Header())
	}
}
