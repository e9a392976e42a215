package register

import (
	"time"

	"meldefunk/city/lorawan"
)

// JoinState is what a device's joins at the city's join server have used up. The zero value is
// that of a device that never joined.
type JoinState struct {
	JoinNonce uint32 // the last one given out; 0: none. 24 bits, only ever rising
	// NextDevNonce is the lowest DevNonce that is taken of a device that counts; above 65,535
	// it has joined as often as it ever can.
	NextDevNonce uint32
	// DevNonces are those used by a device that makes them up, the newest at the end.
	DevNonces []uint16
	// NextRJCount1 is the lowest RJcount1 that is taken.
	NextRJCount1 uint32
	// Rejoin is the last rejoin-request of type 0 or 2 that was granted, as on air.
	Rejoin []byte

	DevAddr lorawan.DevAddr // of the last session
	Joined  time.Time       // when it was granted
}

// KeptSessionKeys is how many session keys are kept of a device: the newest. Whoever has
// received a frame asks for the key of its session at once, or, after an outage, for those of
// the last few; a device that joins daily has two weeks of them here, and 10,000 devices with
// all of theirs take 20 MB.
const KeptSessionKeys = 16

// SessionKeyID names the AppSKey of one session. It is random and tells nothing.
type SessionKeyID [16]byte

// SessionKey is the AppSKey of one session, wrapped.
type SessionKey struct {
	ID      SessionKeyID
	KEK     string // label of the key that wraps it
	Wrapped []byte // 24 bytes
	DevAddr lorawan.DevAddr
}
