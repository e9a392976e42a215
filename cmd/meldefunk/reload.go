package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// reloadOnSignal reads inventory and rules anew at SIGHUP. Files with mistakes are refused
// whole, and what runs goes on running.
func (a *app) reloadOnSignal(ctx context.Context) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hup:
			a.reload()
		}
	}
}

func (a *app) reload() {
	if err := a.files.load(a.settings); err != nil {
		for _, e := range flatten(err) {
			a.log.Error().Err(e).Msg("reload refused; the running inventory and rules stay")
		}
		return
	}
	a.log.Info().Int("assets", len(a.files.Assets())).Msg("reloaded inventory and rules")
}
