package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"meldefunk/city"
)

// openCase is how a case stands in the state of an asset.
type openCase struct {
	Rule  string     `json:"rule"`
	Ref   string     `json:"ref"`
	Since int64      `json:"since"`
	Grade city.Grade `json:"grade"`
}

const stateColumns = `asset, group_name, server, reading, judged, mind, cases, deadline, occupancy`

// State gives what is remembered of an asset, or of a group; of one never heard of, the
// zero state.
func (r *reader) State(ctx context.Context, asset, group string) (city.AssetState, error) {
	a, err := scanState(r.read.QueryRowContext(ctx, `SELECT `+stateColumns+` FROM asset_states WHERE asset = ? AND group_name = ?`, asset, group))
	if errors.Is(err, sql.ErrNoRows) {
		return city.AssetState{Asset: asset, Group: group}, nil
	}
	if err != nil {
		return a, fmt.Errorf("state of %s%s: %w", asset, group, err)
	}
	return a, nil
}

// Groups gives the states of all groups.
func (r *reader) Groups(ctx context.Context) ([]city.AssetState, error) {
	return all(ctx, r, "states of groups", scanState, `SELECT `+stateColumns+` FROM asset_states WHERE asset = '' ORDER BY group_name`)
}

// Dues tells of every state, and when it is due if it ever is, in no order.
func (r *reader) Dues(ctx context.Context, each func(city.Due)) error {
	return r.each(ctx, "deadlines", func(row row) error {
		var d city.Due
		var at sql.NullInt64
		if err := row.Scan(&d.Asset, &d.Group, &at); err != nil {
			return err
		}
		d.At = fromNanos(at)
		each(d)
		return nil
	}, `SELECT asset, group_name, deadline FROM asset_states`)
}

func scanState(row row) (city.AssetState, error) {
	var a city.AssetState
	var judged, deadline sql.NullInt64
	var cases string
	var occupancy sql.NullString
	if err := row.Scan(&a.Asset, &a.Group, &a.Server, &a.Reading, &judged, &a.Mind, &cases, &deadline, &occupancy); err != nil {
		return a, err
	}
	a.Judged, a.Deadline = fromNanos(judged), fromNanos(deadline)
	var open []openCase
	if err := json.Unmarshal([]byte(cases), &open); err != nil {
		return a, fmt.Errorf("cases: %w", err)
	}
	for _, c := range open {
		a.Cases = append(a.Cases, city.OpenCase{Rule: c.Rule, Ref: c.Ref, Since: time.Unix(0, c.Since).UTC(), Grade: c.Grade})
	}
	if occupancy.Valid {
		if err := json.Unmarshal([]byte(occupancy.String), &a.Occupancy); err != nil {
			return a, fmt.Errorf("occupancy: %w", err)
		}
	}
	return a, nil
}

func (w *writer) states(st *statements, states []city.AssetState) {
	w.insert(&st.states, len(states), func(i int, args []any) []any {
		a := &states[i]
		cases := "[]"
		if len(a.Cases) > 0 {
			open := make([]openCase, len(a.Cases))
			for i, c := range a.Cases {
				open[i] = openCase{c.Rule, c.Ref, c.Since.UnixNano(), c.Grade}
			}
			cases = w.json(open)
		}
		var mind any
		if len(a.Mind) > 0 {
			mind = a.Mind
		}
		return append(args, a.Asset, a.Group, a.Server, a.Reading, a.Judged.UnixNano(), mind, cases, nanos(a.Deadline), w.jsonOf(a.Occupancy != nil, a.Occupancy))
	})
}

// json writes what cannot fail to be written, unless it is not a number.
func (w *writer) json(v any) string {
	b, err := json.Marshal(v)
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("write %T: %w", v, err)
	}
	return string(b)
}
