package quality

import (
	"math/rand/v2"
	"time"
)

// Make makes a Decider for one asset.
type Make func(s *Subject, period time.Duration) Decider

// Periods lists how often sensors send in the experiment.
func Periods() []time.Duration { return []time.Duration{10 * time.Minute, time.Hour, 6 * time.Hour} }

// Experiment is how much is simulated.
type Experiment struct {
	Seed   uint64
	Assets int // of each subject
	Days   int
}

// Run lets deciders decide about one subject whose sensors send every period. All of them
// hear the same.
func (x Experiment) Run(s *Subject, period time.Duration, makes ...Make) []Score {
	end := time.Duration(x.Days) * 24 * time.Hour
	scores := make([]Score, len(makes))
	w := newWeather(rand.New(rand.NewPCG(x.Seed, 0)), end)
	for asset := range uint64(x.Assets) {
		seen := s.live(&life{rand.New(rand.NewPCG(x.Seed, 2*asset+1)), x.Days * 1440})
		truth := s.truth(seen, brief*period)
		messages := s.radio(rand.New(rand.NewPCG(x.Seed, 2*asset+2)), seen, period, w)
		for i, make := range makes {
			d := make(s, period)
			play(d, messages, w.down, end)
			scores[i].count(d.Cases(), truth)
		}
	}
	return scores
}

// play tells a decider what happens.
func play(d Decider, messages []Message, down []Span, end time.Duration) {
	for i := range messages {
		m := &messages[i]
		for len(down) > 0 && down[0].From <= m.Heard {
			d.Restart(down[0])
			down = down[1:]
		}
		if m.Heard >= end {
			break
		}
		d.Pass(m.Heard)
		d.Hear(m)
	}
	d.Pass(end)
}
