package quality

import "time"

// thingsBoard models an alarm rule of ThingsBoard 4.3 with a duration, and a clear rule. The
// duration is our clock's time less the time of the first sample that met the condition, and
// it ends by a timer too. Samples older than the newest are not looked at. Nothing is lost in
// a restart.
type thingsBoard struct {
	cases
	subject *Subject
	newest  time.Duration
	any     bool
	running bool // for whichever is to come, opening or closing
	first   time.Duration
	done    time.Duration
}

// ThingsBoard makes one.
func ThingsBoard(s *Subject, _ time.Duration) Decider { return &thingsBoard{subject: s} }

func (t *thingsBoard) Hear(m *Message) {
	t.Pass(m.Heard)
	if t.any && m.At <= t.newest {
		return
	}
	t.any, t.newest = true, m.At
	met := t.subject.met(m.Value, 0)
	if t.open {
		met = t.subject.over(m.Value, 0)
	}
	if met && !t.running {
		t.first = m.At
	}
	t.running = met
	t.Pass(m.Heard)
}

func (t *thingsBoard) Restart(down Span) {
	t.Pass(down.From)
	t.done = down.To
}

func (t *thingsBoard) Pass(to time.Duration) {
	span := t.subject.For
	if t.open {
		span = t.subject.ClearFor
	}
	if due := max(t.first+span, t.done); t.running && due <= to {
		t.running = false
		if t.open {
			t.end(due)
		} else {
			t.begin(due)
		}
	}
	t.done = max(t.done, to)
}
