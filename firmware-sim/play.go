package sim

import (
	"bytes"
	"container/heap"
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"meldefunk/city"
)

// Clock is the time a city is played in. It may run faster than the world's.
type Clock interface {
	Now() time.Time
	// Until returns when t has come, at once when it is past, or with ctx's error.
	Until(ctx context.Context, t time.Time) error
}

// Run plays the city from clock's present on until ctx ends, and then returns nil. It
// calls publish for one message after another, each when its time has come; a duplicate
// is published twice. The body belongs to publish. Any error of enc, clock or publish
// ends the play and is returned; a publisher that wants to survive an outage of its
// broker retries by itself. Run starts no goroutines.
func (c *City) Run(ctx context.Context, enc Encoder, publish func(ctx context.Context, topic string, body []byte) error, clock Clock) error {
	p := c.begin(clock.Now())
	for ctx.Err() == nil {
		m, ok, err := p.next(enc)
		if err != nil {
			return err
		}
		if !ok {
			return nil
		}
		if err := clock.Until(ctx, m.at); err != nil {
			return ended(ctx, fmt.Errorf("wait for %s: %w", m.at.Format(time.RFC3339), err))
		}
		for range m.copies {
			if err := publish(ctx, m.topic, bytes.Clone(m.body)); err != nil {
				return ended(ctx, fmt.Errorf("publish to %s: %w", m.topic, err))
			}
		}
	}
	return nil
}

// ended makes nothing of an error that only says that ctx is done.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// Events plays the city from one moment to another without waiting, and calls emit for
// each message before to, in order of time. at is when the network server would publish
// it; body is valid until emit returns. The messages are those of Run started at from.
// An error of enc or emit ends the play and is returned.
func (c *City) Events(from, to time.Time, enc Encoder, emit func(at time.Time, topic string, body []byte) error) error {
	p := c.begin(from)
	for {
		m, ok, err := p.next(enc)
		if err != nil {
			return err
		}
		if !ok || !m.at.Before(to) {
			return nil
		}
		for range m.copies {
			if err := emit(m.at, m.topic, m.body); err != nil {
				return err
			}
		}
	}
}

// play is a city in the course of time.
type play struct {
	cfg   Config
	queue queue

	// Room to work in, so that a message costs no allocation.
	event  upEvent
	values [8]city.Value
	body   []byte
}

// message is what the network server publishes at a time, once or twice. Its body is
// valid until the next one.
type message struct {
	at     time.Time
	topic  string
	body   []byte
	copies int
}

func (c *City) begin(at time.Time) *play {
	p := &play{cfg: c.cfg}
	moment := uint64(at.UnixNano())
	for i, s := range c.sites {
		world := rand.New(rand.NewPCG(c.cfg.Seed^moment, uint64(2*i)))
		radio := rand.New(rand.NewPCG(c.cfg.Seed^moment, uint64(2*i+1)))
		d := newSensor(s, &start{at: at, rng: world, role: s.role, weather: c.weather}, radio)
		due, _ := d.due()
		p.queue = append(p.queue, turn{at: due, number: i, sensor: d})
	}
	heap.Init(&p.queue)
	return p
}

// next gives the next message; false when no sensor is left.
func (p *play) next(enc Encoder) (message, bool, error) {
	for len(p.queue) > 0 {
		turn := &p.queue[0]
		m, heard, err := p.take(turn.sensor, turn.at, enc)
		if err != nil {
			return message{}, false, err
		}
		if due, alive := turn.sensor.due(); alive {
			turn.at = due
			heap.Fix(&p.queue, 0)
		} else {
			heap.Pop(&p.queue)
		}
		if heard {
			return m, true, nil
		}
	}
	return message{}, false, nil
}

// take lets a sensor do what is due; false when nobody hears it.
func (p *play) take(d *sensor, t time.Time, enc Encoder) (m message, heard bool, err error) {
	e := &p.event
	e.deduplicationID = newUUID(d.rng.Uint64(), d.rng.Uint64())
	e.deviceInfo = d.deviceInfo
	e.devAddr = d.devAddr
	e.time = t
	m = message{at: t.Add(deduplicationDelay), copies: 1}

	if !d.joined {
		d.joined = true
		d.clock = t.Add(span(d.rng, joinTakes, joinTakesTo))
		p.body = e.joinEvent.append(p.body[:0])
		m.topic, m.body = d.joinTopic, p.body
		return m, true, nil
	}

	e.fPort, e.payload, err = d.speak(t, enc, p.values[:0])
	if err != nil {
		return m, false, err
	}
	e.fCnt = d.fCnt
	d.fCnt++
	channel := d.rng.IntN(len(channels))
	e.frequency = channels[channel].frequency
	e.spreadingFactor = d.site.link.sf
	e.receptions = d.site.link.receive(d.rng, t, channel, e.receptions[:0])
	for i := range e.receptions {
		if e.receptions[i].gateway.gnss {
			e.time = t.Truncate(time.Millisecond) // satellite time goes first, and comes in milliseconds
		}
	}
	// Drawn last, and always: a city with more loss says the same, only less of it.
	lost, twice := d.rng.Float64() < p.cfg.Loss, d.rng.Float64() < p.cfg.Duplicates
	if lost && !t.Before(d.heard) {
		return m, false, nil
	}
	if twice {
		m.copies = 2
	}
	p.body = e.append(p.body[:0])
	m.topic, m.body = d.upTopic, p.body
	return m, true, nil
}
