package decoders

import (
	"fmt"
	"slices"
	"strings"

	"meldefunk/city"
)

// catalogue lists every model. A new family is a new file and one line here.
func catalogue() []model {
	return slices.Concat(
		milesight(),
		dragino(),
		bosch(),
	)
}

// mostValues is room for the values of one frame, fill level included, so that a reading
// needs one allocation at most.
const mostValues = 6

// model is one sensor model: what it is for, and what it sends on which port.
type model struct {
	name   string // "vendor/model", lower case
	kind   city.Kind
	ports  []port
	encode func(values []city.Value) (port uint8, payload []byte, err error)
}

// port is what a model sends on one FPort.
type port struct {
	number  uint8
	carries string // for people: "heartbeat"

	// decode appends to r, or rejects and leaves r alone; payload is not empty. It is nil
	// where the frame is known to measure nothing.
	decode func(payload []byte, r *city.Reading) *city.Rejection
}

// port gives what the model sends on an FPort, nil for nothing.
func (m *model) port(number uint8) *port {
	for i := range m.ports {
		if m.ports[i].number == number {
			return &m.ports[i]
		}
	}
	return nil
}

// portList names the ports for people: "1 (status), 2 (heartbeat)".
func (m *model) portList() string {
	names := make([]string, len(m.ports))
	for i, p := range m.ports {
		names[i] = fmt.Sprintf("%d (%s)", p.number, p.carries)
	}
	return strings.Join(names, ", ")
}
