package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"
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
	Since time.Time   // from when it hangs there; zero: nowhere, or for ever
	Place *city.Asset // where it hangs or will; nil: nowhere, or the asset is not described
}

// silentAfter is how long an installed device may say nothing, from when it hangs there on,
// before it is called silent, unless its interval is told: three of them then.
const silentAfter = 24 * time.Hour

// status is the state in words: silent stands for installed and not heard.
func (d *fleetDevice) status(now time.Time) string {
	if d.State == register.Installed && now.Sub(later(d.Heard, d.Since)) > cmp.Or(3*d.Interval, silentAfter) {
		return "silent"
	}
	return string(d.State)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// withFleet lends the inventory of a configuration to do, for reading beside whoever uses it.
// Before the platform has run for the first time the register is empty.
func withFleet(ctx context.Context, path string, do func(*fleet) error) error {
	s, err := loadSettings(path)
	if err != nil {
		return err
	}
	v, err := sqlite.OpenView(ctx, s.Data)
	if errors.Is(err, sqlite.ErrEmpty) {
		return withEmptyView(ctx, func(v *sqlite.View) error { return doWithFleet(ctx, s, v, do) })
	}
	if err != nil {
		return err
	}
	return errors.Join(doWithFleet(ctx, s, v, do), v.Close())
}

func doWithFleet(ctx context.Context, s settings, v *sqlite.View, do func(*fleet) error) error {
	f, err := readFleet(ctx, s, v)
	if err != nil {
		return err
	}
	return do(f)
}

// withEmptyView lends a database in which nothing is, so that nobody needs to tell apart what
// is not there from what is empty.
func withEmptyView(ctx context.Context, do func(*sqlite.View) error) (err error) {
	data, err := os.MkdirTemp("", "meldefunk-empty-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(data)) }()
	store, err := sqlite.Open(ctx, data, zerolog.Nop())
	if err != nil {
		return err
	}
	if err := store.Close(); err != nil {
		return err
	}
	v, err := sqlite.OpenView(ctx, data)
	if err != nil {
		return err
	}
	return errors.Join(do(v), v.Close())
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
	if f.inventory = f.files; f.register.Revision > 0 {
		if f.inventory, err = devices.Load(s.Inventory, f.register, f.models); err != nil {
			return nil, usageError{err}
		}
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
	since := make(map[city.EUI]time.Time, len(f.register.Bindings))
	for _, b := range f.register.Bindings {
		if b.To.IsZero() {
			since[b.DevEUI] = b.From
		}
	}
	for i := range f.devices {
		d := &f.devices[i]
		d.Heard, d.Since = heard[d.DevEUI], since[d.DevEUI]
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

// describes tells whether the register describes an asset.
func (f *fleet) describes(asset string) bool {
	return slices.ContainsFunc(f.register.Assets, func(a register.Asset) bool { return a.ID == asset })
}

// inFile says that the device is not the register's to change.
func (d *fleetDevice) inFile() error {
	return exitError{fmt.Errorf("device %s stands in an inventory file: change it there, or take it out there and import it (meldefunk device import)", d.DevEUI), exitConflict}
}

// findAll gives every device that was named, each once, or every problem.
func (f *fleet) findAll(names []string) ([]*fleetDevice, error) {
	var found []*fleetDevice
	var errs []error
	for _, name := range names {
		d, err := f.find(name)
		if !slices.Contains(found, d) {
			found = append(found, d)
		}
		errs = append(errs, err)
	}
	return found, errors.Join(errs...)
}

// completeDevices completes DevEUIs and the numbers of assets with a device, with what tells
// one from another beside them.
func completeDevices(c *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	return completeFrom(c, begun, func(f *fleet, offer func(name, about string)) {
		for i := range f.devices {
			d := &f.devices[i]
			offer(d.DevEUI.String(), d.Asset+" "+d.Model)
			if begun != "" && d.Asset != "" && d.State != register.Retired {
				offer(d.Asset, d.DevEUI.String()+" "+d.Model)
			}
		}
	})
}

// completeOneDevice is completeDevices for commands that take one.
func completeOneDevice(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return completeDevices(c, args, begun)
}

// completeAssets completes numbers of assets without a device.
func completeAssets(c *cobra.Command, begun string) ([]string, cobra.ShellCompDirective) {
	return completeFrom(c, begun, func(f *fleet, offer func(name, about string)) {
		for _, a := range f.inventory.Assets() {
			if len(f.inventory.Devices(a.ID)) == 0 {
				offer(a.ID, a.Name)
			}
		}
	})
}

// completeFrom offers names that begin like what was typed. Where the inventory cannot be
// read there are none: a shell has nowhere to say why.
func completeFrom(c *cobra.Command, begun string, tell func(f *fleet, offer func(name, about string))) ([]string, cobra.ShellCompDirective) {
	path, _ := c.Flags().GetString("config")
	ctx := c.Context()
	if ctx == nil { // while shells ask
		ctx = context.Background()
	}
	var names []string
	_ = withFleet(ctx, path, func(f *fleet) error {
		tell(f, func(name, about string) {
			if strings.HasPrefix(strings.ToLower(name), strings.ToLower(begun)) {
				names = append(names, strings.TrimSpace(name+"\t"+oneLine(strings.TrimSpace(about))))
			}
		})
		return nil
	})
	return names, cobra.ShellCompDirectiveNoFileComp
}
