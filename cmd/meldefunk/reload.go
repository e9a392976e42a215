package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"meldefunk/rules"
)

// hangups catches SIGHUP, which would end the process, from now until stop.
func hangups() (hup <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}

// reloadAt reads inventory, rules, routes, codecs and keys anew at each SIGHUP. Of the configuration
// file at path only keys and the routes of tickets count: neither must take a restart.
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
	before := a.files.current.Load().rules
	fresh, err := loadSettings(path)
	if err == nil {
		s := a.settings
		s.Keys = fresh.Keys
		s.Tickets.Routes, s.Tickets.Areas, s.Tickets.RoutesFile = fresh.Tickets.Routes, fresh.Tickets.Areas, fresh.Tickets.RoutesFile
		err = a.files.load(ctx, s)
	}
	if usage, ok := errors.AsType[usageError](err); ok {
		err = usage.error
	}
	if err != nil {
		for _, e := range flatten(err) {
			a.log.Error().Err(e).Msg("reload refused; the running inventory, rules, routes, codecs and keys stay")
		}
		return
	}
	a.log.Info().Int("assets", len(a.files.Assets())).Msg("reloaded inventory, rules, routes, codecs and keys")
	a.tellRules(ctx, before)
}

// renew has the platform go by what the register says now. What is wrong with the files keeps
// the running inventory as it is, and is the error.
func (a *app) renew(ctx context.Context) error {
	if err := a.files.Renew(ctx); err != nil {
		return err
	}
	a.log.Info().Int("assets", len(a.files.Assets())).Msg("the inventory was changed")
	return a.road.Rethink(ctx)
}

// tellRules says what a new set of rules does to what is remembered, and has everybody looked
// at by it. With the same rules as well: assets may have moved, or be gone.
func (a *app) tellRules(ctx context.Context, before *rules.Set) {
	now := a.files.current.Load().rules
	d := now.Since(before)
	for _, id := range d.Changed {
		a.log.Info().Str("rule", id).Msg("the rule decides otherwise now: its runs begin anew, open cases stay until it clears them")
	}
	for _, id := range d.Gone {
		a.log.Info().Str("rule", id).Msg("the rule is gone: its cases are closed")
	}
	if len(d.Changed)+len(d.Added)+len(d.Gone) > 0 {
		a.log.Info().Strs("added", d.Added).Strs("changed", d.Changed).Strs("gone", d.Gone).Int("kept", len(d.Kept)).Msg("rules changed; what the kept ones remember carries over")
	}
	if err := a.road.Rethink(ctx); err != nil {
		a.log.Info().Msg("stopping: the assets are looked at by the new rules at the next start")
	}
}
