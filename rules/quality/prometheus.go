package quality

import "time"

// prometheus models an alerting rule of Prometheus with `for`, evaluated every minute on the
// newest sample that is not older than the lookback. It has no condition of its own for
// closing. After a restart a pending alert goes on as if the time of being down had not been.
type prometheus struct {
	cases
	subject  *Subject
	lookback time.Duration

	value   float64
	at      time.Duration // of the newest sample
	any     bool
	pending bool
	since   time.Duration // active since this evaluation
	done    time.Duration // evaluated up to
}

// Prometheus makes one that looks back three periods.
func Prometheus(s *Subject, period time.Duration) Decider {
	return &prometheus{subject: s, lookback: 3 * period}
}

func (p *prometheus) Hear(m *Message) {
	p.Pass(m.Heard)
	if !p.any || m.At > p.at {
		p.any, p.at, p.value = true, m.At, m.Value
	}
}

func (p *prometheus) Restart(down Span) {
	p.Pass(down.From)
	if p.pending {
		p.since += down.To - down.From
	}
	p.done = max(p.done, down.To)
}

func (p *prometheus) Pass(to time.Duration) {
	first := tick(p.done + 1)
	if first > to {
		return
	}
	p.done = to
	stale := p.at + p.lookback
	if !p.any || !p.subject.met(p.value, 0) || first > stale {
		p.resolve(first)
		return
	}
	if !p.pending {
		p.pending, p.since = true, first
	}
	if fires := max(tick(p.since+p.subject.For), first); fires <= min(to, stale) {
		p.begin(fires)
	}
	if gone := tick(stale + 1); gone <= to {
		p.resolve(gone)
	}
}

func (p *prometheus) resolve(at time.Duration) {
	p.pending = false
	p.end(at)
}

// tick is the next full minute, or this one.
func tick(t time.Duration) time.Duration { return (t + minute - 1) / minute * minute }
