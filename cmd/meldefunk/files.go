package main

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"meldefunk/city"
	"meldefunk/decoders"
	"meldefunk/devices"
	"meldefunk/rules"
)

// files are what operators edit while the platform runs: inventory and rules. A reload
// changes both at once or nothing.
type files struct {
	models  *decoders.Table
	current atomic.Pointer[edition]
}

// edition is one state of the files.
type edition struct {
	inventory *devices.Inventory
	rules     *rules.Set
}

func newFiles(models *decoders.Table, inventory *devices.Inventory, set *rules.Set) *files {
	f := &files{models: models}
	f.current.Store(&edition{inventory, set})
	return f
}

// loadFiles reads what the settings name and gives every problem of every file.
func loadFiles(s settings) (*files, error) {
	f := &files{models: decoders.New()}
	return f, f.load(s)
}

// load reads the files anew. If anything is wrong with them the running edition stays.
func (f *files) load(s settings) error {
	inventory, inventoryErr := devices.Load(s.Inventory, f.models)
	set, rulesErr := rules.Default(), error(nil)
	if s.Rules != "" {
		set, rulesErr = rules.LoadFile(s.Rules)
	}
	if err := errors.Join(inventoryErr, rulesErr); err != nil {
		return err
	}
	if err := knownServers(inventory, s); err != nil {
		return err
	}
	f.current.Store(&edition{inventory, set})
	return nil
}

// Find is the inventory's.
func (f *files) Find(server string, devEUI city.EUI) (*city.Device, *city.Asset, bool) {
	return f.current.Load().inventory.Find(server, devEUI)
}

// Asset is the inventory's.
func (f *files) Asset(id string) (*city.Asset, bool) { return f.current.Load().inventory.Asset(id) }

// Assets is the inventory's.
func (f *files) Assets() []*city.Asset { return f.current.Load().inventory.Assets() }

// Devices is the inventory's.
func (f *files) Devices(asset string) []*city.Device {
	return f.current.Load().inventory.Devices(asset)
}

// Judge is the rules'.
func (f *files) Judge(standings []city.Standing, r *city.Reading) ([]city.Standing, []city.Verdict) {
	return f.current.Load().rules.Judge(standings, r)
}

// knownServers refuses devices that are tied to a network server nobody configured: their
// uplinks would be set aside as unknown.
func knownServers(inventory *devices.Inventory, s settings) error {
	var names []string
	for _, c := range s.NetworkServers {
		names = append(names, c.Name)
	}
	var errs []error
	for _, name := range inventory.Servers() {
		if !slices.Contains(names, name) {
			errs = append(errs, fmt.Errorf("inventory: server %q is not configured: want one of %q, or leave it out", name, names))
		}
	}
	return errors.Join(errs...)
}
