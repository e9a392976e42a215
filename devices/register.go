package devices

import (
	"fmt"

	"meldefunk/city"
	"meldefunk/city/register"
)

// keptDevice is what the register knows of a device beside the inventory's facts.
type keptDevice struct {
	state    register.State
	bindings []register.Binding // in order of time
}

// hangs tells whether the device hangs on its asset now.
func (k *keptDevice) hangs() bool {
	d := register.Device{State: k.state}
	return d.Hangs()
}

// addRegister keeps what stands in the register. It comes before the files, so that what
// differs is told at the file's line, and after them in the order of problems.
func (b *builder) addRegister(s *register.Snapshot, order int) {
	at := place{source: &source{name: "the register", order: order}}
	for i := range s.Assets {
		a := s.Assets[i].Asset
		here := at
		here.what = fmt.Sprintf("asset %.40s", a.ID)
		b.checkFacts(here, &a)
		b.addAsset(here, a)
	}
	bindings := s.Bindings
	for i := range s.Devices {
		d := &s.Devices[i]
		kept := &keptDevice{state: d.State}
		here := at
		here.what = "device " + d.DevEUI.String()
		for len(bindings) > 0 && bindings[0].DevEUI == d.DevEUI {
			kept.bindings, bindings = append(kept.bindings, bindings[0]), bindings[1:]
		}
		b.addDevice(here, d.Device)
		if n := len(b.devices); n > 0 && b.devices[n-1].device.DevEUI == d.DevEUI {
			b.devices[n-1].kept = kept
		}
	}
}

// differences names the facts in which a file contradicts the register.
func (p *placedDevice) differences(d *city.Device) []string {
	was := p.device
	if !p.kept.hangs() {
		was.Asset = "" // a file knows nothing but devices that hang
	}
	var names []string
	for _, fact := range []struct {
		name string
		same bool
	}{
		{"model", was.Model == d.Model},
		{"asset", was.Asset == d.Asset},
		{"server", was.Server == d.Server},
		{"firmware", was.Firmware == d.Firmware},
	} {
		if !fact.same {
			names = append(names, fact.name)
		}
	}
	return names
}

// hangKept is hang for a device of the register: it hung where its bindings say. What is past
// counts as far as its asset is still described.
func (b *builder) hangKept(p *placedDevice) (city.Hangings, *city.Asset) {
	var now *city.Asset
	if p.kept.hangs() {
		if now = b.fit(p.at, &p.device); now == nil {
			return nil, nil
		}
	}
	var all city.Hangings
	for _, k := range p.kept.bindings {
		on, described := b.assets[k.Asset]
		if described {
			all = append(all, city.Hanging{Asset: &on.asset, From: k.From, To: k.To})
		}
	}
	return all, now
}
