package rules

import (
	"time"

	"meldefunk/city"
)

// oldRule is a rule as Set.Judge knows it. It goes when the road calls Set.Step instead.
type oldRule struct {
	ID       string    // lower-case letters, digits and hyphens: "bin-full"
	Kind     city.Kind // of the assets it looks at
	Quantity city.Quantity

	Open     Condition     // a case is wanted when this has held …
	For      time.Duration // … for at least this span between the first and the last reading
	Readings uint32        // … on at least so many readings in a row, 1 or more

	Clear         Condition // an open case is no longer wanted when this has held …
	ClearFor      time.Duration
	ClearReadings uint32

	Service string // ticket category: upper-case letters, digits and hyphens
	Title   string // words for the ticket: what is the matter
	Advice  string // words for the ticket: what to do; may be empty
}

// newSet puts old rules in the order of their file behind the kinds they look at.
func newSet(rules []oldRule) *Set {
	s := &Set{}
	s.setOld(rules)
	return s
}

func (s *Set) setOld(rules []oldRule) {
	s.old, s.oldByKind = rules, make(map[city.Kind][]oldRule)
	for _, r := range rules {
		s.oldByKind[r.Kind] = append(s.oldByKind[r.Kind], r)
	}
}

// old gives the rules that Set.Judge can follow: a plain threshold, of which the mildest level counts.
func old(rules []Rule) []oldRule {
	var all []oldRule
	for i := range rules {
		r := &rules[i]
		if r.Over != NoGroup || r.GroupBy != NoGroup {
			continue
		}
		l := &r.Levels[0]
		open, is := l.Open.(Threshold)
		if !is {
			continue
		}
		clear, is := l.Clear.(Threshold)
		if !is {
			clear.Condition = open.Condition.opposite()
		}
		kinds := r.Kinds
		if len(kinds) == 0 {
			kinds = city.Kinds()
		}
		for _, k := range kinds {
			all = append(all, oldRule{ID: r.ID, Kind: k, Quantity: open.Quantity, Open: open.Condition, For: l.For,
				Readings: uint32(l.Readings), Clear: clear.Condition, ClearFor: l.ClearFor, ClearReadings: uint32(l.ClearReadings),
				Service: r.Service, Title: r.Title, Advice: r.Advice})
		}
	}
	return all
}
