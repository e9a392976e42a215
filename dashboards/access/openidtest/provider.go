// Package openidtest is a strict provider of OpenID Connect in the process of a test. It asks
// nobody for a password: whoever comes is logged in, as the test says.
package openidtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Provider is a provider with one client and one person.
type Provider struct {
	URL, ClientID, Secret, Redirect string

	mu     sync.Mutex
	t      testing.TB
	key    *ecdsa.PrivateKey
	now    func() time.Time
	claims map[string]any
	twist  Twist
	codes  map[string]grant
	served []string // paths
}

// Twist makes the provider another than it should be.
type Twist struct {
	Claims   map[string]any // in place of those of the token; nil takes one out
	None     bool           // the token is not signed at all
	HMAC     bool           // the token is signed with the client's secret
	OtherKey bool           // the token is signed with a key that is published nowhere
	State    string         // in place of the state
	Issuer   string         // in place of the issuer in the answer (RFC 9207)
	Denied   bool           // the person does not want to
	Broken   bool           // the address for tokens answers 503 and HTML
}

// grant is what a code stands for.
type grant struct{ nonce, challenge string }

// Start runs a provider whose person has these claims, beside iss, aud, exp, iat and nonce.
// redirect is the only address it sends back to.
func Start(t testing.TB, redirect string, now func() time.Time, claims map[string]any) *Provider {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &Provider{t: t, ClientID: "meldefunk", Secret: "a secret of the client", Redirect: redirect, key: key, now: now, claims: claims, codes: map[string]grant{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.configuration)
	mux.HandleFunc("GET /keys", p.keys)
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.served = append(p.served, r.URL.Path)
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	p.URL = srv.URL
	return p
}

// Be makes the provider another one from now on.
func (p *Provider) Be(twist Twist) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.twist = twist
}

// Served are the paths it was asked for.
func (p *Provider) Served() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.served)
}

func (p *Provider) configuration(w http.ResponseWriter, _ *http.Request) {
	p.say(w, map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256", "HS256", "none"}, "code_challenge_methods_supported": []string{"S256"},
	})
}

func (p *Provider) keys(w http.ResponseWriter, _ *http.Request) {
	p.say(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}})
}

// authorize wants every parameter as it should be, and sends back at once.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	for name, fits := range map[string]bool{
		"client_id": q.Get("client_id") == p.ClientID, "redirect_uri": q.Get("redirect_uri") == p.Redirect,
		"response_type": q.Get("response_type") == "code", "scope": slices.Contains(strings.Fields(q.Get("scope")), "openid"),
		"state": len(q.Get("state")) >= 22, "nonce": len(q.Get("nonce")) >= 22,
		"code_challenge_method": q.Get("code_challenge_method") == "S256", "code_challenge": len(q.Get("code_challenge")) == 43,
		"client_secret": !q.Has("client_secret"), "code_verifier": !q.Has("code_verifier"),
	} {
		if !fits {
			http.Error(w, "bad "+name, http.StatusBadRequest)
			return
		}
	}
	back := url.Values{"state": {q.Get("state")}, "iss": {p.URL}}
	if p.twist.State != "" {
		back.Set("state", p.twist.State)
	}
	if p.twist.Issuer != "" {
		back.Set("iss", p.twist.Issuer)
	}
	if p.twist.Denied {
		back.Set("error", "access_denied")
	} else {
		code := rand.Text()
		p.codes[code] = grant{q.Get("nonce"), q.Get("code_challenge")}
		back.Set("code", code)
	}
	http.Redirect(w, r, p.Redirect+"?"+back.Encode(), http.StatusFound)
}

// token takes each code once, with the client's secret and the verifier of its challenge.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	if p.twist.Broken {
		http.Error(w, "<h1>Wartung</h1>", http.StatusServiceUnavailable)
		return
	}
	id, secret, _ := r.BasicAuth()
	g, known := p.codes[r.PostFormValue("code")]
	delete(p.codes, r.PostFormValue("code"))
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	switch {
	case id != p.ClientID || secret != url.QueryEscape(p.Secret):
		p.refuse(w, http.StatusUnauthorized, "invalid_client")
	case r.PostFormValue("grant_type") != "authorization_code":
		p.refuse(w, http.StatusBadRequest, "unsupported_grant_type")
	case !known || r.PostFormValue("redirect_uri") != p.Redirect || base64.RawURLEncoding.EncodeToString(sum[:]) != g.challenge:
		p.refuse(w, http.StatusBadRequest, "invalid_grant")
	default:
		p.say(w, map[string]any{"access_token": "a", "token_type": "Bearer", "expires_in": 300, "id_token": p.signed(g.nonce)})
	}
}

func (p *Provider) refuse(w http.ResponseWriter, status int, problem string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": problem})
}

func (p *Provider) signed(nonce string) string {
	now := p.now()
	claims := map[string]any{"iss": p.URL, "aud": p.ClientID, "exp": now.Add(5 * time.Minute).Unix(), "iat": now.Unix(), "nonce": nonce}
	for _, more := range []map[string]any{p.claims, p.twist.Claims} {
		for name, value := range more {
			if claims[name] = value; value == nil {
				delete(claims, name)
			}
		}
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		p.t.Error(err)
	}
	if p.twist.None {
		b64 := base64.RawURLEncoding
		return b64.EncodeToString([]byte(`{"alg":"none"}`)) + "." + b64.EncodeToString(payload) + "."
	}
	key := jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: p.key, KeyID: "k1"}}
	if p.twist.HMAC {
		key = jose.SigningKey{Algorithm: jose.HS256, Key: []byte(p.Secret + strings.Repeat(" ", 32))}
	}
	if p.twist.OtherKey {
		other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			p.t.Error(err)
		}
		key.Key = jose.JSONWebKey{Key: other, KeyID: "k1"}
	}
	signer, err := jose.NewSigner(key, nil)
	if err != nil {
		p.t.Error(err)
		return ""
	}
	sig, err := signer.Sign(payload)
	if err != nil {
		p.t.Error(err)
		return ""
	}
	text, err := sig.CompactSerialize()
	if err != nil {
		p.t.Error(err)
	}
	return text
}

func (p *Provider) say(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // who asked may have left
}
