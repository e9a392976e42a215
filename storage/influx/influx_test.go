package influx

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// journal is a log that can be read while it is written.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

func (j *journal) lines() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.FieldsFunc(j.b.String(), func(r rune) bool { return r == '\n' })
}

// rig is a writer on a wire, in virtual time.
type rig struct {
	*Writer
	source *memory
	server *strict
	wire   *wire
	log    *journal
}

// run calls test beside a running writer, in a bubble of virtual time.
func run(t *testing.T, cfg Config, readings int, test func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{source: newMemory(makeReadings(1, readings)), server: newStrict(), log: &journal{}}
		r.Writer = newWriter(t, cfg, r.source, zerolog.New(r.log))
		r.wire = &wire{handler: r.server}
		r.connect(newCarrier(r.wire, testToken))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- r.Run(ctx) }()
		defer func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("Run: %v", err)
			}
			for _, line := range r.log.lines() {
				if strings.Contains(line, testToken) {
					t.Errorf("token in the log: %s", line)
				}
			}
		}()
		test(t, r)
	})
}

// settled waits, in virtual time, until the writer has done what it can.
func settled(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (r *rig) wantStored(t *testing.T, n int) {
	t.Helper()
	if got := r.server.stored(); got != n {
		t.Errorf("stored %d points, want %d; state %+v", got, n, r.State())
	}
}

func TestCopiesAndFollows(t *testing.T) {
	for _, compression := range []string{CompressionNone, CompressionGzip} {
		t.Run(compression, func(t *testing.T) {
			cfg := testConfig(t)
			cfg.Batch, cfg.Compression = 400, compression
			run(t, cfg, 1000, func(t *testing.T, r *rig) {
				settled(0)
				r.wantStored(t, 1000)
				if requests, largest := r.server.asked(); requests != 3 || largest != 400 {
					t.Errorf("%d requests of up to %d lines, want 3 of up to 400", requests, largest)
				}
				r.source.add(makeReadings(1001, 5)...)
				r.Wake()
				r.Wake()
				settled(linger)
				r.wantStored(t, 1005)
				r.source.add(makeReadings(1006, 1)...) // nobody wakes it
				settled(idle + linger)
				r.wantStored(t, 1006)
				if s := r.State(); s != (State{}) {
					t.Errorf("state %+v", s)
				}
				if r.source.cursor() != 1006 || testutil.ToFloat64(r.meters.written) != 1006 {
					t.Errorf("cursor %d, counted %v", r.source.cursor(), testutil.ToFloat64(r.meters.written))
				}
			})
		})
	}
}

// Many commits shortly after one another are few writes.
func TestCollectsWhatComesTogether(t *testing.T) {
	run(t, testConfig(t), 0, func(t *testing.T, r *rig) {
		settled(0)
		for i := range 100 {
			r.source.add(makeReadings(1+i, 1)...)
			r.Wake()
			settled(10 * time.Millisecond)
		}
		settled(linger)
		r.wantStored(t, 100)
		if requests, _ := r.server.asked(); requests > 5 {
			t.Errorf("%d requests within a second, want at most 5", requests)
		}
	})
}

func TestAnswersAreBounded(t *testing.T) {
	endless := newCarrier(roundTrip(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 500, Body: io.NopCloser(strings.NewReader(strings.Repeat("x", 2*longestAnswer)))}, nil
	}), testToken)
	resp, err := endless.RoundTrip(httptest.NewRequest(http.MethodPost, "/", nil))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(resp.Body); err != nil || len(b) != longestAnswer {
		t.Errorf("read %d bytes of an answer, want at most %d; %v", len(b), longestAnswer, err)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestOutageOfAnyLength(t *testing.T) {
	cfg := testConfig(t)
	cfg.Batch = 50
	run(t, cfg, 100, func(t *testing.T, r *rig) {
		settled(0)
		r.wire.set(true, false)
		r.source.add(makeReadings(101, 2000)...)
		r.Wake()
		settled(time.Second)
		before := r.wire.tried()
		for range 24 * 60 { // a day, with a commit every minute
			r.Wake()
			settled(time.Minute)
		}
		if tries := r.wire.tried() - before; tries < 24*60 || tries > 24*60*2+10 {
			t.Errorf("%d tries in a day, want one every 30 to 60 s", tries)
		}
		s := r.State()
		if s.Behind != 2000 || !strings.Contains(s.Error, "connection refused") || s.Misconfigured || s.Since.IsZero() {
			t.Errorf("state %+v", s)
		}
		r.wire.set(false, false)
		settled(longestPause)
		r.wantStored(t, 2100)
		if s := r.State(); s != (State{}) {
			t.Errorf("state afterwards %+v", s)
		}
		if lines := r.log.lines(); len(lines) != 2 {
			t.Errorf("want one line when it went and one when it came back, got %d:\n%s", len(lines), strings.Join(lines, "\n"))
		}
	})
}

func TestBackOffGrows(t *testing.T) {
	w := newWriter(t, testConfig(t), newMemory(nil), zerolog.Nop())
	for i, most := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60} {
		most *= time.Second
		if d := w.backOff(errDisk); d < most/2 || d > most {
			t.Errorf("wait %d is %v, want %v to %v", i+1, d, most/2, most)
		}
	}
	if d := w.backOff(&failure{after: 5 * time.Minute}); d != 5*time.Minute {
		t.Errorf("asked for 5m, waits %v", d)
	}
	if d := w.backOff(&failure{after: 9 * time.Hour}); d != longestAsked {
		t.Errorf("asked for 9h, waits %v", d)
	}
	w.note(nil)
	if d := w.backOff(errDisk); d > time.Second {
		t.Errorf("after a success the first wait is %v", d)
	}
}

// TestAnswers goes through what can answer a write. Each answer is given until told
// otherwise, for an hour; then the server is well.
func TestAnswers(t *testing.T) {
	const readings = 64
	tests := []struct {
		name          string
		answer        func(w http.ResponseWriter)
		refused       int    // readings noted as refused meanwhile
		misconfigured bool   // State.Misconfigured meanwhile
		says          string // State.Error meanwhile, or the refusal's reason
	}{
		{"400 of 2.x", v2(400, "invalid", "unable to parse 'x'"), readings, false, "400 Bad Request: unable to parse 'x'"},
		{"422 of 2.x", v2(422, "unprocessable entity", "failure writing points to database: partial write: field type conflict"), readings, false, "field type conflict"},
		{"400 of 1.8", text(400, `{"error":"partial write: points beyond retention policy dropped=1"}`, "X-Influxdb-Version", "1.8.10", "X-Influxdb-Error", "partial write: points beyond retention policy dropped=1", "Content-Type", "application/json"), readings, false, "beyond retention policy"},
		{"400 of a proxy", text(400, "<html>The plain HTTP request was sent to HTTPS port</html>"), 0, false, "400 Bad Request: <html>"},
		{"401", v2(401, "unauthorized", "unauthorized access"), 0, true, "check token_file"},
		{"403", v2(403, "forbidden", "insufficient permissions for write"), 0, true, `may not write to bucket "meldefunk"`},
		{"404", v2(404, "not found", `bucket "meldefunk" not found`), 0, true, "check url, org"},
		{"307", text(307, "", "Location", "https://elsewhere.example/"), 0, true, "https://elsewhere.example/"},
		{"408", v2(408, "", "timeout"), 0, false, "408 Request Timeout"},
		{"429", v2(429, "too many requests", "rate limit"), 0, false, "429 Too Many Requests: rate limit"},
		{"500", v2(500, "internal error", "unexpected error writing points to database: timeout"), 0, false, "500 Internal Server Error"},
		{"502 of a proxy", text(502, "<html>\n<body>Bad Gateway</body>\n"), 0, false, "502 Bad Gateway: <html> <body>"},
		{"503", v2(503, "unavailable", "draining"), 0, false, "503 Service Unavailable: draining"},
		{"JSON that is none", text(500, `{"code":`, "Content-Type", "application/json"), 0, false, "500 Internal Server Error"},
		{"endless", text(500, strings.Repeat("x", 1<<20)), 0, false, strings.Repeat("x", 300)},
		{"an echo of the token", text(500, "bad header Token "+testToken), 0, false, "bad header Token <secret>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run(t, testConfig(t), 0, func(t *testing.T, r *rig) {
				r.server.set(func(w http.ResponseWriter, _ *http.Request, _ []string) bool { tt.answer(w); return true })
				r.source.add(makeReadings(1, readings)...)
				settled(time.Hour)
				s := r.State()
				if s.Misconfigured != tt.misconfigured || s.Refused != int64(tt.refused) || len(r.source.refusals()) != tt.refused {
					t.Errorf("state %+v, refused %d", s, len(r.source.refusals()))
				}
				said := s.Error
				if tt.refused > 0 {
					said = r.source.refusals()[1]
				}
				if !strings.Contains(said, tt.says) || len(said) > 600 {
					t.Errorf("says %q, want %q in it", said, tt.says)
				}
				if requests, _ := r.server.asked(); tt.refused == 0 && (requests < 55 || requests > 140) {
					t.Errorf("%d tries in an hour", requests)
				}
				r.server.set(nil)
				settled(longestPause)
				r.wantStored(t, readings-tt.refused)
				if s := r.State(); s.Error != "" || s.Misconfigured || s.Behind != 0 {
					t.Errorf("state afterwards %+v", s)
				}
			})
		})
	}
}

func v2(status int, code, message string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { v2Error(w, status, code, message) }
}

func text(status int, body string, header ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	run(t, testConfig(t), 0, func(t *testing.T, r *rig) {
		r.server.set(func(w http.ResponseWriter, _ *http.Request, _ []string) bool {
			w.Header().Set("Retry-After", "300")
			v2Error(w, 429, "too many requests", "rate limit")
			return true
		})
		r.source.add(makeReadings(1, 10)...)
		r.Wake()
		settled(time.Second)
		r.server.set(nil)
		settled(290 * time.Second)
		r.wantStored(t, 0)
		settled(10 * time.Second)
		r.wantStored(t, 10)
		if requests, _ := r.server.asked(); requests != 2 {
			t.Errorf("%d requests, want 2", requests)
		}
	})
}

func TestReadRetryAfter(t *testing.T) {
	tests := []struct {
		name, value string
		want        time.Duration
	}{
		{"none", "", 0},
		{"seconds", "120", 2 * time.Minute},
		{"date", "Wed, 01 Jul 2026 12:00:30 GMT", 30 * time.Second},
		{"past date", "Wed, 01 Jul 2026 11:00:00 GMT", 0},
		{"negative", "-5", 0},
		{"endless", "99999999999999999999", 0},
		{"words", "soon", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := retryAfter(tt.value, noon); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// A batch with bad readings in it: those and only those are refused.
func TestFindsTheBadOnes(t *testing.T) {
	bad := []int64{1, 2, 777, 1500, 4999, 5000, 5001, 6000}
	run(t, testConfig(t), 0, func(t *testing.T, r *rig) {
		all := makeReadings(1, 6000)
		for _, id := range bad {
			all[id-1].Asset = "BAD"
		}
		r.server.set(func(w http.ResponseWriter, _ *http.Request, lines []string) bool {
			for _, line := range lines {
				if strings.Contains(line, "asset=BAD") {
					v2Error(w, 422, "unprocessable entity", "failure writing points to database: partial write: dropped=1")
					return true
				}
			}
			return false
		})
		r.source.add(all...)
		settled(idle + linger)
		r.wantStored(t, 6000-len(bad))
		var found []int64
		for id := range r.source.refusals() {
			found = append(found, id)
		}
		slices.Sort(found)
		if !slices.Equal(found, bad) || !r.source.sinks["influx:stadt/meldefunk"] {
			t.Errorf("refused %v for %v, want %v", found, r.source.sinks, bad)
		}
		if requests, _ := r.server.asked(); requests > 2*len(bad)*13+2 {
			t.Errorf("%d requests to find %d", requests, len(bad))
		}
		if s := r.State(); s.Error != "" || s.Refused != int64(len(bad)) || s.Behind != 0 {
			t.Errorf("state %+v", s)
		}
		if lines := r.log.lines(); len(lines) != 1 {
			t.Errorf("want one line about refusals, got\n%s", strings.Join(lines, "\n"))
		}
	})
}

func TestTooLargeIsHalved(t *testing.T) {
	run(t, testConfig(t), 20_000, func(t *testing.T, r *rig) {
		settled(0)
		r.server.set(func(w http.ResponseWriter, _ *http.Request, lines []string) bool {
			if len(lines) > 700 {
				v2Error(w, 413, "request too large", "points batch is too large")
				return true
			}
			return false
		})
		r.source.add(makeReadings(20_001, 20_000)...)
		r.Wake()
		settled(time.Second)
		r.wantStored(t, 40_000)
		if requests, _ := r.server.asked(); requests > 4+3+33+10 {
			t.Errorf("%d requests: it does not remember what is too large", requests)
		}
	})
}

// A server that accepts connections and never answers: batches shrink, in case it is their
// size, and grow again afterwards.
func TestStuckServer(t *testing.T) {
	run(t, testConfig(t), 0, func(t *testing.T, r *rig) {
		r.wire.set(false, true)
		r.source.add(makeReadings(1, 20_000)...)
		settled(10 * time.Minute)
		if s := r.State(); s.Behind != 20_000 || s.Error != "no answer within 30s" {
			t.Errorf("state %+v", s)
		}
		r.wire.set(false, false)
		settled(3 * time.Minute)
		r.wantStored(t, 20_000)
		if _, largest := r.server.asked(); largest != 5000 {
			t.Errorf("largest batch afterwards %d, want 5000", largest)
		}
	})
}

func TestNewTokenNeedsNoHand(t *testing.T) {
	cfg := testConfig(t)
	run(t, cfg, 0, func(t *testing.T, r *rig) {
		r.server.mu.Lock()
		r.server.token = "an0ther"
		r.server.mu.Unlock()
		r.source.add(makeReadings(1, 10)...)
		settled(time.Minute)
		if s := r.State(); !s.Misconfigured || r.server.stored() != 0 {
			t.Fatalf("state %+v", s)
		}
		if err := os.WriteFile(cfg.TokenFile, []byte("an0ther"), 0o600); err != nil {
			t.Fatal(err)
		}
		settled(3 * time.Minute)
		r.wantStored(t, 10)
	})
}

func TestSourceFails(t *testing.T) {
	run(t, testConfig(t), 0, func(t *testing.T, r *rig) {
		settled(0)
		r.source.add(makeReadings(1, 10)...)
		r.source.damage(errDisk)
		settled(5 * time.Minute)
		if s := r.State(); !strings.Contains(s.Error, "disk I/O error") || s.Misconfigured {
			t.Errorf("state %+v", s)
		}
		r.source.damage(nil)
		settled(longestPause)
		r.wantStored(t, 10)
	})
}

// After a restart the writer goes on where the cursor stands.
func TestGoesOnAtTheCursor(t *testing.T) {
	source := newMemory(makeReadings(1, 100))
	source.cursors["influx:stadt/meldefunk"] = 90
	server := newStrict()
	w := newWriter(t, testConfig(t), source, zerolog.Nop())
	w.connect(newCarrier(&wire{handler: server}, testToken))
	for range 2 {
		if _, err := w.turn(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if server.stored() != 10 {
		t.Errorf("stored %d of the 10 after the cursor", server.stored())
	}
}

// A cursor that cannot be moved means the same readings again, not lost ones.
func TestCursorMovesOnlyAfterward(t *testing.T) {
	source := newMemory(makeReadings(1, 10))
	server := newStrict()
	w := newWriter(t, testConfig(t), source, zerolog.Nop())
	w.connect(newCarrier(&wire{handler: server}, testToken))
	server.set(func(http.ResponseWriter, *http.Request, []string) bool {
		if source.cursor() != 0 {
			t.Error("the cursor moved before the answer")
		}
		return false
	})
	if _, err := w.turn(t.Context()); err != nil || source.cursor() != 10 {
		t.Errorf("%v, cursor %d", err, source.cursor())
	}
}

func TestCheck(t *testing.T) {
	tests := []struct {
		name   string
		change func(cfg *Config, s *strict)
		want   string // "": all is well
	}{
		{"well", func(*Config, *strict) {}, ""},
		{"wrong token", func(_ *Config, s *strict) { s.token = "other" }, "check token_file"},
		{"wrong org", func(cfg *Config, _ *strict) { cfg.Org = "land" }, `organization name "land" not found`},
		{"wrong bucket", func(cfg *Config, _ *strict) { cfg.Bucket = "other" }, `bucket "other" not found`},
		{"nobody there", func(cfg *Config, _ *strict) { cfg.URL = "http://127.0.0.1:1" }, "no InfluxDB answers: dial 127.0.0.1:1: connect: connection refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			handler := newStrict()
			server := httptest.NewServer(handler)
			defer server.Close()
			cfg := testConfig(t)
			cfg.URL = server.URL
			tt.change(&cfg, handler)
			w := newWriter(t, cfg, newMemory(nil), zerolog.Nop())
			defer w.http.CloseIdleConnections()
			err := w.Check(t.Context())
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if handler.stored() != 0 {
				t.Error("the check wrote something")
			}
		})
	}
}

func TestRunEndsAtOnce(t *testing.T) {
	for _, tt := range []struct {
		name       string
		cut, stuck bool
	}{{"idle", false, false}, {"backing off", true, false}, {"in the middle of a write", false, true}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWriter(t, testConfig(t), newMemory(makeReadings(1, 10)), zerolog.Nop())
				w.connect(newCarrier(&wire{handler: newStrict(), cut: tt.cut, stuck: tt.stuck}, testToken))
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error)
				go func() { ended <- w.Run(ctx) }()
				synctest.Wait()
				before := time.Now()
				cancel()
				if err := <-ended; err != nil || time.Since(before) != 0 {
					t.Errorf("%v after %v", err, time.Since(before))
				}
			})
		})
	}
}

func TestNewTells(t *testing.T) {
	cfg := testConfig(t)
	reg := prometheus.NewRegistry()
	if _, err := New(cfg, newMemory(nil), time.Now, zerolog.Nop(), reg); err != nil {
		t.Fatal(err)
	}
	if _, err := New(cfg, newMemory(nil), time.Now, zerolog.Nop(), reg); err == nil {
		t.Error("metrics registered twice without an error")
	}
	if _, err := New(DefaultConfig(), newMemory(nil), time.Now, zerolog.Nop(), prometheus.NewRegistry()); err == nil {
		t.Error("no url and no error")
	}
	cfg.TokenFile += ".missing"
	if _, err := New(cfg, newMemory(nil), time.Now, zerolog.Nop(), prometheus.NewRegistry()); err == nil || !strings.Contains(err.Error(), cfg.TokenFile) {
		t.Errorf("missing token file: %v", err)
	}
}

func BenchmarkAppendLine(b *testing.B) {
	readings := makeReadings(1, 5000)
	var line []byte
	b.ReportAllocs()
	for b.Loop() {
		line = line[:0]
		for i := range readings {
			line = appendLine(line, &readings[i])
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/5000, "ns/line")
	b.ReportMetric(float64(len(line))/5000, "bytes/line")
}
