package pipeline

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/cespare/xxhash/v2"

	"meldefunk/city"
)

// A frame is one (device, session epoch, frame counter). Network servers differ in how
// well they tell the session: The Things Stack names it in every frame, ChirpStack v4
// shows the device address, ChirpStack v3 says nothing in a frame and tells of a join
// before or after its first frame. docs/adr/0003 explains the cases below.
const (
	// window is how far behind its session's top a counter may be and still be a frame that
	// came late; further back it is a counter that began anew.
	window = 64
	// retransmission is how far apart in event time two deliveries of one frame can lie that
	// are not the same delivery.
	retransmission = 10 * time.Second
	// joinFrames and joinDelay bound what may arrive before the join event that caused it.
	joinFrames = 8
	joinDelay  = 10 * time.Minute
)

// known says what a frame is to those that were stored before.
type known uint8

const (
	fresh       known = iota // new, or on its second try
	redelivered              // the same delivery was stored
	heardAgain               // another delivery of it was stored: heard elsewhere, or sent again
)

// order puts a frame into its session, fixes its event time, and tells whether it was stored
// before; then also what is remembered of it. When replaying, a stored frame that was set
// aside is not a repeat: it keeps its place. An error is a *city.Rejection, or the end of ctx.
func (r *Road) order(ctx context.Context, m *memory, u *city.Uplink, replay bool) (city.Frame, known, *seen, error) {
	u.Time = r.cfg.eventTime(u.Received, u.Time, u.Fallback[0], u.Fallback[1])
	hash := contentHash(u)

	if s := m.delivered(u.FCnt, u.Ident); s != nil {
		f, k := s.again(u, replay)
		return f, k, s, nil
	}
	if u.Simulated {
		// Sent by hand in a console: its counter belongs to no session of the device.
		return m.timed(u, city.Frame{Hash: hash}), fresh, nil, nil
	}
	session := m.session(u.Session)
	conflict := false
	if unusual(m, session, u) {
		kept, err := r.storedFrame(ctx, m, u, session)
		if err != nil {
			return city.Frame{}, fresh, nil, err
		}
		switch {
		case kept != nil && kept.ident == u.Ident:
			f, k := kept.again(u, replay)
			return f, k, kept, nil
		case kept != nil && u.Proven && session != nil: // the same frame in the air, by its code
			if f, k := kept.again(u, replay); k == fresh {
				return f, k, kept, nil
			}
			return kept.place(u), heardAgain, kept, nil
		case u.Proven && session != nil && (restarted(m, session, u) || m.overtook(session.Epoch, u)):
			return city.Frame{}, fresh, nil, leftBehind(u, session)
		case restarted(m, session, u):
			r.notice(u, city.DeviceReset, city.SeverityWarning, "", fmt.Sprintf("%d after %d", u.FCnt, session.Top))
			session = r.openSession(m, u, city.SessionReset)
		case kept != nil && sameFrame(u, hash, kept):
			return kept.place(u), heardAgain, kept, nil
		case kept != nil: // kept as well, and counted as a reset
			conflict = kept.hash != hash
			if conflict {
				r.notice(u, city.DeviceConflict, city.SeverityWarning, "", fmt.Sprint(u.FCnt))
			} else if session != nil {
				r.notice(u, city.DeviceReset, city.SeverityWarning, "", fmt.Sprintf("%d after %d", u.FCnt, session.Top))
			}
			session = r.openSession(m, u, city.SessionReset)
		}
	}
	if session == nil {
		cause := city.SessionToken
		if len(m.sessions) == 0 {
			cause = city.SessionFirst
		}
		session = r.openSession(m, u, cause)
	}
	if !session.Heard || u.FCnt > session.Top {
		session.Top, session.Heard = u.FCnt, true
	}
	return m.timed(u, city.Frame{Epoch: session.Epoch, Hash: hash, Conflict: conflict}), fresh, nil, nil
}

// timed gives a new frame an event time that is its own.
func (m *memory) timed(u *city.Uplink, f city.Frame) city.Frame {
	if at := m.apart(u.Time.At); !at.Equal(u.Time.At) {
		f.Claim, u.Time.At = u.Time.At, at
	}
	return f
}

// unusual tells whether a frame may be something else than the next new one of its
// session, so that it is worth looking further back than memory goes. Where several
// sessions go by the same name, or by none, any counter may be an old one, unless the
// frame's own time shows that it is new.
func unusual(m *memory, s *city.SessionTop, u *city.Uplink) bool {
	if s == nil {
		return len(m.sessions) > 0 // it may be one that is no longer remembered
	}
	if s.Heard && (u.FCnt <= s.Top || s != m.last()) {
		return true
	}
	if !m.ambiguous(u.Session) {
		return false
	}
	return !s.Heard || u.Time.Source == city.TimeReceived || u.Time.At.UnixNano() <= m.newestTime(s.Epoch)
}

// sameFrame tells whether a frame of the same session and counter is the same frame in
// another delivery: repeats in the air (NbTrans) and a second gateway's or region's copy
// come within seconds by what is claimed. The same content later on is a device that counts anew, by an ABP
// reset or before its join event arrived: rather a reading twice than one lost.
func sameFrame(u *city.Uplink, hash uint64, kept *seen) bool {
	if kept.hash != hash {
		return false
	}
	return u.Time.At.Sub(time.Unix(0, kept.claim)).Abs() <= retransmission
}

// restarted tells whether a counter fell so far, later than everything else in its
// session, that the device must have begun anew.
func restarted(m *memory, s *city.SessionTop, u *city.Uplink) bool {
	return s != nil && s.Heard && uint64(u.FCnt)+window <= uint64(s.Top) && u.Time.At.UnixNano() > m.newestTime(s.Epoch)
}

// storedFrame finds a frame of the same delivery or, if there is none, of the same session
// and counter: in memory, in the present batch, in the store. nil: there is none.
func (r *Road) storedFrame(ctx context.Context, m *memory, u *city.Uplink, s *city.SessionTop) (*seen, error) {
	var epoch uint32 // none
	if s != nil {
		epoch = s.Epoch
	}
	counted := m.counted(epoch, u.FCnt)
	for i := len(r.commit.Frames) - 1; i >= 0; i-- {
		f := &r.commit.Frames[i]
		if f.Uplink.DevEUI != u.DevEUI || f.Uplink.FCnt != u.FCnt {
			continue
		}
		if f.Uplink.Ident == u.Ident {
			return remember(f), nil
		}
		if counted == nil && f.Epoch == epoch && epoch != 0 {
			counted = remember(f) // a batch can have more frames of a device than are remembered
		}
	}
	err := r.persist(ctx, "look for a frame", func() error {
		k, ok, err := r.parts.Store.Frame(ctx, u.DevEUI, epoch, u.FCnt, u.Ident)
		if ok && (k.Ident == u.Ident || counted == nil) {
			counted = pack(&k)
		}
		return err
	})
	return counted, err
}

func (r *Road) openSession(m *memory, u *city.Uplink, cause city.SessionCause) *city.SessionTop {
	s := m.open(city.Session{DevEUI: u.DevEUI, Token: u.Session, Cause: cause, Opened: u.Time.At})
	r.commit.Sessions = append(r.commit.Sessions, s.Session)
	r.metrics.sessions[cause].Inc()
	return s
}

// again is a frame that was delivered before.
func (s *seen) again(u *city.Uplink, replay bool) (city.Frame, known) {
	if replay && s.fate == city.FateAside {
		return s.place(u), fresh
	}
	return s.place(u), redelivered
}

// place gives a frame the place that a former delivery of it has.
func (s *seen) place(u *city.Uplink) city.Frame {
	u.Time = s.stamp()
	return city.Frame{ID: s.id, Epoch: s.epoch, Hash: s.hash, Claim: s.claimed(), Conflict: s.conflict}
}

// join notes that a device has a new session.
func (r *Road) join(ctx context.Context, a *city.Arrival) error {
	e := &a.Event
	if _, _, found := r.parts.Inventory.Find(a.Message.Server, e.DevEUI); !found {
		return nil // its uplinks will be set aside
	}
	m, err := r.memory(ctx, e.DevEUI)
	if err != nil {
		return err
	}
	at := r.cfg.eventTime(a.Message.Received, e.Time).At
	switch before, err := r.joined(ctx, m, e); {
	case err != nil:
		return err
	case before:
		return nil
	}
	if s := m.last(); s != nil && overtook(s, e.Session, at) {
		s.Join = e.Ident
		r.commit.Sessions = append(r.commit.Sessions, s.Session)
		return nil
	}
	s := m.open(city.Session{DevEUI: e.DevEUI, Token: e.Session, Join: e.Ident, Cause: city.SessionJoin, Opened: at})
	r.commit.Sessions = append(r.commit.Sessions, s.Session)
	r.metrics.sessions[city.SessionJoin].Inc()
	return nil
}

// overtook tells whether the first frames of a session came before the join event that is
// its cause: network servers do not keep the order.
func overtook(s *city.SessionTop, token string, joined time.Time) bool {
	if s.Join != 0 || s.Token != token {
		return false
	}
	return token != "" || s.Top < joinFrames && joined.Sub(s.Opened).Abs() <= joinDelay
}

// joined tells whether a session is known of this very join event: remembered, in the
// present batch, or in the store, for a broker may deliver again what is older than the
// sessions that are remembered.
func (r *Road) joined(ctx context.Context, m *memory, e *city.Event) (known bool, err error) {
	for i := range m.sessions {
		if m.sessions[i].Join == e.Ident {
			return true, nil
		}
	}
	if len(m.sessions) < maxSessions {
		return false, nil // it never had others
	}
	for i := range r.commit.Sessions {
		if s := &r.commit.Sessions[i]; s.DevEUI == e.DevEUI && s.Join == e.Ident {
			return true, nil
		}
	}
	err = r.persist(ctx, "look for a join", func() (err error) {
		known, err = r.parts.Store.Joined(ctx, e.DevEUI, e.Ident)
		return err
	})
	return known, err
}

// keepFrame stages a frame for the commit and remembers it. Its event time may change with
// that, and those of others before it.
func (r *Road) keepFrame(ctx context.Context, m *memory, f city.Frame, u *city.Uplink, fate city.Fate, t *told) error {
	again := f.ID != 0 // replayed: it has its number
	if !again {
		r.mark.Frame++
		f.ID = r.mark.Frame
		r.places = append(r.places, place{frame: len(r.commit.Frames), reading: -1})
	}
	f.Uplink, f.Fate = *u, fate
	r.commit.Frames = append(r.commit.Frames, f)
	if again {
		r.second[f.ID] = &place{frame: len(r.commit.Frames) - 1, reading: -1, stored: true}
		if s := m.counted(f.Epoch, u.FCnt); s != nil {
			s.fate = fate
		}
		return nil
	}
	s := m.add(*remember(&f))
	if !u.Simulated && !t.Kind.OnChange() && m.suspicious(s) {
		if err := r.settle(ctx, m, s, t); err != nil {
			return err
		}
		u.Time = s.stamp()
	}
	return nil
}

// remember packs a frame.
func remember(f *city.Frame) *seen {
	u := &f.Uplink
	return pack(&city.FrameKey{
		ID: f.ID, Epoch: f.Epoch, FCnt: u.FCnt, Ident: u.Ident, Hash: f.Hash, At: u.Time.At, Fate: f.Fate,
		Source: u.Time.Source, Claim: f.Claim, Received: u.Received, Conflict: f.Conflict,
	})
}

// contentHash is equal for frames with the same port and payload.
func contentHash(u *city.Uplink) uint64 {
	var buf [1 + 255]byte
	b := append(append(buf[:0], u.FPort), u.Payload...)
	return xxhash.Sum64(b)
}

// asideKey is equal for the same bytes on the same topic of the same network server.
func asideKey(m *city.Message) uint64 {
	var d xxhash.Digest
	var n [8]byte
	d.Reset()
	for _, part := range [][]byte{[]byte(m.Server), []byte(m.Topic), m.Body} {
		_, _ = d.Write(binary.LittleEndian.AppendUint64(n[:0], uint64(len(part))))
		_, _ = d.Write(part)
	}
	return d.Sum64()
}
