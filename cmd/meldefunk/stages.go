package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/rs/zerolog"
)

// part is something that runs until its context ends.
type part struct {
	name string
	run  func(ctx context.Context) error
}

// runStages runs all parts until ctx ends or one of them does, then stops stage by stage,
// the first stage first: what feeds others ends before those it feeds. It returns when
// everything has ended, with every error.
func runStages(ctx context.Context, log zerolog.Logger, stages ...[]part) error {
	type stage struct {
		stop context.CancelFunc
		wg   sync.WaitGroup
	}
	var mu sync.Mutex
	var errs []error
	ended := make(chan struct{})
	var once sync.Once

	running := make([]*stage, len(stages))
	for i := len(stages) - 1; i >= 0; i-- { // those that are fed start first
		own, stop := context.WithCancel(context.WithoutCancel(ctx))
		s := &stage{stop: stop}
		running[i] = s
		for _, p := range stages[i] {
			s.wg.Go(func() {
				err := p.run(own)
				if own.Err() == nil {
					err = errors.Join(err, errors.New("ended without being asked to"))
				}
				if err != nil {
					mu.Lock()
					errs = append(errs, fmt.Errorf("%s: %w", p.name, err))
					mu.Unlock()
				}
				once.Do(func() { close(ended) })
			})
		}
	}
	select {
	case <-ctx.Done():
		log.Info().Msg("stopping; a second signal ends at once")
	case <-ended:
	}
	for _, s := range running {
		s.stop()
		s.wg.Wait()
	}
	return errors.Join(errs...)
}
