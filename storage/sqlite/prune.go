package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"time"
)

// maxAside bounds the set-aside messages: a fleet that nobody has in the inventory must not
// fill the disk. Those seen longest ago go first.
const maxAside = 100_000

// Outdated says what may go. A zero time lets nothing of its kind go.
type Outdated struct {
	Frames   time.Time // raw frames received before
	Readings time.Time // readings received before
	Aside    time.Time // set-aside messages last seen before
	Events   time.Time // device events told before, for the last time

	Decisions time.Time // decisions and visits made before; decisions of open cases stay
	Deaf      time.Time // deaf times that ended before

	// Followers are the cursors that readings wait for: what one of them has not dealt with
	// stays, however old.
	Followers []string
}

// Pruned says what went.
type Pruned struct {
	Frames, Readings, Aside, Events, Decisions int64
	Bytes                                      int64 // by which the file has become smaller

	// Longest is that of the transactions it took, and Delayed the longest that any other
	// write has waited for one of them.
	Longest, Delayed time.Duration
}

// Prune deletes what is outdated, and set-aside messages beyond the newest 100,000, and
// gives room that is not needed back to the file system. It gives way to commits between
// its steps. The newest frame of each device stays whatever its age: a device that was
// silent for longer must still find its counter; so does the newest judged reading of each
// asset. Sessions, cases and the newest
// status and position of each device stay.
func (s *Store) Prune(ctx context.Context, old Outdated) (p Pruned, err error) {
	e := s.eraser()
	s.takeDelayed()
	defer func() { p.Longest, p.Delayed = e.longest, s.takeDelayed() }()
	if p.Frames, err = e.pruneFrames(ctx, old.Frames); err != nil {
		return p, fmt.Errorf("delete old frames: %w", err)
	}
	if p.Readings, err = e.pruneReadings(ctx, old.Readings, old.Followers); err != nil {
		return p, fmt.Errorf("delete old readings: %w", err)
	}
	if p.Aside, err = e.pruneAside(ctx, old.Aside); err != nil {
		return p, fmt.Errorf("delete old set-aside messages: %w", err)
	}
	if p.Events, err = e.pruneEvents(ctx, old.Events); err != nil {
		return p, fmt.Errorf("delete old device events: %w", err)
	}
	if p.Decisions, err = e.walk(ctx, "decisions", "decided", old.Decisions, math.MaxInt64, `DELETE FROM decisions WHERE id > ? AND id <= ? AND decided < ?
		AND NOT EXISTS (SELECT 1 FROM cases c WHERE c.ref = case_ref AND c.closed IS NULL)`); err != nil {
		return p, fmt.Errorf("delete old decisions: %w", err)
	}
	if _, err = e.walk(ctx, "visits", "at", old.Decisions, math.MaxInt64, `DELETE FROM visits WHERE id > ? AND id <= ? AND at < ?`); err != nil {
		return p, fmt.Errorf("delete old visits: %w", err)
	}
	if !old.Deaf.IsZero() {
		if _, err = e.deleteAll(ctx, `DELETE FROM deaf WHERE (server, since) IN (SELECT server, since FROM deaf WHERE until < ? LIMIT ?)`, old.Deaf.UnixNano()); err != nil {
			return p, fmt.Errorf("delete old deaf times: %w", err)
		}
	}
	if p.Bytes, err = e.shrink(ctx); err != nil {
		return p, fmt.Errorf("make the file smaller: %w", err)
	}
	return p, nil
}

func (e *eraser) pruneFrames(ctx context.Context, before time.Time) (int64, error) {
	return e.walk(ctx, "frames", "received", before, math.MaxInt64, `DELETE FROM frames WHERE id > ? AND id <= ? AND received < ?
		AND EXISTS (SELECT 1 FROM frames n WHERE n.dev_eui = frames.dev_eui AND (n.epoch, n.fcnt) > (frames.epoch, frames.fcnt))`)
}

func (e *eraser) pruneReadings(ctx context.Context, before time.Time, followers []string) (int64, error) {
	upTo := int64(math.MaxInt64)
	for _, name := range followers {
		at, err := e.Cursor(ctx, name)
		if err != nil {
			return 0, err
		}
		upTo = min(upTo, at)
	}
	// What was refused of them goes along.
	return e.walk(ctx, "readings", "received", before, upTo, `DELETE FROM readings WHERE id > ? AND id <= ? AND received < ?
		AND NOT EXISTS (SELECT 1 FROM asset_states a WHERE a.asset = readings.asset AND a.reading = readings.id)`,
		`DELETE FROM refused WHERE sink IN (SELECT name FROM cursors) AND reading > ? AND reading <= ?
		AND NOT EXISTS (SELECT 1 FROM readings r WHERE r.id = reading)`)
}

// walk goes through a table that is numbered in order of a column of times, up to a number,
// and ends where nothing is old any more. Each chunk deletes with the first query, given the numbers
// it is about, and the time; the others tidy up after it, given the numbers. What has to
// stay is passed once, not searched again for each chunk.
func (e *eraser) walk(ctx context.Context, table, column string, before time.Time, upTo int64, query string, tidy ...string) (int64, error) {
	if before.IsZero() {
		return 0, nil
	}
	after := int64(math.MinInt64)
	return e.erase(ctx, func(tx context.Context) (int64, bool, error) {
		var last, oldest sql.NullInt64
		err := e.conn.QueryRowContext(tx, `SELECT max(id), min(`+column+`) FROM
			(SELECT id, `+column+` FROM `+table+` WHERE id > ? AND id <= ? ORDER BY id LIMIT ?)`, after, upTo, chunkSize).Scan(&last, &oldest)
		if err != nil || !last.Valid || oldest.Int64 >= before.UnixNano() {
			return 0, false, err
		}
		n, err := e.deleteRows(tx, query, after, last.Int64, before.UnixNano())
		for _, q := range tidy {
			if n > 0 && err == nil {
				_, err = e.deleteRows(tx, q, after, last.Int64)
			}
		}
		after = last.Int64
		return n, true, err
	})
}

func (e *eraser) pruneAside(ctx context.Context, before time.Time) (int64, error) {
	oldest := int64(math.MinInt64)
	if !before.IsZero() {
		oldest = before.UnixNano()
	}
	err := e.read.QueryRowContext(ctx, `SELECT max(?1, coalesce((SELECT last_seen FROM aside ORDER BY last_seen DESC LIMIT 1 OFFSET ?2), ?1))`,
		oldest, maxAside-1).Scan(&oldest)
	if err != nil {
		return 0, err
	}
	return e.deleteAll(ctx, `DELETE FROM aside WHERE key IN (SELECT key FROM aside WHERE last_seen < ? LIMIT ?)`, oldest)
}
