package bridge

import (
	"bytes"
	"context"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/gateway-bridge/brokertest"
)

// BenchmarkDrain takes messages of 900 bytes that wait in mosquitto, and acknowledges each
// by hand: through a Server, and with nothing but paho. Run it with a fixed number, as
// -benchtime=50000x.
func BenchmarkDrain(b *testing.B) {
	bodies := func(n int) [][]byte {
		body := bytes.Repeat([]byte("x"), 900)
		all := make([][]byte, n)
		for i := range all {
			all[i] = body
		}
		return all
	}
	bare := func(url string, handle mqtt.MessageHandler) mqtt.Client {
		return mqtt.NewClient(mqtt.NewClientOptions().AddBroker(url).SetClientID("meldefunk-lab").SetCleanSession(false).
			SetProtocolVersion(4).SetAutoAckDisabled(true).SetAutoReconnect(false).SetDefaultPublishHandler(handle))
	}
	// queue leaves b.N messages for an absent session behind.
	queue := func(b *testing.B) *brokertest.Broker {
		broker := brokertest.Start(b)
		client := bare(broker.URL(), nil)
		client.Connect().Wait()
		client.Subscribe("city/#", 1, nil).Wait()
		client.Disconnect(250)
		broker.Publish("city/bin", bodies(b.N)...)
		return broker
	}
	b.Run("server", func(b *testing.B) {
		broker := queue(b)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		got := 0
		offer := func(_ context.Context, a city.Arrival) error {
			a.Acker.Ack()
			if got++; got == b.N {
				cancel()
			}
			return nil
		}
		s, err := newServer(testConfig(broker.URL()), plain{}, offer, time.Now, zerolog.Nop(), prometheus.NewRegistry())
		if err != nil {
			b.Fatal(err)
		}
		b.ResetTimer()
		before := cpu(b)
		if err := s.Run(ctx); err != nil {
			b.Fatal(err)
		}
		report(b, before)
	})
	b.Run("bare", func(b *testing.B) {
		broker := queue(b)
		done := make(chan struct{})
		var got atomic.Int64
		client := bare(broker.URL(), func(_ mqtt.Client, m mqtt.Message) {
			m.Ack()
			if got.Add(1) == int64(b.N) {
				close(done)
			}
		})
		b.ResetTimer()
		before := cpu(b)
		client.Connect().Wait()
		<-done
		report(b, before)
		client.Disconnect(250)
	})
}

func report(b *testing.B, before time.Duration) {
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	b.ReportMetric((cpu(b)-before).Seconds()/float64(b.N)*100_000, "cpu-s/100k")
}

// cpu is what this process has used so far, user and system.
func cpu(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// Between paho and the road only the message itself is allocated, for the dialect's sake.
func TestArrivalHardlyAllocates(t *testing.T) {
	s, err := newServer(testConfig("mqtt://localhost"), plain{}, nil, time.Now, zerolog.Nop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	var m mqtt.Message = message{topic: "city/bin", body: []byte("up")}
	if n := testing.AllocsPerRun(1000, func() { s.arrival(m, 0) }); n > 1 {
		t.Errorf("%v allocations per message, want 1", n)
	}
}

// message is a paho message made by hand.
type message struct {
	topic string
	body  []byte
}

func (m message) Topic() string     { return m.topic }
func (m message) Payload() []byte   { return m.body }
func (m message) Duplicate() bool   { return false }
func (m message) Qos() byte         { return 1 }
func (m message) Retained() bool    { return false }
func (m message) MessageID() uint16 { return 1 }
func (m message) Ack()              {}
