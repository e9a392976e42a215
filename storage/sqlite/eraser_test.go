package sqlite

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// A step ends where it is large, where it has taken long, where somebody waits to write, and
// where there is no more to do. Time passes in chunks only.
func TestStepEnds(t *testing.T) {
	for name, test := range map[string]struct {
		n      int64
		took   time.Duration
		waits  bool // another write, from the beginning
		chunks int  // there are
		want   int  // chunks of the step
		more   bool
	}{
		"large":                    {n: chunkSize, chunks: 99, want: stepSize / chunkSize, more: true},
		"long":                     {n: 1, took: stepTime / 4, chunks: 99, want: 4, more: true},
		"long at once":             {n: 1, took: time.Minute, chunks: 99, want: 1, more: true},
		"somebody waits":           {n: 1, waits: true, chunks: 99, want: 1, more: true},
		"no more":                  {n: 1, chunks: 3, want: 3},
		"long without finding any": {took: stepTime, chunks: 99, want: 1, more: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := openEraser(t)
				if test.waits {
					e.queue.Add(1)
				}
				done := 0
				n, more, err := e.step(func(context.Context) (int64, bool, error) {
					time.Sleep(test.took)
					done++
					return test.n, done < test.chunks, nil
				})
				if err != nil || done != test.want || n != test.n*int64(done) || more != test.more {
					t.Errorf("%d chunks of %d in all, more: %v, %v; want %d, more: %v", done, n, more, err, test.want, test.more)
				}
				if want := test.took * time.Duration(test.want); e.longest != want {
					t.Errorf("longest %v, want %v", e.longest, want)
				}
			})
		})
	}
}

// Whoever comes while a step is under way is let in after the chunk, and how long that
// took is told once.
func TestStepDelays(t *testing.T) {
	e := openEraser(t)
	written := make(chan error)
	_, more, err := e.step(func(context.Context) (int64, bool, error) {
		if e.queue.Load() == 0 {
			go func() { written <- e.inTx(func(context.Context) error { return nil }) }()
		}
		for e.queue.Load() == 0 {
			runtime.Gosched()
		}
		return 1, true, nil
	})
	if err = errors.Join(err, <-written); err != nil || !more {
		t.Fatalf("more: %v, %v", more, err)
	}
	if err := e.inTx(func(context.Context) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if got := e.takeDelayed(); got <= 0 || got > e.longest {
		t.Errorf("told that a write waited %v for a step of %v", got, e.longest)
	}
	if got := e.takeDelayed(); got != 0 {
		t.Errorf("told of %v again", got)
	}
}

func TestSpanAfter(t *testing.T) {
	at := func(s int64) time.Time { return time.Unix(s, 0) }
	for _, test := range []struct {
		name string
		at   int64
		want time.Duration
	}{
		{"before it", 5, 10 * time.Second},
		{"within", 13, 7 * time.Second},
		{"at its end", 20, 0},
		{"later", 30, 0},
	} {
		if got := (span{at(10), at(20)}).after(at(test.at)); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
	if got := (span{}).after(at(0)); got != 0 {
		t.Errorf("never: %v", got)
	}
}

// What is deleted may be lost at a power cut, what is committed may not: neither kind of
// transaction ever has the settings of the other, whatever became of the one before.
func TestSettings(t *testing.T) {
	e := openEraser(t)
	odd := errors.New("odd")
	settings := func() (got [2]string) {
		for i, name := range []string{"synchronous", "wal_autocheckpoint"} {
			got[i] = e.Pragma(t, name)
		}
		return got
	}
	light, full := [2]string{"1", "0"}, [2]string{"2", "4000"}
	if got := settings(); got != full {
		t.Errorf("opened with %v, want %v", got, full)
	}
	for _, fails := range []error{nil, odd, nil} {
		_, _, err := e.step(func(context.Context) (int64, bool, error) {
			if got := settings(); got != light {
				t.Errorf("a step has %v, want %v", got, light)
			}
			return 0, false, fails
		})
		if !errors.Is(err, fails) {
			t.Errorf("got %v, want %v", err, fails)
		}
		err = e.inTx(func(context.Context) error {
			if got := settings(); got != full {
				t.Errorf("a commit has %v, want %v", got, full)
			}
			return fails
		})
		if !errors.Is(err, fails) {
			t.Errorf("got %v, want %v", err, fails)
		}
	}
}

func openEraser(t *testing.T) *eraser {
	t.Helper()
	s, err := Open(context.Background(), t.TempDir(), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s.eraser()
}
