package pipeline

import (
	"github.com/prometheus/client_golang/prometheus"

	"meldefunk/city"
)

// metrics count what was committed. Labels are resolved once: the road is the hot path.
type metrics struct {
	repeats       prometheus.Counter
	foreign       prometheus.Counter
	acked         prometheus.Counter
	late          prometheus.Counter
	estimated     prometheus.Counter
	reheard       prometheus.Counter
	conflicts     prometheus.Counter
	throttled     prometheus.Counter
	unkept        prometheus.Counter
	storeFails    prometheus.Gauge
	batch         prometheus.Histogram
	commitSeconds prometheus.Histogram
	frames        []prometheus.Counter // by city.Fate
	aside         map[city.Reason]prometheus.Counter
	readings      map[city.Kind]prometheus.Counter
	sessions      map[city.SessionCause]prometheus.Counter
	events        map[city.DeviceEventKind]prometheus.Counter
	opened        prometheus.Counter
	closed        prometheus.Counter
	overlooked    prometheus.Counter
	decisions     prometheus.Counter
	held          prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) metrics {
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
		reg.MustRegister(c)
		return c
	}
	vec := func(name, help, label string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
		reg.MustRegister(v)
		return v
	}
	m := metrics{
		repeats:    counter("meldefunk_road_repeats_total", "Frames that were stored before: redelivered by a broker or sent again by a device."),
		foreign:    counter("meldefunk_road_foreign_frames_total", "Raw frames of devices of others, dropped."),
		acked:      counter("meldefunk_road_acknowledged_total", "Messages acknowledged to their broker after the commit."),
		late:       counter("meldefunk_road_late_readings_total", "Readings older than the newest one of their asset: the rules think over what they decided since."),
		estimated:  counter("meldefunk_road_estimated_times_total", "Frames whose event time was estimated from counter and period: they waited somewhere and came in a burst."),
		reheard:    counter("meldefunk_road_reheard_total", "Repeats that told of a gateway that was not known to have heard the frame, or heard it better."),
		conflicts:  counter("meldefunk_road_conflicts_total", "Frames with the counter of another one of their session and other content: kept and flagged."),
		throttled:  counter("meldefunk_road_throttled_total", "Messages beyond what their device may send: set aside."),
		unkept:     counter("meldefunk_road_throttled_unkept_total", "Messages among these that were only counted, because many of the device were kept that day."),
		opened:     counter("meldefunk_road_cases_opened_total", "Cases opened by rules."),
		closed:     counter("meldefunk_road_cases_closed_total", "Cases closed by rules."),
		overlooked: counter("meldefunk_road_overlooked_readings_total", "Readings that came too late for the rules: kept, without effect."),
		decisions:  counter("meldefunk_road_decisions_total", "Decisions of rules that were kept."),
		held: prometheus.NewGauge(prometheus.GaugeOpts{Name: "meldefunk_road_held_cases",
			Help: "Cases that the safety brake holds back just now."}),
		storeFails: prometheus.NewGauge(prometheus.GaugeOpts{Name: "meldefunk_road_store_failures",
			Help: "Tries in a row that the store has failed; 0 while it works."}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "meldefunk_road_batch_messages",
			Help: "Messages per commit.", Buckets: prometheus.ExponentialBuckets(1, 4, 7)}),
		commitSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "meldefunk_road_commit_seconds",
			Help: "Time of a commit until it has reached the disk.", Buckets: prometheus.ExponentialBuckets(0.0005, 3, 10)}),
		aside:    map[city.Reason]prometheus.Counter{},
		readings: map[city.Kind]prometheus.Counter{},
		sessions: map[city.SessionCause]prometheus.Counter{},
		events:   map[city.DeviceEventKind]prometheus.Counter{},
	}
	reg.MustRegister(m.storeFails, m.held, m.batch, m.commitSeconds)

	frames := vec("meldefunk_road_frames_total", "Frames stored, by how they ended.", "fate")
	for _, fate := range city.Fates() {
		m.frames = append(m.frames, frames.WithLabelValues(fate.String()))
	}
	aside := vec("meldefunk_road_set_aside_total", "Messages set aside, by reason.", "reason")
	for _, reason := range city.Reasons() {
		m.aside[reason] = aside.WithLabelValues(string(reason))
	}
	readings := vec("meldefunk_road_readings_total", "Readings stored, by kind of asset.", "kind")
	for _, kind := range city.Kinds() {
		m.readings[kind] = readings.WithLabelValues(kind.String())
	}
	sessions := vec("meldefunk_road_sessions_total", "Device sessions begun, by cause.", "cause")
	for _, cause := range []city.SessionCause{city.SessionFirst, city.SessionJoin, city.SessionToken, city.SessionReset} {
		m.sessions[cause] = sessions.WithLabelValues(string(cause))
	}
	events := vec("meldefunk_road_device_events_total", "What was told of devices in the inventory beside their frames, by kind.", "kind")
	for _, kind := range city.DeviceEventKinds() {
		m.events[kind] = events.WithLabelValues(string(kind))
	}
	return m
}

// committed counts a commit after it has reached the disk. Its first readings, so many as
// are amended, take the place of ones that were counted before.
func (m *metrics) committed(c *city.Commit, amended, messages int) {
	m.acked.Add(float64(messages))
	if messages > 0 {
		m.batch.Observe(float64(messages))
	}
	for i := range c.Frames {
		m.frames[c.Frames[i].Fate].Inc()
		if c.Frames[i].Conflict {
			m.conflicts.Inc()
		}
	}
	for i := range c.Readings[amended:] {
		reading := &c.Readings[amended+i]
		m.readings[reading.Kind].Inc()
		if reading.Late {
			m.late.Inc()
		}
	}
	for i := range c.Aside {
		if n, ok := m.aside[c.Aside[i].Reason]; ok {
			n.Add(float64(max(1, c.Aside[i].Count)))
		}
	}
	m.decisions.Add(float64(len(c.Rulings)))
	for i := range c.Events {
		m.events[c.Events[i].Kind].Inc()
	}
	for i := range c.Cases {
		if c.Cases[i].Wanted() {
			m.opened.Inc()
		} else {
			m.closed.Inc()
		}
	}
}
