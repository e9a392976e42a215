package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"meldefunk/city/register"
	"meldefunk/storage/sqlite"
)

// registrar is where changes of the inventory are taken, whoever makes them: the command line
// by the control socket, or the board.
type registrar interface {
	// ChangeRegister keeps a change, and has it count. The error is register.ErrChanged, and
	// nothing is kept, where the register is not at the change's base any more.
	ChangeRegister(ctx context.Context, c register.Change) error
	// PutRegistrations keeps what network servers were told.
	PutRegistrations(ctx context.Context, all []register.Registration) error
	// RewrapSessionKeys wraps the session keys of joins with another key encryption key, those
	// of from, or with "" all. It tells how many became others.
	RewrapSessionKeys(ctx context.Context, from, to string) (int, error)
}

var (
	_ registrar = (*storeRegistrar)(nil)
	_ registrar = (*controlClient)(nil)
	_ registrar = (*app)(nil)
)

// storeRegistrar changes the register while no platform runs.
type storeRegistrar struct {
	*sqlite.Store
	settings settings
	models   *models
}

// ChangeRegister keeps a change, if the inventory is sound with it.
func (r *storeRegistrar) ChangeRegister(ctx context.Context, c register.Change) error {
	was, err := r.Register(ctx)
	if err != nil {
		return err
	}
	if _, err := soundWith(r.settings, was, &c, r.models); err != nil {
		return err
	}
	return r.Store.ChangeRegister(ctx, c)
}

// atRegister lends the inventory and who changes it: the platform if it runs, else its store.
func atRegister(ctx context.Context, path string, logTo io.Writer, do func(*fleet, registrar) error) (err error) {
	s, err := loadSettings(path)
	if err != nil {
		return err
	}
	var r registrar
	running, err := dialControl(ctx, s.Data)
	switch {
	case err == nil:
		r = running
	case !errors.Is(err, errNotRunning):
		return err
	default:
		if err := os.MkdirAll(s.Data, 0o700); err != nil {
			return err
		}
		store, err := sqlite.Open(ctx, s.Data, newLogger(s.Log, logTo))
		if err != nil {
			return fmt.Errorf("%w (it does not answer on %s: its log says why)", err, controlPath(s.Data))
		}
		defer func() { err = errors.Join(err, store.Close()) }()
		offline := &storeRegistrar{store, s, nil}
		if offline.models, err = loadModels(s.Codecs.Folder, nil); err != nil {
			return usageError{err}
		}
		r = offline
	}
	v, err := sqlite.OpenView(ctx, s.Data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	f, err := readFleet(ctx, s, v)
	if err != nil {
		return err
	}
	return do(f, r)
}

// mostTries is how often a change is made anew because somebody else was faster.
const mostTries = 5

// alter makes a change of what is there now, and has it kept. If somebody else changes the
// register meanwhile, it is made anew. An empty change is not kept, and no error.
func alter(ctx context.Context, f *fleet, r registrar, plan func(*fleet) (register.Change, error)) error {
	for range mostTries {
		c, err := plan(f)
		if err != nil || c.Empty() && len(c.Entries) == 0 {
			return err
		}
		err = r.ChangeRegister(ctx, c)
		if errors.As(err, new(contradiction)) {
			return exitError{err, exitConflict}
		}
		if !errors.Is(err, register.ErrChanged) {
			return err
		}
		if f, err = readFleet(ctx, f.settings, f.view); err != nil {
			return err
		}
	}
	return exitError{fmt.Errorf("%w, %d times: try again when nobody else works on it", register.ErrChanged, mostTries), exitConflict}
}
