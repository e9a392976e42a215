// Package devices is the inventory: which EUI is which model, on which asset since when, and
// where that asset stands. It is made from YAML and CSV files and from the register, or from
// values, and checked as a whole before any of it counts.
//
// It does not know payloads, network servers, rules or where readings are kept; which
// models exist is told by the caller.
package devices

import (
	"cmp"
	"slices"

	"meldefunk/city"
)

// Models says which sensor models can be read. It is asked while an inventory is built.
type Models interface {
	Models() []string               // every model
	Kinds(model string) []city.Kind // of the assets it is of use on; none: no such model
}

// Inventory is what hangs where, and hung. It does not change: a reload makes a new one. Any number
// of goroutines may ask it, nothing is locked.
//
// An asset has one device at a time. All rules of an asset judge its readings in one row; two
// sensors on it would contradict each other in turns, and nobody could tell which one a
// ticket means. Two probes at one tree are two assets.
type Inventory struct {
	devices map[city.EUI]entry
	assets  []*city.Asset
	byID    map[string]fitted
}

type entry struct {
	device *city.Device
	hangs  city.Hangings
}

type fitted struct {
	asset  *city.Asset
	device []*city.Device // none or one
}

// Find gives the device and where it hung when, if the device is in the inventory and messages
// of the network server count for it. It allocates nothing; what it returns must not be changed.
func (inv *Inventory) Find(server string, devEUI city.EUI) (*city.Device, city.Hangings, bool) {
	e, ok := inv.devices[devEUI]
	if !ok || (e.device.Server != "" && e.device.Server != server) {
		return nil, nil, false
	}
	return e.device, e.hangs, true
}

// Each tells of every device, in no order. What it gives must not be changed.
func (inv *Inventory) Each(do func(*city.Device, city.Hangings)) {
	for _, e := range inv.devices {
		do(e.device, e.hangs)
	}
}

// Asset gives an asset by its number. What it returns must not be changed.
func (inv *Inventory) Asset(id string) (*city.Asset, bool) {
	f, ok := inv.byID[id]
	return f.asset, ok
}

// Assets lists every asset by number, as people sort them: PK-9 before PK-10. The slice
// and what it holds must not be changed.
func (inv *Inventory) Assets() []*city.Asset { return inv.assets }

// Devices lists the devices that hang on an asset now: none or one. The slice and what it holds must
// not be changed.
func (inv *Inventory) Devices(asset string) []*city.Device { return inv.byID[asset].device }

// AssetCount is the number of assets, with and without a device.
func (inv *Inventory) AssetCount() int { return len(inv.assets) }

// DeviceCount is the number of devices, those that hang nowhere among them.
func (inv *Inventory) DeviceCount() int { return len(inv.devices) }

// Servers lists the network servers that devices name, sorted: each must be configured,
// or its devices are never heard.
func (inv *Inventory) Servers() []string {
	seen := make(map[string]bool)
	var names []string
	for _, e := range inv.devices {
		if s := e.device.Server; s != "" && !seen[s] {
			seen[s] = true
			names = append(names, s)
		}
	}
	slices.Sort(names)
	return names
}

// Natural compares as people sort numbered things: runs of digits by their value.
func Natural(a, b string) int {
	for x, y := a, b; ; {
		switch {
		case x == "" && y == "":
			return cmp.Compare(a, b) // PK-7 and PK-07 differ all the same
		case x == "":
			return -1
		case y == "":
			return 1
		}
		m, n := digits(x), digits(y)
		if m == 0 || n == 0 {
			if x[0] != y[0] {
				return cmp.Compare(x[0], y[0])
			}
			x, y = x[1:], y[1:]
			continue
		}
		if c := compareDigits(x[:m], y[:n]); c != 0 {
			return c
		}
		x, y = x[m:], y[n:]
	}
}

// digits is how many digits s begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}

// compareDigits compares numbers of any length by value.
func compareDigits(a, b string) int {
	for len(a) > 1 && a[0] == '0' {
		a = a[1:]
	}
	for len(b) > 1 && b[0] == '0' {
		b = b[1:]
	}
	if c := cmp.Compare(len(a), len(b)); c != 0 {
		return c
	}
	return cmp.Compare(a, b)
}
