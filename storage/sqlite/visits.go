package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"meldefunk/city"
)

const visitColumns = `v.id, v.at, v.asset, v.tour, v.who, v.outcome, v.note, v.withdrawn, v.withdrawn_by`

// sameVisit is how long the same word of the same person about the same asset is the same
// visit: a form was sent twice, on a telephone without signal.
const sameVisit = 10 * time.Minute

// PutVisits keeps what somebody did, all of it or nothing; nothing twice. It is durable on
// return.
func (s *Store) PutVisits(_ context.Context, all []city.Visit) error {
	err := s.inTx(func(ctx context.Context) error {
		for i := range all {
			v := &all[i]
			if _, err := s.conn.ExecContext(ctx, `INSERT INTO visits (at, asset, tour, who, outcome, note, withdrawn_by)
				SELECT ?1, ?2, ?3, ?4, ?5, ?6, '' WHERE NOT EXISTS (SELECT 1 FROM visits
					WHERE asset = ?2 AND at > ?7 AND at <= ?1 AND who = ?4 AND outcome = ?5 AND withdrawn IS NULL)`,
				v.At.UnixNano(), v.Asset, v.Tour, v.By, string(v.Outcome), v.Note, v.At.Add(-sameVisit).UnixNano()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep visits: %w", err)
	}
	return nil
}

// WithdrawVisit keeps that a visit was a mistake; one that was withdrawn before stays as it is.
// false: there is none of this number.
func (s *Store) WithdrawVisit(_ context.Context, id int64, by string, at time.Time) (known bool, err error) {
	err = s.inTx(func(ctx context.Context) error {
		if err := s.conn.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM visits WHERE id = ?)`, id).Scan(&known); err != nil {
			return err
		}
		_, err := s.conn.ExecContext(ctx, `UPDATE visits SET withdrawn = ?, withdrawn_by = ? WHERE id = ? AND withdrawn IS NULL`, at.UnixNano(), by, id)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("withdraw visit %d: %w", id, err)
	}
	return known, nil
}

// Visits gives up to limit visits of a tour since a time, also withdrawn ones, the newest first.
func (r *reader) Visits(ctx context.Context, tour string, since time.Time, limit int) ([]city.Visit, error) {
	return all(ctx, r, "read visits", scanVisit, `SELECT `+visitColumns+` FROM visits v
		WHERE v.tour = ? AND v.at >= ? ORDER BY v.at DESC, v.id DESC LIMIT ?`, tour, since.UnixNano(), limit)
}

// LastDone gives of each of some assets the newest visit at which it was done, those that were
// withdrawn left out.
func (r *reader) LastDone(ctx context.Context, assets []string) ([]city.Visit, error) {
	names, err := json.Marshal(assets)
	if err != nil {
		return nil, fmt.Errorf("read visits: %w", err)
	}
	return all(ctx, r, "read visits", scanVisit, `SELECT `+visitColumns+` FROM json_each(?) a JOIN visits v ON v.id =
		(SELECT id FROM visits WHERE asset = a.value AND outcome = 'done' AND withdrawn IS NULL ORDER BY at DESC, id DESC LIMIT 1)`, string(names))
}

func scanVisit(row row) (city.Visit, error) {
	var v city.Visit
	var at int64
	var withdrawn sql.NullInt64
	err := row.Scan(&v.ID, &at, &v.Asset, &v.Tour, &v.By, &v.Outcome, &v.Note, &withdrawn, &v.WithdrawnBy)
	v.At, v.Withdrawn = time.Unix(0, at).UTC(), fromNanos(withdrawn)
	return v, err
}
