package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/decoders"
	"meldefunk/devices"
	sim "meldefunk/firmware-sim"
	bridge "meldefunk/gateway-bridge"
	"meldefunk/rules"
	"meldefunk/storage/sqlite"
)

// hurry is a clock that leaps to whatever somebody waits for: a city is played as fast as it is
// taken in. It never shows the same time twice.
type hurry struct {
	mu   sync.Mutex
	now  time.Time
	end  time.Time
	over context.CancelFunc // at the end
}

func (c *hurry) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(time.Microsecond)
	return c.now
}

func (c *hurry) Until(ctx context.Context, t time.Time) error {
	if t.After(c.end) {
		c.over()
		<-ctx.Done()
		return ctx.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.After(c.now) {
		c.now = t
	}
	return ctx.Err()
}

// TestReplayEqualsLive lets the demo city live for four days, or as many as MELDEFUNK_SCALE says,
// with its gateway that is down for a night, its weak battery and its blind sensors, and replays
// them: every decision must be the one that was made then, with all that is on its record.
func TestReplayEqualsLive(t *testing.T) {
	long(t, "a quarter of a minute")
	days := 4
	if text := os.Getenv("MELDEFUNK_SCALE"); text != "" {
		var err error
		if days, err = strconv.Atoi(text); err != nil || days < 1 {
			t.Fatalf("MELDEFUNK_SCALE=%s: want a number of days", text)
		}
	}
	begin := time.Date(2026, time.June, 1, 4, 0, 0, 0, time.UTC)
	end := begin.AddDate(0, 0, days)
	late := end.Add(12 * time.Hour)
	s, town := liveTown(t)
	store, err := sqlite.Open(t.Context(), s.Data, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	inventory, err := devices.New(town.Devices(), town.Assets(), decoders.New())
	if err != nil {
		t.Fatal(err)
	}
	set := touchy(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	clock := &hurry{now: begin, end: late, over: cancel}
	routes, err := loadRoutes(s, set)
	if err != nil {
		t.Fatal(err)
	}
	a, err := build(s, newFiles(nativeModels(), inventory, set, routes), store, clock.Now, "", zerolog.Nop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	if a.mqtt, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	a.ticks = time.Millisecond
	publisher := mqtt.NewClientOptions().AddBroker("mqtt://" + a.mqtt.Addr().String()).SetClientID("simulated-city").SetUsername("demo").SetPassword("demo-demo-demo-demo")
	if err := a.run(ctx, part{"simulated city", func(ctx context.Context) error { return play(ctx, town, publisher, clock) }}); err != nil {
		t.Fatal(err)
	}
	live := decisionsOf(t, store)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}

	view, err := sqlite.OpenView(t.Context(), s.Data)
	if err != nil {
		t.Fatal(err)
	}
	defer view.Close()
	p := &past{settings: s, inventory: inventory, view: view, zone: time.UTC}
	if err := p.readDeafness(t.Context()); err != nil {
		t.Fatal(err)
	}
	var printed bytes.Buffer
	span := sqlite.Span{From: begin, To: late, Gateways: set.WantsGateways()}
	if err := p.decided(t.Context(), set, span, begin, "", &printed, newBar(&bytes.Buffer{})); err != nil {
		t.Fatal(err)
	}
	var replayed []city.Decision
	for decoder := json.NewDecoder(&printed); decoder.More(); {
		var d city.Decision
		if err := decoder.Decode(&d); err != nil {
			t.Fatal(err)
		}
		replayed = append(replayed, d)
	}
	// What time brought at the very end may have waited for a tick that did not come any more.
	before := func(all []city.Decision) []city.Decision {
		return slices.DeleteFunc(all, func(d city.Decision) bool { return !d.Decided.Before(end) })
	}
	lived := before(live)
	replayed = before(replayed)
	about := 0
	for i := range lived {
		if strings.HasPrefix(lived[i].Group, "gateway:") {
			about++
		}
	}
	t.Logf("%d days: %d decisions lived, %d of them about gateways, %d replayed; deaf %v", days, len(lived), about, len(replayed), p.deaf)
	if len(lived) < 150*days || about == 0 {
		t.Error("too little was decided to compare")
	}
	sameDecisions(t, lived, replayed)
}

// touchy is the shipped rules, with gateways that are taken for down as soon as a few of their
// sensors are silent: that happens every day, so groups have much to decide and to mute.
func touchy(t *testing.T) *rules.Set {
	all := slices.Clone(rules.Default().Rules())
	for i := range all {
		if all[i].Over != rules.ByGateway {
			continue
		}
		all[i].Levels = slices.Clone(all[i].Levels)
		all[i].Levels[0].Open = all[i].Levels[0].Open.(rules.Limited).WithLimit(1)
	}
	set, err := rules.New(all, rules.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// decisionsOf are all that a store has.
func decisionsOf(t *testing.T, store *sqlite.Store) []city.Decision {
	t.Helper()
	rulings, err := store.DecisionsAfter(t.Context(), 0, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	all := make([]city.Decision, len(rulings))
	for i := range rulings {
		all[i] = rulings[i].Decision
	}
	return all
}

// sameDecisions compares decisions with all that is on their records, but for the order of those
// of one instant.
func sameDecisions(t *testing.T, lived, replayed []city.Decision) {
	t.Helper()
	records := func(all []city.Decision) []string {
		texts := make([]string, len(all))
		for i := range all {
			text, err := json.Marshal(all[i])
			if err != nil {
				t.Fatal(err)
			}
			texts[i] = fmt.Sprintf("%019d %s", all[i].Decided.UnixNano(), text)
		}
		slices.Sort(texts)
		return texts
	}
	live, replay := records(lived), records(replayed)
	same := 0
	var alone []string
	for len(live) > 0 || len(replay) > 0 {
		switch {
		case len(replay) == 0 || len(live) > 0 && live[0] < replay[0]:
			alone, live = append(alone, "only live:          "+live[0]), live[1:]
		case len(live) == 0 || replay[0] < live[0]:
			alone, replay = append(alone, "only in the replay: "+replay[0]), replay[1:]
		default:
			same++
			live, replay = live[1:], replay[1:]
		}
	}
	if len(alone) > 0 {
		t.Errorf("%d decisions are the same, %d are not, the first of them:\n%s", same, len(alone), strings.Join(alone[:min(6, len(alone))], "\n"))
	}
}

// liveTown is the demo city, and settings to take it in.
func liveTown(t *testing.T) (settings, *sim.City) {
	dir := write(t, map[string]string{"password": "demo-demo-demo-demo"})
	s := defaultSettings()
	s.Data, s.Board.Listen = filepath.Join(dir, "data"), "127.0.0.1:0"
	s.Road.Tick = 10 * time.Minute // as far as its clock is concerned
	s.Road.DeviceRate = 0
	s.NetworkServers = []networkServer{{Config: bridge.Config{Name: "demo", Dialect: "chirpstack-v4", Listen: &bridge.ListenConfig{Username: "demo", PasswordFile: filepath.Join(dir, "password")}}}}
	return s, sim.New(demoCity(1))
}

// TestReplayEqualsTroubledLife leads a block of houses through what can go wrong, at random: frames
// of many devices at one instant and late ones, restarts, times in which we or the broker were
// away, gateways that are silent, ticks that come seldom. A replay decides what was decided then.
func TestReplayEqualsTroubledLife(t *testing.T) {
	const size = 8
	seeds := uint64(2)
	if os.Getenv("MELDEFUNK_SCALE") != "" {
		seeds = 20
	}
	for kind, file := range map[city.Kind]string{
		city.Bin: `rules:
  - {id: full, kind: bin, quantity: fill_level, clear: "<= 30 %", for: 15m, quiet: "14:00-14:40", service: OS-ABF-01, title: voll, levels: [{open: ">= 80 %"}, {severity: 2, open: ">= 95 %", clear: "<= 88 %"}]}
  - {id: grouped, kind: bin, quantity: fill_level, open: ">= 90 %", clear: "<= 30 %", readings: 1, clear_readings: 1, group_by: tour, inhibited_by: [gateway-down], service: OS-ABF-02, title: voll}
  - {id: tour-full, kind: bin, over: tour, member: {quantity: fill_level, open: ">= 80 %", clear: "<= 70 %", readings: 1, clear_readings: 1}, open: {number: ">= 2"}, clear: {number: "<= 1"}, for: 20m, inhibited_by: [grouped], service: OS-ABF-04, title: Tour voll}
  - {id: gateway-down, kind: any, over: gateway, member: {open: {silent: 3 periods}}, open: {share: ">= 40 %", members: 3}, service: OS-GWY-01, title: Gateway}
  - {id: silent, kind: any, open: {silent: 3 periods, at_least: 30m}, inhibited_by: [gateway-down], service: OS-SEN-01, title: still}
`,
		city.Parking: `rules:
  - {id: gateway-down, kind: any, over: gateway, member: {open: {silent: 3 periods}}, open: {share: ">= 40 %", members: 3}, service: OS-GWY-01, title: Gateway}
  - {id: blocked, kind: parking, quantity: occupied, open: "= true", evidence: hold, max_gap: 3h, for: 40m, readings: 1, clear_readings: 1, inhibited_by: [gateway-down], service: OS-PRK-01, title: belegt}
  - {id: street, kind: parking, over: street, member: {quantity: occupied, open: "= true", for: 10m}, open: {share: ">= 60 %", members: 3}, for: 10m, service: OS-PRK-02, title: Straße voll}
`,
	} {
		for seed := range seeds {
			t.Run(fmt.Sprint(kind, " ", seed), func(t *testing.T) {
				b := newBlock(t, kind, size, file)
				b.end()
				b.cfg.CasesPerHour = 0 // the brake is the road's, and not in a replay
				b.begin()
				lead(b, rand.New(rand.NewPCG(seed, 6)), 250)
				lived := decisionsOf(t, b.store)
				b.end()
				replayed, deaf := replayBlock(t, b)
				t.Logf("%d decisions lived, %d replayed, deaf %d times", len(lived), len(replayed), len(deaf))
				if len(lived) < 150 || len(deaf) < 5 {
					t.Error("too little has happened to compare")
				}
				sameDecisions(t, lived, replayed)
			})
		}
	}
}

// lead leads a block through its time.
func lead(b *block, random *rand.Rand, steps int) {
	b.pass(10)
	silent := byte(0) // the gateway that is: 1 or 2
	for range steps {
		switch n := random.IntN(100); {
		case n < 3:
			b.restart()
		case n < 5: // we are down
			b.end()
			b.jump(60 * random.Float64())
			b.begin()
		case n < 9:
			b.deafen(random.IntN(2) == 0)
		case n < 12:
			silent = byte(random.IntN(3))
		case n < 20:
			b.jump(15 * random.Float64()) // without a tick, and now and then long enough to count as away
		case n < 40:
			b.pass(40 * random.Float64())
		default:
			b.jump(float64(random.IntN(8)))
			var frames []city.Arrival
			for device := byte(1); device <= byte(len(b.assets)); device++ {
				if 1+device%2 == silent || random.IntN(4) == 0 {
					continue
				}
				value := byte(random.IntN(2))
				if b.kind == city.Bin {
					value = byte(random.IntN(101))
				}
				ago := 0.0
				if random.IntN(5) == 0 {
					ago = float64(random.IntN(60))
				}
				a := b.frame(device, value, ago)
				a.Event.Uplink.Radio.Gateway = fmt.Sprint("g", 1+device%2)
				frames = append(frames, a)
			}
			b.send(frames...)
		}
	}
	b.deafen(false)
	b.pass(200)
}

// deafen has the network server away, or there.
func (b *block) deafen(away bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away = nil; away {
		b.away = []string{"ns"}
	}
}

// replayBlock replays what is stored of a block.
func replayBlock(t *testing.T, b *block) ([]city.Decision, []city.Deafness) {
	t.Helper()
	view, err := sqlite.OpenView(t.Context(), b.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer view.Close()
	p := &past{view: view}
	if err := p.readDeafness(t.Context()); err != nil {
		t.Fatal(err)
	}
	play := rules.NewPlay(b.set.Load(), p.deafness, p.heard)
	for n := range b.size {
		a, _ := b.Asset(fmt.Sprintf("A-%d", n+1))
		play.Cast(a, []city.Sensor{{DevEUI: numbered(n + 1), Server: "ns"}})
	}
	var all []city.Decision
	span := sqlite.Span{From: blockStart, To: b.now().Add(1), Gateways: true}
	_, err = p.play(t.Context(), []*rules.Play{play}, span, newBar(&bytes.Buffer{}), nil, func(_ int, said []rules.Said) {
		for i := range said {
			if d := said[i].Verdict.Record; d != nil {
				all = append(all, *d)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, p.deaf
}
