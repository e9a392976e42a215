package rules

import (
	"math"
	"slices"
	"time"

	"meldefunk/city"
)

// acquaint tells the work of the devices that hang on the asset.
func (w *work) acquaint(s *city.Sight) {
	if s.Sensors == nil {
		return
	}
	for i := range w.heard {
		w.heard[i].absent = true
	}
	for i := range s.Sensors {
		x := &s.Sensors[i]
		dev := slices.IndexFunc(w.heard, func(h heard) bool { return h.eui == x.DevEUI })
		if dev < 0 && w.plan.silence && !x.Since.IsZero() {
			if dev = w.device(x.DevEUI); dev >= 0 {
				w.heard[dev].last = x.Since.UnixNano()
			}
		}
		if dev >= 0 {
			w.heard[dev].absent, w.heard[dev].declared = false, x.Period
		}
	}
	// Who hangs elsewhere now is forgotten as soon as nothing is kept of it.
	for i := len(w.heard) - 1; i >= 0; i-- {
		if w.heard[i].absent && !w.inRing(i) && (s.Reading == nil || w.heard[i].eui != s.Reading.DevEUI) {
			w.remove(i)
		}
	}
}

// overhear finds out for each device what any rule about silence has to know: how often it
// sends by what is in the ring, how much of that is lost, and how long we could not hear it.
func (w *work) overhear(s *city.Sight) {
	for i := range w.heard {
		h := &w.heard[i]
		h.sends, h.loss, h.deaf = 0, usualLoss, 0
		if newest := w.newest(i); newest >= 0 {
			var steps [ringSize]float64
			if h.declared == 0 {
				h.sends = most(w.steps(&steps, 0, newest))
			}
			h.loss = w.loss(newest)
		}
		if s.Deaf != nil && h.last != 0 && h.last < w.now {
			h.deaf = s.Deaf(server(s, h.eui), when(h.last), when(w.now))
		}
	}
}

// listen says for each device how often it sends by a rule.
func (w *work) listen(r *ruled) {
	for i := range w.heard {
		h := &w.heard[i]
		for _, p := range [...]time.Duration{r.Period, h.declared, h.sends, h.learned} {
			if h.period = p; p != 0 {
				break
			}
		}
	}
}

func server(s *city.Sight, eui city.EUI) string {
	for i := range s.Sensors {
		if s.Sensors[i].DevEUI == eui && s.Sensors[i].Server != "" {
			return s.Sensors[i].Server
		}
	}
	return s.Server
}

// newest is the index of the newest sample of a device; -1: there is none.
func (w *work) newest(dev int) int {
	for i := len(w.ring) - 1; i >= 0; i-- {
		if int(w.ring[i].dev) == dev {
			return i
		}
	}
	return -1
}

// usualLoss is the share of frames that are taken to be lost while too little is known, in
// line with what cities see.
const usualLoss = 0.15

// loss is the share of its frames that a device has lost lately, from 5 to 50 %.
func (w *work) loss(newest int) float64 {
	s := &w.ring[newest]
	frames, first := 0, s.fcnt
	for i := newest; i >= 0; i-- {
		if t := &w.ring[i]; t.dev == s.dev && t.epoch == s.epoch && t.fcnt <= first {
			frames, first = frames+1, t.fcnt
		}
	}
	if frames < reach {
		return usualLoss
	}
	return math.Min(math.Max(1-float64(frames)/float64(s.fcnt-first+1), 0.05), 0.5)
}

// clock lets the rules about silence look at our clock.
func (w *work) clock(s *city.Sight) {
	if !w.plan.silence {
		return
	}
	w.overhear(s)
	newest := len(w.ring) - 1
	w.view = View{work: w, at: newest, oldest: max(0, newest-context)}
	for i := range w.plan.rules {
		r := &w.plan.rules[i]
		if !r.timed {
			continue
		}
		w.listen(r)
		mine := w.current[r.first : r.first+r.levels]
		before := open(mine)
		looks := !r.windows || r.looks(when(w.now))
		for j := range mine {
			m, l := &mine[j], &r.Levels[j]
			if m.wantedNow() {
				if cleared(l, &w.view) == city.True {
					*m = machine{}
				}
			} else if looks && l.Open.Eval(&w.view).Truth == city.True {
				*m = machine{phase: city.PhaseOpen, opened: w.lostSince(l)}
			}
		}
		if after := open(mine); after != before {
			at := w.now
			if !after && s.Reading != nil {
				at = min(at, s.Reading.Time.At.UnixNano())
			}
			w.currentChanges[i].add(at)
			w.trace[i] = trace{sample: max(0, newest), at: at}
			if !after {
				w.trace[i].closed, w.trace[i].began = at, at
			}
		}
	}
}

// lostSince is when the device was last heard whose silence it is.
func (w *work) lostSince(l *Level) int64 {
	if s, is := l.Open.(Silence); is {
		if _, h := s.judge(&w.view); h != nil {
			return h.last
		}
	}
	return w.now
}

// tooEarly tells whether a device had been heard so shortly before a case of its silence was
// opened that it should not have been.
func (w *work) tooEarly(r *ruled, p *published, s *city.Sight) bool {
	if s.Reading == nil || s.Reading.Time.At.UnixNano() > p.decided {
		return false
	}
	silence, is := r.Levels[0].Open.(Silence)
	if !is {
		return false
	}
	for i := range w.heard {
		if h := &w.heard[i]; h.eui == s.Reading.DevEUI {
			return time.Duration(p.decided-s.Reading.Time.At.UnixNano()) <= silence.allowed(h)
		}
	}
	return false
}

// deafLook is how long at least it takes until a deadline that moves on, because its server is
// deaf, is looked at again.
const deafLook = time.Second

// silentAt is when a rule about silence comes to its next word; 0: never by itself.
func (w *work) silentAt(r *ruled, s *city.Sight) int64 {
	w.listen(r)
	var next int64
	for j := range r.Levels {
		silence, is := r.Levels[j].Open.(Silence)
		if !is || w.current[r.first+j].wantedNow() {
			continue
		}
		for i := range w.heard {
			h := &w.heard[i]
			allowed := silence.allowed(h)
			if h.absent || h.last == 0 || allowed <= 0 {
				continue
			}
			// One nanosecond more: at the deadline itself it is still in time.
			if at := h.last + int64(allowed+h.deaf) + 1; at > w.now {
				if h.deaf > 0 && s.Deaf(server(s, h.eui), when(w.now-1), s.Now) > 0 {
					at = max(at, w.now+int64(deafLook)) // it moves on while we are deaf
				}
				next = sooner(next, at)
			}
		}
	}
	return next
}

// sooner is the earlier of two times, where 0 is none.
func sooner(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
