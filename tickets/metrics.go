package tickets

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	calls  *prometheus.CounterVec // system, action, result
	moves  *prometheus.CounterVec // system, state
	wishes *prometheus.CounterVec // kind, result
	stale  prometheus.Counter
	down   *prometheus.GaugeVec // system
}

func newMetrics(reg prometheus.Registerer) metrics {
	m := metrics{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "meldefunk_ticket_calls_total",
			Help: "Calls to a ticket system by action (create, find, close, reopen, note, status, changes) and result (ok, unsure, retry, refused, cannot).",
		}, []string{"system", "action", "result"}),
		moves: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "meldefunk_ticket_moves_total",
			Help: "Tickets that entered a state.",
		}, []string{"system", "state"}),
		wishes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "meldefunk_ticket_wishes_total",
			Help: "What people wanted done with tickets, by kind and result (granted, refused).",
		}, []string{"kind", "result"}),
		stale: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "meldefunk_ticket_stale_total",
			Help: "Steps dropped because somebody else had written the ticket.",
		}),
		down: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "meldefunk_ticket_system_down",
			Help: "1 while a ticket system cannot be reached and sending to it pauses, else 0.",
		}, []string{"system"}),
	}
	reg.MustRegister(m.calls, m.moves, m.wishes, m.stale, m.down)
	return m
}
