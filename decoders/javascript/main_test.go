package javascript

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"
)

// TestMain makes this test's binary the worker too: real processes, as in production.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "codec-worker" {
		memory, err := strconv.Atoi(os.Args[2])
		if err == nil {
			err = Worker(os.Stdin, os.Stdout, memory)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func newSandbox(t testing.TB, cfg Config, now func() time.Time) *Sandbox {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(cfg, []string{self, "codec-worker", strconv.Itoa(cfg.MemoryMiB)}, now, testLog(t), registry())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// startSandbox runs a sandbox until the test ends.
func startSandbox(t testing.TB, cfg Config, now func() time.Time) *Sandbox {
	t.Helper()
	s := newSandbox(t, cfg, now)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

func script(t testing.TB, name, source string) *Codec {
	t.Helper()
	c, err := NewCodec(name, []byte(source), false, Mapping{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func testLog(t testing.TB) zerolog.Logger { return zerolog.New(zerolog.NewTestWriter(t)) }

func registry() *prometheus.Registry { return prometheus.NewRegistry() }
