package pipeline

import (
	"context"
	"slices"
	"time"

	"meldefunk/city"
)

// Which says which frames of a device to decode again. Zero fields do not restrict.
type Which struct {
	From, To time.Time // event time of the frame, From included, To not
}

// Archive is what decoding again needs of the store, besides committing.
type Archive interface {
	Store
	// Series gives an asset's readings after one of them, nil: from the first, in order of
	// event time and number, at most limit.
	Series(ctx context.Context, asset string, after *city.Reading, limit int) ([]city.Reading, error)
}

// Change is what decoding again makes of one reading. It is valid during the report.
type Change struct {
	Old, New *city.Reading // nil: there is none
	Err      error         // why there is no new one: the old one stays
}

// Redo decodes the stored frames of an asset's devices again, with today's decoder and
// calibration, and replaces their readings, those from the memory of a device among them:
// none is doubled, and what can no longer be decoded stays as it was. What a frame says now
// and did not say before is added. Of a device of which somebody has said where it hung when,
// what belongs here by that is added though it was read elsewhere, and what does not is deleted
// here; of others, frames that were read at another asset are left alone.
//
// The rules then see the asset's whole series once, so that standings, wanted cases and
// occupancy are as if it had been so from the start; cases that were closed stay closed.
// All of it is one commit: in memory is what changes, not the series. It is meant for a
// store that no road uses. report hears of every reading that changes; with dry nothing is
// written.
func (r *Road) Redo(ctx context.Context, archive Archive, a *city.Asset, devices []*city.Device, which Which, dry bool, report func(Change) error) error {
	if !r.loaded {
		if err := r.load(ctx); err != nil {
			return err
		}
	}
	s, err := r.state(ctx, subject{asset: a.ID})
	if err != nil {
		return err
	}
	r.begin()
	x := &redo{road: r, archive: archive, asset: a, which: which, report: report, server: s.Server, instead: map[int64]int{}, added: map[measured]bool{}, gone: map[int64]bool{}, moved: map[int]bool{}}
	for _, d := range devices {
		if err := x.device(ctx, d); err != nil {
			return err
		}
	}
	// A bay's series is looked at in any case: it may be from a time before occupancy.
	if len(r.commit.Readings)+len(x.gone) == 0 && a.Kind != city.Parking {
		return nil
	}
	outcome, err := x.fold(ctx)
	if err != nil || len(r.commit.Readings)+len(x.gone) == 0 || dry {
		return err
	}
	if err := x.rejudge(ctx, outcome); err != nil {
		return err
	}
	if err := r.finish(); err != nil {
		return err
	}
	return archive.Commit(ctx, &r.commit)
}

// redo is one asset on its way to what today's decoder makes of it. The readings that
// change are staged in the road's commit and known here by their place in it.
type redo struct {
	road    *Road
	archive Archive
	asset   *city.Asset
	server  string // network server that was heard of it last
	which   Which
	report  func(Change) error
	instead map[int64]int     // by the number of the stored reading that is replaced
	fresh   []int             // those that take nobody's place
	added   map[measured]bool // the device and time of fresh
	gone    map[int64]bool    // numbers of stored readings that belong elsewhere
	moved   map[int]bool      // those of fresh that may have been read elsewhere
}

// measured is what makes a reading the only one.
type measured struct {
	devEUI city.EUI
	at     int64
}

func (x *redo) device(ctx context.Context, d *city.Device) error {
	_, hangs, found := x.road.parts.Inventory.Find(d.Server, d.DevEUI)
	if !found || !hangs.Told() {
		hangs = nil
	}
	for after := int64(0); ; {
		frames, err := x.archive.FramesOf(ctx, d.DevEUI, after, x.road.cfg.Batch)
		if err != nil || len(frames) == 0 {
			return err
		}
		after = frames[len(frames)-1].ID
		for i := range frames {
			if err := x.frame(ctx, d, hangs, &frames[i]); err != nil {
				return err
			}
		}
	}
}

// frame decodes one frame. hangs is nil where nobody has said where the device hung when.
func (x *redo) frame(ctx context.Context, d *city.Device, hangs city.Hangings, f *city.Frame) error {
	u := &f.Uplink
	if !x.which.From.IsZero() && u.Time.At.Before(x.which.From) || !x.which.To.IsZero() && !u.Time.At.Before(x.which.To) {
		return nil
	}
	stored, err := x.archive.ReadingsAt(ctx, x.asset.ID, u.DevEUI, u.Time.At)
	if err != nil {
		return err
	}
	old := ofFrame(stored, f.Epoch, u.FCnt)
	now := city.Reading{
		DevEUI: u.DevEUI, Asset: x.asset.ID, Kind: x.asset.Kind, Model: d.Model,
		Epoch: f.Epoch, FCnt: u.FCnt, Time: u.Time, Received: u.Received,
		Radio: u.Radio, Simulated: u.Simulated, Conflict: f.Conflict,
	}
	fate, err := x.road.decode(d, x.asset, u, &now)
	switch {
	case trouble(err):
		return err
	case err != nil && old == nil:
		return nil // it was set aside before, and still is
	case err != nil:
		return x.report(Change{Old: old, Err: err})
	case fate != city.FateRead:
		return nil // what it was read as before stays
	}
	before := len(x.road.commit.Readings)
	records := inOrder(now.History)
	now.History = nil
	if hangs != nil {
		return x.placed(ctx, hangs, f, old, now, records)
	}
	here, err := x.records(ctx, f, &now, records, f.Fate != city.FateRead || old != nil)
	if err != nil {
		return err
	}
	if len(now.Values)+len(now.Faults) > 0 && (old != nil || here) {
		x.stage(old, now)
	}
	if f.Fate != city.FateRead && len(x.road.commit.Readings) > before {
		f.Fate = city.FateRead
		x.road.commit.Frames = append(x.road.commit.Frames, *f)
	}
	return nil
}

// placed takes up what a frame says where it is known on which asset it belongs.
func (x *redo) placed(ctx context.Context, hangs city.Hangings, f *city.Frame, old *city.Reading, now city.Reading, records []city.Record) error {
	here := func(at time.Time) bool { on := hangs.At(at); return on != nil && on.ID == x.asset.ID }
	before, wasRead := len(x.road.commit.Readings), f.Fate == city.FateRead
	stage := func(old *city.Reading, now city.Reading) {
		staged := len(x.road.commit.Readings)
		x.stage(old, now)
		if old == nil && wasRead && len(x.road.commit.Readings) > staged {
			x.moved[staged] = true
		}
	}
	for i := range records {
		reading := fromMemory(&now, &records[i])
		stored, err := x.archive.ReadingsAt(ctx, x.asset.ID, now.DevEUI, records[i].Time)
		if err != nil {
			return err
		}
		kept := find(stored, func(o *city.Reading) bool { return o.Time.Source == city.TimeDevice })
		switch first, err := x.decides(ctx, f, kept); {
		case err != nil:
			return err
		case !first || kept == nil && len(stored) > 0:
		case here(records[i].Time):
			if kept != nil {
				reading.Epoch, reading.FCnt, reading.Received = kept.Epoch, kept.FCnt, kept.Received
			}
			stage(kept, reading)
		case kept != nil:
			if err := x.drop(kept, hangs); err != nil {
				return err
			}
		}
	}
	switch {
	case here(now.Time.At) && len(now.Values)+len(now.Faults) > 0:
		stage(old, now)
	case !here(now.Time.At) && old != nil:
		if err := x.drop(old, hangs); err != nil {
			return err
		}
	}
	fate := f.Fate
	if len(x.road.commit.Readings) > before {
		fate = city.FateRead
	} else if old != nil && hangs.At(now.Time.At) == nil {
		fate = city.FateLoose
	}
	if fate != f.Fate {
		f.Fate = fate
		x.road.commit.Frames = append(x.road.commit.Frames, *f)
	}
	return nil
}

// decides is first, where a record may not be stored.
func (x *redo) decides(ctx context.Context, f *city.Frame, kept *city.Reading) (bool, error) {
	if kept == nil {
		return true, nil
	}
	return x.first(ctx, f, kept)
}

// drop deletes a reading that does not belong here. Where it belongs elsewhere, the one there
// takes its place in every copy.
func (x *redo) drop(old *city.Reading, hangs city.Hangings) error {
	if x.gone[old.ID] {
		return nil
	}
	r := x.road
	x.gone[old.ID] = true
	r.commit.Replaced = append(r.commit.Replaced, old.ID)
	if hangs.At(old.Time.At) == nil {
		r.mark.Reading++
		r.commit.Withdrawn = append(r.commit.Withdrawn, city.Withdrawn{ID: r.mark.Reading, DevEUI: old.DevEUI, At: old.Time.At})
	}
	return x.report(Change{Old: old})
}

// records takes up what a frame says about earlier times. Each record is found by device
// and time, as on the road. One that a mended decoder no longer gives stays as it was: its
// frame may not be the only one that carried it. here tells whether the frame was read at
// this asset, as far as is known; the answer, whether it was: a record of it is here.
func (x *redo) records(ctx context.Context, f *city.Frame, carrier *city.Reading, records []city.Record, here bool) (bool, error) {
	var unknown []city.Reading
	for i := range records {
		now := fromMemory(carrier, &records[i])
		stored, err := x.archive.ReadingsAt(ctx, x.asset.ID, now.DevEUI, now.Time.At)
		if err != nil {
			return here, err
		}
		old := find(stored, func(o *city.Reading) bool { return o.Time.Source == city.TimeDevice })
		if old == nil {
			if len(stored) == 0 { // else a frame of that time said it itself
				unknown = append(unknown, now)
			}
			continue
		}
		here = true
		if first, err := x.first(ctx, f, old); err != nil || !first {
			if err != nil {
				return here, err
			}
			continue
		}
		now.Epoch, now.FCnt, now.Received = old.Epoch, old.FCnt, old.Received
		x.stage(old, now)
	}
	if here {
		for _, now := range unknown {
			x.stage(nil, now)
		}
	}
	return here, nil
}

// first tells whether a frame decides what a record says: devices send records more than
// once, and the first frame counts as long as it is kept, here as on the road.
func (x *redo) first(ctx context.Context, f *city.Frame, old *city.Reading) (bool, error) {
	if old.Epoch == f.Epoch && old.FCnt == f.Uplink.FCnt {
		return true, nil
	}
	k, kept, err := x.archive.Frame(ctx, old.DevEUI, old.Epoch, old.FCnt, 0)
	return !kept || k.Epoch != old.Epoch, err
}

// ofFrame finds what a frame itself has said, not a record from the memory of its device; nil:
// nothing.
func ofFrame(readings []city.Reading, epoch, fcnt uint32) *city.Reading {
	return find(readings, func(r *city.Reading) bool {
		return r.Time.Source != city.TimeDevice && r.Epoch == epoch && r.FCnt == fcnt
	})
}

func find(readings []city.Reading, is func(*city.Reading) bool) *city.Reading {
	for i := range readings {
		if is(&readings[i]) {
			return &readings[i]
		}
	}
	return nil
}

// stage puts a reading into the commit, in place of old unless that is nil. It does nothing
// where that was done before, or changes nothing.
func (x *redo) stage(old *city.Reading, now city.Reading) {
	if old == nil {
		key := measured{now.DevEUI, now.Time.At.UnixNano()}
		if x.added[key] {
			return
		}
		x.added[key] = true
		x.fresh = append(x.fresh, x.put(now))
		return
	}
	if _, done := x.instead[old.ID]; done {
		return
	}
	was := *old
	was.Values = withoutOccupancy(was.Values) // it is told anew in fold
	if !sameContent(&was, &now) {
		x.replace(old, now)
	}
}

func (x *redo) replace(old *city.Reading, now city.Reading) int {
	now.Late, now.Former = old.Late, old.Former
	i := x.put(now)
	x.instead[old.ID] = i
	x.road.commit.Replaced = append(x.road.commit.Replaced, old.ID)
	return i
}

// put numbers a reading and gives its place.
func (x *redo) put(now city.Reading) int {
	r := x.road
	r.mark.Reading++
	now.ID = r.mark.Reading
	r.commit.Readings = append(r.commit.Readings, now)
	return len(r.commit.Readings) - 1
}

// sameContent tells whether two readings say the same.
func sameContent(a, b *city.Reading) bool {
	differs := func(v city.Value) bool { n, _ := b.Value(v.Quantity); return n != v.Number }
	return len(a.Values) == len(b.Values) && !lacks(a, b) && !slices.ContainsFunc(a.Values, differs) &&
		slices.Equal(a.Faults, b.Faults) && string(a.Tail) == string(b.Tail) && string(a.Raw) == string(b.Raw)
}

// lacks tells whether a reading misses something that the one before it said: a store that
// merges what is written at one time would keep that, or keep both under different names.
func lacks(old, now *city.Reading) bool {
	missing := func(v city.Value) bool { _, told := now.Value(v.Quantity); return !told }
	return old.Model != now.Model || old.Kind != now.Kind || len(old.Faults) > 0 && len(now.Faults) == 0 ||
		slices.ContainsFunc(old.Values, missing)
}
