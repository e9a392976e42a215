package inbox

import (
	"sync"
	"time"
)

const (
	// tolerance is how far the clock of a ticket system may be from ours.
	tolerance = 5 * time.Minute
	// remembered is how long a message could be played back: from tolerance ahead to
	// tolerance behind.
	remembered = 2 * tolerance
	// most is how many messages one ticket system may send in that time, ten a second.
	most = 6000
)

// memory knows the ids of the messages that a ticket system has sent. It is bounded, and so
// it bounds how much may be sent.
type memory struct {
	mu    sync.Mutex
	times map[string]time.Time
	order []string // the ids, oldest first
}

// knows tells whether a message was taken before, and if not whether there is room for it.
func (m *memory) knows(id string, now time.Time) (known, room bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.order) > 0 && now.Sub(m.times[m.order[0]]) > remembered {
		delete(m.times, m.order[0])
		m.order = m.order[1:]
	}
	_, known = m.times[id]
	return known, len(m.order) < most
}

// took notes that a message is on the disk.
func (m *memory) took(id string, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.times == nil {
		m.times = map[string]time.Time{}
	}
	if _, known := m.times[id]; !known {
		m.times[id] = now
		m.order = append(m.order, id)
	}
}
