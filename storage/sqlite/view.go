package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// View reads a database that another process may be using. It changes nothing.
type View struct{ reader }

// ErrOlderSchema says that a database is one of an older version.
var ErrOlderSchema = errors.New("written by an older version of meldefunk")

// ErrEmpty says that there is no database yet, or that whoever began one did not come to its
// first schema.
var ErrEmpty = errors.New("there is no database")

// OpenView opens the database in the folder dir for reading, beside whoever uses it. A
// database that is not there is not made; one of another schema is not read.
func OpenView(ctx context.Context, dir string) (*View, error) {
	path := filepath.Join(dir, FileName)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w %s: has the platform run with this configuration, and is data the right folder?", ErrEmpty, path)
	} else if err != nil {
		return nil, fmt.Errorf("open %s for reading: %w", path, err)
	}
	db, err := sql.Open("sqlite", dsn(path, true))
	if err != nil {
		return nil, fmt.Errorf("open %s for reading: %w", path, err)
	}
	v := &View{reader{db}}
	var version int
	err = db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version)
	switch {
	case err == nil && version > schemaVersion():
		err = newerSchema(version)
	case err == nil && version == 0:
		err = fmt.Errorf("%w yet in this file: start the platform", ErrEmpty)
	case err == nil && version < schemaVersion():
		err = fmt.Errorf("%w: schema %d, this one reads %d; start the platform with this version once, it brings the database up to date", ErrOlderSchema, version, schemaVersion())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s for reading: %w", path, err), db.Close())
	}
	return v, nil
}

// Close ends the reading.
func (v *View) Close() error { return v.read.Close() }
