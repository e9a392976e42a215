package pipeline

import (
	"context"
	"time"
)

// request is what is to be done with a case at the end of a batch.
type request struct {
	ref   string
	grant func(ctx context.Context, ref string, now time.Time) error
	done  chan struct{} // closed when that is committed
}

// ask has something done with a case, and returns when that is committed.
func (r *Road) ask(ctx context.Context, ref string, grant func(ctx context.Context, ref string, now time.Time) error) error {
	p := passenger{request: &request{ref, grant, make(chan struct{})}}
	if err := r.pass(ctx, p); err != nil {
		return err
	}
	select {
	case <-p.request.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *Road) grantAll(ctx context.Context, batch []passenger, now time.Time) error {
	for i := range batch {
		if q := batch[i].request; q != nil {
			if err := q.grant(ctx, q.ref, now); err != nil {
				return err
			}
		}
	}
	return nil
}
