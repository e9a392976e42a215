package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"meldefunk/city"
)

const headColumns = `SELECT ref, rule, asset, group_name, since, opened, closed, title FROM cases`

// CaseHead finds a case by its reference: what it is about and from when to when. The rest of
// it is not told.
func (r *reader) CaseHead(ctx context.Context, ref string) (city.Case, bool, error) {
	c, err := scanHead(r.read.QueryRowContext(ctx, headColumns+` WHERE ref = ?`, ref))
	if errors.Is(err, sql.ErrNoRows) {
		return c, false, nil
	}
	if err != nil {
		return c, false, fmt.Errorf("case %s: %w", ref, err)
	}
	return c, true, nil
}

// CaseHeads gives the cases that were opened or closed last, as CaseHead.
func (r *reader) CaseHeads(ctx context.Context, limit int) ([]city.Case, error) {
	return all(ctx, r, "read cases", scanHead, headColumns+` ORDER BY coalesce(closed, opened) DESC, ref LIMIT ?`, limit)
}

func scanHead(row row) (city.Case, error) {
	var c city.Case
	var since, opened, closed sql.NullInt64
	err := row.Scan(&c.Ref, &c.Rule, &c.Asset, &c.Group, &since, &opened, &closed, &c.Title)
	c.Since, c.Opened, c.Closed = fromNanos(since), fromNanos(opened), fromNanos(closed)
	return c, err
}
