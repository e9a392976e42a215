package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"meldefunk/city"
)

// Decisions gives what was decided about a case, in order.
func (r *reader) Decisions(ctx context.Context, ref string) ([]city.Ruling, error) {
	return r.queryRulings(ctx, `SELECT id, case_ref, record FROM decisions WHERE case_ref = ? AND case_ref <> '' ORDER BY id`, ref)
}

// DecisionsAt gives what was decided about an asset, or a group, newest first, at most limit.
func (r *reader) DecisionsAt(ctx context.Context, asset, group string, limit int) ([]city.Ruling, error) {
	return r.queryRulings(ctx, `SELECT id, case_ref, record FROM decisions WHERE asset = ? AND group_name = ? ORDER BY id DESC LIMIT ?`, asset, group, limit)
}

// DecisionsAfter gives decisions with rising numbers above id, at most limit.
func (r *reader) DecisionsAfter(ctx context.Context, id int64, limit int) ([]city.Ruling, error) {
	return r.queryRulings(ctx, `SELECT id, case_ref, record FROM decisions WHERE id > ? ORDER BY id LIMIT ?`, id, limit)
}

func (r *reader) queryRulings(ctx context.Context, query string, args ...any) ([]city.Ruling, error) {
	rows, err := r.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read decisions: %w", err)
	}
	defer rows.Close()
	var all []city.Ruling
	for rows.Next() {
		var d city.Ruling
		var record []byte
		if err := rows.Scan(&d.ID, &d.Case, &record); err != nil {
			return nil, fmt.Errorf("read decisions: %w", err)
		}
		if err := json.Unmarshal(record, &d.Decision); err != nil {
			return nil, fmt.Errorf("decision %d: %w", d.ID, err)
		}
		all = append(all, d)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read decisions: %w", err)
	}
	return all, nil
}

func (w *writer) rulings(st *statements, rulings []city.Ruling) {
	w.insert(&st.rulings, len(rulings), func(i int, args []any) []any {
		d := &rulings[i]
		return append(args, d.ID, d.Case, d.Rule, d.Version, d.Asset, d.Group, d.At.UnixNano(), d.Decided.UnixNano(), d.Change, w.json(&d.Decision))
	})
}

// Deafness gives the times in which network servers could not be heard, in order.
func (r *reader) Deafness(ctx context.Context) ([]city.Deafness, error) {
	rows, err := r.read.QueryContext(ctx, `SELECT server, since, until FROM deaf ORDER BY server, since`)
	if err != nil {
		return nil, fmt.Errorf("read deaf times: %w", err)
	}
	defer rows.Close()
	var all []city.Deafness
	for rows.Next() {
		var d city.Deafness
		var since, until int64
		if err := rows.Scan(&d.Server, &since, &until); err != nil {
			return nil, fmt.Errorf("read deaf times: %w", err)
		}
		d.Since, d.Until = time.Unix(0, since).UTC(), time.Unix(0, until).UTC()
		all = append(all, d)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read deaf times: %w", err)
	}
	return all, nil
}

func (w *writer) deaf(st *statements, all []city.Deafness) {
	for i := range all {
		d := &all[i]
		w.exec(st.deaf, d.Server, d.Since.UnixNano(), d.Until.UnixNano())
	}
}
