package sqlite

import (
	"context"
	"time"
)

// How deletion gives way: a step is one transaction that is to take no longer than stepTime,
// then there is a pause in which the road commits. A step changes a page of an index for
// nearly every row, so how many rows that are depends on the disk and on what else it does
// (docs/sqlite.md has the figures).
const (
	smallestStep = 50
	largestStep  = 500
	stepTime     = 20 * time.Millisecond
	erasePause   = 20 * time.Millisecond
)

// eraser deletes in steps.
type eraser struct {
	*Store
	size    int // rows or pages of the next step
	longest time.Duration
}

func (s *Store) eraser() *eraser { return &eraser{Store: s, size: largestStep / 4} }

// step deletes in one transaction and pauses if there was something. A context that has
// ended lets no step begin.
func (e *eraser) step(ctx context.Context, f func(tx context.Context) (int64, error)) (n int64, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	var begun time.Time
	err = e.inTx(func(tx context.Context) (err error) {
		begun = time.Now() //nolint:forbidigo // because it decides about nothing but the size of the next step
		n, err = f(tx)
		return err
	})
	if err != nil {
		return 0, err // it was rolled back
	}
	if n == 0 {
		return 0, nil
	}
	e.adapt(time.Since(begun)) //nolint:forbidigo // as above
	return n, pause(ctx)
}

// adapt makes the next step smaller after one that took too long, and larger after one that
// took less than half of what it may.
func (e *eraser) adapt(took time.Duration) {
	e.longest = max(e.longest, took)
	switch {
	case took > stepTime:
		e.size = max(smallestStep, e.size/2)
	case took < stepTime/2:
		e.size = min(largestStep, e.size+e.size/4)
	}
}

// deleteWhile runs a deletion that ends with a limit until it finds no more.
func (e *eraser) deleteWhile(ctx context.Context, query string, args ...any) (int64, error) {
	var total int64
	for {
		limit := e.size
		n, err := e.step(ctx, func(tx context.Context) (int64, error) {
			return e.deleteRows(tx, query, append(args[:len(args):len(args)], limit)...)
		})
		if total += n; err != nil || n < int64(limit) {
			return total, err
		}
	}
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
