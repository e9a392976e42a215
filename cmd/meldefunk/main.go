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

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1 // it could not do what was asked
	exitUsage   = 2 // the command line or a configuration file is wrong
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
	return exitFailure
}
