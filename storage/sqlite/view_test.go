package sqlite_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/storage/sqlite"
)

// A view reads beside the owner of the folder, sees what is committed meanwhile, and leaves
// nothing behind.
func TestView(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	aside := func(key uint64) *city.Commit {
		return &city.Commit{Aside: []city.SetAside{{Key: key, Reason: city.ReasonMalformed, Received: time.Unix(int64(key), 0)}}}
	}
	count := func(v *sqlite.View, want int64) {
		t.Helper()
		if _, n, err := v.Asides(t.Context(), 10, 0); err != nil || n != want {
			t.Errorf("%d messages, %v; want %d", n, err, want)
		}
	}
	if err := s.Commit(t.Context(), aside(1)); err != nil {
		t.Fatal(err)
	}
	v, err := sqlite.OpenView(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	count(v, 1)
	if err := s.Commit(t.Context(), aside(2)); err != nil {
		t.Fatal(err)
	}
	count(v, 2)
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if v, err = sqlite.OpenView(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	count(v, 2)
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("left behind: %v, %v; want the database and its lock only", entries, err)
	}
}

func TestViewRefuses(t *testing.T) {
	for name, c := range map[string]struct{ prepare, want string }{
		"no database":  {"", "there is no database"},
		"older schema": {"PRAGMA user_version = 1", "schema 1, this one reads"},
		"newer schema": {"PRAGMA user_version = 999", "newer version of meldefunk: schema 999"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if c.prepare != "" {
				if err := open(t, dir).Close(); err != nil {
					t.Fatal(err)
				}
				if _, err := raw(t, dir).Exec(c.prepare); err != nil {
					t.Fatal(err)
				}
			}
			_, err := sqlite.OpenView(t.Context(), dir)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q in it", err, c.want)
			}
			if entries, _ := os.ReadDir(dir); c.prepare == "" && len(entries) > 0 {
				t.Errorf("a view has made %v", entries)
			}
		})
	}
}
