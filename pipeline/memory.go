package pipeline

import (
	"context"

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
}

// seen is city.FrameKey, packed: there is a ring of them for every device.
type seen struct {
	id    int64
	ident uint64
	hash  uint64
	at    int64
	epoch uint32
	fcnt  uint32
	fate  city.Fate
}

func pack(k *city.FrameKey) *seen {
	return &seen{id: k.ID, ident: k.Ident, hash: k.Hash, at: k.At.UnixNano(), epoch: k.Epoch, fcnt: k.FCnt, fate: k.Fate}
}

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

func (m *memory) add(s seen) {
	if len(m.frames) < maxFrames {
		m.frames = append(m.frames, s)
		return
	}
	m.frames[m.next] = s
	m.next = (m.next + 1) % maxFrames
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
