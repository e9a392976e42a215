package rules

import (
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"meldefunk/city"
)

// Options go with a set of rules.
type Options struct {
	Overrides   []Override
	Maintenance []Maintenance
	// RevokeWithin is how old a case may be, by our clock, to be taken back when late readings
	// show that it never should have been; older ones stay until they clear. 0: 24 h.
	RevokeWithin time.Duration
}

const (
	maxLevels    = 8
	maxRules     = 255 // what is stored of a mind numbers them with one byte
	revokeWithin = 24 * time.Hour
)

// Set is a set of rules that fit together. It does not change: a reload makes a new one. It
// may be used from any number of goroutines.
type Set struct {
	rules       []Rule
	byID        map[string]*Rule
	overrides   map[Target][]int // into all
	all         []Override
	maintenance []Maintenance
	revoke      time.Duration
	slots       map[city.Kind][]city.Quantity

	plans  sync.Map // by planKey: *plan, made when first needed
	groups map[Group]*groupPlan
	works  sync.Pool // of *work
}

// planKey says which plan: for what kind, with which overrides.
type planKey struct {
	kind      city.Kind
	overrides string
}

// New puts rules together, in the order given. The error names every rule that does not
// fit, and why; each of them is a *RuleError.
func New(rules []Rule, options Options) (*Set, error) {
	s := &Set{
		rules: slices.Clone(rules), byID: make(map[string]*Rule), maintenance: options.Maintenance,
		all: options.Overrides, overrides: make(map[Target][]int), revoke: options.RevokeWithin,
		slots: make(map[city.Kind][]city.Quantity), groups: make(map[Group]*groupPlan),
	}
	if s.revoke == 0 {
		s.revoke = revokeWithin
	}
	s.works.New = func() any { return &work{} }
	if err := s.check(); err != nil {
		return nil, err
	}
	for i := range s.all {
		t := s.all[i].Target
		s.overrides[t] = append(s.overrides[t], i)
	}
	for _, g := range Groups() {
		if p := s.groupPlan(g); p != nil {
			s.groups[g] = p
		}
	}
	return s, nil
}

// Rules lists the rules in the order of their file. They are not to be changed.
func (s *Set) Rules() []Rule { return s.rules }

// PerHour is how many new cases a rule may bring in an hour, by its safety brake; 0: it has
// none of its own.
func (s *Set) PerHour(rule string) int {
	if r := s.byID[rule]; r != nil {
		return r.PerHour
	}
	return 0
}

// RuleError is what is wrong with one rule.
type RuleError struct {
	Rule  string
	Field string // as it is called in a rule file, "inhibited_by"
	Err   error
}

func (e *RuleError) Error() string { return fmt.Sprintf("rule %s: %s: %v", e.Rule, e.Field, e.Err) }

func (e *RuleError) Unwrap() error { return e.Err }

// check looks for what a loader cannot see in one rule alone, and for what would make the
// engine go astray.
func (s *Set) check() error {
	var errs []error
	add := func(r *Rule, field, format string, args ...any) {
		errs = append(errs, &RuleError{r.ID, field, fmt.Errorf(format, args...)})
	}
	for i := range s.rules {
		r := &s.rules[i]
		if r.ID == "" || len(r.ID) > 64 {
			add(r, "id", "want 1 to 64 characters")
		}
		if s.byID[r.ID] != nil {
			add(r, "id", "is taken by another rule")
		}
		s.byID[r.ID] = r
		if len(r.Levels) == 0 || len(r.Levels) > maxLevels {
			add(r, "levels", "has %d: want 1 to %d", len(r.Levels), maxLevels)
		}
		var before city.Grade
		for j := range r.Levels {
			l := &r.Levels[j]
			if l.Severity <= before {
				add(r, "severity", "%d comes after %d: want 1 or more, rising", l.Severity, before)
			}
			before = l.Severity
			s.checkLevel(r, l, add)
			if _, is := l.Open.(Aggregate); l.Open != nil && is != (r.Over != NoGroup) {
				add(r, "over", "goes with a condition about the members of a group, and only with that")
			}
		}
		switch {
		case r.Over != NoGroup && r.Member == nil:
			add(r, "member", "is missing: want what is asked of each member")
		case r.Over == NoGroup && r.Member != nil:
			add(r, "member", "goes only with over")
		case r.Member != nil:
			s.checkLevel(r, r.Member, add)
			if _, is := r.Member.Open.(Aggregate); is {
				add(r, "member", "is about a group itself")
			}
		}
		if r.Over != NoGroup && r.GroupBy != NoGroup {
			add(r, "group_by", "has no meaning with over: the rule is about groups already")
		}
		if r.Period < 0 || r.MaxGap < 0 {
			add(r, "max_gap", "is less than nothing")
		}
	}
	if len(s.rules) > maxRules {
		add(&s.rules[maxRules], "id", "is number %d: want %d at most; overrides change figures for single assets, tours or streets", maxRules+1, maxRules)
	}
	for i := range s.rules {
		for _, id := range s.rules[i].InhibitedBy {
			if s.byID[id] == nil {
				add(&s.rules[i], "inhibited_by", "there is no rule %.64q", id)
			}
		}
	}
	if r := s.circle(); r != nil {
		add(r, "inhibited_by", "goes in a circle")
	}
	for _, k := range city.Kinds() {
		if err := s.slotsFor(k); err != nil {
			errs = append(errs, err)
		}
	}
	for i := range s.all {
		o := &s.all[i]
		if r := s.byID[o.Rule]; r == nil {
			errs = append(errs, &RuleError{o.Rule, "overrides", fmt.Errorf("%s: there is no such rule", o.Target)})
		} else if f := o.misfit(r); f != "" {
			errs = append(errs, &RuleError{o.Rule, "overrides", fmt.Errorf("%s: %s", o.Target, f)})
		}
	}
	for i := range s.maintenance {
		m := &s.maintenance[i]
		if m.Until.IsZero() || m.Reason == "" {
			errs = append(errs, fmt.Errorf("maintenance window %d: until and reason are needed: what is forgotten must end by itself, and people must know why", i+1))
		}
		for _, id := range m.Rules {
			if s.byID[id] == nil {
				errs = append(errs, fmt.Errorf("maintenance window %d: there is no rule %.64q", i+1, id))
			}
		}
	}
	return errors.Join(errs...)
}

func (s *Set) checkLevel(r *Rule, l *Level, add func(r *Rule, field, format string, args ...any)) {
	if l.Open == nil {
		add(r, "open", "is missing")
	}
	for _, e := range []struct {
		name         string
		readings, of int
		span         time.Duration
	}{{"readings", l.Readings, l.Of, l.For}, {"clear_readings", l.ClearReadings, l.ClearOf, l.ClearFor}} {
		switch {
		case e.readings < 0 || e.readings > 10_000:
			add(r, e.name, "%d does not fit: want 1 to 10000", e.readings)
		case e.of < 0 || e.of > maxOf || e.of > 0 && e.of < e.readings:
			add(r, e.name, "%d of the last %d does not fit: want %d at most, and not fewer than wanted of them", e.readings, e.of, maxOf)
		case e.span < 0:
			add(r, e.name, "a span is less than nothing")
		}
	}
	_, opens := l.Open.(Silence)
	_, clears := l.Clear.(Silence)
	if !opens && clears {
		add(r, "clear", "silence closes nothing")
	}
	if opens && l.Clear != nil && !clears {
		add(r, "clear", "silence ends when the device is heard: want nothing here")
	}
}

// misfit tells what an override cannot change in its rule; "": it fits.
func (o *Override) misfit(r *Rule) string {
	met := false
	for i := range r.Levels {
		l := &r.Levels[i]
		if o.Severity != 0 && o.Severity != l.Severity {
			continue
		}
		met = true
		if _, is := l.Open.(Limited); o.Figures.Open != nil && !is {
			return fmt.Sprintf("open: %q has no limit to be changed", l.Open)
		}
		if _, is := l.Clear.(Limited); o.Figures.Clear != nil && !is {
			return "clear: has no limit to be changed"
		}
	}
	if !met {
		return fmt.Sprintf("has no level of severity %d", o.Severity)
	}
	return ""
}

// circle finds a rule that keeps itself from opening.
func (s *Set) circle() *Rule {
	state := make(map[string]int) // 1: being looked at, 2: fine
	var visit func(r *Rule) bool
	visit = func(r *Rule) bool {
		switch state[r.ID] {
		case 1:
			return true
		case 2:
			return false
		}
		state[r.ID] = 1
		for _, id := range r.InhibitedBy {
			if by := s.byID[id]; by != nil && visit(by) {
				return true
			}
		}
		state[r.ID] = 2
		return false
	}
	for i := range s.rules {
		if visit(&s.rules[i]) {
			return &s.rules[i]
		}
	}
	return nil
}

// signals lists what a rule asks at assets.
func (r *Rule) signals() []Signal {
	var all []Signal
	levels := r.Levels
	if r.Member != nil {
		levels = []Level{*r.Member}
	}
	for i := range levels {
		all = append(all, levels[i].Open)
		if levels[i].Clear != nil {
			all = append(all, levels[i].Clear)
		}
	}
	return all
}

// looksAt tells whether a rule is for a kind of assets.
func (r *Rule) looksAt(k city.Kind) bool { return len(r.Kinds) == 0 || slices.Contains(r.Kinds, k) }

// slotsFor gathers the quantities that the rules for a kind look at.
func (s *Set) slotsFor(k city.Kind) error {
	var all []city.Quantity
	for i := range s.rules {
		r := &s.rules[i]
		if !r.looksAt(k) {
			continue
		}
		for _, x := range r.signals() {
			if x == nil {
				continue
			}
			for _, q := range x.Needs().Quantities {
				if q != city.QuantityUnknown && !slices.Contains(all, q) {
					all = append(all, q)
				}
			}
		}
		if len(all) > maxSlots {
			return &RuleError{r.ID, "open", fmt.Errorf("the rules for %s look at more than %d quantities", k, maxSlots)}
		}
	}
	slices.Sort(all)
	s.slots[k] = all
	return nil
}

// planFor gives the plan of an asset. Only what somebody has overridden makes a new one.
func (s *Set) planFor(a *city.Asset) *plan {
	key := planKey{kind: a.Kind}
	var which []int
	if len(s.all) > 0 {
		if which = s.overridesOf(a); len(which) > 0 {
			key.overrides = fmt.Sprint(which)
		}
	}
	if p, ok := s.plans.Load(key); ok {
		return p.(*plan)
	}
	p, _ := s.plans.LoadOrStore(key, s.plan(a.Kind, which))
	return p.(*plan)
}

// overridesOf gives the overrides that apply to an asset, the widest first, so that a
// narrower one has the last word.
func (s *Set) overridesOf(a *city.Asset) []int {
	var which []int
	for by := len(targetNames); by > 0; by-- {
		t := Target{By: TargetBy(by - 1)}
		if t.Name = t.By.of(a); t.Name != "" {
			which = append(which, s.overrides[t]...)
		}
	}
	return which
}

// of is what an asset goes by, "": nothing.
func (b TargetBy) of(a *city.Asset) string {
	switch b {
	case TargetAsset:
		return a.ID
	case TargetTour:
		return a.Tour
	case TargetStreet:
		return street(a.Address)
	case TargetDistrict:
		return a.District
	case TargetSpecies:
		return a.Species
	case TargetSoil:
		return a.SoilType
	case TargetKind:
		return a.Kind.String()
	}
	return ""
}

// street is an address without its number: "Domhof 4a" is in Domhof.
func street(address string) string {
	address, _, _ = strings.Cut(address, ",")
	if i := strings.IndexAny(address, "0123456789"); i > 0 {
		address = address[:i]
	}
	return strings.TrimSpace(address)
}

// plan puts together what applies to assets of a kind with some overrides.
func (s *Set) plan(k city.Kind, which []int) *plan {
	p := &plan{set: s, kind: k}
	p.quantities = s.slots[k]
	for q := range p.slot {
		p.slot[q] = noSlot
	}
	for i, q := range p.quantities {
		p.slot[q] = uint8(i)
	}
	placed := make(map[string]bool)
	var place func(r *Rule)
	place = func(r *Rule) {
		if placed[r.ID] || !r.looksAt(k) {
			return
		}
		placed[r.ID] = true
		for _, id := range r.InhibitedBy {
			by := s.byID[id]
			place(by)
			if by.Over == ByGateway || by.GroupBy == ByGateway {
				p.gateway = true
			}
		}
		x := ruled{Rule: *r, windows: r.When.Calendar != nil || r.Season.Calendar != nil}
		x.Levels = slices.Clone(r.Levels)
		if r.Member != nil {
			x.Levels, x.member = []Level{*r.Member}, true
			x.Levels[0].Severity = 1
		}
		for _, i := range which {
			if s.all[i].Rule == r.ID && !x.member {
				x.apply(&s.all[i])
			}
		}
		for _, signal := range r.signals() {
			p.faults = p.faults || signal.Needs().Faults
			if _, is := signal.(Silence); is {
				x.timed, p.silence = true, true
			}
		}
		p.holds = p.holds || x.Evidence == Hold
		p.gateway = p.gateway || r.Over == ByGateway || r.GroupBy == ByGateway
		x.ref = ref{id: r.ID, version: x.hash(), first: p.machines, levels: len(x.Levels)}
		p.machines += len(x.Levels)
		p.refs = append(p.refs, x.ref)
		p.rules = append(p.rules, x)
	}
	for i := range s.rules {
		place(&s.rules[i])
	}
	p.seal()
	return p
}

// seal computes the hash of a layout.
func (l *layout) seal() {
	h := fnv.New64a()
	for _, q := range l.quantities {
		fmt.Fprintln(h, q)
	}
	for _, r := range l.refs {
		fmt.Fprintln(h, r.id, r.version)
	}
	l.hash = h.Sum64()
}

// apply changes the figures that an override names.
func (r *ruled) apply(o *Override) {
	from := func(severity city.Grade, name string) {
		r.settings = slices.DeleteFunc(r.settings, func(s setting) bool { return s.severity == severity && s.name == name })
		r.settings = append(r.settings, setting{severity, name, o.Target.String()})
	}
	f := &o.Figures
	if f.MaxGap != nil {
		r.MaxGap = *f.MaxGap
		from(0, "max_gap")
	}
	if f.Period != nil {
		r.Period = *f.Period
		from(0, "period")
	}
	for i := range r.Levels {
		l := &r.Levels[i]
		if o.Severity != 0 && o.Severity != l.Severity {
			continue
		}
		if signal, is := l.Open.(Limited); is && f.Open != nil {
			l.Open = signal.WithLimit(*f.Open)
			from(l.Severity, "open")
		}
		if signal, is := l.Clear.(Limited); is && f.Clear != nil {
			l.Clear = signal.WithLimit(*f.Clear)
			from(l.Severity, "clear")
		}
		if f.For != nil {
			l.For = *f.For
			from(l.Severity, "for")
		}
		if f.ClearFor != nil {
			l.ClearFor = *f.ClearFor
			from(l.Severity, "clear_for")
		}
	}
}

// hash is the rule's version: of everything that decides, and of no words for people.
func (r *Rule) hash() uint64 {
	h := fnv.New64a()
	level := func(l *Level) {
		fmt.Fprintf(h, "%d|%v|%v|%d|%d|%v|%v|%d|%d\n", l.Severity, l.Open, l.For, max(l.Readings, 1), l.Of,
			l.Clear, l.ClearFor, max(l.ClearReadings, 1), l.ClearOf)
	}
	for i := range r.Levels {
		level(&r.Levels[i])
	}
	if r.Member != nil {
		level(r.Member)
	}
	fmt.Fprintf(h, "%v|%v|%v|%s|%s|%s|%q|%v|%v|%v", r.Evidence, r.Period, r.MaxGap, r.When.Text, r.Season.Text,
		r.Quiet.Text, r.InhibitedBy, r.Over, r.GroupBy, r.Shadow)
	return h.Sum64()
}

// Version is 16 hex digits that change with whatever decides in the rule, and with nothing
// else: not with its words, its service or its safety brake.
func (r *Rule) Version() string { return fmt.Sprintf("%016x", r.hash()) }

// Difference is what a new set does to what is remembered.
type Difference struct {
	Kept    []string // rules that decide as before: all carries over
	Changed []string // rules that decide otherwise: runs begin anew, open cases stay until the new rule clears them
	Added   []string
	Gone    []string // their cases are closed
}

// Since compares the set with the one before it, by the rules' IDs in order.
func (s *Set) Since(before *Set) Difference {
	var d Difference
	for _, id := range slices.Sorted(maps.Keys(s.byID)) {
		was := before.byID[id]
		switch {
		case was == nil:
			d.Added = append(d.Added, id)
		case was.hash() == s.byID[id].hash() && s.sameOverrides(before, id):
			d.Kept = append(d.Kept, id)
		default:
			d.Changed = append(d.Changed, id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(before.byID)) {
		if s.byID[id] == nil {
			d.Gone = append(d.Gone, id)
		}
	}
	return d
}

func (s *Set) sameOverrides(before *Set, id string) bool {
	return s.overrideText(id) == before.overrideText(id)
}

func (s *Set) overrideText(id string) string {
	var b strings.Builder
	for i := range s.all {
		if o := &s.all[i]; o.Rule == id {
			fmt.Fprint(&b, o.Target, o.Severity, show(o.Figures.Open), show(o.Figures.Clear), show(o.Figures.For),
				show(o.Figures.ClearFor), show(o.Figures.MaxGap), show(o.Figures.Period), "\n")
		}
	}
	return b.String()
}

func show[T any](p *T) string {
	if p == nil {
		return "-"
	}
	return fmt.Sprint(*p)
}
