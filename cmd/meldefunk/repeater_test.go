package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// unacknowledged is how many messages a publisher sends before the first must be acknowledged.
const unacknowledged = 512

// repeater is a network server's MQTT client as it should be (MQTT 3.1.1 section 4.4): it
// publishes with QoS 1 in the order given, and when the connection was lost it repeats, in
// that order and marked DUP, what was not acknowledged. paho's own client is of no use as a
// witness: its token for a message is done as soon as the message is sent again.
type repeater struct {
	address, user, password string
	in                      chan published // closed: that was all
	room                    chan struct{}  // holds one for each message in flight

	mu       sync.Mutex
	pending  []*packets.PublishPacket // not acknowledged, oldest first
	lastID   uint16
	sessions int
	repeated int // messages sent with DUP
}

func newRepeater(address, user, password string) *repeater {
	return &repeater{address: address, user: user, password: password, in: make(chan published), room: make(chan struct{}, unacknowledged)}
}

// run publishes until in is closed and everything is acknowledged, or ctx ends.
func (p *repeater) run(ctx context.Context) error {
	for {
		err := p.session(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		select { // the other side is restarting
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// session is one connection. Without an error everything is done.
func (p *repeater) session(ctx context.Context) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", p.address)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if err := p.connect(conn); err != nil {
		return errors.Join(err, conn.Close())
	}
	lost := make(chan struct{})
	go func() {
		defer close(lost)
		p.listen(bufio.NewReader(conn))
	}()
	err = p.publish(conn, lost)
	if err == nil {
		err = packets.NewControlPacket(packets.Disconnect).Write(conn)
	}
	_ = conn.Close() // ends listen
	<-lost
	return err
}

func (p *repeater) connect(conn net.Conn) error {
	c := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
	c.ProtocolName, c.ProtocolVersion, c.ClientIdentifier, c.Keepalive = "MQTT", 4, "chirpstack", 60
	if p.user != "" {
		c.UsernameFlag, c.PasswordFlag, c.Username, c.Password = true, true, p.user, []byte(p.password)
	}
	if err := errors.Join(conn.SetDeadline(time.Now().Add(10*time.Second)), c.Write(conn)); err != nil {
		return err
	}
	answer, err := packets.ReadPacket(conn)
	if err != nil {
		return err
	}
	if a, is := answer.(*packets.ConnackPacket); !is || a.ReturnCode != packets.Accepted {
		return fmt.Errorf("refused: %s", answer)
	}
	return conn.SetDeadline(time.Time{})
}

var errLost = errors.New("connection lost")

// publish repeats what is pending, then goes on.
func (p *repeater) publish(to io.Writer, lost <-chan struct{}) error {
	p.mu.Lock()
	again := slices.Clone(p.pending)
	p.sessions++
	p.repeated += len(again)
	p.mu.Unlock()
	for _, m := range again {
		m.Dup = true
		if err := m.Write(to); err != nil {
			return err
		}
	}
	for {
		select {
		case p.room <- struct{}{}:
		case <-lost:
			return errLost
		}
		select {
		case m, more := <-p.in:
			if !more {
				<-p.room
				return p.rest(lost)
			}
			if err := p.keep(m).Write(to); err != nil {
				return err
			}
		case <-lost:
			<-p.room
			return errLost
		}
	}
}

// keep makes the packet of a message, which is pending from now on.
func (p *repeater) keep(m published) *packets.PublishPacket {
	packet := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	packet.Qos, packet.TopicName, packet.Payload = 1, m.topic, m.body
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lastID++; p.lastID == 0 { // section 2.3.1: not 0
		p.lastID = 1
	}
	packet.MessageID = p.lastID
	p.pending = append(p.pending, packet)
	return packet
}

// rest waits until nothing is in flight.
func (p *repeater) rest(lost <-chan struct{}) error {
	for range cap(p.room) {
		select {
		case p.room <- struct{}{}:
			defer func() { <-p.room }()
		case <-lost:
			return errLost
		}
	}
	return nil
}

// listen takes acknowledgements until the connection ends.
func (p *repeater) listen(from io.Reader) {
	for {
		packet, err := packets.ReadPacket(from)
		if err != nil {
			return
		}
		ack, is := packet.(*packets.PubackPacket)
		if !is {
			return
		}
		p.mu.Lock()
		i := slices.IndexFunc(p.pending, func(m *packets.PublishPacket) bool { return m.MessageID == ack.MessageID })
		if i >= 0 {
			p.pending = slices.Delete(p.pending, i, i+1)
			<-p.room
		}
		p.mu.Unlock()
	}
}
