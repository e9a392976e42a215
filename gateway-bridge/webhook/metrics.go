package webhook

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	requests *prometheus.CounterVec
	inFlight prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "meldefunk_webhook_requests_total",
			Help: "Requests to webhooks, by network server (empty: a path of none) and status code of the answer.",
		}, []string{"server", "code"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "meldefunk_webhook_in_flight", Help: "Posts that are read or wait for their commit.",
		}),
	}
	if err := errors.Join(reg.Register(m.requests), reg.Register(m.inFlight)); err != nil {
		return nil, fmt.Errorf("register metrics of webhooks: %w", err)
	}
	return m, nil
}

func (m *metrics) answered(server string, code int) {
	m.requests.WithLabelValues(server, strconv.Itoa(code)).Inc()
}
