package city

import "time"

// Outlook is where a quantity of an asset is going as the rules see it: when the condition of
// a rule will be met if it goes on as it did.
type Outlook struct {
	Rule     string
	Quantity Quantity
	Limit    float64 // what will be reached
	Upward   bool    // it is reached by rising
	Value    float64 // of the newest reading
	At       time.Time

	Slope       float64   // per hour; where Reliability is none, nobody can tell
	Due         time.Time // when it will be reached; At: it is; zero: not within a month, or nobody can tell
	Reliability Reliability
	Jumped      time.Time // the reading at which it last jumped back, as when a bin was emptied; zero: at none of the last 9
	Jump        float64   // by how much; of a quiet line it may be next to nothing
}

// Reliability is how far a forecast can be trusted.
type Reliability uint8

// The reliabilities.
const (
	ReliabilityNone Reliability = iota // too few values
	ReliabilityLow
	ReliabilityMedium
	ReliabilityHigh
)
