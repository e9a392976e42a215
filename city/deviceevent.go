package city

import (
	"fmt"
	"time"
)

// DeviceEvent is something worth knowing about a device that is no reading: what its network
// server tells of it, or what the road noticed itself.
type DeviceEvent struct {
	DevEUI EUI
	// Ident tells this event from every other of the device. The same one told again counts
	// when it is of a later time; a redelivery is of the same.
	Ident    uint64
	At       time.Time // event time, within the road's limits
	Server   string    // whose word it is; the road's own are told at one of its messages
	Kind     DeviceEventKind
	Severity Severity
	Code     string // the network server's word for it, as it spells it, at most 40 characters; "": Kind says it all
	Detail   string // in words, at most 200 characters; "": none

	Status   *Status   // DeviceStatus; nil: none was told
	Position *Position // DeviceLocated; nil: none was told

	// Filled by the store when reading.
	Count int64 // how often it was told
}

// MaxDeviceEvents is how many events are kept of one device: the newest.
const MaxDeviceEvents = 200

// DeviceEventKind says what a DeviceEvent is about. It is also a metric label.
type DeviceEventKind string

// The kinds of device events.
const (
	DeviceJoined   DeviceEventKind = "join"     // a new session
	DeviceStatus   DeviceEventKind = "status"   // battery and margin
	DeviceAck      DeviceEventKind = "ack"      // a confirmed downlink was (not) acknowledged
	DeviceDownlink DeviceEventKind = "txack"    // a downlink was sent, queued or failed
	DeviceLog      DeviceEventKind = "log"      // the network server reports trouble
	DeviceLocated  DeviceEventKind = "location" // the network server resolved a position
	DeviceReset    DeviceEventKind = "reset"    // the road saw the frame counter start anew without a join
	DeviceConflict DeviceEventKind = "conflict" // the road saw a frame counter twice, with different contents
	DeviceAside    DeviceEventKind = "aside"    // the road set a frame aside; Code is the Reason
)

// DeviceEventKinds lists every kind.
func DeviceEventKinds() []DeviceEventKind {
	return []DeviceEventKind{DeviceJoined, DeviceStatus, DeviceAck, DeviceDownlink, DeviceLog, DeviceLocated,
		DeviceReset, DeviceConflict, DeviceAside}
}

// Severity says how bad an event is.
type Severity uint8

// The severities.
const (
	SeverityInfo    Severity = iota // the ordinary course of things
	SeverityWarning                 // may be lost data, or noise
	SeverityError                   // something did not work
)

var severityNames = [...]string{"info", "warning", "error"}

func (s Severity) String() string {
	if int(s) < len(severityNames) {
		return severityNames[s]
	}
	return "unknown"
}

// ParseSeverity reads a name as String gives it.
func ParseSeverity(text string) (Severity, error) {
	for i, name := range severityNames {
		if text == name {
			return Severity(i), nil
		}
	}
	return 0, fmt.Errorf("unknown severity %.40q: want one of %v", text, severityNames)
}

// Status is what a device answers when its network server asks how it is (LoRaWAN 1.0.4
// section 5.5, DevStatusAns). It is not a reading: no payload of the device says it.
type Status struct {
	Battery    float64 // %, 0 to 100; where HasBattery
	HasBattery bool    // false: the device does not know, or has External power
	External   bool    // fed from outside
	Margin     int8    // dB by which its last request was heard better than needed, -32 to 31
}

// DeviceNews is what is known of a device beside its readings.
type DeviceNews struct {
	Events []DeviceEvent // newest first

	Status   *Status // the newest; nil: none yet
	StatusAt time.Time

	Position  *Position // the newest that a network server resolved; nil: none yet
	LocatedAt time.Time
}
