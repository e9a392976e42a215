package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/pipeline"
	"meldefunk/rules"
	"meldefunk/storage/sqlite"
)

// block is a road on a real store with real rules and some assets, A-1, A-2 and so on, each
// with a device of its number, all on one tour. Its clock is moved by hand.
type block struct {
	t     *testing.T
	dir   string
	kind  city.Kind
	size  byte
	set   atomic.Pointer[rules.Set]
	cfg   pipeline.Config
	store *sqlite.Store

	mu   sync.Mutex
	at   time.Time
	away []string // network servers that are deaf

	road   *pipeline.Road
	stop   context.CancelFunc
	ended  chan error
	serial uint64
	refs   int
	fcnt   map[byte]uint32
	reg    *prometheus.Registry
	assets map[string]*city.Asset
}

// blockStart is noon in UTC, 13:00 in Osnabrück.
var blockStart = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// numbered is the EUI of a block's device.
func numbered(n byte) city.EUI { return city.EUI{7: n} }

const (
	fullRule = `rules:
  - {id: full, kind: bin, quantity: fill_level, open: ">= 90 %", clear: "<= 30 %", readings: 1, clear_readings: 1, service: OS-ABF-01, title: voll}
`
	silentRule = `rules:
  - {id: silent, kind: any, open: {silent: 3 periods, at_least: 1h}, service: OS-SEN-01, title: still}
`
)

func newBlock(t *testing.T, kind city.Kind, size byte, file string) *block {
	t.Helper()
	b := &block{t: t, dir: t.TempDir(), kind: kind, size: size, at: blockStart, cfg: pipeline.DefaultConfig(),
		fcnt: map[byte]uint32{}, assets: map[string]*city.Asset{}}
	b.cfg.Tick = time.Minute // away are we after twelve
	for n := range size {
		id := fmt.Sprintf("A-%d", n+1)
		b.assets[id] = &city.Asset{ID: id, Kind: kind, Tour: "5", Address: "Domhof 4"}
	}
	b.rules(file)
	b.begin()
	t.Cleanup(b.end)
	return b
}

func (b *block) rules(file string) {
	b.t.Helper()
	set, err := rules.Load("rules.yaml", []byte(file))
	if err != nil {
		b.t.Fatal(err)
	}
	b.set.Store(set)
}

func (b *block) Recall(name string, kept []byte) (city.Mind, error) {
	return b.set.Load().Recall(name, kept)
}
func (b *block) Adopt(a *city.Asset, open []city.Standing) (city.Mind, []city.Verdict) {
	return b.set.Load().Adopt(a, open)
}
func (b *block) Step(was city.Mind, s *city.Sight) (city.Mind, []city.Verdict, []city.Share) {
	return b.set.Load().Step(was, s)
}
func (b *block) PerHour(rule string) int { return b.set.Load().PerHour(rule) }

func (b *block) Find(_ string, devEUI city.EUI) (*city.Device, city.Hangings, bool) {
	id := fmt.Sprintf("A-%d", devEUI[7])
	a, found := b.Asset(id)
	return &city.Device{DevEUI: devEUI, Model: "test/one-byte", Asset: id}, city.Hangings{{Asset: a}}, found
}
func (b *block) Asset(id string) (*city.Asset, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a, found := b.assets[id]
	return a, found
}

// put has the inventory know an asset, drop no longer.
func (b *block) put(a *city.Asset) {
	b.mu.Lock()
	b.assets[a.ID] = a
	b.mu.Unlock()
}
func (b *block) drop(id string) {
	b.mu.Lock()
	delete(b.assets, id)
	b.mu.Unlock()
}
func (b *block) Devices(id string) []*city.Device {
	var n byte
	_, _ = fmt.Sscanf(id, "A-%d", &n)
	return []*city.Device{{DevEUI: numbered(n), Asset: id}}
}

// Decode takes the only byte for what matters of the kind.
func (b *block) Decode(_ *city.Device, a *city.Asset, u *city.Uplink, r *city.Reading) error {
	q := city.FillLevel
	if a.Kind == city.Parking {
		q = city.Occupied
	}
	r.Values = append(r.Values, city.Value{Quantity: q, Number: float64(u.Payload[0])})
	return nil
}
func (b *block) Lane(string) string { return "" }

func (b *block) Deaf() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.away
}

func (b *block) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.at
}

// begin starts a road.
func (b *block) begin() {
	b.t.Helper()
	var err error
	if b.store, err = sqlite.Open(context.Background(), b.dir, zerolog.Nop()); err != nil {
		b.t.Fatal(err)
	}
	b.reg = prometheus.NewRegistry()
	b.road = pipeline.New(b.cfg, pipeline.Parts{
		Inventory: b, Decoder: b, Judge: b, Store: b.store, Hearing: b, Follow: func(*city.Commit) {},
		Ref: func() string { b.refs++; return fmt.Sprintf("S-%08d", b.refs) }, Now: b.now,
	}, zerolog.Nop(), b.reg)
	ctx, stop := context.WithCancel(context.Background())
	b.stop, b.ended = stop, make(chan error, 1)
	go func() { b.ended <- b.road.Run(ctx) }()
}

// end stops it, once.
func (b *block) end() {
	if b.stop == nil {
		return
	}
	b.stop()
	if err := <-b.ended; err != nil {
		b.t.Error(err)
	}
	if err := b.store.Close(); err != nil {
		b.t.Error(err)
	}
	b.stop = nil
}

func (b *block) restart() { b.t.Helper(); b.end(); b.begin() }

// gauge reads a metric of the road.
func (b *block) gauge(name string) float64 {
	b.t.Helper()
	all, err := b.reg.Gather()
	if err != nil {
		b.t.Fatal(err)
	}
	for _, f := range all {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	b.t.Fatalf("there is no metric %s", name)
	return 0
}

// done is told once.
type done chan struct{}

func (d done) Ack() { close(d) }

// settle waits until the road has carried everything so far.
func (b *block) settle() {
	b.t.Helper()
	d := done(make(chan struct{}))
	b.serial++
	if err := b.road.Offer(context.Background(), city.Arrival{
		Message: city.Message{Server: "ns", Topic: "t", Body: fmt.Appendf(nil, "status %d", b.serial), Received: b.now()},
		Event:   city.Event{Kind: city.EventStatus, DevEUI: city.EUI{9}}, Acker: d,
	}); err != nil {
		b.t.Fatal(err)
	}
	<-d
}

// jump moves the clock, and nobody notices.
func (b *block) jump(minutes float64) {
	b.mu.Lock()
	b.at = b.at.Add(time.Duration(minutes * float64(time.Minute)))
	b.mu.Unlock()
}

// pass lets time pass, with ticks.
func (b *block) pass(minutes float64) {
	b.t.Helper()
	for ; minutes > 0; minutes -= 10 {
		b.jump(min(minutes, 10))
		if err := b.road.Tick(context.Background()); err != nil {
			b.t.Fatal(err)
		}
		b.settle()
	}
}

// frame is one of a device, sent minutes ago.
func (b *block) frame(device, value byte, ago float64) city.Arrival {
	b.serial++
	b.fcnt[device]++
	now := b.now()
	return city.Arrival{
		Message: city.Message{Server: "ns", Topic: "t", Body: fmt.Appendf(nil, "up %d", b.serial), Received: now}, Acker: nobody{},
		Event: city.Event{Kind: city.EventUp, DevEUI: numbered(device), Uplink: city.Uplink{
			Server: "ns", DevEUI: numbered(device), Session: "s", FCnt: b.fcnt[device], FPort: 1, Payload: []byte{value},
			Time:     city.Stamp{At: now.Add(-time.Duration(ago * float64(time.Minute))), Source: city.TimeGateway},
			Received: now, Ident: b.serial, Radio: city.Radio{Gateway: "g1"},
		}},
	}
}

// send offers frames of a device that come now.
func (b *block) send(arrivals ...city.Arrival) {
	b.t.Helper()
	for _, a := range arrivals {
		if err := b.road.Offer(context.Background(), a); err != nil {
			b.t.Fatal(err)
		}
	}
	b.settle()
}

// want compares the cases: "full A-1", followed by "held", "closed" or "revoked" and the grade
// where there is one.
func (b *block) want(what string, want ...string) {
	b.t.Helper()
	cases, err := b.store.Cases(b.t.Context(), false, 1000)
	if err != nil {
		b.t.Fatal(err)
	}
	var got []string
	for _, c := range cases {
		text := c.Case.Rule + " " + c.Case.Asset + c.Case.Group
		if c.Case.Held {
			text += " held"
		}
		if c.Case.Revoked {
			text += " revoked"
		} else if !c.Case.Wanted() {
			text += " closed"
		}
		if c.Case.Grade > 1 {
			text += fmt.Sprint(" ", c.Case.Grade)
		}
		got = append(got, text)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		b.t.Errorf("%s: cases\n got %q\nwant %q", what, got, want)
	}
}

// decided lists what was decided: "12 opened full A-1", the minute by event time in front.
func (b *block) decided() (all []string) {
	b.t.Helper()
	rulings, err := b.store.DecisionsAfter(b.t.Context(), 0, 10_000)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, d := range rulings {
		all = append(all, strings.TrimSpace(fmt.Sprintf("%g %s %s %s%s %s", d.At.Sub(blockStart).Minutes(), d.Change, d.Rule, d.Asset, d.Group, d.Muted)))
	}
	return all
}

// The newest eight readings are thought over when one comes late: a case is opened that should
// have been, or taken back.
func TestLateReadingsAreThoughtOver(t *testing.T) {
	b := newBlock(t, city.Bin, 2, `rules:
  - {id: full, kind: bin, quantity: fill_level, open: ">= 90 %", clear: "<= 30 %", for: 20m, max_gap: 2h, clear_readings: 1, service: OS-ABF-01, title: voll}
`)
	b.jump(60)
	b.send(b.frame(1, 95, 60), b.frame(1, 95, 0))
	b.want("two in a row", "full A-1")
	b.send(b.frame(1, 20, 30))
	b.want("one came late between them", "full A-1 revoked")
	b.send(b.frame(2, 95, 60), b.frame(2, 20, 0))
	b.want("full and emptied", "full A-1 revoked")
	b.send(b.frame(2, 96, 30)) // full for half an hour then, and over by now
	b.want("over before anybody knew", "full A-1 revoked")
	cases, err := b.store.Cases(t.Context(), false, 10)
	if err != nil || len(cases) != 1 || !cases[0].Case.Revoked || cases[0].Case.ClosedSince != (time.Time{}) {
		t.Errorf("taken back: %+v, %v", cases, err)
	}
	rulings, err := b.store.Decisions(t.Context(), cases[0].Case.Ref)
	if err != nil || len(rulings) != 2 || rulings[0].Change != "opened" || rulings[1].Change != "revoked" || !rulings[1].Late || len(rulings[1].Readings) == 0 {
		t.Errorf("decisions about it: %+v, %v", rulings, err)
	}
}

// Whoever is silent is told of, unless nobody could hear him: because we were not there, or
// the broker, or our clock jumped.
func TestSilenceWithDeafTime(t *testing.T) {
	heard := func(t *testing.T) *block {
		b := newBlock(t, city.Bin, 1, silentRule)
		for range 6 {
			b.send(b.frame(1, 50, 0))
			b.pass(10)
		}
		b.send(b.frame(1, 50, 0))
		return b
	}
	t.Run("silent", func(t *testing.T) {
		b := heard(t)
		b.pass(59)
		b.want("within its hour")
		b.pass(10)
		b.want("beyond it", "silent A-1")
		b.send(b.frame(1, 50, 0))
		b.want("heard again", "silent A-1 closed")
	})
	t.Run("we were down", func(t *testing.T) {
		b := heard(t)
		b.end()
		b.jump(120)
		b.begin()
		b.pass(50)
		b.want("the time away does not count")
		b.restart()
		b.pass(9)
		b.want("nor after another restart")
		b.pass(20)
		b.want("but what came after it", "silent A-1")
	})
	t.Run("the broker was away", func(t *testing.T) {
		b := heard(t)
		b.away = []string{"ns"}
		b.pass(60)
		b.restart()
		b.pass(60)
		b.want("while it is away")
		b.away = nil
		b.pass(60) // of which the first ten and two of grace do not count
		b.want("the time away does not count, with a restart in it")
		b.pass(20)
		b.want("but what came after it", "silent A-1")
	})
	t.Run("another broker was away", func(t *testing.T) {
		b := heard(t)
		b.away = []string{"other"}
		b.pass(70)
		b.want("ours was there", "silent A-1")
	})
	t.Run("our clock jumped", func(t *testing.T) {
		b := heard(t)
		b.jump(24 * 60)
		b.pass(10)
		b.want("ahead")
		b.jump(-24 * 60)
		b.pass(30)
		b.want("and back")
	})
}

// What holds by itself opens on time, without a reading and after a restart.
func TestHoldOpensOnTime(t *testing.T) {
	for _, restarts := range []bool{false, true} {
		b := newBlock(t, city.Parking, 1, `rules:
  - {id: blocked, kind: parking, quantity: occupied, open: "= true", evidence: hold, max_gap: 6h, for: 1h, readings: 1, clear_readings: 1, service: OS-PRK-01, title: belegt}
`)
		b.pass(10)
		b.send(b.frame(1, 1, 0))
		b.pass(50)
		b.want("not yet")
		if restarts {
			b.restart()
		}
		b.pass(10)
		b.want("an hour", "blocked A-1")
		if got := b.decided(); len(got) != 2 || got[1] != "70 opened blocked A-1" {
			t.Errorf("decided %q", got)
		}
		b.send(b.frame(1, 0, 0))
		b.want("free", "blocked A-1 closed")
		b.end()
	}
}

// Nothing that holds is decided on what may be out of date: a broker's backlog comes first.
func TestBacklogComesBeforeTime(t *testing.T) {
	b := newBlock(t, city.Parking, 1, `rules:
  - {id: blocked, kind: parking, quantity: occupied, open: "= true", evidence: hold, max_gap: 6h, for: 1h, readings: 1, clear_readings: 1, service: OS-PRK-01, title: belegt}
`)
	b.pass(10)
	b.send(b.frame(1, 1, 0))
	b.pass(10)
	b.end()
	b.jump(120)
	b.begin()
	b.pass(1)
	b.send(b.frame(1, 0, 100)) // free after half an hour, and the broker has kept it
	b.pass(60)
	b.want("it was freed in time")
}

// Quiet hours delay, also over a restart.
func TestQuietHoursDelay(t *testing.T) {
	b := newBlock(t, city.Bin, 2, strings.Replace(fullRule, "service:", `quiet: "12:00-15:00", service:`, 1)) // noon UTC is 13:00
	b.pass(10)
	b.send(b.frame(1, 95, 0), b.frame(2, 95, 0))
	b.want("quiet")
	b.send(b.frame(2, 20, 0))
	b.restart()
	b.pass(105)
	b.want("still quiet")
	b.pass(10)
	b.want("over", "full A-1")
}

// A rule gone wild may bring so many cases in an hour; the others wait, and one tells of them.
func TestSafetyBrake(t *testing.T) {
	b := newBlock(t, city.Bin, 12, strings.Replace(fullRule, "service:", "per_hour: 5, service:", 1))
	b.pass(10)
	for n := range byte(12) {
		b.send(b.frame(n+1, 95, 0))
	}
	open := func(n byte, more ...string) []string {
		for i := range byte(12) {
			text := fmt.Sprintf("full A-%d", i+1)
			if i >= n {
				text += " held"
			}
			more = append(more, text)
		}
		return more
	}
	b.want("at once", open(5, "full rule:full")...)
	held := 0
	for _, line := range b.decided() {
		if strings.Contains(line, "moved full") && strings.Contains(line, "Sicherheitsbremse") {
			held++
		}
	}
	if held != 7 {
		t.Errorf("%d decisions tell of the brake, want 7: %q", held, b.decided())
	}
	b.restart()
	b.pass(50)
	b.want("within the hour", open(5, "full rule:full")...)
	b.pass(10)
	b.want("an hour later", open(10, "full rule:full")...)
	b.restart()
	b.pass(50)
	b.send(b.frame(12, 20, 0)) // over before it was ever told of
	b.pass(20)
	b.want("two hours later", slices.Concat(slices.DeleteFunc(open(12), func(s string) bool { return s == "full A-12" }),
		[]string{"full A-12 closed", "full rule:full closed"})...)
	cases, err := b.store.Cases(t.Context(), false, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if c.Case.Asset == "A-12" && c.Ticket.State != city.TicketCancelled {
			t.Errorf("a case that was over while it waited: %s", c.Ticket.State)
		}
		if c.Case.Group != "" && (c.Case.Title == "" || c.Case.Service != "OS-ABF-01") {
			t.Errorf("the case that tells of the others: %+v", c.Case)
		}
	}
}

// One case for a tour, with its members, open while any of them is.
func TestGroupedCase(t *testing.T) {
	b := newBlock(t, city.Bin, 3, strings.Replace(fullRule, "service:", "group_by: tour, service:", 1))
	b.pass(10)
	b.send(b.frame(1, 95, 0), b.frame(2, 95, 0))
	b.restart()
	b.send(b.frame(3, 95, 0))
	b.want("all three", "full tour:5")
	cases, err := b.store.Cases(t.Context(), true, 10)
	if err != nil || len(cases) != 1 || !slices.Equal(cases[0].Case.Members, []string{"A-1", "A-2", "A-3"}) {
		t.Errorf("members: %+v, %v", cases, err)
	}
	b.send(b.frame(1, 20, 0), b.frame(2, 20, 0))
	b.want("one is left", "full tour:5")
	b.send(b.frame(3, 20, 0))
	b.want("none is left", "full tour:5 closed")
}

// A gateway that is down is one case, not one for each of its devices; when it is back, who is
// still silent is told of.
func TestGatewayDownMutesItsDevices(t *testing.T) {
	b := newBlock(t, city.Bin, 5, `rules:
  - {id: gateway-down, kind: any, over: gateway, member: {open: {silent: 3 periods}}, open: {share: ">= 30 %", members: 5}, service: OS-GWY-01, title: Gateway}
  - {id: silent, kind: any, open: {silent: 3 periods, at_least: 1h}, inhibited_by: [gateway-down], service: OS-SEN-01, title: still}
`)
	all := func(devices ...byte) {
		for _, n := range devices {
			b.send(b.frame(n, 50, 0))
		}
	}
	for range 6 {
		all(1, 2, 3, 4, 5)
		b.pass(10)
	}
	b.pass(40)
	b.want("half an hour and more", "gateway-down gateway:g1")
	b.restart()
	b.pass(60)
	b.want("two hours", "gateway-down gateway:g1")
	all(1, 2, 3, 4) // and not 5
	b.pass(10)
	b.want("back", "gateway-down gateway:g1 closed", "silent A-5")
}

// New rules: what they mean otherwise begins anew, what is gone closes its cases, and who is
// silent is looked at as well.
func TestRethink(t *testing.T) {
	b := newBlock(t, city.Bin, 2, fullRule)
	b.pass(10)
	b.send(b.frame(1, 95, 0), b.frame(2, 80, 0))
	b.want("before", "full A-1")
	b.rules(strings.NewReplacer("90", "70", "full", "fuller").Replace(fullRule))
	if err := b.road.Rethink(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.pass(10)
	b.want("after", "full A-1 closed", "fuller A-1", "fuller A-2")
	b.end()
	b.rules(silentRule)
	b.begin()
	b.pass(10)
	b.want("after a restart", "full A-1 closed", "fuller A-1 closed", "fuller A-2 closed")
	b.pass(60)
	b.want("an hour later", "full A-1 closed", "fuller A-1 closed", "fuller A-2 closed", "silent A-1", "silent A-2")
}

// Cases from a time before minds were kept are closed by their rule.
func TestAdoptedCases(t *testing.T) {
	b := newBlock(t, city.Bin, 2, fullRule)
	old := city.Case{Ref: "S-OLD00001", Rule: "full", Service: "OS-ABF-01", Asset: "A-1", Quantity: city.FillLevel, Value: 95, Limit: 90, Since: blockStart, Opened: blockStart}
	gone := old
	gone.Ref, gone.Rule, gone.Asset = "S-OLD00002", "retired", "A-2"
	b.end()
	store, err := sqlite.Open(t.Context(), b.dir, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	var states []city.AssetState
	for _, c := range []city.Case{old, gone} {
		states = append(states, city.AssetState{Asset: c.Asset, Judged: blockStart, Cases: []city.OpenCase{{Rule: c.Rule, Ref: c.Ref, Since: c.Since}}})
	}
	if err := store.Commit(t.Context(), &city.Commit{Cases: []city.Case{old, gone}, States: states}); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	b.begin()
	b.pass(10)
	b.send(b.frame(1, 50, 0), b.frame(2, 50, 0))
	b.want("adopted", "full A-1", "retired A-2 closed")
	b.send(b.frame(1, 20, 0))
	b.want("closed by its rule", "full A-1 closed", "retired A-2 closed")
}

// A restart at any point changes nothing: neither the cases nor what was decided, and when.
func TestRestartAtAnyPointChangesNothing(t *testing.T) {
	const file = `rules:
  - {id: full, kind: bin, quantity: fill_level, clear: "<= 30 %", for: 15m, quiet: "14:00-14:40", service: OS-ABF-01, title: voll, levels: [{open: ">= 80 %"}, {severity: 2, open: ">= 95 %", clear: "<= 88 %"}]}
  - {id: tour-full, kind: bin, over: tour, member: {quantity: fill_level, open: ">= 80 %", clear: "<= 70 %", readings: 1, clear_readings: 1}, open: {number: ">= 2"}, clear: {number: "<= 1"}, for: 20m, service: OS-ABF-04, title: Tour voll}
  - {id: silent, kind: any, open: {silent: 3 periods, at_least: 30m}, service: OS-SEN-01, title: still}
`
	play := func(restarts func(step int) bool) *block {
		b := newBlock(t, city.Bin, 3, file)
		b.pass(10)
		levels := []byte{10, 85, 86, 97, 98, 60, 20, 15, 85, 90, 92, 96, 20, 10}
		for step, level := range levels {
			if restarts(step) {
				b.restart()
			}
			b.send(b.frame(1, level, 0), b.frame(2, 100-level/2, 0))
			if step%5 == 0 {
				b.send(b.frame(3, level, 4), b.frame(3, 95, 7)) // the second comes late
			}
			if restarts(step + 100) {
				b.restart()
			}
			b.pass(10)
		}
		b.pass(60)
		return b
	}
	calm := play(func(int) bool { return false })
	decided := calm.decided()
	if len(decided) < 20 {
		t.Fatalf("only %d decisions: the story says too little: %q", len(decided), decided)
	}
	disturbed := play(func(step int) bool { return step%2 == 0 })
	if got := disturbed.decided(); !slices.Equal(got, decided) {
		t.Errorf("decided\n got %s\nwant %s", strings.Join(got, "\n     "), strings.Join(decided, "\n     "))
	}
	outcome := func(b *block) (all []string) {
		cases, err := b.store.Cases(t.Context(), false, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			c := c.Case
			all = append(all, fmt.Sprint(c.Ref, c.Rule, c.Asset, c.Group, c.Members, c.Grade, c.Value, c.Opened, c.Since, c.Closed, c.ClosedSince, c.Revoked))
		}
		return all
	}
	if got, want := outcome(disturbed), outcome(calm); !slices.Equal(got, want) {
		t.Errorf("cases\n got %s\nwant %s", strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}
