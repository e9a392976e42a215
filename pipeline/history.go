package pipeline

import (
	"context"
	"slices"
	"time"

	"meldefunk/city"
)

// history makes readings of what a device kept in its memory and sent with a later frame,
// each with its own event time, oldest first. Devices send such records more than once;
// the first counts.
func (r *Road) history(ctx context.Context, carrier *told) error {
	records := inOrder(carrier.History)
	carrier.History = nil
	for i := range records {
		rec, on := records[i], carrier.hangs.At(records[i].Time)
		if on == nil {
			continue // it hung nowhere then
		}
		reading := told{Reading: fromMemory(&carrier.Reading, &rec), asset: on, server: carrier.server, now: carrier.now}
		reading.Asset, reading.Kind = on.ID, on.Kind
		known, err := r.known(ctx, &reading.Reading, rec.Time)
		if err != nil {
			return err
		}
		if known {
			continue
		}
		if on != carrier.spoke {
			if there, err := r.elsewhere(ctx, carrier, on, &reading.Reading); err != nil {
				return err
			} else if !there {
				continue
			}
		}
		if err := r.measured(ctx, reading); err != nil {
			return err
		}
	}
	return nil
}

// inOrder sorts records, oldest first, and drops all but the first of each time.
func inOrder(records []city.Record) []city.Record {
	slices.SortStableFunc(records, func(a, b city.Record) int { return a.Time.Compare(b.Time) })
	return slices.CompactFunc(records, func(a, b city.Record) bool { return a.Time.Equal(b.Time) })
}

// fromMemory makes a reading of a record. How the carrier was heard, and what else it said,
// is about another time.
func fromMemory(carrier *city.Reading, rec *city.Record) city.Reading {
	reading := *carrier
	reading.Time = city.Stamp{At: rec.Time, Source: city.TimeDevice}
	reading.Values, reading.Faults, reading.Tail, reading.Raw, reading.History = rec.Values, rec.Faults, nil, nil, nil
	reading.Radio = city.Radio{}
	return reading
}

// known tells whether the device's reading of a time is stored, or staged in this batch.
func (r *Road) known(ctx context.Context, carrier *city.Reading, at time.Time) (known bool, err error) {
	for i := range r.commit.Readings {
		if s := &r.commit.Readings[i]; s.DevEUI == carrier.DevEUI && s.Time.At.Equal(at) {
			return true, nil
		}
	}
	err = r.persist(ctx, "look for a reading", func() (err error) {
		known, err = r.parts.Store.Measured(ctx, carrier.Asset, carrier.DevEUI, at)
		return err
	})
	return known, err
}
