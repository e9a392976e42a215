package sim

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"meldefunk/city"
	"meldefunk/firmware-sim/events"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon of a working day in autumn, 11:00 UTC.
var noon = time.Date(2026, 10, 14, 11, 0, 0, 0, time.UTC)

// truthOfPlay plays and gives the manifest, read back.
func truthOfPlay(t *testing.T, p Play, from time.Time, length time.Duration) Truth {
	t.Helper()
	var text bytes.Buffer
	p.Manifest = NewManifest(&text)
	if err := p.Events(from, from.Add(length), func(Message) error { return nil }); err != nil {
		t.Fatal(err)
	}
	truth, err := ReadManifest(&text)
	if err != nil {
		t.Fatal(err)
	}
	return truth
}

// upEvent is the little of an up event of ChirpStack v4 that tests look at.
type upEvent struct {
	Time       time.Time
	DeviceInfo struct{ DevEUI city.EUI }
	DevAddr    string
	Dr         uint8
	FCnt       uint32
	FPort      uint8
	Data       []byte
	RxInfo     []struct {
		Rssi int
		Snr  float64
	}
}

func decodeUp(t *testing.T, body []byte) *upEvent {
	t.Helper()
	var up upEvent
	if err := json.Unmarshal(body, &up); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return &up
}

// eachUp plays and gives each up event.
func eachUp(t *testing.T, p Play, from, to time.Time, take func(m Message, up *upEvent)) {
	t.Helper()
	err := p.Events(from, to, func(m Message) error {
		if strings.HasSuffix(m.Topic, "/up") {
			take(m, decodeUp(t, m.Body))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// digest of all that a city publishes, and of its manifest.
func digest(t *testing.T, p Play, from time.Time, length time.Duration) string {
	t.Helper()
	h := sha256.New()
	p.Manifest = NewManifest(h)
	err := p.Events(from, from.Add(length), func(m Message) error {
		_, err := fmt.Fprintln(h, m.At.UnixNano(), m.Topic, m.Retained, string(m.Body))
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return string(h.Sum(nil))
}

// ways out of the city: every network server, and gateways that publish too.
var ways = []struct {
	name   string
	server events.Server
	bridge events.Bridge
}{
	{"ChirpStack v4", events.V4{}, nil},
	{"ChirpStack v4, protobuf", events.V4Protobuf{}, nil},
	{"ChirpStack v3", events.V3{}, nil},
	{"The Things Stack", events.Things{}, nil},
	{"bridge v4, JSON", events.V4{}, events.BridgeV4{Prefix: "eu868", Encoding: events.JSONOfForwarder}},
	{"bridge v4, protobuf", events.V4{}, events.BridgeV4{Prefix: "eu868", Encoding: events.Protobuf}},
	{"bridge v3", events.V3{}, events.BridgeV3{}},
}

func TestSameSeedSameBytes(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Bins, cfg.Trees, cfg.Bays, cfg.Faults = 30, 10, 10, everyFault()
	other := cfg
	other.Seed++
	seen := map[string]string{}
	for _, way := range ways {
		play := func(cfg Config, from time.Time) string {
			return digest(t, Play{City: New(cfg), Encoder: &tinyEncoder{}, Server: way.server, Bridge: way.bridge}, from, 8*time.Hour)
		}
		first := play(cfg, noon)
		if twin, ok := seen[first]; ok {
			t.Errorf("%s publishes what %s does", way.name, twin)
		}
		seen[first] = way.name
		for name, c := range map[string]struct {
			cfg  Config
			from time.Time
			same bool
		}{
			"again":                   {cfg, noon, true},
			"start in another zone":   {cfg, noon.In(time.FixedZone("CEST", 2*3600)), true},
			"another seed":            {other, noon, false},
			"a nanosecond later":      {cfg, noon.Add(1), false},
			"the same hour next year": {cfg, noon.AddDate(1, 0, 0), false},
		} {
			t.Run(way.name+", "+name, func(t *testing.T) {
				if got := play(c.cfg, c.from) == first; got != c.same {
					t.Errorf("same bytes: %v, want %v", got, c.same)
				}
			})
		}
	}
}

func TestACityMayBePlayedTwiceAtOnce(t *testing.T) {
	c := New(DefaultConfig())
	play := func() string { return digest(t, Play{City: c, Encoder: &tinyEncoder{}}, noon, 3*time.Hour) }
	first := make(chan string)
	go func() { first <- play() }()
	second := play()
	if <-first != second {
		t.Error("two plays of one city differ")
	}
}

// TestTheTruthDoesNotDependOnTheWayOut: whoever publishes, and whoever is told, what
// happens is the same.
func TestTheTruthDoesNotDependOnTheWayOut(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Bins, cfg.Trees, cfg.Bays, cfg.Faults = 30, 10, 10, everyFault()
	c := New(cfg)
	var first string
	for _, way := range ways {
		truth := truthOfPlay(t, Play{City: c, Encoder: &tinyEncoder{}, Server: way.server, Bridge: way.bridge}, noon, 12*time.Hour)
		got := write(t, truth)
		if first == "" {
			first = got
		}
		if got != first || len(truth.Uplinks) < 500 {
			t.Errorf("%s: another truth, of %d uplinks", way.name, len(truth.Uplinks))
		}
	}
}

// TestLossTakesFramesAway: of what devices send. They send other frames for it, because
// joins and confirmed frames are sent again; what they measure is as much.
func TestLossTakesFramesAway(t *testing.T) {
	frames := func(loss float64) (all, lost int) {
		cfg := DefaultConfig()
		cfg.Loss, cfg.Duplicates, cfg.Story, cfg.Devices = loss, 0, false, Devices{}
		for _, u := range truthOfPlay(t, Play{City: New(cfg), Encoder: &tinyEncoder{}}, noon, 30*time.Hour).Uplinks {
			all++
			if u.Lost {
				lost++
			}
		}
		return all, lost
	}
	all, none := frames(0)
	if none != 0 {
		t.Errorf("%d of %d frames lost by nobody", none, all)
	}
	fewer, lost := frames(0.4)
	if share := float64(lost) / float64(fewer); share < 0.37 || share > 0.43 || float64(fewer) < 0.95*float64(all) {
		t.Errorf("%d of %d frames lost, want 40 %%; with a good radio %d were sent", lost, fewer, all)
	}
}

func TestEventsInOrderAndWithinBounds(t *testing.T) {
	to := noon.Add(6 * time.Hour)
	last := noon
	err := Play{City: New(DefaultConfig()), Encoder: &tinyEncoder{}}.Events(noon, to, func(m Message) error {
		if m.At.Before(last) || !m.At.Before(to) {
			t.Fatalf("message at %s after one at %s, to be before %s", m.At, last, to)
		}
		last = m.At
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestEverybodySpeaksWithinThirtyMinutes(t *testing.T) {
	c := New(DefaultConfig())
	joins := map[string]bool{}
	for _, r := range c.Registrations() {
		joins[r.DevEUI.String()] = r.Personalised == nil
	}
	joined, spoke := map[string]bool{}, map[string]bool{}
	err := Play{City: c, Encoder: &tinyEncoder{}}.Events(noon, noon.Add(30*time.Minute), func(m Message) error {
		device := strings.Split(m.Topic, "/")[3]
		switch {
		case strings.HasSuffix(m.Topic, "/join"):
			joined[device] = true
		case joins[device] && !joined[device]:
			t.Errorf("%s speaks before it joined", device)
		default:
			spoke[device] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	silent := 0
	for device, otaa := range joins {
		if joined[device] && !otaa {
			t.Errorf("%s joins, which it should not", device)
		}
		if !spoke[device] {
			silent++
		}
	}
	if len(joins) != 321 {
		t.Errorf("%d devices on the air, want the 320 listed and one unknown", len(joins))
	}
	if share := float64(silent) / 321; share > 0.08 {
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
	eachUp(t, Play{City: c, Encoder: &tinyEncoder{}}, from, from.Add(length), func(m Message, up *upEvent) {
		id := up.DeviceInfo.DevEUI
		d := all[id]
		if d == nil {
			d = &tally{devAddrs: map[string]bool{}, dataRates: map[uint8]bool{}}
			all[id] = d
		}
		if want := "application/7d0c4a52-93be-4f5d-a6c1-5f0e2b8d9a31/device/" + id.String() + "/event/up"; m.Topic != want {
			t.Errorf("topic %s, want %s", m.Topic, want)
		}
		if string(m.Body) == last {
			d.repeats++
			return
		}
		last = string(m.Body)
		d.counters = append(d.counters, up.FCnt)
		d.times = append(d.times, up.Time)
		d.devAddrs[up.DevAddr] = true
		d.gateways[len(up.RxInfo)]++
		if up.FPort != 0 {
			d.payloads = append(d.payloads, up.Data)
			d.ports = append(d.ports, up.FPort)
		}
		d.dataRates[up.Dr] = true
		for _, rx := range up.RxInfo {
			if rx.Rssi > -20 || rx.Rssi < -145 || rx.Snr < -20 || rx.Snr > 12.5 {
				t.Errorf("%s: RSSI %d dBm, SNR %v dB", id, rx.Rssi, rx.Snr)
			}
		}
	})
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

func TestRolesOfTheStory(t *testing.T) {
	c := New(DefaultConfig())
	const played = 48 * time.Hour
	day := tallyOf(t, c, noon, played)
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
		if silence := noon.Add(played).Sub(d.times[len(d.times)-1]); silence > 12*time.Hour {
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
	cfg := Config{Seed: 7, Bins: 20, Trees: 5, Bays: 5, Period: time.Hour, Story: true, Duplicates: 0.1}
	var want []string
	var truth, again bytes.Buffer
	p := Play{City: New(cfg), Encoder: &tinyEncoder{}, Manifest: NewManifest(&truth)}
	err := p.Events(noon, noon.Add(5*time.Hour), func(m Message) error {
		want = append(want, m.Topic+string(m.Body))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var got []Message // kept: the bodies belong to publish
	p.Manifest = NewManifest(&again)
	clock := &lapse{now: noon}
	err = p.Run(ctx, func(_ context.Context, m Message) error {
		if !clock.now.Equal(m.At) {
			t.Errorf("published at %s, want %s", clock.now, m.At)
		}
		got = append(got, m)
		if len(got) == len(want) {
			cancel()
		}
		return nil
	}, clock)
	if err != nil {
		t.Fatalf("a cancelled run ends with %v, want nil", err)
	}
	if len(want) < 100 || len(got) != len(want) {
		t.Fatalf("%d messages of Run, %d of Events", len(got), len(want))
	}
	for i := range want {
		if got[i].Topic+string(got[i].Body) != want[i] {
			t.Fatalf("message %d:\n got %s\nwant %s", i, got[i].Topic+string(got[i].Body), want[i])
		}
	}
	// Run ended a little earlier, so frames sent after the last message are not in its truth.
	heard := func(text *bytes.Buffer) (all []string) {
		truth, err := ReadManifest(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range truth.Uplinks {
			if !u.Lost {
				all = append(all, u.ID())
			}
		}
		return all
	}
	if a, b := heard(&truth), heard(&again); len(a) < 100 || !slices.Equal(a, b) {
		t.Errorf("Events tells of %d uplinks that were heard, Run of %d", len(a), len(b))
	}
}

type failing struct{}

func (failing) Encode(string, []city.Value) (uint8, []byte, error) {
	return 0, nil, errors.New("no table")
}

func TestErrorsEndThePlay(t *testing.T) {
	boom := errors.New("boom")
	publish := func(context.Context, Message) error { return nil }
	const noTable = "encode a frame of device 024f53fffe010001 (milesight/em310-udl): no table"
	for name, c := range map[string]struct {
		run  func(Play) error
		want string
	}{
		"encoder": {func(p Play) error { p.Encoder = failing{}; return p.Run(t.Context(), publish, &lapse{now: noon}) }, noTable},
		"encoder, Events": {func(p Play) error {
			p.Encoder = failing{}
			return p.Events(noon, noon.Add(time.Hour), func(Message) error { return nil })
		}, noTable},
		"publish": {func(p Play) error {
			return p.Run(t.Context(), func(context.Context, Message) error { return boom }, &lapse{now: noon})
		}, "publish to application/7d0c4a52-93be-4f5d-a6c1-5f0e2b8d9a31/device/024f53fffe010001/event/join: boom"},
		"emit": {func(p Play) error {
			return p.Events(noon, noon.Add(time.Hour), func(Message) error { return boom })
		}, "boom"},
		"clock": {func(p Play) error { return p.Run(t.Context(), publish, &lapse{now: noon, err: boom}) }, ": boom"},
		"nobody": {func(p Play) error {
			p.City = New(Config{Bins: 1, Period: time.Hour, Faults: []Fault{{Kind: FaultLoss, Devices: []string{"PK-9999"}}}})
			return p.Run(t.Context(), publish, &lapse{now: noon})
		}, `fault 1, loss: "PK-9999" is not in this city`},
		"manifest": {func(p Play) error {
			p.Manifest = NewManifest(full{})
			return p.Events(noon, noon.Add(time.Hour), func(Message) error { return nil })
		}, "write the manifest: no space left"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.run(Play{City: New(Config{Bins: 1, Period: time.Hour}), Encoder: &tinyEncoder{}})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestTimeDoesNotGoBack: things happen one after another, and what a device measures it
// measures after it was switched on.
func TestTimeDoesNotGoBack(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Faults = everyFault()
	var text bytes.Buffer
	p, err := Play{City: New(cfg), Encoder: &tinyEncoder{}, Manifest: NewManifest(&text)}.begin(noon)
	if err != nil {
		t.Fatal(err)
	}
	last, end := noon, noon.Add(12*time.Hour)
	steps := 0
	for ; ; steps++ {
		at, ok := p.soonest()
		if !ok || !at.Before(end) {
			break
		}
		if at.Before(last) {
			t.Fatalf("something happens at %s after %s", at, last)
		}
		last = at
		messages, err := p.step()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range messages {
			if !m.At.Equal(at) {
				t.Fatalf("a message of %s at %s", m.At, at)
			}
		}
	}
	if steps < 10_000 {
		t.Errorf("%d steps: too few to mean anything", steps)
	}
	if err := p.finish(end); err != nil {
		t.Fatal(err)
	}
}
