package sqlite

import (
	"context"
	"fmt"
)

// Minds tells what is remembered of every asset and every group, in no order. name is the
// asset's number or the group's name; kept is good until each returns, which must not call the
// store.
func (r *reader) Minds(ctx context.Context, each func(name string, kept []byte) error) error {
	return r.each(ctx, "minds", func(row row) error {
		var name string
		var kept []byte
		if err := row.Scan(&name, &kept); err != nil {
			return err
		}
		if err := each(name, kept); err != nil {
			return fmt.Errorf("of %s: %w", name, err)
		}
		return nil
	}, `SELECT asset || group_name, mind FROM asset_states WHERE mind IS NOT NULL`)
}
