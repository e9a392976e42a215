package rules

import (
	"slices"
	"time"

	"meldefunk/city"
)

// Why no case is wanted although the condition holds, in words for people.
const (
	mutedShadow      = "Probebetrieb"
	mutedQuiet       = "Ruhezeit"
	mutedMaintenance = "Wartung: "
	mutedBy          = "unterdrückt durch "
)

// recheck is how long a rule that a group's case keeps from opening waits until it asks
// again: nobody tells each member when that case is closed.
const recheck = 10 * time.Minute

// muted tells why a rule that stands open may not open its case now; "": it may.
func (x *step) muted(r *ruled) string {
	if r.Shadow {
		return mutedShadow
	}
	if m := x.maintained(r); m != nil {
		return mutedMaintenance + m.Reason
	}
	if by := x.inhibitor(r); by != "" {
		return mutedBy + by
	}
	if r.Quiet.Calendar != nil && r.Quiet.Calendar.Active(x.s.Now) {
		return mutedQuiet
	}
	return ""
}

// maintained finds the maintenance window that the asset is in, for a rule.
func (x *step) maintained(r *ruled) *Maintenance {
	for i := range x.set.maintenance {
		m := &x.set.maintenance[i]
		if m.active(x.s.Now) && m.covers(r.ID, x.s.Asset) {
			return m
		}
	}
	return nil
}

func (m *Maintenance) active(now time.Time) bool {
	return !now.Before(m.From) && now.Before(m.Until) && (m.When.Calendar == nil || m.When.Calendar.Active(now))
}

// covers tells whether a window is for a rule at an asset.
func (m *Maintenance) covers(rule string, a *city.Asset) bool {
	if len(m.Rules) > 0 && !slices.Contains(m.Rules, rule) {
		return false
	}
	return slices.ContainsFunc(m.Targets, func(t Target) bool { return t.Name != "" && t.By.of(a) == t.Name })
}

// ends is when an active window changes next.
func (m *Maintenance) ends(now time.Time) time.Time {
	if m.When.Calendar != nil {
		if next := m.When.Calendar.Next(now); !next.IsZero() && next.Before(m.Until) {
			return next
		}
	}
	return m.Until
}

// inhibitor names the rule whose open case keeps another from opening; "": none does.
func (x *step) inhibitor(r *ruled) string {
	for _, id := range r.InhibitedBy {
		by := x.set.byID[id]
		group := by.Over
		if group == NoGroup {
			group = by.GroupBy
		}
		if group != NoGroup && x.s.Mutes != nil {
			if name := x.groupOf(group, ""); name != "" && x.s.Mutes(name, id) {
				return id
			}
		}
		if by.Over == NoGroup && x.openHere(id) {
			return id
		}
	}
	return ""
}

// openHere tells whether a rule's case is open at this asset.
func (x *step) openHere(id string) bool {
	for i := range x.w.plan.refs {
		if x.w.plan.refs[i].id == id {
			return x.w.published[i].open
		}
	}
	return false
}

// unmuted is when a muted rule should be asked again.
func (x *step) unmuted(r *ruled, muted string) int64 {
	switch {
	case muted == mutedShadow:
		return 0
	case muted == mutedQuiet:
		return unix(r.Quiet.Calendar.Next(x.s.Now))
	}
	if m := x.maintained(r); m != nil {
		return unix(m.ends(x.s.Now))
	}
	if x.inhibitor(r) != "" {
		return x.s.Now.Add(recheck).UnixNano()
	}
	return x.s.Now.UnixNano()
}

// unix is nanoseconds since 1970; 0 for no time.
func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// deadline is when time alone may change something; 0: never.
func (x *step) deadline() int64 {
	w := x.w
	var next int64
	for i := range w.plan.rules {
		r, p := &w.plan.rules[i], &w.published[i]
		if p.muted != "" {
			next = sooner(next, x.unmuted(r, p.muted))
		}
		if r.timed {
			next = sooner(next, x.timedDeadline(r))
			continue
		}
		if r.member && p.group != "" && p.shared != city.Unknown {
			if at := x.lastWord(r); at >= 0 {
				if gap := w.gapAfter(r, at); gap < never {
					next = sooner(next, w.ring[at].at+int64(gap)+1)
				}
			}
		}
		if r.Evidence == Hold {
			next = sooner(next, w.ripens(i))
		}
	}
	return later(next, x.s)
}

// later keeps a deadline that was not met from being met again at once: whoever waits for it
// would not come to rest.
func later(deadline int64, s *city.Sight) int64 {
	if now := s.Now.UnixNano(); deadline != 0 && deadline <= now && s.Reading == nil && s.Share == nil {
		return now + int64(recheck)
	}
	return deadline
}

func (x *step) timedDeadline(r *ruled) int64 {
	next := x.w.silentAt(r, x.s)
	if !r.windows || r.looks(x.s.Now) {
		return next
	}
	// Silent perhaps, and not looked at: when that ends is early enough.
	for _, c := range []Calendar{r.When.Calendar, r.Season.Calendar} {
		if c != nil && !c.Active(x.s.Now) {
			next = sooner(next, unix(c.Next(x.s.Now)))
		}
	}
	return next
}

// ripens is when time alone ends a run of a rule whose evidence holds by itself; 0: never.
func (w *work) ripens(i int) int64 {
	if len(w.ring) == 0 {
		return 0
	}
	r := &w.plan.rules[i]
	newest := len(w.ring) - 1
	var next int64
	for j := range r.Levels {
		m := &w.current[r.first+j]
		due := m.due(need(r.Evidence, &r.Levels[j], m, &w.currentChanges[i], w.now))
		if due != 0 && due <= w.ring[newest].at+int64(w.gapAfter(r, newest)) {
			next = sooner(next, due)
		}
	}
	return next
}
