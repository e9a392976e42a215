package main

import (
	"context"
	"time"

	"meldefunk/pipeline"
)

var _ pipeline.Hearing = (*app)(nil)

// Deaf names the network servers that cannot be heard now. One that publishes to us can be
// away for its own reasons; whether it is shows only by its connection.
func (a *app) Deaf() []string {
	own := map[string]bool{}
	var deaf []string
	for _, s := range a.servers {
		own[s.Name()] = true
		if state := s.State(); !state.Ready() || !state.Waiting.IsZero() {
			deaf = append(deaf, s.Name())
		}
	}
	for _, c := range a.settings.NetworkServers {
		switch {
		case own[c.Name]:
		case c.Listen != nil:
			if a.listener == nil || !a.listener.Serving() || a.listener.Connections(c.Name) == 0 {
				deaf = append(deaf, c.Name)
			}
		case a.webhooks == nil || !a.webhooks.Serving():
			deaf = append(deaf, c.Name)
		}
	}
	return deaf
}

// tick lets time pass on the road until ctx ends.
func (a *app) tick(ctx context.Context) error {
	ticker := time.NewTicker(a.ticks)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if a.road.Tick(ctx) != nil {
				return nil // the end, while the road was busy
			}
		}
	}
}
