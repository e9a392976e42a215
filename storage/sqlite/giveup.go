package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"meldefunk/city"
)

// giveUpStep is how many numbers of readings are given up in one transaction at most.
const giveUpStep = 100_000

// GiveUp moves the cursor of a sink past readings that arrived before a time (zero: none)
// and past all but the newest keep (0: none), and notes which these are. At most 100,000 go
// at once. Without any the result has Last 0. It is durable on return.
func (s *Store) GiveUp(_ context.Context, sink string, before time.Time, keep int64) (loss city.SpoolLoss, err error) {
	err = s.inTx(func(ctx context.Context) error {
		loss = city.SpoolLoss{}
		var cursor, newest int64
		if err := s.conn.QueryRowContext(ctx, `SELECT coalesce((SELECT position FROM cursors WHERE name = ?), 0), reading FROM mark`, sink).Scan(&cursor, &newest); err != nil {
			return err
		}
		last := cursor
		if keep > 0 {
			last = max(last, newest-keep)
		}
		if !before.IsZero() {
			var young int64
			err := s.conn.QueryRowContext(ctx, `SELECT coalesce((SELECT id FROM readings WHERE id > ? AND received >= ? ORDER BY id LIMIT 1), ? + 1)`,
				cursor, before.UnixNano(), newest).Scan(&young)
			if err != nil {
				return err
			}
			last = max(last, young-1)
		}
		if last = min(last, cursor+giveUpStep); last <= cursor {
			return nil
		}
		var readings int64
		var from, to sql.NullInt64
		if err := s.conn.QueryRowContext(ctx, `SELECT count(*), min(received), max(received) FROM readings WHERE id > ? AND id <= ?`, cursor, last).Scan(&readings, &from, &to); err != nil {
			return err
		}
		if readings > 0 {
			if _, err := s.conn.ExecContext(ctx, `INSERT INTO spool_lost VALUES (?, ?, ?, ?, ?, ?)`, sink, cursor+1, last, readings, from, to); err != nil {
				return err
			}
		}
		if _, err := s.conn.ExecContext(ctx, `INSERT INTO cursors VALUES (?, ?) ON CONFLICT DO UPDATE SET position = excluded.position`, sink, last); err != nil {
			return err
		}
		loss = city.SpoolLoss{Sink: sink, First: cursor + 1, Last: last, Readings: readings, From: fromNanos(from), To: fromNanos(to)}
		return nil
	})
	if err != nil {
		return city.SpoolLoss{}, fmt.Errorf("give up readings for %s: %w", sink, err)
	}
	return loss, nil
}
