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
	return all(ctx, r, "read decisions", func(row row) (d city.Ruling, err error) {
		var record []byte
		if err := row.Scan(&d.ID, &d.Case, &record); err != nil {
			return d, err
		}
		if err := json.Unmarshal(record, &d.Decision); err != nil {
			return d, fmt.Errorf("decision %d: %w", d.ID, err)
		}
		return d, nil
	}, query, args...)
}

func (w *writer) rulings(st *statements, rulings []city.Ruling) {
	w.insert(&st.rulings, len(rulings), func(i int, args []any) []any {
		d := &rulings[i]
		return append(args, d.ID, d.Case, d.Rule, d.Version, d.Asset, d.Group, d.At.UnixNano(), d.Decided.UnixNano(), d.Change, w.json(&d.Decision))
	})
}

// Deafness gives the times in which network servers could not be heard, in order.
func (r *reader) Deafness(ctx context.Context) ([]city.Deafness, error) {
	return all(ctx, r, "read deaf times", func(row row) (d city.Deafness, err error) {
		var since, until int64
		err = row.Scan(&d.Server, &since, &until)
		d.Since, d.Until = time.Unix(0, since).UTC(), time.Unix(0, until).UTC()
		return d, err
	}, `SELECT server, since, until FROM deaf ORDER BY server, since`)
}

func (w *writer) deaf(st *statements, all []city.Deafness) {
	for i := range all {
		d := &all[i]
		w.exec(st.deaf, d.Server, d.Since.UnixNano(), d.Until.UnixNano())
	}
}
