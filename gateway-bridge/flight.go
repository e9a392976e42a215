package bridge

import (
	"sync/atomic"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// flight counts what was offered and not yet acknowledged in one session.
type flight struct {
	count atomic.Int64
	empty chan struct{} // holds one token after the count fell to zero
}

func newFlight() *flight { return &flight{empty: make(chan struct{}, 1)} }

func (f *flight) start() { f.count.Add(1) }

func (f *flight) end() {
	if f.count.Add(-1) == 0 {
		select {
		case f.empty <- struct{}{}:
		default:
		}
	}
}

// wait returns when nothing is in flight, or after the bound; it gives what is left.
func (f *flight) wait(bound time.Duration) int64 {
	timer := time.NewTimer(bound)
	defer timer.Stop()
	for {
		left := f.count.Load()
		if left <= 0 {
			return 0
		}
		select {
		case <-f.empty: // perhaps an old token: look again
		case <-timer.C:
			return f.count.Load()
		}
	}
}

// delivery is the Acker of one message.
type delivery struct {
	message mqtt.Message
	flight  *flight
}

// Ack hands the PUBACK to the connection the message came on. If that is gone, the broker
// delivers the message again on the next one.
func (d *delivery) Ack() {
	d.message.Ack()
	d.flight.end()
}
