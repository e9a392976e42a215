package sqlite

import (
	"context"
	"database/sql"
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
	rows, err := r.read.QueryContext(ctx, `SELECT reason, count(*), sum(count) FROM aside WHERE `+where+`
		GROUP BY reason ORDER BY 2 DESC, 1`, args...)
	if err != nil {
		return nil, fmt.Errorf("count set-aside messages: %w", err)
	}
	defer rows.Close()
	var counts []city.AsideCount
	for rows.Next() {
		var c city.AsideCount
		if err := rows.Scan(&c.Reason, &c.Messages, &c.Arrivals); err != nil {
			return nil, fmt.Errorf("count set-aside messages: %w", err)
		}
		counts = append(counts, c)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("count set-aside messages: %w", err)
	}
	return counts, nil
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
	rows, err := r.read.QueryContext(ctx, `SELECT key, server, topic, body, reason, detail, dev_eui, received, last_seen, count
		FROM aside `+which, args...)
	if err != nil {
		return nil, fmt.Errorf("read set-aside messages: %w", err)
	}
	defer rows.Close()
	var asides []city.SetAside
	for rows.Next() {
		a, err := scanAside(rows)
		if err != nil {
			return nil, fmt.Errorf("read set-aside messages: %w", err)
		}
		asides = append(asides, a)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read set-aside messages: %w", err)
	}
	return asides, nil
}

func scanAside(rows *sql.Rows) (city.SetAside, error) {
	var a city.SetAside
	var dev string
	var key, received, seen int64
	err := rows.Scan(&key, &a.Server, &a.Topic, &a.Body, &a.Reason, &a.Detail, &dev, &received, &seen, &a.Count)
	if err != nil {
		return a, err
	}
	a.Key, a.Received, a.LastSeen = uint64(key), time.Unix(0, received).UTC(), time.Unix(0, seen).UTC()
	if dev != "" {
		a.DevEUI, err = city.ParseEUI(dev)
	}
	return a, err
}
