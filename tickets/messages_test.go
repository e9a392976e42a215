package tickets

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/city/door/doortest"
)

// post is where messages arrive: a real server of a protocol that nobody can ask anything. It
// knows a message by its key, however often that comes.
type post struct {
	mu   sync.Mutex
	keys []string          // of the messages, each once, in the order they came
	of   map[string]string // text, by key
	came int
	lose int // so many of the next messages get no answer
}

// take keeps a message and tells whether it is answered.
func (p *post) take(key, text string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Contains(p.keys, key) {
		p.keys = append(p.keys, key)
	}
	p.of[key] = text
	p.came++
	p.lose--
	return p.lose < 0
}

func (p *post) loses(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lose = n
}

// got gives the keys, and how many messages came in all.
func (p *post) got() ([]string, int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.keys), p.came
}

// mailPost is one connection to a mail server.
type mailPost struct {
	*post
	t    *testing.T
	conn *smtp.Conn
}

func (*mailPost) Mail(string, *smtp.MailOptions) error { return nil }
func (*mailPost) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (*mailPost) Reset()                               {}
func (*mailPost) Logout() error                        { return nil }

func (m *mailPost) Data(r io.Reader) error {
	letter, err := mail.ReadMessage(r)
	if err != nil {
		m.t.Error(err)
		return err
	}
	body, err := io.ReadAll(letter.Body)
	if err != nil {
		return err
	}
	key, _, _ := strings.Cut(strings.Trim(letter.Header.Get("Message-Id"), "<>"), "@")
	if before, _, answers := strings.Cut(strings.Trim(letter.Header.Get("In-Reply-To"), "<>"), "@"); answers {
		key += " re " + before
	}
	if !m.take(key, string(body)) {
		_ = m.conn.Conn().Close()
	}
	return nil
}

func (p *post) mail(t *testing.T, cert *tls.Certificate) Config {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &mailPost{p, t, c}, nil }))
	server.Domain, server.ReadTimeout, server.WriteTimeout, server.ErrorLog = "mail.example", 20*time.Second, 20*time.Second, nobody{}
	done := make(chan struct{})
	cfg := config()
	cfg.System, cfg.Mail.Server, cfg.Mail.TLS = SystemMail, l.Addr().String(), "none"
	cfg.Mail.From, cfg.Mail.To = "Stadtsensorik <sensorik@stadt.example>", []string{"osb@stadt.example"}
	if cert != nil {
		cfg.Mail.TLS = "starttls"
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*cert}, MinVersion: tls.VersionTLS12}
	}
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		_ = l.Close()
		_ = server.Close()
		<-done
	})
	return cfg
}

// nobody reads the server's log.
type nobody struct{}

func (nobody) Printf(string, ...any) {}
func (nobody) Println(...any)        {}

// canary is the key that webhooks are signed with here, and must be seen nowhere.
const canary = "kanarienvogel-im-bergwerk-0815"

func (p *post) webhook(t *testing.T, cert *tls.Certificate) Config {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var e struct {
			Type string
			Data struct {
				Ref  string
				ID   string `json:"service_request_id"`
				Text string `json:"description"`
				Why  string `json:"status_notes"`
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
			t.Error(err)
		}
		key := r.Header.Get("Webhook-Id")
		if e.Data.ID != "" {
			key += " re " + e.Data.ID
		}
		if !p.take(key, e.Data.Text+"\n"+e.Data.Why) {
			panic(http.ErrAbortHandler)
		}
		id := e.Data.ID
		if id == "" {
			id = "T-" + e.Data.Ref
		}
		fmt.Fprintf(w, `{"ref":%q,"id":%q}`, e.Data.Ref, id)
	}))
	server.Config.ErrorLog = stdlog.New(io.Discard, "", 0)
	if cert != nil {
		server.TLS = &tls.Config{Certificates: []tls.Certificate{*cert}, MinVersion: tls.VersionTLS12}
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	cfg := config()
	cfg.System, cfg.Webhook.URL = SystemWebhook, server.URL
	cfg.Webhook.SecretFile = doortest.File(t, "key", "whsec_"+base64.StdEncoding.EncodeToString([]byte(canary))+"\n")
	return cfg
}

// sort is one sort of ticket system that takes messages and can be asked nothing.
type sort struct {
	name     string
	open     func(p *post, t *testing.T, cert *tls.Certificate) Config
	delivery func(c *Config, word string)
	trust    func(c *Config, ca string)
	// The keys of the messages of a case: its opening, its closing, and that it is open again
	// under the number of another.
	opening, closing func(ref string) string
	reopening        func(ref, before string) string
}

func sorts() []sort {
	return []sort{
		{
			SystemMail, (*post).mail,
			func(c *Config, word string) { c.Mail.Delivery = word },
			func(c *Config, ca string) { c.Mail.CAFile = ca },
			func(ref string) string { return ref + ".1" },
			func(ref string) string { return ref + ".2 re " + ref + ".1" },
			func(ref, before string) string { return ref + ".1 re " + before + ".1" },
		},
		{
			SystemWebhook, (*post).webhook,
			func(c *Config, word string) { c.Webhook.Delivery = word },
			func(c *Config, ca string) { c.Webhook.CAFile = ca },
			func(ref string) string { return ref + "/create/1" },
			func(ref string) string { return ref + "/close/1 re T-" + ref },
			func(ref, before string) string { return ref + "/reopen/1 re T-" + before },
		},
	}
}

// messages is one such ticket system and the platform.
type messages struct {
	t *testing.T
	*post
	c     *clock
	l     *ledger
	r     *Reconciler
	route Route
}

func newMessages(t *testing.T, w sort, cert *tls.Certificate, change func(*Config, *Route)) *messages {
	t.Helper()
	m := &messages{t: t, post: &post{of: map[string]string{}}, c: newClock(), l: newLedger(), route: Route{AutoClose: AutoCloseUntouched, ReopenWithin: 2 * time.Hour}}
	cfg := w.open(m.post, t, cert)
	m.route.System = w.name
	if change != nil {
		change(&cfg, &m.route)
	}
	all, err := Open(cfg, Parts{Linked: m.l.linked, Now: m.c.now})
	if err != nil {
		t.Fatal(err)
	}
	tools := around(m.l, all[w.name], m.c)
	tools.Router = straight(m.route)
	m.l.now = m.c.now
	m.r = reconcilerWith(t, cfg, tools)
	return m
}

// let time pass, with a turn every minute.
func (m *messages) let(d time.Duration) {
	m.t.Helper()
	for end := m.c.now().Add(d); m.c.now().Before(end); m.c.advance(time.Minute) {
		if err := m.r.pass(m.t.Context()); err != nil {
			m.t.Fatal(err)
		}
	}
}

func (m *messages) is(ref string, state city.TicketState) city.Ticket {
	m.t.Helper()
	got := m.l.ticket(ref)
	if got.State != state {
		m.t.Fatalf("%s is %+v, want %s; history %q", ref, got, state, m.l.history(ref))
	}
	return got
}

func (m *messages) want(came int, keys ...string) {
	m.t.Helper()
	if got, n := m.got(); !slices.Equal(got, keys) || n != came {
		m.t.Fatalf("%d messages %q, want %d of %q", n, got, came, keys)
	}
}

// The contract of ticket systems that take messages: what goes out in the life of a case, and
// what a lost answer makes of each.
func TestMessagesContract(t *testing.T) {
	for _, w := range sorts() {
		begin := func(t *testing.T, change func(*Config, *Route)) *messages {
			m := newMessages(t, w, nil, change)
			m.l.open(ref)
			return m
		}
		for _, again := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/a life, at least once %v", w.name, again), func(t *testing.T) {
				m := begin(t, func(_ *Config, r *Route) { r.AtLeastOnce = again })
				m.let(time.Minute)
				m.is(ref, city.TicketOpen)
				m.want(1, w.opening(ref))
				m.l.change(ref, func(c *city.Case) { c.Grade = 2 })
				m.let(5 * time.Minute)
				keys, n := m.got()
				if n != 2 || !strings.Contains(keys[1], "note-") || !strings.Contains(m.of[keys[1]], "dringender geworden") || !strings.Contains(m.of[keys[1]], ref) {
					t.Fatalf("%d messages %q", n, m.of)
				}
				m.l.closeAt(m.c.now(), ref)
				m.let(time.Minute)
				m.is(ref, city.TicketClosed)
				m.want(3, w.opening(ref), keys[1], w.closing(ref))
				m.l.open("S-2")
				m.l.change("S-2", func(c *city.Case) { c.Opened = m.c.now() })
				m.let(time.Minute)
				if got := m.is("S-2", city.TicketOpen); got.Follows != ref {
					t.Errorf("got %+v", got)
				}
				following := w.opening("S-2") // a reopening would be repeated until it is answered
				if again {
					following = w.reopening("S-2", ref)
				}
				m.want(4, w.opening(ref), keys[1], w.closing(ref), following)
			})
		}
		t.Run(w.name+"/answers lost, at least once", func(t *testing.T) {
			m := begin(t, func(c *Config, r *Route) { w.delivery(c, "at-least-once"); r.AtLeastOnce = true })
			m.loses(2)
			m.let(30 * time.Minute)
			m.is(ref, city.TicketOpen)
			m.want(3, w.opening(ref))
			m.loses(1)
			m.l.change(ref, func(c *city.Case) { c.Grade = 2 })
			m.let(5 * time.Hour)
			keys, _ := m.got()
			if len(keys) != 2 {
				t.Fatalf("got %q", keys)
			}
			m.want(4, w.opening(ref), keys[1]) // a note is never sent twice
			m.loses(2)
			m.l.closeAt(m.c.now(), ref)
			m.let(30 * time.Minute)
			m.is(ref, city.TicketClosed)
			m.want(7, w.opening(ref), keys[1], w.closing(ref))
		})
		t.Run(w.name+"/never an answer, at least once", func(t *testing.T) {
			m := begin(t, func(c *Config, r *Route) { w.delivery(c, "at-least-once"); r.AtLeastOnce = true })
			m.loses(1 << 30)
			m.let(24 * time.Hour)
			m.is(ref, city.TicketManual)
			m.want(config().MaxCreates, w.opening(ref))
		})
		t.Run(w.name+"/an answer lost, at most once", func(t *testing.T) {
			m := begin(t, func(c *Config, _ *Route) { w.delivery(c, "at-most-once") })
			m.loses(1)
			m.let(24 * time.Hour)
			m.is(ref, city.TicketManual)
			m.want(1, w.opening(ref))
			m.l.wish(city.Wish{Ref: ref, At: m.c.now(), By: "A. Beispiel", Kind: city.WishLink, Number: "T-" + ref})
			m.let(time.Minute)
			m.is(ref, city.TicketOpen)
			m.want(1, w.opening(ref))
		})
		t.Run(w.name+"/what somebody has written", func(t *testing.T) {
			m := newMessages(t, w, nil, nil)
			m.l.open(ref)
			m.l.change(ref, func(c *city.Case) { c.Title = "=1+1 \x1b[31m\r\nX-Fremd: 1\r\n.\r\n<b>" })
			m.let(time.Minute)
			m.is(ref, city.TicketOpen)
			m.want(1, w.opening(ref))
			if text := m.of[w.opening(ref)]; strings.Contains(text, "\x1b") || strings.Contains(text, "\nX-Fremd") {
				t.Errorf("got %q", text)
			}
		})
	}
}

// A certificate that is not good is refused before anything is sent. Nothing is parked, and
// everything goes out once it is mended.
func TestMessagesRefuseCertificates(t *testing.T) {
	known, unknown := doortest.NewAuthority(t, "Stadt"), doortest.NewAuthority(t, "Fremde")
	pair := func(a *doortest.Authority, until time.Time) *tls.Certificate {
		cert, key := a.Issue("127.0.0.1", 7, until)
		c, err := tls.X509KeyPair([]byte(cert), []byte(key))
		if err != nil {
			t.Fatal(err)
		}
		return &c
	}
	ca := doortest.File(t, "ca.pem", known.PEM)
	for _, w := range sorts() {
		for name, tt := range map[string]struct {
			cert *tls.Certificate
			host string
			good bool
		}{
			"good":                 {cert: pair(known, time.Now().Add(time.Hour)), good: true},
			"of another authority": {cert: pair(unknown, time.Now().Add(time.Hour))},
			"expired":              {cert: pair(known, time.Now().Add(-time.Minute))},
			"of another name":      {cert: pair(known, time.Now().Add(time.Hour)), host: "localhost"},
		} {
			t.Run(w.name+"/"+name, func(t *testing.T) {
				m := newMessages(t, w, tt.cert, func(c *Config, _ *Route) {
					w.trust(c, ca)
					if tt.host != "" {
						c.Mail.Server = strings.Replace(c.Mail.Server, "127.0.0.1", tt.host, 1)
						c.Webhook.URL = strings.Replace(c.Webhook.URL, "127.0.0.1", tt.host, 1)
					}
				})
				m.l.open(ref)
				m.let(2 * time.Hour)
				if tt.good {
					m.is(ref, city.TicketOpen)
					m.want(1, w.opening(ref))
					return
				}
				if got := m.is(ref, city.TicketQueued); !strings.Contains(got.Error, "certificate") || got.Creates != 0 {
					t.Errorf("got %+v", got)
				}
				m.want(0)
			})
		}
	}
}

// No failure tells the key that webhooks are signed with: not the log, not what people read on
// the board, and not what goes out.
func TestWebhookKeyStaysSecret(t *testing.T) {
	forms := []string{
		canary, base64.StdEncoding.EncodeToString([]byte(canary)), base64.RawURLEncoding.EncodeToString([]byte(canary)), hex.EncodeToString([]byte(canary)), "whsec_",
	}
	unseen := func(t *testing.T, where, text string) {
		t.Helper()
		for _, f := range forms {
			if strings.Contains(text, f) {
				t.Errorf("%s: %q is in %s", where, f, text)
			}
		}
	}
	echo := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			var b bytes.Buffer
			_ = r.Write(&b)
			unseen(t, "what goes out", b.String())
			w.WriteHeader(status)
			_, _ = w.Write(b.Bytes())
		}
	}
	for name, answer := range map[string]http.HandlerFunc{
		"200": echo(200), "302": echo(302), "400": echo(400), "401": echo(401), "409": echo(409), "422": echo(422), "429": echo(429), "500": echo(500), "503": echo(503),
		"hangs up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"nobody":   nil,
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(answer)
			server.Config.ErrorLog = stdlog.New(io.Discard, "", 0)
			server.Start()
			defer server.Close()
			if answer == nil {
				server.Close()
			}
			var log bytes.Buffer
			c, l := newClock(), newLedger()
			cfg := (&post{of: map[string]string{}}).webhook(t, nil)
			cfg.Webhook.URL = server.URL + "/in?tenant=1"
			all, err := Open(cfg, Parts{Linked: l.linked, Now: c.now, Log: zerolog.New(&log)})
			if err != nil {
				t.Fatal(err)
			}
			r, err := New(cfg, around(l, all[SystemWebhook], c), zerolog.New(&log), prometheus.NewPedanticRegistry())
			if err != nil {
				t.Fatal(err)
			}
			l.open(ref)
			for range 60 {
				if err := r.pass(t.Context()); err != nil {
					t.Fatal(err)
				}
				c.advance(time.Minute)
			}
			got := l.ticket(ref)
			if got.Error == "" || log.Len() == 0 {
				t.Fatalf("nothing has failed: %+v", got)
			}
			unseen(t, "the ticket", fmt.Sprintf("%+v", got))
			unseen(t, "the history", strings.Join(l.history(ref), "\n"))
			unseen(t, "the log", log.String())
			unseen(t, "what the board says", fmt.Sprintf("%+v", r.Outages()))
		})
	}
	for name, content := range map[string]string{
		"no prefix": canary, "no base64": "whsec_" + canary + "!", "two lines": "whsec_" + forms[1] + "\nwhsec_" + forms[1], "too short": "whsec_" + base64.StdEncoding.EncodeToString([]byte(canary[:10])),
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config()
			cfg.System, cfg.Webhook.URL, cfg.Webhook.SecretFile = SystemWebhook, "https://meldungen.example/", doortest.File(t, "key", content)
			_, err := Open(cfg, Parts{Now: time.Now})
			if err == nil {
				t.Fatal("taken")
			}
			if text := err.Error(); strings.Contains(text, canary[:10]) || strings.Contains(text, forms[1][:10]) {
				t.Errorf("the key is in %s", text)
			}
		})
	}
}
