package mac

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Message is what an application wants to say.
type Message struct {
	Payload   []byte
	Tag       uint64 // the caller's name for it: it comes back in Transmission and Delivery
	Port      uint8  // 1 to 223
	Confirmed bool
}

// The errors of Send.
var (
	ErrOff  = errors.New("the device is switched off")
	ErrPort = errors.New("applications have the ports 1 to 223")
)

// TooLongError says that a payload does not fit the data rate. What to do is the
// application's business: send less, or wait for a better rate.
type TooLongError struct {
	Size, Max int // bytes
	DataRate  uint8
}

func (e *TooLongError) Error() string {
	return fmt.Sprintf("the payload has %d bytes, DR%d carries %d", e.Size, e.DataRate, e.Max)
}

// anyMax is the longest payload that any data rate carries.
const anyMax = 242

// Send puts a payload into the queue; its bytes are copied. Where the queue is full the
// oldest payload is dropped and counted. It fails, with the queue as it was, with ErrOff,
// ErrPort or a TooLongError. Payloads that fitted when they were queued and no longer do wait
// until they do again; others pass them.
func (d *Device) Send(now time.Time, m Message) error {
	dr, most := d.mem.P.DataRate, anyMax
	if d.mem.Joined {
		most = eu868{}.MaxPayload(dr)
	}
	switch {
	case !d.on:
		return fmt.Errorf("device %s: %w", d.devEUI, ErrOff)
	case m.Port < 1 || m.Port > 223:
		return fmt.Errorf("device %s: port %d: %w", d.devEUI, m.Port, ErrPort)
	case len(m.Payload) > most:
		return fmt.Errorf("device %s: %w", d.devEUI, &TooLongError{Size: len(m.Payload), Max: most, DataRate: dr})
	}
	d.settle(at(now))
	if len(d.queue) >= max(1, d.profile.Queue) {
		d.queue = slices.Delete(d.queue, 0, 1)
		d.stats.Dropped++
	}
	m.Payload = slices.Clone(m.Payload)
	d.queue = append(d.queue, m)
	d.held = false
	d.ready = max(d.ready, at(now))
	return nil
}

// Queued gives how many payloads wait; one under way does not count.
func (d *Device) Queued() int { return len(d.queue) }

// fitting gives the place of the oldest payload that fits, -1 if there is none.
func (d *Device) fitting(most int) int {
	if d.held || d.x.failed() && d.profile.KeepUnacknowledged {
		return -1
	}
	return slices.IndexFunc(d.queue, func(m Message) bool { return len(m.Payload) <= most })
}

// putBack returns a payload that was not acknowledged to the front of the queue, where there
// is room.
func (d *Device) putBack(m Message) {
	if len(d.queue) >= max(1, d.profile.Queue) {
		d.stats.Dropped++
		return
	}
	d.queue = slices.Insert(d.queue, 0, m)
	d.held = true
}
