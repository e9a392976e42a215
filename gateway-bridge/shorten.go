package bridge

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// largestOther is in bytes, of packets that carry no message. A broker has nothing to say
// that comes near it.
const largestOther = 64 << 10

// shortener passes on what a broker sends (MQTT 3.1.1) and shortens the messages that are
// longer than limit to their first keep bytes: paho takes memory for the whole of a packet
// before anybody can judge it, up to 256 MiB. Every other byte passes as it is.
//
// The head of a long message is handed on at once and the rest thrown away as it comes. So
// the message can be acknowledged before its end is here: on a slow line the broker would
// otherwise be given up for silent before that, and send the same message for ever.
type shortener struct {
	in          *bufio.Reader
	limit, keep int // bytes of a message
	cuts        *cuts

	ready []byte // of the present packet: its head, as it is handed on
	pass  int    // bytes that are handed on after ready
	skip  int    // bytes that are thrown away after those
	space [5]byte
}

func newShortener(in *bufio.Reader, limit, keep int) *shortener {
	return &shortener{in: in, limit: limit, keep: keep, cuts: &cuts{}}
}

// Read is that of io.Reader.
func (s *shortener) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	for {
		switch {
		case len(s.ready) > 0:
			n := copy(b, s.ready)
			s.ready = s.ready[n:]
			return n, nil
		case s.pass > 0:
			n, err := s.in.Read(b[:min(len(b), s.pass)])
			s.pass -= n
			return n, err
		case s.skip > 0:
			n, err := s.in.Discard(min(s.skip, 1<<20))
			s.skip -= n
			if err != nil {
				return 0, err
			}
		default:
			if err := s.header(); err != nil {
				return 0, err
			}
		}
	}
}

// header reads the fixed header of the next packet (section 2.2) and decides what becomes of
// it.
func (s *shortener) header() error {
	first, err := s.in.ReadByte()
	if err != nil {
		return err
	}
	s.space[0] = first
	n, length := 0, 1 // what follows, and of the header itself
	for more := true; more; length++ {
		if length > 4 {
			return fmt.Errorf("not MQTT: the length of a packet (type %d) has more than four bytes", first>>4)
		}
		b, err := s.in.ReadByte()
		if err != nil {
			return err
		}
		s.space[length], more = b, b >= 0x80
		n |= int(b&0x7f) << (7 * (length - 1))
	}
	switch {
	case first>>4 != packets.Publish && n > largestOther:
		return fmt.Errorf("not MQTT: a packet of type %d with %d bytes", first>>4, n)
	case first>>4 == packets.Publish:
		if n, err = s.message(first, n); err != nil {
			return err
		}
	}
	if s.skip > 0 {
		length = 1 + binary.PutUvarint(s.space[1:], uint64(n)) // the same encoding (section 2.2.3)
	}
	s.ready, s.pass = s.space[:length], n
	return nil
}

// message gives how many of the n bytes of a PUBLISH (section 3.3) are handed on.
func (s *shortener) message(first byte, n int) (int, error) {
	if n <= s.limit {
		s.cuts.note(0)
		return n, nil
	}
	begin, err := s.in.Peek(2)
	if err != nil {
		return 0, err
	}
	front := 2 + int(binary.BigEndian.Uint16(begin)) // what stands before the message: its topic
	if qos := first >> 1 & 3; qos > 0 {
		front += 2 // and its packet identifier
	}
	size := n - front
	if size <= max(s.limit, s.keep) {
		s.cuts.note(0)
		return n, nil
	}
	s.cuts.note(size)
	s.skip = size - s.keep
	return front + s.keep, nil
}

// cuts tells of the messages of one connection how long they were before they were cut.
// Messages are told apart by their order: paho hands out each exactly once, in the order in
// which they came.
type cuts struct {
	mu         sync.Mutex
	came, went int
	sizes      map[int]int // by the number of the message; only those that were cut and are not out yet
}

// note takes down the next message, cut from so many bytes; 0: it is whole.
func (c *cuts) note(size int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if size > 0 {
		if c.sizes == nil {
			c.sizes = make(map[int]int)
		}
		c.sizes[c.came] = size
	}
	c.came++
}

// next gives the length in bytes of the message that paho hands out now, 0 where it is whole.
func (c *cuts) next() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	size := c.sizes[c.went]
	delete(c.sizes, c.went)
	c.went++
	return size
}
