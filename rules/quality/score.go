package quality

import (
	"slices"
	"time"
)

// Score is how a Decider did.
type Score struct {
	Episodes int // that had to be found
	Missed   int // of them: no case was opened for it
	Cases    int
	False    int             // of them: for nothing, or again for the same
	Repeated int             // of False: again for the same
	Delays   []time.Duration // from the true crossing of the limit to the case
}

// brief is how many periods an episode must last beyond what the rule asks for, to count as
// missed: of so many frames two get through 998 times in a thousand, at the given Loss.
const brief = 5

// count holds cases against the truth.
func (s *Score) count(all []Case, truth []episode) {
	s.Cases += len(all)
	i := 0
	for _, e := range truth {
		for ; i < len(all) && all[i].Opened < e.may.From; i++ {
			s.False++
		}
		first := i
		for i < len(all) && all[i].Opened < e.may.To {
			i++
		}
		mine := all[first:i]
		if again := len(mine) - e.most; again > 0 {
			s.False, s.Repeated = s.False+again, s.Repeated+again
		}
		if len(mine) > 0 {
			s.Delays = append(s.Delays, mine[0].Opened-e.since)
		}
		s.Episodes += len(e.must)
		from := e.may.From
		for _, m := range e.must {
			if !slices.ContainsFunc(mine, func(c Case) bool { return c.Opened >= from && c.Opened < m.To }) {
				s.Missed++
			}
			from = m.To
		}
	}
	s.False += len(all) - i
}

// Delay is the median of Delays.
func (s *Score) Delay() time.Duration {
	if len(s.Delays) == 0 {
		return 0
	}
	slices.Sort(s.Delays)
	return s.Delays[len(s.Delays)/2]
}

// FalseShare is the share of the cases that were false, 0 to 1.
func (s *Score) FalseShare() float64 { return share(s.False, s.Cases) }

// MissedShare is the share of the episodes that were missed, 0 to 1.
func (s *Score) MissedShare() float64 { return share(s.Missed, s.Episodes) }

// Mistakes is what was wrong either way.
func (s *Score) Mistakes() int { return s.False + s.Missed }

// Add adds another score.
func (s *Score) Add(t Score) {
	s.Episodes += t.Episodes
	s.Missed += t.Missed
	s.Cases += t.Cases
	s.False += t.False
	s.Repeated += t.Repeated
	s.Delays = append(s.Delays, t.Delays...)
}

func share(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}
