package csv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"meldefunk/city"
)

// List gives everything that is open, oldest first.
type List func(ctx context.Context) ([]city.Order, error)

// System is a folder as a ticket system. Its files follow from List alone, so an order is
// taken as soon as it is noted that the list has changed.
type System struct {
	cfg     Config
	list    List
	service func(code string) (name, agency string)
	zone    *time.Location
	log     zerolog.Logger
	changed chan struct{}
	trouble atomic.Pointer[string]
}

// New makes a System. service names a service and who is responsible. It looks whether the
// folder can be written to.
func New(cfg Config, list List, service func(code string) (name, agency string), zone *time.Location, log zerolog.Logger) (*System, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	probe, err := os.CreateTemp(cfg.Folder, ".meldefunk-*")
	if err != nil {
		return nil, fmt.Errorf("csv: folder: %w", err)
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		return nil, fmt.Errorf("csv: folder: %w", err)
	}
	s := &System{cfg: cfg, list: list, service: service, zone: zone, log: log.With().Str("component", "csv").Logger(), changed: make(chan struct{}, 1)}
	s.note()
	return s, nil
}

// Name is "csv".
func (*System) Name() string { return "csv" }

// Closes tells that a case leaves the list when it is over.
func (*System) Closes() bool { return true }

// Listed tells that the files always hold all of it.
func (*System) Listed() bool { return true }

// Create notes that the list has changed. The ref is the number.
func (s *System) Create(_ context.Context, o city.Order) (string, error) {
	s.note()
	return o.Case.Ref, nil
}

// Find gives the ref: the list holds all that is open.
func (s *System) Find(_ context.Context, o city.Order) (string, bool, error) {
	s.note()
	return o.Case.Ref, true, nil
}

// Close notes that the list has changed.
func (s *System) Close(context.Context, city.Order, string) error {
	s.note()
	return nil
}

// Trouble tells why the files are not up to date, "" while they are.
func (s *System) Trouble() string {
	if text := s.trouble.Load(); text != nil {
		return *text
	}
	return ""
}

func (s *System) note() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Run writes the files at the start and after changes, until ctx ends; then once more if
// something has changed. A failure is logged and tried again.
func (s *System) Run(ctx context.Context) error {
	pause := time.NewTimer(0)
	defer pause.Stop()
	<-pause.C
	for {
		select {
		case <-ctx.Done():
			return s.last()
		case <-s.changed:
		}
		if err := s.write(ctx); err != nil {
			if ctx.Err() != nil {
				s.note()
				return s.last()
			}
			s.note() // again, after the pause
			text := err.Error()
			if s.Trouble() != text {
				s.log.Error().Err(err).Msg("the list of open cases was not written; trying again")
			}
			s.trouble.Store(&text)
		} else {
			s.trouble.Store(nil)
		}
		pause.Reset(s.cfg.Every)
		select {
		case <-ctx.Done():
			return s.last()
		case <-pause.C:
		}
	}
}

// last writes what changed since the last time, on the way out.
func (s *System) last() error {
	select {
	case <-s.changed:
	default:
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.write(ctx); err != nil {
		s.log.Error().Err(err).Msg("the list of open cases was not written at the end; it will be at the next start")
	}
	return nil
}

func (s *System) write(ctx context.Context) error {
	orders, err := s.list(ctx)
	if err != nil {
		return fmt.Errorf("csv: read the open cases: %w", err)
	}
	for name, form := range map[string]form{MachineFile: machines(), ExcelFile: excel(s.zone)} {
		err := replace(filepath.Join(s.cfg.Folder, name), func(w io.Writer) error { return form.write(w, orders, s.service) })
		if err != nil {
			return fmt.Errorf("csv: %w", err)
		}
	}
	return nil
}

// replace puts a new file in the place of an old one at once: whoever reads sees one of
// the two whole, also after a power cut.
func replace(name string, fill func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".meldefunk-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	err = errors.Join(fill(f), f.Chmod(0o644), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
