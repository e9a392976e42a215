package joinserver

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	requests *prometheus.CounterVec
	repeats  prometheus.Counter
	seconds  prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "meldefunk_joinserver_requests_total",
			Help: "Messages to the join server, by peer (empty: none that is known), type and ResultCode.",
		}, []string{"peer", "type", "result"}),
		repeats: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "meldefunk_joinserver_repeats_total", Help: "Messages that came again and got the answer they had before.",
		}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "meldefunk_joinserver_answer_seconds", Help: "Time from a message to its answer.",
			Buckets: []float64{.001, .003, .01, .03, .1, .3, 1, 3},
		}),
	}
	if err := errors.Join(reg.Register(m.requests), reg.Register(m.repeats), reg.Register(m.seconds)); err != nil {
		return nil, fmt.Errorf("register metrics of the join server: %w", err)
	}
	return m, nil
}
