package rules

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"meldefunk/city"
)

// Survey looks at what a fleet has really sent, to tell which rules cannot work as they are
// meant. It takes room for each asset and quantity, not for each reading.
type Survey struct {
	assets  map[string]*surveyed
	reaches map[reachKey]*extent
}

// surveyed is an asset and the quantities that it has sent.
type surveyed struct {
	kind city.Kind
	sent [4]uint64 // by city.Quantity
	any  bool
}

type reachKey struct {
	kind     city.Kind
	quantity city.Quantity
}

// extent is from where to where the values of a quantity have gone.
type extent struct{ lowest, highest float64 }

// NewSurvey begins with the assets of the inventory.
func NewSurvey(assets []*city.Asset) *Survey {
	s := &Survey{assets: make(map[string]*surveyed, len(assets)), reaches: make(map[reachKey]*extent)}
	for _, a := range assets {
		s.assets[a.ID] = &surveyed{kind: a.Kind}
	}
	return s
}

// See takes one reading in.
func (s *Survey) See(r *city.Reading) {
	a := s.assets[r.Asset]
	if a == nil {
		return
	}
	a.any = true
	for _, v := range r.Values {
		a.sent[v.Quantity/64] |= 1 << (v.Quantity % 64)
		k := reachKey{a.kind, v.Quantity}
		seen := s.reaches[k]
		if seen == nil {
			seen = &extent{math.Inf(1), math.Inf(-1)}
			s.reaches[k] = seen
		}
		seen.lowest, seen.highest = min(seen.lowest, v.Number), max(seen.highest, v.Number)
	}
}

func (a *surveyed) has(q city.Quantity) bool { return a.sent[q/64]&(1<<(q%64)) != 0 }

// Remark is something about a rule that people should look at before it counts.
type Remark struct {
	Rule    string `json:"rule"`
	Serious bool   `json:"serious"` // it cannot work as it stands
	Text    string `json:"text"`
}

// Remarks holds a set against what was seen. standings tells where it stands at the end of
// it; days is how many days were looked at.
func (s *Survey) Remarks(set *Set, standings []Standing, open []*Episode, days float64) []Remark {
	var all []Remark
	for i := range set.rules {
		r := &set.rules[i]
		say := func(serious bool, format string, args ...any) {
			all = append(all, Remark{r.ID, serious, fmt.Sprintf(format, args...)})
		}
		total, heard := 0, 0
		for _, a := range s.assets {
			if r.looksAt(a.kind) {
				total++
				if a.any {
					heard++
				}
			}
		}
		switch {
		case total == 0:
			say(true, "the inventory has no asset that it looks at (kind: %s)", kindWords(r.Kinds))
			continue
		case heard == 0:
			say(false, "none of the %d assets that it looks at was heard within %s days", total, number(days))
			continue
		}
		s.fires(r, standings, open, heard, say)
		s.silent(r, heard, say)
		for j := range r.Levels {
			s.outside(r, r.Levels[j].Open, "open", days, say)
			s.outside(r, r.Levels[j].Clear, "clear", days, say)
		}
		if r.Member != nil {
			s.outside(r, r.Member.Open, "member", days, say)
		}
	}
	all = append(all, set.shared()...)
	return all
}

// fires tells at how many places a rule stands open or is about to.
func (s *Survey) fires(r *Rule, standings []Standing, open []*Episode, heard int, say func(bool, string, ...any)) {
	cases, muted, pending := 0, 0, 0
	for _, e := range open {
		if e.Rule == r.ID {
			cases++
		}
	}
	for _, x := range standings {
		switch {
		case x.Rule != r.ID:
		case x.Muted != "":
			muted++
		case x.Phase == city.PhasePending:
			pending++
		}
	}
	if r.Over != NoGroup || r.GroupBy != NoGroup {
		if cases+muted > 0 {
			say(false, "fires for %d groups now, and is muted for %d", cases, muted)
		}
		return
	}
	if cases+muted+pending > 0 {
		say(false, "fires for %d of %d assets now, is muted for %d and pending for %d", cases, heard, muted, pending)
	}
}

// silent tells of assets that never send what a rule looks at.
func (s *Survey) silent(r *Rule, heard int, say func(bool, string, ...any)) {
	needed := make(map[city.Quantity]bool)
	for _, x := range r.signals() {
		for _, q := range x.Needs().Quantities {
			needed[q] = q != city.QuantityUnknown
		}
	}
	for _, q := range slices.Sorted(maps.Keys(needed)) {
		missing := 0
		for _, a := range s.assets {
			if needed[q] && r.looksAt(a.kind) && a.any && !a.has(q) {
				missing++
			}
		}
		switch missing {
		case 0:
		case heard:
			say(true, "none of the %d assets that were heard ever sends %s: it can never fire", heard, q)
		default:
			say(false, "%d of %d assets that were heard never send %s", missing, heard, q)
		}
	}
}

// outside tells of thresholds that nothing has come near to.
func (s *Survey) outside(r *Rule, x Signal, field string, days float64, say func(bool, string, ...any)) {
	t, is := x.(Threshold)
	if !is || t.Quantity.Boolean() {
		return
	}
	seen := extent{math.Inf(1), math.Inf(-1)}
	for k, one := range s.reaches {
		if k.quantity == t.Quantity && r.looksAt(k.kind) {
			seen.lowest, seen.highest = min(seen.lowest, one.lowest), max(seen.highest, one.highest)
		}
	}
	if seen.lowest > seen.highest {
		return // never sent: that is told already
	}
	low, high := t.Condition.Met(seen.lowest), t.Condition.Met(seen.highest)
	span := fmt.Sprintf("from %s to %s", number(rounded(seen.lowest)), strings.TrimSpace(number(rounded(seen.highest))+" "+t.Quantity.Unit()))
	switch {
	case !low && !high:
		say(false, "%s: %q was never true within %s days, when %s went %s", field, t.Condition.In(t.Quantity), number(days), t.Quantity, span)
	case low && high && seen.lowest < seen.highest:
		say(false, "%s: %q was always true within %s days, when %s went %s", field, t.Condition.In(t.Quantity), number(days), t.Quantity, span)
	}
}

// shared tells of rules that give the same asset tickets of the same category, where the loader
// allows it: groups and shadows.
func (s *Set) shared() []Remark {
	var all []Remark
	for i := range s.rules {
		for j := range s.rules[:i] {
			a, b := &s.rules[j], &s.rules[i]
			if a.Service == b.Service && (len(a.Kinds) == 0 || slices.ContainsFunc(city.Kinds(), func(k city.Kind) bool { return a.looksAt(k) && b.looksAt(k) })) {
				all = append(all, Remark{b.ID, false, fmt.Sprintf("opens tickets of %s, as %s does for assets of the same kind", b.Service, a.ID)})
			}
		}
	}
	return all
}

func kindWords(kinds []city.Kind) string {
	words := make([]string, len(kinds))
	for i, k := range kinds {
		words[i] = k.String()
	}
	if len(words) == 0 {
		return "any"
	}
	return strings.Join(words, ", ")
}
