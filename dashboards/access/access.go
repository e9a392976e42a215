package access

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city/visitor"
)

// cookieName begins with a prefix that browsers hold to its word: Secure, no Domain, the
// whole site.
const cookieName = "__Host-meldefunk"

// atOnce is how many passwords are checked at the same time: each takes 19 MiB.
const atOnce = 2

// Access knows who may come in. It is safe for concurrent use.
type Access struct {
	cfg      Config
	now      func() time.Time
	log      zerolog.Logger
	known    atomic.Pointer[known]
	sessions *sessions
	attempts *attempts
	uses     *uses
	provider *provider // nil: no OpenID Connect
	room     chan struct{}
	nobody   phc // does the work of a password where there is none
	logins   *prometheus.CounterVec
	grumble  atomic.Int64 // when refused tokens were last logged, Unix ns
}

// known is what the files say.
type known struct {
	users  *Users
	tokens *Tokens
}

// New reads the files and registers the metrics. The provider of OpenID Connect is asked when
// somebody logs in.
func New(cfg Config, now func() time.Time, log zerolog.Logger, reg prometheus.Registerer) (*Access, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	a := &Access{
		cfg: cfg, now: now, log: log.With().Str("component", "access").Logger(),
		sessions: newSessions(cfg.Idle, cfg.Longest), attempts: newAttempts(), room: make(chan struct{}, atOnce), nobody: ours(),
		logins: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "meldefunk_access_logins_total",
			Help: "Logins, by way (password, openid) and result (in, refused, limited, no_role, away).",
		}, []string{"way", "result"}),
	}
	var errs []error
	k, err := read(cfg)
	errs = append(errs, err)
	a.known.Store(k)
	if a.uses, err = readUses(cfg.UseFile); err != nil {
		errs = append(errs, err)
	}
	if cfg.OpenID.Issuer != "" {
		a.provider, err = newProvider(cfg.OpenID, now)
		errs = append(errs, err)
	}
	errs = append(errs, reg.Register(a.logins), reg.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "meldefunk_access_sessions", Help: "Browsers in which somebody is logged in.",
	}, func() float64 { return float64(a.sessions.number()) })))
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return a, nil
}

// read reads the files that are named; without one there is nobody of its kind.
func read(cfg Config) (*known, error) {
	k := &known{users: &Users{}, tokens: &Tokens{}}
	var errs []error
	if cfg.UsersFile != "" {
		us, err := ReadUsers(cfg.UsersFile)
		if err != nil {
			errs = append(errs, fmt.Errorf("users_file: %w (meldefunk user add makes it)", err))
		}
		k.users = us
	}
	if cfg.TokensFile != "" {
		ts, err := ReadTokens(cfg.TokensFile)
		if err != nil {
			errs = append(errs, fmt.Errorf("tokens_file: %w (meldefunk token add makes it)", err))
		}
		k.tokens = ts
	}
	return k, errors.Join(errs...)
}

// Reload reads the files of users and tokens anew. Files with mistakes are refused whole, and
// what was read before stays. Who is no longer there, or has another password, is out at once.
func (a *Access) Reload() error {
	k, err := read(a.cfg)
	if err == nil {
		a.known.Store(k)
	}
	return err
}

// Who tells who sends a request, by its token or cookie. A role that has changed since the
// login gets a new session, with its cookie in w. The error is visitor.ErrNobody or
// visitor.ErrToken.
func (a *Access) Who(w http.ResponseWriter, r *http.Request) (visitor.Visitor, error) {
	if scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") {
		return a.program(r, strings.TrimSpace(text))
	}
	c, err := r.Cookie(cookieName)
	if err != nil {
		return visitor.Visitor{}, visitor.ErrNobody
	}
	now, key := a.now(), keyOf(c.Value)
	s, found := a.sessions.find(key, now)
	if !found {
		return visitor.Visitor{}, visitor.ErrNobody
	}
	if s.password != "" {
		u, still := a.known.Load().users.Get(s.name)
		if !still || u.hash.String() != s.password {
			a.sessions.end(key)
			a.log.Info().Str("name", s.name).Msg("session ended: the user is gone, or has another password")
			return visitor.Visitor{}, visitor.ErrNobody
		}
		if u.Role != s.role {
			a.log.Info().Str("name", s.name).Str("was", string(s.role)).Str("role", string(u.Role)).Msg("the role of somebody who is logged in has changed")
			s.role = u.Role
			if _, mine := a.sessions.end(key); !mine { // another request of this browser was faster
				return visitor.Visitor{}, visitor.ErrNobody
			}
			key = a.enter(w, s)
		}
	}
	return visitor.Visitor{Name: s.name, Role: s.role, May: s.role.May(), Session: key.String()}, nil
}

// program tells which token is brought.
func (a *Access) program(r *http.Request, text string) (visitor.Visitor, error) {
	now := a.now()
	t, good := a.known.Load().tokens.good(text, now)
	if !good {
		if last := a.grumble.Load(); now.UnixNano()-last >= int64(time.Minute) && a.grumble.CompareAndSwap(last, now.UnixNano()) {
			a.log.Warn().Str("from", a.address(r)).Str("expired", t.ID).Msg("a token was refused; told once a minute")
		}
		return visitor.Visitor{}, visitor.ErrToken
	}
	a.uses.note(t.ID, now)
	return visitor.Visitor{Name: t.Name, May: t.Scopes, Bearer: true}, nil
}

// Passwords tells whether people can log in with a password.
func (a *Access) Passwords() bool { return a.cfg.UsersFile != "" }

// Login lets somebody in by a password. The session is a new one, whatever the browser brought.
// The error is visitor.ErrRefused or a visitor.TooManyError; both take the same work for names
// that there are and that there are not.
func (a *Access) Login(w http.ResponseWriter, r *http.Request, name, password string) error {
	from := a.address(r)
	if wait := a.attempts.begin(name, from, a.now()); wait > 0 {
		a.logins.WithLabelValues("password", "limited").Inc()
		a.log.Warn().Str("from", from).Dur("wait_ms", wait).Msg("a login was refused: too many were tried")
		return &visitor.TooManyError{Wait: wait}
	}
	select {
	case a.room <- struct{}{}:
		defer func() { <-a.room }()
	case <-r.Context().Done():
		return &visitor.TooManyError{Wait: 10 * time.Second}
	}
	u, is := a.known.Load().users.Get(name)
	check := u.hash
	if !is {
		check = a.nobody
	}
	if len(password) > longestPassword {
		password = password[:longestPassword] // too long for any
		is = false
	}
	if fits := check.fits(password); !fits || !is {
		a.logins.WithLabelValues("password", "refused").Inc()
		user := "" // what is no name may be a password in the wrong field
		if is {
			user = name
		}
		a.log.Warn().Str("from", from).Str("name", user).Bool("known", is).Msg("a login was refused: name or password is wrong")
		return visitor.ErrRefused
	}
	now := a.now()
	a.attempts.succeeded(name, from, now)
	a.leave(r)
	a.enter(w, session{name: name, role: u.Role, password: u.hash.String(), begun: now, seen: now})
	a.logins.WithLabelValues("password", "in").Inc()
	a.log.Info().Str("name", name).Str("role", string(u.Role)).Str("from", from).Msg("somebody has logged in")
	return nil
}

// Logout ends the session of a request, if it has one.
func (a *Access) Logout(w http.ResponseWriter, r *http.Request) {
	if s, was := a.leave(r); was {
		a.log.Info().Str("name", s.name).Str("from", a.address(r)).Msg("somebody has logged out")
	}
	http.SetCookie(w, cookie(cookieName, "", -1))
}

// leave ends the session that a request brings.
func (a *Access) leave(r *http.Request) (session, bool) {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return session{}, false
	}
	return a.sessions.end(keyOf(c.Value))
}

// enter begins a session and hands it to the browser.
func (a *Access) enter(w http.ResponseWriter, s session) sessionKey {
	id, key := a.sessions.begin(s, s.seen)
	http.SetCookie(w, cookie(cookieName, id, 0))
	return key
}

// cookie is one that no script reads, that only TLS carries (browsers take this machine for as
// good), and that other sites' forms do not bring. Lax and not Strict: a link in a mail, and
// the way back from a provider, lead to a page that knows one.
func cookie(name, value string, age int) *http.Cookie {
	return &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: age, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// saveEvery is how often it is written down when tokens were used.
const saveEvery = time.Minute

// Run keeps when tokens were used, until ctx ends.
func (a *Access) Run(ctx context.Context) error {
	ticker := time.NewTicker(saveEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return a.uses.save()
		case <-ticker.C:
			if err := a.uses.save(); err != nil {
				a.log.Warn().Err(err).Msg("it cannot be kept when tokens were used; trying again")
			}
		}
	}
}
