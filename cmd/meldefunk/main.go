// Command meldefunk turns the messages of a city's LoRaWAN sensors into readings and
// tickets: one binary that joins everything. It is the only place that knows all parts;
// each part knows only what its package comment says.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // time zones on machines without a zone database

	"github.com/rs/zerolog"
)

// Exit codes. Those above 2 are for commands that say so.
const (
	exitOK           = 0
	exitFailure      = 1 // it could not do what was asked
	exitUsage        = 2 // the command line or a configuration file is wrong
	exitPartial      = 3 // some of it was done, some not
	exitNotFound     = 4 // what was named is not there
	exitConflict     = 5 // it contradicts what is there
	exitUnauthorized = 6 // somebody else's system refused the key it was shown
	exitUnreachable  = 7 // somebody else's system does not answer
)

func main() {
	zerolog.TimeFieldFormat = time.RFC3339Nano // the default cuts to seconds
	// The first signal stops softly; AfterFunc then gives signals their usual meaning back,
	// so the second one ends the process at once.
	ctx, restore := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, restore)
	err := command().ExecuteContext(ctx)
	restore()
	os.Exit(exitCode(err, os.Stderr))
}

// usageError marks what the caller can mend on the command line or in a file.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

// exitError says how to exit.
type exitError struct {
	error
	code int
}

func (e exitError) Unwrap() error { return e.error }

// exitCode reports an error and says how to exit.
func exitCode(err error, to io.Writer) int {
	if err == nil {
		return exitOK
	}
	fmt.Fprintln(to, "meldefunk:", err)
	var usage usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	if e, ok := errors.AsType[exitError](err); ok {
		return e.code
	}
	return exitFailure
}
