package city

import (
	"errors"
	"time"
)

// RawFrame is an uplink data frame as one gateway heard it: nobody has checked or decrypted it.
type RawFrame struct {
	Server     string // configured name of where it came from
	PHYPayload []byte // 12 to 255 bytes
	Time       Stamp  // zero where the gateway told no time
	Received   time.Time
	Ident      uint64 // identity of this delivery, as in Uplink
	Radio      Radio  // of this gateway alone
}

// ErrForeign says that a raw frame is of a device address that nobody here knows: gateways
// hear everybody's devices.
var ErrForeign = errors.New("the device address is none of this city's")
