package broker_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"meldefunk/gateway-bridge/broker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 60 * time.Second

func start(t testing.TB, dir string, sync broker.Sync) *broker.Broker {
	t.Helper()
	b, err := broker.Start(dir, broker.Config{Listen: "127.0.0.1:0", Sync: sync}, zerolog.New(zerolog.NewTestWriter(t)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// session connects the persistent session "absent" and acknowledges by hand.
func session(t testing.TB, b *broker.Broker, handle mqtt.MessageHandler) mqtt.Client {
	t.Helper()
	client := mqtt.NewClient(options(b, "absent").SetCleanSession(false).SetAutoAckDisabled(true).SetDefaultPublishHandler(handle))
	await(t, "connect", client.Connect())
	return client
}

func options(b *broker.Broker, id string) *mqtt.ClientOptions {
	return mqtt.NewClientOptions().AddBroker("mqtt://" + b.Addr()).SetClientID(id).SetProtocolVersion(4).SetAutoReconnect(false)
}

func await(t testing.TB, what string, token mqtt.Token) {
	t.Helper()
	if !token.WaitTimeout(patience) || token.Error() != nil {
		t.Fatalf("%s: %v", what, token.Error())
	}
}

// publish sends n messages numbered from the first, 1,000 ahead of the acknowledgements.
func publish(t testing.TB, b *broker.Broker, first, n int) {
	t.Helper()
	client := mqtt.NewClient(options(b, "publisher"))
	await(t, "connect", client.Connect())
	defer client.Disconnect(250)
	padding := strings.Repeat(" ", 900) // the size of an uplink event
	tokens := make([]mqtt.Token, 0, n)
	for i := range n {
		tokens = append(tokens, client.Publish("application/1/device/2/event/up", 1, false, fmt.Sprint(first+i)+padding))
		if i >= 1000 {
			await(t, "publish", tokens[i-1000])
		}
	}
	for _, token := range tokens[max(0, n-1000):] {
		await(t, "publish", token)
	}
}

func subscribe(t testing.TB, client mqtt.Client) {
	t.Helper()
	token := client.Subscribe("application/+/device/+/event/+", 1, nil).(*mqtt.SubscribeToken)
	await(t, "subscribe", token)
	for topic, granted := range token.Result() {
		if granted != 1 {
			t.Fatalf("%s: granted QoS %d", topic, granted)
		}
	}
}

func number(t testing.TB, m mqtt.Message) (n int) {
	if _, err := fmt.Sscan(string(m.Payload()), &n); err != nil {
		t.Error(err)
	}
	return n
}

// A persistent session is absent while messages are published and the broker restarts.
func TestAbsentSessionGetsEverything(t *testing.T) {
	for _, test := range []struct {
		sync broker.Sync
		n    int
	}{{broker.SyncSecond, 20_000}, {broker.SyncAlways, 1_000}} {
		t.Run(string(test.sync), func(t *testing.T) { absentSessionGetsEverything(t, test.sync, test.n) })
	}
}

func absentSessionGetsEverything(t *testing.T, sync broker.Sync, n int) {
	dir := filepath.Join(t.TempDir(), "mqtt")
	b := start(t, dir, sync)
	client := session(t, b, nil)
	subscribe(t, client)
	client.Disconnect(250)

	began := time.Now()
	publish(t, b, 0, n/2)
	b.Close()
	b = start(t, dir, sync)
	publish(t, b, n/2, n/2)
	t.Logf("published %d with QoS 1: %.0f/s, one restart included", n, float64(n)/time.Since(began).Seconds())
	b.Close()
	b = start(t, dir, sync)

	began = time.Now()
	seen, last, done := make([]bool, n), -1, make(chan struct{})
	count := 0
	client = session(t, b, func(_ mqtt.Client, m mqtt.Message) {
		i := number(t, m)
		if i < last {
			t.Errorf("%d after %d: order", i, last)
		}
		last = i
		if !seen[i] {
			seen[i] = true
			if count++; count == n {
				close(done)
			}
		}
		m.Ack()
	})
	defer client.Disconnect(250)
	subscribe(t, client)
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("not all of %d messages after %v", n, patience)
	}
	t.Logf("received %d: %.0f/s", n, float64(n)/time.Since(began).Seconds())
}

// What is not acknowledged comes again on the next connection, if only after a while.
func TestUnacknowledgedComesAgain(t *testing.T) {
	b := start(t, t.TempDir(), broker.SyncSecond)
	arrived := make(chan mqtt.Message, 10)
	handle := func(_ mqtt.Client, m mqtt.Message) { arrived <- m }
	client := session(t, b, handle)
	subscribe(t, client)
	publish(t, b, 0, 3)
	for range 3 {
		if m := next(t, arrived); number(t, m) != 1 {
			m.Ack()
		}
	}
	client.Disconnect(250)

	client = session(t, b, handle)
	defer client.Disconnect(250)
	subscribe(t, client)
	began := time.Now()
	m := next(t, arrived)
	if number(t, m) != 1 {
		t.Errorf("got %d again, want 1", number(t, m))
	}
	m.Ack()
	t.Logf("came again after %v", time.Since(began))
	publish(t, b, 3, 1)
	if m := next(t, arrived); number(t, m) != 3 {
		t.Errorf("got %d, want 3 and nothing before it", number(t, m))
	}
}

// The road acknowledges after a batch has been committed, so at least a batch must come
// before the first acknowledgement.
func TestBatchesFillBeforeAnAcknowledgement(t *testing.T) {
	const batch = 4 * 1024
	b := start(t, t.TempDir(), broker.SyncSecond)
	arrived := make(chan mqtt.Message, batch)
	client := session(t, b, func(_ mqtt.Client, m mqtt.Message) { arrived <- m })
	defer client.Disconnect(250)
	subscribe(t, client)
	publish(t, b, 0, batch)
	for range batch {
		next(t, arrived)
	}
}

func next(t testing.TB, arrived <-chan mqtt.Message) mqtt.Message {
	t.Helper()
	select {
	case m := <-arrived:
		return m
	case <-time.After(patience):
		t.Fatal("no message")
		return nil
	}
}

func TestStartRefuses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		dir, listen string
		sync        broker.Sync
		want        string
	}{
		"everybody":  {t.TempDir(), "0.0.0.0:0", broker.SyncAlways, "only 127.0.0.1"},
		"a name":     {t.TempDir(), "mqtt.example:1883", broker.SyncAlways, "only 127.0.0.1"},
		"no port":    {t.TempDir(), "127.0.0.1", broker.SyncAlways, "want host:port"},
		"wrong port": {t.TempDir(), "127.0.0.1:99999", broker.SyncAlways, "want 0 to 65535"},
		"port taken": {t.TempDir(), taken.Addr().String(), broker.SyncAlways, "address already in use"},
		"no sync":    {t.TempDir(), "127.0.0.1:0", "", "want always or second"},
		"no folder":  {filepath.Join(file, "mqtt"), "127.0.0.1:0", broker.SyncAlways, "not a directory"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b, err := broker.Start(test.dir, broker.Config{Listen: test.listen, Sync: test.sync}, zerolog.Nop())
			if err == nil {
				b.Close()
				t.Fatal("started")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %q, want %q in it", err, test.want)
			}
		})
	}
}

// Nothing but MQTT is listened for.
func TestNoOtherPort(t *testing.T) {
	b := start(t, t.TempDir(), broker.SyncSecond)
	if host, _, _ := net.SplitHostPort(b.Addr()); host != "127.0.0.1" {
		t.Errorf("listens on %s", b.Addr())
	}
	for _, port := range []string{"4222", "8222", "6222"} {
		if conn, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			conn.Close()
			t.Errorf("port %s is open", port)
		}
	}
}
