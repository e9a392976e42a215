package quality

import "time"

// kapacitor models an alert of Kapacitor on stateDuration with critReset. A duration is the
// time from the first point in the state to the point at hand, in the order in which points
// come, late ones and doubles too. A restart forgets durations, not the level.
type kapacitor struct {
	cases
	subject *Subject
	crit    stateDuration
	reset   stateDuration
}

// Kapacitor makes one.
func Kapacitor(s *Subject, _ time.Duration) Decider { return &kapacitor{subject: s} }

func (k *kapacitor) Hear(m *Message) {
	crit, reset := k.crit.track(m.At, k.subject.met(m.Value, 0)), k.reset.track(m.At, k.subject.over(m.Value, 0))
	switch {
	case crit >= k.subject.For:
		k.begin(m.Heard)
	case reset >= k.subject.ClearFor:
		k.end(m.Heard)
	}
}

func (k *kapacitor) Restart(Span) { k.crit, k.reset = stateDuration{}, stateDuration{} }

func (k *kapacitor) Pass(time.Duration) {}

// stateDuration is how long points have been in a state.
type stateDuration struct {
	in    bool
	first time.Duration
}

// track gives the duration at a point; less than 0: it is not in the state.
func (d *stateDuration) track(at time.Duration, in bool) time.Duration {
	if in && !d.in {
		d.first = at
	}
	if d.in = in; !in {
		return -1
	}
	return at - d.first
}
