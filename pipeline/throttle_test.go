package pipeline_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/pipeline"
)

// A device may send 600 messages in ten minutes, by its own times or by those of arrival.
func TestThrottle(t *testing.T) {
	const sent = 700
	second := func(n int) time.Duration { return time.Duration(n) * time.Second }
	for name, c := range map[string]struct {
		event, arrival func(n int) time.Duration // nil: no event time is told
		join           bool
		excess         int
	}{
		"wild":                         {func(int) time.Duration { return 0 }, func(int) time.Duration { return 0 }, false, 100},
		"wild, without event times":    {nil, func(int) time.Duration { return 0 }, false, 100},
		"wild joins":                   {func(int) time.Duration { return 0 }, func(int) time.Duration { return 0 }, true, 100},
		"wild, times in the future":    {func(n int) time.Duration { return second(3600 * n) }, func(int) time.Duration { return 0 }, false, 100},
		"every second":                 {second, second, false, 0},
		"a backlog that comes at once": {func(n int) time.Duration { return -second(60 * n) }, func(int) time.Duration { return 0 }, false, 0},
		"a clock that stands still":    {func(int) time.Duration { return -time.Hour }, func(n int) time.Duration { return second(60 * n) }, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			var all []city.Arrival
			for n := range sent {
				a := w.up("s", uint32(n), 50, c.arrival(n))
				if c.join {
					a = w.join("s", c.arrival(n))
				}
				at := city.Stamp{}
				if c.event != nil {
					at = city.Stamp{At: start.Add(c.event(n)), Source: city.TimeServer}
				}
				a.Event.Time, a.Event.Uplink.Time = at, at
				all = append(all, a)
			}
			w.carry(all...)
			asides := w.asides()
			if len(asides) != c.excess || w.acks.n != sent {
				t.Errorf("%d of %d set aside, %d acknowledged; want %d set aside and all acknowledged", len(asides), sent, w.acks.n, c.excess)
			}
			for i := range asides {
				if a := &asides[i]; a.Reason != city.ReasonThrottled || a.DevEUI != sensor || len(a.Body) == 0 {
					t.Fatalf("set aside: %+v", a)
				}
			}
			if n := len(w.readings()); !c.join && n != sent-c.excess {
				t.Errorf("%d readings, want %d", n, sent-c.excess)
			}
		})
	}
}

// More windows than clocks are remembered: sending in turns by two clocks gives twice the
// allowance and not any number.
func TestThrottleClocksInTurn(t *testing.T) {
	w := newWorld(t)
	var all []city.Arrival
	for n := range 2000 {
		a := w.up("s", uint32(n), 50, 0)
		a.Event.Uplink.Time.At = start.Add(-time.Hour * time.Duration(n%2))
		all = append(all, a)
	}
	w.carry(all...)
	if n := len(w.asides()); n != 800 {
		t.Errorf("%d set aside, want 800", n)
	}
}

// What was throttled can be taken up, and is not throttled again.
func TestThrottledReplay(t *testing.T) {
	w := newWorld(t)
	var all []city.Arrival
	for n := range 610 {
		all = append(all, w.up("s", uint32(n), 50, 0))
	}
	w.carry(all...)
	excess := all[600:]
	for i := range excess {
		excess[i].Replay = true
	}
	w.carry(append(all[:600:600], excess...)...)
	if r, a := len(w.readings()), len(w.asides()); r != 610 || a != 0 {
		t.Errorf("%d readings, %d set aside; want 610 and none", r, a)
	}
}

// Beyond 10,000 of a day the messages of a device are counted, exactly, in one entry.
func TestThrottledBeyondMeasure(t *testing.T) {
	w := newWorld(t)
	var all []city.Arrival
	for n := range 600 + 10_000 + 2500 {
		a := w.up("s", uint32(n), 50, 0)
		a.Message.Received = start.Add(time.Duration(n)) // no two arrive at the same time
		all = append(all, a)
	}
	other := w.up("s", 1, 50, 0)
	other.Event.DevEUI, other.Event.Uplink.DevEUI = second, second
	all = append(all, other)
	w.carry(all...)
	counts, err := w.store.AsideCounts(t.Context(), city.AsideFilter{Reasons: []city.Reason{city.ReasonThrottled}})
	if err != nil || len(counts) != 1 || counts[0].Messages != 10_001 || counts[0].Arrivals != 12_500 {
		t.Errorf("set aside: %+v, %v; want 10,001 entries of 12,500 arrivals", counts, err)
	}
	if n := len(w.readings()); n != 601 {
		t.Errorf("%d readings, want 600 of the wild device and 1 of the other", n)
	}
	newest, _, err := w.store.Asides(t.Context(), 1, 0)
	if err != nil || newest[0].Count != 2500 || !strings.Contains(newest[0].Detail, "counts the others") || !newest[0].LastSeen.After(newest[0].Received) {
		t.Errorf("the entry that counts: %+v, %v", newest, err)
	}
	for name, want := range map[string]float64{"meldefunk_road_throttled_total": 12_500, "meldefunk_road_throttled_unkept_total": 2500} {
		families, err := w.reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() == name && f.GetMetric()[0].GetCounter().GetValue() != want {
				t.Errorf("%s is %v, want %v", name, f.GetMetric()[0].GetCounter().GetValue(), want)
			}
		}
	}
}

// Whoever is throttled does not wait for a slow decoder, and fills no lane with it.
func TestThrottledLeavesTheLane(t *testing.T) {
	cfg := pipeline.DefaultConfig()
	cfg.DeviceBurst = 10
	w := walk(t, cfg)
	at := func(n uint32, ack told) {
		a := w.from(2, n, 50)
		a.Message.Received, a.Event.Uplink.Time.At = start, start
		w.offer(a, ack)
	}
	calm := make([]told, 10)
	for n := range calm {
		calm[n] = make(told)
		at(uint32(n), calm[n])
	}
	var excess told
	for n := range uint32(1500) { // more than a lane holds
		excess = make(told)
		at(10+n, excess)
	}
	excess.wait(t) // while the decoder hangs
	for _, ack := range calm {
		if ack.yet() {
			t.Error("acknowledged before it was decoded")
		}
		w.decoder.may <- nil
		ack.wait(t)
	}
	if err := w.end(); err != nil {
		t.Fatal(err)
	}
}

func TestThrottleNobody(t *testing.T) {
	cfg := pipeline.DefaultConfig()
	cfg.DeviceRate = 0
	w := walk(t, cfg)
	for n := range uint32(700) {
		a := w.from(1, n, 50)
		a.Message.Received, a.Event.Uplink.Time.At = start, start
		a.Acker = &w.acks
		if err := w.Offer(context.Background(), a); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.end(); err != nil {
		t.Fatal(err)
	}
	if r, a := len(w.readings()), len(w.asides()); r != 700 || a != 0 {
		t.Errorf("%d readings and %d set aside, want 700 and none", r, a)
	}
}

func TestThrottleConfig(t *testing.T) {
	for name, c := range map[string]struct {
		rate  float64
		burst int
		says  string
	}{
		"default":      {1, 600, ""},
		"nobody":       {0, 600, ""},
		"negative":     {-1, 600, "device_rate: -1"},
		"too slow":     {0.0001, 600, "device_rate: 0.0001"},
		"too quick":    {1001, 600, "device_rate: 1001"},
		"small burst":  {1, 9, "device_burst: 9"},
		"large burst":  {1, 1_000_001, "device_burst: 1000001"},
		"longest wait": {0.001, 1_000_000, ""},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := pipeline.DefaultConfig()
			cfg.DeviceRate, cfg.DeviceBurst = c.rate, c.burst
			err := cfg.Validate()
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %q", err, c.says)
			}
		})
	}
}
