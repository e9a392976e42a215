package decoders

import (
	"errors"
	"fmt"
	"slices"

	"meldefunk/city"
)

// unencodable says which model could not be encoded, and why.
func unencodable(model, format string, args ...any) error {
	return fmt.Errorf("encode %.40q: "+format, append([]any{model}, args...)...)
}

// errNoFrame: each value could be sent, but not all in one frame.
var errNoFrame = errors.New("these values do not go into one frame")

// encode writes a frame for the first port that carries all values.
func (m *model) encode(values []city.Value) (number uint8, payload []byte, err error) {
	var sends []city.Quantity
	for _, p := range m.ports {
		if p.layout == nil {
			continue
		}
		for _, q := range p.layout.carries() {
			if !slices.Contains(sends, q) {
				sends = append(sends, q)
			}
		}
	}
	if err := checkValues(values, sends); err != nil {
		return 0, nil, err
	}
	err = errNoFrame
	for _, p := range m.ports {
		if p.layout == nil || !carriesAll(p.layout.carries(), values) {
			continue
		}
		if payload, err = p.layout.encode(values); err == nil {
			return p.number, payload, nil
		}
	}
	return 0, nil, err
}

// checkValues tells whether every quantity is one of those the model sends, none is given
// twice, and there is at least one.
func checkValues(values []city.Value, sends []city.Quantity) error {
	if len(values) == 0 {
		return errors.New("no values")
	}
	for i, v := range values {
		if !slices.Contains(sends, v.Quantity) {
			return fmt.Errorf("it does not send %s, only %v", v.Quantity, sends)
		}
		for _, earlier := range values[:i] {
			if earlier.Quantity == v.Quantity {
				return fmt.Errorf("%s is given twice", v.Quantity)
			}
		}
	}
	return nil
}

// find gives the number of a quantity and whether it is there.
func find(values []city.Value, q city.Quantity) (float64, bool) {
	for _, v := range values {
		if v.Quantity == q {
			return v.Number, true
		}
	}
	return 0, false
}
