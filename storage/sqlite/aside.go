package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"meldefunk/city"
)

// Asides gives set-aside messages, last seen first, and how many there are in all.
func (s *Store) Asides(ctx context.Context, limit, offset int) ([]city.SetAside, int64, error) {
	var total int64
	if err := s.read.QueryRowContext(ctx, `SELECT count(*) FROM aside`).Scan(&total); err != nil {
		return nil, 0, fmt.Errorf("count set-aside messages: %w", err)
	}
	asides, err := s.queryAsides(ctx, `ORDER BY last_seen DESC, key LIMIT ? OFFSET ?`, limit, offset)
	return asides, total, err
}

// AsidesAfter gives set-aside messages in order of when they were last seen, from after
// the one with this time and key on; the zero time begins with the first.
func (s *Store) AsidesAfter(ctx context.Context, seen time.Time, key uint64, limit int) ([]city.SetAside, error) {
	var at int64
	if !seen.IsZero() {
		at = seen.UnixNano()
	}
	return s.queryAsides(ctx, `WHERE (last_seen, key) > (?, ?) ORDER BY last_seen, key LIMIT ?`, at, int64(key), limit)
}

func (s *Store) queryAsides(ctx context.Context, which string, args ...any) ([]city.SetAside, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT key, server, topic, body, reason, detail, dev_eui, received, last_seen, count
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
