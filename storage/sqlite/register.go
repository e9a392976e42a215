package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan/enrol"
	"meldefunk/city/register"
)

// Register gives the whole register as it was at one moment.
func (r *reader) Register(ctx context.Context) (register.Snapshot, error) {
	var s register.Snapshot
	tx, err := r.read.BeginTx(ctx, nil) // so that all of it is of one revision
	if err != nil {
		return s, fmt.Errorf("read the register: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	err = tx.QueryRowContext(ctx, `SELECT revision FROM register`).Scan(&s.Revision)
	if err == nil {
		s.Devices, err = gather(ctx, tx, scanDevice, `SELECT `+deviceColumns+` FROM devices ORDER BY dev_eui`)
	}
	if err == nil {
		s.Assets, err = gather(ctx, tx, scanAsset, `SELECT `+assetColumns+` FROM assets ORDER BY id`)
	}
	if err == nil {
		s.Bindings, err = gather(ctx, tx, scanBinding, `SELECT dev_eui, asset, since, until FROM bindings ORDER BY dev_eui, since`)
	}
	if err != nil {
		return register.Snapshot{}, fmt.Errorf("read the register: %w", err)
	}
	return s, nil
}

// RegisterRevision tells at which revision the register is, without reading it.
func (r *reader) RegisterRevision(ctx context.Context) (revision int64, err error) {
	if err = r.read.QueryRowContext(ctx, `SELECT revision FROM register`).Scan(&revision); err != nil {
		return 0, fmt.Errorf("revision of the register: %w", err)
	}
	return revision, nil
}

// RegisteredDevice gives a device of the register, register.ErrUnknown where it has none such.
func (r *reader) RegisteredDevice(ctx context.Context, devEUI city.EUI) (register.Device, error) {
	d, err := scanDevice(r.read.QueryRowContext(ctx, `SELECT `+deviceColumns+` FROM devices WHERE dev_eui = ?`, devEUI.String()))
	if errors.Is(err, sql.ErrNoRows) {
		err = register.ErrUnknown
	}
	if err != nil {
		return d, fmt.Errorf("device %s: %w", devEUI, err)
	}
	return d, nil
}

// gather is all, within a transaction.
func gather[T any](ctx context.Context, tx *sql.Tx, scan func(row) (T, error), query string, args ...any) ([]T, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	return found, rows.Err()
}

const deviceColumns = `dev_eui, model, asset, server, firmware, state, join_eui, serial, version, region, class, profile, period,
	owner, note, kek, nwk_key, app_key, revision, changed`

func scanDevice(row row) (register.Device, error) {
	var d register.Device
	var devEUI, joinEUI, firmware, state, version, class string
	var period, changed int64
	err := row.Scan(&devEUI, &d.Model, &d.Asset, &d.Server, &firmware, &state, &joinEUI, &d.Serial, &version, &d.Region, &class, &d.Profile, &period,
		&d.Owner, &d.Note, &d.Keys.KEK, &d.Keys.Nwk, &d.Keys.App, &d.Revision, &changed)
	if err != nil {
		return d, err
	}
	d.State, d.Version, d.Class = register.State(state), enrol.Version(version), enrol.Class(class)
	d.Interval, d.Changed = time.Duration(period), time.Unix(0, changed).UTC()
	if d.DevEUI, err = city.ParseEUI(devEUI); err != nil {
		return d, err
	}
	if joinEUI != "" {
		d.JoinEUI, err = city.ParseEUI(joinEUI)
	}
	if err == nil && firmware != "" {
		d.Firmware, err = city.ParseFirmware(firmware)
	}
	if err != nil {
		return d, fmt.Errorf("device %s: %w", devEUI, err)
	}
	return d, nil
}

func deviceArgs(d *register.Device, revision int64, at time.Time) []any {
	return []any{d.DevEUI.String(), d.Model, d.Asset, d.Server, d.Firmware.String(), string(d.State), euiText(d.JoinEUI), d.Serial, string(d.Version),
		d.Region, string(d.Class), d.Profile, int64(d.Interval), d.Owner, d.Note, d.Keys.KEK, blob(d.Keys.Nwk), blob(d.Keys.App), revision, at.UnixNano()}
}

// euiText is an EUI as it is kept, "" for none.
func euiText(e city.EUI) string {
	if e.IsZero() {
		return ""
	}
	return e.String()
}

// blob is bytes as they are kept, NULL for none.
func blob(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

func scanBinding(row row) (register.Binding, error) {
	var b register.Binding
	var devEUI string
	var since int64
	var until sql.NullInt64
	err := row.Scan(&devEUI, &b.Asset, &since, &until)
	if err == nil {
		b.DevEUI, err = city.ParseEUI(devEUI)
	}
	b.From, b.To = time.Unix(0, since).UTC(), fromNanos(until)
	return b, err
}
