package main

import (
	"context"
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

// reloadAt reads inventory, rules and codecs anew at each SIGHUP.
func (a *app) reloadAt(hup <-chan os.Signal) part {
	return part{"reload", func(ctx context.Context) error {
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-hup:
				a.reload(ctx)
			}
		}
	}}
}

// reload refuses files with mistakes whole; what runs goes on running.
func (a *app) reload(ctx context.Context) {
	if err := a.files.load(ctx, a.settings); err != nil {
		for _, e := range flatten(err) {
			a.log.Error().Err(e).Msg("reload refused; the running inventory, rules and codecs stay")
		}
		return
	}
	a.log.Info().Int("assets", len(a.files.Assets())).Msg("reloaded inventory, rules and codecs")
}
