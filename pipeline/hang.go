package pipeline

import (
	"context"
	"slices"
	"time"

	"meldefunk/city"
)

// A reading belongs to the asset on which its device hung at its event time. That is known at
// the end of a batch only: a burst that is found out moves times. So what was decoded for
// another asset is decoded again then.

// ofUplink begins a reading with what its frame tells of itself.
func ofUplink(u *city.Uplink, d *city.Device, f *city.Frame) city.Reading {
	return city.Reading{
		DevEUI: u.DevEUI, Model: d.Model, Epoch: f.Epoch, FCnt: u.FCnt, Received: u.Received,
		Radio: u.Radio, Simulated: u.Simulated, Conflict: f.Conflict,
	}
}

// tell fills a reading with what the frame says of the asset of its time. Where the device
// hung nowhere then, nothing but what it remembers of a time when it did can be of use.
func (r *Road) tell(ctx context.Context, p *passenger, t *told) (fate city.Fate, rejected, err error) {
	at := p.Event.Uplink.Time.At
	t.asset = t.hangs.At(at)
	if t.spoke = t.asset; t.spoke == nil {
		if t.spoke = lately(t.hangs, at); t.spoke == nil {
			return city.FateLoose, nil, nil
		}
	}
	t.Asset, t.Kind = t.spoke.ID, t.spoke.Kind
	fate, rejected, err = r.say(ctx, p, t.device, t.spoke, &t.Reading)
	if t.asset != nil || err != nil {
		return fate, rejected, err
	}
	t.Values, t.Faults, t.Tail, t.Raw = nil, nil, nil, nil
	if slices.ContainsFunc(t.History, func(rec city.Record) bool { return t.hangs.At(rec.Time) != nil }) {
		return city.FateRead, nil, nil
	}
	t.History = nil
	return city.FateLoose, nil, nil
}

// lately is the asset on which a device hung last before a time, nil: none.
func lately(hangs city.Hangings, at time.Time) *city.Asset {
	for i := len(hangs) - 1; i >= 0; i-- {
		if hangs[i].From.Before(at) {
			return hangs[i].Asset
		}
	}
	return nil
}

// rehang decodes a reading anew if its time has moved to another asset, or to where its device
// hung nowhere, since it was decoded.
func (r *Road) rehang(ctx context.Context, t *told) error {
	if !t.moved && t.hangs.At(t.Time.At) == t.asset {
		return nil
	}
	f := &r.commit.Frames[t.frame]
	p := passenger{Arrival: city.Arrival{Event: city.Event{Kind: city.EventUp, Uplink: f.Uplink}}}
	t.Values, t.Faults, t.History, t.Tail, t.Raw = nil, nil, nil, nil, nil
	fate, rejected, err := r.tell(ctx, &p, t)
	if err != nil {
		return err
	}
	if rejected != nil {
		reason, detail := why(rejected)
		r.notice(&f.Uplink, city.DeviceAside, city.SeverityError, string(reason), detail)
	}
	if fate != city.FateRead {
		t.Values, t.Faults, t.History = nil, nil, nil
	}
	f.Fate = fate
	if s := r.devices[t.DevEUI].counted(f.Epoch, t.FCnt); s != nil && s.id == f.ID {
		s.fate = fate
	}
	return nil
}

// elsewhere fills a record from a device's memory with what its frame says of another asset
// than the carrier's; false: nothing.
func (r *Road) elsewhere(ctx context.Context, carrier *told, on *city.Asset, into *city.Reading) (bool, error) {
	p := passenger{Arrival: city.Arrival{Event: city.Event{Kind: city.EventUp, Uplink: r.commit.Frames[carrier.frame].Uplink}}}
	said := city.Reading{DevEUI: carrier.DevEUI, Asset: on.ID, Kind: on.Kind, Model: carrier.Model, Time: carrier.Time}
	fate, _, err := r.say(ctx, &p, carrier.device, on, &said)
	if err != nil || fate != city.FateRead {
		return false, err
	}
	for i := range said.History {
		if rec := &said.History[i]; rec.Time.Equal(into.Time.At) {
			into.Values, into.Faults = rec.Values, rec.Faults
			return true, nil
		}
	}
	return false, nil
}

// reroute takes a frame that was committed before to where its new time belongs: its reading
// at the asset that it had goes, and the frame is read again at the end of the batch. What the
// rules have seen there they have seen; replaying the asset's uplinks puts that right.
func (r *Road) reroute(ctx context.Context, s *seen, of *told, before *city.Asset, was time.Time) error {
	if s.fate != city.FateRead && s.fate != city.FateLoose {
		return nil
	}
	if _, staged := r.amended[s.id]; staged {
		return nil // how it was heard became different a moment ago: it stays where it is
	}
	var frames []city.Frame
	var stored []city.Reading
	err := r.persist(ctx, "look for a frame", func() (err error) {
		if frames, err = r.parts.Store.FramesOf(ctx, of.DevEUI, s.id-1, 1); err == nil && before != nil {
			stored, err = r.parts.Store.ReadingsAt(ctx, before.ID, of.DevEUI, was)
		}
		return err
	})
	if err != nil || len(frames) == 0 || frames[0].ID != s.id {
		return err
	}
	f := frames[0]
	f.Uplink.Time, f.Claim = s.stamp(), s.claimed()
	t := told{Reading: ofUplink(&f.Uplink, of.device, &f), device: of.device, hangs: of.hangs, frame: len(r.commit.Frames), moved: true, server: f.Uplink.Server}
	t.Time, t.now = f.Uplink.Time, r.present(f.Uplink.Received)
	if old := ofFrame(stored, s.epoch, s.fcnt); old != nil {
		t.Received, t.Former = old.Received, append(slices.Clone(old.Former), was)
		if err := r.withdraw(ctx, old); err != nil {
			return err
		}
	}
	r.commit.Frames = append(r.commit.Frames, f)
	r.second[f.ID] = &place{frame: t.frame, reading: len(r.pending), stored: true}
	r.pending = append(r.pending, t)
	return nil
}

// withdraw deletes a stored reading, wherever it is kept, without another in its place.
func (r *Road) withdraw(ctx context.Context, old *city.Reading) error {
	r.mark.Reading++
	r.commit.Replaced = append(r.commit.Replaced, old.ID)
	r.commit.Withdrawn = append(r.commit.Withdrawn, city.Withdrawn{ID: r.mark.Reading, DevEUI: old.DevEUI, At: old.Time.At})
	s, err := r.state(ctx, subject{asset: old.Asset})
	if err == nil && s.Reading == old.ID {
		s.Reading = 0 // until the next one
		r.touch(s)
	}
	return err
}
