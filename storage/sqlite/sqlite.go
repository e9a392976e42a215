// Package sqlite is the default store: one SQLite file that holds raw frames, readings,
// the state of rules, cases, tickets and set-aside messages. One connection writes, a few
// read beside it (WAL mode); a commit returns when it has reached the disk
// (synchronous=FULL).
//
// It does not know what a reading means, when a rule fires or who asks.
package sqlite

import (
	"context"
	"database/sql"
	_ "embed" // schema.sql
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	_ "modernc.org/sqlite" // the driver "sqlite", SQLite without cgo
)

//go:embed schema.sql
var schema string

// FileName is the name of the database in the data folder.
const FileName = "meldefunk.db"

// readers is how many queries can read at once beside the writer.
const readers = 4

// Page caches, in KiB. Each commit changes an index page for nearly every device that is in
// it, over and over the same ones, so the writer keeps many. Those who read go through once;
// what they need again the system's file cache has. Without PackPages a page takes twice its
// size in memory.
const (
	writerCache = 20 << 10
	readerCache = 1 << 10
)

// reader is what queries that change nothing need.
type reader struct{ read *sql.DB }

// Store is an open database. It is safe for use by several goroutines; commits and other
// writes queue up behind each other.
type Store struct {
	reader
	write *sql.DB
	lock  *os.File
	log   zerolog.Logger

	mu    sync.Mutex // held while writing
	conn  *sql.Conn  // the one connection that writes; statements stay prepared on it
	stmts statements
	light bool // conn is set to transactions that may be lost; see lighten

	queue   atomic.Int32  // writes that wait for mu, without those of deletion
	erased  span          // when the last step of deletion held mu
	delayed time.Duration // the longest that a write has waited for one, since takeDelayed

	path string

	gateways map[string]int64 // numbers of names, as far as they were needed; used while mu is held

	shrinks bool // the file can become smaller

	prepared []*sql.Stmt // all of stmts
}

// Open opens the database in the folder dir, and makes both if they are missing. The
// folder belongs to one process at a time: another Open of it fails until Close.
func Open(ctx context.Context, dir string, log zerolog.Logger) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{lock: lock, log: log, path: filepath.Join(dir, FileName), gateways: make(map[string]int64)}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) error {
	var err error
	path := s.path
	if s.write, err = sql.Open("sqlite", dsn(path, false)); err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	s.write.SetMaxOpenConns(1)
	if s.conn, err = s.write.Conn(ctx); err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	if _, err := s.conn.ExecContext(ctx, fullSettings); err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	if err := s.migrate(ctx); err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	if err := s.prepareToShrink(ctx); err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	if s.read, err = sql.Open("sqlite", dsn(path, true)); err != nil {
		return fmt.Errorf("open %s for reading: %w", path, err)
	}
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(readers)
	return s.prepare(ctx)
}

// Settings of the connection that writes. The journal is synced at every commit; a checkpoint
// is left to 4,000 pages (16 MB) so that it is not paid for at every batch. A light
// transaction does neither: a power cut may undo it, unless a full one came after it.
const (
	fullSettings  = "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000"
	lightSettings = "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0"
)

// dsn spells the connection's settings for the driver. auto_vacuum comes first: it counts until
// a new file has its first page, which the journal mode writes.
func dsn(path string, readOnly bool) string {
	q := url.Values{}
	for _, p := range []string{
		"auto_vacuum(INCREMENTAL)", "busy_timeout(10000)", "journal_mode(WAL)", "foreign_keys(OFF)", "temp_store(MEMORY)",
	} {
		q.Add("_pragma", p)
	}
	if readOnly {
		q.Add("_pragma", "query_only(ON)")
		q.Add("_pragma", fmt.Sprintf("cache_size(-%d)", readerCache))
	} else {
		q.Add("_pragma", fmt.Sprintf("cache_size(-%d)", writerCache))
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// inTx runs f in a write transaction that has reached the disk when inTx returns.
func (s *Store) inTx(f func(ctx context.Context) error) error {
	asked := time.Now() //nolint:forbidigo // because it only tells how long deletion delays others
	s.queue.Add(1)
	s.mu.Lock()
	s.queue.Add(-1)
	defer s.mu.Unlock()
	s.delayed = max(s.delayed, s.erased.after(asked))
	return s.transact(false, f)
}

// transact runs f in a write transaction, for whoever holds mu. A transaction is short and is
// not broken off in the middle: the context that f is given cannot be cancelled (which also
// spares the driver a goroutine per statement).
func (s *Store) transact(light bool, f func(ctx context.Context) error) error {
	ctx := context.Background()
	if err := s.lighten(ctx, light); err != nil {
		return err
	}
	if _, err := s.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := f(ctx)
	if err == nil {
		_, err = s.conn.ExecContext(ctx, "COMMIT")
	}
	if err != nil {
		// Some errors have rolled back already; then there is nothing left to roll back.
		_, _ = s.conn.ExecContext(ctx, "ROLLBACK")
		clear(s.gateways) // new ones are not stored
	}
	return err
}

// lighten readies the connection for the next transaction. It stays as it is until one of the
// other kind comes, so a full one can never begin with the settings of a light one.
func (s *Store) lighten(ctx context.Context, light bool) error {
	if light == s.light {
		return nil
	}
	settings := fullSettings
	if light {
		settings = lightSettings
		s.light = true // also if only half of the settings are made
	}
	if _, err := s.conn.ExecContext(ctx, settings); err != nil {
		return fmt.Errorf("%s: %w", settings, err)
	}
	s.light = light
	return nil
}

// Close ends the use of the folder. What was committed stays.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	// database/sql does not know of statements prepared on a connection; left open they
	// would keep the file open and its journal unmerged.
	for _, stmt := range s.prepared {
		errs = append(errs, stmt.Close())
	}
	s.prepared = nil
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
		s.conn = nil
	}
	for _, db := range []*sql.DB{s.read, s.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(append(errs, s.lock.Close())...)
}

// Ping tells whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	return s.read.QueryRowContext(ctx, "SELECT 1").Scan(&one)
}
