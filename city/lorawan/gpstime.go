package lorawan

import "time"

// gpsAhead is how far GPS time, which has none, is ahead of UTC since 2017-01-01
// (IERS Bulletin C 52; none has been announced since).
const gpsAhead = 18 * time.Second

// gpsEpoch is when GPS time began.
func gpsEpoch() time.Time { return time.Date(1980, time.January, 6, 0, 0, 0, 0, time.UTC) }

// SinceGPSEpoch gives the time since 1980-01-06 00:00:00 UTC as GPS receivers count it, leap
// seconds included. It is right for times since 2017.
func SinceGPSEpoch(t time.Time) time.Duration { return t.Sub(gpsEpoch()) + gpsAhead }

// FromGPSEpoch is the inverse of SinceGPSEpoch; the time is in UTC.
func FromGPSEpoch(d time.Duration) time.Time { return gpsEpoch().Add(d - gpsAhead) }
