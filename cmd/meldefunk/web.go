package main

import (
	"fmt"
	"time"

	"meldefunk/dashboards/api"
	"meldefunk/dashboards/board"
	"meldefunk/dashboards/opendata"
)

// mounts are what is served beside the pages, under the board's address.
func (a *app) mounts(rules api.Rules) ([]board.Mount, error) {
	var err error
	if a.hub, err = api.NewHub(api.DefaultPulse(), a.now, a.registry); err != nil {
		return nil, fmt.Errorf("live: %w", err)
	}
	programs, err := api.New(api.Options{
		Store: a.store, Inventory: a.files, Rules: rules, Hub: a.hub, Ready: a.checks, Version: version, Now: a.now, Log: a.log,
	})
	if err != nil {
		return nil, err
	}
	mounts := []board.Mount{{Prefix: api.Base, Handler: programs}}
	s := a.settings
	if !s.OpenData.Wanted() {
		return mounts, nil
	}
	zone, err := time.LoadLocation(s.TimeZone)
	if err != nil {
		return nil, err
	}
	open, err := opendata.New(opendata.Options{
		Config: s.OpenData, Store: a.store, Inventory: a.files, StaleAfter: s.Board.StaleAfter.Of, Now: a.now, Location: zone, Log: a.log,
	})
	if err != nil {
		return nil, err
	}
	return append(mounts, board.Mount{Prefix: opendata.Base, Handler: open}), nil
}

// checks tells programs how the platform is.
func (a *app) checks() []api.Check {
	var all []api.Check
	for _, c := range a.ready() {
		all = append(all, api.Check(c))
	}
	return all
}
