package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"meldefunk/city"
	"meldefunk/city/register"
)

// usualTrail is how many entries are given where nobody says how many.
const usualTrail = 100

// Trail gives entries of the register's audit trail, the newest first; without a limit 100.
func (r *reader) Trail(ctx context.Context, t register.Trail) ([]register.Entry, error) {
	query, args := `SELECT id, at, who, reason, origin, action, dev_eui, asset, facts FROM audit WHERE id < ?`, []any{int64(1 << 62)}
	if t.Before > 0 {
		args[0] = t.Before
	}
	if !t.DevEUI.IsZero() {
		query += ` AND dev_eui <> '' AND dev_eui = ?`
		args = append(args, t.DevEUI.String())
	}
	if t.Asset != "" {
		query += ` AND asset <> '' AND asset = ?`
		args = append(args, t.Asset)
	}
	if t.Limit <= 0 {
		t.Limit = usualTrail
	}
	return all(ctx, r, "read the audit trail", scanEntry, query+` ORDER BY id DESC LIMIT ?`, append(args, t.Limit)...)
}

func scanEntry(row row) (register.Entry, error) {
	var e register.Entry
	var at int64
	var action, devEUI, facts string
	if err := row.Scan(&e.ID, &at, &e.By, &e.Reason, &e.From, &action, &devEUI, &e.Asset, &facts); err != nil {
		return e, err
	}
	e.At, e.Action = time.Unix(0, at).UTC(), register.Action(action)
	if devEUI != "" {
		var err error
		if e.DevEUI, err = city.ParseEUI(devEUI); err != nil {
			return e, err
		}
	}
	if facts == "[]" {
		return e, nil
	}
	if err := json.Unmarshal([]byte(facts), &e.Facts); err != nil {
		return e, fmt.Errorf("entry %d: facts: %w", e.ID, err)
	}
	return e, nil
}
