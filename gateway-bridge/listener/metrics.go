package listener

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// Results of a login, each a metric label.
const (
	loginAccepted = "accepted"
	loginRefused  = "refused"
	loginLimited  = "limited"  // after too many failures
	loginBroken   = "no_login" // no TLS, no MQTT, or nothing in time
)

type metrics struct {
	connections *prometheus.GaugeVec
	logins      *prometheus.CounterVec
	refused     *prometheus.CounterVec
	inFlight    prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer, publishers []Publisher) (*metrics, error) {
	m := &metrics{
		connections: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "meldefunk_listener_connections", Help: "Connections that network servers have logged in on.",
		}, []string{"server"}),
		logins: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "meldefunk_listener_logins_total", Help: "Connections by what became of their login.",
		}, []string{"result"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "meldefunk_listener_refused_total", Help: "Messages refused because their topic is not one of their network server.",
		}, []string{"server"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "meldefunk_listener_in_flight", Help: "Messages that are read and wait for their commit.",
		}),
	}
	for _, p := range publishers {
		m.connections.WithLabelValues(p.Server)
		m.refused.WithLabelValues(p.Server)
	}
	var problems []error
	for _, c := range []prometheus.Collector{m.connections, m.logins, m.refused, m.inFlight} {
		problems = append(problems, reg.Register(c))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("register metrics of the MQTT listener: %w", err)
	}
	return m, nil
}
