package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// BrokerSession gives when a session at a broker was last subscribed; zero: never.
func (s *Store) BrokerSession(ctx context.Context, session string) (time.Time, error) {
	var at int64
	err := s.read.QueryRowContext(ctx, `SELECT subscribed FROM broker_sessions WHERE name = ?`, session).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("session %s: %w", session, err)
	}
	return time.Unix(0, at).UTC(), nil
}

// RememberBrokerSession notes when a session at a broker was subscribed.
func (s *Store) RememberBrokerSession(_ context.Context, session string, at time.Time) error {
	return s.inTx(func(ctx context.Context) error {
		_, err := s.conn.ExecContext(ctx, `INSERT INTO broker_sessions (name, subscribed) VALUES (?, ?)
			ON CONFLICT DO UPDATE SET subscribed = excluded.subscribed`, session, at.UnixNano())
		if err != nil {
			return fmt.Errorf("remember session %s: %w", session, err)
		}
		return nil
	})
}
