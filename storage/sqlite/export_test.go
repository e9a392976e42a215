package sqlite

import "testing"

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
