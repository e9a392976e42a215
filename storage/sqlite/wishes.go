package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"meldefunk/city"
)

// wishColumns are the wishes of a case that are not granted, as JSON; NULL for none.
const wishColumns = `(SELECT nullif(json_group_array(json_object('id', id, 'at', at, 'by', who, 'kind', kind, 'reason', reason, 'until', until, 'number', number)), '[]')
	FROM (SELECT * FROM wishes w WHERE w.ref = c.ref AND w.granted IS NULL ORDER BY w.id))`

func parseWishes(ref string, text sql.NullString) ([]city.Wish, error) {
	if !text.Valid {
		return nil, nil
	}
	var rows []struct {
		ID                       int64
		At                       int64
		Until                    *int64
		By, Kind, Reason, Number string
	}
	if err := json.Unmarshal([]byte(text.String), &rows); err != nil {
		return nil, err
	}
	all := make([]city.Wish, len(rows))
	for i, r := range rows {
		all[i] = city.Wish{
			ID: r.ID, Ref: ref, At: time.Unix(0, r.At).UTC(), By: r.By, Kind: city.WishKind(r.Kind), Reason: r.Reason, Number: r.Number,
		}
		if r.Until != nil {
			all[i].Until = time.Unix(0, *r.Until).UTC()
		}
	}
	return all, nil
}

// Wish keeps what somebody wants done with a ticket, and gives its number. It is durable on
// return. Without such a case it is city.ErrNoCase.
func (s *Store) Wish(_ context.Context, w city.Wish) (id int64, err error) {
	err = s.inTx(func(ctx context.Context) error {
		res, err := s.conn.ExecContext(ctx, `INSERT INTO wishes (ref, at, who, kind, reason, until, number)
			SELECT ref, ?, ?, ?, ?, ?, ? FROM tickets WHERE ref = ?`,
			w.At.UnixNano(), w.By, string(w.Kind), w.Reason, nanos(w.Until), w.Number, w.Ref)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, city.ErrNoCase)
		}
		if id, err = res.LastInsertId(); err != nil {
			return err
		}
		_, err = s.stmts.follow.ExecContext(ctx, w.Ref)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("keep a wish for %.40q: %w", w.Ref, err)
	}
	return id, nil
}
