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
		// Bins, tanks and water levels.
		milesight(),
		dragino(),
		wilsen(),
		elsys(),
		sensoneo(),
		dingtek(),
		tekelek(),
		terabee(),
		sentinum(),
		enginko(),
		// Soil.
		decentlab(),
		tektelic(),
		sensecap(),
		teneo(),
		// Parking.
		bosch(),
		libelium(),
		placepod(),
		nwave(),
		tekzitel(),
		netvox(),
		// People, floods, air, positions, lamps, meters.
		parametric(),
		mclimate(),
		uradmonitor(),
		oyster(),
		keller(),
		nas(),
		axioma(),
		bmeters(),
	)
}

// model is one sensor model: what it is for, and what it sends on which port. Where a
// firmware changed what the same bytes mean, each meaning is a model of its own, named after
// the last firmware it is true for: "dragino/lse01-fw1.1".
type model struct {
	name  string // "vendor/model", lower case
	kind  city.Kind
	ports []port
	older []variant   // by their last firmware, the oldest first
	kinds []city.Kind // of assets that it is of use on, kind first
}

// suits lists the kinds of assets that the model is of use on, the one it is made for first.
// A distance is a bin's level or a basin's, and air is the same at a weather station and
// beside a road; a contact that feels water watches a cellar as well as a door.
func (m *model) suits() []city.Kind {
	switch {
	case m.kind == city.Bin && m.measures(city.Distance):
		return []city.Kind{city.Bin, city.Level}
	case m.kind == city.Level && m.measures(city.Distance):
		return []city.Kind{city.Level, city.Bin}
	case m.kind == city.Air && m.measures(city.Temperature):
		return []city.Kind{city.Air, city.Weather}
	case m.kind == city.Weather && m.measures(city.Temperature):
		return []city.Kind{city.Weather, city.Air}
	case m.kind == city.Door && m.measures(city.Leak):
		return []city.Kind{city.Door, city.Level}
	}
	return []city.Kind{m.kind}
}

// measures tells whether a quantity is in some frame of the model.
func (m *model) measures(q city.Quantity) bool {
	return slices.ContainsFunc(m.ports, func(p port) bool {
		return p.layout != nil && slices.Contains(p.layout.carries(), q)
	})
}

// port is what a model sends on one FPort.
type port struct {
	number  uint8
	any     bool        // the device sends the same on every port; number is what it leaves the factory with
	carries string      // for people: "heartbeat"
	layout  layout      // nil: the frame is known to measure nothing
	room    int         // values of one frame at most, computed ones included
	past    remembering // layout, where it is one
}

// port gives what the model sends on an FPort, nil for nothing. Port 0 is the network's.
func (m *model) port(number uint8) *port {
	for i := range m.ports {
		if m.ports[i].number == number || m.ports[i].any && number != 0 {
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
		if p.any {
			names[i] = fmt.Sprintf("any but 0 (%s)", p.carries)
		}
	}
	return strings.Join(names, ", ")
}

// computed are the values that are not in the frame. Most are two: fill level and water level,
// or usable field capacity and soil tension.
const computed = 2

// prepared is the model with the room each port needs, so that the values of a reading are
// allocated once.
func (m model) prepared() *model {
	m.ports, m.kinds = slices.Clone(m.ports), m.suits()
	for i := range m.ports {
		if l := m.ports[i].layout; l != nil {
			m.ports[i].room = len(l.carries()) + computed
			if past, ok := l.(remembering); ok && past.remembers() {
				m.ports[i].past = past
			}
		}
	}
	return &m
}

// makeRoom lets the values of a frame be allocated once. Those of records share the memory
// of the present ones: a reader keeps both or none.
func (p *port) makeRoom(payload []byte, r *city.Reading) {
	records, values := 0, 0
	if p.past != nil {
		records, values = p.past.memory(payload)
	}
	if records > 0 {
		r.History = make([]city.Record, 0, records)
	}
	if r.Values == nil || records > 0 {
		r.Values = make([]city.Value, 0, p.room+values)
	}
}
