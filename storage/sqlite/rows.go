package sqlite

import (
	"context"
	"fmt"
)

// row is one row of a result.
type row interface{ Scan(columns ...any) error }

// each hands every row of a query to do. what stands before errors.
func (r *reader) each(ctx context.Context, what string, do func(row) error, query string, args ...any) error {
	rows, err := r.read.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := do(rows); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// all makes something of every row of a query.
func all[T any](ctx context.Context, r *reader, what string, scan func(row) (T, error), query string, args ...any) ([]T, error) {
	var found []T
	err := r.each(ctx, what, func(r row) error {
		one, err := scan(r)
		found = append(found, one)
		return err
	}, query, args...)
	if err != nil {
		return nil, err
	}
	return found, nil
}
