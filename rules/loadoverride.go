package rules

import (
	"fmt"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"meldefunk/city"
	"meldefunk/city/typo"
)

func targetKeys() []string {
	var keys []string
	for _, t := range Targets() {
		keys = append(keys, t.String())
	}
	return keys
}

// items reads a key that holds a list of mappings.
func (l *loader) items(top fields, key, what string, allowed ...string) []fields {
	n, ok := top.node[key]
	if !ok {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		l.add(begin(n), "%s: is %s: want a list", key, kindOf(n))
		return nil
	}
	var all []fields
	for _, item := range n.Content {
		if f, ok := l.mapping(item, what, allowed...); ok {
			all = append(all, f)
		}
	}
	return all
}

// targets reads for which assets something is.
func (l *loader) targets(f fields, what string) []Target {
	var all []Target
	named := false
	for _, by := range Targets() {
		if _, given := f.node[by.String()]; !given {
			continue
		}
		named = true
		l.each(f, by.String(), func(text string) error {
			if by == TargetKind {
				if _, err := city.ParseKind(text); err != nil {
					return hinted(err, text, city.Kinds())
				}
			}
			all = append(all, Target{by, text})
			return nil
		})
	}
	if !named {
		l.add(f.place, "%s is for nothing: want one of %v, like asset: PK-0042", what, targetKeys())
	}
	return all
}

// overrides reads which figures are others for some assets.
func (l *loader) overrides(top fields) []Override {
	var all []Override
	keys := slices.Concat([]string{"rule", "severity"}, targetKeys(), []string{"open", "clear", "for", "clear_for", "max_gap", "period"})
	for _, f := range l.items(top, "overrides", "an override", keys...) {
		var o Override
		var r *Rule
		l.need(f, "rule", "bin-full", func(text string) (err error) {
			o.Rule = text
			r, err = l.find(text)
			return err
		})
		targets := l.targets(f, "an override")
		var severity int
		if l.read(f, "severity", count(&severity)) {
			o.Severity = city.Grade(min(severity, 255))
		}
		spans := map[string]**time.Duration{"for": &o.Figures.For, "clear_for": &o.Figures.ClearFor, "max_gap": &o.Figures.MaxGap, "period": &o.Figures.Period}
		changes := false
		for _, key := range []string{"for", "clear_for", "max_gap", "period"} {
			var d time.Duration
			if l.read(f, key, span(&d)) {
				*spans[key], changes = &d, true
			}
		}
		for _, limit := range []struct {
			key  string
			into **float64
			of   func(*Level) Signal
		}{
			{"open", &o.Figures.Open, func(level *Level) Signal { return level.Open }},
			{"clear", &o.Figures.Clear, func(level *Level) Signal { return level.Clear }},
		} {
			if _, given := f.node[limit.key]; !given || r == nil {
				continue
			}
			changes = true
			l.read(f, limit.key, func(text string) error {
				value, err := r.limit(text, o.Severity, limit.of)
				if err == nil {
					*limit.into = &value
				}
				return err
			})
		}
		if !changes && r != nil {
			l.add(f.place, "an override changes nothing: want open, clear, for, clear_for, max_gap or period")
		}
		for _, t := range targets {
			o.Target = t
			all = append(all, o)
		}
	}
	return all
}

// limit reads another limit for the levels of a severity, 0 for all.
func (r *Rule) limit(text string, severity city.Grade, of func(*Level) Signal) (value float64, err error) {
	met := false
	for i := range r.Levels {
		level := &r.Levels[i]
		if severity != 0 && severity != level.Severity {
			continue
		}
		met = true
		u, limited := limitUnit(of(level))
		if !limited {
			return 0, fmt.Errorf("the rule %q has no limit here that could be another", r.ID)
		}
		if value, err = parseAmount(text, u); err != nil {
			return 0, err
		}
		if t, is := of(level).(Threshold); is {
			c := t.Condition
			c.Limit = value
			if t.Quantity.Boolean() {
				return 0, fmt.Errorf("%s is yes or no and has no limit", t.Quantity)
			}
			if err := c.checkReach(t.Quantity); err != nil {
				return 0, err
			}
		}
	}
	if !met {
		return 0, fmt.Errorf("the rule %q has no level of severity %d", r.ID, severity)
	}
	return value, nil
}

// limitUnit is what the limit of a signal is in; false: it has none.
func limitUnit(s Signal) (unit, bool) {
	switch s := s.(type) {
	case Threshold:
		return measuredIn(s.Quantity, false), true
	case Change:
		return measuredIn(s.Quantity, false), true
	case Forecast:
		return measuredIn(s.Quantity, false), true
	case Rate:
		return measuredIn(s.Quantity, true), true
	case Aggregate:
		if s.Percent {
			return unit{"share", "%", "30 %"}, true
		}
		return unit{of: "number", example: "3"}, true
	case Silence:
		return unit{"silent", "periods", "3 periods"}, true
	case LimitedExpression:
		return unit{of: "limit", example: "85"}, true
	}
	return unit{}, false
}

// find gives the rule of a name.
func (l *loader) find(id string) (*Rule, error) {
	ids := make([]string, len(l.rules))
	for i := range l.rules {
		if ids[i] = l.rules[i].ID; ids[i] == id {
			return &l.rules[i], nil
		}
	}
	return nil, fmt.Errorf("there is no rule %.64q%s", id, typo.Meant(id, ids))
}

// maintenance reads when and where no case is wanted.
func (l *loader) maintenance(top fields) []Maintenance {
	var all []Maintenance
	keys := slices.Concat([]string{"reason"}, targetKeys(), []string{"rules", "when", "from", "until"})
	for _, f := range l.items(top, "maintenance", "a maintenance window", keys...) {
		var m Maintenance
		l.need(f, "reason", "Straßenfest", words(&m.Reason, 200))
		m.Targets = l.targets(f, "a maintenance window")
		l.each(f, "rules", func(text string) error {
			_, err := l.find(text)
			m.Rules = append(m.Rules, text)
			return err
		})
		l.read(f, "from", l.instant(&m.From, false))
		if l.need(f, "until", "2026-12-31", l.instant(&m.Until, true)) && !m.From.IsZero() && !m.Until.After(m.From) {
			l.add(begin(f.node["until"]), "until: is not after from: want a later time")
		}
		l.window(f, "when", &m.When)
		all = append(all, m)
	}
	return all
}
