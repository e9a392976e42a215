package city

import "time"

// SpoolLoss is what a sink that follows the commits will never get, because it was away
// until the configured bound was reached. The readings themselves stay.
type SpoolLoss struct {
	Sink        string
	First, Last int64     // numbers of the readings
	Readings    int64     // how many there are among these numbers
	From, To    time.Time // arrival of the oldest and of the newest
}
