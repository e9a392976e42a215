package sqlite

import (
	"encoding/binary"
	"errors"
	"fmt"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	sqlite3 "modernc.org/sqlite/lib"
)

// pageSize is what every database of ours has, and cacheSize what all connections of one keep
// of it, both in bytes.
const (
	pageSize  = 4096
	cacheSize = (writerCache + readers*readerCache) << 10
)

// PackPages takes one piece of memory for the pages that all connections of this process keep,
// close together. Page by page, the driver's allocator rounds a page and its header up to a
// power of two, and they take twice their size. The piece is taken whole and never given back,
// so this is for a process that runs for long. What does not fit is kept as without it.
//
// It is a setting of the process: to be made once, before anything opens a database. Later it
// is an error, and changes nothing.
func PackPages() error {
	tls := libc.NewTLS()
	defer tls.Close()
	number := libc.Xmalloc(tls, 4)
	if number == 0 {
		return errNoMemory
	}
	defer libc.Xfree(tls, number)
	if err := configure(tls, sqlite3.SQLITE_CONFIG_PCACHE_HDRSZ, number); err != nil {
		return err
	}
	slot := pageSize + int32(binary.NativeEndian.Uint32(libc.GoBytes(number, 4)))
	piece := libc.Xmalloc(tls, types.Size_t(cacheSize))
	if piece == 0 {
		return errNoMemory
	}
	if err := configure(tls, sqlite3.SQLITE_CONFIG_PAGECACHE, piece, slot, cacheSize/slot); err != nil {
		libc.Xfree(tls, piece)
		return err
	}
	return nil
}

var errNoMemory = errors.New("pack pages: no memory")

// configure makes a setting of SQLite.
func configure(tls *libc.TLS, setting int32, values ...any) error {
	args := libc.NewVaList(values...)
	defer libc.Xfree(tls, args)
	if code := sqlite3.Xsqlite3_config(tls, setting, args); code != sqlite3.SQLITE_OK {
		return fmt.Errorf("pack pages: SQLite answers %d to setting %d: it must come before the first database is opened", code, setting)
	}
	return nil
}
