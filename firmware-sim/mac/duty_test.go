package mac

import (
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"meldefunk/city/lorawan"
)

// TestDutyCycle: whatever an application wants to say, on whatever channels, with whatever
// repetitions and restarts: no 60 minutes of a day hold more time on air in a part of the
// band than is allowed.
func TestDutyCycle(t *testing.T) {
	lows := []uint32{863100000, 864900000, 865100000, 867500000, 868800000, 869100000, 869525000, 869850000}
	rapid.Check(t, func(rt *rapid.T) {
		p := &Profile{
			ADR: rapid.Bool().Draw(rt, "adr"), DataRate: rapid.Uint8Range(0, 5).Draw(rt, "dr"), Queue: 3,
			Channels: rapid.SliceOfN(rapid.SampledFrom(lows), 0, 8).Draw(rt, "channels"),
		}
		s := lorawan.Session10(lorawan.V1_0_3, lorawan.DevAddr{1}, lorawan.Key{1}, lorawan.Key{2})
		id := Identity{Version: lorawan.V1_0_3, ABP: &s}
		if rapid.Bool().Draw(rt, "joins") {
			id.ABP, id.AppKey = nil, lorawan.Key{1}
		}
		d, err := New(id, p, rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0)))
		if err != nil {
			rt.Fatal(err)
		}
		now := start
		d.Boot(now)
		d.mem.P.NbTrans = rapid.Uint8Range(1, 15).Draw(rt, "NbTrans")
		if mask := rapid.Uint16().Draw(rt, "mask") & d.mem.P.defined(); mask != 0 {
			d.mem.P.Mask = mask
		}
		every := time.Duration(rapid.Int64Range(int64(20*time.Second), int64(time.Hour)).Draw(rt, "every"))
		sizes := rapid.SliceOfN(rapid.IntRange(0, 51), 1, 5).Draw(rt, "sizes")
		confirmed := rapid.Bool().Draw(rt, "confirmed")
		restart := rapid.IntRange(1, 500).Draw(rt, "restart")

		type frame struct{ from, to time.Time }
		sent := map[string][]frame{}
		wish := now
		for n := 0; now.Before(start.Add(24 * time.Hour)); n++ {
			at, ok := d.Next()
			if !ok || wish.Before(at) {
				now = wish
				wish = wish.Add(every)
				if err := d.Send(now, Message{Port: 1, Payload: make([]byte, sizes[n%len(sizes)]), Confirmed: confirmed}); err != nil {
					rt.Fatal(err)
				}
				continue
			}
			if at.After(now) {
				now = at
			}
			tx, ok := d.Transmit(now)
			if !ok {
				again, _ := d.Next()
				if !again.After(now) {
					rt.Fatalf("it does not send at %v, when it said", now)
				}
				continue
			}
			b, ok := lorawan.EU868{}.SubBand(tx.Frequency)
			if !ok {
				rt.Fatalf("it sends on %d Hz", tx.Frequency)
			}
			all := append(sent[b.Name], frame{tx.Start, tx.Start.Add(tx.Airtime)})
			sent[b.Name] = all
			// A worst hour ends with a frame.
			hour := all[len(all)-1].to.Add(-time.Hour)
			var sum time.Duration
			for i := len(all) - 1; i >= 0 && all[i].to.After(hour); i-- {
				from := all[i].from
				if from.Before(hour) {
					from = hour
				}
				sum += all[i].to.Sub(from)
			}
			if sum > b.PerHour() {
				rt.Fatalf("sub-band %s: %v on air in the hour before %v, %v are allowed", b.Name, sum, now, b.PerHour())
			}
			if n%restart == restart-1 {
				d.Boot(now)
			}
		}
	})
}

// TestDutyUsesItsShare makes sure that the property above is not kept by silence.
func TestDutyUsesItsShare(t *testing.T) {
	p := newPair(t, lorawan.V1_0_3, true, Profile{DataRate: 0})
	var onAir time.Duration
	for p.now.Before(start.Add(24 * time.Hour)) {
		tx, _ := p.say("immer wieder etwas zu sagen")
		onAir += tx.Airtime
	}
	if least, most := 24*29*time.Second, 24*36*time.Second+3*time.Second; onAir < least || onAir > most {
		t.Errorf("%v on air in a day, want %v to %v", onAir, least, most)
	}
}

// TestSilence: after a frame in a part of the band where one in a hundred is allowed the
// device is silent there for 99 times as long.
func TestSilence(t *testing.T) {
	p := newPair(t, lorawan.V1_0_3, true, Profile{DataRate: 2})
	tx, _ := p.say("a")
	p.send(Message{Port: 1})
	if gap := p.next().Start.Sub(tx.Start.Add(tx.Airtime)); gap != 99*tx.Airtime {
		t.Errorf("%v after a frame of %v", gap, tx.Airtime)
	}
}

// TestSlices: a frame over the border of two slices counts in both.
func TestSlices(t *testing.T) {
	var u duty
	border := at(start) / instant(slice) * instant(slice)
	u.add(border-instant(time.Second), 868100000, 3*time.Second, 0)
	n := int64(border) / int64(slice)
	b, _ := lorawan.EU868{}.SubBand(868100000)
	want := part(3*time.Second, b)
	if one, both := u.sum(2, n-1), u.sum(2, n); one < want || both < want {
		t.Errorf("%d and %d parts, want at least %d", one, both, want)
	}
	if rest := u.sum(2, n+hourSlices-1); rest != want {
		t.Errorf("an hour later %d parts, want %d: it ended within this hour", rest, want)
	}
	if rest := u.sum(2, n+hourSlices); rest != 0 {
		t.Errorf("after more than an hour %d parts", rest)
	}
}

func TestDutyCycleReq(t *testing.T) {
	p := joined(t, lorawan.V1_0_4, Profile{DataRate: 5, Channels: []uint32{869525000}})
	p.d.mem.P.MaxDutyCycle = 10
	tx, _ := p.say("a")
	p.send(Message{Port: 1})
	if gap := p.next().Start.Sub(tx.Start); gap < tx.Airtime*1024 || gap > tx.Airtime*1025 {
		t.Errorf("%v after a frame of %v, want 1,024 times as much", gap, tx.Airtime)
	}
}

// TestChannelsAtRandom: all channels are used about as often.
func TestChannelsAtRandom(t *testing.T) {
	p := newPair(t, lorawan.V1_0_3, true, Profile{DataRate: 5, Channels: []uint32{867100000, 867300000, 867500000, 867700000, 867900000}})
	used := map[uint8]int{}
	for range 1600 {
		tx, _ := p.say("a")
		used[tx.Channel]++
		p.now = p.now.Add(10 * time.Minute)
	}
	for ch := range uint8(8) {
		if used[ch] < 140 || used[ch] > 260 {
			t.Errorf("channel %d was used %d times of 1,600: %v", ch, used[ch], used)
		}
	}
}
