// Package joinserver is the city's own join server: it holds the root keys of devices,
// answers the join-requests that network servers hand on to it, and gives session keys to
// those alone who may have them, wrapped. So no root key ever leaves the city, and no
// network server need see a payload.
//
// It speaks LoRaWAN Backend Interfaces 1.0 and 1.1 (TS002, cited as BI with the sections of
// 1.0) over HTTP: JoinReq, RejoinReq, HomeNSReq and AppSKeyReq, each answered in the response
// to its own request. It does not know how devices are kept: see Store.
//
// Link layer specifications are cited as in city/lorawan.
package joinserver

import (
	"context"

	"meldefunk/city"
	"meldefunk/city/lorawan"
	"meldefunk/city/lorawan/enrol"
	"meldefunk/city/register"
)

// Store keeps the devices that join here and what must never be forgotten of them. It is
// called from several goroutines.
type Store interface {
	// Device gives a device and where it stands. The error is register.ErrUnknown where no such
	// device joins here.
	Device(ctx context.Context, devEUI city.EUI) (Device, error)
	// Join keeps what a device was granted. When it returns nil, all of it is on the disk: the
	// answer leaves right after. The error is register.ErrChanged, and nothing is kept, where the
	// device is not at g.Revision any more.
	Join(ctx context.Context, g Grant) error
	// SessionKey gives a key that came with a Grant, register.ErrUnknown where there is none. How
	// long keys are kept is the store's business.
	SessionKey(ctx context.Context, devEUI city.EUI, id register.SessionKeyID) (register.SessionKey, error)
}

// KEKs wraps session keys with key encryption keys (RFC 3394, BI section 21), which go by
// labels. It is called from several goroutines.
type KEKs interface {
	// Labels gives those that are there.
	Labels() []string
	// WrapKey fails where there is no such label.
	WrapKey(label string, key lorawan.Key) ([]byte, error)
}

// Device is a device that joins here.
type Device struct {
	DevEUI  city.EUI
	JoinEUI city.EUI
	Version enrol.Version  // of the link layer, as the device has it
	Keys    enrol.RootKeys // not None
	// Home is the network that may ask for joins of the device.
	Home lorawan.NetID
	// KEK is the label of the key that wraps the AppSKey. It is the city's or the application
	// server's; with one of a network server here the device does not join.
	KEK string
	// ByID keeps the AppSKey out of the answer to the network server, though it is wrapped:
	// there it has a SessionKeyID, and the application server asks for it.
	ByID bool
	// ApplicationServer is the AS-ID of who may ask for it; "" is nobody but the city, which
	// has the Store.
	ApplicationServer string
	Disabled          bool // it may not join

	State register.JoinState
	// Revision is the store's. Another one means that any of the above was changed.
	Revision int64
}

// Grant is what a Store keeps of a join before it is answered.
type Grant struct {
	DevEUI   city.EUI
	Revision int64                // that of the Device it was made from
	State    register.JoinState   // the new one
	Key      *register.SessionKey // nil: the AppSKey is in the answer
}
