package register

import (
	"cmp"
	"slices"
	"strings"

	"meldefunk/city"
)

// With gives the register as it is after a change, without numbers and times of the store. It
// checks nothing; s stays as it is.
func (s Snapshot) With(c *Change) Snapshot {
	type hung struct {
		devEUI city.EUI
		from   int64
	}
	key := func(b *Binding) hung { return hung{b.DevEUI, b.From.UnixNano()} }
	s.Bindings = slices.DeleteFunc(slices.Clone(s.Bindings), func(b Binding) bool {
		return slices.ContainsFunc(c.Dropped, func(d Binding) bool { return key(&d) == key(&b) })
	})
	s.Bindings = merge(s.Bindings, c.Bindings, key)
	s.Devices = merge(s.Devices, c.Devices, func(d *Device) city.EUI { return d.DevEUI })
	s.Assets = merge(s.Assets, c.Assets, func(a *Asset) string { return a.ID })
	slices.SortFunc(s.Devices, func(a, b Device) int { return slices.Compare(a.DevEUI[:], b.DevEUI[:]) })
	slices.SortFunc(s.Assets, func(a, b Asset) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(s.Bindings, func(a, b Binding) int {
		return cmp.Or(slices.Compare(a.DevEUI[:], b.DevEUI[:]), a.From.Compare(b.From))
	})
	return s
}

// merge puts what is changed in the place of what was there under the same key, or adds it.
func merge[T any, K comparable](was, changed []T, key func(*T) K) []T {
	all := slices.Clone(was)
	at := make(map[K]int, len(all))
	for i := range all {
		at[key(&all[i])] = i
	}
	for i := range changed {
		k := key(&changed[i])
		if j, known := at[k]; known {
			all[j] = changed[i]
			continue
		}
		at[k] = len(all)
		all = append(all, changed[i])
	}
	return all
}
