package listener

import (
	"meldefunk/city"
)

// delivery is a message from its PUBLISH to its acknowledgement, and the Acker of its
// arrival.
type delivery struct {
	publish
	message  city.Message
	rejected *city.Rejection // too large
	reason   byte            // told with the acknowledgement
	server   *Server
	held     int64         // bytes of the budget
	done     chan struct{} // closed when it may be acknowledged
}

// Ack lets it be acknowledged on its connection, if that is still there.
func (d *delivery) Ack() {
	d.drop()
	close(d.done)
}

// drop gives back what it holds.
func (d *delivery) drop() {
	d.server.budget.Release(d.held)
	d.server.metrics.inFlight.Dec()
}

// appendAck is the answer to PUBLISH: none, PUBACK or PUBREC.
func (d *delivery) appendAck(to []byte) []byte {
	switch d.qos {
	case 1:
		return appendAck(to, typePuback, d.id, d.reason)
	case 2:
		return appendAck(to, typePubrec, d.id, d.reason)
	}
	return to
}
