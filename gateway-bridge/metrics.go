package bridge

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"meldefunk/city"
)

// metrics of one Server. The children of the messages counter are resolved beforehand,
// so that counting costs one addition.
type metrics struct {
	events                        []prometheus.Counter // by city.EventKind
	malformed, tooLarge, retained prometheus.Counter
	connected                     prometheus.Gauge
	reconnects, sessionsLost      prometheus.Counter
}

// newMetrics registers with the constant label server, so that several Servers share the
// names. A second Server of the same name is an error.
func newMetrics(reg prometheus.Registerer, server string) (*metrics, error) {
	label := prometheus.Labels{"server": server}
	messages := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name:        "meldefunk_bridge_messages_total",
		Help:        "MQTT messages received, by what they were.",
		ConstLabels: label,
	}, []string{"event"})
	m := &metrics{
		malformed: messages.WithLabelValues("malformed"),
		tooLarge:  messages.WithLabelValues("too_large"),
		retained:  messages.WithLabelValues("retained"),
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
	m.events = make([]prometheus.Counter, len(city.EventKinds()))
	for _, kind := range city.EventKinds() {
		m.events[kind] = messages.WithLabelValues(kind.String())
	}
	var problems []error
	for _, c := range []prometheus.Collector{messages, m.connected, m.reconnects, m.sessionsLost} {
		problems = append(problems, reg.Register(c))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("register metrics of network server %s (is the name taken twice?): %w", server, err)
	}
	return m, nil
}

// event counts what a dialect understood.
func (m *metrics) event(kind city.EventKind) {
	if int(kind) >= len(m.events) {
		kind = city.EventOther
	}
	m.events[kind].Inc()
}
