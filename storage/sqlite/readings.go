package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"meldefunk/city"
)

const readingColumns = `r.id, r.dev_eui, r.asset, r.kind, r.model, r.epoch, r.fcnt, r.time, r.time_source, r.received,
	r.measured, r.faults, r.tail, r.flags, r.rssi, r.snr, r.sf, r.gateways, r.raw, r.former,
	(SELECT name FROM gateways WHERE id = r.gateway)`

// ReadingsAfter gives committed readings with rising numbers above id, at most limit, and
// among them what was withdrawn. A number that is missing will never appear.
func (s *Store) ReadingsAfter(ctx context.Context, id int64, limit int) ([]city.Reading, error) {
	tx, err := s.read.BeginTx(ctx, nil) // so that no commit comes in between
	if err != nil {
		return nil, fmt.Errorf("read readings: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	found, err := gather(ctx, tx, scanReading, `SELECT `+readingColumns+` FROM readings r WHERE r.id > ? ORDER BY r.id LIMIT ?`, id, limit)
	if err != nil {
		return nil, fmt.Errorf("read readings: %w", err)
	}
	gone, err := gather(ctx, tx, scanWithdrawn, `SELECT id, dev_eui, time FROM withdrawn WHERE id > ? ORDER BY id LIMIT ?`, id, limit)
	if err != nil {
		return nil, fmt.Errorf("read what was withdrawn: %w", err)
	}
	if len(gone) == 0 {
		return found, nil
	}
	found = append(found, gone...)
	slices.SortFunc(found, func(a, b city.Reading) int { return cmp.Compare(a.ID, b.ID) })
	return found[:min(len(found), limit)], nil
}

func scanWithdrawn(row row) (city.Reading, error) {
	r := city.Reading{Withdrawn: true}
	var dev string
	var at int64
	err := row.Scan(&r.ID, &dev, &at)
	if err == nil {
		r.DevEUI, err = city.ParseEUI(dev)
	}
	r.Time.At = time.Unix(0, at).UTC()
	return r, err
}

// Latest gives the newest reading by event time of every asset that has one.
func (r *reader) Latest(ctx context.Context) ([]city.Reading, error) {
	return r.queryReadings(ctx, `SELECT `+readingColumns+` FROM asset_states a JOIN readings r ON r.id = a.reading`)
}

// History gives the readings of an asset, newest first.
func (r *reader) History(ctx context.Context, asset string, limit int) ([]city.Reading, error) {
	return r.queryReadings(ctx, `SELECT `+readingColumns+` FROM readings r WHERE r.asset = ? ORDER BY r.time DESC LIMIT ?`, asset, limit)
}

func (r *reader) queryReadings(ctx context.Context, query string, args ...any) ([]city.Reading, error) {
	return all(ctx, r, "read readings", scanReading, query, args...)
}

func scanReading(row row) (city.Reading, error) {
	var r city.Reading
	var dev, kind, source, measured, faults string
	var at, received int64
	var flags int
	var former, gateway sql.NullString
	err := row.Scan(&r.ID, &dev, &r.Asset, &kind, &r.Model, &r.Epoch, &r.FCnt, &at, &source, &received,
		&measured, &faults, &r.Tail, &flags, &r.Radio.RSSI, &r.Radio.SNR, &r.Radio.SpreadingFactor, &r.Radio.Gateways, &r.Raw, &former, &gateway)
	if err != nil {
		return r, err
	}
	if r.DevEUI, err = city.ParseEUI(dev); err != nil {
		return r, err
	}
	if r.Kind, err = city.ParseKind(kind); err != nil {
		return r, err
	}
	if r.Values, err = parseMeasured(measured); err != nil {
		return r, err
	}
	if r.Time, err = stamp(at, source); err != nil {
		return r, err
	}
	if r.Former, err = parseFormer(former); err != nil {
		return r, err
	}
	r.Received, r.Radio.Gateway = time.Unix(0, received).UTC(), gateway.String
	r.Faults = splitFaults(faults)
	r.Late, r.Simulated, r.Poorer = flags&readingLate != 0, flags&readingSimulated != 0, flags&readingPoorer != 0
	r.Conflict = flags&readingConflict != 0
	return r, nil
}

// stamp makes a time and its source of what is kept of them.
func stamp(nanos int64, source string) (city.Stamp, error) {
	src, err := city.ParseTimeSource(source)
	return city.Stamp{At: time.Unix(0, nanos).UTC(), Source: src}, err
}
