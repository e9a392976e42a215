package influx

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"meldefunk/city"
)

// Waits after a failure: doubling from shortest to longest, then at that pace for ever.
// Retry-After is honoured up to longestAsked.
const (
	shortestPause = time.Second
	longestPause  = time.Minute
	longestAsked  = 15 * time.Minute
)

// deliver gets a batch into InfluxDB. Readings that InfluxDB says it will not take are
// refused and the rest is sent again. A batch that it judges bad without saying which is
// halved until the single reading is found; that one is refused, the rest is written. The
// cursor follows part by part, so nothing found is searched again after a crash.
func (w *Writer) deliver(ctx context.Context, batch []city.Reading) error {
	last := batch[len(batch)-1].ID
	batch, err := w.withdraw(ctx, batch)
	if err != nil {
		return err
	}
	if len(batch) == 0 {
		return w.advance(ctx, last)
	}
	err = w.send(ctx, batch)
	var f *failure
	for errors.As(err, &f) && f.outcome == refused {
		bad := w.named(f.answer, f.message, batch)
		if len(bad) == 0 {
			break
		}
		if batch, err = w.without(ctx, batch, bad); err != nil {
			return err
		}
		if len(batch) == 0 {
			return w.advance(ctx, last)
		}
		err = w.send(ctx, batch)
	}
	switch {
	case err == nil:
		w.size = min(2*w.size, w.most)
		w.meters.written.Add(float64(len(batch)))
		return w.advance(ctx, last)
	case !errors.As(err, &f):
		return err
	case f.slow:
		w.size = max(1, len(batch)/2)
		return err
	case f.outcome == tooLarge:
		w.most = max(1, len(batch)/2)
		w.size = w.most
	case f.outcome != refused:
		return err
	}
	if half := len(batch) / 2; half > 0 {
		if err := w.deliver(ctx, batch[:half]); err != nil {
			return err
		}
		if err := w.deliver(ctx, batch[half:]); err != nil || w.cursor >= last {
			return err
		}
		return w.advance(ctx, last)
	}
	if err := w.source.Refuse(ctx, w.name, batch[0].ID, f.text); err != nil {
		return err
	}
	w.refused(&batch[0], f.text)
	return w.advance(ctx, last)
}

// withdraw deletes what was withdrawn and gives the readings of the batch. It may be done
// again, as all of a batch may.
func (w *Writer) withdraw(ctx context.Context, batch []city.Reading) ([]city.Reading, error) {
	gone := func(r city.Reading) bool { return r.Withdrawn }
	if !slices.ContainsFunc(batch, gone) {
		return batch, nil
	}
	rest := slices.DeleteFunc(slices.Clone(batch), gone)
	return rest, w.forget(ctx, slices.DeleteFunc(slices.Clone(batch), func(r city.Reading) bool { return !r.Withdrawn }))
}

// without refuses the readings of a batch that are bad and gives the others.
func (w *Writer) without(ctx context.Context, batch []city.Reading, bad map[int]string) ([]city.Reading, error) {
	rest := make([]city.Reading, 0, len(batch)-len(bad))
	for i := range batch {
		reason, refuse := bad[i]
		if !refuse {
			rest = append(rest, batch[i])
			continue
		}
		if err := w.source.Refuse(ctx, w.name, batch[i].ID, reason); err != nil {
			return nil, err
		}
		w.refused(&batch[i], reason)
	}
	return rest, nil
}

// send writes a batch once, over what must be forgotten. What goes wrong is a *failure.
func (w *Writer) send(ctx context.Context, batch []city.Reading) error {
	if err := w.forget(ctx, batch); err != nil {
		return err
	}
	w.line = w.line[:0]
	for i := range batch {
		w.line = appendLine(w.line, &batch[i])
	}
	var answer bytes.Buffer
	err := w.api.WriteRecord(keeping(ctx, &answer), string(w.line))
	if err == nil {
		w.meters.attempts[taken].Inc()
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	f := w.judge(err, answer.Bytes())
	w.meters.attempts[f.outcome].Inc()
	if f.outcome == misconfigured {
		w.renewToken()
	}
	return f
}

// renewToken reads the token again: somebody may have put a new one there. Where that
// fails the old one is as good as any.
func (w *Writer) renewToken() {
	if token, err := w.cfg.token(); err == nil {
		w.carrier.token.Store(&token)
	}
}

// backOff says how long to wait after a failure.
func (w *Writer) backOff(err error) time.Duration {
	w.pause = min(max(2*w.pause, shortestPause), longestPause)
	d := w.pause/2 + rand.N(w.pause/2) // many writers shall not come back at the same moment
	var f *failure
	if errors.As(err, &f) {
		d = max(d, min(f.after, longestAsked))
	}
	return d
}
