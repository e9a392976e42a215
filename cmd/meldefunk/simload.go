package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"golang.org/x/sync/errgroup"

	sim "meldefunk/firmware-sim"
)

const (
	ahead    = 4096 // messages that are made before their turn
	inFlight = 2048 // messages that the broker has not acknowledged
	burst    = 2 * time.Millisecond
)

// loadSummary is what the load generator has measured. Latency is from publishing to the
// broker's acknowledgement (PUBACK).
type loadSummary struct {
	Messages int           `json:"messages"`
	Bytes    int64         `json:"bytes"`
	Took     time.Duration `json:"took_ns"`
	Rate     float64       `json:"rate"` // messages per second
	Wanted   int           `json:"wanted_rate"`
	P50      time.Duration `json:"p50_ns"`
	P95      time.Duration `json:"p95_ns"`
	P99      time.Duration `json:"p99_ns"`
	Max      time.Duration `json:"max_ns"`
}

// load publishes at a rate, whatever time it is in the city, and measures.
func (o *simOptions) load(ctx context.Context, p sim.Play, out, progressTo io.Writer) error {
	client, err := o.connect()
	if err != nil {
		return err
	}
	defer client.Disconnect(250)
	from, end, err := o.period()
	if err != nil {
		return err
	}
	bar := newBar(progressTo)
	s, err := generateLoad(ctx, client, o.rate, o.count, func(emit func(sim.Message) error) error { return p.Events(from, end, emit) },
		func(n int, rate float64) {
			done := -1.0
			if o.count > 0 {
				done = float64(n) / float64(o.count)
			}
			bar.show(done, fmt.Sprintf("%d messages, %.0f/s", n, rate))
		})
	bar.end()
	if err != nil && ctx.Err() == nil {
		return err
	}
	if o.json {
		return o.summary(out, map[string]any{"load": s}, "")
	}
	_, err = fmt.Fprintf(out, "%d messages in %s: %.0f/s of %d/s wanted; acknowledged after %s (half), %s (95 %%), %s (99 %%), %s (slowest)\n",
		s.Messages, s.Took.Round(time.Millisecond), s.Rate, s.Wanted, s.P50.Round(10*time.Microsecond), s.P95.Round(10*time.Microsecond), s.P99.Round(10*time.Microsecond), s.Max.Round(10*time.Microsecond))
	return err
}

// pending is a message that the broker has not acknowledged yet.
type pending struct {
	token mqtt.Token
	at    time.Time
}

// generateLoad publishes what play emits at a rate, count of them (0: all), and calls told
// now and then.
func generateLoad(ctx context.Context, client mqtt.Client, rate, count int, play func(emit func(sim.Message) error) error, told func(n int, rate float64)) (loadSummary, error) {
	s := loadSummary{Wanted: rate}
	made := make(chan sim.Message, ahead)
	waiting := make(chan pending, inFlight)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(made)
		n := 0
		return play(func(m sim.Message) error {
			m.Body = slices.Clone(m.Body)
			select {
			case made <- m:
			case <-ctx.Done():
				return ctx.Err()
			}
			if n++; n == count {
				return sim.ErrEnough
			}
			return nil
		})
	})
	var began time.Time
	group.Go(func() error {
		defer close(waiting)
		pace := time.NewTicker(burst)
		defer pace.Stop()
		for m := range made {
			if s.Messages == 0 {
				began = time.Now()
			}
			// How many should have gone out by now; a late one is followed at once.
			for float64(s.Messages) >= float64(rate)*time.Since(began).Seconds()+1 {
				select {
				case <-pace.C:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			x := pending{at: time.Now(), token: client.Publish(m.Topic, 1, m.Retained, m.Body)}
			s.Messages++
			s.Bytes += int64(len(m.Body))
			select {
			case waiting <- x:
			case <-ctx.Done():
				return ctx.Err()
			}
			if s.Messages%1000 == 0 {
				told(s.Messages, float64(s.Messages)/time.Since(began).Seconds())
			}
		}
		return nil
	})
	var latencies []time.Duration
	group.Go(func() error {
		for x := range waiting {
			select {
			case <-x.token.Done():
			case <-ctx.Done():
				return ctx.Err()
			}
			if err := x.token.Error(); err != nil {
				return fmt.Errorf("publish: %w", err)
			}
			latencies = append(latencies, time.Since(x.at))
		}
		return nil
	})
	err := group.Wait()
	if n := len(latencies); n > 0 {
		s.Took = time.Since(began)
		s.Rate = float64(n) / s.Took.Seconds()
		slices.Sort(latencies)
		s.P50, s.P95, s.P99, s.Max = latencies[n/2], latencies[n*95/100], latencies[n*99/100], latencies[n-1]
	}
	return s, err
}
