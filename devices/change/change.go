// Package change makes one change of the register of what somebody does with devices: puts
// one into service, moves it, swaps a broken one, retires it. A change carries the bindings
// and the lines of the audit trail that belong to it, and is refused with what is wrong
// where it would contradict what hangs where.
//
// It does not know where the register is kept, how tables of devices are read, or network
// servers.
package change

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"meldefunk/city"
	"meldefunk/city/register"
)

// Stamp says who changes what when, for the audit trail. Times are shown to people in the
// zone of At.
type Stamp struct {
	At     time.Time // now: nothing is installed later
	By     string
	Reason string // may be empty
	From   string // by which way: "cli", "import devices.csv", "board"
}

// Ground is what counts beside the register: what inventory files say, and which models fit
// which assets.
type Ground struct {
	Assets  map[string]*city.Asset
	Devices map[city.EUI]*city.Device // each hangs on its asset for ever
	// Kinds gives the kinds of assets that a model is of use on; nil: any is taken.
	Kinds func(model string) []city.Kind
}

// Draft is a change in the making. After an error it is of no use: nothing of it must be
// kept.
type Draft struct {
	base   register.Snapshot
	ground Ground
	stamp  Stamp

	devices  map[city.EUI]*register.Device // never those of base: copies where they were changed
	assets   map[string]*register.Asset
	hung     map[city.EUI][]register.Binding // by time
	on       map[string]map[city.EUI]bool    // devices with a binding to an asset, or that had one
	files    map[string]city.EUI             // device of the inventory files on an asset
	changed  map[city.EUI]bool
	rehung   map[city.EUI]bool
	replaced map[string]bool   // assets
	added    map[city.EUI]int  // the entry of a new device that was not placed yet
	flushed  map[city.EUI]bool // other root keys prove its joins
	entries  []register.Entry
}

// New begins a change of a register.
func New(s register.Snapshot, g Ground, stamp Stamp) *Draft {
	d := &Draft{
		base: s, ground: g, stamp: stamp,
		devices: make(map[city.EUI]*register.Device, len(s.Devices)), assets: make(map[string]*register.Asset, len(s.Assets)),
		hung: make(map[city.EUI][]register.Binding, len(s.Devices)), on: make(map[string]map[city.EUI]bool, len(s.Assets)),
		files:   make(map[string]city.EUI, len(g.Devices)),
		changed: make(map[city.EUI]bool), rehung: make(map[city.EUI]bool), replaced: make(map[string]bool), added: make(map[city.EUI]int), flushed: make(map[city.EUI]bool),
	}
	for i := range s.Devices {
		d.devices[s.Devices[i].DevEUI] = &s.Devices[i]
	}
	for i := range s.Assets {
		d.assets[s.Assets[i].ID] = &s.Assets[i]
	}
	for _, b := range s.Bindings {
		d.hung[b.DevEUI] = append(d.hung[b.DevEUI], b)
		d.note(b.Asset, b.DevEUI)
	}
	for _, all := range d.hung {
		slices.SortFunc(all, func(a, b register.Binding) int { return a.From.Compare(b.From) })
	}
	for eui, device := range g.Devices {
		d.files[device.Asset] = eui
	}
	return d
}

// Device gives a device as it is with the change so far. It must not be changed.
func (d *Draft) Device(eui city.EUI) (*register.Device, bool) {
	device, ok := d.devices[eui]
	return device, ok
}

// Asset gives an asset of the register, with the change so far, or of the inventory files. It
// must not be changed.
func (d *Draft) Asset(id string) (*city.Asset, bool) {
	if a, ok := d.assets[id]; ok {
		return &a.Asset, true
	}
	a, ok := d.ground.Assets[id]
	return a, ok
}

// Hangs gives the binding of a device that hangs somewhere now.
func (d *Draft) Hangs(eui city.EUI) (register.Binding, bool) {
	all := d.hung[eui]
	if n := len(all); n > 0 && all[n-1].To.IsZero() {
		return all[n-1], true
	}
	return register.Binding{}, false
}

// Change gives everything that is different.
func (d *Draft) Change() register.Change {
	c := register.Change{
		Base: d.base.Revision, At: d.stamp.At, By: d.stamp.By, Reason: d.stamp.Reason, From: d.stamp.From,
		Entries: slices.Clone(d.entries),
	}
	for i := range c.Entries {
		e := &c.Entries[i]
		e.At, e.By, e.Reason, e.From = c.At, c.By, c.Reason, c.From
	}
	for _, eui := range slices.SortedFunc(maps.Keys(d.changed), compareEUI) {
		c.Devices = append(c.Devices, *d.devices[eui])
	}
	for _, id := range slices.Sorted(maps.Keys(d.replaced)) {
		c.Assets = append(c.Assets, *d.assets[id])
	}
	c.Flushed = slices.SortedFunc(maps.Keys(d.flushed), compareEUI)
	d.bindings(&c)
	return c
}

// bindings tells the ones that are new, different or gone.
func (d *Draft) bindings(c *register.Change) {
	type which struct {
		eui  city.EUI
		from int64
	}
	was := make(map[which]register.Binding)
	for _, b := range d.base.Bindings {
		if d.rehung[b.DevEUI] {
			was[which{b.DevEUI, b.From.UnixNano()}] = b
		}
	}
	for _, eui := range slices.SortedFunc(maps.Keys(d.rehung), compareEUI) {
		for _, b := range d.hung[eui] {
			key := which{eui, b.From.UnixNano()}
			if old, ok := was[key]; !ok || old.Asset != b.Asset || !old.To.Equal(b.To) {
				c.Bindings = append(c.Bindings, b)
			}
			delete(was, key)
		}
	}
	for _, b := range was {
		c.Dropped = append(c.Dropped, b)
	}
	slices.SortFunc(c.Dropped, func(a, b register.Binding) int {
		return cmp.Or(compareEUI(a.DevEUI, b.DevEUI), a.From.Compare(b.From))
	})
}

// Put keeps what is known of a device. A new one needs Place as well, unless it is in stock;
// of a known one, where it hangs and its state stay as they are. facts are the fields that
// became different: none, and a known device is not touched.
func (d *Draft) Put(device register.Device, facts []register.Fact) {
	old, known := d.devices[device.DevEUI]
	if !known {
		device.State, device.Asset = register.InStock, ""
		d.devices[device.DevEUI] = &device
		d.changed[device.DevEUI] = true
		d.added[device.DevEUI] = len(d.entries)
		d.tell(register.Entry{Action: register.Added, DevEUI: device.DevEUI, Facts: facts})
		return
	}
	if len(facts) == 0 {
		return
	}
	device.State, device.Asset, device.Revision, device.Changed = old.State, old.Asset, old.Revision, old.Changed
	d.devices[device.DevEUI] = &device
	d.changed[device.DevEUI] = true
	var keys, others []register.Fact
	for _, f := range facts {
		if f.Field == KeysField {
			keys = append(keys, f)
		} else {
			others = append(others, f)
		}
	}
	if len(others) > 0 {
		d.tell(register.Entry{Action: register.Altered, DevEUI: device.DevEUI, Facts: others})
	}
	if len(keys) > 0 {
		if !old.Keys.Joins(device.Keys) {
			d.flushed[device.DevEUI] = true
		}
		d.tell(register.Entry{Action: register.KeysSet, DevEUI: device.DevEUI, Facts: keys})
	}
}

// KeysField is the field of a fact about root keys. It says "set" or nothing.
const KeysField = "keys"

// Describe keeps an asset, new or known. facts are the fields that became different: none, and
// a known asset is not touched.
func (d *Draft) Describe(a register.Asset, facts []register.Fact) {
	action := register.Added
	if old, known := d.assets[a.ID]; known {
		if len(facts) == 0 {
			return
		}
		a.Revision, a.Changed = old.Revision, old.Changed
		action = register.Altered
	}
	d.assets[a.ID] = &a
	d.replaced[a.ID] = true
	d.tell(register.Entry{Action: action, Asset: a.ID, Facts: facts})
}

func (d *Draft) tell(e register.Entry) { d.entries = append(d.entries, e) }

// own gives a copy of a device that may be changed.
func (d *Draft) own(eui city.EUI) *register.Device {
	device := *d.devices[eui]
	d.devices[eui] = &device
	d.changed[eui] = true
	return &device
}

func (d *Draft) note(asset string, eui city.EUI) {
	if d.on[asset] == nil {
		d.on[asset] = make(map[city.EUI]bool, 1)
	}
	d.on[asset][eui] = true
}

// known gives a device, or says that there is none.
func (d *Draft) known(eui city.EUI) (*register.Device, error) {
	if device, ok := d.devices[eui]; ok {
		return device, nil
	}
	if _, ok := d.ground.Devices[eui]; ok {
		return nil, refuse(register.Refusal{Why: register.FiledDevice, DevEUI: eui}, "device %s stands in the inventory files: change it there, or take it out there and import it", eui)
	}
	return nil, refuse(register.Refusal{Why: register.UnknownDevice, DevEUI: eui}, "device %s is not in the register: add it first", eui)
}

// day shows a time to people.
func (d *Draft) day(t time.Time) string {
	return t.In(d.stamp.At.Location()).Format("2 January 2006 15:04")
}

func compareEUI(a, b city.EUI) int { return slices.Compare(a[:], b[:]) }

// eitherOf names kinds: "bin or level".
func eitherOf(kinds []city.Kind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.String()
	}
	return strings.Join(names, " or ")
}
