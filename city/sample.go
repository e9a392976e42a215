package city

import "time"

// Sample is one quantity of one reading.
type Sample struct {
	Reading  int64 // Reading.ID
	Time     Stamp
	Number   float64 // in Quantity.Unit()
	Has      bool    // false: the reading has no such quantity
	Faults   []Fault // of the reading
	Late     bool    // as in Reading
	Conflict bool    // as in Reading
}

// SampleQuery chooses samples of one quantity of one asset, by event time and then by the
// number of the reading. Readings sent by hand (Simulated) are not among them.
type SampleQuery struct {
	Asset       string
	Quantity    Quantity
	From, To    time.Time // both are in it; zero: no bound
	NewestFirst bool
	// Those behind this one in the order; zero: from its beginning.
	AfterTime    time.Time
	AfterReading int64
	Limit        int // how many readings to look at, at most; those without the quantity count
}
