package pipeline

import (
	"context"
	"errors"
	"time"

	"meldefunk/city"
)

// foreignEvery is how often the log tells of foreign frames.
const foreignEvery = time.Minute

// strangers are frames of others since the log told of them.
type strangers struct {
	frames int
	told   time.Time
}

// raw is the road of a frame as a gateway heard it, until it is an uplink like any other.
func (r *Road) raw(ctx context.Context, p *passenger) error {
	a := &p.Arrival
	var failed error
	u, err := r.parts.Frames.OpenFrame(a.Event.Raw, func(devEUI city.EUI, session string) (uint32, bool) {
		if _, _, found := r.parts.Inventory.Find(a.Message.Server, devEUI); !found {
			return 0, false // nothing is remembered of it; it will be set aside
		}
		m, err := r.memory(ctx, devEUI)
		if err != nil {
			failed = err
			return 0, false
		}
		s := m.session(session)
		if s == nil || !s.Heard {
			return 0, false
		}
		return s.Top, true
	})
	a.Event.DevEUI = u.DevEUI
	switch {
	case failed != nil:
		return failed
	case errors.Is(err, city.ErrForeign):
		r.drop(a)
		return nil
	case err != nil:
		r.setAside(a, err)
		return nil
	}
	a.Event.Uplink = u
	return r.uplink(ctx, p)
}

// drop counts a frame of somebody else's device. Gateways hear them by the thousand:
// nothing is kept of them.
func (r *Road) drop(a *city.Arrival) {
	r.metrics.foreign.Inc()
	r.foreign.frames++
	if now := r.parts.Now(); now.Sub(r.foreign.told) >= foreignEvery {
		r.log.Info().Int("frames", r.foreign.frames).Str("network_server", a.Message.Server).
			Msg("frames of devices of others dropped; addresses of the city's own belong into keys.addresses")
		r.foreign.frames, r.foreign.told = 0, now
	}
}

// overtook tells whether a frame that was counted so much later that the two cannot have
// crossed on their way was sent before this one, by their times: a device counts upwards.
func (m *memory) overtook(epoch uint32, u *city.Uplink) bool {
	for i := range m.frames {
		s := &m.frames[i]
		if s.epoch == epoch && uint64(s.fcnt) >= uint64(u.FCnt)+window && s.at < u.Time.At.UnixNano() {
			return true
		}
	}
	return false
}

// leftBehind refuses a frame that proves its counter, and whose counter the session has left
// behind: what was recorded on air and is sent again, or a device that counts anew and must
// not. What a gateway kept for long is none of these, by its time.
func leftBehind(u *city.Uplink, s *city.SessionTop) *city.Rejection {
	return city.Reject(city.ReasonCounter,
		"counter %d of %s is %d or more behind the newest of its session, %d, and sent later: a frame that somebody sends again, or a device that counts anew; "+
			"if it may, say so in keys.sessions (counter_resets) and replay", u.FCnt, u.DevEUI, window, s.Top)
}
