package gateway

import (
	"testing"
	"time"
)

func TestPlan(t *testing.T) {
	booted := testTime.Add(-100 * time.Hour) // the counter has overflowed 83 times
	counter := func(p *plan, after time.Duration) uint32 { return p.counter(testTime.Add(after)) }
	frame := make([]byte, 20)
	for _, c := range []struct {
		name   string
		gps    bool
		change func(p *plan, e *Emission)
		want   Refusal
		start  time.Duration
	}{
		{"RX1", false, func(*plan, *Emission) {}, None, time.Second},
		{"too late", false, func(p *plan, e *Emission) { e.Timestamp = counter(p, 52*time.Millisecond) }, TooLate, 0},
		{"just in time", false, func(p *plan, e *Emission) { e.Timestamp = counter(p, 53*time.Millisecond) }, None, 53 * time.Millisecond},
		{"past", false, func(p *plan, e *Emission) { e.Timestamp = counter(p, -time.Second) }, TooLate, 0},
		{"too early", false, func(p *plan, e *Emission) { e.Timestamp = counter(p, 1025*time.Second) }, TooEarly, 0},
		{"over the overflow", false, func(p *plan, e *Emission) {
			p.booted = testTime.Add(-time.Duration(1<<32-500000) * time.Microsecond) // in half a second
			e.Timestamp = 500000
		}, None, time.Second},
		{"frequency", false, func(_ *plan, e *Emission) { e.Frequency = 433000000 }, TXFrequency, 0},
		{"modulation", false, func(_ *plan, e *Emission) { e.Rate.Bandwidth = 7000 }, TXFrequency, 0},
		{"without GPS", false, func(_ *plan, e *Emission) { e.When, e.At = AtGPSTime, testTime.Add(time.Second) }, GPSUnlocked, 0},
		{"with GPS", true, func(_ *plan, e *Emission) { e.When, e.At = AtGPSTime, testTime.Add(2*time.Second) }, None, 2 * time.Second},
		{"at once", false, func(_ *plan, e *Emission) { e.When = AtOnce }, None, time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &plan{booted: booted, gps: c.gps}
			e := Emission{Frame: frame, Timestamp: counter(p, time.Second), Frequency: 868100000, Rate: sf7, Power: 29}
			c.change(p, &e)
			s, got := p.add(e, testTime)
			if got != c.want {
				t.Fatalf("%q, want %q", got, c.want)
			}
			if got != None {
				return
			}
			if d := s.Start.Sub(testTime) - c.start; d.Abs() > time.Microsecond {
				t.Errorf("it starts %s off", d)
			}
			// 8 symbols of preamble and 4.25 more, 8 of header, 30 of 20 bytes at SF7 without CRC.
			if want := 1024*time.Microsecond*(12+38) + 256*time.Microsecond; s.Airtime != want || s.Power != 27 {
				t.Errorf("airtime %s, want %s; power %d dBm", s.Airtime, want, s.Power)
			}
		})
	}
}

func TestCollisions(t *testing.T) {
	p := &plan{booted: testTime}
	try := func(now, at time.Duration) Refusal {
		_, r := p.add(Emission{Frame: make([]byte, 20), Timestamp: p.counter(testTime.Add(at)), Frequency: 868100000, Rate: sf7}, testTime.Add(now))
		return r
	}
	for _, c := range []struct {
		now, at time.Duration
		want    Refusal
	}{
		{0, time.Second, None},
		{0, time.Second, CollisionPacket},
		{0, 1100 * time.Millisecond, CollisionPacket}, // one lasts 51 ms, the next needs 53 ms before it
		{0, 1120 * time.Millisecond, None},
		{0, 890 * time.Millisecond, None},
		{2 * time.Second, 3 * time.Second, None},
	} {
		if got := try(c.now, c.at); got != c.want {
			t.Errorf("at %s for %s: %q, want %q", c.now, c.at, got, c.want)
		}
	}
	if len(p.busy) != 1 {
		t.Errorf("%d are planned: what is sent is not forgotten", len(p.busy))
	}
	for i := range 40 {
		try(2*time.Second, time.Duration(4+i)*time.Second)
	}
	if len(p.busy) != maxPlanned {
		t.Errorf("%d are planned, want %d", len(p.busy), maxPlanned)
	}
}

func TestTokens(t *testing.T) {
	var k tokens
	for i := range uint64(maxTokens + 1) {
		k.draw(i)
	}
	if _, ok := k.take(1); ok || len(k.open) != maxTokens {
		t.Error("the oldest is not given up")
	}
	if id, ok := k.take(2); !ok || id != 1 {
		t.Errorf("%d, %v", id, ok)
	}
	if _, ok := k.take(2); ok {
		t.Error("a token is taken twice")
	}
}
