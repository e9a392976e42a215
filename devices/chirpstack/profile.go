package chirpstack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"meldefunk/city"
	"meldefunk/city/lorawan/enrol"
)

// What a device profile of ours has that a device does not say: as the form of ChirpStack's
// web interface proposes (ui/src/views/device-profiles/CreateDeviceProfile.tsx).
const (
	adrAlgorithm   = "default"
	interval       = 3600 // seconds, where a device does not tell its own: from it follows when it counts as inactive
	statusInterval = 1    // requests for the device's status a day
	// classCTimeout is how long a class C device has to confirm a downlink, in seconds:
	// CLASS_C_RESP_TIMEOUT as RP002-1.0.3 recommends it.
	classCTimeout = 8
)

// profile is a device profile; nil: there is none yet.
type profile message

func (p profile) id() string { return message(p).text(profileID) }

// aspects are those that we answer for in a profile of our own. What an operator changed
// otherwise stays: a codec, another data rate algorithm.
func (p profile) aspects(w wanted) []aspect {
	m := message(p)
	number := func(n uint64) string { return strconv.FormatUint(n, 10) }
	seconds := uint64(w.device.Interval)
	if seconds == 0 {
		seconds = interval
	}
	c := w.device.Class == enrol.ClassC
	return []aspect{
		{name: "region", have: regionName(m.uint(profileRegion)), want: regionName(w.region),
			put: func(m message) message { return m.setUint(profileRegion, w.region) }},
		{name: "mac_version", have: macName(m.uint(profileMAC)), want: string(w.device.Version),
			put: func(m message) message { return m.setUint(profileMAC, w.version.mac) }},
		{name: "reg_params_revision", have: parametersName(m.uint(profileParameters)), want: parametersName(w.version.parameters),
			put: func(m message) message { return m.setUint(profileParameters, w.version.parameters) }},
		{name: "supports_otaa", have: strconv.FormatBool(m.bool(profileOTAA)), want: "true",
			put: func(m message) message { return m.setBool(profileOTAA, true) }},
		{name: "supports_class_c", have: strconv.FormatBool(m.bool(profileClassC)), want: strconv.FormatBool(c),
			put: func(m message) message { return m.setBool(profileClassC, c) }},
		{name: "uplink_interval", have: number(m.uint(profileInterval)), want: number(seconds),
			put: func(m message) message { return m.setUint(profileInterval, seconds) }},
	}
}

// drift tells in what a profile of ours is not as the device needs it. One that an operator
// made is as he wants it.
func (p profile) drift(w wanted) []enrol.Drift {
	switch {
	case p == nil:
		return []enrol.Drift{{Part: "device profile " + strconv.Quote(w.profile)}}
	case !w.own:
		return nil
	}
	return drifts("device profile "+strconv.Quote(w.profile), p.aspects(w))
}

// fits refuses a profile of an operator with which the device could not join at all.
func (p profile) fits(w wanted) error {
	m := message(p)
	switch {
	case !m.bool(profileOTAA):
		return errors.New("it is for devices that do not join (supports_otaa is off)")
	case m.uint(profileRegion) != w.region:
		return fmt.Errorf("it is for %s, the device for %s", regionName(m.uint(profileRegion)), w.device.Region)
	case (m.uint(profileMAC) == versions()[enrol.V1_1_0].mac) != w.device.Version.Two():
		return fmt.Errorf("it is for LoRaWAN %s, the device speaks %s, which has other root keys", macName(m.uint(profileMAC)), w.device.Version)
	}
	return nil
}

// findProfile reads the device profile; nil: one of ours is not there yet.
func (c *Client) findProfile(ctx context.Context, here place, w wanted) (profile, error) {
	const step = "look up the device profile"
	c.mu.Lock()
	id, known := c.profiles[w.profile]
	c.mu.Unlock()
	for {
		if !known {
			var err error
			if id, err = c.profileID(ctx, here, w); err != nil {
				return nil, fail(step, city.EUI{}, err)
			}
			if id == "" {
				return nil, nil
			}
		}
		m, err := c.thing(ctx, getProfile, id)
		switch {
		case known && has(err, notFound, unauthenticated, permissionDenied):
			known = false // it was removed, and may have been made anew
			continue
		case err != nil:
			return nil, fail(step, city.EUI{}, err)
		case m.text(profileID) != id:
			return nil, fail(step, city.EUI{}, odd(fmt.Errorf("device profile %q in place of %s", clip(m.text(profileID), 60), id)))
		}
		if err := profile(m).fits(w); err != nil && !w.own {
			return nil, fail(step, w.device.DevEUI, &failure{kind: enrol.Refused, msg: fmt.Sprintf("profile %q: %v", w.profile, err)})
		}
		c.mu.Lock()
		c.profiles[w.profile] = id
		c.mu.Unlock()
		return profile(m), nil
	}
}

// profileID gives the id of the device profile; "": one of ours is not there yet. Those of
// the tenant count, and those that are there for all tenants.
func (c *Client) profileID(ctx context.Context, here place, w wanted) (string, error) {
	request := message{}.setText(listTenant, here.tenant)
	if !w.own {
		if isID(w.profile) {
			return w.profile, nil
		}
		return c.idOf(ctx, "device profile", listProfiles, request, w.profile)
	}
	ids, err := c.named(ctx, listProfiles, request, w.profile)
	if err != nil || len(ids) == 0 {
		return "", err
	}
	return slices.Min(ids), nil // two that were started at once may each have made one
}

// makeProfile gives the device profile, and makes or mends it where it is ours.
func (c *Client) makeProfile(ctx context.Context, here place, w wanted) (profile, error) {
	p, err := c.findProfile(ctx, here, w)
	if err != nil || len(p.drift(w)) == 0 {
		return p, err
	}
	select {
	case c.writes <- struct{}{}:
		defer func() { <-c.writes }()
	case <-ctx.Done():
		return nil, fail("wait for the device profile", city.EUI{}, ctx.Err())
	}
	p, err = c.findProfile(ctx, here, w) // another call may have been faster
	if err != nil {
		return nil, err
	}
	if p == nil {
		return c.createProfile(ctx, here, w)
	}
	if m, ok := change(message(p), p.aspects(w)); ok {
		if _, err := c.call(ctx, updateProfile, message{}.setMessage(about, m)); err != nil {
			return nil, fail("mend the device profile", city.EUI{}, err)
		}
		return profile(m), nil
	}
	return p, nil
}

func (c *Client) createProfile(ctx context.Context, here place, w wanted) (profile, error) {
	m := message{}.
		setText(profileTenant, here.tenant).
		setText(profileName, w.profile).
		setText(profileDescription, "Made by Meldefunk for the devices of its inventory. It puts right region, LoRaWAN version, class and interval; all else may be changed.").
		setText(profileADR, adrAlgorithm).
		setBool(profileFlush, true).
		setUint(profileStatusInterval, statusInterval)
	if w.device.Class == enrol.ClassC {
		m = m.setUint(profileClassCTimeout, classCTimeout)
	}
	m, _ = change(m, profile(m).aspects(w))
	answer, err := c.call(ctx, createProfile, message{}.setMessage(about, m))
	if err == nil && !isID(answer.text(about)) {
		err = odd(errors.New("a device profile without an id"))
	}
	if err != nil {
		return nil, fail("make the device profile", city.EUI{}, err)
	}
	return profile(m.setText(profileID, answer.text(about))), nil
}
