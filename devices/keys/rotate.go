package keys

import (
	"errors"
	"fmt"
	"slices"

	"meldefunk/city"
	"meldefunk/city/lorawan/enrol"
	"meldefunk/city/register"
)

// Rotate gives the change that wraps root keys with another key encryption key: those of
// from, or with "" all that are not wrapped with to. The keys themselves stay as they are, so
// that neither devices nor network servers notice. Where one of them does not open, its
// device is named and there is no change. The result has no At, By and From.
//
// Session keys that a join server keeps are wrapped anew with RewrapKey.
func (r *Ring) Rotate(s register.Snapshot, from, to string) (register.Change, error) {
	c := register.Change{Base: s.Revision}
	for _, label := range []string{from, to} {
		if _, ok := r.keks[label]; !ok && (label != "" || label == to) {
			return c, r.noKEK(label)
		}
	}
	var errs []error
	for _, d := range s.Devices {
		if d.Keys.None() || d.Keys.KEK == to || from != "" && d.Keys.KEK != from {
			continue
		}
		fresh, err := r.rewrapRoot(d.Keys, to)
		if err != nil {
			errs = append(errs, fmt.Errorf("device %s: %w", d.DevEUI, err))
			continue
		}
		c.Entries = append(c.Entries, register.Entry{Action: register.Rewrapped, DevEUI: d.DevEUI,
			Facts: []register.Fact{{Field: "kek", Was: d.Keys.KEK, Is: to}}})
		d.Keys = fresh
		c.Devices = append(c.Devices, d)
	}
	if len(errs) > 0 {
		return register.Change{Base: s.Revision}, errors.Join(errs...)
	}
	return c, nil
}

func (r *Ring) rewrapRoot(k register.Keys, to string) (fresh register.Keys, err error) {
	fresh.KEK = to
	if len(k.Nwk) > 0 {
		if fresh.Nwk, err = r.RewrapKey(k.KEK, to, k.Nwk); err != nil {
			return register.Keys{}, err
		}
	}
	if len(k.App) > 0 {
		if fresh.App, err = r.RewrapKey(k.KEK, to, k.App); err != nil {
			return register.Keys{}, err
		}
	}
	return fresh, nil
}

// Renew gives the change that replaces a device's root keys by new ones from the random
// source: the device must be given them too, and joins again. The result has no At, By and
// From.
func (r *Ring) Renew(s register.Snapshot, devEUI city.EUI) (register.Change, error) {
	c := register.Change{Base: s.Revision}
	i := slices.IndexFunc(s.Devices, func(d register.Device) bool { return d.DevEUI == devEUI })
	if i < 0 {
		return c, fmt.Errorf("device %s is not in the register", devEUI)
	}
	d := s.Devices[i]
	switch {
	case d.State == register.Retired:
		return c, fmt.Errorf("device %s is retired: it will not join any more", devEUI)
	case d.Version == "":
		return c, fmt.Errorf("device %s: its LoRaWAN version is not told, and 1.1 has two root keys where others have one", devEUI)
	}
	sealed, err := r.SealRoot(Generate(d.Version))
	if err != nil {
		return c, fmt.Errorf("device %s: %w", devEUI, err)
	}
	facts := KeyFacts(d.Version, d.Keys, sealed)
	d.Keys = sealed
	c.Devices = []register.Device{d}
	c.Flushed = []city.EUI{devEUI}
	c.Entries = []register.Entry{{Action: register.KeysSet, DevEUI: devEUI, Facts: facts}}
	return c, nil
}

// KeyFacts tells for the audit trail which root keys of a device became others. They go by
// the names that people know: the one key of LoRaWAN 1.0.x is its AppKey.
func KeyFacts(v enrol.Version, was, is register.Keys) []register.Fact {
	set := func(wrapped []byte) string {
		if len(wrapped) == 0 {
			return ""
		}
		return "set"
	}
	if !v.Two() {
		return []register.Fact{{Field: "app_key", Was: set(was.Nwk), Is: set(is.Nwk)}}
	}
	return []register.Fact{
		{Field: "nwk_key", Was: set(was.Nwk), Is: set(is.Nwk)},
		{Field: "app_key", Was: set(was.App), Is: set(is.App)},
	}
}
