package quality

import "time"

// episode is a time in which the matter was there, and what of it counts.
type episode struct {
	may   Span          // with all doubt: a case may be opened in here
	most  int           // how many cases at most, again with all doubt
	must  []Span        // beyond doubt: each has to have a case of its own
	since time.Duration // when the limit itself was crossed, for the delay
}

// truth finds the episodes of a value that is known at every minute. An episode begins when
// the limit for opening is crossed, and is none unless it lasts for Subject.For; it ends when
// the value has been beyond the limit for closing for Subject.ClearFor. What is otherwise
// for less than Subject.ClearFor interrupts nothing.
//
// Doubt is what Subject.Margin leaves at either limit. What lasts for less than brief longer
// than it has to cannot be known to anybody who hears of it now and then: an episode with no
// such stretch beyond the limit need not be found, and episodes with so short a pause between
// them need one case only.
func (s *Subject) truth(seen []float32, brief time.Duration) []episode {
	var all []episode
	end := time.Duration(len(seen)) * minute
	must, exact, parts := s.apart(seen, s.spans(seen, s.Margin, s.Margin), brief), s.spans(seen, 0, 0), s.spans(seen, -s.Margin, -s.Margin)
	for _, may := range s.spans(seen, -s.Margin, s.Margin) {
		e := episode{may: may, since: may.From}
		if x := within(exact, may); len(x) > 0 {
			e.since = x[0].From
		}
		for _, x := range within(must, may) {
			if s.stretch(seen, x) >= s.For+brief && x.To < end {
				e.must = append(e.must, x)
			}
		}
		e.most = len(within(parts, may))
		all = append(all, e)
	}
	return all
}

// apart joins episodes between which the value was beyond the limit for closing too shortly. A
// sensor that sends on change tells of every pause.
func (s *Subject) apart(seen []float32, all []Span, brief time.Duration) []Span {
	if s.change {
		return all
	}
	var joined []Span
	for _, x := range all {
		last := len(joined) - 1
		if last < 0 || s.pause(seen, joined[last].To) >= brief {
			joined = append(joined, x)
			continue
		}
		joined[last].To = x.To
	}
	return joined
}

// moment is what matters to nobody: a bag before the sensor, a car that moves.
const moment = 30 * time.Minute

// pause is how long the value stays beyond the limit for closing from a time on, but for
// moments.
func (s *Subject) pause(seen []float32, from time.Duration) time.Duration {
	return longest(seen, Span{from, from + moment}, moment, func(v float64) bool { return s.over(v, s.Margin) })
}

// stretch is how long the value was beyond the limit for opening at a stretch in a span, but
// for what is too short to close.
func (s *Subject) stretch(seen []float32, in Span) time.Duration {
	return longest(seen, in, max(moment, s.ClearFor), func(v float64) bool { return s.met(v, s.Margin) })
}

// longest is the longest stretch of a condition that begins in a span; what is otherwise for
// less than brief interrupts nothing.
func longest(seen []float32, in Span, brief time.Duration, holds func(v float64) bool) time.Duration {
	var most time.Duration
	from, last := -1, -1
	for m := int(in.From / minute); m < len(seen); m++ {
		at := time.Duration(m) * minute
		switch {
		case from >= 0 && time.Duration(m-last)*minute > brief, from < 0 && at >= in.To:
			if from = -1; at >= in.To {
				return most
			}
		}
		if !holds(float64(seen[m])) {
			continue
		}
		if last = m; from < 0 {
			from = m
		}
		most = max(most, time.Duration(m-from+1)*minute)
	}
	return most
}

// within are the spans that begin in another.
func within(all []Span, in Span) []Span {
	first := 0
	for first < len(all) && all[first].From < in.From {
		first++
	}
	last := first
	for last < len(all) && all[last].From < in.To {
		last++
	}
	return all[first:last]
}

// spans finds episodes with the limits for opening and closing moved by so much towards the
// harder.
func (s *Subject) spans(seen []float32, harder, harderClear float64) []Span {
	var all []Span
	hold, clear := int(s.For/minute), int(s.ClearFor/minute)
	open, from, back := false, -1, -1 // from: begin of what may become an episode, back: of what may end it
	for m, f := range seen {
		v := float64(f)
		contrary := !s.met(v, harder)
		if open {
			contrary = s.over(v, harderClear)
		}
		switch {
		case !contrary:
			back = -1
			if !open && from < 0 {
				from = m
			}
		case back < 0:
			back = m
		}
		switch {
		case from >= 0 && back >= 0 && m-back >= clear:
			if open {
				all[len(all)-1].To = time.Duration(m) * minute
			}
			open, from, back = false, -1, -1
		case !open && from >= 0 && back < 0 && m-from >= hold:
			open = true
			all = append(all, Span{time.Duration(from) * minute, time.Duration(len(seen)) * minute})
		}
	}
	return all
}
