package sqlite

import (
	"encoding/binary"
	"os"
	"os/exec"
	"testing"

	"github.com/rs/zerolog"
	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

const packEnv = "MELDEFUNK_PACK_PAGES"

// The setting is one of the process, so the test is a process of its own.
func TestPackPages(t *testing.T) {
	if os.Getenv(packEnv) == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPackPages$", "-test.v")
		cmd.Env = append(os.Environ(), packEnv+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	if err := PackPages(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), t.TempDir(), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	// More passes through than the cache has room for.
	if _, err := s.conn.ExecContext(t.Context(), `CREATE TABLE large (body BLOB);
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000) INSERT INTO large SELECT zeroblob(4000) FROM n`); err != nil {
		t.Fatal(err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	used, spilled := status(sqlite3.SQLITE_STATUS_PAGECACHE_USED), status(sqlite3.SQLITE_STATUS_PAGECACHE_OVERFLOW)
	if used*pageSize < writerCache<<10*8/10 || spilled > 0 {
		t.Errorf("%d pages and %d bytes beside them: want the writer's %d KiB in pages, nothing beside them", used, spilled, writerCache)
	}
	if err := PackPages(); err == nil {
		t.Error("it can be set although a database is open")
	}
}

// status is a figure that SQLite has of itself now.
func status(figure int32) int64 {
	tls := libc.NewTLS()
	defer tls.Close()
	figures := libc.Xmalloc(tls, 16) // now, and the most ever
	defer libc.Xfree(tls, figures)
	sqlite3.Xsqlite3_status64(tls, figure, figures, figures+8, 0)
	return int64(binary.NativeEndian.Uint64(libc.GoBytes(figures, 8)))
}
