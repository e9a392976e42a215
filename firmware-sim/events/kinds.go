package events

import "time"

// Up is a data frame that the network server takes for new.
type Up struct {
	Device *Device
	*Session
	Radio
	ID         UUID      // of the delivery: ChirpStack v4 gives one to each set of receptions
	Time       time.Time // when it was sent, by ChirpStack v4: see EventTime
	Received   time.Time // when the network server had it first
	Published  time.Time // when the application hears of it: once no further gateway is waited for
	FCnt       uint32    // all 32 bits
	FPort      uint8     // 0: MAC commands only; also where the frame had no port
	Payload    []byte    // FRMPayload as the application gets it: of FPort 0 none, and encrypted still if the session is EndToEnd
	Confirmed  bool
	ADR        bool
	Airtime    time.Duration // The Things Stack
	Lost       float32       // share of frames lost, 0 to 1, as The Things Stack reckons
	Object     []Field       // what the network server's codec made of Payload; nil: nothing, or it has none
	Receptions []Reception
}

// Join tells of a session that was granted.
type Join struct {
	Device *Device
	*Session
	Radio
	ID         UUID
	Time       time.Time // when it was sent, by ChirpStack v4: see EventTime
	Received   time.Time
	Published  time.Time
	Receptions []Reception // ChirpStack v3, which tells of a join with the first uplink: of that one
}

// Status is what a device answers to DevStatusReq (LoRaWAN 1.0.4 section 5.5). The Things
// Stack tells nobody.
type Status struct {
	Device  *Device
	ID      UUID
	Time    time.Time
	Battery uint8 // as on air: 0 external power, 1 to 254 empty to full, 255 cannot tell
	Margin  int8  // dB, -32 to 31
}

// Downlink is a payload on its way to a device.
type Downlink struct {
	Device    *Device
	Session   *Session  // in which it is sent
	ID        UUID      // of the item in the queue
	Asked     time.Time // when it was put there; The Things Stack
	FCnt      uint32    // downlink counter; known once it is sent
	FPort     uint8
	Payload   []byte
	Confirmed bool
	Priority  string   // of The Things Stack: LOW to HIGHEST; "" is LOWEST
	Object    []Field  // what the codec made Payload of, if it did
	Own       []string // correlation ids the sender has given, in alphabetical order; The Things Stack
}

// Queued tells that a downlink was accepted. The Things Stack only.
type Queued struct {
	Downlink
	Time time.Time
}

// TxAck tells that a gateway has accepted a downlink for transmission.
type TxAck struct {
	Downlink
	Radio
	Time      time.Time
	Number    uint32 // of the downlink in ChirpStack v4
	Gateway   *Gateway
	Power     int8          // dBm EIRP
	Delay     time.Duration // after the uplink: RX1 or RX2
	Timestamp uint32        // of the uplink it answers: Reception.Timestamp
}

// Ack tells what became of a confirmed downlink.
type Ack struct {
	Downlink
	Delivery     UUID // of the uplink that acknowledges; zero where Acknowledged is false
	Time         time.Time
	Acknowledged bool // false: the device has not said so in time
}

// Location tells where a geolocation service believes the device to be. ChirpStack v4 only.
type Location struct {
	Device   *Device
	ID       UUID
	Time     time.Time
	Lat, Lon float64 // °
	Accuracy float32 // m
}

// Field is a member of the object that a codec in the network server makes or reads.
// Fields of one object come in alphabetical order. Of its values one is used: Text if
// it is not "", else Number.
type Field struct {
	Name   string
	Number float64
	Text   string
}
