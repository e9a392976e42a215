package joinserver

import (
	"context"

	"meldefunk/city"
)

// turns lets one join of a device at a time go on, so that of two copies of a message the
// second finds the answer to the first. Some devices share one.
type turns [256]chan struct{}

func newTurns() *turns {
	var t turns
	for i := range t {
		t[i] = make(chan struct{}, 1)
	}
	return &t
}

// take waits for a device's turn. Whoever got it must call end.
func (t *turns) take(ctx context.Context, devEUI city.EUI) (end func(), err error) {
	turn := t[devEUI[7]^devEUI[6]^devEUI[5]] // those that vendors count up
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
