package bridge

import (
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// grudging is a broker that answers CONNECT and SUBSCRIBE and nothing else, with the
// return codes it is told: mosquitto's access rules never refuse a SUBSCRIBE of MQTT
// 3.1.1, other brokers' do.
type grudging struct {
	t        *testing.T
	listener net.Listener
	mu       sync.Mutex
	codes    []byte // for each topic of a SUBSCRIBE
	asked    int    // how many SUBSCRIBEs
}

func startGrudging(t *testing.T, codes ...byte) *grudging {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &grudging{t: t, listener: listener, codes: codes}
	var connections sync.WaitGroup
	connections.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Go(func() { g.serve(conn) })
		}
	})
	t.Cleanup(func() { listener.Close(); connections.Wait() })
	return g
}

func (g *grudging) url() string { return "mqtt://" + g.listener.Addr().String() }

func (g *grudging) grant(codes ...byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.codes = codes
}

func (g *grudging) questions() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.asked
}

func (g *grudging) serve(conn net.Conn) {
	defer conn.Close()
	for {
		packet, err := packets.ReadPacket(conn)
		if err != nil {
			return
		}
		var answer packets.ControlPacket
		switch p := packet.(type) {
		case *packets.ConnectPacket:
			if strings.HasSuffix(p.ClientIdentifier, "-look") {
				return // it does not tell about itself, and hangs up on who asks
			}
			if p.CleanSession {
				g.t.Error("CONNECT asks for a clean session")
			}
			answer = packets.NewControlPacket(packets.Connack)
		case *packets.SubscribePacket:
			for i, q := range p.Qoss {
				if q != 1 {
					g.t.Errorf("SUBSCRIBE %s asks for QoS %d", p.Topics[i], q)
				}
			}
			ack := packets.NewControlPacket(packets.Suback).(*packets.SubackPacket)
			ack.MessageID = p.MessageID
			g.mu.Lock()
			ack.ReturnCodes = g.codes
			g.asked++
			g.mu.Unlock()
			answer = ack
		case *packets.DisconnectPacket:
			return
		default:
			continue
		}
		if err := answer.Write(conn); err != nil {
			return
		}
	}
}

func TestSubscriptionRefused(t *testing.T) {
	g := startGrudging(t, 0x80)
	cfg := testConfig(g.url())
	cfg.Username = "bridge"
	r := start(t, cfg)
	r.until("refused", func() bool { return strings.Contains(r.State().LastError, "refused") })
	r.until("asked again", func() bool { return g.questions() >= 3 })
	state := r.State()
	if !state.Connected || state.Subscribed || state.Ready() {
		t.Errorf("state %+v, want connected and not subscribed", state)
	}
	if want := `subscribe to city/#: refused: check the broker's access rules for user "bridge"`; state.LastError != want {
		t.Errorf("last error %q, want %q", state.LastError, want)
	}
	if got := r.metric("meldefunk_bridge_connected"); got != 0 {
		t.Errorf("connected = %v, want 0", got)
	}
	if n := strings.Count(r.log.String(), "the broker refuses a subscription"); n != 1 {
		t.Errorf("said %d times, want once:\n%s", n, r.log)
	}
	g.grant(1)
	r.ready()
	if last := r.State().LastError; last != "" {
		t.Errorf("ready, but the last error is still %q", last)
	}
}

func TestSubscriptionNeverAnswered(t *testing.T) {
	g := startGrudging(t) // a SUBACK without any return code
	r := start(t, testConfig(g.url()))
	r.until("refused", func() bool { return strings.Contains(r.State().LastError, "refused") })
}

func TestJudgeGrants(t *testing.T) {
	tests := map[string]struct {
		granted        map[string]byte
		refused, lossy string
	}{
		"as asked":     {map[string]byte{"a": 1, "b": 1}, "", ""},
		"more":         {map[string]byte{"a": 2, "b": 1}, "", ""},
		"one refused":  {map[string]byte{"a": 1, "b": 0x80}, "b", ""},
		"one lossy":    {map[string]byte{"a": 0, "b": 1}, "", "a"},
		"no answer":    {nil, "a b", ""},
		"unknown code": {map[string]byte{"a": 3, "b": 1}, "a", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			refused, lossy := judgeGrants([]string{"a", "b"}, test.granted)
			if got := strings.Join(refused, " "); got != test.refused {
				t.Errorf("refused %q, want %q", got, test.refused)
			}
			if got := strings.Join(lossy, " "); got != test.lossy {
				t.Errorf("lossy %q, want %q", got, test.lossy)
			}
		})
	}
}
