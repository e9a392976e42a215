package csv

import (
	"errors"
	"fmt"
	"time"
)

// The files in the folder.
const (
	MachineFile = "offene-meldungen.csv"       // RFC 4180, UTF-8, decimal point, times as RFC 3339
	ExcelFile   = "offene-meldungen-excel.csv" // semicolons, byte order mark, decimal comma, local time
)

// Config says where the files go.
type Config struct {
	Folder string `yaml:"folder"` // must be there; others may only read it
	// Every is the least time between two writes, 1s to 1h: what changes meanwhile is in
	// the next one.
	Every time.Duration `yaml:"every"`
}

// DefaultConfig has everything but the folder.
func DefaultConfig() Config { return Config{Every: 10 * time.Second} }

// Validate returns every problem, joined.
func (c Config) Validate() error {
	var errs []error
	if c.Folder == "" {
		errs = append(errs, errors.New("csv: folder is missing: give the folder that the list is put into"))
	}
	if c.Every < time.Second || c.Every > time.Hour {
		errs = append(errs, fmt.Errorf("csv: every %v: want 1s to 1h", c.Every))
	}
	return errors.Join(errs...)
}
