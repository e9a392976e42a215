package city

import (
	"fmt"
	"time"
)

// Reason says why a message was set aside. It is also a metric label.
type Reason string

// The reasons.
const (
	ReasonMalformed     Reason = "malformed"      // the message is not what its dialect allows
	ReasonTooLarge      Reason = "too_large"      // more bytes than the configured limit; only the head is kept
	ReasonUnknownDevice Reason = "unknown_device" // not in the inventory
	ReasonUndecodable   Reason = "undecodable"    // the payload is not what the model's layout allows
	ReasonUnknownPort   Reason = "unknown_port"   // the model sends nothing on this FPort
	ReasonEncrypted     Reason = "encrypted"      // end-to-end encrypted, no key
	ReasonMIC           Reason = "mic"            // a raw frame of a known address whose integrity code no session's keys make
	ReasonCounter       Reason = "counter"        // a raw frame with a counter that its session has left behind
	ReasonThrottled     Reason = "throttled"      // more than a device may send
)

// Reasons lists every reason.
func Reasons() []Reason {
	return []Reason{ReasonMalformed, ReasonTooLarge, ReasonUnknownDevice, ReasonUndecodable, ReasonUnknownPort, ReasonEncrypted, ReasonMIC, ReasonCounter, ReasonThrottled}
}

// SetAside is a message that could not become a reading. It is kept with its bytes and
// its reason, so that it can be replayed when the cause is mended. The same bytes on the
// same topic are one entry with a count.
type SetAside struct {
	Key      uint64 // hash of server, topic and body
	Server   string
	Topic    string
	Body     []byte
	Received time.Time // first arrival
	Reason   Reason
	Detail   string // what exactly, for people
	DevEUI   EUI    // zero where the message does not tell

	// When listing: how often it came, and when last. In a commit they may stay zero: it
	// came once, at Received.
	Count    int64
	LastSeen time.Time
}

// Fate says how a stored uplink ended.
type Fate uint8

// The fates.
const (
	FateRead  Fate = iota // became a reading
	FateEmpty             // carried no application payload
	FateAside             // was set aside
	FateLoose             // its device hung nowhere at that time: on the shelf, on the workbench
)

var fateNames = [...]string{"read", "empty", "aside", "not_installed"}

// Fates lists every fate.
func Fates() []Fate { return []Fate{FateRead, FateEmpty, FateAside, FateLoose} }

// ParseFate reads a name as String gives it.
func ParseFate(s string) (Fate, error) {
	for i, name := range fateNames {
		if s == name {
			return Fate(i), nil
		}
	}
	return 0, fmt.Errorf("unknown fate %.40q: want one of %v", s, fateNames)
}

func (f Fate) String() string {
	if int(f) < len(fateNames) {
		return fateNames[f]
	}
	return "unknown"
}

// Rejection is the error of whoever cannot make sense of a message or payload: it is
// permanent for these bytes, and says why. Anything else that goes wrong is not a
// Rejection and may be tried again.
type Rejection struct {
	Reason Reason
	Detail string // for people: what was found, what was expected
}

func (r *Rejection) Error() string { return string(r.Reason) + ": " + r.Detail }

// Reject makes a Rejection with a formatted detail.
func Reject(reason Reason, format string, args ...any) *Rejection {
	return &Rejection{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}
