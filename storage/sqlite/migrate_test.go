package sqlite_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/storage/sqlite"
	"meldefunk/storage/storagetest"
)

// raw opens the database file of a folder, bypassing the store.
func raw(t testing.TB, dir string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, sqlite.FileName))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// columns gives every column of every table and index, in order.
func columns(t *testing.T, dir string) []string {
	t.Helper()
	rows, err := raw(t, dir).Query(`SELECT m.name || '.' || c.name || ' ' || c.type || ' ' || c."notnull" || ' ' || c.pk
		FROM sqlite_schema m, pragma_table_info(m.name) c
		UNION ALL SELECT m.name || '.' || coalesce(c.name, '(expression)') || ' of ' || m.tbl_name
		FROM sqlite_schema m, pragma_index_info(m.name) c WHERE m.type = 'index' ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// A file that the first version wrote is brought up to date at opening: what was in it is
// still there, and its tables are those of a new file.
func TestFileOfTheFirstVersion(t *testing.T) {
	old, fresh := t.TempDir(), t.TempDir()
	schema, err := os.ReadFile("testdata/schema-1.sql")
	if err != nil {
		t.Fatal(err)
	}
	f, r := storagetest.Frame(7, 1)
	at := r.Time.At.UnixNano()
	for _, text := range []string{
		string(schema), `PRAGMA user_version = 1`,
		fmt.Sprintf(`INSERT INTO readings VALUES (7, '%s', 'PK-1', 'bin', 'milesight/em310-udl', 1, 7, %d, 'gateway', %d,
			'{"fill_level":82.5}', '', NULL, 0, -118, -7.5, 12, 2)`, f.Uplink.DevEUI, at, at),
		fmt.Sprintf(`INSERT INTO frames VALUES (7, '%s', 1, 7, 85, x'017507', 'read', %d, 'gateway', %d, 7, 7, 'ns', '', 0, 868100000, 'gw-1', -118, -7.5, 12, 2)`,
			f.Uplink.DevEUI, at, at),
		fmt.Sprintf(`INSERT INTO asset_states VALUES ('PK-1', 7, %d, '[{"Rule":"bin-full","Phase":2,"Case":"S-AAAAAAAA"}]')`, at),
		fmt.Sprintf(`INSERT INTO cases VALUES ('S-AAAAAAAA', 'bin-full', 'OS-ABF-01', 'PK-1', 'fill_level', 95, 90, %d, '', '', %d, NULL, NULL, NULL)`, at, at),
	} {
		if _, err := raw(t, old).Exec(text); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the second time there is nothing to do
		s := open(t, old)
		got, err := s.Latest(t.Context())
		if err != nil || len(got) != 1 || got[0].Values[0].Number != 82.5 || got[0].Raw != nil {
			t.Errorf("after the update: %+v, %v", got, err)
		}
		frames, err := s.FramesOf(t.Context(), f.Uplink.DevEUI, 0, 10)
		if err != nil || len(frames) != 1 || frames[0].Uplink.FCnt != 7 || frames[0].Uplink.Envelope != nil {
			t.Errorf("frames after the update: %+v, %v", frames, err)
		}
		// The case that is open is known to the road, so that its rule can close it.
		state, err := s.State(t.Context(), "PK-1", "")
		if err != nil || len(state.Cases) != 1 || state.Cases[0] != (city.OpenCase{Rule: "bin-full", Ref: "S-AAAAAAAA", Since: r.Time.At}) || state.Mind != nil {
			t.Errorf("state after the update: %+v, %v", state, err)
		}
		if mode := s.Pragma(t, "auto_vacuum"); mode != "2" {
			t.Errorf("auto_vacuum = %s: the file would never become smaller", mode)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	// What came through which gateway is known of old readings and of new ones.
	s := open(t, old)
	f, r = storagetest.Frame(8, 1)
	f.Uplink.Radio.Gateway, r.Radio.Gateway = "gw-2", "gw-2"
	if err := s.Commit(t.Context(), &city.Commit{Frames: []city.Frame{f}, Readings: []city.Reading{r}}); err != nil {
		t.Fatal(err)
	}
	if got := gatewaysOf(t, s); !slices.Equal(got, []string{"gw-1", "gw-2"}) {
		t.Errorf("gateways after the update: %q", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := open(t, fresh).Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := columns(t, old), columns(t, fresh); !slices.Equal(got, want) {
		t.Errorf("columns after the update\n%s\nwant those of a new file\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Tickets that were sent before systems had names, and before changes were told, go on as if
// everything had been told.
func TestTicketsOfVersion8(t *testing.T) {
	old, fresh := t.TempDir(), t.TempDir()
	schema, err := os.ReadFile("testdata/schema-8.sql")
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{string(schema), `PRAGMA user_version = 8`}
	for i, row := range []struct{ state, id, closed string }{
		{"open", "1001", "NULL"}, {"open", "1002", "3000"}, {"queued", "", "NULL"}, {"unsure", "", "NULL"}, {"parked", "1005", "NULL"},
		{"closed", "1006", "3000"}, {"cancelled", "", "3000"}, {"held", "", "NULL"},
	} {
		texts = append(texts,
			fmt.Sprintf(`INSERT INTO cases VALUES ('S-%d', 'bin-full', 'OS-ABF-01', '', 'fill_level', 95, 90, 500, '', '', %d, %s, NULL, NULL, 'tour:%d', '["PK-1"]', 2, NULL, 0)`,
				i+1, 1000+i, row.closed, i),
			fmt.Sprintf(`INSERT INTO tickets VALUES ('S-%d', '%s', '%s', 0, 1, 2000, NULL, '', 2000)`, i+1, row.state, row.id),
			fmt.Sprintf(`INSERT INTO ticket_log (ref, at, state, note) VALUES ('S-%d', 2000, '%s', 'so far')`, i+1, row.state))
	}
	for _, text := range texts {
		if _, err := raw(t, old).Exec(text); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, old)
	defer s.Close()
	refs := func(all []city.CaseTicket, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		var refs []string
		for _, c := range all {
			refs = append(refs, c.Case.Ref[2:])
		}
		return strings.Join(refs, " ")
	}
	ctx, now := t.Context(), time.Unix(1, 0)
	for what, got := range map[string][2]string{
		"due":       {refs(s.Due(ctx, "", now, 10)), "2 3 4"},
		"undecided": {refs(s.Unrouted(ctx, 10)), "1 2 3 4 5"},
		"handed":    {refs(s.Handed(ctx, "")), "1 4"},
		"live":      {refs(s.Tickets(ctx, city.TicketFilter{Open: true, Limit: 10})), "8 5 4 3 2 1"},
	} {
		if got[0] != got[1] {
			t.Errorf("%s after the update: %s, want %s", what, got[0], got[1])
		}
	}
	one, _, err := s.Case(ctx, "S-6")
	if err != nil || one.Ticket.End != city.EndUs || one.Ticket.Version != 0 || one.Case.Follows != "" {
		t.Errorf("a closed ticket after the update: %+v, %v", one, err)
	}
	// What was closed before systems had names is still known.
	if ref, linked, err := s.Linked(ctx, "open311", "1006"); ref != "S-6" || !linked || err != nil {
		t.Errorf("1006 belongs to %q, %v, %v", ref, linked, err)
	}
	if log, err := s.TicketLog(ctx, "S-1"); err != nil || len(log) != 1 || log[0] != (city.TicketEntry{At: time.Unix(0, 2000).UTC(), State: city.TicketOpen, Note: "so far"}) {
		t.Errorf("history after the update: %+v, %v", log, err)
	}
	if err := open(t, fresh).Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := columns(t, old), columns(t, fresh); !slices.Equal(got, want) {
		t.Errorf("columns after the update\n%s\nwant those of a new file\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// What a newer program wrote may mean something else.
func TestFileOfANewerVersion(t *testing.T) {
	dir := t.TempDir()
	if err := open(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := raw(t, dir).Exec(`PRAGMA user_version = 999`); err != nil {
		t.Fatal(err)
	}
	_, err := sqlite.Open(t.Context(), dir, zerolog.Nop())
	if err == nil || !strings.Contains(err.Error(), "schema 999") {
		t.Errorf("want an error that names the schema, got %v", err)
	}
}
