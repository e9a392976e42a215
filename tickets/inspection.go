package tickets

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// Checker is a System that can tell whether it will take what will be sent, which may change
// over time. It changes nothing there.
type Checker interface {
	Check(ctx context.Context) error
}

// When the ticket systems are asked.
const (
	inspectEvery = 24 * time.Hour
	inspectAgain = time.Hour // where something is wrong
	inspectFor   = 2 * time.Minute
)

// Inspection asks every ticket system that is a Checker whether it will take what will be
// sent: at the start, daily, and hourly where something is wrong. What it finds is told and
// stops nothing: cases wait.
type Inspection struct {
	systems map[string]Checker
	log     zerolog.Logger
	healthy *prometheus.GaugeVec

	mu      sync.Mutex
	trouble map[string]string // by name; "": none
}

// NewInspection makes one of the ticket systems, by their names.
func NewInspection(systems map[string]System, log zerolog.Logger, reg prometheus.Registerer) *Inspection {
	i := &Inspection{
		systems: map[string]Checker{},
		log:     log.With().Str("component", "tickets").Logger(),
		healthy: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "meldefunk_ticket_system_as_configured",
			Help: "1 while the ticket system has all services that are sent to it, as of its last check; else 0.",
		}, []string{"system"}),
		trouble: map[string]string{},
	}
	for name, s := range systems {
		if c, ok := s.(Checker); ok {
			i.systems[name] = c
		}
	}
	reg.MustRegister(i.healthy)
	return i
}

// Run asks until ctx ends, and returns nil then.
func (i *Inspection) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for name, c := range i.systems {
		all.Go(func() {
			timer := time.NewTimer(0)
			defer timer.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-timer.C:
					timer.Reset(i.inspect(ctx, name, c))
				}
			}
		})
	}
	<-ctx.Done() // also where there is nobody to ask
	all.Wait()
	return nil
}

// inspect asks one ticket system, and says when to ask it again.
func (i *Inspection) inspect(ctx context.Context, name string, c Checker) time.Duration {
	limited, cancel := context.WithTimeout(ctx, inspectFor)
	defer cancel()
	err := c.Check(limited)
	if ctx.Err() != nil {
		return inspectAgain // we are stopping: it says nothing of the ticket system
	}
	why := ""
	if err != nil {
		why = err.Error()
	}
	i.mu.Lock()
	before := i.trouble[name]
	i.trouble[name] = why
	i.mu.Unlock()
	switch {
	case why == "" && before != "":
		i.log.Info().Str("system", name).Msg("ticket system is as configured again")
	case why != "" && why != before:
		i.log.Warn().Err(err).Str("system", name).Msg("ticket system is not as configured; cases wait until it is")
	}
	if err != nil {
		i.healthy.WithLabelValues(name).Set(0)
		return inspectAgain
	}
	i.healthy.WithLabelValues(name).Set(1)
	return inspectEvery
}

// Trouble says what was wrong with the ticket systems when they were last asked, each with
// its name; none: nothing was.
func (i *Inspection) Trouble() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	var all []string
	for _, name := range slices.Sorted(maps.Keys(i.trouble)) {
		if why := i.trouble[name]; why != "" {
			all = append(all, name+": "+why)
		}
	}
	return all
}
