package thethings

import (
	"cmp"
	"context"
	"slices"

	"meldefunk/city/lorawan/enrol"
)

// state is what the registries have of a device; nil: nothing.
type state struct {
	identity, join, network, application *endDevice
	// others stand for the same DevEUI with another JoinEUI. A device has one JoinEUI, and no
	// registry lets one be changed (read_only_field), so these must go.
	others []endDevice
}

// look reads the registries. The device may stand there under another id than ours: want
// then takes that one on.
func (c *Client) look(ctx context.Context, want *endDevice) (state, error) {
	var s state
	found, err := c.find(ctx, want.IDs.DevEUI)
	if err != nil {
		return s, err
	}
	slices.SortFunc(found, func(a, b endDevice) int { return cmp.Compare(a.IDs.DeviceID, b.IDs.DeviceID) })
	for _, d := range found {
		if d.IDs.JoinEUI == want.IDs.JoinEUI && s.identity == nil {
			s.identity = &d
			want.IDs.DeviceID = d.IDs.DeviceID
		} else {
			s.others = append(s.others, d)
		}
	}
	if s.join, err = c.get(ctx, c.sites.join, want.IDs.DeviceID); err != nil {
		return s, err
	}
	if s.network, err = c.get(ctx, c.sites.network, want.IDs.DeviceID); err != nil {
		return s, err
	}
	s.application, err = c.get(ctx, c.sites.application, want.IDs.DeviceID)
	return s, err
}

// Compare tells in what the registries differ from want, and changes nothing.
func (c *Client) Compare(ctx context.Context, want enrol.Device) ([]enrol.Drift, error) {
	w, err := c.wanted(want)
	if err != nil {
		return nil, err
	}
	s, err := c.look(ctx, &w)
	if err != nil {
		return nil, about(want.DevEUI, err)
	}
	var all []enrol.Drift
	for _, d := range s.others {
		all = append(all, enrol.Drift{Part: c.sites.identity.part, Field: "join_eui of " + d.IDs.DeviceID, Have: d.IDs.JoinEUI.String(), Want: w.IDs.JoinEUI.String()})
	}
	all = append(all, drifts(c.sites.identity, s.identity, w, true, identityFields)...)
	all = append(all, drifts(c.sites.join, s.join, w, w.RootKeys != nil, joinFields)...)
	all = append(all, drifts(c.sites.network, s.network, w, !want.Disabled, networkFields)...)
	all = append(all, drifts(c.sites.application, s.application, w, true, applicationFields)...)
	return all, nil
}

// drifts compares one registry. there tells whether it is to have the device at all.
func drifts(s site, have *endDevice, want endDevice, there bool, fields func(have, want endDevice) []field) []enrol.Drift {
	switch {
	case !there && have == nil:
		return nil
	case !there:
		return []enrol.Drift{{Part: s.part, Field: "the device", Have: "there", Want: "not there"}}
	case have == nil:
		return []enrol.Drift{{Part: s.part}}
	}
	var all []enrol.Drift
	for _, f := range append(euiFields(*have, want), fields(*have, want)...) {
		if d, ok := f.drift(s.part); ok {
			all = append(all, d)
		}
	}
	return all
}

// euiFields are what tells devices apart. They cannot be changed, so they are not put.
func euiFields(have, want endDevice) []field {
	return []field{
		{path: "ids.dev_eui", have: have.IDs.DevEUI.String(), want: want.IDs.DevEUI.String()},
		{path: "ids.join_eui", have: have.IDs.JoinEUI.String(), want: want.IDs.JoinEUI.String()},
	}
}
