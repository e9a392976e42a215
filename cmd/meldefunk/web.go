package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"meldefunk/city"
	"meldefunk/city/visitor"
	"meldefunk/dashboards/api"
	"meldefunk/dashboards/board"
	"meldefunk/dashboards/opendata"
	"meldefunk/dashboards/sensorthings"
)

// openData is what is published, and whether by the SensorThings API too.
type openData struct {
	opendata.Config `yaml:",inline"`
	SensorThings    string `yaml:"sensorthings"` // forEverybody, forMembers; "": not
}

// Who may use the SensorThings API.
const (
	forEverybody = "everybody"
	forMembers   = "login" // who has the permission read:sensorthings
)

func (o openData) validate() error {
	var errs []error
	switch {
	case o.SensorThings != "" && o.SensorThings != forEverybody && o.SensorThings != forMembers:
		errs = append(errs, fmt.Errorf("sensorthings: %.40q: want %s or %s", o.SensorThings, forEverybody, forMembers))
	case o.SensorThings != "" && !o.Wanted():
		errs = append(errs, errors.New("sensorthings: there are no sets to publish; name some with sets"))
	}
	return errors.Join(append(errs, o.Validate())...)
}

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
		Config: s.OpenData.Config, Store: a.store, Inventory: a.files, StaleAfter: s.Board.StaleAfter.Of, Now: a.now, Location: zone, Log: a.log,
	})
	if err != nil {
		return nil, err
	}
	mounts = append(mounts, board.Mount{Prefix: opendata.Base, Handler: open})
	if s.OpenData.SensorThings == "" {
		return mounts, nil
	}
	things, err := a.sensorThings()
	return append(mounts, board.Mount{Prefix: thingsBase, Handler: things}), err
}

// thingsBase is where the SensorThings API lies; its clients want the version.
const thingsBase = "/v1.1"

// sensorThings serves the sets that are published by the SensorThings API.
func (a *app) sensorThings() (http.Handler, error) {
	o := a.settings.OpenData
	release := sensorthings.DefaultRelease()
	published := map[city.Kind][]city.Quantity{}
	for set, kind := range map[string]city.Kind{"bins": city.Bin, "trees": city.Soil, "parking": city.Parking} {
		for _, name := range o.Sets {
			if name == set {
				published[kind] = release.Quantities[kind]
			}
		}
	}
	release.Quantities, release.Withheld, release.MinBays, release.BayStale = published, o.LeaveOut, o.SmallestZone, a.settings.Board.StaleAfter.Parking
	h, err := sensorthings.New(a.store, sensorthings.Options{
		Base: strings.TrimSuffix(o.Address, "/") + thingsBase, Inventory: a.files, Release: release, Now: a.now, Log: a.log,
		Measures: func(model string, asset *city.Asset, q city.Quantity) bool {
			return a.files.current.Load().models.Measures(model, asset, q)
		},
	})
	if err != nil || o.SensorThings == forEverybody {
		return h, err
	}
	return members(h), nil
}

// members lets those in who may read SensorThings.
func members(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := visitor.From(r.Context())
		switch {
		case v.May.Have(visitor.ReadSensorThings):
			next.ServeHTTP(w, r)
		case len(v.May) > 0:
			http.Error(w, "this takes the permission "+string(visitor.ReadSensorThings), http.StatusForbidden)
		default:
			w.Header().Set("WWW-Authenticate", `Bearer realm="Meldefunk"`)
			http.Error(w, "this takes a login, or a token with the scope "+string(visitor.ReadSensorThings), http.StatusUnauthorized)
		}
	})
}

// checks tells programs how the platform is.
func (a *app) checks() []api.Check {
	var all []api.Check
	for _, c := range a.ready() {
		all = append(all, api.Check(c))
	}
	return all
}
