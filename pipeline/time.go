package pipeline

import (
	"time"

	"meldefunk/city"
)

// eventTime gives the first claimed time that is within limits; if none is, the time of
// arrival counts: a gateway without GPS may be in 1970, one with a broken GPS in 2099
// (chirpstack/chirpstack#732, TheThingsNetwork/lorawan-stack#5585).
func (c *Config) eventTime(received time.Time, claims ...city.Stamp) city.Stamp {
	for _, claim := range claims {
		if !claim.At.IsZero() && !claim.At.After(received.Add(c.MaxAhead)) && !claim.At.Before(received.Add(-c.MaxBacklog)) {
			return claim
		}
	}
	return city.Stamp{At: received, Source: city.TimeReceived}
}

// apart moves a claimed time on, by nanoseconds, until no other remembered frame of the
// device has it: time series stores keep one point per series and time. What others claimed
// counts as taken even where they were put elsewhere, so that a time never has two owners,
// one after the other.
func (m *memory) apart(claim time.Time) time.Time {
	from := claim.UnixNano()
	n := from
	for i := range m.frames {
		if m.frames[i].claim == from {
			n++
		}
	}
	for m.taken(n) {
		n++
	}
	if n == from {
		return claim
	}
	return time.Unix(0, n).UTC()
}

func (m *memory) taken(n int64) bool {
	for i := range m.frames {
		if m.frames[i].at == n {
			return true
		}
	}
	return false
}
