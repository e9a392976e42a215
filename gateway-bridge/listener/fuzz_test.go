package listener

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/city/door"
)

// A packet is understood or refused, and never more comes out of it than went in.
func FuzzPackets(f *testing.F) {
	for _, version := range []byte{version311, version5} {
		f.Add(version, byte(0), hello{version: version, id: "x", username: "u", password: "p", will: true}.packet()[2:])
		f.Add(version, byte(2), publishPacket(version, 1, 1, topic, "x")[2:])
		f.Add(version, byte(2), append([]byte{0, 7, 0}, append(appendText(nil, "a/#"), 1)...))
	}
	f.Add(byte(version5), byte(2), publishPacket(version5, 1, 1, topic, "x", 0x26, 0, 1, 'a', 0, 1, 'b', 0x0b, 0x80, 1, 0x09, 0, 0)[2:])
	f.Fuzz(func(t *testing.T, version, flags byte, packet []byte) {
		whole := bytes.Clone(packet)
		if c, err := parseConnect(packet); err == nil && len(c.clientID)+len(c.username)+len(c.password) > len(packet) {
			t.Errorf("%+v", c)
		}
		if p, err := parsePublish(version, flags&15, packet); err == nil {
			if len(p.topic)+len(p.payload) > len(packet) || p.topic == "" || (p.qos > 0) != (p.id > 0) {
				t.Errorf("%+v", p)
			}
			mine([]string{"a/+/#", "+/b", "#", p.topic}, p.topic)
		}
		if _, granted, err := parseSubscribe(version, flags, packet); err == nil && len(granted) > len(packet)/4 {
			t.Errorf("%d filters", len(granted))
		}
		if _, n, err := parseUnsubscribe(version, flags, packet); err == nil && n > len(packet)/3 {
			t.Errorf("%d filters", n)
		}
		_, _ = parsePubrel(flags, packet)
		_ = parseDisconnect(packet)
		if !bytes.Equal(whole, packet) {
			t.Error("the packet was changed")
		}
	})
}

// A stream is served to its end whatever is in it: what is offered is in bounds and on its
// own topics, what is answered is whole packets, nothing stays behind.
func FuzzStream(f *testing.F) {
	file := filepath.Join(f.TempDir(), "password")
	if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
		f.Fatal(err)
	}
	const small = 1024
	for _, version := range []byte{version311, version5} {
		login := hello{version: version, id: "x", username: "lab", password: secret}.packet()
		f.Add(login, publishPacket(version, 2, 1, topic, "x"))
		f.Add(login, append(publishPacket(version, 1, 1, topic, "x"), appendPacket(nil, typeDisconnect, 0)...))
		f.Add(login, append(publishPacket(version, 1, 1, "$SYS", "x"), publishPacket(version, 0, 0, topic, string(make([]byte, 3000)))...))
		f.Add(login, appendPacket(nil, typeSubscribe, 2, 0, 1, 0, 1, 'a', 0))
	}
	var offered []city.Arrival
	offer := func(_ context.Context, a city.Arrival) error {
		offered = append(offered, a)
		a.Acker.Ack()
		return nil
	}
	p := Publisher{Server: "lab", Username: "lab", Password: door.Secret{File: file}, Topics: []string{"application/#"}, MaxMessage: small, Understand: understand}
	s, err := New(DefaultConfig(), []Publisher{p}, offer, time.Now, zerolog.Nop(), prometheus.NewRegistry())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, login, sent []byte) {
		offered = nil
		s.attempts = attempts{}
		near, far := net.Pipe()
		served := make(chan struct{})
		go func() { defer close(served); s.serve(t.Context(), far) }()
		answers := make(chan []byte, 1)
		go func() { b, _ := io.ReadAll(near); answers <- b }()
		_, _ = near.Write(append(bytes.Clone(login), sent...)) // the other end may leave first
		// A reader that sees the end of what was sent: DISCONNECT, or the rest is cut off.
		_ = near.SetReadDeadline(time.Now().Add(time.Millisecond))
		b := <-answers
		near.Close()
		<-served
		in := bytes.NewReader(b)
		for in.Len() > 0 {
			_, _, n, err := header(in)
			if err != nil || n > in.Len() {
				break // cut off by the deadline above
			}
			_, _ = in.Seek(int64(n), io.SeekCurrent)
		}
		for _, a := range offered {
			if len(a.Message.Body) > keptHead || a.Message.Server != "lab" || !matches("application/#", a.Message.Topic) {
				t.Errorf("%d bytes of %s on %q", len(a.Message.Body), a.Message.Server, a.Message.Topic)
			}
		}
		if !s.budget.TryAcquire(budget) {
			t.Fatal("the budget is not given back")
		}
		s.budget.Release(budget)
		if n := s.Connections("lab"); n != 0 {
			t.Errorf("%d connections left", n)
		}
	})
}
