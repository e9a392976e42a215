package pipeline

import (
	"time"

	"meldefunk/city"
)

// eventTime believes a claimed time within limits, else the time of arrival counts: a
// gateway without GPS may be in 1970, one with a broken GPS in 2099
// (chirpstack/chirpstack#732, TheThingsNetwork/lorawan-stack#5585).
func (c *Config) eventTime(claim city.Stamp, received time.Time) city.Stamp {
	if claim.At.IsZero() || claim.At.After(received.Add(c.MaxAhead)) || claim.At.Before(received.Add(-c.MaxBacklog)) {
		return city.Stamp{At: received, Source: city.TimeReceived}
	}
	return claim
}

// apart moves a time on, by nanoseconds, until no other remembered frame of the device has
// it: time series stores keep one point per series and time.
func (m *memory) apart(at time.Time) time.Time {
	n := at.UnixNano()
	for i := 0; i < len(m.frames); i++ {
		if m.frames[i].at == n {
			n++
			i = -1 // look again from the start
		}
	}
	if n == at.UnixNano() {
		return at
	}
	return time.Unix(0, n).UTC()
}
