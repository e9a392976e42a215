package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"meldefunk/decoders/javascript"
	"meldefunk/storage/sqlite"
)

func serveCommand() *cobra.Command {
	var path string
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the platform",
		Long: `Run the platform: take uplinks from the network servers, keep readings, open and
close tickets, serve the board. SIGHUP reads inventory, rules, routes,
codecs, keys, users and tokens anew. The first SIGINT or SIGTERM stops softly, the
second at once; neither loses anything.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			collectSooner()
			return serve(c.Context(), path, c.ErrOrStderr())
		},
	}
	configFlag(c, &path)
	return c
}

// garbagePercent is how much garbage may be there before it is collected, in percent of what
// is in use. Go's own default of 100 needs twice the memory while a backlog is drained.
const garbagePercent = 80

// collectSooner sets garbagePercent, unless the operator has decided.
func collectSooner() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(garbagePercent)
	}
}

func serve(ctx context.Context, path string, logTo io.Writer) error {
	hup, stop := hangups()
	defer stop()
	s, err := loadSettings(path)
	if err != nil {
		return err
	}
	log := newLogger(s.Log, logTo)
	registry := prometheus.NewRegistry()
	sandbox, err := openSandbox(s.Codecs, time.Now, log, registry)
	if err != nil {
		return err
	}
	if err := sqlite.PackPages(); err != nil {
		log.Warn().Err(err).Msg("what is kept of the database in memory takes twice its size")
	}
	store, err := sqlite.Open(ctx, s.Data, log)
	if err != nil {
		return err
	}
	err = serveFrom(ctx, s, store, sandbox, path, hup, log, registry)
	if closeErr := store.Close(); closeErr != nil && err == nil {
		err = fmt.Errorf("close the database: %w", closeErr)
	}
	return err
}

// serveFrom serves until ctx ends.
func serveFrom(ctx context.Context, s settings, store *sqlite.Store, sandbox *javascript.Sandbox, path string, hup <-chan os.Signal, log zerolog.Logger, registry *prometheus.Registry) error {
	f, err := loadFiles(ctx, s, store, sandbox)
	if err != nil {
		return usageError{err}
	}
	if f.current.Load().inventory.DeviceCount() == 0 {
		log.Warn().Msg("no device is known yet: everything is set aside until meldefunk device add or device import tells of some")
	}
	a, err := build(s, f, store, time.Now, "", log, registry)
	if err != nil {
		return err
	}
	return a.run(ctx, a.reloadAt(path, hup))
}

// newLogger makes the one logger of the process.
func newLogger(s logSettings, to io.Writer) zerolog.Logger {
	level, err := zerolog.ParseLevel(s.Level)
	if err != nil {
		level = zerolog.InfoLevel // the settings were validated
	}
	if s.Format == "text" {
		to = zerolog.ConsoleWriter{Out: to, TimeFormat: time.RFC3339, NoColor: !isTerminal(to)}
	}
	return zerolog.New(to).Level(level).With().Timestamp().Logger()
}

// isTerminal tells whether a person is reading.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
