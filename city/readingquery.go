package city

import "time"

// ReadingQuery chooses readings of one asset, by event time and then by number.
type ReadingQuery struct {
	Asset       string
	From, To    time.Time // From is in it, To is not; zero: no bound
	NewestFirst bool
	// Those behind this one in the order; zero: from its beginning.
	AfterTime time.Time
	AfterID   int64
	Limit     int // more than 0
}
