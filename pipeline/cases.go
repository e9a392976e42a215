package pipeline

import (
	"context"
	"slices"
	"time"

	"meldefunk/city"
)

// rule turns a verdict into what follows for cases, and keeps its record.
func (r *Road) rule(ctx context.Context, s *assetState, v *city.Verdict, now time.Time) error {
	if v.Change == city.Overlooked {
		r.metrics.overlooked.Inc()
		return nil
	}
	ref, held := "", false
	var err error
	switch i := s.find(v.Rule); {
	case v.Change == city.Opened:
		ref, held, err = r.open(ctx, s, v, now)
	case i < 0: // moved before it opens, or opened by a rule without a case
	case v.Change == city.Closed, v.Change == city.Revoked:
		ref = r.close(s, i, v, now)
	default:
		ref = s.Cases[i].Ref
		r.update(s, i, v)
	}
	if err != nil {
		return err
	}
	r.keepRuling(s, v, ref, held, now)
	if s.Group != "" && v.Change <= city.Revoked {
		return r.wakeMembers(ctx, s, v.Rule, now)
	}
	return nil
}

// open opens the case of a verdict, unless it is open.
func (r *Road) open(ctx context.Context, s *assetState, v *city.Verdict, now time.Time) (ref string, held bool, err error) {
	if i := s.find(v.Rule); i >= 0 {
		return s.Cases[i].Ref, false, nil // what the rules knew was lost
	}
	if ref, err = r.newRef(ctx); err != nil {
		return "", false, err
	}
	c := city.Case{
		Ref: ref, Rule: v.Rule, Service: v.Service, Asset: s.Asset, Group: s.Group,
		Quantity: v.Quantity, Value: v.Value, Limit: v.Limit, Since: v.Since, Grade: v.Severity,
		Title: v.Title, Advice: v.Advice, Opened: now,
	}
	if v.Record != nil {
		c.Members = v.Record.Members
	}
	c.Held = r.brake.holds(v.Rule, r.perHour(v.Rule), now)
	if c.Held {
		r.brake.hold(c)
	}
	r.commit.Cases = append(r.commit.Cases, c)
	s.Cases = append(s.Cases, city.OpenCase{Rule: v.Rule, Ref: ref, Since: v.Since, Grade: v.Severity})
	r.touch(s)
	return ref, c.Held, nil
}

// close ends the i-th case of a state. One that began in this very batch, as in a burst that
// comes late, has no ticket yet and gets none.
func (r *Road) close(s *assetState, i int, v *city.Verdict, now time.Time) string {
	ref := s.Cases[i].Ref
	r.brake.forget(v.Rule, ref)
	r.commit.Cases = append(r.commit.Cases, city.Case{
		Ref: ref, Rule: v.Rule, Service: v.Service, Asset: s.Asset, Group: s.Group,
		Closed: now, ClosedValue: v.Value, ClosedSince: v.Since, Revoked: v.Change == city.Revoked,
	})
	s.Cases = slices.Delete(slices.Clone(s.Cases), i, i+1)
	r.touch(s)
	return ref
}

// update keeps the grade of a case and the members of a group's.
func (r *Road) update(s *assetState, i int, v *city.Verdict) {
	c := &s.Cases[i]
	graded := v.Change == city.Escalated || v.Change == city.Deescalated
	if !graded && s.Group == "" {
		return
	}
	u := city.CaseUpdate{Ref: c.Ref, Grade: c.Grade, Value: v.Value}
	if graded {
		r.log.Info().Str("case", c.Ref).Str("rule", v.Rule).Str("asset", s.Asset).Str("group", s.Group).
			Uint8("from", uint8(c.Grade)).Uint8("to", uint8(v.Severity)).Msg("case " + v.Change.String())
		u.Grade = v.Severity
		s.Cases = slices.Clone(s.Cases)
		s.Cases[i].Grade = v.Severity
		r.touch(s)
	}
	if v.Record != nil {
		u.Members = v.Record.Members
	}
	r.commit.Updates = append(r.commit.Updates, u)
}

// keepRuling stages the record of a verdict.
func (r *Road) keepRuling(s *assetState, v *city.Verdict, ref string, held bool, now time.Time) {
	d := city.Decision{
		Rule: v.Rule, Version: v.Version, Asset: s.Asset, Group: s.Group, Change: v.Change.String(), At: now, Decided: now,
		From: city.PhaseOpen.String(), To: city.PhaseIdle.String(), Note: v.Title,
	}
	if v.Record != nil {
		d = *v.Record
	}
	if held {
		d.Change, d.Muted = city.Moved.String(), braked
	}
	r.mark.Ruling++
	r.commit.Rulings = append(r.commit.Rulings, city.Ruling{ID: r.mark.Ruling, Case: ref, Decision: d})
}

// newRef makes up references until one is free: they are short enough to be read out on
// the phone, so chance alone is not enough.
func (r *Road) newRef(ctx context.Context) (string, error) {
	for {
		ref, taken := r.parts.Ref(), false
		if slices.ContainsFunc(r.commit.Cases, func(c city.Case) bool { return c.Ref == ref }) {
			continue
		}
		err := r.persist(ctx, "look for a case", func() (err error) {
			taken, err = r.parts.Store.Taken(ctx, ref)
			return err
		})
		if err != nil || !taken {
			return ref, err
		}
	}
}
