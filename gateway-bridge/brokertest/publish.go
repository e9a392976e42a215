package brokertest

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// Client connects a paho client with a clean session to the broker until the test ends.
// Its user and password are those of WithPassword.
func (b *Broker) Client(clientID string) mqtt.Client {
	b.t.Helper()
	options := mqtt.NewClientOptions().AddBroker(b.URL()).SetClientID(clientID).
		SetProtocolVersion(4).SetConnectTimeout(patience).
		SetUsername(b.settings.user).SetPassword(b.settings.password)
	if b.settings.tls != nil {
		pem, err := os.ReadFile(b.CAFile())
		if err != nil {
			b.t.Fatal(err)
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(pem)
		options.SetTLSConfig(&tls.Config{RootCAs: roots})
	}
	client := mqtt.NewClient(options)
	await(b, "connect", client.Connect())
	b.t.Cleanup(func() { client.Disconnect(250) })
	return client
}

// Publish sends each body with QoS 1 and waits until the broker has acknowledged all.
func (b *Broker) Publish(topic string, bodies ...[]byte) {
	b.t.Helper()
	b.publish(topic, false, bodies)
}

// Retain publishes a retained message.
func (b *Broker) Retain(topic string, body []byte) {
	b.t.Helper()
	b.publish(topic, true, [][]byte{body})
}

func (b *Broker) publish(topic string, retained bool, bodies [][]byte) {
	b.t.Helper()
	client := b.Client(fmt.Sprintf("brokertest-%d", time.Now().UnixNano()))
	defer client.Disconnect(250)
	// A window, because a client has 65,535 message ids at most.
	const window = 1000
	for len(bodies) > 0 {
		n := min(window, len(bodies))
		tokens := make([]mqtt.Token, n)
		for i, body := range bodies[:n] {
			tokens[i] = client.Publish(topic, 1, retained, body)
		}
		for _, token := range tokens {
			await(b, "publish", token)
		}
		bodies = bodies[n:]
	}
}

func await(b *Broker, what string, token mqtt.Token) {
	b.t.Helper()
	if !token.WaitTimeout(patience) {
		b.t.Fatalf("%s: no answer from mosquitto after %v", what, patience)
	}
	if err := token.Error(); err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}
