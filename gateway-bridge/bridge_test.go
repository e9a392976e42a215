package bridge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"meldefunk/city"
	"meldefunk/gateway-bridge/brokertest"
	"meldefunk/gateway-bridge/roadtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait for something that must happen.
const patience = 20 * time.Second

// plain is a dialect whose uplinks are their bodies. "bad" is malformed, "join" a join.
type plain struct{}

func (plain) Name() string     { return "plain" }
func (plain) Topics() []string { return []string{"city/#"} }
func (plain) Parse(m *city.Message) (city.Event, error) {
	switch {
	case bytes.Equal(m.Body, []byte("bad")):
		return city.Event{}, city.Reject(city.ReasonMalformed, "it is bad")
	case bytes.Equal(m.Body, []byte("worse")):
		return city.Event{}, fmt.Errorf("not even a rejection")
	case bytes.Equal(m.Body, []byte("join")):
		return city.Event{Kind: city.EventJoin}, nil
	}
	return city.Event{Kind: city.EventUp, Uplink: city.Uplink{Payload: m.Body}}, nil
}

// running is a Server at work before a road of the test's: when nobody reads it, its offers
// block.
type running struct {
	*Server
	*roadtest.Road
	*roadtest.Service // nil: not started
	t                 *testing.T
	registry          *prometheus.Registry
	log               *roadtest.Log
}

func testConfig(url string) Config {
	return Config{Name: "lab", Dialect: "plain", Broker: url}
}

func start(t *testing.T, cfg Config, tune ...func(*Server)) *running {
	t.Helper()
	r := prepare(t, cfg, tune...)
	r.Service = roadtest.Serve(t, r.Run)
	return r
}

func prepare(t *testing.T, cfg Config, tune ...func(*Server)) *running {
	t.Helper()
	r := &running{Road: roadtest.New(t), t: t, registry: prometheus.NewRegistry(), log: roadtest.NewLog(t)}
	s, err := newServer(cfg, plain{}, r.Offer, time.Now, zerolog.New(r.log), r.registry)
	if err != nil {
		t.Fatal(err)
	}
	s.pause = 20 * time.Millisecond
	for _, f := range tune {
		f(s)
	}
	r.Server = s
	return r
}

func (r *running) ready() *running {
	r.t.Helper()
	r.until("ready", func() bool { return r.State().Ready() })
	return r
}

func (r *running) until(what string, holds func() bool) {
	r.t.Helper()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	deadline := time.After(patience)
	for !holds() {
		select {
		case <-poll.C:
		case <-deadline:
			r.t.Fatalf("not %s after %v; state %+v; log:\n%s", what, patience, r.State(), r.log)
		}
	}
}

// want takes an arrival for each body, in this order, and acknowledges it.
func (r *running) want(bodies ...string) {
	r.t.Helper()
	for _, body := range bodies {
		a := r.Next()
		if got := string(a.Message.Body); got != body {
			r.t.Fatalf("got %.40q, want %q", got, body)
		}
		a.Acker.Ack()
	}
}

func (r *running) metric(name string, labels ...string) float64 {
	r.t.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			for _, label := range m.GetLabel() {
				if len(labels) > 0 && label.GetName() == "event" && label.GetValue() != labels[0] {
					m = nil
					break
				}
			}
			if m != nil {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	r.t.Fatalf("no metric %s %v", name, labels)
	return 0
}

func raw(bodies ...string) (all [][]byte) {
	for _, body := range bodies {
		all = append(all, []byte(body))
	}
	return all
}

func TestAcknowledgedByHand(t *testing.T) {
	b := brokertest.Start(t)
	first := start(t, testConfig(b.URL()), func(s *Server) { s.drain = 10 * time.Millisecond }).ready()
	b.Publish("city/bin", raw("a", "b", "c")...)
	for _, want := range []string{"a", "b", "c"} {
		a := first.Next()
		if got := string(a.Message.Body); got != want {
			t.Fatalf("got %q, want %q: order", got, want)
		}
		if a.Message.Server != "lab" || a.Message.Topic != "city/bin" || a.Message.Received.IsZero() || a.Event.Kind != city.EventUp || a.Err != nil {
			t.Errorf("arrival %+v", a)
		}
		if want != "b" {
			a.Acker.Ack()
		}
	}
	first.Stop()
	if !strings.Contains(first.log.String(), "stopped before all messages were acknowledged") {
		t.Error("nothing said about the message that was not acknowledged")
	}

	second := start(t, testConfig(b.URL())).ready()
	second.want("b") // the one not acknowledged, and nothing else
	b.Publish("city/bin", raw("d")...)
	second.want("d")
}

func TestSoftStop(t *testing.T) {
	b := brokertest.Start(t)
	r := start(t, testConfig(b.URL())).ready()
	b.Publish("city/bin", raw("a", "b", "c")...)
	a, bee := r.Next(), r.Next()
	a.Acker.Ack()
	r.Cancel()
	select {
	case err := <-r.Ended:
		t.Fatalf("Run ended while a message was in flight: %v", err)
	case late := <-r.Arrivals:
		t.Fatalf("offered %q after the stop", late.Message.Body)
	case <-time.After(200 * time.Millisecond): // it must not happen, so there is no event to wait for
	}
	bee.Acker.Ack()
	r.Stop()

	start(t, testConfig(b.URL())).ready().want("c") // neither a nor b: the late PUBACK reached the broker
}

func TestMessagesOfTheAbsence(t *testing.T) {
	b := brokertest.Start(t)
	start(t, testConfig(b.URL())).ready().Stop()
	var bodies []string
	for i := range 3000 {
		bodies = append(bodies, fmt.Sprint(i))
	}
	b.Publish("city/bin", raw(bodies...)...)
	b.Restart()
	start(t, testConfig(b.URL())).want(bodies...)
}

func TestBrokerRestarts(t *testing.T) {
	b := brokertest.Start(t)
	r := start(t, testConfig(b.URL())).ready()
	b.Publish("city/bin", raw("a", "b")...)
	r.want("a")
	unacknowledged := r.Next()
	b.Stop()
	r.until("disconnected", func() bool { return !r.Connected() })
	unacknowledged.Acker.Ack() // into a connection that is gone
	b.Restart()
	r.ready()
	again := r.Next()
	if string(again.Message.Body) == "a" { // its PUBACK was still on the way when the broker stopped
		again.Acker.Ack()
		again = r.Next()
	}
	if string(again.Message.Body) != "b" {
		t.Errorf("got %q again, want b", again.Message.Body)
	}
	again.Acker.Ack()
	b.Publish("city/bin", raw("c")...)
	r.want("c")
	if got := r.metric("meldefunk_bridge_reconnects_total"); got != 1 {
		t.Errorf("reconnects = %v, want 1", got)
	}
	if got := r.metric("meldefunk_bridge_sessions_lost_total"); got != 0 {
		t.Errorf("sessions lost = %v, want 0", got)
	}
	if got := r.metric("meldefunk_bridge_connected"); got != 1 {
		t.Errorf("connected = %v, want 1", got)
	}
}

func TestBrokerForgetsTheSession(t *testing.T) {
	b := brokertest.Start(t) // without autosave, a killed mosquitto forgets everything
	r := start(t, testConfig(b.URL())).ready()
	b.Kill()
	r.until("disconnected", func() bool { return !r.Connected() })
	b.Restart()
	r.ready()
	if got := r.metric("meldefunk_bridge_sessions_lost_total"); got != 1 {
		t.Errorf("sessions lost = %v, want 1", got)
	}
	if !strings.Contains(r.log.String(), "the broker has forgotten the session") {
		t.Error("not said in the log")
	}
	b.Publish("city/bin", raw("a")...)
	r.want("a") // subscribed again
}

func TestFrozenBroker(t *testing.T) {
	b := brokertest.Start(t)
	cfg := testConfig(b.URL())
	cfg.KeepAlive = time.Second
	r := start(t, cfg, func(s *Server) { s.ping = 500 * time.Millisecond }).ready()
	b.Freeze()
	r.until("disconnected", func() bool { return !r.Connected() })
	r.until("connecting again", func() bool { return strings.Contains(r.State().LastError, "connection lost") })
	b.Thaw()
	r.ready()
}

// A broker that accepts connections and says nothing must not hold up the stop.
func TestStopDuringHandshake(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	r := start(t, testConfig("mqtt://"+listener.Addr().String()))
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Read(make([]byte, 1)); err != nil { // the first byte of CONNECT
		t.Fatal(err)
	}
	began := time.Now()
	r.Stop()
	if took := time.Since(began); took > handshakePatience/2 {
		t.Errorf("the stop took %v", took)
	}
}

// After the stop messages are held back and not dropped: dropping would race through
// everything that waits at the broker.
func TestHeldBackAfterTheStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		c := &session{cuts: &cuts{}, ctx: ctx, released: make(chan struct{})}
		returned := false
		go func() { c.receive(nil, nil); returned = true }()
		synctest.Wait()
		if returned {
			t.Error("not held back")
		}
		close(c.released)
		synctest.Wait()
		if !returned {
			t.Error("not let go")
		}
	})
}

// A road that stalls for longer than the keep-alive loses the connection, as it reads no
// answers to pings; nothing else.
func TestStallLongerThanKeepAlive(t *testing.T) {
	b := brokertest.Start(t)
	cfg := testConfig(b.URL())
	cfg.KeepAlive = time.Second
	r := start(t, cfg, func(s *Server) { s.ping = 500 * time.Millisecond }).ready()
	var bodies []string
	for i := range 500 {
		bodies = append(bodies, fmt.Sprint(i))
	}
	b.Publish("city/bin", raw(bodies...)...)
	inFlight := []city.Arrival{r.Next(), r.Next()}
	r.until("disconnected", func() bool { return !r.Connected() })
	if r.State().Waiting.IsZero() {
		t.Error("the state does not tell that the road takes nothing")
	}
	for _, a := range inFlight {
		a.Acker.Ack() // must not block, though the connection is gone
	}
	seen := make(map[string]bool)
	for len(seen) < len(bodies) {
		a := r.Next()
		seen[string(a.Message.Body)] = true
		a.Acker.Ack()
	}
	r.ready()
	if !r.State().Waiting.IsZero() {
		t.Error("still waiting")
	}
}

func TestOfferFails(t *testing.T) {
	b := brokertest.Start(t)
	r := prepare(t, testConfig(b.URL()))
	r.offer = func(context.Context, city.Arrival) error { return fmt.Errorf("the road is closed") }
	ended := make(chan error, 1)
	go func() { ended <- r.Run(t.Context()) }()
	r.ready()
	b.Publish("city/bin", raw("a", "b")...)
	select {
	case err := <-ended:
		if err == nil || err.Error() != "offer to the road: the road is closed" {
			t.Fatalf("Run: %v", err)
		}
	case <-time.After(patience):
		t.Fatal("Run goes on")
	}
	start(t, testConfig(b.URL())).ready().want("a", "b")
}

func TestWhatIsCounted(t *testing.T) {
	b := brokertest.Start(t)
	b.Retain("city/old", []byte("of last year"))
	r := start(t, testConfig(b.URL())).ready()
	r.until("retained message counted", func() bool { return r.metric("meldefunk_bridge_messages_total", "retained") == 1 })
	big := bytes.Repeat([]byte("x"), 10<<20)
	b.Publish("city/bin", append(raw("up", "join", "bad", "worse"), big, []byte("after"))...)

	r.want("up", "join")
	for _, detail := range []string{"it is bad", "not even a rejection"} {
		a := r.Next()
		var rejection *city.Rejection
		if !errors.As(a.Err, &rejection) || rejection.Reason != city.ReasonMalformed || rejection.Detail != detail {
			t.Errorf("got %v, want malformed: %s", a.Err, detail)
		}
		a.Acker.Ack()
	}
	a := r.Next()
	var rejection *city.Rejection
	if !errors.As(a.Err, &rejection) || rejection.Reason != city.ReasonTooLarge || !strings.Contains(rejection.Detail, "10485760") {
		t.Errorf("got %v, want too_large with the size", a.Err)
	}
	if len(a.Message.Body) != keptHead || cap(a.Message.Body) > 2*keptHead {
		t.Errorf("kept %d bytes in a slice of %d, want %d", len(a.Message.Body), cap(a.Message.Body), keptHead)
	}
	a.Acker.Ack()
	r.want("after")
	for event, want := range map[string]float64{"up": 2, "join": 1, "malformed": 2, "too_large": 1, "retained": 1, "status": 0} {
		if got := r.metric("meldefunk_bridge_messages_total", event); got != want {
			t.Errorf("messages_total{event=%q} = %v, want %v", event, got, want)
		}
	}
	if problems, err := testutil.GatherAndLint(r.registry); err != nil || len(problems) > 0 {
		t.Errorf("metrics: %v %v", err, problems)
	}
	r.Stop()

	again := start(t, testConfig(b.URL())).ready()
	b.Publish("city/bin", raw("new")...)
	again.want("new") // everything above was acknowledged
}

// With overlapping filters paho's own routing would hand the same message out twice.
func TestOverlappingTopics(t *testing.T) {
	b := brokertest.Start(t, brokertest.WithLine("allow_duplicate_messages false"))
	cfg := testConfig(b.URL())
	cfg.Topics = []string{"city/#", "city/+"}
	r := start(t, cfg).ready()
	b.Publish("city/bin", raw("a", "b")...)
	r.want("a", "b")
}

func TestTLS(t *testing.T) {
	b := brokertest.Start(t, brokertest.WithTLS(), brokertest.WithPassword("bridge", "s3cret-canary"))
	stranger := brokertest.Start(t, brokertest.WithTLS())
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "password")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tests := map[string]struct {
		ca, name, password string
		broken             string // "": works
	}{
		"right":          {b.CAFile(), "", "s3cret-canary\n", ""},
		"wrong ca":       {stranger.CAFile(), "", "s3cret-canary\n", "certificate"},
		"ca of system":   {"", "", "s3cret-canary\n", "certificate"},
		"wrong name":     {b.CAFile(), "broker.example", "s3cret-canary\n", "broker.example"},
		"wrong password": {b.CAFile(), "", "wrong-canary", `the broker refuses user "bridge": check username and password`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := testConfig(b.URL())
			cfg.Username, cfg.PasswordFile = "bridge", file(test.password)
			cfg.TLS = TLSConfig{CAFile: test.ca, ServerName: test.name}
			r := start(t, cfg)
			if test.broken == "" {
				r.ready()
				return
			}
			r.until("refused", func() bool { return strings.Contains(r.State().LastError, test.broken) })
			r.Stop()
			said := r.log.String() + r.State().LastError
			if strings.Contains(said, "canary") {
				t.Errorf("the password is in:\n%s", said)
			}
			if r.State().Connected {
				t.Error("connected")
			}
		})
	}
}

// The password is read at every connect, so that it can be changed without a restart; and
// what is wrong over and over is said once.
func TestPasswordChanges(t *testing.T) {
	b := brokertest.Start(t, brokertest.WithPassword("bridge", "new"))
	path := filepath.Join(t.TempDir(), "password")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("old")
	cfg := testConfig(b.URL())
	cfg.Username, cfg.PasswordFile = "bridge", path
	var asked atomic.Int64
	r := start(t, cfg, func(s *Server) {
		s.now = func() time.Time { asked.Add(1); return time.Now() } // at least once per attempt
	})
	r.until("refused", func() bool { return strings.Contains(r.State().LastError, "refuses user") })
	r.until("refused repeatedly", func() bool { return asked.Load() > 12 })
	write("new")
	r.ready()
	if n := strings.Count(r.log.String(), "session with the broker is down"); n != 1 {
		t.Errorf("said %d times:\n%s", n, r.log)
	}
	if last := r.State().LastError; last != "" {
		t.Errorf("ready, but the last error is still %q", last)
	}
}

func TestPlainQoS(t *testing.T) {
	b := brokertest.Start(t, brokertest.WithLine("max_qos 0"))
	r := start(t, testConfig(b.URL())).ready()
	if !strings.Contains(r.log.String(), "grants QoS 0 only") {
		t.Errorf("the log does not say that messages can be lost:\n%s", r.log)
	}
}
