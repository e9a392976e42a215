package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"meldefunk/gateway-bridge/brokertest"
	"meldefunk/storage/influxtest"
)

// TestServeLeavesNothing runs the whole platform in this process and wants every goroutine
// gone after a soft stop, and after a start that fails half-way.
func TestServeLeavesNothing(t *testing.T) {
	broker, in := brokertest.Start(t), influxtest.Start(t)
	_, endpoint := ticketServer(t)
	dir := write(t, map[string]string{
		"devices.csv": recordedInventory(), "rules.yaml": recordedRules, "influx.token": in.Token, "open311.key": ticketKey,
		"good.yaml": "data: DIR/data\nboard: {listen: \"127.0.0.1:0\"}\n" + recordedConfig(broker.URL()) + influxConfig(in) + ticketConfig(endpoint),
		"bad.yaml":  "data: DIR/data\nboard: {listen: \"127.0.0.1:0\"}\n" + recordedConfig(broker.URL()) + strings.Replace(influxConfig(in), "influx.token", "none", 1),
	})
	options := goleak.IgnoreCurrent()
	for name, c := range map[string]struct{ file, want string }{
		"soft stop":     {"good.yaml", ""},
		"failing start": {"bad.yaml", "none: no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			log := &started{seen: make(chan struct{}, 1)}
			ended := make(chan error, 1)
			go func() { ended <- serve(ctx, filepath.Join(dir, c.file), log) }()
			var err error
			select {
			case <-log.seen:
				m := v4Up(1)
				broker.Publish(m.topic, m.body)
				stop()
				err = <-ended
			case err = <-ended:
			case <-time.After(30 * time.Second):
				err = fmt.Errorf("neither started nor ended")
			}
			stop()
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("ended with %v, want %q", err, c.want)
			}
			goleak.VerifyNone(t, options)
		})
	}
}

// started waits for the line that says so.
type started struct{ seen chan struct{} }

func (s *started) Write(p []byte) (int, error) {
	if strings.Contains(string(p), `"message":"subscribed"`) {
		select {
		case s.seen <- struct{}{}:
		default:
		}
	}
	return io.Discard.Write(p)
}
