package sqlite_test

import (
	"slices"
	"testing"
	"time"

	"meldefunk/city"
)

// TestReadings pages through an asset's readings in both directions, with bounds in time, and
// comes past each exactly once.
func TestReadings(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	var all []city.Reading
	for i := range 12 {
		c := town(i, 3)
		if i%3 == 2 { // two readings of the same time, as of two devices
			c.Readings[1].Asset, c.Readings[1].Time = c.Readings[0].Asset, c.Readings[0].Time
		}
		if err := s.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		for _, r := range c.Readings {
			if r.Asset == c.Readings[0].Asset {
				all = append(all, r)
			}
		}
	}
	asset := all[0].Asset
	from, to := all[2].Time.At, all[len(all)-3].Time.At
	for _, test := range []struct {
		name  string
		query city.ReadingQuery
	}{
		{"oldest first", city.ReadingQuery{Asset: asset, Limit: 1}},
		{"newest first", city.ReadingQuery{Asset: asset, Limit: 2, NewestFirst: true}},
		{"from", city.ReadingQuery{Asset: asset, Limit: 3, From: from}},
		{"to", city.ReadingQuery{Asset: asset, Limit: 5, To: to, NewestFirst: true}},
		{"between", city.ReadingQuery{Asset: asset, Limit: 1, From: from, To: to}},
		{"nothing between", city.ReadingQuery{Asset: asset, Limit: 1, From: to.Add(1000 * time.Hour)}},
		{"no such asset", city.ReadingQuery{Asset: "PK-9999", Limit: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var want, got []int64
			for _, r := range all {
				if test.query.Asset == r.Asset && (test.query.From.IsZero() || !r.Time.At.Before(from)) && (test.query.To.IsZero() || r.Time.At.Before(to)) && !r.Time.At.Before(test.query.From) {
					want = append(want, r.ID)
				}
			}
			if test.query.NewestFirst {
				slices.Reverse(want)
			}
			for q := test.query; ; {
				page, err := s.Readings(t.Context(), q)
				if err != nil || len(page) > q.Limit {
					t.Fatalf("%d readings, %v", len(page), err)
				}
				if len(page) == 0 {
					break
				}
				for _, r := range page {
					got = append(got, r.ID)
				}
				last := page[len(page)-1]
				q.AfterTime, q.AfterID = last.Time.At, last.ID
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
	if _, err := s.Readings(t.Context(), city.ReadingQuery{Asset: asset}); err == nil {
		t.Error("a query without a limit was answered")
	}
}
