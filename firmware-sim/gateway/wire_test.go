package gateway

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"meldefunk/city"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// event is what a side of the protocol tells of, as text or as itself.
type event struct {
	what    string
	gateway city.EUI
	heard   []Heard
	status  Status
	id      uint64
	refusal Refusal
	sending Sending
}

// events is a Handler that hands on.
type events chan event

func (c events) Heard(g city.EUI, h []Heard) { c <- event{what: "heard", gateway: g, heard: h} }
func (c events) Told(g city.EUI, s Status)   { c <- event{what: "told", gateway: g, status: s} }
func (c events) emit(s Sending)              { c <- event{what: "emit", sending: s} }
func (c events) Answered(g city.EUI, id uint64, r Refusal) {
	c <- event{what: "answered", gateway: g, id: id, refusal: r}
}

// patience is how long a test waits for a datagram on the loopback of a busy machine.
const patience = 30 * time.Second

func (c events) next(t *testing.T, what string) event {
	t.Helper()
	select {
	case e := <-c:
		if e.what != what {
			t.Fatalf("got %+v, want %s", e, what)
		}
		return e
	case <-time.After(patience):
		t.Fatalf("no %s", what)
	}
	return event{}
}

// run runs something until the test ends.
func run(t *testing.T, f func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return stop
}

func listen(t *testing.T, address string) (*Server, events, func()) {
	t.Helper()
	told := make(events, 64)
	s, err := Listen(address, told, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	return s, told, run(t, s.Run)
}

func dial(t *testing.T, address string, change func(*Config)) (*Forwarder, events) {
	t.Helper()
	emitted := make(events, 64)
	cfg := Config{
		EUI: testEUI, Server: address, Now: func() time.Time { return testTime }, Booted: testTime.Add(-time.Hour), Emit: emitted.emit,
		KeepAlive: 5 * time.Millisecond,
	}
	if change != nil {
		change(&cfg)
	}
	f, err := Dial(context.Background(), cfg, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	run(t, f.Run)
	return f, emitted
}

// until waits for something that has no event.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never: %s", what)
		}
	}
}

func TestBothWays(t *testing.T) {
	for _, gps := range []bool{true, false} {
		t.Run(fmt.Sprintf("GPS %v", gps), func(t *testing.T) {
			s, told, _ := listen(t, "127.0.0.1:0")
			f, emitted := dial(t, s.Addr().String(), func(c *Config) { c.GPS, c.Located, c.Altitude = gps, true, 96 })
			h := Heard{Frame: []byte("up"), At: testTime, Frequency: 868100000, Rate: sf7, RSSI: -90, SNR: 5.5, CRC: CRCOK}
			if err := f.Forward(h, h); err != nil {
				t.Fatal(err)
			}
			got := told.next(t, "heard")
			if got.gateway != testEUI || len(got.heard) != 2 || string(got.heard[1].Frame) != "up" || got.heard[1].Timestamp != 3600000000 {
				t.Errorf("%+v", got)
			}
			if at := got.heard[0].At; gps != at.Equal(testTime.Truncate(time.Millisecond)) || gps == at.IsZero() {
				t.Errorf("time %s", at)
			}
			until(t, "PULL_DATA", func() bool { return s.Counts().Pulls > 2 }) // and it is kept alive
			down := Emission{Frame: []byte("down"), Timestamp: got.heard[0].Timestamp + 1000000, Frequency: 868100000, Rate: sf7, Power: 16}
			for id, want := range []Refusal{None, CollisionPacket} {
				if err := s.Send(testEUI, uint64(id), down); err != nil {
					t.Fatal(err)
				}
				if a := told.next(t, "answered"); a.refusal != want || a.id != uint64(id) || a.gateway != testEUI {
					t.Errorf("answer %+v, want %q", a, want)
				}
			}
			if e := emitted.next(t, "emit").sending; string(e.Frame) != "down" || !e.Start.Equal(testTime.Add(time.Second)) {
				t.Errorf("%+v", e)
			}
			until(t, "PUSH_ACK", func() bool { return f.Counts().Acked == 1 })
			f.Report()
			want := Status{Time: testTime.Truncate(time.Second), Located: true, Altitude: 96, Received: 2, OK: 2, Forwarded: 2, AckShare: 100, Asked: 2, Sent: 1}
			if st := told.next(t, "told").status; st != want {
				t.Errorf("status %+v, want %+v", st, want)
			}
			f.Report()
			if st := told.next(t, "told").status; st.Received != 0 || st.Sent != 0 {
				t.Errorf("the second status counts again: %+v", st)
			}
		})
	}
}

// A server that is gone for a while loses what is sent meanwhile, and nothing else.
func TestServerRestart(t *testing.T) {
	s, told, stop := listen(t, "127.0.0.1:0")
	address := s.Addr().String()
	f, _ := dial(t, address, nil)
	h := Heard{Frame: []byte("up"), At: testTime, Frequency: 868100000, Rate: sf7}
	if err := f.Forward(h); err != nil {
		t.Fatal(err)
	}
	told.next(t, "heard")
	stop()
	if err := f.Forward(h); err != nil {
		t.Fatal(err)
	}
	s, told, _ = listen(t, address)
	if err := s.Send(testEUI, 1, Emission{Frame: []byte("x"), Frequency: 868100000, Rate: sf7}); err == nil && s.Counts().Pulls == 0 {
		t.Error("it sends to a gateway that it does not know")
	}
	until(t, "PULL_DATA", func() bool { return s.Counts().Pulls > 0 })
	h.Frame = []byte("after")
	if err := f.Forward(h); err != nil {
		t.Fatal(err)
	}
	if e := told.next(t, "heard"); string(e.heard[0].Frame) != "after" {
		t.Errorf("%+v", e)
	}
}

// Datagrams of anybody: what is wrong is counted and answered by nothing.
func TestStrangers(t *testing.T) {
	s, told, _ := listen(t, "127.0.0.1:0")
	conn, err := net.Dial("udp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	put := func(b []byte) {
		t.Helper()
		if _, err := conn.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	put([]byte("GET / HTTP/1.1\r\n\r\n"))
	put(datagram{kind: pullResp, body: []byte("{}")}.append(nil))
	put(datagram{kind: pushData, gateway: testEUI, token: 7, body: []byte("{")}.append(nil))
	put(datagram{kind: txAck, gateway: testEUI, token: 99}.append(nil))
	put(datagram{kind: txAck, gateway: testEUI, token: 99, body: []byte("{")}.append(nil))
	until(t, "all is counted", func() bool { c := s.Counts(); return c.Malformed == 4 && c.Unknown == 1 && c.Pushes == 1 })
	buf := make([]byte, 100)
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(buf); err != nil || string(buf[:n]) != "\x02\x07\x00\x01" {
		t.Errorf("%x, %v, want one PUSH_ACK", buf[:n], err)
	}
	for i := range maxGateways { // one is known already
		put(datagram{kind: pullData, gateway: city.EUI{1, 2, byte(i), byte(i >> 8)}}.append(nil))
		until(t, "it is counted", func() bool { c := s.Counts(); return c.Pulls+c.Refused == uint64(i+1) })
	}
	if c := s.Counts(); c.Refused != 1 {
		t.Errorf("%d gateways are refused, want 1", c.Refused)
	}
	if len(told) != 0 {
		t.Errorf("told of %+v", <-told)
	}
}

// The same for the gateway, whose server may be anybody as well.
func TestStrangeServer(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	f, emitted := dial(t, conn.LocalAddr().String(), func(c *Config) { c.KeepAlive = time.Hour })
	buf := make([]byte, 1000)
	n, from, err := conn.ReadFrom(buf)
	if err != nil {
		t.Fatal(err)
	}
	pull, err := parseDatagram(buf[:n])
	if err != nil || pull.kind != pullData || pull.gateway != testEUI {
		t.Fatalf("%+v, %v", pull, err)
	}
	put := func(d datagram) {
		t.Helper()
		if _, err := conn.WriteTo(d.append(nil), from); err != nil {
			t.Fatal(err)
		}
	}
	put(datagram{kind: pushAck, token: pull.token}) // the token of another kind
	put(datagram{kind: pullAck, token: pull.token + 1})
	put(datagram{kind: pullAck, token: pull.token})
	put(datagram{kind: pullAck, token: pull.token})
	put(datagram{kind: pullData, gateway: testEUI})
	put(datagram{kind: pullResp, body: []byte(`{"txpk":{}}`)})
	until(t, "all is counted", func() bool {
		c := f.Counts()
		return c.PullsAcked == 1 && c.Unknown == 3 && c.Malformed == 2
	})
	put(datagram{kind: pullResp, token: 9, body: (&Emission{Frame: []byte("x"), When: AtOnce, Frequency: 868100000, Rate: sf7, Power: 30}).append(nil)})
	emitted.next(t, "emit")
	if n, _, err = conn.ReadFrom(buf); err != nil {
		t.Fatal(err)
	}
	if got, want := string(buf[longHead:n]), `{"txpk_ack":{"warn":"TX_POWER","value":27}}`; got != want {
		t.Errorf("answer %s, want %s", got, want)
	}
	if f.Forward() == nil || f.Forward(Heard{}) == nil || f.Forward(make([]Heard, maxHeard+1)...) == nil {
		t.Error("what is no frame is forwarded")
	}
}

func TestDial(t *testing.T) {
	good := Config{EUI: testEUI, Server: "127.0.0.1:1700", Now: time.Now, Emit: func(Sending) {}}
	for name, spoil := range map[string]func(*Config){
		"EUI": func(c *Config) { c.EUI = city.EUI{} }, "clock": func(c *Config) { c.Now = nil }, "emit": func(c *Config) { c.Emit = nil },
		"keep-alive": func(c *Config) { c.KeepAlive = -1 }, "server": func(c *Config) { c.Server = "127.0.0.1" },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := good
			spoil(&cfg)
			if _, err := Dial(context.Background(), cfg, zerolog.Nop()); err == nil {
				t.Error("it is taken")
			}
		})
	}
	if _, err := Listen("127.0.0.1", nil, zerolog.Nop()); err == nil {
		t.Error("an address without port is taken")
	}
}
