package board

import (
	"context"
	"time"

	"meldefunk/city"
	"meldefunk/city/register"
)

// Registrar keeps the register of devices and assets, and changes it. It is called like Store.
type Registrar interface {
	// Register gives the register as it is. It must not be changed.
	Register(ctx context.Context) (register.Snapshot, error)

	// Heard tells when each device was heard last; it may be ten seconds behind. It must not be
	// changed.
	Heard(ctx context.Context) (map[city.EUI]time.Time, error)

	// Registrations gives what a network server was told, "" for all of them.
	Registrations(ctx context.Context, server string) ([]register.Registration, error)

	// Trail gives entries of the audit trail, the newest first.
	Trail(ctx context.Context, t register.Trail) ([]register.Entry, error)

	// ChangeDevice does something with a device. The error is a register.Refusal where that
	// cannot be done.
	ChangeDevice(ctx context.Context, c DeviceChange) error

	// ChangeAsset puts right what is known of an asset. The error is likewise.
	ChangeAsset(ctx context.Context, c AssetChange) error
}

// Deed is what somebody does with a device.
type Deed string

// The deeds.
const (
	Plan     Deed = "plan"     // it will hang on Asset
	Install  Deed = "install"  // it hangs on Asset, and hung nowhere
	Move     Deed = "move"     // it hangs on Asset, and hung on another
	Replace  Deed = "replace"  // Other hangs in its place, and it becomes State
	SetState Deed = "state"    // it is State now
	Retire   Deed = "withdraw" // it will not come back
)

// DeviceChange is a deed, and who stands behind it.
type DeviceChange struct {
	By, Reason string
	At         time.Time // now
	Base       int64     // revision of the device that the person saw: with another it is refused
	Do         Deed
	DevEUI     city.EUI
	Asset      string
	Other      city.EUI
	State      register.State
	Since      time.Time // zero: from At on
}

// AssetChange says what is different about an asset.
type AssetChange struct {
	By, Reason string
	At         time.Time
	Base       int64 // revision of the asset that the person saw
	Asset      string
	Fields     map[string]string // by columns of sheets, with decimal points; "-" clears
}
