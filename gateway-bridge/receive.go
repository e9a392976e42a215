package bridge

import (
	"bytes"
	"errors"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/prometheus/client_golang/prometheus"

	"meldefunk/city"
)

// keptHead is how many bytes of a message are kept that is larger than max_message: enough
// to see what it is.
const keptHead = 64 << 10

// receive is called by paho's one goroutine for incoming messages. While it blocks, paho
// reads nothing more, the socket fills, and the broker keeps the rest.
func (c *session) receive(_ mqtt.Client, m mqtt.Message) {
	size := c.cuts.next()
	if c.refused || c.ctx.Err() != nil {
		// Held, not dropped: dropping would race through the broker's whole queue.
		<-c.released
		return
	}
	s := c.server
	if m.Retained() {
		// What somebody else once left at the broker, not an event of now: taken, it
		// would be a new reading at every subscription.
		s.metrics.retained.Inc()
		if c.retained++; c.retained == manyRetained {
			s.warn(lossRetained, retainedWords)
		}
		m.Ack()
		return
	}
	if m.Qos() == 0 && s.assured.Load() {
		s.warn(lossPublisher, publisherWords)
	}
	arrival := s.arrival(m, size)
	arrival.Acker = &delivery{message: m, flight: c.flight}

	c.flight.start()
	s.offers.Store(arrival.Message.Received.UnixNano())
	err := s.offer(c.ctx, arrival)
	s.offers.Store(0)
	if err != nil {
		c.flight.end()
		c.refused = true
		c.broken <- &offerError{err}
		<-c.released
	}
}

// arrival has the dialect understand a message. The body is paho's own slice, made for
// this message alone. A message that was cut before was size bytes long; 0: it was not cut.
func (s *Server) arrival(m mqtt.Message, size int) city.Arrival {
	message := &city.Message{Server: s.cfg.Name, Topic: m.Topic(), Body: m.Payload(), Received: s.now()}
	if size = max(size, len(message.Body)); size > s.cfg.MaxMessage {
		message.Body = bytes.Clone(message.Body[:min(size, keptHead)]) // a part would hold the whole
		return understand(message, city.Reject(city.ReasonTooLarge, "message of %d bytes: max_message is %d", size, s.cfg.MaxMessage), s.dialect, s.metrics.counts)
	}
	return understand(message, nil, s.dialect, s.metrics.counts)
}

// understand makes an arrival of a message, which may be rejected already, and counts it.
func understand(m *city.Message, rejected *city.Rejection, d Dialect, counts *counts) city.Arrival {
	var event city.Event
	if rejected == nil {
		var err error
		if event, err = d.Parse(m); err != nil {
			var is bool
			if rejected, is = errors.AsType[*city.Rejection](err); !is {
				rejected = city.Reject(city.ReasonMalformed, "%v", err)
			}
		}
	}
	switch {
	case rejected == nil:
		counts.event(event.Kind)
		return city.Arrival{Message: *m, Event: event}
	case rejected.Reason == city.ReasonTooLarge:
		counts.tooLarge.Inc()
	default:
		counts.malformed.Inc()
	}
	return city.Arrival{Message: *m, Err: rejected}
}

// understanding has messages understood in the network server's dialect, and counted.
func (c Config) understanding(reg prometheus.Registerer) (Dialect, func(*city.Message, *city.Rejection) city.Arrival, error) {
	d, _ := dialect(c.Dialect)
	counts, err := newCounts(reg, c.Name)
	return d, func(m *city.Message, rejected *city.Rejection) city.Arrival {
		return understand(m, rejected, d, counts)
	}, err
}
