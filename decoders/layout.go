package decoders

import (
	"fmt"
	"slices"
	"strings"

	"meldefunk/city"
)

// layout is what a model sends on a port.
type layout interface {
	// decode appends to r, or rejects and leaves r alone; payload is not empty.
	decode(payload []byte, r *city.Reading) *city.Rejection
	// carries lists the quantities that encode can write, in the frame's order.
	carries() []city.Quantity
	// encode writes a frame with these values, all of which it carries, each once.
	encode(values []city.Value) ([]byte, error)
	// explain marks what the bytes mean: all of a frame that decode reads, with the same
	// values, and of one that it rejects what can be told.
	explain(p *page)
}

// fixed is a frame whose every number has its place.
type fixed struct {
	length   int
	longer   bool                      // more bytes may follow, which measure nothing
	is       func(payload []byte) bool // asked where the length is right; nil: it is
	blank    []byte                    // what a frame is before numbers are put in; nil: zeros
	fields   []field
	troubles []trouble
	special  *special                    // nil: fields say it all
	tail     func(payload []byte) []byte // bytes at the end that are there and not understood; may be nil
	labels   []label                     // what stands beside all this
}

// special is what fields cannot say.
type special struct {
	carries []city.Quantity
	read    func(payload []byte, r *city.Reading)
	write   func(payload []byte, values []city.Value) error
	memory  func(payload []byte) (records, values int) // as in remembering; nil: none
	places  []label                                    // where it reads what
	explain func(p *page)                              // what places cannot say; may be nil
}

// fits tells whether a frame has this layout.
func (l *fixed) fits(payload []byte) bool {
	return (len(payload) == l.length || l.longer && len(payload) > l.length) && (l.is == nil || l.is(payload))
}

func (l *fixed) read(payload []byte, r *city.Reading) {
	readAll(l.fields, payload, r)
	for i := range l.troubles {
		l.troubles[i].read(payload, r)
	}
	if l.special != nil {
		l.special.read(payload, r)
	}
	if l.tail != nil {
		if tail := l.tail(payload); len(tail) > 0 {
			leaveTail(r, tail)
		}
	}
}

func (l *fixed) write(values []city.Value) ([]byte, error) {
	payload := make([]byte, l.length)
	copy(payload, l.blank)
	for i := range l.fields {
		if err := l.fields[i].write(payload, values); err != nil {
			return nil, err
		}
	}
	if l.special != nil {
		if err := l.special.write(payload, values); err != nil {
			return nil, err
		}
	}
	return payload, nil
}

func (l *fixed) carries() []city.Quantity {
	all := addQuantities(nil, l.fields)
	if l.special != nil {
		all = append(all, l.special.carries...)
	}
	return all
}

// frames are fixed layouts that share a port; the first that fits counts. Values are
// encoded in the first that carries them all.
type frames []fixed

func (l frames) decode(payload []byte, r *city.Reading) *city.Rejection {
	for i := range l {
		if l[i].fits(payload) {
			l[i].read(payload, r)
			return nil
		}
	}
	var lengths []string
	for i := range l {
		length := fmt.Sprint(l[i].length)
		if l[i].longer {
			length += " and more"
		}
		if !slices.Contains(lengths, length) {
			lengths = append(lengths, length)
		}
		if l[i].length == len(payload) || l[i].longer && len(payload) > l[i].length {
			return city.Reject(city.ReasonUndecodable, "%d bytes of no known frame (payload %s)", len(payload), cutHex(payload))
		}
	}
	return wrongLength(payload, strings.Join(lengths, " or "))
}

func (l frames) remembers() bool {
	return slices.ContainsFunc(l, func(f fixed) bool { return f.special != nil && f.special.memory != nil })
}

func (l frames) memory(payload []byte) (records, values int) {
	for i := range l {
		if s := l[i].special; s != nil && s.memory != nil && l[i].fits(payload) {
			return s.memory(payload)
		}
	}
	return 0, 0
}

func (l frames) carries() []city.Quantity {
	var all []city.Quantity
	for i := range l {
		for _, q := range l[i].carries() {
			if !slices.Contains(all, q) {
				all = append(all, q)
			}
		}
	}
	return all
}

func (l frames) encode(values []city.Value) (payload []byte, err error) {
	err = errNoFrame
	for i := range l {
		if !carriesAll(l[i].carries(), values) {
			continue
		}
		if payload, err = l[i].write(values); err == nil {
			return payload, nil
		}
	}
	return nil, err
}

// addQuantities appends the quantities of fields that are not yet there.
func addQuantities(all []city.Quantity, fields []field) []city.Quantity {
	for i := range fields {
		if !slices.Contains(all, fields[i].quantity) {
			all = append(all, fields[i].quantity)
		}
	}
	return all
}

func carriesAll(sends []city.Quantity, values []city.Value) bool {
	for _, v := range values {
		if !slices.Contains(sends, v.Quantity) {
			return false
		}
	}
	return true
}

// unread is a frame that is known to measure something, in a layout that is not. Its bytes
// are kept.
type unread struct{}

func (unread) decode(payload []byte, r *city.Reading) *city.Rejection {
	leaveTail(r, payload)
	return nil
}
func (unread) carries() []city.Quantity            { return nil }
func (unread) encode([]city.Value) ([]byte, error) { return nil, errNoFrame }
