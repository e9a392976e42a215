package city

import "time"

// Reading is what one frame says about one asset, typed and in units.
type Reading struct {
	ID       int64 // position in the store, rising; assigned by the pipeline
	DevEUI   EUI
	Asset    string
	Kind     Kind
	Model    string
	Epoch    uint32 // session epoch of the device, counted from 1
	FCnt     uint32
	Time     Stamp     // event time; unique per device
	Received time.Time // our clock when the rules saw it: it does not go back from reading to reading

	Values    []Value  // what was measured; order as decoded, each quantity at most once
	Faults    []Fault  // what the sensor could not measure, and why
	Tail      []byte   // bytes of the frame that were not understood
	Raw       []byte   // JSON object of decoded fields that are no quantity, at most MaxRaw bytes; mostly nil
	History   []Record // what the same frame says about earlier times, as sent
	Radio     Radio
	Late      bool        // older than the newest reading of the asset when it came
	Simulated bool        // sent by hand in a console: kept, not judged
	Conflict  bool        // its frame has the counter of another one with other content: one of them may not be the device's
	Poorer    bool        // stands in place of one that said something this one does not: a copy must forget that one first
	Former    []time.Time // times it was stored under before; a copy must forget the points of these

	// Withdrawn, which only who follows the readings sees: there is none any more. A copy must
	// forget what it has of this device and event time; nothing else is told.
	Withdrawn bool
}

// MaxRaw bounds Reading.Raw, in bytes: codecs are written by others.
const MaxRaw = 16 << 10

// Record is what a device measured earlier, kept in its memory and sent with a later frame.
type Record struct {
	Time   time.Time // when it was measured, by the device's clock, UTC
	Values []Value   // as in Reading
	Faults []Fault   // as in Reading
}

// Value gives the number of a quantity and whether it was measured.
func (r *Reading) Value(q Quantity) (float64, bool) {
	for i := range r.Values {
		if r.Values[i].Quantity == q {
			return r.Values[i].Number, true
		}
	}
	return 0, false
}

// Has tells whether a fault was reported.
func (r *Reading) Has(f Fault) bool {
	for _, g := range r.Faults {
		if g == f {
			return true
		}
	}
	return false
}

// State sums the reading up: "ok", "partial" (some of it was not understood or measured)
// or "fault" (nothing but faults).
func (r *Reading) State() string {
	switch {
	case len(r.Faults) == 0:
		return "ok"
	case len(r.Values) == 0:
		return "fault"
	}
	return "partial"
}
