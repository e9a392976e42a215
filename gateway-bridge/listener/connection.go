package listener

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"meldefunk/city"
)

const (
	// window is how many messages of a connection may wait for their commit at once. MQTT 5
	// is told it as the Receive Maximum; who sends more is not read from until there is
	// room.
	window = 1024
	// packetBound is how long a packet may take, once begun, for each mebibyte.
	packetBound = 30 * time.Second
	// writeBound is how long a publisher may take to read what it is answered.
	writeBound = 10 * time.Second
	// drainBound is how long the end of a connection waits for commits of what it sent.
	drainBound = 5 * time.Second

	// keptHead is how many bytes are kept of a message that is too large: enough to see what
	// it is.
	keptHead = 64 << 10
	// overhead is for topic and properties, beside the message.
	overhead = 68 << 10
	// largestPacket is in bytes, of those that carry no message.
	largestPacket = 64 << 10
)

// errLeft is a publisher that said DISCONNECT.
var errLeft = errors.New("it left")

// connection is one publisher from its login to its end. Three goroutines work on it: one
// reads packets, one offers messages to the road in their order, one writes answers, those
// to messages in the same order (section 4.6).
type connection struct {
	server    *Server
	publisher *Publisher
	hello     connect
	clientID  string // its own, or the one it was given
	conn      net.Conn
	in        *bufio.Reader

	live    context.Context // ends with the server, a takeover, or when all is over
	kill    context.CancelCauseFunc
	unwatch func() bool    // ends the watch over the server's end
	offers  chan *delivery // read and not yet offered
	order   chan *delivery // read and not yet acknowledged
	quick   chan []byte    // answers that need not wait for a commit
	gone    chan struct{}  // closed when nothing more is written
}

// run serves until the connection ends, and gives why.
func (c *connection) run() error {
	defer c.conn.Close()
	interrupt := context.AfterFunc(c.live, func() { _ = c.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer interrupt()
	offered := make(chan struct{})
	go func() { defer close(offered); c.offer() }()
	late, giveUp := context.WithCancel(context.Background())
	defer giveUp()
	farewell := make(chan *fault, 1)
	go func() { defer close(c.gone); c.write(late, farewell) }()

	why := c.read()
	if cause := context.Cause(c.live); cause != nil {
		why = cause
	}
	var f *fault
	errors.As(why, &f)
	farewell <- f
	// What was read is offered and acknowledged yet, for a while.
	close(c.offers)
	close(c.order)
	bound := time.AfterFunc(c.server.drain, giveUp)
	defer bound.Stop()
	<-c.gone
	c.kill(why)
	<-offered
	return why
}

// offer hands messages to the road. Once it takes nothing more, the rest is lost here; the
// publisher has it still.
func (c *connection) offer() {
	for d := range c.offers {
		if c.live.Err() == nil {
			a := c.publisher.Understand(&d.message, d.rejected)
			a.Acker = d
			err := c.server.offer(c.live, a)
			if err == nil {
				continue
			}
			c.kill(errBusy)
		}
		d.lose()
	}
}

// read takes packets until the connection ends.
func (c *connection) read() error {
	for {
		if err := c.await(); err != nil {
			return err
		}
		kind, flags, n, err := header(c.in)
		if err == nil && kind == typePublish {
			err = c.readPublish(flags, n)
		} else if err == nil {
			err = c.readOther(kind, flags, n)
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return fmt.Errorf("a packet took longer than %v", packetBound)
		}
		if err != nil {
			return err
		}
	}
}

// await waits for the first byte of a packet, one and a half times the keep-alive at most
// (section 3.1.2.10).
func (c *connection) await() error {
	var until time.Time // zero: the kernel finds out whether the other end is still there
	if c.hello.keepAlive > 0 {
		until = deadline(time.Duration(c.hello.keepAlive) * 1500 * time.Millisecond)
	}
	if err := c.readUntil(until); err != nil {
		return err
	}
	_, err := c.in.Peek(1)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errKeepAlive
	}
	if err != nil {
		return err
	}
	return c.readUntil(deadline(packetBound))
}

// readUntil sets the deadline, unless the connection has been told to end.
func (c *connection) readUntil(t time.Time) error {
	if err := c.conn.SetReadDeadline(t); err != nil {
		return err
	}
	return context.Cause(c.live)
}

// deadline is by the clock of the network, which knows no other.
func deadline(d time.Duration) time.Time {
	return time.Now().Add(d) //nolint:forbidigo // because it decides about nothing but silence on the line
}

// header reads the fixed header (section 2.1.1 of version 5): type, flags and the length of
// what follows, up to 256 MiB.
func header(in io.ByteReader) (kind, flags byte, n int, err error) {
	first, err := in.ReadByte()
	if err != nil {
		return 0, 0, 0, err
	}
	for shift := 0; shift < 28; shift += 7 {
		b, err := in.ReadByte()
		if err != nil {
			return 0, 0, 0, err
		}
		n |= int(b&0x7f) << shift
		if b < 0x80 {
			return first >> 4, first & 0x0f, n, nil
		}
	}
	return 0, 0, 0, errMalformed
}

// readPublish reads one message, and waits until there is room for it.
func (c *connection) readPublish(flags byte, n int) error {
	s, p := c.server, c.publisher
	head := n
	if n > p.MaxMessage+overhead {
		head = keptHead + overhead
	}
	if err := s.budget.Acquire(c.live, int64(head)); err != nil {
		return context.Cause(c.live)
	}
	d := &delivery{server: s, held: int64(head), done: make(chan struct{})}
	s.metrics.inFlight.Inc()
	packet := make([]byte, head)
	err := c.readBody(packet, n)
	if err == nil {
		d.publish, err = parsePublish(c.hello.version, flags, packet)
	}
	if err == nil && !mine(p.Topics, d.topic) {
		err = errNotYours
		s.refused(c, d.topic)
		if c.hello.version == version5 {
			d.reason, err = errNotYours.reason, nil
		}
	}
	if err != nil {
		d.release()
		return err
	}
	size := len(d.payload) + n - head
	if size > p.MaxMessage {
		d.rejected = city.Reject(city.ReasonTooLarge, "message of %d bytes: max_message is %d", size, p.MaxMessage)
		d.payload = append([]byte(nil), d.payload[:min(len(d.payload), keptHead)]...) // a part would hold the whole
	}
	d.message = city.Message{Server: p.Server, Topic: d.topic, Body: d.payload, Received: s.now()}
	select {
	case c.order <- d:
	case <-c.gone:
		d.release()
		return context.Cause(c.live)
	case <-c.live.Done():
		d.release()
		return context.Cause(c.live)
	}
	if d.reason != 0 {
		d.Ack()
		return nil
	}
	c.offers <- d // there is room: it is never longer than order
	return nil
}

// readBody fills the front part of a packet of n bytes, and skips the rest.
func (c *connection) readBody(packet []byte, n int) error {
	if _, err := io.ReadFull(c.in, packet); err != nil {
		return err
	}
	for left := n - len(packet); left > 0; {
		if err := c.readUntil(deadline(packetBound)); err != nil {
			return err
		}
		skipped, err := c.in.Discard(min(left, 1<<20))
		if err != nil {
			return err
		}
		left -= skipped
	}
	return nil
}

// readOther reads a packet that carries no message, and answers it.
func (c *connection) readOther(kind, flags byte, n int) error {
	if n > largestPacket {
		return errMalformed
	}
	packet := make([]byte, n)
	if _, err := io.ReadFull(c.in, packet); err != nil {
		return err
	}
	version := c.hello.version
	switch kind {
	case typePubrel:
		id, err := parsePubrel(flags, packet)
		if err != nil {
			return err
		}
		return c.answer(appendAck(nil, typePubcomp, id, 0))
	case typeSubscribe:
		id, granted, err := parseSubscribe(version, flags, packet)
		if err != nil {
			return err
		}
		return c.answer(appendSuback(nil, version, id, granted))
	case typeUnsubscribe:
		id, filters, err := parseUnsubscribe(version, flags, packet)
		if err != nil {
			return err
		}
		return c.answer(appendUnsuback(nil, version, id, filters))
	case typePingreq:
		return c.answer(appendPacket(nil, typePingresp, 0))
	case typeDisconnect:
		if says := parseDisconnect(packet); says != "" {
			return errors.New(says)
		}
		return errLeft
	}
	return errProtocol
}

// answer hands over what need not wait for a commit. While the publisher does not read
// answers, it is not read from.
func (c *connection) answer(packet []byte) error {
	select {
	case c.quick <- packet:
		return nil
	case <-c.gone:
		return io.ErrClosedPipe
	}
}

// write sends answers, as many at once as there are, until everything read has been
// acknowledged after the end of order, or it is late. The last word is why the connection
// ends, where MQTT has words for it.
func (c *connection) write(late context.Context, farewell <-chan *fault) {
	var head *delivery // the oldest that is not acknowledged
	var out []byte
	for over := false; !over; {
		if len(out) > 0 && (len(out) > 4<<10 || !c.more(head)) {
			if !c.send(out) {
				return
			}
			out = out[:0]
		}
		order, done := c.order, (chan struct{})(nil)
		if head != nil {
			order, done = nil, head.done
		}
		select {
		case d, open := <-order:
			head, over = d, !open
		case <-done:
			if over = head.lost; !over {
				out, head = head.appendAck(out), nil
			}
		case packet := <-c.quick:
			out = append(out, packet...)
		case <-late.Done():
			over = true
		}
	}
	// What is lost, is because the connection was told to end: reading ends, too.
	if f := <-farewell; f != nil {
		out = appendDisconnect(out, c.hello.version, f)
	}
	if len(out) > 0 {
		c.send(out)
	}
}

// more tells whether there is something to write already.
func (c *connection) more(head *delivery) bool {
	if head == nil {
		return len(c.quick) > 0 || len(c.order) > 0
	}
	select {
	case <-head.done:
		return true
	default:
		return len(c.quick) > 0
	}
}

// send writes within its bound. A connection that cannot be written to is over.
func (c *connection) send(out []byte) bool {
	err := c.conn.SetWriteDeadline(deadline(writeBound))
	if err == nil {
		_, err = c.conn.Write(out)
	}
	if err != nil {
		c.kill(fmt.Errorf("answer: %w", err))
	}
	return err == nil
}

// greet answers CONNECT, and settles the keep-alive.
func (c *connection) greet(present bool) error {
	w := welcome{version: c.hello.version, present: present, maximumPacket: c.publisher.MaxMessage + overhead}
	if longest := uint16(c.server.cfg.KeepAlive / time.Second); w.version == version5 && (c.hello.keepAlive == 0 || c.hello.keepAlive > longest) {
		w.keepAlive, c.hello.keepAlive = longest, longest
	}
	if c.hello.clientID == "" {
		w.assignedID = c.clientID
	}
	if !c.send(w.append(nil)) {
		return context.Cause(c.live)
	}
	return nil
}

// newID is a client id for who brought none.
func newID() string { return "assigned-" + rand.Text() }
