package rules

import "meldefunk/city"

const (
	maxSlots = 16
	noSlot   = 255
)

// plan is what the rules of a set come to for some assets: those of one kind with the same
// overrides.
type plan struct {
	slot [256]uint8 // by city.Quantity: where in a sample its value is
	rest []city.Quantity
}
