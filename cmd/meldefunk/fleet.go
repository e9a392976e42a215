package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"meldefunk/city"
	"meldefunk/city/register"
	"meldefunk/devices"
	"meldefunk/storage/sqlite"
)

// fleet is what the device commands read: the register, the inventory files, and what is
// stored of devices.
type fleet struct {
	settings  settings
	view      *sqlite.View
	models    *models
	files     *devices.Inventory // what the inventory files alone say
	inventory *devices.Inventory // files and register
	register  register.Snapshot
	devices   []fleetDevice // by asset number, those without an asset last
}

// fleetDevice is a device of the inventory.
type fleetDevice struct {
	register.Device
	File  bool // it stands in a file of the settings, and only there
	Heard time.Time
	Place *city.Asset // where it hangs or will; nil: nowhere, or the asset is not described
}

// silentAfter is how long an installed device may say nothing before it is called silent,
// unless its interval is told: three of them then.
const silentAfter = 24 * time.Hour

// status is the state in words: silent stands for installed and not heard.
func (d *fleetDevice) status(now time.Time) string {
	if d.State == register.Installed && now.Sub(d.Heard) > cmp.Or(3*d.Interval, silentAfter) {
		return "silent"
	}
	return string(d.State)
}

// withFleet lends the inventory of a configuration to do, for reading beside whoever uses it.
func withFleet(ctx context.Context, path string, do func(*fleet) error) error {
	return withView(ctx, path, func(s settings, v *sqlite.View) error {
		f, err := readFleet(ctx, s, v)
		if err != nil {
			return err
		}
		return do(f)
	})
}

func readFleet(ctx context.Context, s settings, v *sqlite.View) (*fleet, error) {
	f := &fleet{settings: s, view: v}
	var err error
	if f.register, err = v.Register(ctx); err != nil {
		return nil, err
	}
	if f.models, err = loadModels(s.Codecs.Folder, nil); err != nil {
		return nil, usageError{err}
	}
	if f.files, err = devices.Load(s.Inventory, register.Snapshot{}, f.models); err != nil {
		return nil, usageError{err}
	}
	if f.inventory, err = devices.Load(s.Inventory, f.register, f.models); err != nil {
		return nil, usageError{err}
	}
	heard, err := v.LastHeard(ctx)
	if err != nil {
		return nil, err
	}
	kept := make(map[city.EUI]bool, len(f.register.Devices))
	for _, d := range f.register.Devices {
		kept[d.DevEUI] = true
		f.devices = append(f.devices, fleetDevice{Device: d})
	}
	for _, a := range f.inventory.Assets() {
		for _, d := range f.inventory.Devices(a.ID) {
			if !kept[d.DevEUI] {
				f.devices = append(f.devices, fleetDevice{Device: register.Device{Device: *d, State: register.Installed}, File: true})
			}
		}
	}
	for i := range f.devices {
		d := &f.devices[i]
		d.Heard = heard[d.DevEUI]
		d.Place, _ = f.inventory.Asset(d.Asset)
	}
	slices.SortStableFunc(f.devices, func(a, b fleetDevice) int {
		switch {
		case (a.Asset == "") != (b.Asset == ""):
			return cmp.Compare(b.Asset, a.Asset)
		case a.Asset != b.Asset:
			return devices.Natural(a.Asset, b.Asset)
		}
		return strings.Compare(a.DevEUI.String(), b.DevEUI.String())
	})
	return f, nil
}

// find gives the device that people mean: by its DevEUI, the asset it hangs on or will, or
// its serial number.
func (f *fleet) find(text string) (*fleetDevice, error) {
	devEUI, err := city.ParseEUI(strings.TrimSpace(text))
	var found []*fleetDevice
	for i := range f.devices {
		d := &f.devices[i]
		switch {
		case err == nil && d.DevEUI == devEUI:
			return d, nil
		case d.State != register.Retired && d.Asset == text, d.Serial != "" && strings.EqualFold(d.Serial, text):
			found = append(found, d)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return nil, exitError{fmt.Errorf("%.40q means %s and %s: give the DevEUI", text, found[0].DevEUI, found[1].DevEUI), exitConflict}
	case err == nil:
		return nil, exitError{fmt.Errorf("device %s is not in the inventory: meldefunk device add, or device import", devEUI), exitNotFound}
	}
	if _, ok := f.inventory.Asset(text); ok {
		return nil, exitError{fmt.Errorf("no device hangs on %.40q: meldefunk device list --state in_stock shows what is on the shelf", text), exitNotFound}
	}
	return nil, exitError{fmt.Errorf("%.40q is no DevEUI, asset with a device or serial number here; meldefunk device list shows all", text), exitNotFound}
}

// findAll gives every device that was named, or every problem.
func (f *fleet) findAll(names []string) ([]*fleetDevice, error) {
	var found []*fleetDevice
	var errs []error
	for _, name := range names {
		d, err := f.find(name)
		found, errs = append(found, d), append(errs, err)
	}
	return found, errors.Join(errs...)
}

// completeDevices completes DevEUIs, with what tells one from another beside them.
func completeDevices(c *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	path, _ := c.Flags().GetString("config")
	var names []string
	err := withFleet(c.Context(), path, func(f *fleet) error {
		for i := range f.devices {
			if d := &f.devices[i]; strings.HasPrefix(d.DevEUI.String(), strings.ToLower(begun)) {
				names = append(names, strings.TrimSpace(d.DevEUI.String()+"\t"+d.Asset+" "+d.Model))
			}
		}
		return nil
	})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
