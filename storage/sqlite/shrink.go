package sqlite

import (
	"context"
	"fmt"
)

// The room of deleted rows is used again. What is left of it beyond a tenth of the file goes
// back to the file system: each page is the last one of the file, moved into a free one. The
// tenth spares taking room again for the next rows.
const keepFree = 10 // one page of so many may be free

// shrink gives room back and tells how many bytes.
func (e *eraser) shrink(ctx context.Context) (int64, error) {
	var size int64
	given, err := e.erase(ctx, func(tx context.Context) (n int64, more bool, err error) {
		if !e.shrinks {
			return 0, false, nil
		}
		n, size, err = e.shrinkOnce(tx)
		return n, n > 0, err
	})
	return given * size, err
}

// shrinkOnce gives some pages back, and tells how many and the size of each; none: there is
// nothing to give back.
func (e *eraser) shrinkOnce(tx context.Context) (given, size int64, err error) {
	before, err := e.pages(tx)
	if err != nil {
		return 0, 0, err
	}
	n := min(chunkSize, before.free-before.all/keepFree)
	if n <= 0 {
		return 0, before.size, nil
	}
	if _, err := e.conn.ExecContext(tx, fmt.Sprintf("PRAGMA incremental_vacuum(%d)", n)); err != nil {
		return 0, before.size, err
	}
	after, err := e.pages(tx)
	return before.all - after.all, before.size, err
}

// pages is how many there are in the file, free ones among them, and the bytes of each.
type pages struct{ all, free, size int64 }

func (s *Store) pages(ctx context.Context) (p pages, err error) {
	err = s.conn.QueryRowContext(ctx, `SELECT page_count, freelist_count, page_size
		FROM pragma_page_count, pragma_freelist_count, pragma_page_size`).Scan(&p.all, &p.free, &p.size)
	return p, err
}

// prepareToShrink rewrites a file that was made before files could become smaller, once. If
// that fails, mostly for lack of room, it stays as it is: then it keeps its size.
func (s *Store) prepareToShrink(ctx context.Context) error {
	var mode int64
	if err := s.conn.QueryRowContext(ctx, "PRAGMA auto_vacuum").Scan(&mode); err != nil {
		return err
	}
	const incremental = 2
	if mode == incremental {
		s.shrinks = true
		return nil
	}
	p, err := s.pages(ctx)
	if err != nil {
		return err
	}
	s.log.Info().Int64("bytes", p.all*p.size).Msg("rewriting the database once, so that it can become smaller later; this may take a minute per gigabyte")
	// In memory, as other temporary tables, the copy would be as large as the file.
	for _, q := range []string{"PRAGMA temp_store = FILE", "PRAGMA auto_vacuum = INCREMENTAL", "VACUUM"} {
		if _, err := s.conn.ExecContext(ctx, q); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			s.log.Warn().Err(err).Msg("the database could not be rewritten and will not become smaller; it needs its size free beside it and once more in the folder for temporary files; trying again at the next start")
			_, err = s.conn.ExecContext(ctx, "PRAGMA temp_store = MEMORY")
			return err
		}
	}
	s.shrinks = true
	s.log.Info().Msg("the database is rewritten")
	_, err = s.conn.ExecContext(ctx, "PRAGMA temp_store = MEMORY")
	return err
}
