package main

import (
	"context"
	"time"
)

// lapse is a clock that runs faster than the world's, for the demo: from a moment on, at
// a constant factor. Its zero is not useful; see newLapse.
type lapse struct {
	began  time.Time // in the world, with its monotonic reading
	origin time.Time // the same moment on this clock
	factor float64
}

func newLapse(origin time.Time, factor float64) *lapse {
	return &lapse{began: time.Now(), origin: origin, factor: factor}
}

// Now is the clock's present.
func (l *lapse) Now() time.Time {
	return l.origin.Add(time.Duration(float64(time.Since(l.began)) * l.factor)).UTC()
}

// Until returns when t has come on this clock, or with ctx's error.
func (l *lapse) Until(ctx context.Context, t time.Time) error {
	wait := time.Duration(float64(t.Sub(l.Now())) / l.factor)
	if wait <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
