package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"meldefunk/city"
	"meldefunk/storage/sqlite"
	"meldefunk/storage/storagetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, dir string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(context.Background(), dir, zerolog.New(zerolog.NewTestWriter(t)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestContract(t *testing.T) {
	storagetest.Run(t, func(t *testing.T, dir string) (storagetest.Store, func()) {
		s := open(t, dir)
		return s, func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestOneProcessPerFolder(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	_, err := sqlite.Open(t.Context(), dir, zerolog.Nop())
	want := fmt.Sprintf("is in use by process %d: stop it first", os.Getpid())
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("second open: %v, want it to say %q", err, want)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := open(t, dir).Close(); err != nil {
		t.Error(err)
	}
}

func TestRefusesWhatItCannotRead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, sqlite.FileName)
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database ", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := sqlite.Open(t.Context(), dir, zerolog.Nop())
	if err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("want an error that names the file, got %v", err)
	}
}

// What was committed must be on the disk and nothing may hide in a setting.
func TestSettings(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "auto_vacuum": "2"} {
		if got := s.Pragma(t, pragma); got != want {
			t.Errorf("%s = %s, want %s", pragma, got, want)
		}
	}
}

// future is a time after which nothing in the tests was received.
var future = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

func TestPruneKeepsTheNewestFrame(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	c := city.Commit{Sessions: []city.Session{{DevEUI: storagetest.Device, Epoch: 1, Cause: city.SessionFirst, Opened: time.Unix(1, 0)}}}
	for n := int64(1); n <= 2500; n++ {
		f, r := storagetest.Frame(n, 1)
		c.Frames, c.Readings = append(c.Frames, f), append(c.Readings, r)
	}
	if err := s.Commit(t.Context(), &c); err != nil {
		t.Fatal(err)
	}
	p, err := s.Prune(t.Context(), sqlite.Outdated{Frames: future})
	if err != nil || p.Frames != 2499 {
		t.Fatalf("pruned %d frames, %v; want 2499: the newest of a device stays", p.Frames, err)
	}
	m, err := s.Memory(t.Context(), storagetest.Device)
	if err != nil || len(m.Frames) != 1 || m.Sessions[0].Top != 2500 {
		t.Errorf("memory after pruning: %+v, %v", m, err)
	}
	if kept, err := s.ReadingsAfter(t.Context(), 0, 10000); err != nil || len(kept) != 2500 {
		t.Errorf("%d readings after pruning, %v; want all 2500", len(kept), err)
	}
}

// After Close everything is in one file, which can be copied.
func TestCloseLeavesOneFile(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	f, r := storagetest.Frame(1, 1)
	if err := s.Commit(t.Context(), &city.Commit{Frames: []city.Frame{f}, Readings: []city.Reading{r}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != sqlite.FileName && e.Name() != "meldefunk.lock" {
			t.Errorf("%s is left beside the database", e.Name())
		}
	}
}

// A fleet that nobody knows is forgotten from its old end.
func TestPruneBoundsWhatIsSetAside(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	var c city.Commit
	for n := range 100_500 {
		c.Aside = append(c.Aside, city.SetAside{Key: uint64(n), Topic: "t", Received: time.Unix(int64(n), 0), Reason: city.ReasonUnknownDevice, Count: 1})
	}
	if err := s.Commit(t.Context(), &c); err != nil {
		t.Fatal(err)
	}
	p, err := s.Prune(t.Context(), sqlite.Outdated{Aside: time.Unix(100, 0)})
	if err != nil || p.Aside != 500 {
		t.Fatalf("deleted %d, %v; want 100 that are old and 400 that are too many", p.Aside, err)
	}
	_, left, err := s.Asides(t.Context(), 0, 0)
	if err != nil || left != 100_000 {
		t.Errorf("%d left, %v", left, err)
	}
}

// BenchmarkCommit gives the cost of one uplink in batches of different sizes: frame,
// reading and asset state.
func BenchmarkCommit(b *testing.B) {
	for _, size := range []int{1, 32, 512} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := open(b, b.TempDir())
			defer s.Close()
			b.ReportAllocs()
			n := int64(0)
			for b.Loop() {
				var c city.Commit
				for range size {
					n++
					f, r := storagetest.Frame(n, 1)
					f.Uplink.DevEUI[7], f.Uplink.DevEUI[6] = byte(n), byte(n>>8&3)
					r.DevEUI, r.Asset = f.Uplink.DevEUI, "PK-"+fmt.Sprint(n%1000)
					r.Faults, r.Tail = nil, nil
					c.Frames, c.Readings = append(c.Frames, f), append(c.Readings, r)
					c.States = append(c.States, city.AssetState{Asset: r.Asset, Reading: n, Judged: r.Time.At})
				}
				c.Mark = city.Mark{Frame: n, Reading: n}
				if err := s.Commit(context.Background(), &c); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/uplink")
		})
	}
}

// A session at a broker is remembered across restarts, each under its name.
func TestBrokerSessions(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	at := time.Date(2026, 11, 21, 12, 0, 0, 7, time.UTC)
	for _, when := range []time.Time{at.Add(-time.Hour), at} {
		if err := s.RememberBrokerSession(t.Context(), "mqtt://a meldefunk-x", when); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	defer s.Close()
	for name, want := range map[string]time.Time{"mqtt://a meldefunk-x": at, "mqtt://a meldefunk-y": {}} {
		if got, err := s.BrokerSession(t.Context(), name); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}
