package influx

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city"
)

// State says how the writer is doing.
type State struct {
	Behind        int64     // committed readings that InfluxDB does not have yet, as of the last try
	Error         string    // why the last try failed; "" when it did not. No secrets
	Since         time.Time // first failure since the last success; zero when there is none
	Misconfigured bool      // only a human can mend it: address, token, organization, bucket
	Refused       int64     // readings that InfluxDB would not take, since the start
	Spool         float64   // how much waits, as a share of the configured bound: 1 is full
	Lost          int64     // readings given up at the bound, since the start
}

// State never blocks for long.
func (w *Writer) State() State {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state
}

func (w *Writer) behind(n int64) {
	w.meters.behind.Set(float64(n))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state.Behind = n
}

// note keeps how a turn went, and logs it when that is news: a failure the first time and
// when its text changes, and its end.
func (w *Writer) note(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.state
	if err == nil {
		w.pause = 0
		w.state.Error, w.state.Since, w.state.Misconfigured = "", time.Time{}, false
		if before.Error != "" {
			w.log.Info().Dur("after", w.now().Sub(before.Since)).Int64("behind", w.state.Behind).
				Msg("InfluxDB takes readings again")
		}
		return
	}
	var f *failure
	w.state.Misconfigured = errors.As(err, &f) && f.outcome == misconfigured
	w.state.Error = err.Error()
	if before.Error == "" {
		w.state.Since = w.now()
	}
	if w.state.Error == before.Error {
		return
	}
	level, message := zerolog.WarnLevel, "InfluxDB does not take readings now; they are kept and sent later"
	if w.state.Misconfigured {
		level, message = zerolog.ErrorLevel, "InfluxDB is not configured rightly; readings are kept and sent once it is"
	}
	w.log.WithLevel(level).Str("error", w.state.Error).Int64("behind", w.state.Behind).Msg(message)
}

// refused counts a reading that InfluxDB will never have. The source keeps every one of
// them; the log tells of the first and then of every thousandth, or a wrong schema would
// fill the disk.
func (w *Writer) refused(r *city.Reading, reason string) {
	w.meters.refused.Inc()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state.Refused++
	if w.state.Refused%1000 == 1 {
		w.log.Error().Int64("reading", r.ID).Stringer("dev_eui", r.DevEUI).Str("asset", r.Asset).
			Str("reason", reason).Int64("refused", w.state.Refused).Msg("InfluxDB refuses a reading; it is noted and left out there")
	}
}

// meters are the writer's metrics.
type meters struct {
	behind           prometheus.Gauge
	spool            prometheus.Gauge
	lost             prometheus.Counter
	written, refused prometheus.Counter
	attempts         [outcomes]prometheus.Counter
}

func newMeters(reg prometheus.Registerer) (meters, error) {
	behind := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "meldefunk_influx_behind_readings",
		Help: "Committed readings that InfluxDB does not have yet.",
	})
	readings := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "meldefunk_influx_readings_total",
		Help: "Readings dealt with, by outcome: written or refused.",
	}, []string{"outcome"})
	attempts := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "meldefunk_influx_writes_total",
		Help: "Write requests, by outcome.",
	}, []string{"outcome"})
	m := meters{
		behind: behind,
		spool: prometheus.NewGauge(prometheus.GaugeOpts{Name: "meldefunk_influx_spool_ratio",
			Help: "What waits for InfluxDB as a share of the bound influxdb.spool; 1 is full."}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{Name: "meldefunk_influx_spool_lost_total",
			Help: "Readings that InfluxDB will never get, given up at the bound."}),
		written: readings.WithLabelValues("written"),
		refused: readings.WithLabelValues("refused"),
	}
	for o := range outcomes {
		m.attempts[o] = attempts.WithLabelValues(o.String())
	}
	return m, errors.Join(reg.Register(behind), reg.Register(m.spool), reg.Register(m.lost), reg.Register(readings), reg.Register(attempts))
}
