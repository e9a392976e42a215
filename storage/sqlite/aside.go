package sqlite

import (
	"context"
	"fmt"
	"time"

	"meldefunk/city"
)

// Asides gives set-aside messages, last seen first, and how many there are in all.
func (r *reader) Asides(ctx context.Context, limit, offset int) ([]city.SetAside, int64, error) {
	var total int64
	if err := r.read.QueryRowContext(ctx, `SELECT count(*) FROM aside`).Scan(&total); err != nil {
		return nil, 0, fmt.Errorf("count set-aside messages: %w", err)
	}
	asides, err := r.queryAsides(ctx, `ORDER BY last_seen DESC, key LIMIT ? OFFSET ?`, limit, offset)
	return asides, total, err
}

// AsidesAfter gives the set-aside messages that a filter chooses, in order of when they
// were last seen, from after the one with this time and key on; the zero time begins with
// the first.
func (r *reader) AsidesAfter(ctx context.Context, f city.AsideFilter, seen time.Time, key uint64, limit int) ([]city.SetAside, error) {
	where, args, err := asideWhere(&f)
	if err != nil {
		return nil, err
	}
	var at int64
	if !seen.IsZero() {
		at = seen.UnixNano()
	}
	return r.queryAsides(ctx, `WHERE `+where+` AND (last_seen, key) > (?, ?) ORDER BY last_seen, key LIMIT ?`,
		append(args, at, int64(key), limit)...)
}

// AsideCounts counts the set-aside messages that a filter chooses by their reason, most
// messages first.
func (r *reader) AsideCounts(ctx context.Context, f city.AsideFilter) ([]city.AsideCount, error) {
	where, args, err := asideWhere(&f)
	if err != nil {
		return nil, err
	}
	return all(ctx, r, "count set-aside messages", func(row row) (c city.AsideCount, err error) {
		return c, row.Scan(&c.Reason, &c.Messages, &c.Arrivals)
	}, `SELECT reason, count(*), sum(count) FROM aside WHERE `+where+`
		GROUP BY reason ORDER BY 2 DESC, 1`, args...)
}

// DropAsides deletes the set-aside messages that a filter chooses, in steps, and tells how
// many.
func (s *Store) DropAsides(ctx context.Context, f city.AsideFilter) (int64, error) {
	where, args, err := asideWhere(&f)
	if err != nil {
		return 0, err
	}
	n, err := s.eraser().deleteAll(ctx, `DELETE FROM aside WHERE key IN (SELECT key FROM aside WHERE `+where+` LIMIT ?)`, args...)
	if err != nil {
		return n, fmt.Errorf("drop set-aside messages: %w", err)
	}
	return n, nil
}

func (r *reader) queryAsides(ctx context.Context, which string, args ...any) ([]city.SetAside, error) {
	return all(ctx, r, "read set-aside messages", scanAside, `SELECT key, server, topic, body, reason, detail, dev_eui, received, last_seen, count
		FROM aside `+which, args...)
}

func scanAside(row row) (city.SetAside, error) {
	var a city.SetAside
	var dev string
	var key, received, seen int64
	err := row.Scan(&key, &a.Server, &a.Topic, &a.Body, &a.Reason, &a.Detail, &dev, &received, &seen, &a.Count)
	if err != nil {
		return a, err
	}
	a.Key, a.Received, a.LastSeen = uint64(key), time.Unix(0, received).UTC(), time.Unix(0, seen).UTC()
	if dev != "" {
		a.DevEUI, err = city.ParseEUI(dev)
	}
	return a, err
}
