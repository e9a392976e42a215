package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"slices"
	"sync"
	"time"

	"meldefunk/city/visitor"
)

// mostSessions bounds the memory, about 300 bytes each; mostOfOne is how many browsers one
// person may have open. The one that was idle for longest goes.
const (
	mostSessions = 10_000
	mostOfOne    = 20
)

// sessionKey is the SHA-256 of what the browser has: who reads our memory cannot log in with it.
type sessionKey [sha256.Size]byte

// session is one login in one browser.
type session struct {
	name     string
	role     visitor.Role
	password string // as the file had it at the login; "" of OpenID Connect
	begun    time.Time
	seen     time.Time
}

// sessions are those in force. They are gone after a restart.
type sessions struct {
	mu            sync.Mutex
	all           map[sessionKey]session
	idle, longest time.Duration
}

func newSessions(idle, longest time.Duration) *sessions {
	return &sessions{all: map[sessionKey]session{}, idle: idle, longest: longest}
}

// keyOf gives the key of what a browser has sent.
func keyOf(id string) sessionKey { return sha256.Sum256([]byte(id)) }

// String names a session where its secret must not be known.
func (k sessionKey) String() string { return hex.EncodeToString(k[:12]) }

// begin makes a session and gives its id for the browser.
func (s *sessions) begin(fresh session, now time.Time) (id string, key sessionKey) {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // it never fails
	id = base64.RawURLEncoding.EncodeToString(secret[:])
	key = keyOf(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.all, func(_ sessionKey, old session) bool { return s.over(old, now) })
	s.drop(mostOfOne, func(old session) bool { return old.name == fresh.name })
	s.drop(mostSessions, func(session) bool { return true })
	s.all[key] = fresh
	return id, key
}

// drop makes room for one more among those that count.
func (s *sessions) drop(most int, counts func(session) bool) {
	var keys []sessionKey
	for k, old := range s.all {
		if counts(old) {
			keys = append(keys, k)
		}
	}
	if len(keys) < most {
		return
	}
	slices.SortFunc(keys, func(x, y sessionKey) int { return s.all[x].seen.Compare(s.all[y].seen) })
	for _, k := range keys[:len(keys)-most+1] {
		delete(s.all, k)
	}
}

func (s *sessions) over(old session, now time.Time) bool {
	return now.Sub(old.seen) >= s.idle || now.Sub(old.begun) >= s.longest
}

// find gives a session in force, and notes that it was seen.
func (s *sessions) find(key sessionKey, now time.Time) (session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, known := s.all[key]
	if !known {
		return session{}, false
	}
	if s.over(found, now) {
		delete(s.all, key)
		return session{}, false
	}
	found.seen = now
	s.all[key] = found
	return found, true
}

// end ends a session; false: there was none.
func (s *sessions) end(key sessionKey) (session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, known := s.all[key]
	delete(s.all, key)
	return old, known
}

// number is how many there are, some of which may be over.
func (s *sessions) number() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}
