package tickets

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/rs/zerolog"
)

// moody is a System whose Check answers as it is told, time after time.
type moody struct {
	Local
	answers []error
	at      []time.Duration // when it was asked, since began
	began   time.Time
}

func (m *moody) Check(context.Context) error {
	n := len(m.at)
	m.at = append(m.at, time.Since(m.began))
	return m.answers[min(n, len(m.answers)-1)]
}

func TestInspection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		ill := errors.New("no service 3.2")
		well := &moody{answers: []error{nil}, began: began}
		sick := &moody{answers: []error{ill, ill, nil, nil}, began: began}
		var log bytes.Buffer
		reg := prometheus.NewPedanticRegistry()
		i := NewInspection(map[string]System{"well": well, "sick": sick, "local": Local{}}, zerolog.New(&log), reg)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- i.Run(ctx) }()

		healthy := func(name string) float64 { return testutil.ToFloat64(i.healthy.WithLabelValues(name)) }
		synctest.Wait()
		if got := i.Trouble(); !slices.Equal(got, []string{"sick: no service 3.2"}) || healthy("sick") != 0 || healthy("well") != 1 {
			t.Errorf("at the start: %q, %v, %v", got, healthy("sick"), healthy("well"))
		}
		time.Sleep(2*time.Hour + time.Minute)
		synctest.Wait()
		if got := i.Trouble(); len(got) > 0 || healthy("sick") != 1 {
			t.Errorf("after two hours: %q", got)
		}
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
		if want := []time.Duration{0, 24 * time.Hour}; !slices.Equal(well.at, want) {
			t.Errorf("asked the healthy one at %v, want %v", well.at, want)
		}
		if want := []time.Duration{0, time.Hour, 2 * time.Hour, 26 * time.Hour}; !slices.Equal(sick.at, want) {
			t.Errorf("asked the sick one at %v, want %v", sick.at, want)
		}
		if n := strings.Count(log.String(), "is not as configured"); n != 1 || strings.Count(log.String(), "as configured again") != 1 {
			t.Errorf("told %d times:\n%s", n, log.String())
		}
	})
}

// Where there is nobody to ask, it waits to be told to end, as every part does.
func TestInspectionOfNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := NewInspection(map[string]System{"local": Local{}}, zerolog.Nop(), prometheus.NewPedanticRegistry())
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- i.Run(ctx) }()
		synctest.Wait()
		if len(done) > 0 || len(i.Trouble()) > 0 {
			t.Error("has ended by itself")
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
