package pipeline

import (
	"context"
	"time"

	"meldefunk/city"
)

// Inventory tells which device and asset an EUI is. It is called once per uplink and
// must not block; what it returns is not changed by the caller and may be kept.
type Inventory interface {
	Find(server string, devEUI city.EUI) (*city.Device, *city.Asset, bool)
}

// Keys are the city's own: they open what is encrypted from the device to the city.
type Keys interface {
	// Open gives the payload in clear, and leaves the uplink as it is. An error is a
	// *city.Rejection. It may be called from any number of goroutines and must not block.
	Open(u *city.Uplink) ([]byte, error)
}

// Frames opens what gateways heard.
type Frames interface {
	// OpenFrame finds the device and session of a raw frame, checks its integrity code, and
	// gives the uplink it is; last tells the highest counter that was heard of a session. An
	// error is city.ErrForeign, or a *city.Rejection: then the uplink has the DevEUI if it is
	// known. It is called from the road's goroutine and must not block, except in last.
	OpenFrame(f *city.RawFrame, last func(devEUI city.EUI, session string) (fcnt uint32, heard bool)) (city.Uplink, error)
}

// Decoder turns payload bytes into values, and keeps nothing of what it is given. It may be
// called from any number of goroutines.
type Decoder interface {
	// Decode fills Values, Faults, Tail, Raw and History of r. An error is a *city.Rejection, or
	// trouble of this machine's: then the same frame is tried again.
	Decode(d *city.Device, a *city.Asset, u *city.Uplink, r *city.Reading) error
	// Lane names those who share a decoder that takes long: they wait for each other and
	// nobody else does. "": decoding the model's payloads is pure and does not block.
	Lane(model string) string
}

// Judge says where rules stand after one more reading. It is pure and does not block:
// it returns new standings (or the same slice when nothing changed) and what changed.
// Readings of one asset come in order of event time, each once.
type Judge interface {
	Judge(standings []city.Standing, r *city.Reading) ([]city.Standing, []city.Verdict)
}

// Store keeps what the road has done. Commit is atomic, durable when it returns nil, and
// may be repeated. The others are read when a device or asset is met for the first time
// since the start, and then remembered.
type Store interface {
	Mark(ctx context.Context) (city.Mark, error)
	Memory(ctx context.Context, devEUI city.EUI) (city.DeviceMemory, error)
	State(ctx context.Context, asset string) (city.AssetState, error)
	// Frame finds a stored frame by its counter and the identity of its delivery, or, if
	// none has that identity, by its counter within the epoch.
	Frame(ctx context.Context, devEUI city.EUI, epoch, fcnt uint32, ident uint64) (city.FrameKey, bool, error)
	// Joined tells whether a session of the device is known of a join event.
	Joined(ctx context.Context, devEUI city.EUI, ident uint64) (bool, error)
	// Measured tells whether a reading of this device at an asset at this event time exists.
	Measured(ctx context.Context, asset string, devEUI city.EUI, at time.Time) (bool, error)
	// ReadingsAt gives a device's readings at an asset at an event time.
	ReadingsAt(ctx context.Context, asset string, devEUI city.EUI, at time.Time) ([]city.Reading, error)
	// Heard gives how a stored frame was heard (Radio and Heard), and whether it is stored.
	Heard(ctx context.Context, frame int64) (city.Uplink, bool, error)
	// Taken tells whether a case of this reference exists.
	Taken(ctx context.Context, ref string) (bool, error)
	Commit(ctx context.Context, c *city.Commit) error
}
