package bridge

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"meldefunk/city"
)

// counts of the messages of one network server. The children of the counter are resolved
// beforehand, so that counting costs one addition.
type counts struct {
	events                        []prometheus.Counter // by city.EventKind
	malformed, tooLarge, retained prometheus.Counter
}

// newCounts registers with the constant label server, so that all network servers share the
// name. A second one of the same name is an error.
func newCounts(reg prometheus.Registerer, server string) (*counts, error) {
	messages := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name:        "meldefunk_bridge_messages_total",
		Help:        "Messages received over MQTT and webhooks, by what they were.",
		ConstLabels: prometheus.Labels{"server": server},
	}, []string{"event"})
	c := &counts{
		malformed: messages.WithLabelValues("malformed"),
		tooLarge:  messages.WithLabelValues("too_large"),
		retained:  messages.WithLabelValues("retained"),
		events:    make([]prometheus.Counter, len(city.EventKinds())),
	}
	for _, kind := range city.EventKinds() {
		c.events[kind] = messages.WithLabelValues(kind.String())
	}
	return c, registered(server, reg.Register(messages))
}

// metrics of one Server.
type metrics struct {
	*counts
	connected                prometheus.Gauge
	reconnects, sessionsLost prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, server string) (*metrics, error) {
	counts, err := newCounts(reg, server)
	if err != nil {
		return nil, err
	}
	label := prometheus.Labels{"server": server}
	m := &metrics{
		counts: counts,
		connected: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "meldefunk_bridge_connected", Help: "1 while the MQTT session is up and subscribed.", ConstLabels: label,
		}),
		reconnects: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "meldefunk_bridge_reconnects_total", Help: "MQTT sessions re-established after a loss.", ConstLabels: label,
		}),
		sessionsLost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "meldefunk_bridge_sessions_lost_total", Help: "Reconnects at which the broker had forgotten the session, and the messages it kept for it.", ConstLabels: label,
		}),
	}
	var problems []error
	for _, c := range []prometheus.Collector{m.connected, m.reconnects, m.sessionsLost} {
		problems = append(problems, reg.Register(c))
	}
	return m, registered(server, problems...)
}

// registered says whose metrics could not be registered, nil if all could.
func registered(server string, problems ...error) error {
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("register metrics of network server %s (is the name taken twice?): %w", server, err)
	}
	return nil
}

// event counts what a dialect understood.
func (c *counts) event(kind city.EventKind) {
	if int(kind) >= len(c.events) {
		kind = city.EventOther
	}
	c.events[kind].Inc()
}
