package chirpstack

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"meldefunk/city/lorawan"
	"meldefunk/city/lorawan/enrol"
)

// aspect is one thing that ChirpStack has of a device or of a profile.
type aspect struct {
	name       string
	have, want string // the values, or words for them: a key is never told
	put        func(message) message
}

// drifts tells in what aspects differ.
func drifts(part string, aspects []aspect) []enrol.Drift {
	var all []enrol.Drift
	for _, a := range aspects {
		if a.have == a.want {
			continue
		}
		d := enrol.Drift{Part: part, Field: a.name, Have: clip(a.have, 200), Want: clip(a.want, 200)}
		if d.Want == "" {
			d.Want = "nothing"
		}
		all = append(all, d)
	}
	return all
}

// change gives a message with all aspects as wanted; ok is false where they are already.
func change(m message, aspects []aspect) (changed message, ok bool) {
	for _, a := range aspects {
		if a.have != a.want {
			m, ok = a.put(m), true
		}
	}
	return m, ok
}

// deviceAspects are those of a device but its profile. Tags of other names stay.
func deviceAspects(have message, w wanted) ([]aspect, error) {
	all := []aspect{
		{name: "name", have: have.text(deviceName), want: w.name,
			put: func(m message) message { return m.setText(deviceName, w.name) }},
		{name: "description", have: have.text(deviceDescription), want: w.device.Text,
			put: func(m message) message { return m.setText(deviceDescription, w.device.Text) }},
		{name: "join_eui", have: have.text(deviceJoinEUI), want: w.device.JoinEUI.String(),
			put: func(m message) message { return m.setText(deviceJoinEUI, w.device.JoinEUI.String()) }},
		{name: "is_disabled", have: strconv.FormatBool(have.bool(deviceDisabled)), want: strconv.FormatBool(w.device.Disabled),
			put: func(m message) message { return m.setBool(deviceDisabled, w.device.Disabled) }},
	}
	tags, err := have.texts(deviceTags)
	if err != nil {
		return nil, odd(err)
	}
	merged := maps.Clone(tags)
	maps.Copy(merged, w.device.Tags)
	for _, key := range slices.Sorted(maps.Keys(w.device.Tags)) {
		a := aspect{name: "tags." + key, have: tags[key], want: w.device.Tags[key],
			put: func(m message) message { return m.setTexts(deviceTags, merged) }}
		all = append(all, a)
	}
	return all, nil
}

// keyAspects are the root keys, which are called as in LoRaWAN 1.1: the one key of 1.0.x,
// there called AppKey, is nwk_key here, and app_key is empty (api/proto/api/device.proto,
// DeviceKeys). One that is not set is read as zeros.
func keyAspects(have message, w wanted) []aspect {
	nwk, app := readKey(have.text(keysNwk)), readKey(have.text(keysApp))
	return []aspect{
		keyAspect("nwk_key", nwk, w.device.Keys.Nwk, func(m message) message { return m.setText(keysNwk, hexOf(w.device.Keys.Nwk)) }),
		keyAspect("app_key", app, w.device.Keys.App, func(m message) message { return m.setText(keysApp, hexOf(w.device.Keys.App)) }),
	}
}

func keyAspect(name string, have, want lorawan.Key, put func(message) message) aspect {
	a := aspect{name: name, put: put}
	switch {
	case have == want:
	case have.IsZero():
		a.want = "the key of the inventory"
	case want.IsZero():
		a.have = "a key"
	default:
		a.have, a.want = "another key", "that of the inventory"
	}
	return a
}

// readKey reads a key; what is none is zero.
func readKey(s string) lorawan.Key {
	k, err := lorawan.ParseKey(s)
	if err != nil {
		return lorawan.Key{}
	}
	return k
}

// hexOf writes a key; "" for one that is not set.
func hexOf(k lorawan.Key) string {
	if k.IsZero() {
		return ""
	}
	return k.Hex()
}

// Compare tells in what ChirpStack differs from want, and changes nothing.
func (c *Client) Compare(ctx context.Context, want enrol.Device) ([]enrol.Drift, error) {
	w, err := c.wanted(want)
	if err != nil {
		return nil, err
	}
	here, err := c.place(ctx)
	if err != nil {
		return nil, err
	}
	p, err := c.findProfile(ctx, here, w)
	if err != nil {
		return nil, err
	}
	all := p.drift(w)
	have, err := c.device(ctx, here, want.DevEUI)
	if err != nil {
		return nil, err
	}
	if have == nil {
		all = append(all, enrol.Drift{Part: "device"})
		if !want.Keys.None() {
			all = append(all, enrol.Drift{Part: "keys"})
		}
		return all, nil
	}
	if at := have.text(deviceApplication); at != here.application {
		all = append(all, enrol.Drift{Part: "device", Field: "application",
			Have: c.nameBehind(ctx, getApplication, at, applicationName), Want: c.nameBehind(ctx, getApplication, here.application, applicationName)})
	}
	if id := have.text(deviceProfile); id != p.id() {
		all = append(all, enrol.Drift{Part: "device", Field: "device profile",
			Have: c.nameBehind(ctx, getProfile, id, profileName), Want: strconv.Quote(w.profile)})
	}
	aspects, err := deviceAspects(have, w)
	if err != nil {
		return nil, fail("read the device", want.DevEUI, err)
	}
	all = append(all, drifts("device", aspects)...)
	keys, err := c.keys(ctx, want.DevEUI)
	if err != nil {
		return nil, err
	}
	switch {
	case keys == nil && want.Keys.None():
	case keys == nil:
		all = append(all, enrol.Drift{Part: "keys"})
	case want.Keys.None():
		all = append(all, enrol.Drift{Part: "keys", Field: "the keys", Have: "there", Want: "not there"})
	default:
		all = append(all, drifts("keys", keyAspects(keys, w))...)
	}
	return all, nil
}
