package bridge

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"meldefunk/gateway-bridge/brokertest"
)

// memory is Sessions that outlives a Server.
type memory struct {
	mu  sync.Mutex
	all map[string]time.Time
}

func (m *memory) BrokerSession(_ context.Context, session string) (time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.all[session], nil
}

func (m *memory) RememberBrokerSession(_ context.Context, session string, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.all == nil {
		m.all = map[string]time.Time{}
	}
	m.all[session] = at
	return nil
}

// takeAll acknowledges whatever arrives until stop, and tells how much it was.
func (r *running) takeAll() (taken func() int, stop func()) {
	var n atomic.Int64
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case a := <-r.Arrivals:
				a.Acker.Ack()
				n.Add(1)
			case <-done:
				return
			}
		}
	}()
	return func() int { return int(n.Load()) }, func() { close(done); <-ended }
}

// TestWarnings sets a real broker or its publisher badly, and well, and wants to be told in
// the first case and not in the second, in the log once and in State.
func TestWarnings(t *testing.T) {
	publish := func(b *brokertest.Broker, qos byte, retained bool, n int) {
		client := b.Client("publisher")
		for i := range n {
			topic := fmt.Sprintf("city/%d", i)
			if token := client.Publish(topic, qos, retained, "x"); !token.WaitTimeout(patience) || token.Error() != nil {
				t.Fatalf("publish: %v", token.Error())
			}
		}
		client.Disconnect(250)
	}
	tests := []struct {
		name     string
		lines    []string                   // of mosquitto.conf
		away     func(b *brokertest.Broker) // while the platform is away, between two runs
		there    func(b *brokertest.Broker) // while it is there
		want     string                     // what is said; "": nothing
		messages int                        // that arrive
	}{
		{name: "all is well", there: func(b *brokertest.Broker) { publish(b, 1, false, 20) },
			away: func(b *brokertest.Broker) { publish(b, 1, false, 50); b.Restart() }, messages: 70},
		{name: "publisher with QoS 0", there: func(b *brokertest.Broker) { publish(b, 0, false, 20) }, want: "messages come with QoS 0", messages: 20},
		{name: "broker grants QoS 0", lines: []string{"max_qos 0"}, there: func(b *brokertest.Broker) { publish(b, 0, false, 20) },
			want: "the broker grants QoS 0 only", messages: 20},
		{name: "broker keeps no sessions", lines: []string{"persistence false"}, away: func(b *brokertest.Broker) { b.Restart() },
			want: "the broker has forgotten the session"},
		{name: "short queue", lines: []string{"max_queued_messages 5"}, away: func(b *brokertest.Broker) { publish(b, 1, false, 50) },
			want: "; 45 since", messages: 5},
		{name: "many retained", away: func(b *brokertest.Broker) { publish(b, 1, true, manyRetained) }, want: "many retained messages", messages: manyRetained},
		{name: "few retained", away: func(b *brokertest.Broker) { publish(b, 1, true, manyRetained-1) }, messages: manyRetained - 1},
		{name: "broker does not tell about itself", lines: []string{"sys_interval 0"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			options := []brokertest.Option{brokertest.WithLine("sys_interval 1")}
			for _, line := range tt.lines {
				options = append(options, brokertest.WithLine(line))
			}
			b := brokertest.Start(t, options...)
			sessions := &memory{}
			again := func(s *Server) { s.KeepSessions(sessions); s.lookEvery = 200 * time.Millisecond }

			first := start(t, testConfig(b.URL()), again).ready()
			first.Stop()
			if tt.away != nil {
				tt.away(b)
			}
			r := start(t, testConfig(b.URL()), again)
			taken, stop := r.takeAll()
			r.ready()
			if tt.there != nil {
				tt.there(b)
			}
			r.until("warnings", func() bool { return tt.want == "" || strings.Contains(strings.Join(r.State().Warnings, "\n"), tt.want) })
			if tt.want == "" {
				r.until("a look", func() bool { return len(tt.lines) > 0 || strings.Contains(r.log.String(), "mosquitto version") })
			}
			r.until("every message", func() bool { return taken() >= tt.messages })
			warnings := r.State().Warnings
			stop()
			r.Stop()
			wanted := 0
			if tt.want != "" {
				wanted = 1
			}
			if len(warnings) != wanted {
				t.Errorf("warnings %q", warnings)
			}
			if n := strings.Count(r.log.String(), `"loss":`); n != wanted {
				t.Errorf("%d warnings in the log:\n%s", n, r.log)
			}
		})
	}
}

// A warning goes when what it is about has not been seen for a day.
func TestWarningsGoAfterADay(t *testing.T) {
	var w warnings
	begin := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	if !w.raise(lossSession, "forgotten", begin) || w.raise(lossSession, "forgotten again", begin.Add(time.Hour)) {
		t.Error("the first is new, and the second is not")
	}
	w.raise(lossDropped, "dropped", begin)
	for after, want := range map[time.Duration]string{
		time.Hour: "dropped|forgotten again", 24 * time.Hour: "forgotten again", 25 * time.Hour: "",
	} {
		if got := strings.Join(w.list(begin.Add(after)), "|"); got != want {
			t.Errorf("after %v: %q, want %q", after, got, want)
		}
	}
	w.clear(lossSession)
	if got := w.list(begin); len(got) != 1 {
		t.Errorf("after it was mended: %q", got)
	}
}

// What a broker has dropped is told when it grows, also over its restarts.
func TestDroppedMessages(t *testing.T) {
	r := prepare(t, testConfig("mqtt://127.0.0.1:1"))
	before := uint64(0)
	for i, tt := range []struct{ dropped, want string }{
		{"", ""}, {"many", ""}, {"7", "7 since the last look"}, {"7", "7 since the last look"}, {"2", "7 since the last look"}, {"5", "3 since the last look"},
	} {
		before = r.judgeFigures(figures{droppedTopic: tt.dropped}, before, i == 0)
		if got := strings.Join(r.State().Warnings, "|"); !strings.HasSuffix(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("step %d: %q, want %q", i, got, tt.want)
		}
	}
}
