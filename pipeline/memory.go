package pipeline

import (
	"context"
	"time"

	"meldefunk/city"
)

// How much is remembered of a device. 64 frames are more than a device sends while one of
// its messages is on the way; what is older is looked up in the store.
const (
	maxSessions = 4
	maxFrames   = 64
)

// memory is what the road remembers of a device.
type memory struct {
	sessions []city.SessionTop // oldest first
	frames   []seen            // ring
	next     int               // where in the ring the next frame goes, once it is full
	widest   int64             // of all intervals between frames so far, per count of the counter; nanoseconds
}

// seen is city.FrameKey, packed: there is a ring of them for every device.
type seen struct {
	id       int64
	ident    uint64
	hash     uint64
	at       int64
	claim    int64 // what the event time was claimed to be
	epoch    uint32
	fcnt     uint32
	received uint32 // seconds since 1970, rounded down
	source   city.TimeSource
	fate     city.Fate
	conflict bool
}

func pack(k *city.FrameKey) *seen {
	s := &seen{
		id: k.ID, ident: k.Ident, hash: k.Hash, at: k.At.UnixNano(), claim: k.Claim.UnixNano(), epoch: k.Epoch, fcnt: k.FCnt,
		received: uint32(k.Received.Unix()), source: k.Source, fate: k.Fate, conflict: k.Conflict,
	}
	if k.Claim.IsZero() {
		s.claim = s.at
	}
	return s
}

// claimed is the claim as it is kept: zero where the event time is the same.
func (s *seen) claimed() time.Time {
	if s.claim == s.at {
		return time.Time{}
	}
	return time.Unix(0, s.claim).UTC()
}

// stamp is the event time.
func (s *seen) stamp() city.Stamp { return city.Stamp{At: time.Unix(0, s.at).UTC(), Source: s.source} }

func (r *Road) memory(ctx context.Context, devEUI city.EUI) (*memory, error) {
	if m, ok := r.devices[devEUI]; ok {
		return m, nil
	}
	m := &memory{}
	err := r.persist(ctx, "recall device", func() error {
		kept, err := r.parts.Store.Memory(ctx, devEUI)
		if err != nil {
			return err
		}
		m.sessions = kept.Sessions
		for _, k := range kept.Frames {
			m.add(*pack(&k))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	r.devices[devEUI] = m
	return m, nil
}

// add remembers a frame and gives its place in the ring.
func (m *memory) add(s seen) *seen {
	if before := m.before(&s); before != nil {
		m.widest = max(m.widest, (s.claim-before.claim)/int64(s.fcnt-before.fcnt))
	}
	if len(m.frames) < maxFrames {
		m.frames = append(m.frames, s)
		return &m.frames[len(m.frames)-1]
	}
	at := m.next
	m.frames[at] = s
	m.next = (m.next + 1) % maxFrames
	return &m.frames[at]
}

// before finds the remembered frame with the next lower counter in the same epoch, nil if
// there is none.
func (m *memory) before(s *seen) *seen {
	var found *seen
	for i := range m.frames {
		if b := &m.frames[i]; b.epoch == s.epoch && b.fcnt < s.fcnt && (found == nil || b.fcnt > found.fcnt) {
			found = b
		}
	}
	return found
}

// delivered finds a frame by the identity of its delivery.
func (m *memory) delivered(fcnt uint32, ident uint64) *seen {
	for i := range m.frames {
		if s := &m.frames[i]; s.fcnt == fcnt && s.ident == ident {
			return s
		}
	}
	return nil
}

// counted finds a frame by its counter within an epoch.
func (m *memory) counted(epoch, fcnt uint32) *seen {
	for i := range m.frames {
		if s := &m.frames[i]; s.fcnt == fcnt && s.epoch == epoch {
			return s
		}
	}
	return nil
}

// newestTime is the event time of the newest remembered frame of an epoch.
func (m *memory) newestTime(epoch uint32) int64 {
	var newest int64
	for i := range m.frames {
		if s := &m.frames[i]; s.epoch == epoch && s.at > newest {
			newest = s.at
		}
	}
	return newest
}

// open begins a new session; the oldest remembered one is forgotten.
func (m *memory) open(s city.Session) *city.SessionTop {
	if n := len(m.sessions); n > 0 {
		s.Epoch = m.sessions[n-1].Epoch + 1
	} else {
		s.Epoch = 1
	}
	if len(m.sessions) == maxSessions {
		m.sessions = m.sessions[:copy(m.sessions, m.sessions[1:])]
	}
	m.sessions = append(m.sessions, city.SessionTop{Session: s})
	return &m.sessions[len(m.sessions)-1]
}

// session finds the newest session that a token names.
func (m *memory) session(token string) *city.SessionTop {
	for i := len(m.sessions) - 1; i >= 0; i-- {
		if m.sessions[i].Token == token {
			return &m.sessions[i]
		}
	}
	return nil
}

// ambiguous tells whether a token names more than one remembered session.
func (m *memory) ambiguous(token string) bool {
	n := 0
	for i := range m.sessions {
		if m.sessions[i].Token == token {
			n++
		}
	}
	return n > 1
}

// last is the newest session, nil if there is none.
func (m *memory) last() *city.SessionTop {
	if len(m.sessions) == 0 {
		return nil
	}
	return &m.sessions[len(m.sessions)-1]
}
