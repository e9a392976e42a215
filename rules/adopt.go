package rules

import (
	"slices"

	"meldefunk/city"
)

// Adopt makes the mind of an asset of which nothing is known but which cases are open: of
// the standings, Rule, Severity and Since count. What is open stays so until its rule closes
// it. Rules that are no more get their last word.
func (s *Set) Adopt(asset *city.Asset, open []city.Standing) (city.Mind, []city.Verdict) {
	p := s.planFor(asset)
	w := &work{}
	w.reset(p)
	var verdicts []city.Verdict
	for i := range open {
		o := &open[i]
		at := slices.IndexFunc(p.refs, func(r ref) bool { return r.id == o.Rule })
		if at < 0 || p.rules[at].member || p.rules[at].GroupBy != NoGroup {
			verdicts = append(verdicts, city.Verdict{Rule: o.Rule, Change: city.Closed, Title: retired})
			continue
		}
		r := &p.rules[at]
		level := r.nearest(o.Severity)
		m := machine{phase: city.PhaseOpen, opened: unix(o.Since)}
		w.base[r.first+level], w.current[r.first+level] = m, m
		w.published[at] = published{open: true, severity: r.Levels[level].Severity, since: m.opened, decided: m.opened}
	}
	if len(p.rules) == 0 {
		return nil, verdicts
	}
	return &mind{plan: p, asset: asset, body: w.encode(nil, nil)}, verdicts
}
