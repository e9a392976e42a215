package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Cursor gives how far a follower has come, 0 at its first start.
func (s *Store) Cursor(ctx context.Context, name string) (int64, error) {
	var at int64
	err := s.read.QueryRowContext(ctx, `SELECT position FROM cursors WHERE name = ?`, name).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return at, err
}

// SetCursor keeps how far a follower has come. It is durable on return.
func (s *Store) SetCursor(_ context.Context, name string, position int64) error {
	err := s.inTx(func(ctx context.Context) error {
		_, err := s.conn.ExecContext(ctx, `INSERT INTO cursors VALUES (?, ?)
			ON CONFLICT DO UPDATE SET position = excluded.position`, name, position)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep cursor %s: %w", name, err)
	}
	return nil
}

// Refuse notes that a sink will never take a reading, and why.
func (s *Store) Refuse(_ context.Context, sink string, readingID int64, reason string) error {
	err := s.inTx(func(ctx context.Context) error {
		_, err := s.conn.ExecContext(ctx, `INSERT INTO refused VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, sink, readingID, reason)
		return err
	})
	if err != nil {
		return fmt.Errorf("note that %s refuses reading %d: %w", sink, readingID, err)
	}
	return nil
}
