package influx

import (
	"context"
	"fmt"
)

// Check asks whether InfluxDB is there and would take readings into the bucket with this
// token. It writes nothing: an empty write is judged like any other (token, organization,
// bucket, permission, in that order) before InfluxDB finds that there is nothing in it.
func (w *Writer) Check(ctx context.Context) error {
	if _, err := w.client.Ping(ctx); err != nil {
		return fmt.Errorf("influx %s: no InfluxDB answers: %s", w.cfg.URL, w.tidy(cause(err)))
	}
	err := w.api.WriteRecord(ctx, "")
	if err == nil {
		return nil
	}
	if f := w.judge(err, nil); f.outcome != refused {
		return fmt.Errorf("influx %s: %w", w.cfg.URL, f)
	}
	return nil
}
