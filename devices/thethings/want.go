package thethings

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"meldefunk/city/lorawan/enrol"
)

// Bounds of the fields of EndDevice (api/ttn/lorawan/v3/end_device.proto), in characters
// and pairs.
const (
	maxName       = 50
	maxText       = 2000
	maxAttributes = 10
	maxAttribute  = 200
)

// wanted gives the device as The Things Stack is to have it, all four registries in one, or
// says what it will not take. Root keys of LoRaWAN 1.0.x change their name here.
func (c *Client) wanted(want enrol.Device) (endDevice, error) {
	refuse := func(kind enrol.Kind, format string, args ...any) (endDevice, error) {
		return endDevice{}, &enrol.Error{Kind: kind, DevEUI: want.DevEUI, Step: "describe the device", Err: fmt.Errorf(format, args...)}
	}
	if want.DevEUI.IsZero() {
		return refuse(enrol.Refused, "it has no DevEUI")
	}
	mac, phy, plan := macVersion(want.Version), phyVersion(want.Version), c.cfg.FrequencyPlans[want.Region]
	if mac == "" {
		return refuse(enrol.Refused, "LoRaWAN version %q: The Things Stack knows 1.0.0 to 1.0.4 and 1.1.0", want.Version)
	}
	if want.Profile != "" {
		p, ok := c.cfg.Profiles[want.Profile]
		if !ok {
			return refuse(enrol.Missing, "profile %q: The Things Stack has none: say under profiles in the settings what it stands for, or take it from the device", want.Profile)
		}
		if p.PHYVersion != "" {
			phy = canonicalPHY(p.PHYVersion)
		}
		if p.FrequencyPlan != "" {
			plan = p.FrequencyPlan
		}
	}
	if plan == "" {
		return refuse(enrol.Missing, "region %q: name its frequency plan under frequency_plans in the settings", want.Region)
	}
	if !slices.Contains([]enrol.Class{enrol.ClassA, enrol.ClassB, enrol.ClassC}, want.Class) {
		return refuse(enrol.Refused, "class %q: want A, B or C", want.Class)
	}
	if n := utf8.RuneCountInString(want.Name); n > maxName {
		return refuse(enrol.Refused, "its name has %d characters, The Things Stack takes %d", n, maxName)
	}
	if n := utf8.RuneCountInString(want.Text); n > maxText {
		return refuse(enrol.Refused, "its text has %d characters, The Things Stack takes %d", n, maxText)
	}
	if err := checkTags(want.Tags); err != nil {
		return refuse(enrol.Refused, "%w", err)
	}
	keys, err := c.keys(want)
	if err != nil {
		return refuse(enrol.Refused, "%w", err)
	}

	d := endDevice{
		IDs: ids{
			DeviceID:       deviceID(want.DevEUI),
			ApplicationIDs: applicationIDs{ApplicationID: c.cfg.Application},
			DevEUI:         hexEUI(want.DevEUI),
			JoinEUI:        hexEUI(want.JoinEUI),
		},
		Name:        want.Name,
		Description: want.Text,
		Attributes:  want.Tags,

		NetworkServerAddress:     c.sites.network.host,
		ApplicationServerAddress: c.sites.application.host,
		JoinServerAddress:        c.sites.join.host,

		RootKeys:                  keys,
		ApplicationServerKEKLabel: c.cfg.KEKLabel,

		SupportsJoin:      true,
		SupportsClassB:    want.Class == enrol.ClassB,
		SupportsClassC:    want.Class == enrol.ClassC,
		LoRaWANVersion:    mac,
		LoRaWANPHYVersion: phy,
		FrequencyPlanID:   plan,
	}
	if keys == nil {
		d.JoinServerAddress = c.cfg.KeysAt
	}
	if c.cfg.KEKLabel != "" {
		encrypted := true
		d.SkipPayloadCryptoOverride = &encrypted
	}
	return d, nil
}

func checkTags(tags map[string]string) error {
	if len(tags) > maxAttributes {
		return fmt.Errorf("it has %d tags, The Things Stack takes %d", len(tags), maxAttributes)
	}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if !isID(key) {
			return fmt.Errorf("tag %q: The Things Stack takes names of 3 to %d small letters, digits and single hyphens", clip(key, 60), maxID)
		}
		if n := utf8.RuneCountInString(tags[key]); n > maxAttribute {
			return fmt.Errorf("tag %s has %d characters, The Things Stack takes %d", key, n, maxAttribute)
		}
	}
	return nil
}

// keys gives the root keys by the names they have here; nil: they are with another join
// server.
func (c *Client) keys(want enrol.Device) (*rootKeys, error) {
	nwk, app := want.Keys.Nwk, want.Keys.App
	switch two := want.Version.Two(); {
	case want.Keys.None() && c.cfg.KeysAt == "":
		return nil, errors.New("it has no keys: give it some, or name the join server that has them in keys_at")
	case want.Keys.None():
		return nil, nil
	case two && (nwk.IsZero() || app.IsZero()):
		return nil, errors.New("LoRaWAN 1.1 has two root keys, NwkKey and AppKey: one is missing")
	case two:
		return &rootKeys{App: &keyEnvelope{hexKey{app}}, Nwk: &keyEnvelope{hexKey{nwk}}}, nil
	case nwk.IsZero() || !app.IsZero():
		return nil, fmt.Errorf("LoRaWAN %s has one root key: want it as NwkKey, and no AppKey", want.Version)
	}
	return &rootKeys{App: &keyEnvelope{hexKey{nwk}}}, nil
}
