package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"meldefunk/city"
	"meldefunk/city/register"
)

// ChangeRegister makes a change, with its entries of the audit trail, or nothing of it. It is
// durable on return. The error is register.ErrChanged where the register is not at c.Base any
// more; a change that would leave it contradicting itself is refused with what does.
func (s *Store) ChangeRegister(_ context.Context, c register.Change) error {
	err := s.inTx(func(ctx context.Context) error {
		x := &registerChange{writer: writer{ctx: ctx}, conn: s.conn, change: &c, stmts: map[string]*sql.Stmt{}}
		defer x.close()
		return x.make()
	})
	if err != nil {
		return fmt.Errorf("change the register: %w", err)
	}
	return nil
}

// registerChange is a change on its way into the tables.
type registerChange struct {
	writer
	conn     *sql.Conn
	change   *register.Change
	revision int64
	stmts    map[string]*sql.Stmt // by their text
}

func (x *registerChange) close() {
	for _, stmt := range x.stmts {
		_ = stmt.Close()
	}
}

func (x *registerChange) make() error {
	if x.change.Empty() {
		x.entries()
		return x.err
	}
	var at int64
	if err := x.conn.QueryRowContext(x.ctx, `SELECT revision FROM register`).Scan(&at); err != nil {
		return err
	}
	if at != x.change.Base {
		return register.ErrChanged
	}
	x.revision = at + 1
	x.do(`UPDATE register SET revision = ?`, x.revision)
	x.devices()
	x.assets()
	x.bindings()
	x.flush()
	x.entries()
	if x.err != nil {
		return x.err
	}
	return x.check()
}

// stmt prepares a statement once for all its uses in the change.
func (x *registerChange) stmt(text string) *sql.Stmt {
	stmt, ok := x.stmts[text]
	if !ok && x.err == nil {
		if stmt, x.err = x.conn.PrepareContext(x.ctx, text); x.err == nil {
			x.stmts[text] = stmt
		}
	}
	return stmt
}

func (x *registerChange) do(text string, args ...any) {
	if stmt := x.stmt(text); x.err == nil { //nolint:sqlclosecheck // close closes all that are prepared
		_, x.err = stmt.ExecContext(x.ctx, args...)
	}
}

// replace is an insert of all columns of a table that writes over a row that is there.
func replace(table, columns string) string {
	n := strings.Count(columns, ",")
	return `INSERT OR REPLACE INTO ` + table + ` (` + columns + `) VALUES (?` + strings.Repeat(", ?", n) + `)`
}

func (x *registerChange) devices() {
	text := replace("devices", deviceColumns)
	for i := range x.change.Devices {
		d := &x.change.Devices[i]
		if d.DevEUI.IsZero() {
			x.err = errors.New("a device without DevEUI")
		}
		x.do(text, deviceArgs(d, x.revision, x.change.At)...)
	}
}

func (x *registerChange) assets() {
	text := replace("assets", assetColumns)
	for i := range x.change.Assets {
		x.do(text, x.assetArgs(&x.change.Assets[i], x.revision, x.change.At)...)
	}
}

func (x *registerChange) bindings() {
	for _, b := range x.change.Dropped {
		x.do(`DELETE FROM bindings WHERE dev_eui = ? AND since = ?`, b.DevEUI.String(), b.From.UnixNano())
	}
	for _, b := range x.change.Bindings {
		x.do(`INSERT OR REPLACE INTO bindings (dev_eui, since, until, asset) VALUES (?, ?, ?, ?)`,
			b.DevEUI.String(), b.From.UnixNano(), nanos(b.To), b.Asset)
	}
}

// flush has nonces begin anew. Who answers a join of the device just now has read the old
// ones: the device's revision tells him.
func (x *registerChange) flush() {
	for _, devEUI := range x.change.Flushed {
		x.do(`UPDATE joins SET next_dev_nonce = 0, dev_nonces = x'', next_rjcount1 = 0, rejoin = NULL WHERE dev_eui = ?`, devEUI.String())
		x.do(`UPDATE devices SET revision = ?, changed = ? WHERE dev_eui = ?`, x.revision, x.change.At.UnixNano(), devEUI.String())
	}
}

func (x *registerChange) entries() {
	c := x.change
	for i := range c.Entries {
		e := &c.Entries[i]
		facts := "[]"
		if len(e.Facts) > 0 {
			facts = x.json(e.Facts)
		}
		x.do(`INSERT INTO audit (at, who, reason, origin, action, dev_eui, asset, facts) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			c.At.UnixNano(), c.By, c.Reason, c.From, string(e.Action), euiText(e.DevEUI), e.Asset, facts)
	}
}

// check finds what must never be so, whatever the change was made from.
func (x *registerChange) check() error {
	for i := range x.change.Bindings {
		if err := x.checkBinding(&x.change.Bindings[i]); err != nil {
			return err
		}
	}
	seen := map[city.EUI]bool{}
	look := func(devEUI city.EUI) error {
		if seen[devEUI] {
			return nil
		}
		seen[devEUI] = true
		return x.checkDevice(devEUI)
	}
	for i := range x.change.Devices {
		if err := look(x.change.Devices[i].DevEUI); err != nil {
			return err
		}
	}
	for _, all := range [][]register.Binding{x.change.Bindings, x.change.Dropped} {
		for i := range all {
			if err := look(all[i].DevEUI); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkBinding finds another one of the same device or asset at the same time.
func (x *registerChange) checkBinding(b *register.Binding) error {
	if b.Asset == "" || b.From.IsZero() || !b.To.IsZero() && !b.To.After(b.From) {
		return fmt.Errorf("device %s on asset %q from %s to %s: want an asset, and an end after the beginning", b.DevEUI, b.Asset, when(b.From), when(b.To))
	}
	from, to := b.From.UnixNano(), int64(math.MaxInt64)
	if !b.To.IsZero() {
		to = b.To.UnixNano()
	}
	const during = ` AND since < ? AND coalesce(until, 9223372036854775807) > ? LIMIT 1`
	for _, q := range []struct {
		text string
		args []any
	}{
		{`SELECT dev_eui, asset, since, until FROM bindings WHERE dev_eui = ? AND since <> ?` + during, []any{b.DevEUI.String(), from, to, from}},
		{`SELECT dev_eui, asset, since, until FROM bindings WHERE asset = ? AND NOT (dev_eui = ? AND since = ?)` + during, []any{b.Asset, b.DevEUI.String(), from, to, from}},
	} {
		stmt := x.stmt(q.text) //nolint:sqlclosecheck // close closes all that are prepared
		if x.err != nil {
			return x.err
		}
		other, err := scanBinding(stmt.QueryRowContext(x.ctx, q.args...))
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return err
		}
		return fmt.Errorf("device %s cannot hang on %s from %s to %s: device %s hangs on %s from %s to %s", b.DevEUI, b.Asset, when(b.From), when(b.To),
			other.DevEUI, other.Asset, when(other.From), when(other.To))
	}
	return nil
}

// when is a time for people.
func when(t time.Time) string {
	if t.IsZero() {
		return "now on"
	}
	return t.Format(time.RFC3339)
}

// checkDevice holds a device's state against where it hangs.
func (x *registerChange) checkDevice(devEUI city.EUI) error {
	stmt := x.stmt(`SELECT d.state, d.asset, coalesce((SELECT b.asset FROM bindings b WHERE b.dev_eui = d.dev_eui AND b.until IS NULL), '') FROM devices d WHERE d.dev_eui = ?`) //nolint:sqlclosecheck // close closes all that are prepared
	if x.err != nil {
		return x.err
	}
	var d register.Device
	var hangs string
	err := stmt.QueryRowContext(x.ctx, devEUI.String()).Scan(&d.State, &d.Asset, &hangs)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("device %s: %w", devEUI, register.ErrUnknown)
	case err != nil:
		return err
	case d.Hangs() && (d.Asset == "" || hangs != d.Asset):
		return fmt.Errorf("device %s is %s on asset %q, and a binding without end has it on %q: want the same", devEUI, d.State, d.Asset, hangs)
	case !d.Hangs() && hangs != "":
		return fmt.Errorf("device %s is %s, and a binding without end has it on %q: end that first", devEUI, d.State, hangs)
	}
	return nil
}
