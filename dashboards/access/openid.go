package access

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"meldefunk/city/door"
	"meldefunk/city/visitor"
)

// flowCookie carries what a login by a provider has begun with, sealed.
const flowCookie = "__Host-meldefunk-openid"

// flowLife is how long somebody may take at the provider.
const flowLife = 10 * time.Minute

// Bounds of talking to a provider.
const (
	providerTimeout = 8 * time.Second // of one request; a page may take ten
	providerBody    = 1 << 20         // bytes
	mostReturns     = 16              // at the same time
)

// algorithms are those that a provider may sign with: none of a shared secret, and not none.
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA}

// provider is asked about people by OpenID Connect: authorization code with PKCE.
type provider struct {
	cfg    OpenID
	now    func() time.Time
	client *http.Client
	seal   cipher.AEAD
	room   chan struct{}

	mu     sync.Mutex
	found  *oidc.Provider // nil: not asked yet
	failed time.Time      // when it was asked last, in vain
}

// flow is a login under way. The browser keeps it, so that nobody can fill memory here.
type flow struct {
	State, Nonce, Verifier, Next string
	Until                        time.Time
}

func newProvider(cfg OpenID, now func() time.Time) (*provider, error) {
	if _, err := cfg.secret(); err != nil {
		return nil, fmt.Errorf("openid: %w", err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost, transport.MaxResponseHeaderBytes = 2, 64<<10
	if cfg.CAFile != "" {
		pem, err := os.ReadFile(cfg.CAFile)
		if err != nil {
			return nil, fmt.Errorf("openid: ca_file: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("openid: ca_file: %s: no certificate in it: want PEM", cfg.CAFile)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it never fails
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	seal, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &provider{cfg: cfg, now: now, seal: seal, room: make(chan struct{}, mostReturns), client: &http.Client{
		Transport: bounded{transport}, Timeout: providerTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // with a code and a secret one goes nowhere else
	}}, nil
}

// bounded cuts off answers that do not end.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, providerBody), resp.Body}
	}
	return resp, err
}

// askAgain is how long a provider is left alone that has not answered: those who wait for it
// stand in a row.
const askAgain = 5 * time.Second

// discover asks the provider what it is like, until it has answered once.
func (p *provider) discover(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	if p.now().Sub(p.failed) < askAgain {
		return nil, errors.New("the provider did not answer a moment ago")
	}
	found, err := oidc.NewProvider(ctx, p.cfg.Issuer)
	if err != nil {
		p.failed = p.now()
		return nil, err
	}
	p.found = found
	return found, nil
}

// config is what both halves of a login need.
func (p *provider) config(found *oidc.Provider) (*oauth2.Config, error) {
	secret, err := p.cfg.secret()
	if err != nil {
		return nil, err
	}
	var meta struct {
		Methods []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := found.Claims(&meta); err != nil {
		return nil, err
	}
	c := &oauth2.Config{ClientID: p.cfg.ClientID, ClientSecret: secret, Endpoint: found.Endpoint(), RedirectURL: p.cfg.Address + returnPath,
		Scopes: append([]string{oidc.ScopeOpenID, "profile"}, p.cfg.Scopes...)}
	// Never tried out: a code that was sent once is spent.
	c.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if secret == "" || len(meta.Methods) > 0 && !slices.Contains(meta.Methods, "client_secret_basic") && slices.Contains(meta.Methods, "client_secret_post") {
		c.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return c, nil
}

// Provider is the name of the provider of OpenID Connect; "": there is none.
func (a *Access) Provider() string {
	if a.provider == nil {
		return ""
	}
	return a.provider.cfg.label()
}

func (o OpenID) label() string {
	if o.Name != "" {
		return o.Name
	}
	return o.Issuer
}

// Leave sends a browser to the provider. next is a path of the board to come back to. The
// error is visitor.ErrAway.
func (a *Access) Leave(w http.ResponseWriter, r *http.Request, next string) error {
	p := a.provider
	if p == nil {
		return visitor.ErrAway
	}
	ctx := oidc.ClientContext(r.Context(), p.client)
	found, err := p.discover(ctx)
	var c *oauth2.Config
	if err == nil {
		c, err = p.config(found)
	}
	if err != nil {
		return a.away(r, err)
	}
	f := flow{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Next: next, Until: a.now().Add(flowLife)}
	sealed, err := p.sealed(f)
	if err != nil {
		return a.away(r, err)
	}
	http.SetCookie(w, cookie(flowCookie, sealed, int(flowLife/time.Second)))
	http.Redirect(w, r, c.AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)), http.StatusSeeOther)
	return nil
}

// Return lets in whom the provider has sent back, and tells where he wanted to go. The error
// is visitor.ErrStale, ErrRefused, ErrNoRole, ErrAway or a TooManyError.
func (a *Access) Return(w http.ResponseWriter, r *http.Request) (next string, err error) {
	p := a.provider
	if p == nil {
		return "", visitor.ErrAway
	}
	http.SetCookie(w, cookie(flowCookie, "", -1))
	f, err := p.opened(r)
	if err != nil || a.now().After(f.Until) || !door.Same(r.FormValue("state"), f.State) {
		return "", a.refuse(r, "refused", visitor.ErrStale, errors.Join(err, errors.New("state or time does not fit")))
	}
	if iss := r.FormValue("iss"); iss != "" && iss != p.cfg.Issuer { // RFC 9207
		return f.Next, a.refuse(r, "refused", visitor.ErrRefused, fmt.Errorf("the answer is of %.100q", iss))
	}
	if problem := r.FormValue("error"); problem != "" {
		return f.Next, a.refuse(r, "refused", visitor.ErrRefused, fmt.Errorf("the provider says %.100q", problem))
	}
	select {
	case p.room <- struct{}{}:
		defer func() { <-p.room }()
	default:
		return f.Next, &visitor.TooManyError{Wait: 10 * time.Second}
	}
	ctx := oidc.ClientContext(r.Context(), p.client)
	token, claims, err := p.exchange(ctx, r.FormValue("code"), f)
	if errors.Is(err, visitor.ErrAway) {
		return f.Next, a.away(r, err)
	} else if err != nil {
		return f.Next, a.refuse(r, "refused", visitor.ErrRefused, err)
	}
	name, role := p.name(claims, token.Subject), p.role(claims)
	if role == "" {
		return f.Next, a.refuse(r, "no_role", visitor.ErrNoRole, fmt.Errorf("subject %.100q", token.Subject))
	}
	now := a.now()
	a.leave(r)
	a.enter(w, session{name: name, role: role, begun: now, seen: now})
	a.logins.WithLabelValues("openid", "in").Inc()
	a.log.Info().Str("name", name).Str("subject", token.Subject).Str("role", string(role)).Str("from", a.address(r)).Msg("somebody has logged in")
	return f.Next, nil
}

// refuse notes why somebody does not come in, and gives what he is told.
func (a *Access) refuse(r *http.Request, result string, told, why error) error {
	a.logins.WithLabelValues("openid", result).Inc()
	a.log.Warn().Err(why).Str("from", a.address(r)).Msg("a login by the provider was refused")
	return told
}

func (a *Access) away(r *http.Request, err error) error {
	return a.refuse(r, "away", visitor.ErrAway, err)
}

// exchange turns a code into what the provider says of somebody, and believes nothing unsigned.
func (p *provider) exchange(ctx context.Context, code string, f flow) (*oidc.IDToken, map[string]any, error) {
	found, err := p.discover(ctx)
	var c *oauth2.Config
	if err == nil {
		c, err = p.config(found)
	}
	if err != nil {
		return nil, nil, errors.Join(visitor.ErrAway, err)
	}
	got, err := c.Exchange(ctx, code, oauth2.VerifierOption(f.Verifier))
	if err != nil {
		if refused := (*oauth2.RetrieveError)(nil); errors.As(err, &refused) && refused.Response.StatusCode < http.StatusInternalServerError {
			return nil, nil, fmt.Errorf("the provider does not take the code: status %d, %.100q", refused.Response.StatusCode, refused.ErrorCode) // its body is not ours to log
		}
		return nil, nil, errors.Join(visitor.ErrAway, errors.New("the code could not be exchanged"))
	}
	raw, ok := got.Extra("id_token").(string)
	if !ok {
		return nil, nil, errors.New("the provider's answer has no id_token")
	}
	token, err := found.VerifierContext(ctx, &oidc.Config{ClientID: p.cfg.ClientID, SupportedSigningAlgs: algorithms, Now: p.now}).Verify(ctx, raw)
	if err != nil {
		return nil, nil, err
	}
	claims := map[string]any{}
	if err := token.Claims(&claims); err != nil {
		return nil, nil, err
	}
	if party, told := claims["azp"]; told && party != p.cfg.ClientID || !told && len(token.Audience) > 1 {
		return nil, nil, errors.New("the token was made for another client (azp)")
	}
	if !door.Same(token.Nonce, f.Nonce) {
		return nil, nil, errors.New("the token's nonce is not this login's")
	}
	if token.AccessTokenHash != "" {
		if err := token.VerifyAccessToken(got.AccessToken); err != nil {
			return nil, nil, err
		}
	}
	return token, claims, nil
}

// name is what a person is called in the history of what he does.
func (p *provider) name(claims map[string]any, subject string) string {
	for _, claim := range []string{p.cfg.NameClaim, "preferred_username", "email"} {
		text, _ := at(claims, claim).(string)
		clean := strings.TrimSpace(strings.Map(func(r rune) rune {
			if !unicode.IsPrint(r) {
				return -1
			}
			return r
		}, text))
		if runes := []rune(clean); len(runes) > longestName {
			clean = string(runes[:longestName])
		}
		if clean != "" {
			return clean
		}
	}
	return fmt.Sprintf("%.80s", strings.ToValidUTF8(subject, ""))
}

// role is that of the first rule that fits.
func (p *provider) role(claims map[string]any) visitor.Role {
	var values []any
	switch v := at(claims, p.cfg.RolesClaim).(type) {
	case string:
		values = []any{v}
	case []any:
		values = v
	}
	for _, rule := range p.cfg.Roles {
		if slices.Contains(values, any(rule.Value)) {
			return rule.Role
		}
	}
	return ""
}

// at follows a claim into objects; a claim whose own name has dots comes first.
func at(claims map[string]any, path string) any {
	if v, there := claims[path]; there {
		return v
	}
	head, rest, more := strings.Cut(path, ".")
	inner, ok := claims[head].(map[string]any)
	if !more || !ok {
		return nil
	}
	return at(inner, rest)
}

func (p *provider) sealed(f flow) (string, error) {
	text, err := json.Marshal(f)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(p.seal.Seal(nil, nil, text, []byte(flowCookie))), nil
}

func (p *provider) opened(r *http.Request) (f flow, err error) {
	c, err := r.Cookie(flowCookie)
	if err != nil {
		return flow{}, err
	}
	b, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return flow{}, err
	}
	text, err := p.seal.Open(nil, nil, b, []byte(flowCookie))
	if err != nil {
		return flow{}, err
	}
	return f, json.Unmarshal(text, &f)
}
