package csv

import (
	"bytes"
	"context"
	stdcsv "encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"meldefunk/city"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cases are what is open, as the store would tell.
type cases struct {
	mu   sync.Mutex
	open []city.Order
	err  error
}

func (c *cases) list(context.Context) ([]city.Order, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.open), c.err
}

func (c *cases) set(err error, open ...city.Order) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open, c.err = open, err
}

func service(code string) (string, string) {
	if code == "OS-ABF-01" {
		return "Papierkorb voll", "OSB Straßenreinigung"
	}
	return "", ""
}

func order(ref, name string) city.Order {
	return city.Order{
		Case:  city.Case{Ref: ref, Service: "OS-ABF-01", Asset: "PK-0042", Opened: time.Date(2026, 7, 1, 9, 5, 0, 0, time.UTC)},
		Asset: &city.Asset{ID: "PK-0042", Address: name, Position: &city.Position{Lat: 52.2786, Lon: -8.0431}},
		Title: "Papierkorb voll – PK-0042 🗑", Text: "Füllstand 96,5 %; \"voll\"\n[Ref " + ref + "]",
		Attributes: []city.Attribute{{Code: "messwert", Value: "96.5"}, {Code: "einheit", Value: "%"}},
	}
}

func start(t *testing.T, c *cases) (*System, string, func()) {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	cfg := DefaultConfig()
	cfg.Folder, cfg.Every = t.TempDir(), time.Second
	s, err := New(cfg, c.list, service, zone, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return s, cfg.Folder, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// table reads a file as its readers do.
func table(t *testing.T, name string, comma rune) [][]string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	r := stdcsv.NewReader(bytes.NewReader(bytes.TrimPrefix(b, []byte("\ufeff"))))
	r.Comma = comma
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-deadline:
			t.Fatalf("%s did not happen", what)
		case <-tick.C:
		}
	}
}

func TestBothForms(t *testing.T) {
	c := &cases{}
	routed := order("S-00000002", "=HYPERLINK(\"x\")")
	routed.Attributes = append(routed.Attributes, city.Attribute{Code: "zustaendig", Value: "Bauhof"})
	c.set(nil, order("S-00000001", "Domhof 4\r\n"), routed)
	s, folder, stop := start(t, c)
	if id, err := s.Create(t.Context(), order("S-00000002", "")); err != nil || id != "S-00000002" {
		t.Fatalf("%q, %v", id, err)
	}
	stop()
	column := func(name string) int { return slices.Index(columns, name) }
	rows := table(t, filepath.Join(folder, MachineFile), ',')
	if len(rows) != 3 || !slices.Equal(rows[0], columns) {
		t.Fatalf("%q", rows)
	}
	if got := rows[2][column("agency_responsible")]; got != "Bauhof" {
		t.Errorf("the unit of the route is %q", got)
	}
	for name, want := range map[string]string{
		"ref": "S-00000001", "requested_datetime": "2026-07-01T09:05:00Z", "lat": "52.278600", "long": "-8.043100", "address": "Domhof 4  ",
		"agency_responsible": "OSB Straßenreinigung", "attributes": "messwert=96.5 | einheit=%", "title": "Papierkorb voll – PK-0042 🗑",
		"description": "Füllstand 96,5 %; \"voll\"\n[Ref S-00000001]",
	} {
		if got := rows[1][column(name)]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got := rows[2][column("address")]; got != `=HYPERLINK("x")` {
		t.Errorf("machines read %q", got)
	}
	rows = table(t, filepath.Join(folder, ExcelFile), ';')
	for name, want := range map[string]string{"requested_datetime": "01.07.2026 11:05", "lat": "52,278600", "long": "-8,043100", "address": `'=HYPERLINK("x")`} {
		if got := rows[2][column(name)]; got != want {
			t.Errorf("Excel reads %s as %q, want %q", name, got, want)
		}
	}
	if b, err := os.ReadFile(filepath.Join(folder, ExcelFile)); err != nil || !bytes.HasPrefix(b, []byte{0xef, 0xbb, 0xbf}) {
		t.Errorf("no byte order mark, %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(folder, ".meldefunk-*")); err != nil || len(left) != 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

// Whoever reads while cases come and go always sees a whole list.
func TestReadersSeeWholeLists(t *testing.T) {
	c := &cases{}
	var many []city.Order
	for i := range 500 {
		many = append(many, order("S-"+strings.Repeat("0", i%8), "Domhof"))
	}
	s, folder, stop := start(t, c)
	defer stop()
	name := filepath.Join(folder, MachineFile)
	until(t, "the first list", func() bool { _, err := os.Stat(name); return err == nil })
	c.set(nil, many...)
	if _, err := s.Create(t.Context(), many[0]); err != nil {
		t.Fatal(err)
	}
	until(t, "the long list", func() bool {
		n := len(table(t, name, ','))
		if n != 1 && n != 501 {
			t.Fatalf("half a list: %d rows", n)
		}
		return n == 501
	})
	c.set(nil)
	if err := s.Close(t.Context(), many[0], ""); err != nil {
		t.Fatal(err)
	}
	until(t, "the empty list", func() bool { return len(table(t, name, ',')) == 1 })
}

func TestTroubleIsToldAndPasses(t *testing.T) {
	c := &cases{}
	c.set(errors.New("store is away"))
	s, folder, stop := start(t, c)
	defer stop()
	until(t, "the trouble", func() bool { return strings.Contains(s.Trouble(), "store is away") })
	c.set(nil, order("S-00000001", "Domhof"))
	until(t, "the list", func() bool { return s.Trouble() == "" })
	if rows := table(t, filepath.Join(folder, MachineFile), ','); len(rows) != 2 {
		t.Errorf("%d rows, want 2", len(rows))
	}
}

func TestConfig(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		words  string
	}{
		"no folder":      {func(c *Config) { c.Folder = "" }, "folder is missing"},
		"too often":      {func(c *Config) { c.Every = 0 }, "1s to 1h"},
		"missing folder": {func(c *Config) { c.Folder += "/nowhere" }, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := DefaultConfig()
			cfg.Folder = t.TempDir()
			c.change(&cfg)
			if _, err := New(cfg, nil, service, time.UTC, zerolog.Nop()); err == nil || !strings.Contains(err.Error(), c.words) {
				t.Fatalf("%v, want %q", err, c.words)
			}
		})
	}
}
