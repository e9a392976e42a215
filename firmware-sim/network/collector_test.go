package network

import (
	"testing"
	"time"

	"meldefunk/city"
)

func TestCollector(t *testing.T) {
	var c Collector
	at := func(ms int) time.Time { return testStart.Add(time.Duration(ms) * time.Millisecond) }
	by := func(g city.EUI, hz uint32, snr float32) Reception {
		return Reception{Gateway: g, Frequency: hz, DataRate: 5, SNR: snr}
	}
	add := func(ms int, frame string, r Reception) {
		t.Helper()
		if err := c.Add(at(ms), []byte(frame), r); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := c.Next(); ok {
		t.Error("something waits in an empty collector")
	}
	add(0, "one", by(gatewayA, 868100000, 1))
	add(50, "two", by(gatewayA, 868100000, 1))
	add(100, "one", by(gatewayB, 868100000, 7))
	add(120, "one", by(gatewayB, 868300000, 7)) // a repeat on another channel is not the same
	slow := by(gatewayB, 868100000, 7)          // nor with another data rate
	slow.DataRate = 4
	add(130, "one", slow)
	add(150, "two", by(gatewayA, 868100000, 3)) // told twice: the better one counts
	add(199, "two", by(gatewayA, 868100000, 2))
	if next, ok := c.Next(); !ok || !next.Equal(at(200)) {
		t.Errorf("next at %s", next)
	}
	if _, _, ok := c.Take(at(199)); ok {
		t.Error("it does not wait")
	}
	for _, want := range []struct {
		frame string
		ms    int
		snr   []float32
	}{{"one", 200, []float32{1, 7}}, {"two", 250, []float32{3}}, {"one", 320, []float32{7}}, {"one", 330, []float32{7}}} {
		frame, heard, ok := c.Take(at(want.ms))
		if !ok || string(frame) != want.frame || len(heard) != len(want.snr) {
			t.Fatalf("%q %v %v, want %+v", frame, heard, ok, want)
		}
		for i, snr := range want.snr {
			if heard[i].SNR != snr {
				t.Errorf("%q: %v, want %v", frame, heard, want.snr)
			}
		}
	}
	add(330, "one", by(gatewayA, 868100000, 1)) // too late: it counts as another
	if _, heard, ok := c.Take(at(999)); !ok || len(heard) != 1 {
		t.Error("a late copy is lost")
	}
	if len(c.open) != 0 || len(c.queue) != 0 {
		t.Error("something is left")
	}
}

func TestCollectorFlood(t *testing.T) {
	var c Collector
	for i := range maxCollected {
		if err := c.Add(testStart, []byte{byte(i), byte(i >> 8)}, Reception{}); err != nil {
			t.Fatal(err)
		}
	}
	if c.Add(testStart, []byte("one more"), Reception{}) == nil {
		t.Error("frames without end")
	}
	for i := 1; i < maxReceptions; i++ {
		if err := c.Add(testStart, []byte{0, 0}, Reception{Gateway: city.EUI{byte(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	if c.Add(testStart, []byte{0, 0}, Reception{Gateway: city.EUI{0xff}}) == nil {
		t.Error("gateways without end")
	}
	n := 0
	for {
		if _, _, ok := c.Take(testStart.Add(time.Second)); !ok {
			break
		}
		n++
	}
	if n != maxCollected {
		t.Errorf("%d frames come out", n)
	}
}
