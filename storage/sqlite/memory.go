package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"meldefunk/city"
)

// rememberSessions and rememberFrames are how far back the memory of a device goes.
const (
	rememberSessions = 4
	rememberFrames   = 64
)

// Mark gives the highest numbers ever committed.
func (s *Store) Mark(ctx context.Context) (city.Mark, error) {
	var m city.Mark
	var alive sql.NullInt64
	err := s.read.QueryRowContext(ctx, `SELECT frame, reading, ruling, alive FROM mark`).Scan(&m.Frame, &m.Reading, &m.Ruling, &alive)
	m.Alive = fromNanos(alive)
	return m, err
}

// Memory gives the last sessions and frames of a device.
func (s *Store) Memory(ctx context.Context, devEUI city.EUI) (city.DeviceMemory, error) {
	var m city.DeviceMemory
	dev := devEUI.String()
	var err error
	m.Sessions, err = all(ctx, &s.reader, "sessions of "+dev, func(row row) (city.SessionTop, error) {
		e := city.SessionTop{Session: city.Session{DevEUI: devEUI}}
		var join int64
		var opened, top sql.NullInt64
		err := row.Scan(&e.Epoch, &e.Token, &join, &e.Cause, &opened, &top)
		e.Join, e.Opened = uint64(join), fromNanos(opened)
		e.Top, e.Heard = uint32(top.Int64), top.Valid
		return e, err
	}, `SELECT epoch, token, join_ident, cause, opened,
			(SELECT max(fcnt) FROM frames f WHERE f.dev_eui = s.dev_eui AND f.epoch = s.epoch)
		FROM (SELECT * FROM sessions WHERE dev_eui = ? ORDER BY epoch DESC LIMIT ?) s ORDER BY epoch`, dev, rememberSessions)
	if err != nil || len(m.Sessions) == 0 {
		return m, err
	}
	m.Frames, err = s.recentFrames(ctx, dev)
	return m, err
}

const frameKeyColumns = `id, epoch, fcnt, ident, hash, time, fate, time_source, claim, received, flags`

// recentFrames are the last frames of a device in order of their numbers. The unique key
// leads with the device, so the newest epochs are read from its end.
func (s *Store) recentFrames(ctx context.Context, dev string) ([]city.FrameKey, error) {
	return all(ctx, &s.reader, "frames of "+dev, scanFrameKey, `SELECT `+frameKeyColumns+` FROM (
		SELECT * FROM frames WHERE dev_eui = ? ORDER BY epoch DESC, fcnt DESC LIMIT ?) ORDER BY id`, dev, rememberFrames)
}

func scanFrameKey(row row) (city.FrameKey, error) {
	var k city.FrameKey
	var ident, hash, at, received int64
	var fate, source string
	var claim sql.NullInt64
	var flags int
	err := row.Scan(&k.ID, &k.Epoch, &k.FCnt, &ident, &hash, &at, &fate, &source, &claim, &received, &flags)
	if err != nil {
		return k, err
	}
	k.Ident, k.Hash, k.At = uint64(ident), uint64(hash), time.Unix(0, at).UTC()
	k.Claim, k.Received, k.Conflict = fromNanos(claim), time.Unix(0, received).UTC(), flags&frameConflict != 0
	if k.Source, err = city.ParseTimeSource(source); err != nil {
		return k, err
	}
	k.Fate, err = city.ParseFate(fate)
	return k, err
}

// Frame finds a stored frame by its counter and the identity of its delivery, or, if none
// has that identity, by its counter within the epoch.
func (s *Store) Frame(ctx context.Context, devEUI city.EUI, epoch, fcnt uint32, ident uint64) (city.FrameKey, bool, error) {
	// By way of the sessions each candidate is found by the whole unique key. Epoch 0 is
	// that of frames sent by hand.
	k, err := scanFrameKey(s.read.QueryRowContext(ctx, `
		SELECT id, f.epoch, fcnt, ident, hash, time, fate, time_source, claim, received, flags
		FROM (SELECT epoch FROM sessions WHERE dev_eui = ?1 UNION ALL SELECT 0) s CROSS JOIN frames f
		WHERE f.dev_eui = ?1 AND f.epoch = s.epoch AND f.fcnt = ?2 AND (ident = ?3 OR f.epoch = ?4)
		ORDER BY ident = ?3 DESC LIMIT 1`,
		devEUI.String(), fcnt, int64(ident), epoch))
	if errors.Is(err, sql.ErrNoRows) {
		return city.FrameKey{}, false, nil
	}
	if err != nil {
		return k, false, fmt.Errorf("frame %d of %s: %w", fcnt, devEUI, err)
	}
	return k, true, nil
}

// Joined tells whether a session of the device is known of a join event.
func (s *Store) Joined(ctx context.Context, devEUI city.EUI, ident uint64) (bool, error) {
	var n int
	err := s.read.QueryRowContext(ctx, `SELECT count(*) FROM sessions WHERE dev_eui = ? AND join_ident = ?`,
		devEUI.String(), int64(ident)).Scan(&n)
	return n > 0, err
}

// Measured tells whether a reading of this device at an asset at this event time exists.
func (s *Store) Measured(ctx context.Context, asset string, devEUI city.EUI, at time.Time) (bool, error) {
	var n int
	err := s.read.QueryRowContext(ctx, `SELECT count(*) FROM readings WHERE asset = ? AND time = ? AND dev_eui = ?`,
		asset, at.UnixNano(), devEUI.String()).Scan(&n)
	return n > 0, err
}

// Taken tells whether a case of this reference exists.
func (s *Store) Taken(ctx context.Context, ref string) (bool, error) {
	var n int
	err := s.read.QueryRowContext(ctx, `SELECT count(*) FROM cases WHERE ref = ?`, ref).Scan(&n)
	return n > 0, err
}
