package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"meldefunk/city/register"
	"meldefunk/rules"
)

// hangups catches SIGHUP, which would end the process, from now until stop.
func hangups() (hup <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}

// reloadAt reads inventory, rules, routes, codecs, keys, users and tokens anew at each SIGHUP. Of the configuration
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

// reload refuses files with mistakes whole; what runs goes on running. Users and tokens do not
// wait for others' files to be right: somebody may have to be kept out.
func (a *app) reload(ctx context.Context, path string) {
	a.reloadAccess()
	before := a.files.current.Load().rules
	fresh, err := loadSettings(path)
	if err == nil {
		s := a.settings
		s.Keys = fresh.Keys
		s.Tickets.Routes, s.Tickets.Areas, s.Tickets.RoutesFile = fresh.Tickets.Routes, fresh.Tickets.Areas, fresh.Tickets.RoutesFile
		if err = ofSection("join_server", s.JoinServer.validate(s.Keys)); err == nil { // it stays as it is
			err = a.files.load(ctx, s)
		}
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

// ChangeRegister keeps a change of the register, and has the platform go by it.
func (a *app) ChangeRegister(ctx context.Context, c register.Change) error {
	if c.Empty() { // a line of the audit trail
		return a.store.ChangeRegister(ctx, c)
	}
	if err := a.files.Change(ctx, c, a.store.ChangeRegister); err != nil {
		return err
	}
	a.log.Info().Str("by", c.By).Str("from", c.From).Int("devices", len(c.Devices)).Int("assets", len(c.Assets)).Msg("the inventory was changed")
	if err := a.road.Rethink(ctx); err != nil {
		a.log.Info().Msg("stopping: the assets are looked at with the changed inventory at the next start")
	}
	return nil
}

// PutRegistrations keeps what network servers were told.
func (a *app) PutRegistrations(ctx context.Context, all []register.Registration) error {
	return a.store.PutRegistrations(ctx, all)
}

// reloadAccess reads users and tokens anew.
func (a *app) reloadAccess() {
	if a.access == nil {
		return
	}
	if err := a.access.Reload(); err != nil {
		for _, e := range flatten(err) {
			a.log.Error().Err(e).Msg("reload refused; the running users and tokens stay")
		}
		return
	}
	a.log.Info().Msg("reloaded users and tokens")
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
