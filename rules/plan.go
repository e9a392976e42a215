package rules

import (
	"time"

	"meldefunk/city"
)

const (
	maxSlots = 16  // quantities that the rules for one kind of asset can look at
	noSlot   = 255 // in plan.slot: not looked at
)

// plan is what the rules of a set come to for some assets: those of one kind to which the
// same overrides apply.
type plan struct {
	layout
	set   *Set
	kind  city.Kind
	rules []ruled    // inhibitors before those they inhibit
	slot  [256]uint8 // by city.Quantity: where in a sample its value is

	gateway bool // some rule wants to know the asset's gateway
	faults  bool
	silence bool // some rule is about silence
	holds   bool // some rule's evidence is Hold
}

// ruled is a rule as it is for some assets: with its overrides, its place, and its version.
type ruled struct {
	Rule
	ref
	member   bool      // its outcome is a share in a group, and no case
	timed    bool      // about silence: decided by our clock, not folded
	windows  bool      // has When or Season
	settings []setting // where its figures come from, where not from the rule
}

type setting struct {
	severity city.Grade // of the level; 0: the rule
	name     string
	source   string
}

// layout says what stands where in an encoded mind.
type layout struct {
	quantities []city.Quantity // by slot
	refs       []ref
	machines   int
	hash       uint64 // of all of it, versions included
}

// ref is a rule's place in a layout.
type ref struct {
	id      string
	version uint64 // hash of what decides
	first   int    // its first machine
	levels  int
}

// opening is how much of Open is enough. What holds by itself is not interrupted by what is
// too short to close it: a car that makes room for another, a sensor that errs for a moment.
func (l *Level) opening(evidence Evidence) enough {
	e := enough{span: l.For, readings: max(l.Readings, 1), of: l.Of}
	if evidence == Hold {
		e.brief = l.ClearFor
	}
	return e
}

// clearing is how much of Clear is enough; four times as much while the rule flaps.
func (l *Level) clearing(flapping bool) enough {
	e := enough{span: l.ClearFor, readings: max(l.ClearReadings, 1), of: l.ClearOf}
	if flapping {
		if e.span > 0 {
			e.span *= 4
		} else {
			e.readings, e.of = 4*e.readings, 0
		}
	}
	return e
}

// looks tells whether the rule looks at all at a time.
func (r *ruled) looks(at time.Time) bool {
	return (r.When.Calendar == nil || r.When.Calendar.Active(at)) && (r.Season.Calendar == nil || r.Season.Calendar.Active(at))
}

// severity is of the highest open level, and since when the lowest of them has been; 0: none.
func (r *ruled) severity(mine []machine) (city.Grade, int64) {
	var worst city.Grade
	var since int64
	for i := range r.Levels {
		m := &mine[i]
		if !m.wantedNow() {
			continue
		}
		worst = r.Levels[i].Severity
		if since == 0 || m.opened < since {
			since = m.opened
		}
	}
	return worst, since
}

// phase is what the machines of its levels come to.
func (r *ref) phase(ms []machine) (city.Phase, *machine) {
	var telling *machine
	for i := r.first; i < r.first+r.levels; i++ {
		if m := &ms[i]; telling == nil || rank(m.phase) >= rank(telling.phase) {
			telling = m
		}
	}
	return telling.phase, telling
}

// rank orders phases: a level that is open says more than one that clears or is pending.
func rank(p city.Phase) int {
	switch p {
	case city.PhaseOpen:
		return 3
	case city.PhaseClearing:
		return 2
	case city.PhasePending:
		return 1
	}
	return 0
}
