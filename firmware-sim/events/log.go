package events

import "time"

// Log tells that something went wrong. What the application hears, and whether, differs
// between network servers.
type Log struct {
	Device   *Device
	Cause    Cause
	ID       UUID // of the delivery
	Time     time.Time
	FCnt     uint32    // of the frame, or of the downlink
	DevNonce uint16    // CauseDevNonce
	Text     string    // CauseCodec: what the codec threw; CauseGateway: the gateway's reason, like TX_FREQ
	Size     int       // CauseSize: bytes the downlink has
	Max      int       // CauseSize: bytes it may have
	Downlink *Downlink // CauseSize, CausePort
}

// Cause says what went wrong.
type Cause uint8

// The causes.
const (
	CauseRepeat   Cause = iota // a frame counter that was there before
	CauseReset                 // the frame counter has started anew without a join
	CauseFrameMIC              // a data frame's MIC is wrong
	CauseJoinMIC               // a join-request's MIC is wrong
	CauseDevNonce              // a join-request with a DevNonce that was there before
	CauseCodec                 // the network server's codec threw
	CauseSize                  // a downlink is too large for the data rate
	CausePort                  // a downlink without FPort
	CauseGateway               // a gateway refuses to send
)
