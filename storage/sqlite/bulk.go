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

func (b *bulk) prepare(ctx context.Context, conn *sql.Conn, head string, columns int, tail string) error {
	row := "(?" + strings.Repeat(",?", columns-1) + ")"
	for rows, into := range map[int]**sql.Stmt{1: &b.one, bulkRows: &b.many} {
		text := head + " " + row + strings.Repeat(","+row, rows-1) + " " + tail
		stmt, err := conn.PrepareContext(ctx, text) //nolint:sqlclosecheck // lives as long as the connection, and ends with it
		if err != nil {
			return fmt.Errorf("prepare %.40q for %d rows: %w", head, rows, err)
		}
		*into = stmt
	}
	return nil
}
