// Package roadtest stands in for the road in tests of what takes messages: it hands every
// arrival to the test, which commits it or does not.
//
// It does not know where arrivals come from.
package roadtest

import (
	"context"
	"sync"
	"testing"
	"time"

	"meldefunk/city"
)

// patience bounds every wait for something that must happen.
const patience = 20 * time.Second

// Road is what arrivals are offered to. It takes one when the test does.
type Road struct {
	Arrivals chan city.Arrival

	t testing.TB
}

// New makes a road that nobody reads from yet.
func New(t testing.TB) *Road { return &Road{Arrivals: make(chan city.Arrival), t: t} }

// Offer waits until the test takes the arrival, or ctx ends.
func (r *Road) Offer(ctx context.Context, a city.Arrival) error {
	select {
	case r.Arrivals <- a:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Next takes an arrival.
func (r *Road) Next() city.Arrival {
	r.t.Helper()
	select {
	case a := <-r.Arrivals:
		return a
	case <-time.After(patience):
		r.t.Fatal("no arrival")
		return city.Arrival{}
	}
}

// Commit acknowledges every arrival until the test ends, or what it gives is called: that
// ends it and gives what came.
func (r *Road) Commit() (arrived func() []city.Arrival) {
	done, left := make(chan struct{}), make(chan struct{})
	var all []city.Arrival
	go func() {
		defer close(left)
		for {
			select {
			case a := <-r.Arrivals:
				all = append(all, a)
				a.Acker.Ack()
			case <-done:
				return
			}
		}
	}()
	once := sync.OnceFunc(func() { close(done); <-left })
	r.t.Cleanup(once)
	return func() []city.Arrival { once(); return all }
}
