package main

import (
	"bytes"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"meldefunk/gateway-bridge/brokertest"
)

// largestPacket is the most that the length of an MQTT packet can say (3.1.1, 2.2.3).
const largestPacket = 268_435_455

// TestFloods sends what is far too large, deep or wide through a broker and straight to the
// platform. It is refused or set aside, the next message is taken, and the process stays
// small. The webhook's own test has the like for posts.
func TestFloods(t *testing.T) {
	fields := []byte(`{"deviceInfo":{"devEui":"a840410001840002"}`)
	for i := range 100_000 {
		fields = fmt.Appendf(fields, `,"f%d":1`, i)
	}
	bodies := []struct {
		name string
		body []byte
		most int64 // MiB the process may have grown to
	}{
		{"depth 1,000,000", append(bytes.Repeat([]byte("["), 1e6), bytes.Repeat([]byte("]"), 1e6)...), 100},
		{"depth 100,000", append(bytes.Repeat([]byte(`{"a":`), 5e4), bytes.Repeat([]byte("}"), 5e4)...), 100},
		{"100,000 fields", append(fields, '}'), 100},
		{"8 MiB", bytes.Repeat([]byte("x"), 8<<20), 100},
	}
	address := "127.0.0.1:" + freePort(t)
	broker := brokertest.Start(t)
	config := fmt.Sprintf("road: {max_backlog: 876000h}\ninventory: [DIR/devices.csv]\nmqtt_listener: {listen: %q}\nnetwork_servers:\n"+
		"  - {name: far, dialect: chirpstack-v4, broker: %q, topics: ['application/#']}\n"+
		"  - {name: near, dialect: chirpstack-v4, listen: {username: near, password_file: DIR/mqtt.password}}\n", address, broker.URL())
	files := recordedFiles()
	files["mqtt.password"] = oraclePassword
	p := newPlatform(t, buildBinary(t, false), config, files)
	p.start()
	near := newRepeater(address, "near", oraclePassword)
	topic := v4Up(0).topic
	n, before, db := 0, p.memory("VmHWM"), p.database()
	for _, b := range bodies {
		t.Run(b.name, func(t *testing.T) {
			broker.Publish(topic, b.body)
			// The listener ends the connection of who sends too much.
			conn := near.dial(t)
			packet := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
			packet.Qos, packet.MessageID, packet.TopicName, packet.Payload = 1, 1, topic, b.body
			_ = packet.Write(conn) // may be cut off
			p.stillTakes(t, broker, &n)
			_ = conn.Close()
			if now := p.memory("VmHWM"); now > b.most<<10 {
				t.Errorf("the process has needed %d MiB, %d before: want %d at most", now>>10, before>>10, b.most)
			} else {
				t.Logf("the process has needed %d MiB, %d before", now>>10, before>>10)
			}
		})
	}
	for _, way := range []struct {
		name, server string
		to           *repeater
	}{{"straight", "near", near}, {"through the broker", "far", newRepeater(broker.Addr(), "", "")}} {
		t.Run("the largest packet, "+way.name, func(t *testing.T) {
			conn := way.to.dial(t)
			defer conn.Close()
			size := sendLargest(t, conn, topic)
			p.stillTakes(t, broker, &n)
			want := fmt.Sprintf("%s|too_large|message of %d bytes: max_message is 262144|65536", way.server, size)
			p.eventually(30*time.Second, "set aside", func() error {
				if got := rows(t, db, `SELECT server, reason, detail, length(body) FROM aside ORDER BY received DESC LIMIT 3`); !slices.Contains(got, want) {
					return fmt.Errorf("set aside is %q, want %s", got, want)
				}
				return nil
			})
			if now := p.memory("VmHWM"); now > 100<<10 {
				t.Errorf("the process has needed %d MiB", now>>10)
			} else {
				t.Logf("%d MiB sent; the process has needed %d MiB", size>>20, now>>10)
			}
		})
	}
	// All was acknowledged: nothing of it comes again.
	p.stop()
	p.start()
	last := v4Up(n + 1)
	broker.Publish(last.topic, last.body)
	p.wantMetrics(30*time.Second, map[string]float64{
		`meldefunk_road_frames_total{fate="read"}`:           1,
		`meldefunk_road_set_aside_total{reason="too_large"}`: 0,
	})
	p.stop()
}

// sendLargest publishes the largest message there can be and wants it acknowledged. It gives
// its bytes.
func sendLargest(t *testing.T, conn net.Conn, topic string) int {
	t.Helper()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	head := append([]byte{0x32, 0xff, 0xff, 0xff, 0x7f, 0, byte(len(topic))}, topic...)
	head = append(head, 0, 1)
	size := largestPacket - (len(head) - 5)
	if _, err := conn.Write(head); err != nil {
		t.Fatal(err)
	}
	for sent, chunk := 0, make([]byte, 1<<20); sent < size; {
		n, err := conn.Write(chunk[:min(size-sent, len(chunk))])
		if err != nil {
			t.Fatalf("%d MiB sent: %v", sent>>20, err)
		}
		sent += n
	}
	answer, err := packets.ReadPacket(conn)
	if _, is := answer.(*packets.PubackPacket); err != nil || !is {
		t.Fatalf("answered %v, %v; want an acknowledgement", answer, err)
	}
	return size
}

// dial logs in and leaves the rest to the test.
func (p *repeater) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", p.address)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.connect(conn); err != nil {
		t.Fatal(err)
	}
	return conn
}

// stillTakes publishes a good message and wants its reading.
func (p *platform) stillTakes(t *testing.T, broker *brokertest.Broker, n *int) {
	t.Helper()
	*n++
	m := v4Up(*n)
	broker.Publish(m.topic, m.body)
	p.wantMetrics(30*time.Second, map[string]float64{`meldefunk_road_frames_total{fate="read"}`: float64(*n)})
}
