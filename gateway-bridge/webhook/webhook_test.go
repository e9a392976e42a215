package webhook

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"meldefunk/city"
	"meldefunk/city/door"
	"meldefunk/gateway-bridge/roadtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	secret   = "a-token-that-only-tests-know"
	patience = 20 * time.Second
	limit    = 256 << 10
)

// station is a Server at work before a road of the test's, with a client of its own.
type station struct {
	*Server
	*roadtest.Road
	*roadtest.Service
	t        *testing.T
	url      string
	client   *http.Client
	registry *prometheus.Registry
	log      *roadtest.Log
}

// hook posts to "/lns". Bodies "bad" are malformed, "other" tells nothing.
func hook(t *testing.T) Hook {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return Hook{Server: "lab", Path: "/lns", Secret: Secret{Secret: door.Secret{File: file}}, MaxBody: limit, Understand: understand}
}

func understand(m *city.Message, rejected *city.Rejection) city.Arrival {
	a := city.Arrival{Message: *m}
	switch {
	case rejected != nil:
		a.Err = rejected
	case string(m.Body) == "bad":
		a.Err = city.Reject(city.ReasonMalformed, "it is bad")
	case string(m.Body) != "other":
		a.Event = city.Event{Kind: city.EventUp, DevEUI: city.EUI{1}}
	}
	return a
}

func open(t *testing.T, tune ...func(*Server)) *station {
	t.Helper()
	return openAs(t, DefaultConfig(), []Hook{hook(t)}, tune...)
}

func openAs(t *testing.T, cfg Config, hooks []Hook, tune ...func(*Server)) *station {
	t.Helper()
	st := &station{Road: roadtest.New(t), t: t, registry: prometheus.NewRegistry(), log: roadtest.NewLog(t)}
	s, err := New(cfg, hooks, st.Offer, time.Now, zerolog.New(st.log), st.registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range tune {
		f(s)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	st.Server, st.url = s, "http://"+ln.Addr().String()
	if cfg.TLS.CertFile != "" {
		st.url = "https://" + ln.Addr().String()
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 300}
	st.client = &http.Client{Transport: transport, Timeout: patience}
	st.Service = roadtest.Serve(t, func(ctx context.Context) error { return s.Serve(ctx, ln) })
	t.Cleanup(transport.CloseIdleConnections) // the stop waits for those that never asked anything
	return st
}

// post sends one request with the right token, unless change says otherwise.
func (st *station) post(path string, body io.Reader, change ...func(*http.Request)) (int, string, http.Header) {
	st.t.Helper()
	code, text, header, err := st.try(path, body, change...)
	if err != nil {
		st.t.Fatal(err)
	}
	return code, text, header
}

func (st *station) try(path string, body io.Reader, change ...func(*http.Request)) (int, string, http.Header, error) {
	r, err := http.NewRequest(http.MethodPost, st.url+path, body)
	if err != nil {
		return 0, "", nil, err
	}
	r.Header.Set("Authorization", "Bearer "+secret)
	for _, f := range change {
		f(r)
	}
	resp, err := st.client.Do(r)
	if err != nil {
		return 0, "", nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, strings.TrimSpace(string(text)), resp.Header, err
}

func packed(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b) // a Buffer takes everything
	_ = w.Close()
	return out.Bytes()
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func TestAnswers(t *testing.T) {
	big := bytes.Repeat([]byte("x"), limit+1)
	gz := header("Content-Encoding", "gzip")
	chunked := func(r *http.Request) { r.ContentLength = -1 }
	tests := map[string]struct {
		path   string
		body   []byte
		change []func(*http.Request)
		code   int
		topic  string // of what was offered; "": nothing was
		kept   string // beginning of the body offered
		says   string
	}{
		"query names the event":      {"/lns?event=up", []byte("a"), nil, 200, "webhook/lab/up", "a", "ok"},
		"path names the event":       {"/lns/down/ack", []byte("a"), nil, 200, "webhook/lab/down/ack", "a", "ok"},
		"body names the event":       {"/lns", []byte("a"), nil, 200, "webhook/lab/", "a", "ok"},
		"path with a device":         {"/lns/up/A840410001810001", []byte("a"), nil, 200, "webhook/lab/up/A840410001810001", "a", "ok"},
		"slash at the end":           {"/lns/", []byte("a"), nil, 200, "webhook/lab/", "a", "ok"},
		"gzip":                       {"/lns?event=up", packed([]byte("a")), []func(*http.Request){gz}, 200, "webhook/lab/up", "a", "ok"},
		"malformed":                  {"/lns?event=up", []byte("bad"), nil, 202, "webhook/lab/up", "bad", "set aside: malformed: it is bad"},
		"empty":                      {"/lns?event=up", nil, nil, 200, "webhook/lab/up", "", "ok"},
		"no gzip":                    {"/lns?event=up", []byte("plain"), []func(*http.Request){gz}, 202, "webhook/lab/up", "plain", "set aside: malformed: not gzip"},
		"gzip cut off":               {"/lns?event=up", packed([]byte("abcdef"))[:20], []func(*http.Request){gz}, 202, "webhook/lab/up", "\x1f\x8b", "set aside: malformed: the gzip is broken"},
		"too large":                  {"/lns?event=up", big, nil, 413, "webhook/lab/up", "xxxx", "body of 262145 bytes: max_message is 262144"},
		"too large, size not told":   {"/lns?event=up", big, []func(*http.Request){chunked}, 413, "webhook/lab/up", "xxxx", "body of more than 262144 bytes"},
		"as large as may be":         {"/lns?event=up", big[1:], nil, 200, "webhook/lab/up", "xxxx", "ok"},
		"no event anywhere":          {"/lns", []byte("other"), nil, 400, "", "", "neither URL nor body name the event"},
		"an event of no use":         {"/lns?event=integration", []byte("other"), nil, 200, "webhook/lab/integration", "other", "ok"},
		"no name of an event":        {"/lns?event=a.b", []byte("a"), nil, 400, "", "", `"a.b" is no name of an event`},
		"line break in the event":    {"/lns?event=a%0Ab", []byte("a"), nil, 400, "", "", `"a\nb" is no name`},
		"encoding unknown":           {"/lns?event=up", []byte("a"), []func(*http.Request){header("Content-Encoding", "br")}, 415, "", "", "content-encoding: want gzip or none"},
		"path of nobody":             {"/other?event=up", []byte("a"), nil, 404, "", "", "no webhook has this path"},
		"path that begins alike":     {"/lnsx?event=up", []byte("a"), nil, 404, "", "", "no webhook has this path"},
		"wrong token":                {"/lns?event=up", []byte("a"), []func(*http.Request){header("Authorization", "Bearer x"+secret)}, 401, "", "", "the token is missing or wrong"},
		"no token":                   {"/lns?event=up", []byte("a"), []func(*http.Request){header("Authorization", "")}, 401, "", "", "the token is missing or wrong"},
		"basic in place of bearer":   {"/lns?event=up", []byte("a"), []func(*http.Request){func(r *http.Request) { r.SetBasicAuth("lab", secret) }}, 401, "", "", "the token is missing or wrong"},
		"GET":                        {"/lns?event=up", nil, []func(*http.Request){func(r *http.Request) { r.Method = "GET" }}, 405, "", "", "want POST"},
		"GET without token is a 401": {"/lns", nil, []func(*http.Request){func(r *http.Request) { r.Method = "GET"; r.Header.Del("Authorization") }}, 401, "", "", "the token"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			st := open(t)
			arrived := st.Commit()
			var body io.Reader
			if test.body != nil {
				body = bytes.NewReader(test.body)
			}
			code, text, _ := st.post(test.path, body, test.change...)
			if code != test.code || !strings.HasPrefix(text, test.says) {
				t.Errorf("answer %d %q, want %d %q", code, text, test.code, test.says)
			}
			all := arrived()
			if test.topic == "" {
				if len(all) > 0 {
					t.Errorf("offered %+v", all[0].Message)
				}
				return
			}
			if len(all) != 1 {
				t.Fatalf("%d arrivals, want 1", len(all))
			}
			m := all[0].Message
			if m.Topic != test.topic || m.Server != "lab" || m.Received.IsZero() || !bytes.HasPrefix(m.Body, []byte(test.kept)) {
				t.Errorf("message of %q, topic %q, body %.20q; want %q, %q", m.Server, m.Topic, m.Body, test.topic, test.kept)
			}
			if test.code == 413 && len(m.Body) > keptHead {
				t.Errorf("%d bytes kept", len(m.Body))
			}
			if strings.Contains(st.log.String(), secret) {
				t.Error("the token is in the log")
			}
		})
	}
}

func TestWaysToShowTheToken(t *testing.T) {
	bearer := header("Authorization", "bearer "+secret)
	basic := func(username, password string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(username, password) }
	}
	tests := map[string]struct {
		how       Secret
		show      func(*http.Request)
		code      int
		challenge string
	}{
		"bearer":                {Secret{}, bearer, 200, ""},
		"basic":                 {Secret{Username: "lns"}, basic("lns", secret), 200, ""},
		"basic, other user":     {Secret{Username: "lns"}, basic("root", secret), 401, `Basic realm="meldefunk"`},
		"basic, other password": {Secret{Username: "lns"}, basic("lns", "wrong"), 401, `Basic realm="meldefunk"`},
		"basic, bearer shown":   {Secret{Username: "lns"}, bearer, 401, `Basic realm="meldefunk"`},
		"header":                {Secret{Header: "X-Key"}, header("X-Key", secret), 200, ""},
		"header, other value":   {Secret{Header: "X-Key"}, header("X-Key", secret[1:]), 401, `Bearer realm="meldefunk"`},
		"header, bearer shown":  {Secret{Header: "X-Key"}, bearer, 401, `Bearer realm="meldefunk"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			h := hook(t)
			test.how.File = h.Secret.File
			h.Secret = test.how
			st := openAs(t, DefaultConfig(), []Hook{h})
			st.Commit()
			code, _, head := st.post("/lns?event=up", strings.NewReader("a"), test.show)
			if code != test.code || head.Get("WWW-Authenticate") != test.challenge {
				t.Errorf("answer %d, challenge %q; want %d, %q", code, head.Get("WWW-Authenticate"), test.code, test.challenge)
			}
		})
	}
}

// One network server's token does not open another's webhook; a new token works at once.
func TestTokens(t *testing.T) {
	one, two := hook(t), hook(t)
	two.Server, two.Path = "other", "/other"
	write := func(text string) {
		if err := os.WriteFile(two.Secret.File, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("the-token-of-the-other-server")
	st := openAs(t, DefaultConfig(), []Hook{one, two})
	st.Commit()
	want := func(what string, code int) {
		t.Helper()
		if got, text, _ := st.post("/other?event=up", strings.NewReader("a")); got != code {
			t.Errorf("%s: %d %s, want %d", what, got, text, code)
		}
	}
	want("token of the first", 401)
	write(secret)
	want("token changed", 200)
	write("")
	want("token emptied", 503)
	if n := strings.Count(st.log.String(), `"level":"warn"`); n != 1 {
		t.Errorf("%d warnings, want one a minute:\n%s", n, st.log)
	}
}

// No answer before the commit.
func TestAnsweredAfterTheCommit(t *testing.T) {
	st := open(t)
	answered := make(chan int, 1)
	go func() {
		code, _, _, _ := st.try("/lns?event=up", strings.NewReader("a"))
		answered <- code
	}()
	a := st.Next()
	select {
	case code := <-answered:
		t.Fatalf("answered %d before the commit", code)
	case <-time.After(100 * time.Millisecond): // it must not happen, so there is no event to wait for
	}
	a.Acker.Ack()
	if code := <-answered; code != 200 {
		t.Errorf("answered %d", code)
	}
}

func TestRoadTakesNothing(t *testing.T) {
	st := open(t, func(s *Server) { s.commit = 50 * time.Millisecond })
	code, text, head := st.post("/lns?event=up", strings.NewReader("a"))
	if code != 503 || text != "nothing can be taken just now" || head.Get("Retry-After") != "5" {
		t.Errorf("%d %q, retry after %q", code, text, head.Get("Retry-After"))
	}
}

func TestCommitTakesTooLong(t *testing.T) {
	st := open(t, func(s *Server) { s.commit = 50 * time.Millisecond })
	late := make(chan city.Acker, 1)
	go func() { late <- st.Next().Acker }()
	code, text, _ := st.post("/lns?event=up", strings.NewReader("a"))
	if code != 503 || !strings.HasPrefix(text, "taken, but not on the disk yet") {
		t.Errorf("%d %q", code, text)
	}
	(<-late).Ack() // nobody waits for it any more, and it must not block or panic
}

// A client that leaves before the commit changes nothing for what was taken; one that
// leaves in the middle of its body has sent nothing.
func TestClientLeaves(t *testing.T) {
	st := open(t)
	ctx, leave := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		_, _, _, err := st.try("/lns?event=up", strings.NewReader("a"), func(r *http.Request) { *r = *r.WithContext(ctx) })
		gone <- err
	}()
	a := st.Next()
	leave()
	if err := <-gone; err == nil {
		t.Error("the client got an answer")
	}
	a.Acker.Ack()

	conn, err := net.Dial("tcp", strings.TrimPrefix(st.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /lns?event=up HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 100\r\n\r\nhalf", secret)
	_ = conn.(*net.TCPConn).CloseWrite()
	answer, err := io.ReadAll(conn)
	_ = conn.Close()
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 400") {
		t.Errorf("answer %.60q, %v", answer, err)
	}
	select {
	case a := <-st.Arrivals:
		t.Errorf("offered half a body: %q", a.Message.Body)
	default:
	}
}

// 200 posts at once, with room for 16: each waits for its turn, each is answered 200 once.
func TestManyAtOnce(t *testing.T) {
	const posts = 200
	cfg := DefaultConfig()
	cfg.InFlight = 16
	st := openAs(t, cfg, []Hook{hook(t)}, func(s *Server) { s.slot = patience })
	arrived := st.Commit()
	var wg sync.WaitGroup
	for i := range posts {
		wg.Go(func() {
			if code, text, _, err := st.try("/lns?event=up", strings.NewReader(fmt.Sprint("post ", i))); code != 200 {
				t.Errorf("post %d: %d %s %v", i, code, text, err)
			}
		})
	}
	wg.Wait()
	seen := map[string]int{}
	for _, a := range arrived() {
		seen[string(a.Message.Body)]++
	}
	if len(seen) != posts {
		t.Errorf("%d different posts, want %d", len(seen), posts)
	}
	expect := "# HELP meldefunk_webhook_in_flight Posts that are read or wait for their commit.\n# TYPE meldefunk_webhook_in_flight gauge\nmeldefunk_webhook_in_flight 0\n"
	if err := testutil.GatherAndCompare(st.registry, strings.NewReader(expect), "meldefunk_webhook_in_flight"); err != nil {
		t.Error(err)
	}
	if n := testutil.ToFloat64(st.metrics.requests.WithLabelValues("lab", "200")); n != posts {
		t.Errorf("%v counted, want %d", n, posts)
	}
	if problems, err := testutil.GatherAndLint(st.registry); err != nil || len(problems) > 0 {
		t.Errorf("metrics: %v %v", problems, err)
	}
}

func TestNoRoom(t *testing.T) {
	cfg := DefaultConfig()
	cfg.InFlight = 1
	st := openAs(t, cfg, []Hook{hook(t)}, func(s *Server) { s.slot = 20 * time.Millisecond })
	first := make(chan int, 1)
	go func() {
		code, _, _, _ := st.try("/lns?event=up", strings.NewReader("a"))
		first <- code
	}()
	a := st.Next()
	code, text, head := st.post("/lns?event=up", strings.NewReader("b"))
	if code != 503 || text != "too many posts at once" || head.Get("Retry-After") == "" {
		t.Errorf("%d %q", code, text)
	}
	a.Acker.Ack()
	if code := <-first; code != 200 {
		t.Errorf("the first: %d", code)
	}
}

// endless gives zeros and counts them.
type endless struct {
	left  int64
	given atomic.Int64
}

func (e *endless) Read(b []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(b)), e.left)
	e.left -= n
	e.given.Add(n)
	return int(n), nil
}

// 300 MB at once, told beforehand or not, and 240 MB in a gzip.
func TestHostileSizes(t *testing.T) {
	const size, allowed = 300 << 20, 4 << 20
	bomb := bytes.Repeat(packed(make([]byte, 2<<20)), 120) // members of a gzip unpack one after the other
	if len(bomb) > limit {
		t.Fatalf("the bomb has %d bytes: it must fit", len(bomb))
	}
	nested := packed(append(bytes.Repeat([]byte("["), 1e6), bytes.Repeat([]byte("]"), 1e6)...))
	gz := header("Content-Encoding", "gzip")
	tests := map[string]struct {
		body   func() io.Reader
		change func(*http.Request)
	}{
		"300 MB, told":      {func() io.Reader { return &endless{left: size} }, func(r *http.Request) { r.ContentLength = size }},
		"300 MB, not told":  {func() io.Reader { return &endless{left: size} }, func(r *http.Request) { r.ContentLength = -1 }},
		"gzip bomb, 240 MB": {func() io.Reader { return bytes.NewReader(bomb) }, gz},
		"JSON of depth 1e6": {func() io.Reader { return bytes.NewReader(nested) }, gz},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			st := open(t)
			arrived := st.Commit()
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			body := test.body()
			code, text, _, err := st.try("/lns?event=up", body, test.change)
			runtime.ReadMemStats(&after)
			if code != 413 && err == nil { // the answer may be lost when the connection is cut in the middle of the body
				t.Errorf("%d %.100s", code, text)
			}
			used := after.TotalAlloc - before.TotalAlloc // all that was ever allocated bounds what was held at once
			t.Logf("%d %.80s, %v; %d KiB allocated in all", code, text, err, used>>10)
			if used > allowed {
				t.Errorf("%d KiB allocated, want at most %d", used>>10, allowed>>10)
			}
			if e, ok := body.(*endless); ok && e.given.Load() > 32<<20 {
				t.Errorf("%d MiB were taken before the refusal", e.given.Load()>>20)
			}
			for _, a := range arrived() {
				if len(a.Message.Body) > keptHead || a.Err == nil {
					t.Errorf("%d bytes offered, %v", len(a.Message.Body), a.Err)
				}
			}
		})
	}
}

// Bodies and headers that trickle are cut off, and give their places back.
func TestSlow(t *testing.T) {
	for name, start := range map[string]string{
		"header": "POST /lns?event=up HTTP/1.1\r\nHost: x\r\nX-Slow: ",
		"body":   "POST /lns?event=up HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + secret + "\r\nContent-Length: 1000\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			st := open(t, func(s *Server) { s.read = 200 * time.Millisecond })
			conn, err := net.Dial("tcp", strings.TrimPrefix(st.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, start); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			_ = conn.SetReadDeadline(began.Add(patience))
			answer, err := io.ReadAll(conn)
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took > patience/2 {
				t.Errorf("cut off after %v", took)
			}
			if name == "body" && !strings.HasPrefix(string(answer), "HTTP/1.1 408") {
				t.Errorf("answer %.80q", answer)
			}
			if n := len(st.slots); n != 0 {
				t.Errorf("%d places still taken", n)
			}
		})
	}
}

// The stop refuses what was not offered yet and answers what was.
func TestSoftStop(t *testing.T) {
	st := open(t)
	answers := make(chan int, 2)
	post := func() {
		code, _, _, _ := st.try("/lns?event=up", strings.NewReader("a"))
		answers <- code
	}
	go post()
	taken := st.Next()
	go post() // is offered, and nobody takes it
	for deadline := time.Now().Add(patience); len(st.slots) < 2; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("the second post does not come in")
		}
	}
	st.Cancel()
	if code := <-answers; code != 503 {
		t.Errorf("the one that waited: %d, want 503", code)
	}
	select {
	case err := <-st.Ended:
		t.Fatalf("Serve ended while a post was under way: %v", err)
	case <-time.After(100 * time.Millisecond): // it must not happen, so there is no event to wait for
	}
	if st.Serving() {
		t.Error("says that it serves")
	}
	taken.Acker.Ack()
	if code := <-answers; code != 200 {
		t.Errorf("the one that was taken: %d, want 200", code)
	}
	st.Stop()
	if _, _, _, err := st.try("/lns?event=up", strings.NewReader("a")); err == nil {
		t.Error("still listening")
	}
}

// A road that never commits does not hold up the stop for ever.
func TestStopIsBounded(t *testing.T) {
	st := open(t, func(s *Server) { s.drain = 50 * time.Millisecond })
	answered := make(chan error, 1)
	go func() {
		_, _, _, err := st.try("/lns?event=up", strings.NewReader("a"))
		answered <- err
	}()
	st.Next()
	st.Stop()
	if err := <-answered; err == nil {
		t.Error("answered")
	}
	if !strings.Contains(st.log.String(), "some posts got no answer") {
		t.Error("not said in the log")
	}
}
