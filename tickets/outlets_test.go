package tickets

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"meldefunk/tickets/georeport"
	"meldefunk/tickets/mail"
	"meldefunk/tickets/open311"
	"meldefunk/tickets/profile"
)

// outlet is a ticket system to which cases go on their way through crashes.
type outlet struct {
	name   string
	kind   string // SystemOpen311, …
	again  bool   // where it cannot be searched for, rather twice than never
	reads  bool   // it can be searched for
	thread bool   // what is opened again is a thread of its own
}

var outlets = []outlet{
	{name: "strict", kind: SystemOpen311, reads: true},
	{name: "fixmystreet", kind: SystemOpen311, reads: true},
	{name: "mark-a-spot", kind: SystemOpen311, reads: true},
	{name: "klarschiff", kind: SystemOpen311, reads: true},
	{name: "sensor-meldung", kind: SystemOpen311, reads: true},
	{name: "webhook-again", kind: SystemWebhook, again: true},
	{name: "webhook-once", kind: SystemWebhook},
	{name: "mail-again", kind: SystemMail, again: true, thread: true},
	{name: "mail-once", kind: SystemMail, thread: true},
}

func outletNamed(name string) outlet {
	return outlets[slices.IndexFunc(outlets, func(w outlet) bool { return w.name == name })]
}

// refs gives the refs of the two cases of an episode.
func (w outlet) refs(n int) []string {
	episode := fmt.Sprintf("S-%c%06d", "ABCDEFGHJ"[slices.Index(outlets, w)], n)
	return []string{episode + "1", episode + "2"}
}

// Where a life finds its secrets.
const (
	keyEnv    = "MELDEFUNK_TEST_KEY"
	secretEnv = "MELDEFUNK_TEST_SECRET"
)

func (w outlet) config(address string) SystemConfig {
	s := NewSystemConfig(w.kind)
	delivery := mail.AtMostOnce
	if w.again {
		delivery = mail.AtLeastOnce
	}
	const timeout = 10 * time.Second // a slow machine is not a fault
	s.Open311.Endpoint, s.Open311.APIKeyEnv, s.Open311.Timeout = address, keyEnv, timeout
	s.Open311.Flavour, s.Open311.Email = w.name, "sensorik@stadt.example"
	s.Open311.ServiceMap = map[string]string{"OS-ABF-01": "ABF-1"}
	if w.name == "strict" {
		s.Open311.Updates = open311.UpdatesRequest
	}
	s.Webhook.URL, s.Webhook.SecretEnv, s.Webhook.Delivery, s.Webhook.Timeout = address, secretEnv, delivery, timeout
	s.Mail.Server, s.Mail.TLS, s.Mail.Delivery, s.Mail.Timeout = address, mail.TLSNone, delivery, timeout
	s.Mail.From, s.Mail.To = "Stadtsensorik <sensorik@stadt.example>", []string{"osb@stadt.example"}
	return s
}

// held is a ticket, as its ticket system has it.
type held struct {
	ref, id  string
	closed   bool
	creates  int // messages that opened it
	closings int // that closed it
}

// standIn is a ticket system behind a proxy that loses answers.
type standIn struct {
	address string
	tickets func() []held
}

// stand starts the ticket system of an outlet.
func (w outlet) stand(t *testing.T, c quick, f *faults) standIn {
	switch w.kind {
	case SystemWebhook:
		r := &receiver{all: map[string]*held{}}
		return standIn{listen(t, r, f), r.tickets}
	case SystemMail:
		b := &mailroom{faults: f, all: map[string]*held{}}
		return standIn{b.listen(t), b.tickets}
	}
	if w.name == "sensor-meldung" {
		s, err := profile.New(profile.Config{APIKey: secret, Services: []profile.Service{{Code: "ABF-1", Name: "Papierkorb voll"}}, Now: c.now})
		if err != nil {
			t.Fatal(err)
		}
		return standIn{listen(t, s, f), func() (all []held) {
			for _, q := range s.Requests() {
				all = append(all, held{ref: q.Ref, id: q.ID, closed: q.Status == "closed", creates: 1})
			}
			return all
		}}
	}
	habits := georeport.Flavours()[w.name]
	s, err := georeport.New(georeport.Config{
		APIKey: secret, Now: c.now, Habits: habits, Services: []georeport.Service{{Code: "ABF-1", Name: "Papierkorb voll"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return standIn{listen(t, s, f), func() (all []held) {
		for _, q := range s.Requests() {
			one := held{id: fmt.Sprint(q.ID) + habits.Suffix, closed: q.Closed, creates: 1}
			if m := marker.FindStringSubmatch(q.Description); m != nil {
				one.ref = m[1]
			}
			for _, u := range s.Updates() {
				if u.Request == q.ID && (u.Status == "CLOSED" || u.Status == "PROCESSED") {
					one.closings++
				}
			}
			all = append(all, one)
		}
		return all
	}}
}

var marker = regexp.MustCompile(`\[Ref (S-[0-9A-Z]{8})\]$`)

// faults are what may happen to an answer on its way back.
type faults struct {
	mu     sync.Mutex
	random *rand.Rand // nil: of each episode the first answer to each kind of message is lost,
	once   bool       // but that to the first create arrives
	lost   map[string]bool
	mended bool
}

// The ways to lose an answer.
const (
	arrives = iota
	dropped
	badGateway
	truncated
	slow
	unavailable // nothing is done
)

// next gives what happens to the answer to a message, which is the ref for a create, and for
// others the episode and a kind.
func (f *faults) next(message string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.mended:
		return arrives
	case f.random == nil && (f.lost[message] || f.once && firstRef.MatchString(message)):
		return arrives
	case f.random == nil:
		f.lost[message] = true
		return dropped + len(f.lost)%(unavailable-dropped)
	case f.random.IntN(2) == 0:
		return arrives
	}
	return dropped + f.random.IntN(unavailable-dropped+1)
}

func (f *faults) mend() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mended = true
}

// listen serves h behind the faults. What only asks is always answered.
func listen(t *testing.T, h http.Handler, f *faults) string {
	t.Helper()
	var mu sync.Mutex
	last := "" // ref of a create: an outlet has one episode after the other
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			h.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the process died while it sent
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		status := statusWord.Find(body) // of what tells no status it is part of the data, or there is none
		mu.Lock()
		message := ""
		if string(status) == "case.opened.v1" || strings.HasPrefix(r.URL.Path, "/requests.") {
			last = string(anyRef.Find(body))
			message = last
		} else if last != "" {
			message = fmt.Sprintf("%s %s %s %s", last[:9], r.Method, r.URL.Path, status)
		}
		kind := f.next(message)
		mu.Unlock()
		if kind == unavailable {
			http.Error(w, "Wartungsarbeiten", http.StatusServiceUnavailable)
			return
		}
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		switch kind {
		case dropped:
			panic(http.ErrAbortHandler)
		case badGateway:
			http.Error(w, "Bad Gateway", http.StatusBadGateway)
			return
		case slow:
			select {
			case <-r.Context().Done():
			case <-time.After(100 * time.Millisecond):
			}
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
		w.Header().Set("Content-Length", fmt.Sprint(answer.Body.Len()))
		w.WriteHeader(answer.Code)
		if kind == truncated {
			_, _ = w.Write(answer.Body.Bytes()[:answer.Body.Len()/2])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write(answer.Body.Bytes())
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// What tells one kind of message from another beside its address, and which episode it is of.
var (
	statusWord = regexp.MustCompile(`status"?[=:] ?"?[A-Za-z]+|case\.[a-z]+\.v1`)
	anyRef     = regexp.MustCompile(`S-[A-J][0-9]{7}`)
	firstRef   = regexp.MustCompile(`^S-[A-J][0-9]{6}1$`)
)

// receiver takes webhooks, and each key once.
type receiver struct {
	mu   sync.Mutex
	all  map[string]*held // by ref, and by number
	keys []string
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var e struct {
		ID, Type string
		Data     struct {
			Ref string
			ID  string `json:"service_request_id"`
		}
	}
	if err := json.NewDecoder(req.Body).Decode(&e); err != nil || req.Header.Get("Webhook-Id") != e.ID || e.ID == "" {
		http.Error(w, "no message", http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	known := slices.Contains(r.keys, e.ID)
	r.keys = append(r.keys, e.ID)
	one := r.all[e.Data.ID]
	if strings.Contains(e.Type, "opened.v1") && !strings.Contains(e.Type, "reopened") {
		if one = r.all[e.Data.Ref]; one == nil {
			one = &held{ref: e.Data.Ref, id: fmt.Sprint("W-", len(r.all))}
			r.all[one.ref], r.all[one.id] = one, one
		}
		one.creates++
	}
	if one == nil {
		http.Error(w, "no such number", http.StatusNotFound)
		return
	}
	if !known && !strings.Contains(e.Type, "updated") {
		one.closed = strings.Contains(e.Type, "closed")
		if one.closed {
			one.closings++
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]string{"ref": e.Data.Ref, "id": one.id})
}

func (r *receiver) tickets() (all []held) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, one := range r.all {
		if name == one.ref {
			all = append(all, *one)
		}
	}
	return all
}

// mailroom is a mail server and the people who read what comes. To them a mail of a
// Message-ID that they have is the same mail.
type mailroom struct {
	faults *faults
	mu     sync.Mutex
	all    map[string]*held // by ref
	ids    []string
}

func (b *mailroom) listen(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(b)
	server.Domain, server.ReadTimeout, server.WriteTimeout, server.ErrorLog = "mail.example", 10*time.Second, 10*time.Second, silent{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		_ = l.Close()
		_ = server.Close()
		<-done
	})
	return l.Addr().String()
}

func (b *mailroom) NewSession(c *smtp.Conn) (smtp.Session, error) { return &delivery{b, c}, nil }

// delivery is one session with the mail server.
type delivery struct {
	*mailroom
	conn *smtp.Conn
}

func (*delivery) Mail(string, *smtp.MailOptions) error { return nil }
func (*delivery) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (*delivery) Reset()                               {}
func (*delivery) Logout() error                        { return nil }

var messageID = regexp.MustCompile(`^<(S-[0-9A-Z]{8})\.([^@]+)@stadt\.example>$`)

func (d *delivery) Data(r io.Reader) error {
	var id string
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if name, value, ok := strings.Cut(lines.Text(), ": "); ok && id == "" && strings.EqualFold(name, "Message-ID") {
			id = value
		}
	}
	if err := lines.Err(); err != nil {
		return err // the process died while it sent
	}
	m := messageID.FindStringSubmatch(id)
	if m == nil {
		return &smtp.SMTPError{Code: 554, Message: "not one of ours"}
	}
	message := m[1]
	if part, _, _ := strings.Cut(m[2], "-"); part != "1" { // a note's is note-…
		message = m[1][:9] + " " + part
	}
	kind := d.faults.next(message)
	if kind == unavailable {
		return &smtp.SMTPError{Code: 451, Message: "try again later"}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	one := d.all[m[1]]
	if one == nil {
		one = &held{ref: m[1], id: m[1]}
		d.all[m[1]] = one
	}
	switch m[2] {
	case "1":
		one.creates++
	case "2":
		one.closed = true
		if !slices.Contains(d.ids, id) {
			one.closings++
		}
	}
	d.ids = append(d.ids, id)
	if kind != arrives {
		_ = d.conn.Conn().Close()
	}
	return nil
}

func (b *mailroom) tickets() (all []held) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, one := range b.all {
		all = append(all, *one)
	}
	return all
}

type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}
