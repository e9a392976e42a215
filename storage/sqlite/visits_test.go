package sqlite_test

import (
	"slices"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/storage/sqlite"
)

func TestVisits(t *testing.T) {
	ctx := t.Context()
	s, err := sqlite.Open(ctx, t.TempDir(), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	at := time.Date(2026, 11, 20, 6, 58, 0, 0, time.UTC)
	visit := func(hours int, asset string, o city.VisitOutcome, note string) city.Visit {
		return city.Visit{At: at.Add(time.Duration(hours) * time.Hour), Asset: asset, Tour: "Tour 1", By: "Erika <Mustermann>", Outcome: o, Note: note}
	}
	first := []city.Visit{visit(0, "PK-1", city.VisitDone, ""), visit(0, "B/7 ö", city.VisitFailed, "zugeparkt")}
	other := visit(0, "PK-9", city.VisitDone, "")
	other.Tour = "Tour 2"
	for _, batch := range [][]city.Visit{first, first, {visit(24, "PK-1", city.VisitDone, "")}, {other}, nil} { // the second is the form sent twice
		if err := s.PutVisits(ctx, batch); err != nil {
			t.Fatal(err)
		}
	}
	want := []city.Visit{visit(24, "PK-1", city.VisitDone, ""), first[1], first[0]}
	got, err := s.Visits(ctx, "Tour 1", at, 10)
	for i := range got {
		if got[i].ID == 0 {
			t.Error("a visit has no number")
		}
	}
	strip := func(all []city.Visit) []city.Visit {
		all = slices.Clone(all)
		for i := range all {
			all[i].ID = 0
		}
		return all
	}
	if err != nil || !slices.Equal(strip(got), want) {
		t.Fatalf("visits are %+v, %v; want %+v", got, err, want)
	}
	if few, err := s.Visits(ctx, "Tour 1", at.Add(time.Second), 10); err != nil || len(few) != 1 {
		t.Errorf("since a second later there are %d, %v; want 1", len(few), err)
	}
	if few, err := s.Visits(ctx, "Tour 1", at, 1); err != nil || len(few) != 1 || few[0].ID != got[0].ID {
		t.Errorf("the newest one is %+v, %v", few, err)
	}
	done := func(want int) []city.Visit {
		t.Helper()
		last, err := s.LastDone(ctx, []string{"PK-1", "B/7 ö", "never"})
		if err != nil || len(last) != want {
			t.Fatalf("last done are %+v, %v; want %d", last, err, want)
		}
		return last
	}
	if last := done(1); !last[0].At.Equal(at.Add(24 * time.Hour)) {
		t.Errorf("PK-1 was done last at %s", last[0].At)
	}
	for range 2 { // the second changes nothing
		if known, err := s.WithdrawVisit(ctx, got[0].ID, "Max Muster", at.Add(25*time.Hour)); !known || err != nil {
			t.Fatalf("withdrawing: %v, %v", known, err)
		}
	}
	if last := done(1); !last[0].At.Equal(at) {
		t.Errorf("after the newest was withdrawn, PK-1 was done last at %s", last[0].At)
	}
	if again, _ := s.Visits(ctx, "Tour 1", at, 1); again[0].WithdrawnBy != "Max Muster" || !again[0].Withdrawn.Equal(at.Add(25*time.Hour)) {
		t.Errorf("the withdrawn one is %+v", again[0])
	}
	if known, err := s.WithdrawVisit(ctx, 4711, "Max Muster", at); known || err != nil {
		t.Errorf("withdrawing what is not there: %v, %v", known, err)
	}
	if _, err := s.Prune(ctx, sqlite.Outdated{Decisions: at.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if left, _ := s.Visits(ctx, "Tour 1", at, 10); len(left) != 1 {
		t.Errorf("after tidying up there are %d visits, want 1", len(left))
	}
}
