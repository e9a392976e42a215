package sim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"meldefunk/city"
	"meldefunk/firmware-sim/events"
	"meldefunk/firmware-sim/mac"
)

// The models of the city, as the decoder table names them.
const (
	binModel  = "milesight/em310-udl"
	treeModel = "dragino/lse01"
	bayModel  = "bosch/tps110"
)

// Encoder makes payload bytes as a model's firmware would. It is called once per frame,
// from one goroutine per play, and must not block; the payload is read before the next
// call. A bay's frame is a heartbeat when it carries a temperature, else a change.
type Encoder interface {
	Encode(model string, values []city.Value) (port uint8, payload []byte, err error)
}

// When devices speak. One reading per hour is what batteries of city sensors are usually
// set to; the vendors' defaults differ (LSE01: 20 minutes).
const (
	jitterShare = 20               // one part in so many of the period, either way, so that devices do not march in step
	firstAfter  = 10 * time.Second // from the session to the first measurement, at least
	firstWithin = time.Minute      // and at most; less where all are switched on sooner
)

// sensor is a device in the course of time: the application on top of its radio.
type sensor struct {
	number    int // position in the layout
	site      *site
	place     place
	patient   *patient
	weather   weather
	rng       *rand.Rand // application and air; place and radio have their own
	period    time.Duration
	settles   time.Duration // from a session to the first measurement, at most
	confirmed bool

	radio   *mac.Device
	battery battery
	info    *events.Device
	epoch   uint32         // of the device: sessions, and starts without memory
	session events.Session // as the network server last told of it
	told    uint32         // and its epoch there
	forgets bool           // restarts cost it its memory

	booted  time.Time
	dies    time.Time     // zero: not in this play
	safe    time.Time     // no frame is lost before
	clock   time.Time     // when it measures next by its own clock; zero: not before it has a session
	spoken  bool          // it has measured in this session: what stirred before was in the first frame
	upset   time.Time     // next reboot, rejoin or counter reset; zero: none
	upsets  FaultKind     // which of them
	down    *downlink     // on its way to the device, nil: none
	windows [2]mac.Window // in which it listens after its last frame

	tag     uint64
	waiting []said // measurements that the radio has not sent yet
	sent    *sent  // the last that went on air, and what became of it is open; nil: known
	alive   bool
	turn    int // its place in the queue, or idle
}

// said is a measurement in the radio's queue.
type said struct {
	tag  uint64
	what SentUplink
}

// downlink is a frame that the network sends to a device.
type downlink struct {
	at     time.Time
	window uint8
	frame  []byte
	snr    float64
	epoch  uint32 // of the session it is sent in, or grants
}

func (p *play) newSensor(s *site, number int, begin *start, radio *mac.Device, rng *rand.Rand) *sensor {
	d := &sensor{
		number: number, site: s, place: s.begin(begin), patient: p.plan.newPatient(s.device.DevEUI), weather: begin.weather,
		turn: idle, rng: rng, period: p.city.cfg.Period, settles: min(firstWithin, p.city.cfg.Devices.BootWithin), radio: radio, battery: newBattery(rng, begin.at), info: p.info(s), alive: true,
		confirmed: lot(p.city.cfg.Seed, lotConfirmed, euiNumber(s.device.DevEUI)) < p.city.cfg.Devices.Confirmed,
	}
	d.booted = begin.at.Add(span(rng, 0, p.city.cfg.Devices.BootWithin))
	if s.role.inStory() {
		d.booted = begin.at.Add(span(rng, time.Second, storyBoot))
		d.safe = begin.at.Add(storyHeard)
	}
	if s.role == dying {
		d.dies = begin.at.Add(span(rng, firstDeath, lastDeath))
	}
	d.nextUpset(p.plan, begin.at)
	return d
}

// nextUpset looks for the next moment at which a fault makes the device start anew.
func (d *sensor) nextUpset(plan *faultPlan, after time.Time) {
	d.upset = time.Time{}
	for _, kind := range [...]FaultKind{FaultReboot, FaultRejoin, FaultCounters} {
		if s, ok := plan.next(kind, d.site.device.DevEUI, after); ok && (d.upset.IsZero() || s.from.Before(d.upset)) {
			d.upset, d.upsets = s.from, kind
		}
	}
}

// due is when the device does something next; false: never again.
func (d *sensor) due() (time.Time, bool) {
	if !d.alive {
		return time.Time{}, false
	}
	at := d.booted
	sooner := func(t time.Time) {
		if !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	if at.IsZero() { // it is switched on
		sooner(d.clock)
		if d.spoken {
			sooner(d.place.stirs())
		}
		if next, ok := d.radio.Next(); ok {
			sooner(next)
		}
		if d.down != nil {
			sooner(d.down.at)
		}
	}
	sooner(d.upset)
	if !d.dies.IsZero() {
		sooner(d.dies)
	}
	return at, !at.IsZero()
}

// measure looks at the place at t and puts a frame into the radio's queue.
func (d *sensor) measure(p *play, t time.Time) error {
	byClock := !t.Before(d.clock)
	if byClock {
		jitter := d.period / jitterShare
		d.clock = t.Add(span(d.rng, d.period-jitter, d.period+jitter))
	}
	d.spoken = true
	values := d.place.sense(t, p.values[:0])
	if d.patient.silent(t) {
		return nil
	}
	what := SentUplink{Device: d.site.device.DevEUI, At: t, ClockError: d.patient.clockError(t)}
	if !d.site.unknown {
		what.Asset = d.site.asset.ID
	}
	values, what.Faults = d.patient.feel(t, values, nil)
	d.battery.rest(t)
	d.radio.SetBattery(uint8(1 + math.Round(d.charge(t)/100*253))) // 1 is empty, 254 full
	celsius := d.weather.air(wall(t))
	switch d.site.device.Model {
	case binModel:
		values = append(values, city.Value{Quantity: city.BatteryLevel, Number: round(d.charge(t), 1)})
	case treeModel:
		values = append(values, city.Value{Quantity: city.BatteryVoltage, Number: round(d.battery.volts(celsius), 1000)})
	case bayModel:
		if byClock {
			values = append(values, city.Value{Quantity: city.Temperature, Number: round(celsius, 1)})
		}
	}
	port, payload, blind, err := d.frame(p.encoder, values, t)
	if err != nil {
		return fmt.Errorf("encode a frame of device %s (%s): %w", d.site.device.DevEUI, d.site.device.Model, err)
	}
	if blind {
		what.Faults = append(what.Faults, FaultBlind)
	}
	port, payload = d.spoil(p.plan, t, port, payload, &what)
	d.tag++
	if err := d.radio.Send(t, mac.Message{Port: port, Payload: payload, Confirmed: d.confirmed, Tag: d.tag}); err != nil {
		return nil // too long for the data rate, or switched off: nobody will ever hear of it
	}
	if p.manifest != nil {
		what.Port, what.Payload = port, append([]byte(nil), payload...)
		if !blind && !garbled(&what) {
			what.Sent = append([]city.Value(nil), values...)
		}
		what.World = d.place.state(t, nil)
	}
	if len(d.waiting) == buffered { // the radio has dropped the oldest
		d.waiting = slices.Delete(d.waiting, 0, 1)
	}
	d.waiting = append(d.waiting, said{d.tag, what})
	return nil
}

// frame makes the payload. A blind sensor says so in its own way.
func (d *sensor) frame(enc Encoder, values []city.Value, t time.Time) (port uint8, payload []byte, blinded bool, err error) {
	blinded = d.site.role == blind || d.site.role == brokenProbe || d.patient.blind(t)
	switch {
	case blinded && d.site.device.Model == binModel:
		port, payload = blindFrame(d.charge(t))
	case blinded && d.site.device.Model == treeModel:
		port, payload = brokenProbeFrame(d.battery.volts(d.weather.air(wall(t))))
	default:
		blinded = false // a bay's sensor has no way to say it
		port, payload, err = enc.Encode(d.site.device.Model, values)
	}
	return port, payload, blinded, err
}

// spoil makes a payload that no firmware sends, where a fault wants it so.
func (d *sensor) spoil(plan *faultPlan, t time.Time, port uint8, payload []byte, what *SentUplink) (uint8, []byte) {
	id := d.site.device.DevEUI
	for _, kind := range [...]FaultKind{FaultRandom, FaultTruncated, FaultPort, FaultHuge} {
		s, now := plan.device(kind, id, t)
		if !now || !plan.hits(s, id, t) {
			continue
		}
		what.Faults = append(what.Faults, kind)
		switch kind {
		case FaultRandom:
			payload = append([]byte(nil), payload...)
			for i := range payload {
				payload[i] = byte(d.rng.Uint32())
			}
		case FaultTruncated:
			payload = payload[:d.rng.IntN(len(payload))]
		case FaultPort:
			port = 200 + uint8(d.rng.IntN(20))
		case FaultHuge:
			payload = make([]byte, maxPayload(d.radio.DataRate()))
			for i := range payload {
				payload[i] = byte(d.rng.Uint32())
			}
		}
	}
	return port, payload
}

// garbled tells whether the payload says nothing that was measured any more.
func garbled(what *SentUplink) bool {
	return slices.ContainsFunc(what.Faults, func(kind FaultKind) bool {
		return kind == FaultRandom || kind == FaultTruncated || kind == FaultHuge
	})
}

// maxPayload at a data rate, with room for an answer to the network.
func maxPayload(rate uint8) int { return band.MaxPayload(rate) - 15 }

// charge of the battery in %, that of a dying one from a few to none.
func (d *sensor) charge(t time.Time) float64 {
	if d.dies.IsZero() {
		return d.battery.charge()
	}
	const last = 6
	return last * clamp(d.dies.Sub(t).Seconds()/(lastDeath-storyBoot).Seconds(), 0, 1)
}
