package brokertest_test

import (
	"net"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"meldefunk/gateway-bridge/brokertest"
)

func TestRoundTrip(t *testing.T) {
	for name, options := range map[string][]brokertest.Option{
		"plain":    nil,
		"tls":      {brokertest.WithTLS()},
		"password": {brokertest.WithPassword("bridge", "correct horse")},
		"both":     {brokertest.WithTLS(), brokertest.WithPassword("bridge", "correct horse")},
	} {
		t.Run(name, func(t *testing.T) {
			b := brokertest.Start(t, options...)
			got := make(chan string, 1)
			b.Client("reader").Subscribe("city/#", 1, func(_ mqtt.Client, m mqtt.Message) { got <- string(m.Payload()) }).Wait()
			b.Publish("city/bin", []byte("full"))
			select {
			case body := <-got:
				if body != "full" {
					t.Errorf("got %q", body)
				}
			case <-time.After(10 * time.Second):
				t.Fatal("message did not arrive")
			}
		})
	}
}

// What a persistent session is owed must survive Stop, and Kill with WithAutosave; the
// tests of the bridge rely on both.
func TestPersistence(t *testing.T) {
	tests := map[string]struct {
		options []brokertest.Option
		end     func(*brokertest.Broker)
	}{
		"stop": {nil, (*brokertest.Broker).Stop},
		"kill with autosave": {[]brokertest.Option{brokertest.WithAutosave()}, func(b *brokertest.Broker) {
			<-time.After(2500 * time.Millisecond) // the promise is about time: saved after a second
			b.Kill()
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := brokertest.Start(t, test.options...)
			absent := func() *mqtt.ClientOptions {
				return mqtt.NewClientOptions().AddBroker(b.URL()).SetClientID("absent").SetCleanSession(false).SetProtocolVersion(4)
			}
			client := mqtt.NewClient(absent())
			client.Connect().Wait()
			client.Subscribe("city/#", 1, nil).Wait()
			client.Disconnect(250)

			const n = 2500 // more than mosquitto's default queue of 1,000
			bodies := make([][]byte, n)
			for i := range bodies {
				bodies[i] = []byte("uplink")
			}
			b.Publish("city/bin", bodies...)
			test.end(b)
			if connection, err := net.Dial("tcp", b.Addr()); err == nil {
				connection.Close()
				t.Fatal("still listening after its end")
			}
			b.Restart()

			got := make(chan struct{}, n)
			client = mqtt.NewClient(absent().SetDefaultPublishHandler(func(mqtt.Client, mqtt.Message) { got <- struct{}{} }))
			client.Connect().Wait()
			defer client.Disconnect(250)
			deadline := time.After(20 * time.Second)
			for i := range n {
				select {
				case <-got:
				case <-deadline:
					t.Fatalf("%d of %d messages after 20 s", i, n)
				}
			}
		})
	}
}
