package bridge

import (
	"sync"
	"time"
)

// State is how a session stands, for people and for the readiness check.
type State struct {
	Connected  bool      // the broker has accepted us
	Subscribed bool      // and grants every topic
	LastError  string    // why it is not so, or was not last time; "" after a clean start
	Since      time.Time // last change of Connected or Subscribed
	// Waiting is since when the road has not taken the message at hand; zero while it
	// takes them. After keep_alive and 10 s of this the broker is disconnected, and
	// delivers what was not acknowledged again afterwards.
	Waiting time.Time
	// Warnings say how the broker's or the publisher's settings lose messages, as far as it
	// was seen in the last day, and what mends it.
	Warnings []string
}

// Ready tells whether messages can arrive.
func (s State) Ready() bool { return s.Connected && s.Subscribed }

// status is the State under its lock.
type status struct {
	mu    sync.Mutex
	state State
}

func (s *status) get() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

func (s *status) set(connected, subscribed bool, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Connected != connected || s.state.Subscribed != subscribed || s.state.Since.IsZero() {
		s.state.Connected, s.state.Subscribed, s.state.Since = connected, subscribed, now
	}
}

// note sets LastError.
func (s *status) note(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.LastError = text
}
