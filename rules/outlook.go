package rules

import (
	"math"
	"time"

	"meldefunk/city"
)

// outlookFor is how far ahead an outlook tells a time; what is further off is no plan.
const outlookFor = 30 * 24 * time.Hour

// Outlooks tells, for each rule of an asset that waits for a measured number, when it will be
// met if things go on as they did (see Forecast). kept is the mind as AppendBinary wrote it.
// Of the levels of a rule it is the mildest, with the overrides of the asset; rules in shadow
// and rules about groups have none. Nothing measured last is nothing told.
func (s *Set) Outlooks(a *city.Asset, kept []byte) ([]city.Outlook, error) {
	if len(kept) == 0 || kept[0] != storedAsset {
		return nil, nil
	}
	w := s.works.Get().(*work)
	defer s.works.Put(w)
	p := s.planFor(a)
	_, _, err := w.bind(&mind{body: kept}, p)
	w.holds = nil
	if err != nil {
		return nil, err
	}
	w.asset = a
	newest := len(w.ring) - 1
	if newest < 0 {
		return nil, nil
	}
	w.view = View{work: w, at: newest, oldest: max(0, newest-context)}
	var all []city.Outlook
	for i := range p.rules {
		r := &p.rules[i]
		t, is := r.Levels[0].Open.(Threshold)
		if !is || r.member || r.Shadow || t.Quantity.Boolean() || t.Condition.Compare == Equal {
			continue
		}
		if o, measured := t.outlook(&w.view); measured {
			o.Rule = r.ID
			all = append(all, o)
		}
	}
	return all, nil
}

func (t Threshold) outlook(v *View) (city.Outlook, bool) {
	value, measured := v.Value(0, t.Quantity)
	if !measured {
		return city.Outlook{}, false
	}
	o := city.Outlook{Quantity: t.Quantity, Limit: t.Condition.Limit, Upward: t.Condition.Compare.upward(), Value: value, At: v.Time()}
	var l line
	l.gather(v, t.Quantity, time.Duration(1<<63-1))
	n := l.n
	l.sinceJump(o.Upward)
	if l.n < n {
		o.Jumped = o.At.Add(time.Duration(l.hours[l.n-1] * float64(time.Hour)))
		o.Jump = math.Abs(l.value[l.n] - l.value[l.n-1]) // gather left what was before behind it
	}
	_, p := Forecast{Quantity: t.Quantity, Condition: t.Condition, Within: 24 * time.Hour}.predict(v)
	switch {
	case t.Condition.Met(value):
		o.Due, o.Reliability = o.At, city.ReliabilityHigh
	case p.made:
		o.Slope, o.Reliability = p.slope, city.ReliabilityLow+city.Reliability(p.reliable)
		if p.hours <= outlookFor.Hours() {
			o.Due = o.At.Add(time.Duration(p.hours * float64(time.Hour)))
		}
	}
	return o, true
}
