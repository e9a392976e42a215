package sim

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"meldefunk/city"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon of a working day in autumn, 11:00 UTC.
var noon = time.Date(2026, 10, 14, 11, 0, 0, 0, time.UTC)

// digest of all that a city publishes.
func digest(t *testing.T, c *City, from time.Time, length time.Duration) string {
	t.Helper()
	h := sha256.New()
	err := c.Events(from, from.Add(length), &tinyEncoder{}, func(at time.Time, topic string, body []byte) error {
		fmt.Fprintln(h, at.UnixNano(), topic, string(body))
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return string(h.Sum(nil))
}

func TestSameSeedSameBytes(t *testing.T) {
	berlin := time.FixedZone("CEST", 2*3600)
	cfg := DefaultConfig()
	other := cfg
	other.Seed++
	first := digest(t, New(cfg), noon, 12*time.Hour)
	for name, c := range map[string]struct {
		cfg  Config
		from time.Time
		same bool
	}{
		"again":                   {cfg, noon, true},
		"start in another zone":   {cfg, noon.In(berlin), true},
		"another seed":            {other, noon, false},
		"a nanosecond later":      {cfg, noon.Add(1), false},
		"the same hour next year": {cfg, noon.AddDate(1, 0, 0), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := digest(t, New(c.cfg), c.from, 12*time.Hour) == first; got != c.same {
				t.Errorf("same bytes: %v, want %v", got, c.same)
			}
		})
	}
}

func TestACityMayBePlayedTwiceAtOnce(t *testing.T) {
	c := New(DefaultConfig())
	first := make(chan string)
	go func() { first <- digest(t, c, noon, 3*time.Hour) }()
	second := digest(t, c, noon, 3*time.Hour)
	if <-first != second {
		t.Error("two plays of one city differ")
	}
}

func TestLossOnlyTakesMessagesAway(t *testing.T) {
	messages := func(loss float64) (all []string) {
		cfg := DefaultConfig()
		cfg.Loss, cfg.Duplicates = loss, 0
		err := New(cfg).Events(noon, noon.Add(30*time.Hour), &tinyEncoder{}, func(_ time.Time, topic string, body []byte) error {
			all = append(all, topic+string(body))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	all, some := messages(0), messages(0.4)
	if share := float64(len(some)) / float64(len(all)); share < 0.55 || share > 0.7 {
		t.Errorf("%d of %d messages left, want about 0.6", len(some), len(all))
	}
	i := 0
	for _, m := range all {
		if i < len(some) && some[i] == m {
			i++
		}
	}
	if i != len(some) {
		t.Errorf("message %d of the lossy city is none of the other's: %s", i, some[i])
	}
}

func TestEventsInOrderAndWithinBounds(t *testing.T) {
	to := noon.Add(6 * time.Hour)
	last := noon
	err := New(DefaultConfig()).Events(noon, to, &tinyEncoder{}, func(at time.Time, _ string, _ []byte) error {
		if at.Before(last) || !at.Before(to) {
			t.Fatalf("message at %s after one at %s, to be before %s", at, last, to)
		}
		last = at
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestEverybodySpeaksWithinThirtyMinutes(t *testing.T) {
	c := New(DefaultConfig())
	joined, spoke := map[string]bool{}, map[string]bool{}
	err := c.Events(noon, noon.Add(30*time.Minute), &tinyEncoder{}, func(_ time.Time, topic string, body []byte) error {
		device := strings.Split(topic, "/")[3]
		if strings.HasSuffix(topic, "/join") {
			joined[device] = true
			return nil
		}
		if !joined[device] {
			t.Errorf("%s speaks before it joined", device)
		}
		spoke[device] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	silent := 0
	for _, d := range c.Devices() {
		if !joined[d.DevEUI.String()] {
			t.Errorf("%s did not join", d.DevEUI)
		}
		if !spoke[d.DevEUI.String()] {
			silent++
		}
	}
	if len(joined) != 321 {
		t.Errorf("%d devices joined, want the 320 listed and one unknown", len(joined))
	}
	if share := float64(silent) / 320; share > 0.05 {
		t.Errorf("%.0f %% have not been heard: more than lost frames explain", share*100)
	}
}

// tally is what a day of one device looked like from outside.
type tally struct {
	counters  []uint32
	times     []time.Time
	devAddrs  map[string]bool
	repeats   int
	gateways  [4]int
	payloads  [][]byte
	ports     []uint8
	dataRates map[uint8]bool
}

func tallyOf(t *testing.T, c *City, from time.Time, length time.Duration) map[city.EUI]*tally {
	t.Helper()
	all := map[city.EUI]*tally{}
	var last string
	err := c.Events(from, from.Add(length), &tinyEncoder{}, func(_ time.Time, topic string, body []byte) error {
		if !strings.HasSuffix(topic, "/up") {
			return nil
		}
		up := decodeUp(t, body)
		d := all[up.DeviceInfo.DevEUI]
		if d == nil {
			d = &tally{devAddrs: map[string]bool{}, dataRates: map[uint8]bool{}}
			all[up.DeviceInfo.DevEUI] = d
		}
		if want := eventTopic(up.DeviceInfo.DevEUI, "up"); topic != want {
			t.Errorf("topic %s, want %s", topic, want)
		}
		if string(body) == last {
			d.repeats++
			return nil
		}
		last = string(body)
		d.counters = append(d.counters, up.FCnt)
		d.times = append(d.times, up.Time)
		d.devAddrs[up.DevAddr] = true
		d.gateways[len(up.RxInfo)]++
		d.payloads = append(d.payloads, up.payload)
		d.ports = append(d.ports, up.FPort)
		d.dataRates[up.Dr] = true
		for _, rx := range up.RxInfo {
			if rx.Rssi > -20 || rx.Rssi < -145 || rx.Snr < -20 || rx.Snr > 12.5 {
				t.Errorf("%s: RSSI %d dBm, SNR %v dB", up.DeviceInfo.DevEUI, rx.Rssi, rx.Snr)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestRadioOfADay(t *testing.T) {
	c := New(DefaultConfig())
	var sent, lost, repeats int
	var gateways [4]int
	rates := map[uint8]int{}
	for id, d := range tallyOf(t, c, noon, 24*time.Hour) {
		if len(d.devAddrs) != 1 {
			t.Errorf("%s has %d addresses in one session", id, len(d.devAddrs))
		}
		for i := 1; i < len(d.counters); i++ {
			if d.counters[i] <= d.counters[i-1] || !d.times[i].After(d.times[i-1]) {
				t.Errorf("%s: frame %d at %s follows %d at %s", id, d.counters[i], d.times[i], d.counters[i-1], d.times[i-1])
			}
		}
		frames := int(d.counters[len(d.counters)-1]) + 1
		sent += frames
		lost += frames - len(d.counters)
		repeats += d.repeats
		for n, times := range d.gateways {
			gateways[n] += times
		}
		for dr := range d.dataRates {
			rates[dr]++
		}
	}
	if share := float64(lost) / float64(sent); share < 0.01 || share > 0.03 {
		t.Errorf("%d of %d frames lost, want about 2 %%", lost, sent)
	}
	if share := float64(repeats) / float64(sent); share < 0.002 || share > 0.009 {
		t.Errorf("%d of %d messages repeated, want about 0.5 %%", repeats, sent)
	}
	if gateways[0] != 0 || gateways[1] == 0 || gateways[2] == 0 || gateways[3] == 0 {
		t.Errorf("frames by number of gateways: %v, want 1 to 3 and each of them", gateways)
	}
	if len(rates) < 3 {
		t.Errorf("devices by data rate: %v, want a mixture", rates)
	}
	t.Logf("%d frames, %d lost, %d repeated, by gateways %v, devices by data rate %v", sent, lost, repeats, gateways, rates)
}

func TestNoLossNoRepeats(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Loss, cfg.Duplicates = 0, 0
	for id, d := range tallyOf(t, New(cfg), noon, 12*time.Hour) {
		if d.repeats != 0 || int(d.counters[len(d.counters)-1])+1 != len(d.counters) {
			t.Errorf("%s: counters %v, %d repeats", id, d.counters, d.repeats)
		}
		if id[5] == bayNumbers && d.ports[0] != 2 {
			t.Errorf("%s: a bay's first frame is on port %d, want a heartbeat (2)", id, d.ports[0])
		}
	}
}

func TestFaults(t *testing.T) {
	c := New(DefaultConfig())
	day := tallyOf(t, c, noon, 24*time.Hour)
	listed := map[city.EUI]bool{}
	for _, d := range c.Devices() {
		listed[d.DevEUI] = true
	}
	var blinds, broken, dead, unknown int
	for id, d := range day {
		if !listed[id] {
			unknown++
		}
		last := d.payloads[len(d.payloads)-1]
		switch {
		case d.ports[0] == 85 && binary.LittleEndian.Uint16(last[5:]) == 0xffff:
			blinds++
		case d.ports[0] == 2 && len(last) == 11 && binary.BigEndian.Uint16(last[4:]) == 0xffff:
			broken++
		}
		if silence := noon.Add(24 * time.Hour).Sub(d.times[len(d.times)-1]); silence > 12*time.Hour {
			dead++
			if charge := last[2]; charge > 2 {
				t.Errorf("%s died with %d %% of its battery", id, charge)
			}
		}
	}
	if blinds != 1 || broken != 1 || dead != 1 || unknown != 1 {
		t.Errorf("%d blind, %d broken, %d dead, %d unknown: want one each", blinds, broken, dead, unknown)
	}
}

// lapse is a clock without waiting, as Run sees it.
type lapse struct {
	now time.Time
	err error
}

func (l *lapse) Now() time.Time { return l.now }

func (l *lapse) Until(ctx context.Context, t time.Time) error {
	if l.err != nil {
		return l.err
	}
	if t.After(l.now) {
		l.now = t
	}
	return ctx.Err()
}

func TestRunPlaysWhatEventsGives(t *testing.T) {
	cfg := Config{Seed: 7, Bins: 20, Trees: 5, Bays: 5, Duplicates: 0.1}
	var want []string
	err := New(cfg).Events(noon, noon.Add(5*time.Hour), &tinyEncoder{}, func(_ time.Time, topic string, body []byte) error {
		want = append(want, topic+string(body))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var topics []string
	var bodies [][]byte // kept: they belong to publish
	err = New(cfg).Run(ctx, &tinyEncoder{}, func(_ context.Context, topic string, body []byte) error {
		topics, bodies = append(topics, topic), append(bodies, body)
		if len(bodies) == len(want) {
			cancel()
		}
		return nil
	}, &lapse{now: noon})
	if err != nil {
		t.Fatalf("a cancelled run ends with %v, want nil", err)
	}
	if len(want) < 100 || len(bodies) < len(want) {
		t.Fatalf("%d messages of Run, %d of Events", len(bodies), len(want))
	}
	for i := range want {
		if topics[i]+string(bodies[i]) != want[i] {
			t.Fatalf("message %d:\n got %s\nwant %s", i, topics[i]+string(bodies[i]), want[i])
		}
	}
}

type failing struct{}

func (failing) Encode(string, []city.Value) (uint8, []byte, error) {
	return 0, nil, errors.New("no table")
}

func TestErrorsEndThePlay(t *testing.T) {
	boom := errors.New("boom")
	publish := func(context.Context, string, []byte) error { return nil }
	for name, c := range map[string]struct {
		run  func(*City) error
		want string
	}{
		"encoder": {func(c *City) error { return c.Run(t.Context(), failing{}, publish, &lapse{now: noon}) },
			"encode a frame of device 024f53fffe010001 (milesight/em310-udl): no table"},
		"encoder, Events": {func(c *City) error {
			return c.Events(noon, noon.Add(time.Hour), failing{}, func(time.Time, string, []byte) error { return nil })
		}, "encode a frame of device 024f53fffe010001 (milesight/em310-udl): no table"},
		"publish": {func(c *City) error {
			return c.Run(t.Context(), &tinyEncoder{}, func(context.Context, string, []byte) error { return boom }, &lapse{now: noon})
		}, "publish to application/" + applicationID + "/device/024f53fffe010001/event/join: boom"},
		"emit": {func(c *City) error {
			return c.Events(noon, noon.Add(time.Hour), &tinyEncoder{}, func(time.Time, string, []byte) error { return boom })
		}, "boom"},
		"clock": {func(c *City) error { return c.Run(t.Context(), &tinyEncoder{}, publish, &lapse{now: noon, err: boom}) }, "boom"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.run(New(Config{Bins: 1}))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func BenchmarkEvents(b *testing.B) {
	c := New(DefaultConfig())
	done := errors.New("done")
	messages, bytes := 0, 0
	b.ReportAllocs()
	for messages < b.N {
		err := c.Events(noon, noon.AddDate(1, 0, 0), &tinyEncoder{}, func(_ time.Time, _ string, body []byte) error {
			messages++
			bytes += len(body)
			if messages == b.N {
				return done
			}
			return nil
		})
		if err != nil && !errors.Is(err, done) {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(messages)/b.Elapsed().Seconds(), "messages/s")
	b.ReportMetric(float64(bytes)/float64(messages), "B/message")
}

func BenchmarkUpEvent(b *testing.B) {
	c := New(DefaultConfig())
	p := c.begin(noon)
	for p.event.frequency == 0 || len(p.event.receptions) != 2 {
		if _, _, err := p.next(&tinyEncoder{}); err != nil {
			b.Fatal(err)
		}
	}
	var body []byte
	b.ReportAllocs()
	for b.Loop() {
		body = p.event.append(body[:0])
	}
	b.SetBytes(int64(len(body)))
}
