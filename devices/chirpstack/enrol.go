package chirpstack

import (
	"context"
	"fmt"

	"meldefunk/city"
	"meldefunk/city/lorawan/enrol"
)

// A *Client is what the inventory calls.
var _ enrol.Server = (*Client)(nil)

// Enrol makes ChirpStack know the device as wanted: first the profile, then the device, then
// its keys.
func (c *Client) Enrol(ctx context.Context, want enrol.Device) error {
	w, err := c.wanted(want)
	if err != nil {
		return err
	}
	here, err := c.place(ctx)
	if err != nil {
		return err
	}
	p, err := c.makeProfile(ctx, here, w)
	if err != nil {
		return err
	}
	if err := c.setDevice(ctx, here, p, w); err != nil {
		return err
	}
	return c.setKeys(ctx, w)
}

// setDevice makes the device known, or puts it right.
func (c *Client) setDevice(ctx context.Context, here place, p profile, w wanted) error {
	eui := w.device.DevEUI
	have, err := c.device(ctx, here, eui)
	if err != nil {
		return err
	}
	if have == nil {
		if have, err = c.create(ctx, here, p, w); err != nil || have == nil {
			return err
		}
	}
	if at := have.text(deviceApplication); at != here.application {
		return fail("look up the device", eui, &failure{kind: enrol.Conflict,
			msg: fmt.Sprintf("it stands in application %s: remove it there first", c.nameBehind(ctx, getApplication, at, applicationName))})
	}
	aspects, err := deviceAspects(have, w)
	if err != nil {
		return fail("read the device", eui, err)
	}
	aspects = append(aspects, aspect{have: have.text(deviceProfile), want: p.id(),
		put: func(m message) message { return m.setText(deviceProfile, p.id()) }})
	if m, ok := change(have, aspects); ok {
		if _, err := c.call(ctx, updateDevice, message{}.setMessage(about, m)); err != nil {
			return fail("change the device", eui, err)
		}
	}
	return nil
}

// create makes the device known. Where somebody else has just done so it gives the device as
// it is there.
func (c *Client) create(ctx context.Context, here place, p profile, w wanted) (have message, err error) {
	const step = "create the device"
	eui := w.device.DevEUI
	m := message{}.
		setText(deviceEUI, eui.String()).
		setText(deviceApplication, here.application).
		setText(deviceProfile, p.id())
	aspects, err := deviceAspects(m, w)
	if err != nil {
		return nil, fail(step, eui, err)
	}
	m, _ = change(m, aspects)
	_, err = c.call(ctx, createDevice, message{}.setMessage(about, m))
	if err == nil {
		return nil, nil
	}
	if !isTaken(err) {
		c.forget() // the application or the profile may be gone
		return nil, fail(step, eui, err)
	}
	have, lookErr := c.device(ctx, here, eui)
	if lookErr != nil {
		return nil, lookErr
	}
	if have == nil {
		return nil, fail(step, eui, &failure{kind: enrol.Conflict, msg: "another tenant has it, which the API key cannot see: have it removed there first"})
	}
	return have, nil
}

// setKeys gives ChirpStack the keys. Without keys it must have none: it asks a join server
// only for devices that have none (chirpstack/src/uplink/join.rs).
func (c *Client) setKeys(ctx context.Context, w wanted) error {
	eui := w.device.DevEUI
	have, err := c.keys(ctx, eui)
	if err != nil {
		return err
	}
	if w.device.Keys.None() {
		if have == nil {
			return nil
		}
		_, err := c.call(ctx, deleteKeys, message{}.setText(about, eui.String()))
		if err != nil && !has(err, notFound) {
			return fail("remove the keys", eui, err)
		}
		return nil
	}
	if have == nil {
		m, _ := change(message{}.setText(keysEUI, eui.String()), keyAspects(nil, w))
		_, err := c.call(ctx, createKeys, message{}.setMessage(about, m))
		if err == nil {
			return nil
		}
		if !isTaken(err) {
			return fail("set the keys", eui, err)
		}
		// Somebody else was faster.
		if have, err = c.keys(ctx, eui); err != nil {
			return err
		}
	}
	m, ok := change(have, keyAspects(have, w))
	if !ok {
		return nil
	}
	// The nonces of the old key go, else a device that counts anew is refused. They go first:
	// once the key is as wanted nobody would look at them again.
	if _, err := c.call(ctx, flushDevNonces, message{}.setText(about, eui.String())); err != nil {
		return fail("forget the nonces of the old key", eui, err)
	}
	if _, err := c.call(ctx, updateKeys, message{}.setMessage(about, m)); err != nil {
		return fail("change the keys", eui, err)
	}
	return nil
}

// device reads the device; nil: ChirpStack does not have it, or not where the API key can
// see. Both are the same to the key of a tenant, and the same as a key that is not good; so
// that one is tried on the application.
func (c *Client) device(ctx context.Context, here place, eui city.EUI) (message, error) {
	m, err := c.thing(ctx, getDevice, eui.String())
	switch {
	case has(err, notFound):
		return nil, nil
	case has(err, unauthenticated, permissionDenied):
		_, err := c.tenantOf(ctx, here.application)
		if err != nil {
			c.forget() // the application may have been made anew
		}
		return nil, err
	case err == nil && m.text(deviceEUI) != eui.String():
		err = odd(fmt.Errorf("device %q in place of %s", clip(m.text(deviceEUI), 40), eui))
	}
	if err != nil {
		return nil, fail("read the device", eui, err)
	}
	return m, nil
}

// keys reads the keys of a device that is there; nil: it has none.
func (c *Client) keys(ctx context.Context, eui city.EUI) (message, error) {
	m, err := c.thing(ctx, getKeys, eui.String())
	switch {
	case has(err, notFound):
		return nil, nil
	case err == nil && m.text(keysEUI) != eui.String():
		err = odd(fmt.Errorf("keys of %q in place of %s", clip(c.hide(m.text(keysEUI)), 40), eui))
	}
	if err != nil {
		return nil, fail("read the keys", eui, err)
	}
	return m, nil
}

// Remove makes ChirpStack forget the device; its keys and its session go with it. One that
// stands in another application is somebody else's.
func (c *Client) Remove(ctx context.Context, devEUI city.EUI) error {
	const step = "remove the device"
	here, err := c.place(ctx)
	if err != nil {
		return err
	}
	have, err := c.device(ctx, here, devEUI)
	if err != nil || have == nil {
		return err
	}
	if at := have.text(deviceApplication); at != here.application {
		return fail(step, devEUI, &failure{kind: enrol.Conflict,
			msg: fmt.Sprintf("it stands in application %s, which is not ours", c.nameBehind(ctx, getApplication, at, applicationName))})
	}
	_, err = c.call(ctx, deleteDevice, message{}.setText(about, devEUI.String()))
	if err != nil && !has(err, notFound) {
		return fail(step, devEUI, err)
	}
	return nil
}
