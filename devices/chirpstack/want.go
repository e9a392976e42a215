package chirpstack

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"meldefunk/city/lorawan/enrol"
)

// maxName bounds the names of devices and device profiles, in characters
// (chirpstack/migrations_postgres, varchar(100)).
const maxName = 100

// wanted is a device as ChirpStack is to have it.
type wanted struct {
	device  enrol.Device
	name    string // never empty: an update refuses that
	profile string // name or id of the device profile
	own     bool   // the profile is made by us
	region  uint64
	version version
}

// wanted says how ChirpStack is to have the device, or what it will not take.
func (c *Client) wanted(want enrol.Device) (wanted, error) {
	refuse := func(format string, args ...any) (wanted, error) {
		return wanted{}, &enrol.Error{Kind: enrol.Refused, DevEUI: want.DevEUI, Step: "describe the device", Err: fmt.Errorf(format, args...)}
	}
	if want.DevEUI.IsZero() {
		return refuse("it has no DevEUI")
	}
	v, ok := versions()[want.Version]
	if !ok {
		return refuse("LoRaWAN version %q: ChirpStack knows 1.0.0 to 1.0.4 and 1.1.0", want.Version)
	}
	region, ok := regions()[want.Region]
	if !ok {
		return refuse("region %q: ChirpStack has none of this name; its names are like EU868", want.Region)
	}
	switch want.Class {
	case enrol.ClassA, enrol.ClassC:
	case enrol.ClassB:
		if want.Profile == "" {
			return refuse("class B needs ping slots, which only a device profile made for it has: make one in ChirpStack and name it as the device's profile")
		}
	default:
		return refuse("class %q: want A, B or C", want.Class)
	}
	w := wanted{device: want, name: want.Name, profile: want.Profile, region: region, version: v}
	if w.name == "" {
		w.name = want.DevEUI.String()
	}
	if n := utf8.RuneCountInString(w.name); n > maxName {
		return refuse("its name has %d characters, ChirpStack takes %d", n, maxName)
	}
	texts := []string{w.name, want.Text, want.Profile}
	for key, value := range want.Tags {
		if key == "" {
			return refuse("a tag has no name")
		}
		texts = append(texts, key, value)
	}
	for _, s := range texts {
		if !utf8.ValidString(s) || strings.Contains(s, "\x00") {
			return refuse("%q is not a text: want UTF-8 without zero bytes", clip(s, 60))
		}
	}
	if w.profile == "" {
		w.profile, w.own = ownProfile(want), true
	}
	if err := c.checkKeys(want); err != nil {
		return refuse("%w", err)
	}
	return w, nil
}

// ownProfile names the device profile that is made of the fields of a device: one for all
// devices that have them in common.
func ownProfile(want enrol.Device) string {
	name := "Meldefunk " + want.Region + " " + string(want.Version) + " " + string(want.Class)
	if want.Interval > 0 {
		name += " " + strconv.FormatUint(uint64(want.Interval), 10) + " s"
	}
	return name
}

// checkKeys refuses keys that ChirpStack would take though no device can join with them: an
// empty nwk_key is stored as zeros (lrwn/src/aes128.rs).
func (c *Client) checkKeys(want enrol.Device) error {
	nwk, app := want.Keys.Nwk, want.Keys.App
	switch two := want.Version.Two(); {
	case want.Keys.None() && !c.cfg.KeysElsewhere:
		return errors.New("it has no keys: give it some, or set keys_elsewhere if ChirpStack asks a join server that has them")
	case want.Keys.None():
		return nil
	case two && (nwk.IsZero() || app.IsZero()):
		return errors.New("LoRaWAN 1.1 has two root keys, NwkKey and AppKey: one is missing")
	case !two && (nwk.IsZero() || !app.IsZero()):
		return fmt.Errorf("LoRaWAN %s has one root key: want it as NwkKey, and no AppKey", want.Version)
	}
	return nil
}
