package change

import (
	"fmt"
	"time"

	"meldefunk/city"
	"meldefunk/city/register"
)

// Add takes a new device into the register, in the state and on the asset that it tells;
// since is from when it hangs there, zero: now.
func (d *Draft) Add(device register.Device, since time.Time) error {
	if device.DevEUI.IsZero() {
		return fmt.Errorf("the device has no DevEUI: want the 16 hex digits on its label")
	}
	if _, ok := d.devices[device.DevEUI]; ok {
		return refuse(register.Refusal{Why: register.KnownDevice, DevEUI: device.DevEUI}, "device %s is in the register already: alter it, or move it", device.DevEUI)
	}
	if device.State == "" {
		device.State = register.InStock
		if device.Asset != "" {
			device.State = register.Installed
		}
	}
	state, asset := device.State, device.Asset
	d.Put(device, nil)
	if err := d.place(Placement{DevEUI: device.DevEUI, State: state, Asset: asset, At: since}); err != nil {
		return err
	}
	return nil
}

// Plan says on which asset a device will hang that hangs nowhere.
func (d *Draft) Plan(eui city.EUI, asset string) error {
	if b, there := d.Hangs(eui); there {
		return refuse(hangs(&b), "device %s hangs on %s: move it, or put it in stock first", eui, b.Asset)
	}
	return d.place(Placement{DevEUI: eui, State: register.Planned, Asset: asset})
}

// Install hangs a device that hangs nowhere on an asset; "" is the one that was planned.
func (d *Draft) Install(eui city.EUI, asset string, at time.Time) error {
	device, err := d.known(eui)
	if err != nil {
		return err
	}
	if b, there := d.Hangs(eui); there {
		return refuse(hangs(&b), "device %s hangs on %s since %s: move it", eui, b.Asset, d.day(b.From))
	}
	if asset == "" {
		asset = device.Asset
	}
	return d.place(Placement{DevEUI: eui, State: register.Installed, Asset: asset, At: at})
}

// Move hangs a device that hangs somewhere on another asset.
func (d *Draft) Move(eui city.EUI, asset string, at time.Time) error {
	device, err := d.known(eui)
	if err != nil {
		return err
	}
	b, there := d.Hangs(eui)
	switch {
	case !there:
		return refuse(register.Refusal{Why: register.HangsNowhere, DevEUI: eui, State: device.State}, "device %s hangs nowhere, it is %s: install it", eui, device.State)
	case b.Asset == asset:
		return refuse(register.Refusal{Why: register.HangsThere, DevEUI: eui, Asset: asset, Since: b.From}, "device %s hangs on %s already, since %s", eui, asset, d.day(b.From))
	}
	return d.place(Placement{DevEUI: eui, State: device.State, Asset: asset, At: at})
}

// Replace hangs another device in the place of one; the history stays with the asset. The
// old one becomes then: in stock, or retired.
func (d *Draft) Replace(old, fresh city.EUI, then register.State, at time.Time) error {
	device, err := d.known(old)
	if err != nil {
		return err
	}
	if _, err := d.known(fresh); err != nil {
		return err
	}
	b, there := d.Hangs(old)
	switch is, elsewhere := d.Hangs(fresh); {
	case old == fresh:
		return refuse(register.Refusal{Why: register.SameDevice, DevEUI: old}, "device %s cannot replace itself: name another", old)
	case !there:
		return refuse(register.Refusal{Why: register.HangsNowhere, DevEUI: old, State: device.State}, "device %s hangs nowhere: there is nothing to replace; install %s where it is to hang", old, fresh)
	case elsewhere:
		return refuse(hangs(&is), "device %s hangs on %s since %s: take one that hangs nowhere, or put it in stock first", fresh, is.Asset, d.day(is.From))
	case then != register.InStock && then != register.Retired:
		return refuse(register.Refusal{Why: register.UnknownState, DevEUI: old, State: then}, "the device that was replaced cannot be %.40q: want %s or %s", then, register.InStock, register.Retired)
	}
	before := len(d.entries)
	if err := d.place(
		Placement{DevEUI: old, State: then, At: at},
		Placement{DevEUI: fresh, State: register.Installed, Asset: b.Asset, At: at},
	); err != nil {
		return err
	}
	for i := range d.entries[before:] {
		if e := &d.entries[before+i]; e.DevEUI == fresh {
			e.Action, e.Asset = register.Replaced, b.Asset
			e.Facts = []register.Fact{{Field: "device", Was: old.String(), Is: fresh.String()}}
		}
	}
	return nil
}

// Retire takes a device away for good.
func (d *Draft) Retire(eui city.EUI, at time.Time) error {
	device, err := d.known(eui)
	if err != nil {
		return err
	}
	if device.State == register.Retired {
		return refuse(register.Refusal{Why: register.SameState, DevEUI: eui, State: device.State}, "device %s is retired already", eui)
	}
	return d.place(Placement{DevEUI: eui, State: register.Retired, At: at})
}

// SetState puts a device into another state, on the asset that it has: in stock and retired
// take it off; installed hangs a planned one there.
func (d *Draft) SetState(eui city.EUI, state register.State, at time.Time) error {
	device, err := d.known(eui)
	if err != nil {
		return err
	}
	p := Placement{DevEUI: eui, State: state, Asset: device.Asset, At: at}
	switch {
	case device.State == state:
		return refuse(register.Refusal{Why: register.SameState, DevEUI: eui, State: state}, "device %s is %s already", eui, state)
	case state == register.InStock || state == register.Retired:
		p.Asset = ""
	case device.Hangs() && p.hangs():
		p.At = time.Time{} // it goes on hanging there
	}
	return d.place(p)
}
