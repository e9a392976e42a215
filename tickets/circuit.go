package tickets

import (
	"math/rand/v2"
	"sync"
	"time"
)

// maxPause bounds how long a ticket system may ask to be left alone.
const maxPause = time.Hour

// circuit remembers whether the ticket system can be reached, so that a hundred cases do
// not each find out for themselves.
type circuit struct {
	backoff []time.Duration
	jitter  float64

	mu       sync.Mutex
	failures int       // in a row
	since    time.Time // of the first of them
	until    time.Time // nothing is sent before
	why      string
}

// fail notes a failure and pauses: as long as the ticket system asked for, else by the
// back-off. It gives the end of the pause.
func (c *circuit) fail(now time.Time, after time.Duration, why string) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failures == 0 {
		c.since = now
	}
	c.failures++
	c.why = why
	d := c.wait(c.failures)
	if after > 0 {
		d = min(after, maxPause)
	}
	c.until = now.Add(d)
	return c.until
}

// ok notes that the ticket system answers. It tells whether that is news.
func (c *circuit) ok() (news bool, since time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	news, since = c.failures > 0, c.since
	c.failures, c.why = 0, ""
	c.since, c.until = time.Time{}, time.Time{}
	return news, since
}

func (c *circuit) paused(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return now.Before(c.until)
}

func (c *circuit) state() (since time.Time, why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.since, c.why
}

// wait is how long to wait after the n-th failure, counted from 1.
func (c *circuit) wait(n int) time.Duration {
	d := c.backoff[min(max(n, 1), len(c.backoff))-1]
	return time.Duration(float64(d) * (1 + c.jitter*(2*rand.Float64()-1)))
}
