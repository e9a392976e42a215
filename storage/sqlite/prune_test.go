package sqlite_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"meldefunk/city"
	"meldefunk/storage/sqlite"
	"meldefunk/storage/storagetest"
)

// town makes the commit of one hour: an uplink of each of so many devices, each on an asset
// of its own. Numbers and times rise from hour to hour.
func town(hour, devices int) *city.Commit {
	at := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(hour) * time.Hour)
	var c city.Commit
	for d := range devices {
		n := int64(hour*devices + d + 1)
		f, r := storagetest.Frame(n, 1)
		f.Uplink.DevEUI[6], f.Uplink.DevEUI[7] = byte(d>>8), byte(d)
		f.Uplink.FCnt, f.Uplink.Received = uint32(hour), at
		f.Uplink.Time.At = at
		r.DevEUI, r.Asset, r.FCnt, r.Received, r.Time.At = f.Uplink.DevEUI, "PK-"+strconv.Itoa(d), f.Uplink.FCnt, at, at
		c.Frames, c.Readings = append(c.Frames, f), append(c.Readings, r)
		c.States = append(c.States, city.AssetState{Asset: r.Asset, Reading: n, Judged: at})
		c.Mark = city.Mark{Frame: n, Reading: n}
	}
	return &c
}

// ids gives the numbers of the stored readings.
func ids(t *testing.T, s *sqlite.Store) []int64 {
	t.Helper()
	all, err := s.ReadingsAfter(t.Context(), 0, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	var got []int64
	for i := range all {
		got = append(got, all[i].ID)
	}
	return got
}

// Readings 1 to 8 are four hours of two devices.
func TestPruneReadings(t *testing.T) {
	at := func(hour int) time.Time { return town(hour, 1).Readings[0].Received }
	for name, c := range map[string]struct {
		old  sqlite.Outdated
		left []int64
	}{
		"kept for ever":              {sqlite.Outdated{Frames: future}, []int64{1, 2, 3, 4, 5, 6, 7, 8}},
		"by age":                     {sqlite.Outdated{Readings: at(2)}, []int64{5, 6, 7, 8}},
		"the newest of each asset":   {sqlite.Outdated{Readings: future}, []int64{7, 8}},
		"a follower is behind":       {sqlite.Outdated{Readings: future, Followers: []string{"a", "b"}}, []int64{4, 5, 6, 7, 8}},
		"a follower has not begun":   {sqlite.Outdated{Readings: future, Followers: []string{"a", "c"}}, []int64{1, 2, 3, 4, 5, 6, 7, 8}},
		"followers of old have gone": {sqlite.Outdated{Readings: future, Followers: []string{"a"}}, []int64{6, 7, 8}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			defer s.Close()
			for hour := range 4 {
				if err := s.Commit(t.Context(), town(hour, 2)); err != nil {
					t.Fatal(err)
				}
			}
			for follower, position := range map[string]int64{"a": 5, "b": 3} {
				if err := errors.Join(s.SetCursor(t.Context(), follower, position), s.Refuse(t.Context(), follower, 2, "no")); err != nil {
					t.Fatal(err)
				}
			}
			p, err := s.Prune(t.Context(), c.old)
			if err != nil || p.Readings != int64(8-len(c.left)) {
				t.Errorf("pruned %+v, %v", p, err)
			}
			if got := ids(t, s); !slices.Equal(got, c.left) {
				t.Errorf("left %v, want %v", got, c.left)
			}
			latest, err := s.Latest(t.Context())
			if err != nil || len(latest) != 2 {
				t.Errorf("%d latest readings, %v; want one of each asset", len(latest), err)
			}
			var refused int
			if err := raw(t, dir).QueryRow(`SELECT count(*) FROM refused`).Scan(&refused); err != nil {
				t.Fatal(err)
			}
			if gone := !slices.Contains(c.left, 2); gone != (refused == 0) {
				t.Errorf("%d notes on refused readings, reading 2 is gone: %v", refused, gone)
			}
		})
	}
}

// Deletion that is stopped goes on where it was the next time. Time passes in its pauses
// only: the deadline comes in the second one.
func TestPruneStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, t.TempDir())
		defer s.Close()
		for hour := range 2 {
			if err := s.Commit(t.Context(), town(hour, 3000)); err != nil {
				t.Fatal(err)
			}
		}
		ctx, stop := context.WithTimeout(t.Context(), 30*time.Millisecond)
		defer stop()
		first, err := s.Prune(ctx, sqlite.Outdated{Frames: future})
		if !errors.Is(err, context.DeadlineExceeded) || first.Frames == 0 || first.Frames > 400 {
			t.Fatalf("stopped: %+v, %v; want two steps", first, err)
		}
		second, err := s.Prune(t.Context(), sqlite.Outdated{Frames: future})
		if err != nil || first.Frames+second.Frames != 3000 {
			t.Errorf("%d frames deleted, then %d, %v; want 3000 in all", first.Frames, second.Frames, err)
		}
	})
}

// size is that of the database file; the journal is not counted.
func size(t *testing.T, dir string) int64 {
	t.Helper()
	info, err := os.Stat(filepath.Join(dir, sqlite.FileName))
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// Thirty days of traffic with seven days of retention: the file grows for a week and then
// keeps its size.
func TestThirtyDays(t *testing.T) {
	const devices, days, week, daily = 200, 30, 7, 4
	dir := t.TempDir()
	s := open(t, dir)
	defer s.Close()
	checkpoint(t, dir)
	empty := size(t, dir) // each table has a page from the beginning
	var sizes []int64
	for day := range days {
		for n := range daily {
			if err := s.Commit(t.Context(), town(day*daily+n, devices)); err != nil {
				t.Fatal(err)
			}
		}
		before := town((day+1-week)*daily, 1).Readings[0].Received
		if _, err := s.Prune(t.Context(), sqlite.Outdated{Frames: before, Readings: before}); err != nil {
			t.Fatal(err)
		}
		checkpoint(t, dir)
		sizes = append(sizes, size(t, dir))
	}
	full := sizes[week]
	if slices.Max(sizes[week:])-full > full/10 || full-empty < 5*(sizes[0]-empty) {
		t.Errorf("size of the file day by day: %v; want it to stay after a week", sizes)
	}
	if left := len(ids(t, s)); left != week*daily*devices {
		t.Errorf("%d readings are left, want a week's %d", left, week*daily*devices)
	}
}

// What a shorter retention leaves empty goes back to the file system, all but a tenth. The
// journal does not grow with what is deleted, although nobody else writes.
func TestFileShrinks(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	defer s.Close()
	for hour := range 20 {
		if err := s.Commit(t.Context(), town(hour, 500)); err != nil {
			t.Fatal(err)
		}
	}
	checkpoint(t, dir)
	before := size(t, dir)
	p, err := s.Prune(t.Context(), sqlite.Outdated{Frames: future, Readings: future})
	if err != nil {
		t.Fatal(err)
	}
	if waits := journal(t, dir); waits == 0 || waits > 12<<20 {
		t.Errorf("%d bytes wait in the journal after deletion, want some, below 12 MiB", waits)
	}
	checkpoint(t, dir)
	if after := size(t, dir); after > before/5 || before-after != p.Bytes {
		t.Errorf("file of %d bytes has %d after deletion, told of %d; want a twentieth of the rows to need less than a fifth of it", before, after, p.Bytes)
	}
}

// journal is the size of what waits to be moved into the database file.
func journal(t *testing.T, dir string) int64 {
	t.Helper()
	info, err := os.Stat(filepath.Join(dir, sqlite.FileName+"-wal"))
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// checkpoint moves what waits in the journal into the file.
func checkpoint(t *testing.T, dir string) {
	t.Helper()
	if _, err := raw(t, dir).Exec(`PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkCommitBesideDeletion gives the longest of many small commits while a large
// backlog is deleted, beside that of the same commits while nothing is.
func BenchmarkCommitBesideDeletion(b *testing.B) {
	const devices, hours = 500, 8
	s := open(b, b.TempDir())
	defer s.Close()
	for hour := range hours {
		if err := s.Commit(b.Context(), town(hour, devices)); err != nil {
			b.Fatal(err)
		}
	}
	before := town(hours, 1).Readings[0].Received
	next := hours * devices / 10
	longest := func(until <-chan struct{}, atMost int) (n int, worst time.Duration) {
		for ; n < atMost; n++ {
			select {
			case <-until:
				return n, worst
			default:
			}
			c := town(next, 10)
			next++
			start := time.Now()
			if err := s.Commit(b.Context(), c); err != nil {
				b.Fatal(err)
			}
			worst = max(worst, time.Since(start))
		}
		return n, worst
	}
	for b.Loop() {
		done := make(chan struct{})
		var err error
		go func() {
			defer close(done)
			_, err = s.Prune(b.Context(), sqlite.Outdated{Frames: before, Readings: before})
		}()
		n, beside := longest(done, 1<<30)
		<-done
		if err != nil {
			b.Fatal(err)
		}
		_, quiet := longest(nil, n)
		b.ReportMetric(float64(n), "commits")
		b.ReportMetric(float64(beside.Microseconds())/1000, "ms-beside")
		b.ReportMetric(float64(quiet.Microseconds())/1000, "ms-quiet")
	}
}

// Events that are too old go; what is newest of a device's status stays.
func TestPruneEvents(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	var c city.Commit
	for n := range 1200 { // more than a step deletes
		c.Events = append(c.Events, city.DeviceEvent{DevEUI: city.EUI{7: byte(n % 8)}, Ident: uint64(n), At: time.Unix(int64(n), 0),
			Kind: city.DeviceStatus, Status: &city.Status{Margin: int8(n % 8)}})
	}
	if err := s.Commit(t.Context(), &c); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		before time.Time
		want   int64
	}{{time.Time{}, 0}, {time.Unix(1160, 0), 1160}, {time.Unix(1160, 0), 0}, {time.Unix(5000, 0), 40}} {
		p, err := s.Prune(t.Context(), sqlite.Outdated{Events: tt.before})
		if err != nil || p.Events != tt.want {
			t.Errorf("before %v: deleted %d, %v; want %d", tt.before, p.Events, err, tt.want)
		}
	}
	news, err := s.DeviceNews(t.Context(), city.EUI{7: 3}, 10)
	if err != nil || len(news.Events) != 0 || news.Status == nil || news.Status.Margin != 3 || !news.StatusAt.Equal(time.Unix(1195, 0)) {
		t.Errorf("got %+v, %v", news, err)
	}
}

// Decisions go when they are old, unless their case is open; deaf times when they are over.
func TestPruneDecisions(t *testing.T) {
	s := open(t, t.TempDir())
	t.Cleanup(func() { _ = s.Close() })
	at := func(hour int) time.Time { return town(hour, 1).Readings[0].Received }
	c := &city.Commit{
		Cases: []city.Case{{Ref: "S-OPEN0001", Rule: "full", Asset: "PK-1", Since: at(0), Opened: at(0)}},
		Deaf:  []city.Deafness{{Server: "a", Since: at(0), Until: at(1)}, {Server: "a", Since: at(2), Until: at(3)}},
	}
	for n, ref := range []string{"", "S-OPEN0001", "S-GONE0001", ""} {
		c.Rulings = append(c.Rulings, city.Ruling{ID: int64(n + 1), Case: ref, Decision: city.Decision{Rule: "full", Asset: "PK-1", At: at(n), Decided: at(n)}})
	}
	if err := s.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	p, err := s.Prune(t.Context(), sqlite.Outdated{Decisions: at(3), Deaf: at(2)})
	if err != nil || p.Decisions != 2 {
		t.Errorf("pruned %+v, %v; want two decisions", p, err)
	}
	left, err := s.DecisionsAfter(t.Context(), 0, 10)
	if err != nil || len(left) != 2 || left[0].ID != 2 || left[1].ID != 4 {
		t.Errorf("left: %+v, %v", left, err)
	}
	deaf, err := s.Deafness(t.Context())
	if err != nil || len(deaf) != 1 || !deaf[0].Since.Equal(at(2)) {
		t.Errorf("deaf times left: %+v, %v", deaf, err)
	}
}
