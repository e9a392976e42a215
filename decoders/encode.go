package decoders

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"meldefunk/city"
)

// unencodable says which model could not be encoded, and why.
func unencodable(model, format string, args ...any) error {
	return fmt.Errorf("encode %.40q: "+format, append([]any{model}, args...)...)
}

// checkValues tells whether every quantity is one of those the model sends, none is given
// twice, and there is at least one.
func checkValues(values []city.Value, sends ...city.Quantity) error {
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

// field is how a number stands in a frame: times perUnit, rounded, from lowest to highest.
type field struct {
	quantity        city.Quantity
	perUnit         float64
	lowest, highest int
}

// raw gives the integer that stands in the frame for n.
func (f field) raw(n float64) (int, error) {
	scaled := math.Round(n * f.perUnit)
	if !(scaled >= float64(f.lowest) && scaled <= float64(f.highest)) {
		return 0, fmt.Errorf("%s %v does not fit: the frame holds %v to %v %s",
			f.quantity, n, float64(f.lowest)/f.perUnit, float64(f.highest)/f.perUnit, f.quantity.Unit())
	}
	return int(scaled), nil
}

// rawOf is raw of the quantity's number among values, which must be there.
func (f field) rawOf(values []city.Value) (int, error) {
	n, ok := find(values, f.quantity)
	if !ok {
		return 0, fmt.Errorf("%s is missing: it is in every frame", f.quantity)
	}
	return f.raw(n)
}
