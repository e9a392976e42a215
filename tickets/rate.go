package tickets

import (
	"sync"
	"time"
)

// rate bounds how much goes out: at most so many in any minute. It may be used by several
// goroutines.
type rate struct {
	mu   sync.Mutex
	sent []time.Time // the last ones, as a ring
	at   int
}

func newRate(perMinute int) *rate { return &rate{sent: make([]time.Time, perMinute)} }

// allows tells whether one more may go out.
func (r *rate) allows(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	oldest := r.sent[r.at]
	return oldest.IsZero() || now.Sub(oldest) >= time.Minute || now.Before(oldest) // a clock set back stops nothing
}

// note counts one that goes out.
func (r *rate) note(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent[r.at] = now
	r.at = (r.at + 1) % len(r.sent)
}
