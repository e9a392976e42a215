package sqlite

import (
	"context"
	"strings"
	"testing"

	"meldefunk/city"
)

// MaxGateways is how many names of gateways are kept.
const MaxGateways = maxGateways

// Pragma reads a setting of the writing connection.
func (s *Store) Pragma(t *testing.T, name string) string {
	t.Helper()
	var v string
	if err := s.conn.QueryRowContext(t.Context(), "PRAGMA "+name).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// FollowAll is what works out what follows from cases, tickets and wishes.
const FollowAll = followAll

// PlanOfSamples tells how SQLite would look for samples.
func (s *Store) PlanOfSamples(ctx context.Context, q city.SampleQuery) (string, error) {
	query, args := samplesQuery(q)
	steps, err := all(ctx, &s.reader, "plan", func(row row) (string, error) {
		var id, parent, unused int
		var detail string
		err := row.Scan(&id, &parent, &unused, &detail)
		return detail, err
	}, "EXPLAIN QUERY PLAN "+query, args...)
	return strings.Join(steps, "\n"), err
}
