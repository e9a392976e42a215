// Package decoders turns payload bytes into typed values with units, and back for the
// simulator: one file per family of devices, one catalogue that lists every model, and
// the calibration that makes a fill level or a water level from a distance, and usable
// field capacity from a water content.
//
// It is pure: no clock, no network, no memory from one frame to the next. It does not
// know network servers, the inventory file, rules or storage. Whether a value is somebody's
// business is not decided here; only whether it is a value at all.
package decoders

import (
	"maps"
	"slices"

	"meldefunk/city"
)

// Table finds the decoder of a device's model. It is not changed after New and may be used
// from any number of goroutines.
type Table struct {
	models map[string]*model
}

// New makes the table of every model this platform reads natively.
func New() *Table {
	t := &Table{models: make(map[string]*model)}
	for _, m := range catalogue() {
		t.models[m.name] = m.prepared()
	}
	t.addVariants()
	return t
}

// Knows tells whether the model has a decoder. Names are exact: "milesight/em310-udl".
func (t *Table) Knows(model string) bool {
	_, ok := t.models[model]
	return ok
}

// Models lists every model, sorted.
func (t *Table) Models() []string {
	return slices.Sorted(maps.Keys(t.models))
}

// Kinds lists the kinds of assets that the model is of use on, the one it is made for first;
// nothing for an unknown model. The slice must not be changed.
func (t *Table) Kinds(model string) []city.Kind {
	if m, ok := t.models[model]; ok {
		return m.kinds
	}
	return nil
}

// Carries lists the quantities that are in some frame of the model; nothing for an unknown one.
func (t *Table) Carries(model string) (all []city.Quantity) {
	m, ok := t.models[model]
	if !ok {
		return nil
	}
	for _, p := range m.ports {
		if p.layout == nil {
			continue
		}
		for _, q := range p.layout.carries() {
			if !slices.Contains(all, q) {
				all = append(all, q)
			}
		}
	}
	return all
}

// Kind says which kind of asset the model is made for; KindUnknown for an unknown model.
func (t *Table) Kind(model string) city.Kind {
	if m, ok := t.models[model]; ok {
		return m.kind
	}
	return city.KindUnknown
}

// Decode reads u as d's model sends it, in the variant for d's firmware where a firmware
// changed the frames. It appends what u says to r.Values, r.Faults, r.Tail and r.History,
// which come in empty; spare capacity is used, but not for a frame with history. Nothing of u
// is kept: Tail is a copy. A frame that is understood but measures nothing (device
// information, debug) leaves r as it was and is no error.
//
// Values are in Quantity.Unit() and inside Quantity.Range(), each quantity at most once;
// a's offsets are added, and fill level, water level and usable field capacity follow from
// its calibrations. a may be nil. The same holds for each record of the history; a record that
// claims to be of before 2015, or of after u.Time where that is given, is dropped with fault
// clock.
//
// An error is a *city.Rejection, and r is then without values, faults, tail and history:
// ReasonUnknownPort where the model sends nothing on u.FPort, ReasonUndecodable where the
// bytes are not what the model's layout allows, where there are none, or where the model
// has no decoder.
func (t *Table) Decode(d *city.Device, a *city.Asset, u *city.Uplink, r *city.Reading) error {
	m, ok := t.models[d.Model]
	if !ok {
		return city.Reject(city.ReasonUndecodable, "no decoder for model %.40q", d.Model)
	}
	m = m.of(d.Firmware)
	p := m.port(u.FPort)
	if p == nil {
		return city.Reject(city.ReasonUnknownPort, "%s sends nothing on port %d: it uses %s",
			m.name, u.FPort, m.portList())
	}
	if len(u.Payload) == 0 {
		return city.Reject(city.ReasonUndecodable, "%s port %d: no payload, want a %s frame",
			m.name, u.FPort, p.carries)
	}
	if p.layout == nil {
		return nil
	}
	p.makeRoom(u.Payload, r)
	if rejection := p.layout.decode(u.Payload, r); rejection != nil {
		return city.Reject(rejection.Reason, "%s port %d: %s", m.name, u.FPort, rejection.Detail)
	}
	Calibrate(m.kind, a, r)
	if len(r.History) > 0 {
		finishHistory(m, a, u.Time.At, r)
	}
	return nil
}

// Encode makes the frame a device of the model sends for these values, rounded to the
// device's resolution: Decode of it, without an asset, gives the same values. It is for the simulator and for
// tests.
//
// The only check on numbers is whether the frame can hold them, so that a broken probe can
// be played too: what is implausible is the decoder's word. Errors: unknown model, a
// quantity the model does not send, one that is missing or given twice, a number that does
// not fit.
func (t *Table) Encode(model string, values []city.Value) (port uint8, payload []byte, err error) {
	m, ok := t.models[model]
	if !ok {
		return 0, nil, unencodable(model, "unknown model")
	}
	port, payload, err = m.encode(values)
	if err != nil {
		return 0, nil, unencodable(model, "%w", err)
	}
	return port, payload, nil
}
