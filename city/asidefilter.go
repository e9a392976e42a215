package city

import "time"

// AsideFilter chooses set-aside messages: those that meet every field that is not zero.
type AsideFilter struct {
	Keys    []uint64
	Reasons []Reason
	Server  string
	DevEUI  EUI
	From    time.Time // last seen then or later
	To      time.Time // last seen before
}

// AsideCount is how much was set aside for one reason.
type AsideCount struct {
	Reason   Reason
	Messages int64 // different ones
	Arrivals int64 // repeats included
}
