package sqlite

import (
	"context"
	"errors"

	"meldefunk/city"
)

// Readings gives those that a query chooses, in its order. Index readings_asset finds them, and
// no more is looked at than is given.
func (r *reader) Readings(ctx context.Context, q city.ReadingQuery) ([]city.Reading, error) {
	if q.Limit <= 0 {
		return nil, errors.New("read readings: a limit is missing")
	}
	where, args := `r.asset = ?`, []any{q.Asset}
	is := func(condition string, values ...any) {
		where, args = where+" AND "+condition, append(args, values...)
	}
	if !q.From.IsZero() {
		is("r.time >= ?", q.From.UnixNano())
	}
	if !q.To.IsZero() {
		is("r.time < ?", q.To.UnixNano())
	}
	direction, beyond := "ASC", ">"
	if q.NewestFirst {
		direction, beyond = "DESC", "<"
	}
	if !q.AfterTime.IsZero() {
		is("(r.time, r.id) "+beyond+" (?, ?)", q.AfterTime.UnixNano(), q.AfterID)
	}
	return r.queryReadings(ctx, `SELECT `+readingColumns+` FROM readings r WHERE `+where+
		` ORDER BY r.time `+direction+`, r.id `+direction+` LIMIT ?`, append(args, q.Limit)...)
}
