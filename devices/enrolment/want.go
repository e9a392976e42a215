package enrolment

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan/enrol"
	"meldefunk/city/register"
)

// want describes a device of the register for a network server. What is not told of it is
// what nearly all devices here are: class A, in the band of Europe.
func (from *Source) want(d *register.Device, t Target) (enrol.Device, error) {
	w := enrol.Device{
		DevEUI: d.DevEUI, JoinEUI: d.JoinEUI, Name: name(d), Text: from.text(d.Asset),
		// Tags that are not given stay as they are at the server, so an asset that is no more
		// is told as nothing.
		Tags:    map[string]string{"model": d.Model, "asset": d.Asset},
		Version: d.Version, Region: cmp.Or(d.Region, "EU868"), Class: cmp.Or(d.Class, enrol.ClassA),
		Profile: d.Profile, Interval: uint32(d.Interval / time.Second),
	}
	if t.KeepKeys {
		return w, nil
	}
	keys, err := from.Open(d.Keys)
	if err != nil {
		return enrol.Device{}, refuse(d.DevEUI, fmt.Errorf("root keys: %w", err))
	}
	w.Keys = keys
	return w, nil
}

// name is what people call the device.
func name(d *register.Device) string { return cmp.Or(d.Asset, d.Serial) }

// text says where it hangs.
func (from *Source) text(asset string) string {
	a, ok := from.Asset(asset)
	if asset == "" || !ok {
		return ""
	}
	if a.Address == "" || strings.Contains(a.Name, a.Address) {
		return a.Name
	}
	if a.Name == "" {
		return a.Address
	}
	return a.Name + ", " + a.Address
}

// undescribed tells whether nothing is known of a device that only a network server needs:
// then somebody else has made it known there.
func undescribed(d *register.Device) bool {
	return d.Version == "" && d.JoinEUI.IsZero() && d.Keys.None()
}

// refuse is an error about a device that cannot be told as it is.
func refuse(eui city.EUI, err error) error {
	return &enrol.Error{Kind: enrol.Refused, DevEUI: eui, Step: "describe the device", Err: err}
}

// digest stands for all that a server is told of a device, and for the place. The root keys
// are in it as the key of the code, so that it changes with them and not with the key that
// wraps them. It gives away no more than the join-requests of the device do, whose code
// anybody in reach can hear: whoever guesses the key can find out that the guess is right.
func digest(place string, w enrol.Device) string {
	mac := hmac.New(sha256.New, append(w.Keys.Nwk[:], w.Keys.App[:]...))
	// Of these types the encoder refuses none.
	_ = json.NewEncoder(mac).Encode(struct {
		Place           string
		DevEUI, JoinEUI city.EUI
		Name, Text      string
		Tags            map[string]string
		Version         enrol.Version
		Region          string
		Class           enrol.Class
		Profile         string
		Interval        uint32
		Disabled        bool
	}{place, w.DevEUI, w.JoinEUI, w.Name, w.Text, w.Tags, w.Version, w.Region, w.Class, w.Profile, w.Interval, w.Disabled})
	return hex.EncodeToString(mac.Sum(nil)[:16])
}
