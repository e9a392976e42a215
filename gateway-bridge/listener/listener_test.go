package listener

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
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
	secret   = "a-password-that-only-tests-know"
	patience = 20 * time.Second
	limit    = 256 << 10
	topic    = "application/1/device/2/event/up"
)

// station is a Server at work before a road of the test's.
type station struct {
	*Server
	*roadtest.Road
	*roadtest.Service
	t       *testing.T
	address string
	log     *roadtest.Log
}

// lab is a network server with a password.
func lab(t testing.TB) Publisher {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return Publisher{
		Server: "lab", Username: "lab", Password: door.Secret{File: file},
		Topics: []string{"application/+/device/+/event/+"}, MaxMessage: limit, Understand: understand,
	}
}

func understand(m *city.Message, rejected *city.Rejection) city.Arrival {
	a := city.Arrival{Message: *m, Event: city.Event{Kind: city.EventUp}}
	if rejected != nil {
		a.Err = rejected
	}
	return a
}

func open(t *testing.T, tune ...func(*Server)) *station {
	t.Helper()
	return openAs(t, DefaultConfig(), []Publisher{lab(t)}, tune...)
}

func openAs(t *testing.T, cfg Config, publishers []Publisher, tune ...func(*Server)) *station {
	t.Helper()
	return openAt(t, "127.0.0.1:0", cfg, publishers, tune...)
}

func openAt(t *testing.T, address string, cfg Config, publishers []Publisher, tune ...func(*Server)) *station {
	t.Helper()
	st := &station{Road: roadtest.New(t), t: t, log: roadtest.NewLog(t)}
	s, err := New(cfg, publishers, st.Offer, time.Now, zerolog.New(st.log), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	s.drain = 200 * time.Millisecond
	for _, f := range tune {
		f(s)
	}
	ln, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	st.Server, st.address = s, ln.Addr().String()
	t.Cleanup(func() { // after the stop
		if n := testutil.ToFloat64(s.metrics.inFlight); n != 0 {
			t.Errorf("%v messages in flight at the end", n)
		}
		if !s.budget.TryAcquire(budget) {
			t.Error("the budget is not given back")
		}
	})
	st.Service = roadtest.Serve(t, func(ctx context.Context) error { return s.Serve(ctx, ln) })
	return st
}

// options are those of a paho client that logs in as lab.
func (st *station) options() *mqtt.ClientOptions {
	return mqtt.NewClientOptions().AddBroker("mqtt://" + st.address).SetProtocolVersion(4).
		SetClientID("paho").SetUsername("lab").SetPassword(secret).SetAutoReconnect(false).SetConnectTimeout(patience)
}

// paho connects a real client of MQTT 3.1.1.
func (st *station) paho(o *mqtt.ClientOptions) mqtt.Client {
	st.t.Helper()
	client := mqtt.NewClient(o)
	wait(st.t, "connect", client.Connect())
	st.t.Cleanup(func() { client.Disconnect(100) })
	return client
}

func wait(t *testing.T, what string, token mqtt.Token) {
	t.Helper()
	if !token.WaitTimeout(patience) {
		t.Fatalf("%s: no answer", what)
	}
	if err := token.Error(); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// A real client of MQTT 3.1.1 publishes with every QoS.
func TestPaho(t *testing.T) {
	for qos := range byte(3) {
		t.Run("QoS "+string('0'+qos), func(t *testing.T) {
			st := open(t)
			client := st.paho(st.options())
			token := client.Publish(topic, qos, false, "full")
			a := st.Next()
			if m := a.Message; m.Server != "lab" || m.Topic != topic || string(m.Body) != "full" || m.Received.IsZero() {
				t.Errorf("message %+v", m)
			}
			if qos > 0 {
				select {
				case <-token.Done():
					t.Fatal("acknowledged before the commit")
				case <-time.After(50 * time.Millisecond): // it must not happen, so there is no event to wait for
				}
			}
			a.Acker.Ack()
			wait(t, "publish", token)
		})
	}
}

// Acknowledgements come in the order of the messages, whatever the order of the commits.
func TestAcknowledgedInOrder(t *testing.T) {
	st := open(t)
	c := st.dial(version5)
	const n = window
	for id := range uint16(n) {
		c.publish(1, id+1, topic, "x")
	}
	var arrivals []city.Arrival
	for range n {
		arrivals = append(arrivals, st.Next())
	}
	c.write(appendPacket(nil, typePingreq, 0))
	c.want(typePingresp) // a full window does not hold it up
	for i := len(arrivals) - 1; i >= 0; i-- {
		arrivals[i].Acker.Ack()
	}
	for id := range uint16(n) {
		if got := c.want(typePuback); got[0] != byte((id+1)>>8) || got[1] != byte(id+1) {
			t.Fatalf("PUBACK %x, want id %d", got, id+1)
		}
	}
}

// Nothing is read beyond the window.
func TestWindow(t *testing.T) {
	st := open(t)
	c := st.dial(version311)
	go func() {
		for id := range uint16(2 * window) {
			c.publish(1, id+1, topic, "x")
		}
	}()
	var arrivals []city.Arrival
	for range window + 1 { // one is taken out of the window and waits for its commit
		arrivals = append(arrivals, st.Next())
	}
	select {
	case <-st.Arrivals:
		t.Fatal("more than the window arrived")
	case <-time.After(50 * time.Millisecond): // it must not happen, so there is no event to wait for
	}
	for _, a := range arrivals {
		a.Acker.Ack()
	}
	for range window - 1 {
		st.Next().Acker.Ack()
	}
	for range 2 * window {
		c.want(typePuback)
	}
}
