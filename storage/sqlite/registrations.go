package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"meldefunk/city"
	"meldefunk/city/register"
)

// Registrations gives what a network server was told, "" for all of them, by device.
func (r *reader) Registrations(ctx context.Context, server string) ([]register.Registration, error) {
	return all(ctx, r, "read registrations", func(row row) (register.Registration, error) {
		var g register.Registration
		var devEUI string
		var told, tried sql.NullInt64
		err := row.Scan(&devEUI, &g.Server, &g.Digest, &told, &g.Failure, &tried)
		if err == nil {
			g.DevEUI, err = city.ParseEUI(devEUI)
		}
		g.Told, g.Tried = fromNanos(told), fromNanos(tried)
		return g, err
	}, `SELECT dev_eui, server, digest, told, failure, tried FROM registrations WHERE ? IN ('', server) ORDER BY dev_eui, server`, server)
}

// PutRegistrations keeps what network servers were told, all or nothing. It is durable on
// return.
func (s *Store) PutRegistrations(_ context.Context, all []register.Registration) error {
	err := s.inTx(func(ctx context.Context) error {
		stmt, err := s.conn.PrepareContext(ctx, `INSERT OR REPLACE INTO registrations (dev_eui, server, digest, told, failure, tried) VALUES (?, ?, ?, ?, ?, ?)`)
		if err != nil {
			return err
		}
		defer stmt.Close()
		for i := range all {
			g := &all[i]
			if _, err := stmt.ExecContext(ctx, g.DevEUI.String(), g.Server, g.Digest, nanos(g.Told), g.Failure, nanos(g.Tried)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep registrations: %w", err)
	}
	return nil
}
