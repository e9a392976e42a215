// Package enrol says what a network server is told of a device before it can join: the
// nouns that the inventory and the clients of network servers share. It does not know how
// any network server is spoken to.
package enrol

import (
	"context"
	"errors"
	"fmt"
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan"
)

// Device is a device as a network server is to know it.
type Device struct {
	DevEUI  city.EUI
	JoinEUI city.EUI
	Name    string            // for people, "PK-0042"
	Text    string            // for people, where it hangs; may be empty
	Tags    map[string]string // "model", "asset"

	Version  Version
	Region   string // "EU868"
	Class    Class
	Profile  string // name of the network server's profile for this model; "": made from the other fields
	Interval uint32 // seconds between uplinks, as promised; 0: not told
	Disabled bool

	Keys RootKeys
}

// RootKeys are what a device joins with, by their names in LoRaWAN 1.1. The one key of
// LoRaWAN 1.0.x, there called AppKey, is Nwk; App is zero then. All zero: the keys are with
// a join server, and the network server gets none.
type RootKeys struct {
	Nwk lorawan.Key
	App lorawan.Key
}

// None tells whether there are no keys.
func (k RootKeys) None() bool { return k == RootKeys{} }

// Version is a version of the LoRaWAN link layer.
type Version string

// The versions.
const (
	V1_0_0 Version = "1.0.0"
	V1_0_1 Version = "1.0.1"
	V1_0_2 Version = "1.0.2"
	V1_0_3 Version = "1.0.3"
	V1_0_4 Version = "1.0.4"
	V1_1_0 Version = "1.1.0"
)

// Two tells whether a device of the version joins with two root keys.
func (v Version) Two() bool { return v == V1_1_0 }

// Class says when a device listens.
type Class string

// The classes.
const (
	ClassA Class = "A"
	ClassB Class = "B"
	ClassC Class = "C"
)

// Drift is one thing in which a network server does not know what it should. It never tells
// a key.
type Drift struct {
	Part  string // where: "device", "keys", "identity server", …
	Field string // ""; or which field of it
	Have  string // "" where it is missing
	Want  string
}

func (d Drift) String() string {
	switch {
	case d.Field == "":
		return d.Part + " is missing"
	case d.Have == "":
		return fmt.Sprintf("%s: %s is not set, want %s", d.Part, d.Field, d.Want)
	}
	return fmt.Sprintf("%s: %s is %s, want %s", d.Part, d.Field, d.Have, d.Want)
}

// Server is a network server that devices can be made known to. It may be called from
// several goroutines. An error is a *Error.
type Server interface {
	// Name is that of the network server in the settings.
	Name() string
	// Compare tells in what the server differs from want, and changes nothing. No drift: it
	// knows the device as it should.
	Compare(ctx context.Context, want Device) ([]Drift, error)
	// Enrol makes the server know the device as wanted: what is missing is made, what
	// differs is put right, what is right is left alone. It may be repeated at any time, and
	// mends what an earlier call left half done.
	Enrol(ctx context.Context, want Device) error
	// Remove makes the server forget the device. One it does not know is no error.
	Remove(ctx context.Context, devEUI city.EUI) error
}

// Kind says what is to be done about an error.
type Kind string

// The kinds. The zero value is none of them.
const (
	Refused      Kind = "refused"      // will not work by repeating: the device must be described differently
	Conflict     Kind = "conflict"     // somebody else has this device there
	Unauthorized Kind = "unauthorized" // the key to the network server is wrong, or allows too little
	Unreachable  Kind = "unreachable"  // try again later
	Missing      Kind = "missing"      // what the settings name is not there: a tenant, an application, a profile
)

// Error is why a network server was not told. It holds no secret.
type Error struct {
	Kind   Kind
	DevEUI city.EUI // zero: it is not about one device
	Step   string   // what was tried: "create device", "set keys"
	Err    error
	// After is for how long the server asks to be left alone; 0: it does not say.
	After time.Duration
}

func (e *Error) Error() string {
	if e.DevEUI == (city.EUI{}) {
		return fmt.Sprintf("%s: %v", e.Step, e.Err)
	}
	return fmt.Sprintf("device %s: %s: %v", e.DevEUI, e.Step, e.Err)
}

// Unwrap gives Err.
func (e *Error) Unwrap() error { return e.Err }

// KindOf gives the kind of an error; what is not an Error is Unreachable.
func KindOf(err error) Kind {
	if e := (*Error)(nil); errors.As(err, &e) {
		return e.Kind
	}
	return Unreachable
}
