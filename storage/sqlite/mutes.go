package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"meldefunk/city"
)

const muteColumns = `SELECT id, service, asset, tour, district, since, until, who, reason, lifted, lifted_by FROM mutes`

// Mute keeps that no tickets are wanted, and gives the mute's number. It is durable on return.
func (s *Store) Mute(_ context.Context, m city.Mute) (id int64, err error) {
	if m.Service == "" && m.Asset == "" && m.Tour == "" && m.District == "" {
		return 0, errors.New("keep a mute: it says nothing of whom it is about; give a service, an asset, a tour or a district")
	}
	err = s.inTx(func(ctx context.Context) error {
		res, err := s.conn.ExecContext(ctx, `INSERT INTO mutes (service, asset, tour, district, since, until, who, reason) VALUES (?,?,?,?,?,?,?,?)`,
			m.Service, m.Asset, m.Tour, m.District, m.Since.UnixNano(), nanos(m.Until), m.By, m.Reason)
		if err == nil {
			id, err = res.LastInsertId()
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("keep a mute: %w", err)
	}
	return id, nil
}

// Unmute lifts a mute; one that was lifted before stays as it is. Every muted ticket is due
// then: whoever looks at it sees whether another mute covers it. Without such a mute it is
// city.ErrNoMute.
func (s *Store) Unmute(_ context.Context, id int64, by string, at time.Time) error {
	err := s.inTx(func(ctx context.Context) error {
		w := writer{ctx: ctx}
		var known bool
		if err := s.conn.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM mutes WHERE id = ?)`, id).Scan(&known); err != nil {
			return err
		}
		if !known {
			return city.ErrNoMute
		}
		w.query(s.conn, `UPDATE mutes SET lifted = ?, lifted_by = ? WHERE id = ? AND lifted IS NULL`, at.UnixNano(), by, id)
		w.query(s.conn, `UPDATE tickets SET due = 1 WHERE state = 'muted' AND hold = '' AND due > 1`)
		return w.err
	})
	if err != nil {
		return fmt.Errorf("lift mute %d: %w", id, err)
	}
	return nil
}

// Mutes gives the mutes that are neither lifted nor past, in order.
func (r *reader) Mutes(ctx context.Context, now time.Time) ([]city.Mute, error) {
	return r.queryMutes(ctx, muteColumns+` WHERE lifted IS NULL AND (until IS NULL OR until > ?) ORDER BY id`, now.UnixNano())
}

// AllMutes gives mutes, lifted and past ones too, newest first, at most limit.
func (r *reader) AllMutes(ctx context.Context, limit int) ([]city.Mute, error) {
	return r.queryMutes(ctx, muteColumns+` ORDER BY id DESC LIMIT ?`, limit)
}

func (r *reader) queryMutes(ctx context.Context, query string, args ...any) ([]city.Mute, error) {
	return all(ctx, r, "read mutes", func(row row) (m city.Mute, err error) {
		var since, until, lifted sql.NullInt64
		err = row.Scan(&m.ID, &m.Service, &m.Asset, &m.Tour, &m.District, &since, &until, &m.By, &m.Reason, &lifted, &m.LiftedBy)
		m.Since, m.Until, m.Lifted = fromNanos(since), fromNanos(until), fromNanos(lifted)
		return m, err
	}, query, args...)
}
