package city

import (
	"fmt"
	"time"
)

// Uplink is one data frame of a device as its network server delivered it, after the
// dialect's peculiarities are gone. Absent on air stays distinguishable: HasPort tells
// "no FPort" from port 0 where the network server does.
type Uplink struct {
	Server    string // configured name of the network server
	DevEUI    EUI
	Session   string // what identifies the LoRaWAN session in this dialect, "" where nothing does
	FCnt      uint32 // full 32-bit frame counter
	FPort     uint8  // 0: MAC commands only, or no port
	Payload   []byte // FRMPayload, decrypted unless Encrypted; empty is possible
	Encrypted bool   // Payload is end-to-end encrypted with a key the network server has not
	Confirmed bool
	Simulated bool // sent by hand in a console; kept, never judged
	Proven    bool // the integrity code was checked here, and the device never counts anew: a counter means one frame of the session for ever

	Envelope *Envelope // of an encrypted Payload; nil: no wrapped key came with it

	Time     Stamp
	Fallback [2]Stamp  // further claims, best first, for where Time is impossible; zero: none
	Received time.Time // arrival at this process
	Ident    uint64    // identity of this delivery: equal for a redelivery, else different

	Radio Radio
	Heard []Reception // every gateway's figures, at most MaxHeard, where more than one heard it; else Radio says it all
}

// Stamp is a point in time and who claims it.
type Stamp struct {
	At     time.Time
	Source TimeSource
}

// TimeSource says where an event time comes from.
type TimeSource uint8

// The sources of an event time. Of what a message claims the best one counts that is
// possible: GPS, gateway, network server, arrival.
const (
	TimeReceived  TimeSource = iota // arrival here: nothing better was given, or it was impossible
	TimeEstimated                   // reckoned from counter and period: the frame waited somewhere without a time
	TimeServer                      // the network server's clock
	TimeGateway                     // a gateway's clock
	TimeGPS                         // a gateway's satellite receiver
	TimeDevice                      // the device's own clock, of a measurement it kept in its memory
)

var timeSourceNames = [...]string{"received", "estimated", "server", "gateway", "gps", "device"}

// ParseTimeSource reads a name as String gives it.
func ParseTimeSource(s string) (TimeSource, error) {
	for i, name := range timeSourceNames {
		if s == name {
			return TimeSource(i), nil
		}
	}
	return TimeReceived, fmt.Errorf("unknown source of time %.40q: want one of %v", s, timeSourceNames)
}

func (s TimeSource) String() string {
	if int(s) < len(timeSourceNames) {
		return timeSourceNames[s]
	}
	return "unknown"
}

// Radio is how well a frame was heard: the best gateway's figures and how many heard it.
type Radio struct {
	RSSI            int16   // dBm, best gateway
	SNR             float32 // dB, same gateway
	SpreadingFactor uint8   // 7 to 12; 0: not LoRa or not told
	DataRate        uint8   // data rate index; HasDataRate tells whether it was given
	HasDataRate     bool
	Gateways        uint8 // how many gateways heard the frame
	Frequency       uint32
	Gateway         string // id of the best gateway
}
