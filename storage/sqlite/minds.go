package sqlite

import (
	"context"
	"fmt"
)

// Minds tells what is remembered of every asset and every group, in no order. name is the
// asset's number or the group's name; kept is good until each returns, which must not call the
// store.
func (r *reader) Minds(ctx context.Context, each func(name string, kept []byte) error) error {
	rows, err := r.read.QueryContext(ctx, `SELECT asset || group_name, mind FROM asset_states WHERE mind IS NOT NULL`)
	if err != nil {
		return fmt.Errorf("minds: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var kept []byte
		if err := rows.Scan(&name, &kept); err != nil {
			return fmt.Errorf("minds: %w", err)
		}
		if err := each(name, kept); err != nil {
			return fmt.Errorf("mind of %s: %w", name, err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("minds: %w", err)
	}
	return nil
}
