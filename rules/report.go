package rules

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Report tells what a set of rules came to over a span of history.
type Report struct {
	From     time.Time    `json:"from"`
	To       time.Time    `json:"to"`
	Readings int64        `json:"readings"`
	Rules    []RuleReport `json:"rules"` // all of the set, in the order of its file
	Episodes []*Episode   `json:"cases"`
}

// RuleReport tells the same of one rule.
type RuleReport struct {
	Rule    string  `json:"rule"`
	Shadow  bool    `json:"shadow,omitempty"` // it was played as if it were promoted
	Cases   int     `json:"cases"`
	PerWeek float64 `json:"per_week"`
	Open    int     `json:"open"`    // at the end
	Revoked int     `json:"revoked"` // late readings showed that they never should have been
	Flaps   int     `json:"flaps"`   // came back within a day after their end, at the same place
	// Lead is for how many hours half of the cases were open before they were over in event time:
	// emptied, watered, driven away. That is how long somebody had to do it on purpose.
	Lead   float64 `json:"lead_hours"`
	Places int     `json:"places"` // assets or groups that had a case
}

// flapWithin is how soon a case that comes back counts as a flap.
const flapWithin = 24 * time.Hour

// Summarize counts the cases that were opened from a time until another one, without it.
func Summarize(set *Set, l *Ledger, from, to time.Time) Report {
	r := Report{From: from, To: to, Episodes: []*Episode{}}
	of := make(map[string][]*Episode)
	for _, e := range l.Episodes {
		if !e.Opened.Before(from) && e.Opened.Before(to) {
			r.Episodes = append(r.Episodes, e)
			of[e.Rule] = append(of[e.Rule], e)
		}
	}
	weeks := to.Sub(from).Hours() / (7 * 24)
	for i := range set.rules {
		rule := &set.rules[i]
		one := RuleReport{Rule: rule.ID, Shadow: rule.Shadow, Cases: len(of[rule.ID])}
		if weeks > 0 {
			one.PerWeek = float64(one.Cases) / weeks
		}
		var leads []time.Duration
		closed := make(map[string]time.Time)
		places := make(map[string]bool)
		for _, e := range of[rule.ID] {
			places[e.place()] = true
			if before, ok := closed[e.place()]; ok && e.Opened.Sub(before) < flapWithin {
				one.Flaps++
			}
			switch {
			case e.Closed.IsZero():
				one.Open++
				continue
			case e.Revoked:
				one.Revoked++
			case !e.Ended.IsZero():
				leads = append(leads, max(0, e.Ended.Sub(e.Opened)))
			}
			closed[e.place()] = e.Closed
		}
		if slices.Sort(leads); len(leads) > 0 {
			one.Lead = leads[len(leads)/2].Hours()
		}
		one.Places = len(places)
		r.Rules = append(r.Rules, one)
	}
	return r
}

// Promoted is the same set with no rule in shadow, to see what they would do.
func (s *Set) Promoted() (*Set, error) {
	all := slices.Clone(s.rules)
	for i := range all {
		all[i].Shadow = false
	}
	return New(all, Options{Overrides: s.all, Maintenance: s.maintenance, RevokeWithin: s.revoke})
}

// WantsGateways tells whether a rule of the set must know which gateway hears an asset best.
func (s *Set) WantsGateways() bool { return s.groups[ByGateway] != nil }

// PlaceDifference is what two sets of rules decided otherwise of one rule at one place.
type PlaceDifference struct {
	Rule    string     `json:"rule"`
	Place   string     `json:"place"` // asset or group
	Both    int        `json:"both"`  // cases that both opened
	OldOnly []*Episode `json:"only_before,omitempty"`
	NewOnly []*Episode `json:"only_after,omitempty"`
	// Sooner is by how much, on average, the new set opened what both did; negative: later.
	Sooner time.Duration `json:"sooner_ns"`
}

// Contrast holds the cases of two sets against each other. Two cases are the same one where
// rule and place are the same and they were open at the same time. Places where nothing is
// different are left out.
func Contrast(before, after Report) []PlaceDifference {
	type key struct{ rule, place string }
	was, is := make(map[key][]*Episode), make(map[key][]*Episode)
	for _, e := range before.Episodes {
		was[key{e.Rule, e.place()}] = append(was[key{e.Rule, e.place()}], e)
	}
	for _, e := range after.Episodes {
		is[key{e.Rule, e.place()}] = append(is[key{e.Rule, e.place()}], e)
	}
	keys := maps.Clone(was)
	maps.Copy(keys, is)
	var all []PlaceDifference
	for k := range keys {
		d := PlaceDifference{Rule: k.rule, Place: k.place}
		taken := make(map[*Episode]bool)
		for _, e := range was[k] {
			i := slices.IndexFunc(is[k], func(n *Episode) bool { return !taken[n] && together(e, n) })
			if i < 0 {
				d.OldOnly = append(d.OldOnly, e)
				continue
			}
			taken[is[k][i]] = true
			d.Both++
			d.Sooner += e.Opened.Sub(is[k][i].Opened)
		}
		for _, e := range is[k] {
			if !taken[e] {
				d.NewOnly = append(d.NewOnly, e)
			}
		}
		if d.Both > 0 {
			d.Sooner /= time.Duration(d.Both)
		}
		if d.Sooner != 0 || len(d.OldOnly)+len(d.NewOnly) > 0 {
			all = append(all, d)
		}
	}
	slices.SortFunc(all, func(a, b PlaceDifference) int {
		return cmp.Or(cmp.Compare(len(b.OldOnly)+len(b.NewOnly), len(a.OldOnly)+len(a.NewOnly)), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Place, b.Place))
	})
	return all
}

// together tells whether two cases were open at the same time.
func together(a, b *Episode) bool {
	return (b.Closed.IsZero() || a.Opened.Before(b.Closed)) && (a.Closed.IsZero() || b.Opened.Before(a.Closed))
}
