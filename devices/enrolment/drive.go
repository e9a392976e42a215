package enrolment

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"meldefunk/city/lorawan/enrol"
)

// crew has steps worked on by several goroutines. All but work is called from the one that
// calls drive.
type crew struct {
	*Engine
	work  func(context.Context, *Step) error
	begin func([]*Step) error               // before some of them are worked on
	end   func(*Step, Outcome, error) error // after each that began

	done, all int
	results   map[*Step]Result
	// What it is no use to go on with, and why.
	stopped map[class]error
	lost    map[string]int // devices in a row that a server was not reached for
}

// at a time this many steps are begun, so that each is not a write to the disk of its own.
const chunk = 64

// drive works on the steps until all are done, or it is no use to go on, or the context has
// ended. The error is that of begin or end; then nothing new is begun.
func (c *crew) drive(ctx context.Context, steps []*Step) error {
	var failed error
	jobs, ends := make(chan *Step), make(chan ended)
	var workers sync.WaitGroup
	for range min(c.Workers, len(steps)) {
		workers.Go(func() {
			for s := range jobs {
				ends <- ended{s, c.patiently(ctx, s)}
			}
		})
	}
	defer workers.Wait()
	defer close(jobs)

	running := 0
	var begun []*Step
	for len(steps) > 0 || len(begun) > 0 || running > 0 {
		if len(begun) == 0 && len(steps) > 0 {
			n := min(chunk, len(steps))
			begun, steps = steps[:n], steps[n:]
			begun = slices.DeleteFunc(slices.Clone(begun), func(s *Step) bool {
				why := c.useless(ctx, s, failed)
				if why != nil {
					c.tell(s, Untried, why)
				}
				return why != nil
			})
			if len(begun) > 0 {
				if err := c.begin(begun); err != nil {
					failed = err
					for _, s := range begun {
						c.tell(s, Untried, err)
					}
					begun = nil
				}
			}
			continue
		}
		var next *Step
		var out chan<- *Step
		if len(begun) > 0 {
			next, out = begun[0], jobs
			if why := c.useless(ctx, next, failed); why != nil {
				begun = begun[1:]
				failed = errors.Join(failed, c.end(next, Untried, why))
				c.tell(next, Untried, why)
				continue
			}
		}
		select {
		case out <- next:
			begun = begun[1:]
			running++
		case e := <-ends:
			running--
			outcome := Done
			if e.err != nil {
				outcome = Failed
			}
			c.learn(e)
			failed = errors.Join(failed, c.end(e.step, outcome, e.err))
			c.tell(e.step, outcome, e.err)
		}
	}
	return failed
}

type ended struct {
	step *Step
	err  error
}

// useless says why a step should not be begun; nil: it should.
func (c *crew) useless(ctx context.Context, s *Step, failed error) error {
	switch {
	case failed != nil:
		return failed
	case ctx.Err() != nil:
		return fmt.Errorf("not tried: %w", context.Cause(ctx))
	case c.stopped[class{server: s.Server}] != nil:
		return c.stopped[class{server: s.Server}]
	}
	return c.stopped[s.class]
}

// learn looks what an end means for other devices.
func (c *crew) learn(e ended) {
	s := e.step
	kind := enrol.Kind("")
	if e.err != nil {
		kind = enrol.KindOf(e.err)
	}
	if kind != enrol.Unreachable {
		c.lost[s.Server] = 0
	}
	stop := func(what class, words string) {
		if c.stopped[what] == nil {
			c.stopped[what] = &enrol.Error{Kind: kind, Step: "not tried", Err: fmt.Errorf("%s: %w", words, e.err)}
		}
	}
	switch kind {
	case enrol.Unauthorized:
		stop(class{server: s.Server}, "the network server did not take our key")
	case enrol.Missing:
		if s.Action == Remove { // a profile has nothing to do with it
			stop(class{server: s.Server}, "what the settings name is missing there")
			break
		}
		// What is missing may be a device's own profile: others of another one go on.
		stop(s.class, "the same is missing for devices of the same profile and region")
	case enrol.Unreachable:
		if c.lost[s.Server]++; c.lost[s.Server] >= c.Workers {
			stop(class{server: s.Server}, fmt.Sprintf("the network server could not be reached for %d devices in a row", c.lost[s.Server]))
		}
	}
}

func (c *crew) tell(s *Step, o Outcome, err error) {
	r := Result{Step: *s, Outcome: o, Err: err}
	c.results[s] = r
	c.done++
	if c.Progress != nil {
		c.Progress(c.done, c.all, r)
	}
}

// patiently works on a step, several times while the server cannot be reached.
func (c *crew) patiently(ctx context.Context, s *Step) error {
	wait := c.Wait
	for n := 1; ; n++ {
		err := c.work(ctx, s)
		if err == nil || enrol.KindOf(err) != enrol.Unreachable || n >= c.Attempts || ctx.Err() != nil {
			return err
		}
		// Half as long to half as long again, so that devices that failed together do not
		// come back together.
		pause := wait/2 + time.Duration(rand.Int64N(int64(wait)+1))
		if e := (*enrol.Error)(nil); errors.As(err, &e) {
			pause = max(pause, e.After)
		}
		if pause > c.LongestWait || !sleep(ctx, pause) {
			return err
		}
		wait *= 2
	}
}

// sleep tells whether the time has passed before the context ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
