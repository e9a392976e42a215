package javascript

import (
	"sync"
	"time"

	"meldefunk/city"
)

const (
	strikesAllowed = 3 // runs in a row that had to be ended before the codec is held back
	shortestHold   = time.Second
	longestHold    = 10 * time.Minute
)

// hold keeps back a codec whose runs have to be ended again and again: after three in a
// row for a second, and for twice as long each time the next run ends no better, up to ten
// minutes. One good run, or a new version of the codec, starts afresh.
//
// The lock is held during a run, so that one codec never takes more than one worker.
type hold struct {
	sync.Mutex
	strikes int
	until   time.Time
	why     string // how the last run ended
}

// refuse says why the codec does not run now, nil if it may.
func (h *hold) refuse(now time.Time) *city.Rejection {
	if h.strikes < strikesAllowed || !now.Before(h.until) {
		return nil
	}
	return city.Reject(city.ReasonUndecodable,
		"held back until %s after %d runs in a row that had to be ended, the last because it %s: mend the codec, then replay",
		h.until.UTC().Format(time.RFC3339), h.strikes, h.why)
}

func (h *hold) strike(now time.Time, why string) {
	h.strikes++
	h.why = why
	if over := h.strikes - strikesAllowed; over >= 0 {
		d := longestHold
		if over < 10 { // 1 s · 2^10 is above ten minutes
			d = min(shortestHold<<over, longestHold)
		}
		h.until = now.Add(d)
	}
}

func (h *hold) clear() { h.strikes = 0 }
