package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// bulkRows is how many rows one insert takes. Starting and ending a statement costs about
// as much as writing a row, so many rows with one statement take about half the time.
const bulkRows = 32

// bulk is an insert for one row and for bulkRows rows.
type bulk struct{ one, many *sql.Stmt }

func (s *Store) prepareBulk(ctx context.Context, b *bulk, head string, columns int, tail string) error {
	row := "(?" + strings.Repeat(",?", columns-1) + ")"
	for rows, into := range map[int]**sql.Stmt{1: &b.one, bulkRows: &b.many} {
		text := head + " " + row + strings.Repeat(","+row, rows-1) + " " + tail
		if err := s.prepareOne(ctx, into, text); err != nil {
			return fmt.Errorf("%d rows: %w", rows, err)
		}
	}
	return nil
}

func (s *Store) prepareOne(ctx context.Context, into **sql.Stmt, text string) error {
	stmt, err := s.conn.PrepareContext(ctx, text) //nolint:sqlclosecheck // Close closes all that are prepared
	if err != nil {
		return fmt.Errorf("prepare %.40q: %w", text, err)
	}
	*into, s.prepared = stmt, append(s.prepared, stmt)
	return nil
}
