package thethings

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"meldefunk/city"
	"meldefunk/city/lorawan/enrol"
)

// A *Client is what the inventory calls.
var _ enrol.Server = (*Client)(nil)

// Enrol makes the four registries know the device as wanted. A disabled device is taken from
// the network server only, which has no switch for it: its frames are not taken any more,
// and once it is enabled again it must join anew.
func (c *Client) Enrol(ctx context.Context, want enrol.Device) error {
	w, err := c.wanted(want)
	if err != nil {
		return err
	}
	return about(want.DevEUI, c.enrol(ctx, w, want.Disabled))
}

func (c *Client) enrol(ctx context.Context, w endDevice, disabled bool) error {
	s, err := c.look(ctx, &w)
	if err != nil {
		return err
	}
	for _, d := range s.others {
		if err := c.dropAll(ctx, d.IDs.DeviceID); err != nil {
			return err
		}
		if d.IDs.DeviceID == w.IDs.DeviceID {
			s.join, s.network, s.application = nil, nil, nil
		}
	}
	if err := c.setIdentity(ctx, s.identity, w); err != nil {
		return err
	}
	if err := c.setJoin(ctx, s.join, w); err != nil {
		return err
	}
	if disabled {
		if s.network != nil {
			err = c.drop(ctx, c.sites.network, w.IDs.DeviceID)
		}
	} else {
		err = c.setNetwork(ctx, s.network, w)
	}
	if err != nil {
		return err
	}
	return c.setApplication(ctx, s.application, w)
}

// setIdentity makes the identity server know the device, or puts it right there.
func (c *Client) setIdentity(ctx context.Context, have *endDevice, w endDevice) error {
	s := c.sites.identity
	if have != nil {
		return c.put(ctx, s, change(identityFields(*have, w), w), w)
	}
	body := change(identityFields(endDevice{}, w), w)
	body.FieldMask = nil // CreateEndDeviceRequest has none: everything is taken
	err := c.exchange(ctx, http.MethodPost, s.base+"/applications/"+c.cfg.Application+"/devices", body, nil)
	if err != nil {
		return fail("register in the "+s.part, c.taken(err, w))
	}
	return nil
}

// setJoin gives the join server the keys. Without keys it must not have the device: it
// would answer joins in place of the join server that has them.
func (c *Client) setJoin(ctx context.Context, have *endDevice, w endDevice) error {
	s := c.sites.join
	if w.RootKeys == nil {
		if have == nil {
			return nil
		}
		return c.drop(ctx, s, w.IDs.DeviceID)
	}
	have, err := c.same(ctx, s, have, w)
	if err != nil {
		return err
	}
	body := change(joinFields(*have, w), w)
	if old := have.RootKeys.joins(); !old.IsZero() && old != w.RootKeys.joins() {
		body.FieldMask.Paths = append(body.FieldMask.Paths, counters()...)
	}
	return c.put(ctx, s, body, w)
}

// setNetwork makes the network server know the device. One that was activated by
// personalization there cannot be changed to join, so it is removed first.
func (c *Client) setNetwork(ctx context.Context, have *endDevice, w endDevice) error {
	s := c.sites.network
	if have != nil && !have.SupportsJoin {
		if err := c.drop(ctx, s, w.IDs.DeviceID); err != nil {
			return err
		}
		have = nil
	}
	have, err := c.same(ctx, s, have, w)
	if err != nil {
		return err
	}
	return c.put(ctx, s, change(networkFields(*have, w), w), w)
}

// setApplication makes the application server know the device.
func (c *Client) setApplication(ctx context.Context, have *endDevice, w endDevice) error {
	s := c.sites.application
	have, err := c.same(ctx, s, have, w)
	if err != nil {
		return err
	}
	body := change(applicationFields(*have, w), w)
	if body == nil && have.IDs.DeviceID == "" {
		body = &setRequest{EndDevice: endDevice{IDs: w.IDs}, FieldMask: &fieldMask{Paths: []string{"ids.device_id", "ids.dev_eui", "ids.join_eui"}}}
	}
	return c.put(ctx, s, body, w)
}

// same gives what a registry has of the device, never nil. What it has of another one under
// the same id is removed first, because EUIs cannot be changed.
func (c *Client) same(ctx context.Context, s site, have *endDevice, w endDevice) (*endDevice, error) {
	if have == nil {
		return &endDevice{}, nil
	}
	if have.IDs.DevEUI == w.IDs.DevEUI && have.IDs.JoinEUI == w.IDs.JoinEUI {
		return have, nil
	}
	if err := c.drop(ctx, s, w.IDs.DeviceID); err != nil {
		return nil, err
	}
	return &endDevice{}, nil
}

// put sends what differs; nil: nothing does.
func (c *Client) put(ctx context.Context, s site, body *setRequest, w endDevice) error {
	if body == nil {
		return nil
	}
	err := c.exchange(ctx, http.MethodPut, s.device(c.cfg.Application, w.IDs.DeviceID), body, nil)
	if err != nil {
		return fail("set in the "+s.part, c.taken(err, w))
	}
	return nil
}

// taken says who has what a device was to get. Our own application is told of a device that
// came into it since it was looked at: it is looked at anew when the device is enrolled again.
func (c *Client) taken(err error, w endDevice) error {
	f := (*failure)(nil)
	if !errors.As(err, &f) || f.kind != enrol.Conflict || f.owner == (owner{}) {
		return err
	}
	if f.owner == (owner{application: c.cfg.Application, device: w.IDs.DeviceID}) {
		return &failure{kind: enrol.Unreachable, status: f.status, msg: "it was registered by somebody else just now: enrol it again"}
	}
	return &failure{kind: enrol.Conflict, status: f.status, msg: c.hide(fmt.Sprintf("the device stands in application %q as %q: remove it there first",
		clip(f.owner.application, 60), clip(f.owner.device, 60)))}
}

// Remove makes the registries forget the device, in the order that the API asks for
// (api/ttn/lorawan/v3/end_device_services.proto): the identity server last, so that what is
// half removed can be found again.
func (c *Client) Remove(ctx context.Context, devEUI city.EUI) error {
	found, err := c.find(ctx, hexEUI(devEUI))
	if err != nil {
		return about(devEUI, err)
	}
	var all []string
	for _, d := range found {
		all = append(all, d.IDs.DeviceID)
	}
	// What the identity server does not have any more may be left in the others under our
	// id, unless it has given that to another device.
	if id := deviceID(devEUI); !slices.Contains(all, id) {
		other, err := c.get(ctx, c.sites.identity, id)
		if err != nil {
			return about(devEUI, err)
		}
		if other == nil {
			all = append(all, id)
		}
	}
	for _, id := range all {
		if err := c.dropAll(ctx, id); err != nil {
			return about(devEUI, err)
		}
	}
	return nil
}

func (c *Client) dropAll(ctx context.Context, id string) error {
	for _, s := range []site{c.sites.network, c.sites.application, c.sites.join, c.sites.identity} {
		if err := c.drop(ctx, s, id); err != nil {
			return err
		}
	}
	return nil
}
