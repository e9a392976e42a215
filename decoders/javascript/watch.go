package javascript

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// errStarved ends an exchange whose worker hardly got to run: not the codec's fault.
var errStarved = errors.New("the machine is too busy to run codecs")

// watch ends a worker that takes too long over one exchange. What counts against the codec
// is processor time: on a busy machine a good codec waits, and failed for it in other
// systems (lorawan-stack-docs issue 906, chirpstack issue 479).
type watch struct {
	child   *child
	limit   time.Duration
	started time.Duration // processor time of the worker when the exchange began

	mu      sync.Mutex
	timer   *time.Timer
	longer  bool  // more time was given
	done    bool  // the exchange has ended
	overdue error // why the worker was killed
}

func (c *child) watch(limit time.Duration) *watch {
	w := &watch{child: c, limit: limit, started: c.processorTime()}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(limit, w.expire)
	return w
}

func (w *watch) expire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return
	}
	used := w.child.processorTime() - w.started
	extra := w.limit * 3 / 5
	if used < w.limit/2 {
		if !w.longer {
			w.longer = true
			w.timer.Reset(extra)
			return
		}
		w.overdue = fmt.Errorf("%w: %s of processor time in %s", errStarved, used, w.limit+extra)
	} else {
		w.overdue = &ended{fmt.Sprintf("took longer than %s", w.limit)}
	}
	w.child.kill()
}

// end stops watching and says why the worker was killed, nil if it was not.
func (w *watch) end() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = true
	w.timer.Stop()
	return w.overdue
}

// processorTime is how long the process has run on a processor, 0 if that cannot be told.
func (c *child) processorTime() time.Duration {
	// The clock of another process, see clock_getcpuclockid(3): its id inverted, and 2 for
	// "user and system, by the scheduler".
	clock := int32(^c.cmd.Process.Pid<<3 | 2)
	var t unix.Timespec
	if unix.ClockGettime(clock, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
