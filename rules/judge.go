package rules

import (
	"slices"
	"time"

	"meldefunk/city"
)

// retired is the title of the last word on a case whose rule is no longer in the set.
const retired = "Regel entfallen"

// Judge says where the rules stand at an asset after one more reading, and what changed.
// Readings of one asset come in order of event time, each once; late and simulated ones
// are not given to it.
//
// It is pure: the slice it is given is left as it is. When nothing changes the same slice
// comes back; a rule that is idle has no standing. Standing.Case is carried along and
// never read; after a closing verdict the standing is gone, so the case that it closes is
// named by the standing that was given.
//
// A reading that does not carry a rule's quantity, because the sensor reports a fault or
// the frame is of another sort, says nothing about the rule: it neither opens nor closes
// and leaves the count as it is. Any other reading that does not meet the condition
// breaks a run.
//
// Where a rule is no longer in the set, or no longer for this kind of asset, its case is
// closed and its standing dropped with the next reading.
func (s *Set) Judge(standings []city.Standing, r *city.Reading) ([]city.Standing, []city.Verdict) {
	d := draft{standings: standings}
	var verdicts []city.Verdict
	rules := s.oldByKind[r.Kind]

	for i := range standings {
		was := &standings[i]
		if known(rules, was.Rule) {
			continue
		}
		d.set(city.Standing{Rule: was.Rule})
		if wanted(was.Phase) {
			// No Since: no sensor says that the matter is over.
			verdicts = append(verdicts, city.Verdict{Rule: was.Rule, Title: retired})
		}
	}

	for i := range rules {
		rule := &rules[i]
		value, measured := r.Value(rule.Quantity)
		if !measured || value != value { // NaN is no value
			continue
		}
		was := d.get(rule.ID)
		now := rule.step(was, value, r.Time.At)
		if now == was {
			continue
		}
		d.set(now)
		if wanted(now.Phase) != wanted(was.Phase) {
			verdicts = append(verdicts, rule.verdict(was, now, value, r.Time.At))
		}
	}
	return d.standings, verdicts
}

// step is where the rule stands after a value at an event time.
func (r *oldRule) step(was city.Standing, value float64, at time.Time) city.Standing {
	if wanted(was.Phase) {
		return run{
			rest: city.PhaseOpen, running: city.PhaseClearing, done: city.PhaseIdle,
			met: r.Clear.Met(value), readings: r.ClearReadings, span: r.ClearFor,
		}.step(was, at)
	}
	return run{
		rest: city.PhaseIdle, running: city.PhasePending, done: city.PhaseOpen,
		met: r.Open.Met(value), readings: r.Readings, span: r.For,
	}.step(was, at)
}

// run is the common half of opening and clearing: a condition that must be met by so many
// readings in a row, the first and the last of them so far apart.
//
//	rest ──met──► running ──often and long enough──► done
//	  ▲              │
//	  └───not met────┘
type run struct {
	rest, running, done city.Phase
	met                 bool
	readings            uint32
	span                time.Duration
}

func (r run) step(was city.Standing, at time.Time) city.Standing {
	now := was
	if !r.met {
		if was.Phase == r.running {
			now.Phase, now.Since, now.Count = r.rest, at, 0
		}
		return now
	}
	if was.Phase != r.running {
		now.Phase, now.Since, now.Count = r.running, at, 0
	}
	now.Count++
	if now.Count >= r.readings && at.Sub(now.Since) >= r.span {
		now.Phase, now.Since, now.Count = r.done, at, 0
	}
	return now
}

// verdict is the rule's word on having changed from one standing to another.
func (r *oldRule) verdict(was, now city.Standing, value float64, at time.Time) city.Verdict {
	v := city.Verdict{
		Rule: r.ID, Service: r.Service, Open: wanted(now.Phase), Since: at,
		Quantity: r.Quantity, Value: value, Limit: r.Clear.Limit,
		Title: r.Title, Advice: r.Advice,
	}
	if v.Open {
		v.Limit = r.Open.Limit
	}
	if was.Phase == city.PhasePending || was.Phase == city.PhaseClearing {
		v.Since = was.Since
	}
	return v
}

// wanted tells whether a case is wanted in a phase.
func wanted(p city.Phase) bool { return p == city.PhaseOpen || p == city.PhaseClearing }

func known(rules []oldRule, id string) bool {
	for i := range rules {
		if rules[i].ID == id {
			return true
		}
	}
	return false
}

// draft is the new standings in the making: the given slice until something changes, a
// copy from then on.
type draft struct {
	standings []city.Standing
	own       bool
}

// get is where a rule stands: idle if nothing is kept of it.
func (d *draft) get(rule string) city.Standing {
	if i := d.find(rule); i >= 0 {
		return d.standings[i]
	}
	return city.Standing{Rule: rule}
}

// set keeps a standing, or forgets the rule when it is idle.
func (d *draft) set(s city.Standing) {
	if !d.own {
		d.standings, d.own = slices.Clone(d.standings), true
	}
	i := d.find(s.Rule)
	switch {
	case s.Phase == city.PhaseIdle && i >= 0:
		d.standings = slices.Delete(d.standings, i, i+1)
	case i >= 0:
		d.standings[i] = s
	case s.Phase != city.PhaseIdle:
		d.standings = append(d.standings, s)
	}
}

func (d *draft) find(rule string) int {
	for i := range d.standings {
		if d.standings[i].Rule == rule {
			return i
		}
	}
	return -1
}
