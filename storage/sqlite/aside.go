package sqlite

import (
	"context"
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
	rows, err := s.read.QueryContext(ctx, `SELECT key, server, topic, body, reason, detail, dev_eui, received, last_seen, count
		FROM aside ORDER BY last_seen DESC, key LIMIT ? OFFSET ?`, limit, offset)
	if err != nil {
		return nil, 0, fmt.Errorf("read set-aside messages: %w", err)
	}
	defer rows.Close()
	var asides []city.SetAside
	for rows.Next() {
		var a city.SetAside
		var dev string
		var key, received, seen int64
		if err := rows.Scan(&key, &a.Server, &a.Topic, &a.Body, &a.Reason, &a.Detail, &dev, &received, &seen, &a.Count); err != nil {
			return nil, 0, fmt.Errorf("read set-aside messages: %w", err)
		}
		a.Key, a.Received, a.LastSeen = uint64(key), time.Unix(0, received).UTC(), time.Unix(0, seen).UTC()
		if dev != "" {
			if a.DevEUI, err = city.ParseEUI(dev); err != nil {
				return nil, 0, fmt.Errorf("read set-aside messages: %w", err)
			}
		}
		asides = append(asides, a)
	}
	if err := rows.Err(); err != nil {
		return nil, 0, fmt.Errorf("read set-aside messages: %w", err)
	}
	return asides, total, nil
}
