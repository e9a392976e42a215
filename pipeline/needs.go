package pipeline

import (
	"context"
	"time"

	"meldefunk/city"
)

// Inventory tells which device an EUI is, and on which assets it hung when. It is called once
// per uplink and must not block; what it returns is not changed by the caller and may be kept.
type Inventory interface {
	Find(server string, devEUI city.EUI) (*city.Device, city.Hangings, bool)
	// Asset gives an asset by its number, Devices what hangs on it, when time alone is to be
	// judged.
	Asset(id string) (*city.Asset, bool)
	Devices(asset string) []*city.Device
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

// Judge thinks about assets and groups of them. It is pure and does not block.
type Judge interface {
	// Recall reads a mind as it is stored, of an asset or a group of this name.
	Recall(name string, kept []byte) (city.Mind, error)
	// Adopt makes the mind of an asset of which nothing is known but which cases are open; the
	// verdicts are about those that nobody looks after any more.
	Adopt(asset *city.Asset, open []city.Standing) (city.Mind, []city.Verdict)
	// Step shows a mind one thing more. It gives the new mind, what has changed, and what
	// groups have to be told. Readings may come in any order, and more than once.
	Step(was city.Mind, s *city.Sight) (city.Mind, []city.Verdict, []city.Share)
	// PerHour is how many new cases a rule may bring in an hour; 0: it does not say.
	PerHour(rule string) int
}

// Hearing tells which network servers nobody can hear just now, because a broker or a
// session is away. It is asked at every tick and must not block.
type Hearing interface {
	Deaf() []string
}

// Store keeps what the road has done. Commit is atomic, durable when it returns nil, and
// may be repeated. The others are read when a device or asset is met for the first time
// since the start, and then remembered.
type Store interface {
	Mark(ctx context.Context) (city.Mark, error)
	Memory(ctx context.Context, devEUI city.EUI) (city.DeviceMemory, error)
	// State gives what is kept of an asset, or of a group; the other is "".
	State(ctx context.Context, asset, group string) (city.AssetState, error)
	// Groups gives the states of all groups.
	Groups(ctx context.Context) ([]city.AssetState, error)
	// Dues tells of every state there is, and of its deadline if it has one.
	Dues(ctx context.Context, each func(city.Due)) error
	// Deafness gives the times in which network servers could not be heard.
	Deafness(ctx context.Context) ([]city.Deafness, error)
	// Held gives the cases that the safety brake holds, oldest first; Begun those, of which
	// only Rule and Opened are told, that came to be tickets after a time.
	Held(ctx context.Context) ([]city.Case, error)
	Begun(ctx context.Context, after time.Time) ([]city.Case, error)
	// Frame finds a stored frame by its counter and the identity of its delivery, or, if
	// none has that identity, by its counter within the epoch.
	Frame(ctx context.Context, devEUI city.EUI, epoch, fcnt uint32, ident uint64) (city.FrameKey, bool, error)
	// Joined tells whether a session of the device is known of a join event.
	Joined(ctx context.Context, devEUI city.EUI, ident uint64) (bool, error)
	// Measured tells whether a reading of this device at an asset at this event time exists.
	Measured(ctx context.Context, asset string, devEUI city.EUI, at time.Time) (bool, error)
	// ReadingsAt gives a device's readings at an asset at an event time.
	ReadingsAt(ctx context.Context, asset string, devEUI city.EUI, at time.Time) ([]city.Reading, error)
	// FramesOf gives a device's stored frames after a number, in order, at most limit.
	FramesOf(ctx context.Context, devEUI city.EUI, after int64, limit int) ([]city.Frame, error)
	// Heard gives how a stored frame was heard (Radio and Heard), and whether it is stored.
	Heard(ctx context.Context, frame int64) (city.Uplink, bool, error)
	// Case gives a case by its reference, and whether there is one.
	Case(ctx context.Context, ref string) (city.CaseTicket, bool, error)
	// Taken tells whether a case of this reference exists.
	Taken(ctx context.Context, ref string) (bool, error)
	Commit(ctx context.Context, c *city.Commit) error
}
