package listener

import "meldefunk/city"

// delivery is a message from its PUBLISH to its acknowledgement, and the Acker of its
// arrival.
type delivery struct {
	publish
	message  city.Message
	rejected *city.Rejection // too large
	reason   byte            // told with the acknowledgement
	server   *Server
	held     int64         // bytes of the budget
	done     chan struct{} // closed when it may be acknowledged, or is lost
	lost     bool          // set before done is closed
}

// Ack lets it be acknowledged on its connection, if that is still there.
func (d *delivery) Ack() {
	d.release()
	close(d.done)
}

// lose is for what the road did not take: it, and what came after it, is not acknowledged.
func (d *delivery) lose() {
	d.lost = true
	d.release()
	close(d.done)
}

// release gives back what it holds.
func (d *delivery) release() {
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
