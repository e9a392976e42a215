package bridge

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"meldefunk/city"
)

func publishPacket(qos byte, id uint16, topic string, size int) []byte {
	p := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	p.Qos, p.MessageID, p.TopicName, p.Payload = qos, id, topic, make([]byte, size)
	for i := range p.Payload {
		p.Payload[i] = byte(i)
	}
	return encode(p)
}

func encode(p packets.ControlPacket) []byte {
	var b bytes.Buffer
	_ = p.Write(&b) // a buffer takes everything
	return b.Bytes()
}

// Messages of up to 1,000 bytes pass, of longer ones the first 100 bytes.
func TestShorten(t *testing.T) {
	const limit, keep = 1000, 100
	long := func(qos byte, size int) []byte { return publishPacket(qos, 7, "city/bin", size) }
	tests := map[string]struct {
		in, want []byte
		cut      int
	}{
		"as long as may be":      {long(1, limit), long(1, limit), 0},
		"a byte longer":          {long(1, limit+1), long(1, keep), limit + 1},
		"QoS 0":                  {long(0, limit+1), long(0, keep), limit + 1},
		"QoS 0, as long as may":  {long(0, limit), long(0, limit), 0},
		"4 MiB":                  {long(2, 4<<20), long(2, keep), 4 << 20},
		"long only by its topic": {publishPacket(1, 7, strings.Repeat("t", 60_000), limit), publishPacket(1, 7, strings.Repeat("t", 60_000), limit), 0},
		"long topic, and long":   {publishPacket(1, 7, strings.Repeat("t", 60_000), limit+1), publishPacket(1, 7, strings.Repeat("t", 60_000), keep), limit + 1},
		"topic beyond the end":   {append([]byte{0x32, 0xea, 0x07, 0xff, 0xff}, make([]byte, 1000)...), append([]byte{0x32, 0xea, 0x07, 0xff, 0xff}, make([]byte, 1000)...), 0},
		"length with leave":      {append([]byte{0xb0, 0x82, 0x80, 0x00}, 0, 7), append([]byte{0xb0, 0x82, 0x80, 0x00}, 0, 7), 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			ping := encode(packets.NewControlPacket(packets.Pingresp))
			small := publishPacket(1, 8, "city/bin", 3)
			s := newShortener(bufio.NewReader(bytes.NewReader(bytes.Join([][]byte{small, ping, test.in, ping, small}, nil))), limit, keep)
			got, err := io.ReadAll(s)
			if want := bytes.Join([][]byte{small, ping, test.want, ping, small}, nil); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes, %v, beginning with %x; want %d: %x", len(got), err, got[:40], len(want), want[:40])
			}
			if test.in[0]>>4 != packets.Publish {
				return
			}
			for i, want := range []int{0, test.cut, 0} {
				if size := s.cuts.next(); size != want {
					t.Errorf("message %d was cut from %d bytes, want %d", i, size, want)
				}
			}
		})
	}
}

func TestShortenRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		in   []byte
		want string
	}{
		"length of five bytes": {[]byte{0x30, 0x80, 0x80, 0x80, 0x80, 0x00}, "not MQTT: the length of a packet (type 3) has more than four bytes"},
		"SUBACK of 256 MiB":    {[]byte{0x90, 0xff, 0xff, 0xff, 0x7f, 0}, "not MQTT: a packet of type 9 with 268435455 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := io.ReadAll(newShortener(bufio.NewReader(bytes.NewReader(test.in)), 1000, 100))
			if err == nil || err.Error() != test.want || len(got) > 0 {
				t.Errorf("%x, %v; want %s", got, err, test.want)
			}
		})
	}
}

// pieces hands out at most as many bytes as its sizes say, in turn.
type pieces struct {
	in    io.Reader
	sizes []byte
	turn  int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.sizes) > 0 {
		b = b[:min(len(b), 1+int(p.sizes[p.turn%len(p.sizes)]))]
		p.turn++
	}
	return p.in.Read(b)
}

// arrived tells whether a whole packet stands at the beginning of a stream.
func arrived(stream []byte) bool {
	n := 0
	for i := 1; i < min(5, len(stream)); i++ {
		n |= int(stream[i]&0x7f) << (7 * (i - 1))
		if stream[i] < 0x80 {
			return 1+i+n <= len(stream)
		}
	}
	return false
}

// What paho reads through a shortener is what it reads without one, in whatever pieces the
// stream comes and is read, except that long messages are shorter and their sizes are told.
func FuzzShorten(f *testing.F) {
	const limit, keep = 200, 40
	several := bytes.Join([][]byte{
		encode(packets.NewControlPacket(packets.Connack)), publishPacket(1, 1, "a", 10), publishPacket(1, 2, "a/b", limit),
		publishPacket(1, 3, "a/b", limit+1), encode(packets.NewControlPacket(packets.Pingresp)), publishPacket(0, 0, "a/b", 900),
		publishPacket(2, 4, strings.Repeat("t", 150), 300), encode(packets.NewControlPacket(packets.Unsuback)), publishPacket(1, 5, "a", 0),
	}, nil)
	f.Add(several, []byte{}, []byte{})
	f.Add(several, []byte{0}, []byte{0})
	f.Add(several[:len(several)-200], []byte{3, 200, 0}, []byte{70, 1})
	f.Add([]byte{0x32, 0x85, 0x02, 0xff, 0xff, 1}, []byte{1}, []byte{})
	f.Add([]byte{0x30, 0xff, 0xff, 0xff, 0xff, 0x7f}, []byte{1}, []byte{})
	f.Add([]byte{0x90, 0xff, 0xff, 0xff, 0x7f, 0x7f}, []byte{1}, []byte{})
	f.Fuzz(func(t *testing.T, stream, come, read []byte) {
		s := newShortener(bufio.NewReaderSize(&pieces{in: bytes.NewReader(stream), sizes: come}, 16), limit, keep)
		out := &pieces{in: s, sizes: read}
		plain := bytes.NewReader(stream)
		for arrived(stream[len(stream)-plain.Len():]) {
			want, errPlain := packets.ReadPacket(plain)
			got, err := packets.ReadPacket(out)
			if err != nil && strings.HasPrefix(err.Error(), "not MQTT") {
				return
			}
			if (err == nil) != (errPlain == nil) {
				t.Fatalf("read %v (%v), without the shortener %v (%v)", got, err, want, errPlain)
			}
			if err != nil {
				return // paho ends the connection
			}
			if p, is := want.(*packets.PublishPacket); is {
				size, before := s.cuts.next(), len(p.Payload)
				if before > limit {
					p.Payload, p.RemainingLength = p.Payload[:keep], p.RemainingLength-before+keep
				} else {
					before = 0
				}
				if size != before {
					t.Fatalf("told of %d bytes, want %d", size, before)
				}
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("read %v, want %v", got, want)
			}
		}
		// The rest is no whole packet. The head of a long message may come out of it yet,
		// and nothing large.
		rest, err := io.ReadAll(out)
		if len(rest) > largestOther+limit+9 {
			t.Errorf("%d bytes at the end, %v", len(rest), err)
		}
	})
}

func TestShortenPassesErrors(t *testing.T) {
	lost := errors.New("lost")
	for cut := range 4000 {
		in := io.MultiReader(bytes.NewReader(publishPacket(1, 1, "a", 4000)[:cut]), iotest.ErrReader(lost))
		if got, err := io.ReadAll(newShortener(bufio.NewReader(in), 1000, 100)); !errors.Is(err, lost) || len(got) > 110 {
			t.Fatalf("after %d bytes: %d bytes out, %v", cut, len(got), err)
		}
	}
}

// A long message is acknowledged while its end is still on the way, and what comes after it
// is read.
func TestLongMessageOnASlowLine(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	const size = 1 << 20
	acknowledged := make(chan uint16, 2)
	broker := func(conn net.Conn) error {
		defer conn.Close()
		long := publishPacket(1, 1, "city/bin", size)
		for {
			packet, err := packets.ReadPacket(conn)
			if err != nil {
				return err
			}
			var answer []byte
			switch p := packet.(type) {
			case *packets.ConnectPacket:
				if strings.HasSuffix(p.ClientIdentifier, "-look") {
					return nil
				}
				answer = encode(packets.NewControlPacket(packets.Connack))
			case *packets.SubscribePacket:
				suback := packets.NewControlPacket(packets.Suback).(*packets.SubackPacket)
				suback.MessageID, suback.ReturnCodes = p.MessageID, []byte{1}
				answer = append(encode(suback), long[:size/2]...)
			case *packets.PubackPacket:
				acknowledged <- p.MessageID
				if p.MessageID == 1 {
					answer = append(long[size/2:], publishPacket(1, 2, "city/bin", 3)...)
				}
			}
			if _, err := conn.Write(answer); err != nil {
				return err
			}
		}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = broker(conn) // until the bridge hangs up
		}
	}()
	r := start(t, testConfig("mqtt://"+listener.Addr().String()))
	a := r.Next()
	var rejection *city.Rejection
	if !errors.As(a.Err, &rejection) || rejection.Detail != "message of 1048576 bytes: max_message is 262144" || len(a.Message.Body) != keptHead {
		t.Errorf("%v, %d bytes kept; want its full size told and %d kept", a.Err, len(a.Message.Body), keptHead)
	}
	a.Acker.Ack()
	r.want("\x00\x01\x02")
	for want := uint16(1); want <= 2; want++ {
		select {
		case got := <-acknowledged:
			if got != want {
				t.Errorf("acknowledged message %d, want %d", got, want)
			}
		case <-time.After(patience):
			t.Fatalf("message %d is not acknowledged", want)
		}
	}
	r.Stop()
	listener.Close()
	<-ended
}
