package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// hangups catches SIGHUP, which would end the process, from now until stop.
func hangups() (hup <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}

// reloadAt reads inventory, rules, codecs and keys anew at each SIGHUP. Of the configuration
// file at path only the section keys counts: a new key must not take a restart.
func (a *app) reloadAt(path string, hup <-chan os.Signal) part {
	return part{"reload", func(ctx context.Context) error {
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-hup:
				a.reload(ctx, path)
			}
		}
	}}
}

// reload refuses files with mistakes whole; what runs goes on running.
func (a *app) reload(ctx context.Context, path string) {
	fresh, err := loadSettings(path)
	if err == nil {
		s := a.settings
		s.Keys = fresh.Keys
		err = a.files.load(ctx, s)
	}
	if usage, ok := errors.AsType[usageError](err); ok {
		err = usage.error
	}
	if err != nil {
		for _, e := range flatten(err) {
			a.log.Error().Err(e).Msg("reload refused; the running inventory, rules, codecs and keys stay")
		}
		return
	}
	a.log.Info().Int("assets", len(a.files.Assets())).Msg("reloaded inventory, rules, codecs and keys")
}
