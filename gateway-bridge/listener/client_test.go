package listener

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"
)

// rawClient speaks MQTT by the byte, so that it can also speak it wrongly.
type rawClient struct {
	t       testing.TB
	version byte
	conn    net.Conn
	in      *bufio.Reader
}

// raw connects and says nothing yet.
func (st *station) raw(version byte) *rawClient {
	st.t.Helper()
	conn, err := net.Dial("tcp", st.address)
	if err != nil {
		st.t.Fatal(err)
	}
	return newRaw(st.t, version, conn)
}

func newRaw(t testing.TB, version byte, conn net.Conn) *rawClient {
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return &rawClient{t, version, conn, bufio.NewReader(conn)}
}

// dial logs in as lab.
func (st *station) dial(version byte) *rawClient {
	st.t.Helper()
	c := st.raw(version)
	c.write(hello{version: version, id: "raw", username: "lab", password: secret, clean: true}.packet())
	if got := c.want(typeConnack); got[0] != 0 || got[1] != 0 {
		st.t.Fatalf("CONNACK %x", got)
	}
	return c
}

// hello is a CONNECT packet to be.
type hello struct {
	version            byte
	clean              bool
	keepAlive          uint16
	id                 string
	username, password string // "": left out
	properties         []byte
	will               bool
}

func (h hello) packet() []byte {
	flags := byte(0)
	for bit, set := range map[byte]bool{0x02: h.clean, 0x04: h.will, 0x80: h.username != "", 0x40: h.password != ""} {
		if set {
			flags |= bit
		}
	}
	p := append(appendText(nil, "MQTT"), h.version, flags)
	p = binary.BigEndian.AppendUint16(p, h.keepAlive)
	if h.version == version5 {
		p = append(binary.AppendUvarint(p, uint64(len(h.properties))), h.properties...)
	}
	p = appendText(p, h.id)
	if h.will {
		if h.version == version5 {
			p = append(p, 0)
		}
		p = appendText(appendText(p, "state"), "gone")
	}
	for _, text := range []string{h.username, h.password} {
		if text != "" {
			p = appendText(p, text)
		}
	}
	return appendPacket(nil, typeConnect, 0, p...)
}

func (c *rawClient) write(b []byte) {
	if _, err := c.conn.Write(b); err != nil {
		c.t.Errorf("write: %v", err)
	}
}

// publish sends a message, with the properties given to version 5.
func (c *rawClient) publish(qos byte, id uint16, topic, body string, properties ...byte) {
	c.write(publishPacket(c.version, qos, id, topic, body, properties...))
}

func publishPacket(version, qos byte, id uint16, topic, body string, properties ...byte) []byte {
	p := appendText(nil, topic)
	if qos > 0 {
		p = binary.BigEndian.AppendUint16(p, id)
	}
	if version == version5 {
		p = append(binary.AppendUvarint(p, uint64(len(properties))), properties...)
	}
	return appendPacket(nil, typePublish, qos<<1, append(p, body...)...)
}

// read gives the next packet.
func (c *rawClient) read() (kind byte, packet []byte, err error) {
	kind, _, n, err := header(c.in)
	if err != nil {
		return 0, nil, err
	}
	packet = make([]byte, n)
	_, err = io.ReadFull(c.in, packet)
	return kind, packet, err
}

// want reads a packet of a kind.
func (c *rawClient) want(kind byte) []byte {
	c.t.Helper()
	got, packet, err := c.read()
	if err != nil || got != kind {
		c.t.Fatalf("packet of type %d %x, %v; want type %d", got, packet, err, kind)
	}
	return packet
}

// wantEnd wants the connection to be closed by the other end, in version 5 with a reason.
func (c *rawClient) wantEnd(reason byte) {
	c.t.Helper()
	if c.version == version5 && reason != 0 {
		if got := c.want(typeDisconnect); got[0] != reason {
			c.t.Errorf("DISCONNECT with reason 0x%02x, want 0x%02x", got[0], reason)
		}
	}
	if kind, packet, err := c.read(); err == nil {
		c.t.Errorf("packet of type %d %x; want the end", kind, packet)
	} else if timeout, is := err.(net.Error); is && timeout.Timeout() {
		c.t.Error("the connection is not closed")
	}
}
