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
	Jumped      time.Time // the reading that showed it emptied, or watered; zero: none of the last 9 did
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
