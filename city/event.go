package city

import "time"

// Message is what arrived from a network server, word for word.
type Message struct {
	Server   string // configured name of the network server
	Topic    string
	Body     []byte
	Received time.Time
	Retained bool
}

// EventKind says what a network server tells with a message.
type EventKind uint8

// The kinds of events. Each is also a metric label.
const (
	EventOther    EventKind = iota // something this platform has no use for
	EventUp                        // data frame
	EventJoin                      // device joined: a new session
	EventStatus                    // battery and margin
	EventAck                       // a confirmed downlink was (not) acknowledged
	EventTxAck                     // a downlink was sent, queued or failed
	EventLog                       // the network server reports an error
	EventLocation                  // the network server resolved a position
	EventRaw                       // a data frame as a gateway heard it, unchecked and encrypted
)

var eventKindNames = [...]string{"other", "up", "join", "status", "ack", "txack", "log", "location", "raw"}

func (k EventKind) String() string {
	if int(k) < len(eventKindNames) {
		return eventKindNames[k]
	}
	return "unknown"
}

// EventKinds lists every kind.
func EventKinds() []EventKind {
	return []EventKind{EventOther, EventUp, EventJoin, EventStatus, EventAck, EventTxAck, EventLog, EventLocation, EventRaw}
}

// Event is a message understood. Uplink is filled for EventUp, and Raw for EventRaw; DevEUI,
// Session, Ident and Time are filled for EventJoin; for the others only what the message says.
type Event struct {
	Kind    EventKind
	DevEUI  EUI
	Session string // EventJoin: session the device has from now on, as later uplinks name it
	Ident   uint64 // identity of this delivery
	Time    Stamp
	Uplink  Uplink
	Raw     *RawFrame
	Gateway string // of what a gateway tells itself: its id, 16 hex digits

	// Of the others. See DeviceEvent.
	Severity Severity
	Code     string // EventLog: the network server's; EventAck: "ack", "nack"; EventTxAck: "sent", "queued", "failed", "invalidated"
	Detail   string
	Status   *Status   // EventStatus
	Position *Position // EventLocation; nil: none was told
}

// Acker confirms to the sender that a message will never be needed again. It is called
// once, after the commit, from any goroutine, and does not block for long.
type Acker interface{ Ack() }

// Arrival is a message on its way into the road: the message, what the dialect made of
// it or why it could not, and how to acknowledge it.
type Arrival struct {
	Message Message
	Event   Event
	Err     error // set: the message could not be understood; Event is not filled
	Acker   Acker
	Replay  bool // a set-aside message on its second try
}
