package decoders

import (
	"fmt"

	"meldefunk/city"
)

// put adds a value, in q.Unit(). A number outside the quantity's physical range, or none
// at all (NaN), is a fault and no value. A quantity that comes twice in one frame keeps
// its last value.
func put(r *city.Reading, q city.Quantity, number float64) {
	if !possible(q, number) {
		fault(r, city.FaultImplausible)
		return
	}
	for i := range r.Values {
		if r.Values[i].Quantity == q {
			r.Values[i].Number = number
			return
		}
	}
	r.Values = append(r.Values, city.Value{Quantity: q, Number: number})
}

// possible tells whether a number is one, and inside the quantity's physical range.
func possible(q city.Quantity, number float64) bool {
	lowest, highest := q.Range()
	return number >= lowest && number <= highest
}

// fault adds a fault, once.
func fault(r *city.Reading, f city.Fault) {
	if r.Has(f) {
		return
	}
	if r.Faults == nil {
		r.Faults = make([]city.Fault, 0, 2) // what is wrong is often wrong in two ways: blind, and so no fill level
	}
	r.Faults = append(r.Faults, f)
}

// leaveTail keeps bytes that gave no value.
func leaveTail(r *city.Reading, tail []byte) {
	r.Tail = append(r.Tail, tail...)
	fault(r, city.FaultUnparsedTail)
}

// wrongLength rejects a frame of fixed length; want is for people.
func wrongLength(payload []byte, want string) *city.Rejection {
	return city.Reject(city.ReasonUndecodable, "%d bytes, want %s (payload %s)", len(payload), want, cutHex(payload))
}

// cutHex prints the head of a payload: enough to recognise it, little enough for a log
// line.
func cutHex(payload []byte) string {
	const most = 24
	if len(payload) <= most {
		return fmt.Sprintf("%x", payload)
	}
	return fmt.Sprintf("%x…", payload[:most])
}

// noEcho is a frame that says by itself, there, that nothing was heard.
func noEcho(there label) *special { return says(city.FaultNoEcho, there) }

// says is a frame that is a fault by itself; there is where one sees it.
func says(f city.Fault, there label) *special {
	there.fault = f
	return &special{
		places: []label{there},
		read:   func(_ []byte, r *city.Reading) { fault(r, f) },
		write:  func([]byte, []city.Value) error { return nil },
	}
}
