package change

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"meldefunk/city"
	"meldefunk/city/register"
)

// Placement says where a device is to be.
type Placement struct {
	DevEUI city.EUI
	State  register.State
	// Asset is where it hangs, or will where it is planned; "" in stock and retired.
	Asset string
	// At is from when on: zero means now. Where the device hangs on that asset already, zero
	// leaves the beginning as it is, and another time puts it right.
	At time.Time
}

// Place puts devices where they are to be, each once, all at the same time, so that two may
// change places. The errors are those of the placements, in their order; nil where there is none.
func (d *Draft) Place(all ...Placement) []error {
	errs := make([]error, len(all))
	for i := range all {
		errs[i] = d.check(&all[i])
	}
	for i := range all {
		if errs[i] == nil {
			errs[i] = d.takeOff(&all[i])
		}
	}
	for i := range all {
		if errs[i] == nil {
			errs[i] = d.putOn(&all[i])
		}
	}
	return errs
}

// place is Place for those who want all or nothing.
func (d *Draft) place(all ...Placement) error { return errors.Join(d.Place(all...)...) }

// check looks at a placement by itself.
func (d *Draft) check(p *Placement) error {
	device, err := d.known(p.DevEUI)
	if err != nil {
		return err
	}
	if !slices.Contains(register.States(), p.State) {
		return refuse(register.Refusal{Why: register.UnknownState, DevEUI: p.DevEUI, State: p.State}, "unknown state %.40q: want one of %v", p.State, register.States())
	}
	if p.At.After(d.stamp.At) {
		return refuse(register.Refusal{Why: register.StillToCome, DevEUI: p.DevEUI, At: p.At}, "%s is still to come: want a time that has been, or the state planned", d.day(p.At))
	}
	switch p.State {
	case register.InStock, register.Retired:
		if p.Asset != "" {
			return refuse(register.Refusal{Why: register.NeedlessAsset, DevEUI: p.DevEUI, Asset: p.Asset, State: p.State}, "a device that is %s hangs nowhere: leave out asset %.40q, or give another state", p.State, p.Asset)
		}
		return nil
	}
	if p.Asset == "" {
		return refuse(register.Refusal{Why: register.NoAsset, DevEUI: p.DevEUI, State: p.State}, "device %s is to be %s, but on which asset? Name one", p.DevEUI, p.State)
	}
	asset, ok := d.Asset(p.Asset)
	if !ok {
		return refuse(register.Refusal{Why: register.UnknownAsset, DevEUI: p.DevEUI, Asset: p.Asset}, "unknown asset %.40q: describe it first, with its kind (meldefunk device add, or device import)", p.Asset)
	}
	if d.ground.Kinds == nil || asset.Kind == city.KindUnknown {
		return nil
	}
	if kinds := d.ground.Kinds(device.Model); len(kinds) > 0 && !slices.Contains(kinds, asset.Kind) {
		return refuse(register.Refusal{Why: register.WrongKind, DevEUI: p.DevEUI, Asset: p.Asset, Model: device.Model, Kind: asset.Kind, Kinds: kinds},
			"%s is made for assets of kind %s, but %.40q is %s", device.Model, eitherOf(kinds), p.Asset, asset.Kind)
	}
	return nil
}

func (p *Placement) hangs() bool {
	return p.State == register.Installed || p.State == register.Maintenance
}

// at is when the placement begins.
func (d *Draft) at(p *Placement) time.Time {
	if p.At.IsZero() {
		return d.stamp.At
	}
	return p.At
}

// takeOff ends the binding that the placement does not go on with.
func (d *Draft) takeOff(p *Placement) error {
	b, hangs := d.Hangs(p.DevEUI)
	if !hangs || p.hangs() && b.Asset == p.Asset && (p.At.IsZero() || p.At.Equal(b.From)) {
		return nil
	}
	all := d.hung[p.DevEUI]
	all = slices.Clone(all[:len(all)-1])
	at := d.at(p)
	switch {
	case p.hangs() && b.Asset == p.Asset: // it begins at another time: putOn makes it anew
	case at.Before(b.From):
		return refuse(register.Refusal{Why: register.TooEarly, DevEUI: p.DevEUI, Asset: b.Asset, Since: b.From, At: at},
			"device %s hangs on %s since %s, which is after %s: want a later time", p.DevEUI, b.Asset, d.day(b.From), d.day(at))
	case at.After(b.From):
		b.To = at
		all = append(all, b)
	}
	d.hung[p.DevEUI], d.rehung[p.DevEUI] = all, true
	return nil
}

// putOn begins a binding, where one is wanted, and keeps where the device is.
func (d *Draft) putOn(p *Placement) error {
	begins := false
	if _, hangs := d.Hangs(p.DevEUI); p.hangs() && !hangs {
		b := register.Binding{DevEUI: p.DevEUI, Asset: p.Asset, From: d.at(p)}
		if err := d.free(&b); err != nil {
			return err
		}
		d.hung[p.DevEUI] = append(slices.Clip(d.hung[p.DevEUI]), b)
		d.rehung[p.DevEUI] = true
		d.note(p.Asset, p.DevEUI)
		begins = true
	}
	was := d.devices[p.DevEUI]
	if was.State == p.State && was.Asset == p.Asset {
		if begins {
			d.tell(register.Entry{Action: register.Altered, DevEUI: p.DevEUI, Asset: p.Asset,
				Facts: []register.Fact{{Field: "since", Is: d.at(p).UTC().Format(time.RFC3339)}}})
		}
		return nil
	}
	e := register.Entry{Action: register.Altered, DevEUI: p.DevEUI, Asset: p.Asset}
	if was.Asset != p.Asset {
		e.Action = register.Moved
		e.Facts = append(e.Facts, register.Fact{Field: "asset", Was: was.Asset, Is: p.Asset})
	}
	if was.State != p.State {
		e.Facts = append(e.Facts, register.Fact{Field: "state", Was: string(was.State), Is: string(p.State)})
	}
	if p.State == register.Retired {
		e.Action = register.Withdrawn
	}
	if i, fresh := d.added[p.DevEUI]; fresh {
		d.entries[i].Asset, d.entries[i].Facts = p.Asset, append(d.entries[i].Facts, e.Facts...)
		delete(d.added, p.DevEUI)
	} else {
		d.tell(e)
	}
	device := d.own(p.DevEUI)
	device.State, device.Asset = p.State, p.Asset
	return nil
}

// free tells what keeps a binding without an end from being.
func (d *Draft) free(want *register.Binding) error {
	for _, b := range d.hung[want.DevEUI] {
		if b.To.After(want.From) {
			return refuse(register.Refusal{Why: register.TooEarly, DevEUI: b.DevEUI, Asset: b.Asset, Since: b.To, At: want.From},
				"device %s hung on %s until %s, which is after %s: want a later time", b.DevEUI, b.Asset, d.day(b.To), d.day(want.From))
		}
	}
	if eui, ok := d.files[want.Asset]; ok && eui != want.DevEUI {
		return refuse(register.Refusal{Why: register.TakenByFile, DevEUI: want.DevEUI, Asset: want.Asset, Other: eui},
			"%s has device %s, by the inventory files: take that one out there first", want.Asset, eui)
	}
	for _, eui := range slices.SortedFunc(maps.Keys(d.on[want.Asset]), compareEUI) {
		if eui == want.DevEUI {
			continue
		}
		for _, b := range d.hung[eui] {
			switch {
			case b.Asset != want.Asset:
			case b.To.IsZero():
				return refuse(register.Refusal{Why: register.Taken, DevEUI: want.DevEUI, Asset: b.Asset, Other: eui, Since: b.From},
					"%s has device %s since %s: replace it, or move that one first", b.Asset, eui, d.day(b.From))
			case b.To.After(want.From):
				return refuse(register.Refusal{Why: register.TooEarly, DevEUI: eui, Asset: b.Asset, Since: b.To, At: want.From},
					"%s had device %s until %s, which is after %s: want a later time", b.Asset, eui, d.day(b.To), d.day(want.From))
			}
		}
	}
	return nil
}

// refuse says in English why a change is not made.
func refuse(r register.Refusal, format string, args ...any) error {
	r.Text = fmt.Sprintf(format, args...)
	return &r
}

// hangs is the refusal of somebody who takes a device for free that is not.
func hangs(b *register.Binding) register.Refusal {
	return register.Refusal{Why: register.HangsAlready, DevEUI: b.DevEUI, Asset: b.Asset, Since: b.From}
}
