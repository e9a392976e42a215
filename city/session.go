package city

import "time"

// Session is one LoRaWAN session of a device: the span in which a frame counter value
// means one frame. Epochs count a device's sessions from 1.
type Session struct {
	DevEUI EUI
	Epoch  uint32
	Token  string // Uplink.Session of its frames; "" where the dialect names none
	Join   uint64 // Ident of the join event that told of it; 0: none did
	Cause  SessionCause
	Opened time.Time // event time of the first thing heard of it
}

// SessionCause says why a new session was assumed. It is also a metric label.
type SessionCause string

// The causes.
const (
	SessionFirst SessionCause = "first" // nothing was known of the device
	SessionJoin  SessionCause = "join"  // the network server told of a join
	SessionToken SessionCause = "token" // a frame names another session
	SessionReset SessionCause = "reset" // the frame counter started anew
)

// FrameKey is what is remembered of a frame to recognise it again.
type FrameKey struct {
	ID    int64
	Epoch uint32
	FCnt  uint32
	Ident uint64
	Hash  uint64    // of FPort and payload: the same content, however it was delivered
	At    time.Time // event time as stored
	Fate  Fate

	Source   TimeSource // of At
	Claim    time.Time  // as in Frame
	Received time.Time
	Conflict bool
}

// DeviceMemory is what recognising repeats needs to know of a device.
type DeviceMemory struct {
	Sessions []SessionTop // the most recent ones, oldest first
	Frames   []FrameKey   // the most recent ones, in order of arrival
}

// SessionTop is a session and how far its frame counter has come.
type SessionTop struct {
	Session
	Heard bool   // whether a frame of it was stored
	Top   uint32 // its highest frame counter, where Heard
}
