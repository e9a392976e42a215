// Package events writes what network servers publish about devices, and gateway bridges
// about frames: ChirpStack v4 in JSON and in protobuf, ChirpStack v3 (json_v3), The Things
// Stack v3, as exact as recordings of them. Names, order, number and time formats, and
// what is left out when it is zero are those of the originals.
//
// It does not know how a frame came about, keeps nothing from one event to the next, and
// has neither a clock nor chance of its own: every time and every identity is handed in,
// so that the same events give the same bytes.
package events

// Server is the dialect of one kind of network server.
type Server interface {
	// Name is what the dialect is called in the configuration of the platform.
	Name() string
	// Topic is where the event is published by default, "" where this network server
	// tells nobody.
	Topic(e Event) string
	// Append appends the body of the message to dst and returns it. It appends nothing
	// where Topic is "".
	Append(dst []byte, e Event) []byte
}

// Event is something a network server tells of a device: *Up, *Join, *Status, *Ack,
// *TxAck, *Queued, *Log or *Location. What its fields point to must be there, but for
// Session.EndToEnd and where a comment names the cases that need it.
type Event interface{ device() *Device }

func (e *Up) device() *Device       { return e.Device }
func (e *Join) device() *Device     { return e.Device }
func (e *Status) device() *Device   { return e.Device }
func (e *Ack) device() *Device      { return e.Device }
func (e *TxAck) device() *Device    { return e.Device }
func (e *Queued) device() *Device   { return e.Device }
func (e *Log) device() *Device      { return e.Device }
func (e *Location) device() *Device { return e.Device }
