package tickets

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	calls *prometheus.CounterVec // action, result
	moves *prometheus.CounterVec // state
	down  prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) metrics {
	m := metrics{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "meldefunk_ticket_calls_total",
			Help: "Calls to the ticket system by action (create, find, close) and result (ok, unsure, retry, refused, cannot).",
		}, []string{"action", "result"}),
		moves: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "meldefunk_ticket_moves_total",
			Help: "Tickets that entered a state.",
		}, []string{"state"}),
		down: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "meldefunk_ticket_system_down",
			Help: "1 while the ticket system cannot be reached and sending pauses, else 0.",
		}),
	}
	reg.MustRegister(m.calls, m.moves, m.down)
	return m
}
