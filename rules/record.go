package rules

import (
	"strconv"
	"time"

	"meldefunk/city"
)

// say gives a verdict on a rule, with its record.
func (x *step) say(i int, change city.Change, note string) {
	p := &x.w.published[i]
	from := p.severity
	if change == city.Opened {
		from = 0
	}
	x.verdict(i, change, from, note)
}

// grade gives a verdict on a case that is as bad as before no more.
func (x *step) grade(i int, change city.Change, from city.Grade) { x.verdict(i, change, from, "") }

func (x *step) verdict(i int, change city.Change, from city.Grade, note string) {
	w := x.w
	r, p, t := &w.plan.rules[i], &w.published[i], &w.trace[i]
	at := t.sample
	if t.at == 0 {
		at = len(w.ring) - 1
	}
	w.view = View{work: w, at: at, oldest: max(0, at-context)}
	phase, telling := r.phase(w.current)
	l := r.telling(w.current[r.first : r.first+r.levels])
	asked := l.Open
	if (change == city.Closed || phase == city.PhaseClearing) && l.Clear != nil {
		asked = l.Clear
	}
	o := asked.Eval(&w.view)
	v := city.Verdict{
		Rule: r.ID, Version: version(r.version), Change: change, Severity: p.severity, Service: r.Service, Title: r.Title, Advice: r.Advice,
		Quantity: o.Quantity, Value: o.Value, Limit: o.Limit,
	}
	switch {
	case change == city.Opened:
		v.Since = when(p.since)
	case change == city.Closed:
		v.Since = when(t.began)
		if t.began == 0 {
			v.Since = x.newestTime()
		}
	case change == city.Revoked:
	case telling.running():
		v.Since = when(telling.since)
	default:
		v.Since = when(telling.opened)
	}
	d := &city.Decision{
		Rule: r.ID, Version: v.Version, Asset: x.s.Asset.ID, Change: change.String(), Decided: x.s.Now, Since: v.Since,
		From: w.was[i].String(), To: phase.String(), FromSeverity: from,
		Quantity: quantityName(o.Quantity), Value: o.Value, Limit: o.Limit,
		Parts: asked.Explain(&w.view), Muted: p.muted, Shadow: r.Shadow, Flapping: p.flapping, Late: x.late, Note: note,
	}
	if d.At = x.at(i); t.at == 0 && x.s.Reading != nil {
		d.At = x.s.Reading.Time.At
	}
	if p.open && change != city.Closed && change != city.Revoked {
		d.ToSeverity = p.severity
	}
	d.Readings = x.evidence(r, asked, at)
	d.Settings = x.settings(r, l, at)
	v.Record = d
	// A group's case is the group's affair.
	if r.GroupBy != NoGroup && change != city.Moved {
		v.Change = city.Moved
	}
	x.verdicts = append(x.verdicts, v)
}

// telling is the level that a verdict is about: the highest that is open, or else the one
// that is furthest.
func (r *ruled) telling(mine []machine) *Level {
	best := 0
	for j := range r.Levels {
		if rank(mine[j].phase) >= rank(mine[best].phase) && mine[j].phase != city.PhaseIdle {
			best = j
		}
	}
	return &r.Levels[best]
}

func (x *step) newestTime() time.Time { return when(x.w.origin()) }

func version(hash uint64) string {
	text := strconv.FormatUint(hash, 16)
	for len(text) < 16 {
		text = "0" + text
	}
	return text
}

func quantityName(q city.Quantity) string {
	if q == city.QuantityUnknown {
		return ""
	}
	return q.String()
}

// evidence lists the readings in sight, with what the rule looks at.
func (x *step) evidence(r *ruled, asked Signal, at int) []city.Evidence {
	w := x.w
	if at < 0 {
		return nil
	}
	needs := asked.Needs()
	var all []city.Evidence
	for i := max(0, at-context); i <= at; i++ {
		s := &w.ring[i]
		e := city.Evidence{Time: when(s.at), DevEUI: w.heard[s.dev].eui, FCnt: s.fcnt}
		for _, q := range needs.Quantities {
			if slot := w.plan.slot[q]; slot != noSlot && s.has&(1<<slot) != 0 {
				if e.Values == nil {
					e.Values = make(map[string]float64)
				}
				e.Values[q.String()] = s.values[slot]
			}
		}
		if needs.Faults {
			e.Faults = faults(s.faults)
		}
		w.view = View{work: w, at: i, oldest: max(0, i-context)}
		if !r.timed {
			e.Truth = asked.Eval(&w.view).Truth.String()
		}
		all = append(all, e)
	}
	return all
}

// settings lists the figures that decided, and where each comes from.
func (x *step) settings(r *ruled, l *Level, at int) []city.Setting {
	var all []city.Setting
	add := func(severity city.Grade, name, value string) {
		s := city.Setting{Name: name, Value: value, Source: "rule"}
		for _, o := range r.settings {
			if o.name == name && (o.severity == 0 || o.severity == severity) {
				s.Source = o.source
			}
		}
		all = append(all, s)
	}
	if f, is := l.Open.(Limited); is {
		add(l.Severity, "open", number(f.Limit()))
	}
	if f, is := l.Clear.(Limited); is {
		add(l.Severity, "clear", number(f.Limit()))
	}
	if r.timed {
		return append(all, x.periods()...)
	}
	add(l.Severity, "for", lasting(l.For))
	add(l.Severity, "readings", counted(l.Readings, l.Of))
	add(l.Severity, "clear_for", lasting(l.ClearFor))
	add(l.Severity, "clear_readings", counted(l.ClearReadings, l.ClearOf))
	if at < 0 {
		return all
	}
	switch gap := x.w.gapAfter(r, at); {
	case r.MaxGap > 0:
		add(0, "max_gap", lasting(r.MaxGap))
	case gap < never:
		s := city.Setting{Name: "max_gap", Value: lasting(gap.Truncate(time.Second)), Source: "learned"}
		if r.Period > 0 {
			s.Source = "rule"
		} else if x.w.heard[x.w.ring[at].dev].declared > 0 {
			s.Source = "model"
		}
		all = append(all, s)
	}
	return all
}

// periods tells how often each device sends.
func (x *step) periods() []city.Setting {
	var all []city.Setting
	for i := range x.w.heard {
		h := &x.w.heard[i]
		if h.absent || h.period == 0 {
			continue
		}
		s := city.Setting{Name: "period " + h.eui.String(), Value: lasting(h.period.Truncate(time.Second)), Source: "learned"}
		if h.declared == h.period {
			s.Source = "model"
		}
		all = append(all, s)
	}
	return all
}

func counted(readings, of int) string {
	text := strconv.Itoa(max(readings, 1))
	if of > 0 {
		text += " of " + strconv.Itoa(of)
	}
	return text
}
