package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// pruneStep is how many rows are deleted in one transaction, so that the road never waits
// long behind it.
const pruneStep = 2000

// maxAside bounds the set-aside messages: a fleet that nobody has in the inventory must not
// fill the disk. Those seen longest ago go first.
const maxAside = 100_000

// Prune deletes raw frames received before framesBefore, and set-aside messages last seen
// before asideBefore or beyond the newest 100,000. It gives way to commits between its steps. Sessions and readings
// stay.
func (s *Store) Prune(ctx context.Context, framesBefore, asideBefore time.Time) (frames, aside int64, err error) {
	// The newest frame of each device stays whatever its age: a device that was silent for
	// longer must still find its counter. Frames are numbered in order of arrival, so the
	// search ends at the first one that is young enough.
	frames, err = s.deleteInSteps(ctx, `DELETE FROM frames WHERE id IN (
		SELECT id FROM frames f WHERE received < ?1
			AND id < coalesce((SELECT id FROM frames WHERE received >= ?1 ORDER BY id LIMIT 1), 9223372036854775807)
			AND EXISTS (SELECT 1 FROM frames n WHERE n.dev_eui = f.dev_eui AND (n.epoch, n.fcnt) > (f.epoch, f.fcnt))
		ORDER BY id LIMIT ?2)`, framesBefore.UnixNano())
	if err != nil {
		return frames, 0, fmt.Errorf("delete old frames: %w", err)
	}
	aside, err = s.deleteInSteps(ctx, `DELETE FROM aside WHERE key IN (SELECT key FROM aside WHERE last_seen < ? LIMIT ?)`, asideBefore.UnixNano())
	if err == nil {
		var more int64
		more, err = s.deleteInSteps(ctx, `DELETE FROM aside WHERE key IN (SELECT key FROM aside WHERE last_seen <
			(SELECT last_seen FROM aside ORDER BY last_seen DESC LIMIT 1 OFFSET ?) LIMIT ?)`, maxAside-1)
		aside += more
	}
	if err != nil {
		return frames, aside, fmt.Errorf("delete old set-aside messages: %w", err)
	}
	return frames, aside, nil
}

// deleteInSteps runs a deletion that takes an argument and a limit until it finds no more.
func (s *Store) deleteInSteps(ctx context.Context, query string, arg int64) (int64, error) {
	var total int64
	for {
		var n int64
		err := s.inTx(func(tx context.Context) error {
			res, err := s.conn.ExecContext(tx, query, arg, pruneStep)
			if err == nil {
				n, err = res.RowsAffected()
			}
			return err
		})
		if total += n; err != nil || n < pruneStep || ctx.Err() != nil {
			return total, errors.Join(err, ctx.Err())
		}
	}
}
