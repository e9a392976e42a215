package quality

import (
	"math/rand/v2"
	"testing"
	"time"
)

// story plays hourly values to a decider of bins, and gives the hours of its cases.
func story(d Decider, values ...float64) []Case {
	for i, v := range values {
		at := time.Duration(i) * time.Hour
		m := &Message{At: at, Heard: at, FCnt: uint32(i), Value: v}
		d.Pass(m.Heard)
		d.Hear(m)
	}
	d.Pass(time.Duration(len(values)) * time.Hour)
	return d.Cases()
}

// TestModels holds the models against how their products are described.
func TestModels(t *testing.T) {
	bins := &Subjects()[0]
	const h, m = time.Hour, time.Minute
	for _, tt := range []struct {
		name   string
		make   Make
		values []float64
		want   []Case
	}{
		{"Prometheus fires between samples, from the next evaluation on, and resolves at the first that is not met", Prometheus, []float64{10, 95, 89, 95}, []Case{{h + 31*m, 2*h + m}, {3*h + 31*m, 0}}},
		{"ThingsBoard fires by a timer", ThingsBoard, []float64{10, 95, 89, 95}, []Case{{h + 30*m, 0}}},
		{"ThingsBoard clears by its clear rule", ThingsBoard, []float64{95, 95, 10, 10}, []Case{{30 * m, 2*h + 15*m}}},
		{"Kapacitor waits for a point", Kapacitor, []float64{10, 95, 89, 95, 95}, []Case{{4 * h, 0}}},
		{"Kapacitor resets by its reset", Kapacitor, []float64{95, 95, 60, 10, 10}, []Case{{h, 4 * h}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := story(tt.make(bins, h), tt.values...)
			if len(got) != len(tt.want) {
				t.Fatalf("got %v, want %v", got, tt.want)
			}
			for i := range got {
				if got[i] != tt.want[i] {
					t.Errorf("got %v, want %v", got, tt.want)
				}
			}
		})
	}
	t.Run("Prometheus forgets what is older than its lookback", func(t *testing.T) {
		p := Prometheus(bins, 5*m)
		p.Hear(&Message{Value: 95})
		p.Pass(2 * h)
		if c := p.Cases(); len(c) != 0 {
			t.Errorf("got %v", c)
		}
	})
	t.Run("a restart makes Kapacitor forget durations", func(t *testing.T) {
		k := Kapacitor(bins, h)
		k.Hear(&Message{Value: 95})
		k.Restart(Span{m, 2 * m})
		k.Hear(&Message{At: h, Heard: h, Value: 95})
		if c := k.Cases(); len(c) != 0 {
			t.Errorf("got %v", c)
		}
	})
}

// TestScore counts cases against a truth of two episodes.
func TestScore(t *testing.T) {
	const h = time.Hour
	truth := []episode{
		{may: Span{10 * h, 20 * h}, most: 1, must: []Span{{11 * h, 20 * h}}, since: 11 * h},
		{may: Span{30 * h, 40 * h}, most: 1, must: []Span{{31 * h, 40 * h}}, since: 31 * h},
	}
	for _, tt := range []struct {
		name                           string
		opened                         []time.Duration
		missed, wrong, repeated, cases int
	}{
		{"both found", []time.Duration{12 * h, 32 * h}, 0, 0, 0, 2},
		{"within the doubt", []time.Duration{10 * h, 30 * h}, 0, 0, 0, 2},
		{"one missed, one for nothing", []time.Duration{12 * h, 25 * h}, 1, 1, 0, 2},
		{"twice for the same", []time.Duration{12 * h, 14 * h, 33 * h}, 0, 1, 1, 3},
		{"never", nil, 2, 0, 0, 0},
		{"when all is over", []time.Duration{50 * h}, 2, 1, 0, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var all []Case
			for _, o := range tt.opened {
				all = append(all, Case{Opened: o})
			}
			var s Score
			s.count(all, truth)
			if s.Episodes != 2 || s.Missed != tt.missed || s.False != tt.wrong || s.Repeated != tt.repeated || s.Cases != tt.cases {
				t.Errorf("got %+v", s)
			}
		})
	}
}

// TestTruth finds the episodes of a fill level that is known.
func TestTruth(t *testing.T) {
	bins := &Subjects()[0]
	var seen []float32
	add := func(minutes int, level float32) {
		for range minutes {
			seen = append(seen, level)
		}
	}
	add(600, 20)
	add(20, 100) // a bag before the sensor
	add(600, 20)
	add(600, 95) // full, from 1220 on
	add(10, 10)
	add(600, 91)
	add(600, 10) // emptied at 2430
	add(100, 88) // perhaps
	add(600, 10)
	got := bins.truth(seen, time.Hour)
	if len(got) != 2 || len(got[0].must) != 1 || len(got[1].must) != 0 {
		t.Fatalf("got %+v", got)
	}
	if want := (Span{1220 * time.Minute, 2445 * time.Minute}); got[0].must[0] != want || got[0].since != want.From {
		t.Errorf("got %+v, want %v", got[0], want)
	}
}

// TestRadio measures the trouble that messages are in.
func TestRadio(t *testing.T) {
	bins := &Subjects()[0]
	r := rand.New(rand.NewPCG(1, 2))
	const days = 2000
	end := days * 24 * time.Hour
	w := newWeather(r, end)
	seen := make([]float32, days*1440)
	for i := range seen {
		seen[i] = 60
	}
	const period = time.Hour
	sent, heard, late, far := days*24, map[uint32]int{}, 0, 0
	before := time.Duration(0)
	messages := bins.radio(r, seen, period, w)
	for _, m := range messages {
		if m.Heard < before || m.Heard < m.At {
			t.Fatalf("%+v is heard before it was sent, or before others", m)
		}
		before = m.Heard
		if heard[m.FCnt]++; heard[m.FCnt] > 1 {
			continue
		}
		if m.Heard-m.At > 20*time.Minute {
			late++
		}
		if m.Value < 50 || m.Value > 70 {
			far++
		}
	}
	near := func(what string, got, want, by float64) {
		if got < want-by || got > want+by {
			t.Errorf("%s: %.4f, want %.4f", what, got, want)
		}
	}
	near("lost", 1-float64(len(heard))/float64(sent), Loss, 0.01)
	near("twice", float64(len(messages)-len(heard))/float64(len(heard)), Duplicates, 0.005)
	near("far off", float64(far)/float64(len(heard)), Outliers*0.9, 0.005)
	near("late by an outage", float64(late)/float64(len(heard)), 6.25/(20*24), 0.006)
}
