package inbox

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"meldefunk/city"
	"meldefunk/city/door"
	"meldefunk/city/door/doortest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const canary = "geheim-geheim-geheim-geheim" // no secret of ours may ever be seen

var now = time.Date(2026, 11, 22, 11, 0, 0, 0, time.UTC)

// told is what arrived.
type told struct {
	system string
	r      city.Remote
}

// stage is a Server that listens, and what it handed on.
type stage struct {
	t      *testing.T
	url    string
	client *http.Client
	key    door.SigningKey
	log    *strings.Builder

	mu   sync.Mutex
	at   time.Time
	got  []told
	fail error // of each push
}

func (s *stage) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at
}

func (s *stage) push(_ context.Context, system string, r city.Remote) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail == nil {
		s.got = append(s.got, told{system, r})
	}
	return s.fail
}

func (s *stage) failWith(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

func (s *stage) seen() []told {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got
}

func start(t *testing.T, change func(*Config)) *stage {
	t.Helper()
	s := &stage{t: t, key: door.SigningKey(canary), at: now, client: &http.Client{Timeout: 30 * time.Second}, log: &strings.Builder{}}
	cfg := Config{Listen: "127.0.0.1:0", Secrets: map[string]Secret{
		"emsos":   {File: doortest.File(t, "key", "whsec_"+base64.StdEncoding.EncodeToString([]byte(canary))+"\n")},
		"bauhof":  {File: doortest.File(t, "key", "whsec_"+base64.StdEncoding.EncodeToString([]byte("the other key of 27 bytes..")))},
		"missing": {File: doortest.File(t, "key", "whsec_"+base64.StdEncoding.EncodeToString([]byte(canary)))},
	}}
	if change != nil {
		change(&cfg)
	}
	srv, err := New(cfg, s.push, s.now, zerolog.New(zerolog.SyncWriter(s.log)), prometheus.NewPedanticRegistry())
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		t.Fatal(err)
	}
	s.url = "http://" + ln.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ctx, ln) }()
	t.Cleanup(func() {
		s.client.CloseIdleConnections()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if strings.Contains(s.log.String(), canary) || strings.Contains(s.log.String(), base64.StdEncoding.EncodeToString([]byte(canary))) {
			t.Errorf("the secret is in the log: %s", s.log)
		}
	})
	return s
}

// request is a message that is right, to be made wrong.
func (s *stage) request(id, body string) *http.Request {
	s.t.Helper()
	r, err := http.NewRequest(http.MethodPost, s.url+"/tickets/emsos", strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	at := s.now()
	r.Header.Set("Webhook-Id", id)
	r.Header.Set("Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10))
	r.Header.Set("Webhook-Signature", s.key.Sign(id, at, []byte(body)))
	return r
}

func (s *stage) do(r *http.Request) (int, string) {
	s.t.Helper()
	resp, err := s.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func (s *stage) answers(r *http.Request, code int, words string) {
	s.t.Helper()
	if got, text := s.do(r); got != code || !strings.Contains(text, words) || strings.Contains(text, canary) {
		s.t.Errorf("answered %d %s, want %d %s", got, text, code, words)
	}
}

func message(data string) string {
	return `{"specversion":"1.0","id":"e1","source":"/emsos","type":"de.meldefunk.ticket.status.v1","traceparent":"x","data":` + data + `}`
}

const done = `{"ref":"S-7K3QF2PA","id":"1001","status":"closed","notes":"Geleert – Müller & Söhne","updated":"2026-11-22T10:59:00Z"}`

func TestTold(t *testing.T) {
	s := start(t, nil)
	s.answers(s.request("m1", message(done)), 200, "ok")
	s.answers(s.request("m2", message(`{"id":"1002","status":"in_progress"}`)), 200, "ok")
	want := []told{
		{"emsos", city.Remote{Ref: "S-7K3QF2PA", ID: "1001", Progress: city.ProgressDone, Notes: "Geleert – Müller & Söhne", Updated: now.Add(-time.Minute)}},
		{"emsos", city.Remote{ID: "1002", Progress: city.ProgressWorking, Updated: now}}, // when it was signed
	}
	if got := s.seen(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestRefused(t *testing.T) {
	s := start(t, nil)
	body := message(done)
	for name, c := range map[string]struct {
		change func(*http.Request)
		body   string
		code   int
		words  string
	}{
		"no signature":        {func(r *http.Request) { r.Header.Del("Webhook-Signature") }, body, 401, "signature"},
		"another's signature": {func(r *http.Request) { r.URL.Path = "/tickets/bauhof" }, body, 401, "signature"},
		"another id":          {func(r *http.Request) { r.Header.Set("Webhook-Id", "m2") }, body, 401, "signature"},
		"another body":        {func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(body + " ")); r.ContentLength++ }, body, 401, "signature"},
		"no timestamp":        {func(r *http.Request) { r.Header.Del("Webhook-Timestamp") }, body, 401, "timestamp"},
		"old":                 {func(r *http.Request) { s.age(r, -5*time.Minute-time.Second, body) }, body, 401, "timestamp"},
		"of the future":       {func(r *http.Request) { s.age(r, 5*time.Minute+time.Second, body) }, body, 401, "timestamp"},
		"unknown system":      {func(r *http.Request) { r.URL.Path = "/tickets/fax" }, body, 404, "no ticket system"},
		"no system":           {func(r *http.Request) { r.URL.Path = "/" }, body, 404, "no ticket system"},
		"dots":                {func(r *http.Request) { r.URL.Path = "/tickets/../tickets/emsos" }, body, 404, "no ticket system"},
		"GET":                 {func(r *http.Request) { r.Method = http.MethodGet }, body, 405, "POST"},
		"large":               {nil, message(`{"id":"1","status":"open","notes":"` + strings.Repeat("x", maxBody) + `"}`), 413, "bytes"},
		"no id": {func(r *http.Request) {
			r.Header.Del("Webhook-Id")
			r.Header.Set("Webhook-Signature", s.key.Sign("", now, []byte(body)))
		}, body, 400, "webhook-id"},
		"no JSON":              {nil, "x", 400, "no CloudEvent"},
		"two values":           {nil, body + "{}", 400, "no CloudEvent"},
		"a list":               {nil, "[" + body + "]", 400, "no CloudEvent"},
		"null":                 {nil, "null", 400, "specversion"},
		"other version":        {nil, strings.Replace(body, `"1.0"`, `"0.3"`, 1), 400, "specversion"},
		"other type":           {nil, strings.Replace(body, "ticket.status", "case.closed", 1), 400, "want de.meldefunk.ticket.status.v1"},
		"no source":            {nil, strings.Replace(body, `"/emsos"`, `""`, 1), 400, "id and source"},
		"binary data":          {nil, `{"specversion":"1.0","id":"e","source":"s","type":"` + Type + `","datacontenttype":"text/xml","data":"x"}`, 400, "application/json"},
		"no data":              {nil, `{"specversion":"1.0","id":"e","source":"s","type":"` + Type + `"}`, 400, "data is missing"},
		"data is null":         {nil, message("null"), 400, "neither ref nor id"},
		"unknown field":        {nil, message(`{"id":"1","status":"open","state":"x"}`), 400, "unknown field"},
		"unknown status":       {nil, message(`{"id":"1","status":"offen"}`), 400, "want one of"},
		"no status":            {nil, message(`{"id":"1"}`), 400, "want one of"},
		"number as number":     {nil, message(`{"id":1,"status":"open"}`), 400, "data"},
		"control characters":   {nil, message(`{"id":"1\u001b[2J","status":"open"}`), 400, "control characters"},
		"long number":          {nil, message(`{"id":"` + strings.Repeat("1", 201) + `","status":"open"}`), 400, "200 bytes"},
		"long notes":           {nil, message(`{"id":"1","status":"open","notes":"` + strings.Repeat("ü", 4001) + `"}`), 400, "4000 characters"},
		"date as people do it": {nil, message(`{"id":"1","status":"open","updated":"22.11.2026"}`), 400, "data"},
		"local time as UTC":    {nil, message(`{"id":"1","status":"open","updated":"2026-11-22T12:00:00Z"}`), 400, "lies in the future: look at the clock and its zone"},
		"not UTF-8":            {nil, message("{\"id\":\"1\",\"status\":\"open\",\"notes\":\"\xff\"}"), 400, "UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.request("m1", c.body)
			if c.change != nil {
				c.change(r)
			}
			s.answers(r, c.code, c.words)
		})
	}
	if got := s.seen(); len(got) != 0 {
		t.Errorf("handed on: %v", got)
	}
}

// age signs a request anew, as if it had been sent at another time.
func (s *stage) age(r *http.Request, by time.Duration, body string) {
	at := s.now().Add(by)
	r.Header.Set("Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10))
	r.Header.Set("Webhook-Signature", s.key.Sign(r.Header.Get("Webhook-Id"), at, []byte(body)))
}

// What is not on the disk gets no 2xx, and is taken when it comes again; what is there is not
// handed on twice, as long as anybody can play it back.
func TestAgain(t *testing.T) {
	s := start(t, nil)
	body := message(done)
	s.failWith(errors.New("disk full"))
	s.answers(s.request("m1", body), 503, "send it again")
	s.failWith(fmt.Errorf("town has no ticket: %w", city.ErrNoCase))
	s.answers(s.request("m1", body), 404, "no such ticket")
	s.failWith(nil)
	s.answers(s.request("m1", body), 200, "ok")

	ahead := s.request("m2", body)
	s.age(ahead, tolerance, body)
	again := ahead.Clone(t.Context())
	again.Body = io.NopCloser(strings.NewReader(body))
	s.answers(ahead, 200, "ok")
	s.mu.Lock()
	s.at = s.at.Add(remembered) // the last moment in which its timestamp is good
	s.mu.Unlock()
	s.answers(again, 200, "known already")
	if n := len(s.seen()); n != 2 {
		t.Errorf("handed on %d times, want 2", n)
	}
}

// What is kept of a ticket system is bounded, and so is what it may send.
func TestMemory(t *testing.T) {
	var m memory
	for i := range most {
		if known, room := m.knows(fmt.Sprint(i), now); known || !room {
			t.Fatalf("%d: known %v, room %v", i, known, room)
		}
		m.took(fmt.Sprint(i), now)
		m.took(fmt.Sprint(i), now)
	}
	if known, room := m.knows("x", now.Add(remembered)); known || room {
		t.Errorf("when full: known %v, room %v", known, room)
	}
	if known, _ := m.knows("0", now.Add(remembered)); !known {
		t.Error("forgotten too early")
	}
	if known, room := m.knows("0", now.Add(remembered+1)); known || !room || len(m.times) != 0 {
		t.Errorf("later: known %v, room %v, %d kept", known, room, len(m.times))
	}
}

// With TLS there is no way around it, and who asks for client certificates gets none else in.
func TestTLS(t *testing.T) {
	gate := doortest.NewGate(t)
	s := start(t, func(c *Config) { c.TLS = gate.TLS })
	s.mu.Lock()
	s.at = time.Now() // that of the certificates
	s.mu.Unlock()
	resp, err := s.client.Do(s.request("m0", message(done)))
	if err == nil {
		_ = resp.Body.Close()
		if resp.StatusCode < 300 {
			t.Errorf("plaintext is taken: %s", resp.Status)
		}
	}
	s.url = strings.Replace(s.url, "http:", "https:", 1)
	n := 0
	gate.Try(t, "emsos", func(t *testing.T, client *tls.Config) error {
		transport := &http.Transport{TLSClientConfig: client}
		defer transport.CloseIdleConnections()
		n++
		resp, err := (&http.Client{Transport: transport, Timeout: 30 * time.Second}).Do(s.request(fmt.Sprint("m", n), message(done)))
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Errorf("answered %s", resp.Status)
		}
		return nil
	})
	if len(s.seen()) == 0 {
		t.Error("nothing was taken")
	}
}

func TestConfig(t *testing.T) {
	key := doortest.File(t, "key", "whsec_"+base64.StdEncoding.EncodeToString([]byte(canary)))
	good := map[string]Secret{"emsos": {File: key}}
	for name, c := range map[string]struct {
		cfg  Config
		want string // "": none
	}{
		"none":              {Config{}, ""},
		"good":              {Config{Listen: "127.0.0.1:0", Secrets: good}, ""},
		"no address":        {Config{Secrets: good}, "listen is missing"},
		"TLS, no address":   {Config{TLS: door.TLS{CertFile: "x", KeyFile: "y"}}, "listen is missing"},
		"from the network":  {Config{Listen: ":8092", Secrets: good}, "can be reached from the network"},
		"half a pair":       {Config{Listen: "127.0.0.1:0", TLS: door.TLS{CertFile: "x"}, Secrets: good}, "give both or neither"},
		"no certificate":    {Config{Listen: "127.0.0.1:0", TLS: door.TLS{CertFile: key, KeyFile: key}, Secrets: good}, "inbox: tls.cert_file"},
		"nobody":            {Config{Listen: "127.0.0.1:0"}, "nobody may post"},
		"two places":        {Config{Listen: "127.0.0.1:0", Secrets: map[string]Secret{"emsos": {File: key, Env: "X"}}}, "emsos: set one of"},
		"no place":          {Config{Listen: "127.0.0.1:0", Secrets: map[string]Secret{"emsos": {}}}, "emsos: set one of"},
		"no such file":      {Config{Listen: "127.0.0.1:0", Secrets: map[string]Secret{"emsos": {File: key + "x"}}}, "emsos: secret_file"},
		"no such variable":  {Config{Listen: "127.0.0.1:0", Secrets: map[string]Secret{"emsos": {Env: "MELDEFUNK_TEST_NONE"}}}, "24 to 64 bytes"},
		"no host, no port.": {Config{Listen: "8092", Secrets: good}, "want host and port"},
	} {
		s, err := New(c.cfg, nil, time.Now, zerolog.Nop(), prometheus.NewRegistry())
		switch {
		case c.want == "" && (err != nil || (s == nil) != (c.cfg.Listen == "")):
			t.Errorf("%s: %v, %v", name, s, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
}

// FuzzParse: whatever is signed, it is a whole status within its bounds, or an error.
func FuzzParse(f *testing.F) {
	f.Add([]byte(message(done)))
	f.Add([]byte(message(`{"id":"1","status":"rejected"}`)))
	f.Add([]byte(`{"specversion":"1.0","data":{"ID":1}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := parse(body)
		if err != nil {
			if r != (city.Remote{}) {
				t.Errorf("an error and %+v", r)
			}
			return
		}
		if r.Progress == "" || r.Ref == "" && r.ID == "" || len(r.Ref) > maxNumber || len(r.ID) > maxNumber || len(r.Notes) > 4*maxNotes {
			t.Errorf("took %+v", r)
		}
	})
}
