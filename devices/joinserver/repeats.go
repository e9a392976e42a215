package joinserver

import (
	"crypto/sha256"
	"sync"
	"time"

	"meldefunk/city"
)

const (
	// repeatsFor is how long an answer can be had again. A network server gives up waiting
	// after 5 s (ChirpStack v4), and a device listens for 6 s at the longest (L2 1.0.4 section
	// 6.2.6): later an answer is of no use.
	repeatsFor = 10 * time.Second
	// mostRepeats bounds the memory, to some 4 MiB: as many joins as come in 10 s at 400 a second.
	mostRepeats = 4096
)

// repeats has the last answer to each device. A message that comes again, byte for byte and
// from the same peer, was sent again because its answer was lost on the way: it gets that
// answer, where a new join would find its nonce used. What stands in it the peer has asked
// for, and nothing is used up. The same frame of a device in another message is a recorded
// one.
type repeats struct {
	mu      sync.Mutex
	answers map[city.EUI]answered
}

type answered struct {
	peer    *Peer
	message [sha256.Size]byte
	answer  body
	at      time.Time
}

// find gives the answer to a message that was there before.
func (r *repeats) find(a *asking, now time.Time) (body, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	last, known := r.answers[a.devEUI]
	if !known || last.peer != a.peer || last.message != a.message || now.Sub(last.at) >= repeatsFor {
		return body{}, false
	}
	return last.answer, true
}

// keep notes the answer to a message. Old ones go when there are too many, and all of them if
// that does not help.
func (r *repeats) keep(a *asking, answer body, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.answers) >= mostRepeats {
		for devEUI, last := range r.answers {
			if now.Sub(last.at) >= repeatsFor {
				delete(r.answers, devEUI)
			}
		}
	}
	if r.answers == nil || len(r.answers) >= mostRepeats {
		r.answers = map[city.EUI]answered{}
	}
	r.answers[a.devEUI] = answered{a.peer, a.message, answer, now}
}
