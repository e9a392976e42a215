package bridge

import (
	"bytes"
	"errors"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"meldefunk/city"
)

// keptHead is how many bytes of a message are kept that is larger than max_message: enough
// to see what it is.
const keptHead = 64 << 10

// receive is called by paho's one goroutine for incoming messages. While it blocks, paho
// reads nothing more, the socket fills, and the broker keeps the rest.
func (c *session) receive(_ mqtt.Client, m mqtt.Message) {
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
		m.Ack()
		return
	}
	arrival := s.arrival(m)
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
// this message alone.
func (s *Server) arrival(m mqtt.Message) city.Arrival {
	message := &city.Message{Server: s.cfg.Name, Topic: m.Topic(), Body: m.Payload(), Received: s.now()}
	if size := len(message.Body); size > s.cfg.MaxMessage {
		s.metrics.tooLarge.Inc()
		message.Body = bytes.Clone(message.Body[:min(size, keptHead)]) // a part would hold the whole
		return city.Arrival{Message: *message, Err: city.Reject(city.ReasonTooLarge, "message of %d bytes: max_message is %d", size, s.cfg.MaxMessage)}
	}
	event, err := s.dialect.Parse(message)
	if err != nil {
		s.metrics.malformed.Inc()
		var rejection *city.Rejection
		if !errors.As(err, &rejection) {
			err = city.Reject(city.ReasonMalformed, "%v", err)
		}
		return city.Arrival{Message: *message, Err: err}
	}
	s.metrics.event(event.Kind)
	return city.Arrival{Message: *message, Event: event}
}
