package network

import (
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan"
)

// Reception is one frame as one gateway heard it.
type Reception struct {
	Gateway   city.EUI
	At        time.Time // end of the frame
	GPS       bool      // At is also known to the gateway, from satellites
	Timestamp uint32    // the concentrator's counter at the end of the frame, µs
	Frequency uint32    // Hz
	DataRate  uint8
	RSSI      int16   // dBm
	SNR       float32 // dB
	Channel   uint8   // of the concentrator, not of the device
	RFChain   uint8
}

// Kind is what became of a frame.
type Kind uint8

// The kinds of results.
const (
	Refused  Kind = iota // not accepted: Complaints says why
	Accepted             // a data frame that is new
	Repeated             // a data frame that was accepted before (NbTrans, or a lost ACK)
	Joined               // a join or rejoin was granted
)

var kindNames = [...]string{"refused", "accepted", "repeated", "joined"}

// String gives the kind in one word.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Result is all that the network tells of a frame. What a kind does not have is zero.
type Result struct {
	Kind       Kind
	Complaints []Complaint // a refusal has one; a frame accepted none, unless the device erred

	At         time.Time   // end of the frame, at the gateway that heard it best
	Receptions []Reception // as given to Receive
	Best       int         // index of the best of them

	DevEUI  city.EUI // zero where the device is not known
	JoinEUI city.EUI
	Version lorawan.Version // of the session
	DevAddr lorawan.DevAddr
	Epoch   uint32 // sessions of the device, counted from 1; also counts allowed resets

	MType     lorawan.MType
	FCtrl     lorawan.FCtrl
	FCnt      uint32 // all 32 bits
	Lost      uint32 // frames missing before this one
	HasPort   bool
	FPort     uint8
	Payload   []byte // decrypted, in memory of its own; nothing on port 0
	Encrypted bool   // Payload is as on air: the AppSKey is not known here
	Commands  []lorawan.Command
	Frequency uint32 // Hz
	DataRate  uint8
	Channel   uint8 // of the device

	RejoinType uint8         // with Joined: 0xff after a join-request, else 0 to 2
	Status     *DeviceStatus // the device told its battery and margin
	Ack        *Ack          // what became of the last confirmed downlink

	Down *Downlink // what has to be sent now
}

// DeviceStatus is what a device says in DevStatusAns (L2 1.0.4 section 5.5).
type DeviceStatus struct {
	Battery uint8 // 0: mains, 1 (empty) to 254 (full), 255: cannot be measured
	Margin  int8  // dB, -32 to 31
}

// Ack tells what became of a confirmed downlink.
type Ack struct {
	ID           uint64 // Item.ID
	FCnt         uint32
	Acknowledged bool
}

// Downlink is a frame for a device, and the windows in which it may be sent, best first. It
// is to be sent in one of them: if the gateway refuses the first, the next may be tried.
type Downlink struct {
	DevEUI  city.EUI
	Uplink  Reception // heard by the gateway that shall send; Timestamp counts from there
	Frame   []byte
	Windows []Window

	Join bool   // a join-accept; the rest is of data frames
	Item uint64 // ID of the queued payload it carries; 0: none
	FCnt uint32
}

// Window is when and how a downlink can be sent.
type Window struct {
	Number    uint8 // 1 or 2
	At        time.Time
	After     time.Duration // since the end of the uplink
	Frequency uint32        // Hz
	DataRate  uint8
	Power     int // dBm EIRP
}
