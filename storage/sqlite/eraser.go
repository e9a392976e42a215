package sqlite

import (
	"context"
	"fmt"
	"os"
	"time"
)

// How deletion gives way. Nobody has to wait for what can wait itself: a step is one light
// transaction, so all it holds up is what it computes. It ends where somebody wants to write,
// where it has taken stepTime, or where it is so large that ending it would take long; then
// there is a pause in which the road commits. The disk is waited for beside the road
// (docs/sqlite.md has the figures).
const (
	chunkSize  = 50  // rows or pages of one statement: a writer waits for one at most
	stepSize   = 200 // rows or pages of one transaction; each changes about one page
	stepTime   = 10 * time.Millisecond
	erasePause = 20 * time.Millisecond

	// syncEvery is after how many rows or pages the journal is synced, so that the next commit
	// has no more than 2 MB of them to wait for; checkpointEvery, after how many it is moved
	// into the file. More often costs more: whoever begins the journal anew after that waits
	// for the disk once.
	syncEvery       = 500
	checkpointEvery = 2000
)

// span is a stretch of time.
type span struct{ from, to time.Time }

// after gives how much of it lies after at.
func (s span) after(at time.Time) time.Duration {
	if s.from.After(at) {
		at = s.from
	}
	return max(0, s.to.Sub(at))
}

// eraser deletes in steps.
type eraser struct {
	*Store
	longest time.Duration // of the steps
	written int64         // rows and pages since the last checkpoint
	synced  int64         // of them
}

func (s *Store) eraser() *eraser { return &eraser{Store: s} }

// chunk is one statement's work within a step: how many rows or pages it was, and whether
// there may be more.
type chunk func(tx context.Context) (n int64, more bool, err error)

// erase does all there is to do, step by step, and tells how much that was. A context that
// has ended lets no step begin.
func (e *eraser) erase(ctx context.Context, do chunk) (total int64, err error) {
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return total, err
		}
		var n int64
		if n, more, err = e.step(do); err != nil {
			return total, err // it was rolled back
		}
		if total += n; n == 0 && !more {
			break
		}
		if err := e.settle(ctx, n); err != nil {
			return total, err
		}
		if err := pause(ctx); err != nil {
			return total, err
		}
	}
	return total, nil
}

// step does chunks in one transaction.
func (e *eraser) step(do chunk) (total int64, more bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	begun := time.Now() //nolint:forbidigo // because it decides about nothing but the size of the step
	err = e.transact(true, func(tx context.Context) error {
		for {
			var n int64
			var err error
			n, more, err = do(tx)
			total += n
			if err != nil || !more || total >= stepSize || e.queue.Load() > 0 || time.Since(begun) >= stepTime { //nolint:forbidigo // as above
				return err
			}
		}
	})
	e.erased = span{begun, time.Now()} //nolint:forbidigo // as above
	e.longest = max(e.longest, e.erased.after(begun))
	return total, more, err
}

// settle has what steps wrote reach the disk beside the road: every now and then it syncs the
// journal, or moves it into the file, on a connection that holds up no writer.
func (e *eraser) settle(ctx context.Context, n int64) error {
	e.written += n
	switch {
	case e.written >= checkpointEvery:
		e.written, e.synced = 0, 0
		if _, err := e.read.ExecContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)"); err != nil {
			return fmt.Errorf("move the journal into the file: %w", err)
		}
	case e.written-e.synced >= syncEvery:
		e.synced = e.written
		if err := e.syncJournal(); err != nil {
			return fmt.Errorf("sync the journal: %w", err)
		}
	}
	return nil
}

func (e *eraser) syncJournal() error {
	journal, err := os.Open(e.path + "-wal")
	if err != nil {
		return err
	}
	defer journal.Close()
	return journal.Sync()
}

// takeDelayed gives the longest that a write has waited for a step since it was last asked.
func (s *Store) takeDelayed() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	delayed := s.delayed
	s.delayed = 0
	return delayed
}

// deleteAll runs a deletion that ends with a limit until it finds no more.
func (e *eraser) deleteAll(ctx context.Context, query string, args ...any) (int64, error) {
	args = append(args[:len(args):len(args)], chunkSize)
	return e.erase(ctx, func(tx context.Context) (int64, bool, error) {
		n, err := e.deleteRows(tx, query, args...)
		return n, n == chunkSize, err
	})
}

func (e *eraser) deleteRows(tx context.Context, query string, args ...any) (int64, error) {
	res, err := e.conn.ExecContext(tx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// pause lets the road go first.
func pause(ctx context.Context) error {
	timer := time.NewTimer(erasePause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
