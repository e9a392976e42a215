package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"meldefunk/city"
)

// braked is why a case has no ticket yet, in words for people.
const braked = "Sicherheitsbremse: zu viele neue Fälle in einer Stunde"

// maxMembers bounds the assets that a digest names.
const maxMembers = 100

// brake keeps a rule that has gone wild from flooding the ticket system: more than so many
// new cases of a rule in an hour have to wait, and go one after the other as the hour moves
// on. It remembers what the store knows as well.
type brake struct {
	begun   map[string][]time.Time // of each rule, those of the last hour, in order
	waiting map[string][]city.Case // of each rule, oldest first
	moved   map[string]bool        // rules of which the digest has to be looked at
}

func newBrake() *brake {
	return &brake{begun: map[string][]time.Time{}, waiting: map[string][]city.Case{}, moved: map[string]bool{}}
}

// holds tells whether one more case of a rule has to wait, and counts it if not. most is 0
// where there is no brake: then nothing is counted.
func (b *brake) holds(rule string, most int, now time.Time) bool {
	if most == 0 {
		return false
	}
	if len(b.waiting[rule]) > 0 || b.full(rule, most, now) {
		return true
	}
	b.begun[rule] = append(b.begun[rule], now)
	return false
}

// full tells whether a rule has had its cases of the hour. What is ahead of now counts as well:
// a deadline may pass after the fact.
func (b *brake) full(rule string, most int, now time.Time) bool {
	begun := slices.DeleteFunc(b.begun[rule], func(t time.Time) bool { return now.Sub(t) >= time.Hour })
	b.begun[rule] = begun
	return len(begun) >= most
}

// setBack counts what was opened by a clock that was ahead as of now.
func (b *brake) setBack(now time.Time) {
	for _, begun := range b.begun {
		for i := range begun {
			if begun[i].After(now) {
				begun[i] = now
			}
		}
	}
}

func (b *brake) hold(c city.Case) {
	b.waiting[c.Rule] = append(b.waiting[c.Rule], c)
	b.moved[c.Rule] = true
}

// digests tells whether a case is about what the brake itself holds back.
func digests(c *city.Case) bool { return c.Group == digestOf(c.Rule) }

// digestOf names the group of what is held back of a rule.
func digestOf(rule string) string { return "rule:" + rule }

// forget lets go of a case that is over.
func (b *brake) forget(rule, ref string) {
	was := len(b.waiting[rule])
	b.waiting[rule] = slices.DeleteFunc(b.waiting[rule], func(c city.Case) bool { return c.Ref == ref })
	if len(b.waiting[rule]) != was {
		b.moved[rule] = true
	}
}

// perHour is how many new cases a rule may have in an hour; 0: any number.
func (r *Road) perHour(rule string) int {
	if n := r.parts.Judge.PerHour(rule); n > 0 {
		return n
	}
	return r.cfg.CasesPerHour
}

// release lets cases go that have waited long enough.
func (r *Road) release(now time.Time) {
	b := r.brake
	for _, rule := range slices.Sorted(maps.Keys(b.waiting)) {
		most := r.perHour(rule)
		for len(b.waiting[rule]) > 0 && (most == 0 || !b.full(rule, most, now)) {
			c := b.waiting[rule][0]
			b.waiting[rule] = b.waiting[rule][1:]
			r.letGo(&c, "Die Sicherheitsbremse hat den Fall freigegeben.", now)
		}
		if len(b.waiting[rule]) == 0 {
			delete(b.waiting, rule)
		}
	}
}

// letGo stages that a case which has waited has a ticket from now on. It counts for the hour.
func (r *Road) letGo(c *city.Case, note string, now time.Time) {
	r.brake.moved[c.Rule] = true
	r.brake.begun[c.Rule] = append(r.brake.begun[c.Rule], now)
	r.commit.Released = append(r.commit.Released, city.Released{Ref: c.Ref, At: now})
	r.mark.Ruling++
	r.commit.Rulings = append(r.commit.Rulings, city.Ruling{ID: r.mark.Ruling, Case: c.Ref, Decision: city.Decision{
		Rule: c.Rule, Asset: c.Asset, Group: c.Group, Change: city.Opened.String(), At: c.Since, Decided: now, Since: c.Since,
		From: city.PhaseOpen.String(), To: city.PhaseOpen.String(), FromSeverity: c.Grade, ToSeverity: c.Grade,
		Value: c.Value, Limit: c.Limit, Note: note,
	}})
}

// Release lets a case go that the safety brake holds: a human wants it told. It returns when
// that is committed. A case that is not held, is over, or that nobody knows, stays as it is. It
// may be called from any goroutine, and blocks as Renew does.
func (r *Road) Release(ctx context.Context, ref string) error {
	return r.ask(ctx, ref, func(_ context.Context, ref string, now time.Time) error {
		for rule, waiting := range r.brake.waiting {
			i := slices.IndexFunc(waiting, func(c city.Case) bool { return c.Ref == ref })
			if i < 0 {
				continue
			}
			c := waiting[i]
			r.brake.forget(rule, ref)
			r.letGo(&c, "Von Hand freigegeben, trotz der Sicherheitsbremse.", now)
			break
		}
		return nil
	})
}

// digest keeps one case for each rule whose cases wait, so that people know of them.
func (r *Road) digest(ctx context.Context, now time.Time) error {
	for _, rule := range slices.Sorted(maps.Keys(r.brake.moved)) {
		s, err := r.state(ctx, subject{group: digestOf(rule)})
		if err != nil {
			return err
		}
		waiting := r.brake.waiting[rule]
		i := s.find(rule)
		switch {
		case len(waiting) == 0 && i >= 0:
			r.close(s, i, &city.Verdict{Rule: rule, Change: city.Closed}, now)
		case len(waiting) > 0 && i < 0:
			if err := r.openDigest(ctx, s, waiting, now); err != nil {
				return err
			}
		case len(waiting) > 0:
			r.commit.Updates = append(r.commit.Updates, city.CaseUpdate{
				Ref: s.Cases[i].Ref, Grade: s.Cases[i].Grade, Members: members(waiting), Value: float64(len(waiting)),
			})
		}
	}
	if len(r.brake.moved) > 0 {
		clear(r.brake.moved)
		held := 0
		for _, waiting := range r.brake.waiting {
			held += len(waiting)
		}
		r.metrics.held.Set(float64(held))
	}
	return nil
}

func (r *Road) openDigest(ctx context.Context, s *assetState, waiting []city.Case, now time.Time) error {
	ref, err := r.newRef(ctx)
	if err != nil {
		return err
	}
	first := &waiting[0]
	r.commit.Cases = append(r.commit.Cases, city.Case{
		Ref: ref, Rule: first.Rule, Service: first.Service, Group: s.Group, Members: members(waiting),
		Value: float64(len(waiting)), Limit: float64(r.perHour(first.Rule)), Since: now, Opened: now,
		Title:  fmt.Sprintf("%d weitere Fälle zurückgehalten: %s", len(waiting), first.Title),
		Advice: "Prüfen, ob die Regel stimmt. Die Fälle werden nach und nach gemeldet.",
	})
	s.Cases = append(s.Cases, city.OpenCase{Rule: first.Rule, Ref: ref, Since: now})
	r.touch(s)
	return nil
}

// members names whom the first of the cases are about.
func members(cases []city.Case) []string {
	var all []string
	for i := range cases[:min(len(cases), maxMembers)] {
		all = append(all, cases[i].Asset+cases[i].Group)
	}
	return all
}
