package pipeline

import (
	"context"
	"time"

	"meldefunk/city"
)

// place is where a frame of the present batch is, and its reading.
type place struct {
	frame   int  // in commit.Frames
	reading int  // in pending; -1: it has none
	stored  bool // it is on its second try: what changes of it beside its fate is told apart
}

// staged finds a frame of the present batch by its number, nil: it was committed before.
func (r *Road) staged(id int64) *place {
	if i := id - r.base - 1; i >= 0 && i < int64(len(r.places)) {
		return &r.places[i]
	}
	return r.second[id]
}

// amend changes the reading of a frame that was committed before, if it has one at the
// asset: a new one takes its place, so that who follows the readings comes across it. at is
// the event time under which the reading is stored, or staged by a former change.
func (r *Road) amend(ctx context.Context, s *seen, devEUI city.EUI, asset string, at time.Time, change func(*city.Reading)) error {
	if s.fate != city.FateRead {
		return nil
	}
	if i, done := r.amended[s.id]; done {
		change(&r.commit.Readings[i])
		return r.follow(ctx, asset, at, &r.commit.Readings[i], r.commit.Readings[i].ID)
	}
	var stored []city.Reading
	err := r.persist(ctx, "look for a reading", func() (err error) {
		stored, err = r.parts.Store.ReadingsAt(ctx, asset, devEUI, at)
		return err
	})
	if err != nil {
		return err
	}
	old := ofFrame(stored, s.epoch, s.fcnt)
	if old == nil {
		return nil // nothing but memory, or read at another asset
	}
	now := *old
	change(&now)
	r.mark.Reading++
	now.ID = r.mark.Reading
	r.amended[s.id] = len(r.commit.Readings)
	r.commit.Replaced = append(r.commit.Replaced, old.ID)
	r.commit.Readings = append(r.commit.Readings, now)
	return r.follow(ctx, asset, at, &now, old.ID)
}

// follow keeps an asset's state true to its newest reading when that is amended: what comes
// after it by its new time is not late.
func (r *Road) follow(ctx context.Context, asset string, was time.Time, now *city.Reading, old int64) error {
	s, err := r.state(ctx, subject{asset: asset})
	if err != nil || s.Reading != old {
		return err
	}
	s.Reading = now.ID
	if s.Judged.Equal(was) {
		s.Judged = now.Time.At
	}
	r.touch(s)
	return nil
}

// rehear adds to a stored frame, and to its reading, how another delivery of it was heard.
// The same delivery once more changes nothing.
func (r *Road) rehear(ctx context.Context, s *seen, u *city.Uplink, hangs city.Hangings) error {
	if p := r.staged(s.id); p != nil {
		f := &r.commit.Frames[p.frame].Uplink
		if f.Rehear(u) {
			r.metrics.reheard.Inc()
			if p.reading >= 0 {
				r.pending[p.reading].Radio = f.Radio
			}
			if p.stored {
				r.keepHeard(s.id, f)
			}
		}
		return nil
	}
	before, known, err := r.heard(ctx, s.id)
	if err != nil || !known || !before.Rehear(u) {
		return err // not known: pruned meanwhile, and its reading stays as it is
	}
	r.metrics.reheard.Inc()
	r.keepHeard(s.id, &before)
	on := hangs.At(u.Time.At)
	if on == nil {
		return nil
	}
	return r.amend(ctx, s, u.DevEUI, on.ID, u.Time.At, func(reading *city.Reading) {
		to := &reading.Radio
		to.Gateway, to.RSSI, to.SNR, to.Gateways = before.Radio.Gateway, before.Radio.RSSI, before.Radio.SNR, before.Radio.Gateways
	})
}

// heard gives how a stored frame was heard by now, and whether it is stored still.
func (r *Road) heard(ctx context.Context, id int64) (u city.Uplink, known bool, err error) {
	if i, staged := r.reheard[id]; staged {
		u.Radio, u.Heard = r.commit.Reheard[i].Radio, r.commit.Reheard[i].Heard
		return u, true, nil
	}
	err = r.persist(ctx, "look how a frame was heard", func() (err error) {
		u, known, err = r.parts.Store.Heard(ctx, id)
		return err
	})
	return u, known, err
}

// keepHeard stages how a stored frame was heard.
func (r *Road) keepHeard(id int64, u *city.Uplink) {
	i, staged := r.reheard[id]
	if !staged {
		i = len(r.commit.Reheard)
		r.reheard[id] = i
		r.commit.Reheard = append(r.commit.Reheard, city.Reheard{Frame: id})
	}
	r.commit.Reheard[i].Radio, r.commit.Reheard[i].Heard = u.Radio, u.Heard
}

// hearAll gives a frame on its second try what other deliveries of it have told meanwhile.
func (r *Road) hearAll(ctx context.Context, id int64, u *city.Uplink) error {
	all, known, err := r.heard(ctx, id)
	if known {
		all.Radio.DataRate, all.Radio.HasDataRate = u.Radio.DataRate, u.Radio.HasDataRate // not stored
		u.Radio, u.Heard = all.Radio, all.Heard
	}
	return err
}
