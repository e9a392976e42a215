package sim

import (
	"bytes"
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"meldefunk/city"
	"meldefunk/firmware-sim/events"
	"meldefunk/firmware-sim/mac"
	"meldefunk/firmware-sim/network"
)

// Clock is the time a city is played in. It may run faster than the world's.
type Clock interface {
	Now() time.Time
	// Until returns when t has come, at once when it is past, or with ctx's error.
	Until(ctx context.Context, t time.Time) error
}

// Play is how a city is played: what it speaks, and who is told of it. It may be used any
// number of times, also at once, but for the Manifest.
type Play struct {
	City    *City
	Encoder Encoder
	Server  events.Server // the network server that publishes; nil: ChirpStack v4, JSON
	Bridge  events.Bridge // gateways publish each frame too; nil: they do not
	// Manifest is told the truth of every frame and episode; nil: nobody is.
	Manifest *Manifest
}

// Message is what a network server, or a gateway, publishes. Body is valid until the next
// one.
type Message struct {
	At       time.Time
	Topic    string
	Body     []byte
	Retained bool
}

// Run plays from clock's present on until ctx ends, and then returns nil. It calls publish
// for one message after another, each when its time has come. The body belongs to publish.
// Any error of the encoder, clock or publish ends the play and is returned; a publisher that
// wants to survive an outage of its broker retries by itself. Run starts no goroutines.
func (p Play) Run(ctx context.Context, publish func(ctx context.Context, m Message) error, clock Clock) error {
	run, err := p.begin(clock.Now())
	if err != nil {
		return err
	}
	if err := run.follow(ctx, publish, clock); err != nil && ctx.Err() == nil {
		return err
	}
	return run.finish(clock.Now())
}

// follow lets things happen when clock says so. Nothing happens before its time, so that
// the manifest tells of nothing that ctx has ended before.
func (p *play) follow(ctx context.Context, publish func(ctx context.Context, m Message) error, clock Clock) error {
	for ctx.Err() == nil {
		at, ok := p.soonest()
		if !ok {
			break
		}
		if err := clock.Until(ctx, at); err != nil {
			return fmt.Errorf("wait for %s: %w", at.Format(time.RFC3339), err)
		}
		messages, err := p.step()
		if err != nil {
			return err
		}
		for _, m := range messages {
			m.Body = bytes.Clone(m.Body)
			if err := publish(ctx, m); err != nil {
				return fmt.Errorf("publish to %s: %w", m.Topic, err)
			}
		}
	}
	return nil
}

// ErrEnough ends a play that needs no more: Events then returns nil.
var ErrEnough = errors.New("enough of the play")

// Events plays from one moment to another without waiting, and calls emit for each message
// before to, in order of time. The messages are those of Run started at from. An error of
// the encoder or emit ends the play and is returned, unless it is ErrEnough. However it
// ends, the manifest is complete up to there.
func (p Play) Events(from, to time.Time, emit func(Message) error) error {
	run, err := p.begin(from)
	if err != nil {
		return err
	}
	for {
		at, ok := run.soonest()
		if !ok || !at.Before(to) {
			return run.finish(to)
		}
		messages, err := run.step()
		for i := 0; err == nil && i < len(messages); i++ {
			err = emit(messages[i])
		}
		switch {
		case errors.Is(err, ErrEnough):
			return run.finish(at)
		case err != nil:
			return errors.Join(err, run.finish(at))
		}
	}
}

// play is a city in the course of time.
type play struct {
	city     *City
	encoder  Encoder
	server   events.Server
	bridge   events.Bridge
	manifest *Manifest
	weather  weather
	plan     *faultPlan
	network  *network.Server
	carrier  carrier // nil: frames go to network

	firmware [2][6]mac.Profile
	sensors  []*sensor
	byEUI    map[city.EUI]*sensor
	queue    queue
	arrivals arrivals
	serial   uint64

	out []Message // what is published of this step, in order

	// Room to work in.
	values     [8]city.Value
	body       []byte
	heard      []heard
	receptions []events.Reception
}

// begin switches the city on.
func (p Play) begin(at time.Time) (*play, error) {
	c := p.City
	run := &play{
		city: c, encoder: p.Encoder, server: p.Server, bridge: p.Bridge, manifest: p.Manifest,
		weather: newWeather(c.cfg.Seed, c.cfg.Weather, at), firmware: firmwares(c.cfg.Devices.ADR),
		byEUI: make(map[city.EUI]*sensor, len(c.sites)),
	}
	if run.server == nil {
		run.server = events.V4{}
	}
	var err error
	if run.plan, err = newFaultPlan(c.cfg.Faults, c.cfg.Seed, at, c.sites, gatewayNames()); err != nil {
		return nil, err
	}
	if run.network, err = network.New(network.Config{NetID: netID, ADR: c.cfg.Devices.ADR, Channels: moreChannels(), StatusEvery: 24 * time.Hour}); err != nil {
		return nil, err
	}
	moment := uint64(at.UnixNano())
	for i, s := range c.sites {
		source := func(what uint64) *rand.Rand {
			return rand.New(rand.NewPCG(c.cfg.Seed^moment, 4*uint64(i)+what))
		}
		begin := &start{at: at, rng: source(0), role: s.role, weather: run.weather}
		if run.manifest != nil && !s.unknown {
			begin.watch = newWatch(s.asset, s.device.DevEUI, c.cfg.Truth, run.tell)
		}
		forgets := run.plan.forgets(s)
		radio, err := run.register(s, i, forgets, source(1))
		if err != nil {
			return nil, err
		}
		d := run.newSensor(s, i, begin, radio, source(2))
		d.forgets = forgets
		run.sensors = append(run.sensors, d)
		run.byEUI[s.device.DevEUI] = d
		if due, ok := d.due(); ok {
			d.turn = len(run.queue.turns)
			run.queue.turns = append(run.queue.turns, turn{due, d})
		}
	}
	heap.Init(&run.queue)
	for i := range run.queue.turns {
		run.queue.note(i)
	}
	return run, nil
}

// moreChannels are the channels beside those that every device has.
func moreChannels() (hz []uint32) {
	for _, c := range concentrator[3:] {
		hz = append(hz, c.frequency)
	}
	return hz
}

// register makes a device and tells the network server of it.
func (p *play) register(s *site, number int, forgets bool, rng *rand.Rand) (*mac.Device, error) {
	d := p.city.registration(s, number, forgets)
	if err := p.network.Register(d); err != nil {
		return nil, err
	}
	firmware := &p.firmware[0][12-s.link.sf]
	if forgets {
		firmware = &p.firmware[1][12-s.link.sf]
	}
	return mac.New(mac.Identity{
		Version: d.Version, DevEUI: d.DevEUI, JoinEUI: d.JoinEUI, AppKey: d.AppKey, NwkKey: d.NwkKey, ABP: d.Personalised,
	}, firmware, rng)
}

// soonest is when something happens next; false when nothing ever will again.
func (p *play) soonest() (time.Time, bool) {
	var at time.Time
	if p.queue.Len() > 0 {
		at = p.queue.turns[0].at
	}
	if len(p.arrivals) > 0 && (at.IsZero() || !p.arrivals[0].at.After(at)) {
		at = p.arrivals[0].at
	}
	return at, !at.IsZero()
}

// step lets happen what happens next, and gives what is published of it, if anything. It is
// valid until the next step.
func (p *play) step() ([]Message, error) {
	p.out, p.body = p.out[:0], p.body[:0]
	if len(p.arrivals) > 0 && (p.queue.Len() == 0 || !p.arrivals[0].at.After(p.queue.turns[0].at)) {
		a := heap.Pop(&p.arrivals).(*arrival)
		if p.carrier != nil {
			p.carrier.carry(a)
		} else {
			p.arrive(a)
		}
		return p.out, nil
	}
	turn := p.queue.turns[0]
	if err := p.act(turn.sensor, turn.at); err != nil {
		return nil, err
	}
	p.queue.again(turn.sensor)
	return p.out, nil
}

// act lets a sensor do what is due at t.
func (p *play) act(d *sensor, t time.Time) error {
	switch {
	case !d.dies.IsZero() && !t.Before(d.dies), d.battery.empty():
		d.die(p, t)
	case !d.upset.IsZero() && !t.Before(d.upset):
		d.startAnew(p, t)
	case !d.booted.IsZero() && !t.Before(d.booted):
		d.booted = time.Time{}
		d.radio.Boot(t)
		d.begin(t, 1)
	case d.down != nil && !t.Before(d.down.at):
		d.hear(p, t)
	case !d.clock.IsZero() && (!t.Before(d.clock) || d.stirred(t)):
		return d.measure(p, t)
	default:
		p.transmit(d, t)
	}
	return nil
}

// stirred tells whether the place has woken the sensor.
func (d *sensor) stirred(t time.Time) bool {
	stirs := d.place.stirs()
	return d.spoken && !stirs.IsZero() && !t.Before(stirs)
}

// begin lets the application run once there is a session.
func (d *sensor) begin(t time.Time, epoch uint32) {
	d.spoken = false
	if !d.joined() {
		d.clock = time.Time{}
		return
	}
	d.epoch = epoch
	d.clock = t.Add(span(d.rng, min(firstAfter, d.settles), d.settles))
}

// joined tells whether the device has a session.
func (d *sensor) joined() bool {
	_, ok := d.radio.Session()
	return ok
}

// startAnew reboots the device or lets it join again. Nothing happens to one that is not
// switched on yet, and devices that never join do not do it on demand.
func (d *sensor) startAnew(p *play, t time.Time) {
	rejoins := d.upsets == FaultRejoin
	d.nextUpset(p.plan, t)
	if !d.booted.IsZero() {
		return
	}
	epoch := d.epoch
	if rejoins {
		if d.radio.Join(t); d.joined() {
			return
		}
		// What it has measured it sends in the next session.
	} else {
		d.radio.Boot(t)
		d.waiting = d.waiting[:0]
		if d.forgets {
			epoch++
		}
	}
	p.give(d)
	d.down = nil
	d.begin(t, epoch)
}

// die is the end of the battery.
func (d *sensor) die(p *play, t time.Time) {
	d.alive, d.down = false, nil
	d.radio.Off()
	p.give(d)
	if p.manifest != nil && d.site.role == dying {
		p.tell(Episode{Kind: DeviceDead, Asset: d.site.asset.ID, Device: d.site.device.DevEUI, From: t})
	}
}

// hear gives the device the frame that waits for it.
func (d *sensor) hear(p *play, t time.Time) {
	down := d.down
	d.down = nil
	got, err := d.radio.Receive(t, mac.Reception{PHYPayload: down.frame, Window: down.window, SNR: down.snr})
	if err == nil && got.Joined {
		d.begin(t, down.epoch)
	}
}

// finish closes the truth at the end of the play.
func (p *play) finish(end time.Time) error {
	if p.manifest == nil {
		return nil
	}
	for _, d := range p.sensors {
		p.give(d)
		d.place.finish(end)
		if d.site.role == blind || d.site.role == brokenProbe {
			p.tell(Episode{Kind: DeviceBlind, Asset: d.site.asset.ID, Device: d.site.device.DevEUI, From: p.plan.begin})
		}
	}
	slices.SortFunc(p.arrivals, func(a, b *arrival) int { return cmp.Compare(a.serial, b.serial) })
	for _, a := range p.arrivals { // still on their way
		switch s := a.of; {
		case s == nil || s.known:
		case s.Copies > 0:
			p.write(s)
		default:
			p.lose(s)
		}
	}
	p.plan.episodes(p.city.sites, end, p.tell)
	return p.manifest.Flush()
}

// tell writes an episode down. The manifest keeps its first error.
func (p *play) tell(e Episode) { _ = p.manifest.Episode(e) }
