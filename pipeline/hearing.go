package pipeline

import (
	"cmp"
	"slices"
	"time"

	"meldefunk/city"
)

const (
	// grace is how long after it came back a network server is still taken for deaf: what its
	// broker has kept arrives in that time.
	grace = 2 * time.Minute
	// heartbeat is how often the store is told that we are there, at most.
	heartbeat = 30 * time.Second
	// missed is how many ticks may be left out before we count as having been away, and
	// leastAway how long that is at least.
	missed    = 12
	leastAway = time.Minute
)

// hearing knows when network servers could not be heard: their broker was away, or we were.
type hearing struct {
	times []city.Deafness // in order of their beginning
	open  map[string]bool // servers that are deaf now: the newest of their times goes on
	last  time.Time       // when the last of the times ended, as far as is known
}

func newHearing(times []city.Deafness) *hearing {
	h := &hearing{times: times, open: map[string]bool{}}
	slices.SortFunc(h.times, func(a, b city.Deafness) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Server, b.Server))
	})
	for i := range times {
		h.note(&times[i])
	}
	return h
}

// resume goes on with the times that were not over when we were last there.
func (h *hearing) resume(alive time.Time) {
	for i := range h.times {
		if d := &h.times[i]; d.Server != "" && d.Until.Equal(alive) && h.newest(d.Server) == d {
			h.open[d.Server] = true
		}
	}
}

func (h *hearing) note(d *city.Deafness) {
	if d.Until.After(h.last) {
		h.last = d.Until
	}
}

// add begins a deaf time.
func (h *hearing) add(d city.Deafness) {
	at, _ := slices.BinarySearchFunc(h.times, d, func(a, b city.Deafness) int {
		if a.Since.After(b.Since) {
			return 1
		}
		return -1
	})
	h.times = slices.Insert(h.times, at, d)
	h.note(&d)
}

// newest is the newest time of a server; nil: there is none.
func (h *hearing) newest(server string) *city.Deafness {
	for i := len(h.times) - 1; i >= 0; i-- {
		if h.times[i].Server == server {
			return &h.times[i]
		}
	}
	return nil
}

// deaf is how long of a time a network server could not be heard.
func (h *hearing) deaf(server string, from, to time.Time) time.Duration {
	if len(h.open) == 0 && !h.last.After(from) {
		return 0
	}
	var total time.Duration
	for i := range h.times {
		d := &h.times[i]
		if d.Server != "" && d.Server != server {
			continue
		}
		until := d.Until
		if h.goesOn(d) {
			until = to
		}
		if d.Since.After(from) {
			from = d.Since
		}
		if until.After(to) {
			until = to
		}
		if until.After(from) {
			total += until.Sub(from)
			from = until
		}
	}
	return total
}

func (h *hearing) goesOn(d *city.Deafness) bool { return h.open[d.Server] && h.newest(d.Server) == d }

// after gives a time, or when the network server could be heard again if it was deaf then;
// false: it still is.
func (h *hearing) after(server string, at time.Time) (time.Time, bool) {
	if len(h.open) == 0 && !h.last.After(at) {
		return at, true
	}
	for i := range h.times {
		d := &h.times[i]
		if d.Server != "" && d.Server != server || !d.Since.Before(at) {
			continue
		}
		if h.goesOn(d) {
			return at, false
		}
		if d.Until.After(at) {
			at = d.Until
		}
	}
	return at, true
}

// pulse notes that we are there at now. A long time since the last pulse means that we were
// not, or that our clock has jumped: then nobody could be heard.
func (r *Road) pulse(now time.Time) {
	away := max(missed*r.cfg.Tick, leastAway)
	if r.alive.Sub(now) > away {
		r.setBack(now)
	}
	if r.alive.IsZero() || now.Sub(r.alive) > away {
		since := r.alive
		if since.IsZero() {
			since = time.Unix(0, 0).UTC() // before the first start we were never there
		} else {
			r.log.Warn().Time("since", since).Time("until", now).
				Msg("we were away, or the clock has jumped: this time does not count as silence of anybody")
		}
		d := city.Deafness{Since: since, Until: now.Add(grace)}
		r.hearing.add(d)
		r.commit.Deaf = append(r.commit.Deaf, d)
	}
	r.alive = now
	if now.Sub(r.mark.Alive).Abs() >= heartbeat {
		r.mark.Alive, r.beats = now, true
	}
}

// setBack takes back what rests on a clock that was ahead: nobody is deaf in a time to come, no
// case was opened in it, and who was to be looked at then is looked at now.
func (r *Road) setBack(now time.Time) {
	r.log.Warn().Time("from", r.alive).Time("to", now).Msg("the clock was set back; what was noted of the time ahead is taken back")
	r.commit.Deaf = append(r.commit.Deaf, r.hearing.setBack(now.Add(grace))...)
	r.brake.setBack(now)
	r.passed = now
	r.wheel.setBack()
	r.rethink()
}

// setBack ends all deaf times by a time at the latest, and gives those that ended later.
func (h *hearing) setBack(to time.Time) (changed []city.Deafness) {
	h.last = time.Time{}
	for i := range h.times {
		d := &h.times[i]
		if d.Until.After(to) {
			d.Until = to
			if d.Since.After(to) {
				d.Until = d.Since // it never was
			}
			changed = append(changed, *d)
		}
		if !d.Since.After(to) {
			h.note(d)
		}
	}
	return changed
}

// listen asks which network servers can be heard now.
func (r *Road) listen(now time.Time) {
	if r.parts.Hearing == nil {
		return
	}
	h := r.hearing
	before := r.listened
	if before.IsZero() || before.After(now) {
		before = now
	}
	r.listened = now
	deaf := r.parts.Hearing.Deaf()
	for _, server := range deaf {
		if h.open[server] {
			d := h.newest(server)
			d.Until = now
			h.note(d)
			continue
		}
		d := city.Deafness{Server: server, Since: before, Until: now}
		h.add(d)
		h.open[server] = true
		r.commit.Deaf = append(r.commit.Deaf, d)
	}
	for server := range h.open {
		if slices.Contains(deaf, server) {
			continue
		}
		d := h.newest(server)
		d.Until = now.Add(grace)
		h.note(d)
		delete(h.open, server)
		r.commit.Deaf = append(r.commit.Deaf, *d)
	}
}
