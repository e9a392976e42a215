package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"meldefunk/city"
)

// Samples gives one quantity of the readings that a query chooses. Those without the quantity
// are told too, so that it can be seen how far the answer reaches.
func (r *reader) Samples(ctx context.Context, q city.SampleQuery) ([]city.Sample, error) {
	query, args := samplesQuery(q)
	return all(ctx, r, "samples of "+q.Asset, scanSample, query, args...)
}

func samplesQuery(q city.SampleQuery) (string, []any) {
	where, args := sampleRows(q)
	direction, beyond := "ASC", ">"
	if q.NewestFirst {
		direction, beyond = "DESC", "<"
	}
	if !q.AfterTime.IsZero() {
		where += ` AND (r.time, r.id) ` + beyond + ` (?, ?)`
		args = append(args, q.AfterTime.UnixNano(), q.AfterReading)
	}
	query := `SELECT r.id, r.time, r.time_source, json_extract(r.measured, ?), r.faults, r.flags FROM readings r WHERE ` + where +
		` ORDER BY r.time ` + direction + `, r.id ` + direction + ` LIMIT ?`
	return query, append([]any{"$." + q.Quantity.String()}, append(args, q.Limit)...)
}

// CountSamples counts those that have the quantity, at most q.Limit.
func (r *reader) CountSamples(ctx context.Context, q city.SampleQuery) (int, error) {
	where, args := sampleRows(q)
	var n int
	err := r.read.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM readings r WHERE `+where+` AND instr(r.measured, ?) > 0 LIMIT ?)`,
		append(args, `"`+q.Quantity.String()+`":`, q.Limit)...).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count samples of %s: %w", q.Asset, err)
	}
	return n, nil
}

// sampleRows is the condition that index readings_asset answers.
func sampleRows(q city.SampleQuery) (string, []any) {
	where, args := `r.asset = ?`, []any{q.Asset}
	if !q.From.IsZero() {
		where += ` AND r.time >= ?`
		args = append(args, q.From.UnixNano())
	}
	if !q.To.IsZero() {
		where += ` AND r.time <= ?`
		args = append(args, q.To.UnixNano())
	}
	return where + fmt.Sprintf(` AND r.flags & %d = 0`, readingSimulated), args
}

func scanSample(row row) (city.Sample, error) {
	var s city.Sample
	var at int64
	var source, faults string
	var value sql.NullFloat64
	var flags int
	if err := row.Scan(&s.Reading, &at, &source, &value, &faults, &flags); err != nil {
		return s, err
	}
	var err error
	if s.Time, err = stamp(at, source); err != nil {
		return s, err
	}
	s.Number, s.Has, s.Faults = value.Float64, value.Valid, splitFaults(faults)
	s.Late, s.Conflict = flags&readingLate != 0, flags&readingConflict != 0
	return s, nil
}
