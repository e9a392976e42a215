package pipeline

import (
	"context"
	"slices"
	"time"

	"meldefunk/city"
)

// Renew closes a wanted case and opens one that follows it, with a reference of its own: people
// have closed the ticket of the old one, and the matter lasts. The rules notice nothing; whatever
// they say next is about the new one. It returns when that is committed. A case that is over, or
// that nobody knows, stays as it is. It may be called from any goroutine, and blocks while the
// road is busy; without a road that runs, until ctx ends.
func (r *Road) Renew(ctx context.Context, ref string) error { return r.ask(ctx, ref, r.renew) }

// renew lets a case go on as another one, if it is open at the end of the batch.
func (r *Road) renew(ctx context.Context, ref string, now time.Time) error {
	var old city.CaseTicket
	var found bool
	err := r.persist(ctx, "look for a case", func() (err error) {
		old, found, err = r.parts.Store.Case(ctx, ref)
		return err
	})
	if err != nil || !found {
		return err
	}
	s, err := r.state(ctx, subject{old.Case.Asset, old.Case.Group})
	if err != nil {
		return err
	}
	i := s.find(old.Case.Rule)
	if i < 0 || s.Cases[i].Ref != ref {
		return nil
	}
	next := r.goesOn(&old.Case, &s.Cases[i], now)
	if next.Ref, err = r.newRef(ctx); err != nil {
		return err
	}
	r.brake.forget(next.Rule, ref) // if it was held
	next.Held = !digests(&next) && r.brake.holds(next.Rule, r.perHour(next.Rule), now)
	if next.Held {
		r.brake.hold(next)
	}
	r.commit.Cases = append(r.commit.Cases, city.Case{Ref: ref, Closed: now}, next)
	s.Cases = slices.Clone(s.Cases)
	s.Cases[i].Ref = next.Ref
	r.touch(s)
	r.log.Info().Str("case", ref).Str("next", next.Ref).Str("rule", next.Rule).Str("asset", next.Asset).Str("group", next.Group).
		Msg("people have closed the ticket and the case lasts: it is told anew")
	r.keepRenewal(&next, ref, "Die Meldung wurde von Menschen geschlossen, der Befund besteht weiter: neue Meldung "+next.Ref+".", now)
	r.keepRenewal(&next, next.Ref, "Die Meldung "+ref+" wurde von Menschen geschlossen, der Befund besteht weiter: Dies ist die neue Meldung.", now)
	return nil
}

// goesOn makes the case that follows another, as that one is at the end of the batch.
func (r *Road) goesOn(old *city.Case, open *city.OpenCase, now time.Time) city.Case {
	next := *old
	next.Grade, next.Opened, next.Held, next.Follows = open.Grade, now, false, old.Ref
	for i := range r.commit.Updates {
		u := &r.commit.Updates[i]
		if u.Ref != old.Ref {
			continue
		}
		next.Members = u.Members
		if next.Group != "" {
			next.Value = u.Value
		}
	}
	return next
}

// keepRenewal stages the record of a renewal, for one of the two cases.
func (r *Road) keepRenewal(c *city.Case, ref, note string, now time.Time) {
	d := city.Decision{
		Rule: c.Rule, Asset: c.Asset, Group: c.Group, Change: city.Renewed.String(), At: now, Decided: now, Since: c.Since,
		From: city.PhaseOpen.String(), To: city.PhaseOpen.String(), FromSeverity: c.Grade, ToSeverity: c.Grade,
		Value: c.Value, Limit: c.Limit, Members: c.Members, Note: note,
	}
	if c.Quantity != city.QuantityUnknown {
		d.Quantity = c.Quantity.String()
	}
	if c.Held && ref == c.Ref {
		d.Muted = braked
	}
	r.mark.Ruling++
	r.commit.Rulings = append(r.commit.Rulings, city.Ruling{ID: r.mark.Ruling, Case: ref, Decision: d})
}
