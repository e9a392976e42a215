package main

import (
	"context"
	"time"
)

// playClock is the clock a city is published by. Unlike a lapse it stands until it is
// first asked, so that a play begins at from exactly, and it ends with the city's time
// however far publishing is behind: the same bytes, on fast machines and slow ones.
type playClock struct {
	from, end time.Time // end: zero for none
	factor    float64
	over      func() // ends the play
	running   *lapse
}

// Now is the city's present, never later than the end.
func (c *playClock) Now() time.Time {
	if c.running == nil {
		c.running = newLapse(c.from, c.factor)
		return c.from
	}
	now := c.running.Now()
	if !c.end.IsZero() && now.After(c.end) {
		return c.end
	}
	return now
}

// Until waits for t, or for the end and then ends the play, or gives ctx's error.
func (c *playClock) Until(ctx context.Context, t time.Time) error {
	if c.end.IsZero() || t.Before(c.end) {
		return c.running.Until(ctx, t)
	}
	if err := c.running.Until(ctx, c.end); err != nil {
		return err
	}
	c.over()
	return ctx.Err()
}
