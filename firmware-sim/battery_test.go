package sim

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestBatteries(t *testing.T) {
	b := newBattery(rand.New(rand.NewPCG(1, 1)), noon)
	b.left(1)
	year := noon
	previous := b.volts(20)
	years := 0
	for ; !b.empty() && years < 100; years++ {
		for range 24 * 365 {
			year = year.Add(time.Hour)
			b.rest(year)
			b.frame(400 * time.Millisecond)
		}
		warm, cold := b.volts(20), b.volts(-10)
		if warm > previous || cold >= warm || warm < 2.5 || warm > 3.6 {
			t.Errorf("after %d years %.2f V, before %.2f, in the cold %.2f", years+1, warm, previous, cold)
		}
		previous = warm
	}
	if years < 5 || years > 25 {
		t.Errorf("a new battery lasts %d years", years)
	}
	rested := b
	rested.left(0.5)
	once := rested
	for hour := range 100 {
		rested.rest(year.Add(time.Duration(hour) * time.Hour))
	}
	once.rest(year.Add(99 * time.Hour))
	if math.Abs(rested.used-once.used) > 1e-9 || once.charge() >= 50 || once.charge() < 49 {
		t.Errorf("rested by the hour %v mAh, at once %v mAh", rested.used, once.used)
	}
}
