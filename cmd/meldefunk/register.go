package main

import (
	"context"
	"errors"

	"meldefunk/city/register"
	"meldefunk/storage/sqlite"
)

// keptRegister reads the register beside whoever uses the database. Where there is no database
// yet, or one of a version that had no register, it is empty.
func keptRegister(ctx context.Context, s settings) (kept register.Snapshot, err error) {
	view, err := sqlite.OpenView(ctx, s.Data)
	if errors.Is(err, sqlite.ErrEmpty) || errors.Is(err, sqlite.ErrOlderSchema) {
		return kept, nil
	}
	if err != nil {
		return kept, err
	}
	defer func() { err = errors.Join(err, view.Close()) }()
	return view.Register(ctx)
}
