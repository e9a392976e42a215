package listener

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"meldefunk/city"
)

// What is said wrongly ends the connection, in version 5 with the reason that the standard
// has for it, and nothing of it is offered.
func TestFaults(t *testing.T) {
	packet := func(kind, flags byte, p ...byte) []byte { return appendPacket(nil, kind, flags, p...) }
	both := []byte{version311, version5}
	for name, test := range map[string]struct {
		versions []byte
		sent     func(version byte) []byte
		reason   byte
	}{
		"a second CONNECT":    {both, func(v byte) []byte { return hello{version: v, id: "x"}.packet() }, 0x82},
		"PUBACK":              {both, func(byte) []byte { return packet(typePuback, 0, 0, 1) }, 0x82},
		"AUTH":                {both, func(byte) []byte { return packet(15, 0) }, 0x82},
		"reserved type":       {both, func(byte) []byte { return packet(0, 0) }, 0x82},
		"QoS 3":               {both, func(v byte) []byte { return publishPacket(v, 3, 1, topic, "x") }, 0x81},
		"no packet id":        {both, func(v byte) []byte { return publishPacket(v, 1, 0, topic, "x") }, 0x81},
		"DUP with QoS 0":      {both, func(v byte) []byte { p := publishPacket(v, 0, 0, topic, "x"); p[0] |= 8; return p }, 0x81},
		"empty PUBLISH":       {both, func(byte) []byte { return packet(typePublish, 0) }, 0x81},
		"topic cut off":       {both, func(byte) []byte { return packet(typePublish, 0, 0, 9, 'a') }, 0x81},
		"topic not UTF-8":     {both, func(v byte) []byte { return publishPacket(v, 0, 0, "a\xff", "x") }, 0x81},
		"NUL in the topic":    {both, func(v byte) []byte { return publishPacket(v, 0, 0, "a\x00", "x") }, 0x81},
		"wildcard":            {both, func(v byte) []byte { return publishPacket(v, 0, 0, "application/#", "x") }, 0x90},
		"no topic":            {both, func(v byte) []byte { return publishPacket(v, 0, 0, "", "x") }, 0x90},
		"topic alias":         {[]byte{version5}, func(v byte) []byte { return publishPacket(v, 1, 1, topic, "x", propTopicAlias, 0, 1) }, 0x94},
		"unknown property":    {[]byte{version5}, func(v byte) []byte { return publishPacket(v, 1, 1, topic, "x", 0x7f, 0) }, 0x81},
		"property cut off":    {[]byte{version5}, func(v byte) []byte { return publishPacket(v, 1, 1, topic, "x", 0x26, 0, 1) }, 0x81},
		"length of 5 bytes":   {both, func(byte) []byte { return []byte{typePublish << 4, 0xff, 0xff, 0xff, 0xff, 1} }, 0x81},
		"SUBSCRIBE, flags":    {both, func(byte) []byte { return packet(typeSubscribe, 0, 0, 1, 0, 1, 'a', 0) }, 0x81},
		"SUBSCRIBE, nothing":  {both, func(byte) []byte { return packet(typeSubscribe, 2, 0, 1) }, 0x81},
		"SUBSCRIBE, huge":     {both, func(byte) []byte { return []byte{typeSubscribe<<4 | 2, 0xff, 0xff, 0xff, 0x7f} }, 0x81},
		"UNSUBSCRIBE, no id":  {both, func(byte) []byte { return packet(typeUnsubscribe, 2, 0, 0, 0, 1, 'a') }, 0x81},
		"PUBREL, flags":       {both, func(byte) []byte { return packet(typePubrel, 0, 0, 1) }, 0x81},
		"not its own, QoS 1":  {[]byte{version311}, func(v byte) []byte { return publishPacket(v, 1, 1, "gateway/1/event/up", "x") }, 0x87},
		"not its own, $SYS":   {[]byte{version311}, func(v byte) []byte { return publishPacket(v, 1, 1, "$SYS/device/1/event/up", "x") }, 0x87},
		"not its own, deeper": {[]byte{version311}, func(v byte) []byte { return publishPacket(v, 1, 1, topic+"/x", "x") }, 0x87},
	} {
		for _, version := range test.versions {
			t.Run(fmt.Sprintf("%s, %d", name, version), func(t *testing.T) {
				st := open(t)
				arrived := st.Commit()
				c := st.dial(version)
				c.write(test.sent(version))
				c.wantEnd(test.reason)
				if all := arrived(); len(all) > 0 {
					t.Errorf("offered %+v", all[0].Message)
				}
			})
		}
	}
}

// In version 5 a message on another's topic is refused and the connection goes on; what came
// before and after it is acknowledged in its order.
func TestNotYours(t *testing.T) {
	st := open(t)
	arrived := st.Commit()
	c := st.dial(version5)
	for id, to := range []string{topic, "application/1/device/2/command/down", topic} {
		c.publish(1, uint16(id+1), to, "x")
	}
	for id, want := range []string{"\x00\x01", "\x00\x02\x87", "\x00\x03"} {
		if got := string(c.want(typePuback)); got != want {
			t.Errorf("answer %d: %x, want %x", id+1, got, want)
		}
	}
	if all := arrived(); len(all) != 2 {
		t.Errorf("%d messages arrived, want 2", len(all))
	}
	if n := testutil.ToFloat64(st.metrics.refused.WithLabelValues("lab")); n != 1 {
		t.Errorf("%v counted as refused", n)
	}
	if !strings.Contains(st.log.String(), "application/1/device/2/command/down") {
		t.Error("not said in the log")
	}
}

// A message that is too large is kept by its head and acknowledged, or it would come again
// for ever; the rest is read past, not into memory.
func TestTooLarge(t *testing.T) {
	const largest = 1<<28 - 1 // what MQTT can tell
	for _, size := range []int{limit - 40, limit + 1, limit + overhead + 1, largest} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			st := open(t)
			c := st.dial(version311)
			packet := publishPacket(version311, 1, 1, topic, "head")
			length := size
			if size < largest { // of the message
				length += len(topic) + 4
			}
			front := packet[2 : len(packet)-4]
			body := length - len(front)
			go func() {
				c.write(append(binary.AppendUvarint([]byte{packet[0]}, uint64(length)), front...))
				chunk := bytes.Repeat([]byte("x"), 1<<20)
				for left := body; left > 0; left -= len(chunk) {
					chunk = chunk[:min(len(chunk), left)]
					if _, err := c.conn.Write(chunk); err != nil {
						return
					}
				}
			}()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			a := st.Next()
			runtime.ReadMemStats(&after)
			rejected := a.Err != nil
			if rejected != (body > limit) {
				t.Errorf("rejected: %v", a.Err)
			}
			if kept := len(a.Message.Body); rejected && kept != keptHead || !rejected && kept != body {
				t.Errorf("%d bytes kept of %d", kept, body)
			}
			if rejected && !strings.Contains(a.Err.Error(), fmt.Sprintf("message of %d bytes: max_message is %d", body, limit)) {
				t.Error(a.Err)
			}
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 4<<20 {
				t.Errorf("%d bytes allocated", grown)
			}
			a.Acker.Ack()
			c.want(typePuback)
		})
	}
}

// Who says nothing, or not what a publisher says first, is gone after the bound.
func TestNoLogin(t *testing.T) {
	for name, sent := range map[string][]byte{
		"nothing":              nil,
		"half a CONNECT":       {0x10, 0x20, 0, 4, 'M'},
		"an endless length":    {0x10, 0xff, 0xff, 0xff, 0xff},
		"a CONNECT of 268 MB":  {0x10, 0xff, 0xff, 0xff, 0x7f, 0, 4, 'M', 'Q', 'T', 'T'},
		"PUBLISH":              publishPacket(version311, 1, 1, topic, "x"),
		"HTTP":                 []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
		"a million bytes":      bytes.Repeat([]byte{0xa5}, 1e6),
		"a million times zero": make([]byte, 1e6),
	} {
		t.Run(name, func(t *testing.T) {
			st := open(t, func(s *Server) { s.patience = 100 * time.Millisecond })
			arrived := st.Commit()
			c := st.raw(version311)
			_, _ = c.conn.Write(sent) // the other end may close before all is written
			if b, err := io.ReadAll(c.in); len(b) > 0 {
				t.Errorf("answered %x, %v", b, err)
			} else if timeout, is := err.(net.Error); is && timeout.Timeout() {
				t.Error("the connection is not closed")
			}
			if all := arrived(); len(all) > 0 {
				t.Error("something was offered")
			}
		})
	}
}

// Garbage after a login ends the connection, whatever it is.
func TestGarbage(t *testing.T) {
	for _, b := range []byte{0x00, 0x10, 0x33, 0x3f, 0x62, 0x82, 0xa2, 0xff} {
		t.Run(fmt.Sprintf("%02x", b), func(t *testing.T) {
			st := open(t)
			st.Commit()
			c := st.dial(version311)
			_, _ = c.conn.Write(bytes.Repeat([]byte{b}, 1e6)) // the other end may close before all is written
			_ = c.conn.(*net.TCPConn).CloseWrite()
			if _, err := io.ReadAll(c.in); err != nil {
				if timeout, is := err.(net.Error); is && timeout.Timeout() {
					t.Error("the connection is not closed")
				}
			}
		})
	}
}

func TestKeepAlive(t *testing.T) {
	cfg := DefaultConfig()
	t.Run("kept", func(t *testing.T) {
		st := openAs(t, cfg, []Publisher{lab(t)})
		c := st.raw(version5)
		c.write(hello{version: version5, username: "lab", password: secret, clean: true, keepAlive: 1}.packet())
		c.want(typeConnack)
		began := time.Now()
		c.wantEnd(0x8d)
		if d := time.Since(began); d < 1400*time.Millisecond || d > 5*time.Second {
			t.Errorf("ended after %v, want one and a half times the keep-alive", d)
		}
	})
	t.Run("told", func(t *testing.T) {
		for keep, told := range map[uint16]bool{0: true, 600: true, 30: false, 60: false} {
			st := openAs(t, cfg, []Publisher{lab(t)})
			c := st.raw(version5)
			c.write(hello{version: version5, id: "x", username: "lab", password: secret, keepAlive: keep}.packet())
			if got := c.want(typeConnack); bytes.Contains(got, []byte{propServerKeepAlive, 0, 60}) != told {
				t.Errorf("keep-alive %d: CONNACK %x; want to be told: %v", keep, got, told)
			}
		}
	})
}

// A publisher that does not read its answers stops getting any, and being read.
func TestSlowReader(t *testing.T) {
	st := open(t)
	c := st.dial(version311)
	_ = c.conn.(*net.TCPConn).SetReadBuffer(4096)
	pings := bytes.Repeat(appendPacket(nil, typePingreq, 0), 1<<16)
	_ = c.conn.SetWriteDeadline(time.Now().Add(2 * time.Second))
	var sent int
	for {
		n, err := c.conn.Write(pings)
		if sent += n; err != nil {
			break // it is not read from any more
		}
		if sent > 256<<20 {
			t.Fatal("256 MiB of pings were read without an answer being taken")
		}
	}
	st.Stop()
}

// 300 connections of strangers hold up nobody for ever, and never more than the bound is
// served at once.
func TestConnectionsAreBounded(t *testing.T) {
	cfg := DefaultConfig()
	cfg.MaxConnections = 16
	st := openAs(t, cfg, []Publisher{lab(t)}, func(s *Server) { s.patience = 50 * time.Millisecond })
	st.Commit()
	before := runtime.NumGoroutine()
	for range 300 {
		st.raw(version311)
	}
	if grown := runtime.NumGoroutine() - before; grown > 4*cfg.MaxConnections {
		t.Errorf("%d goroutines more", grown)
	}
	c := st.dial(version311) // behind all of them
	c.publish(1, 1, topic, "x")
	c.want(typePuback)
}

// After many failed logins an address has to wait, even with the right password.
func TestFailedLoginsAreLimited(t *testing.T) {
	var ahead atomic.Int64
	st := open(t, func(s *Server) { s.now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) } })
	try := func(password string) byte {
		c := st.raw(version5)
		c.write(hello{version: version5, id: "x", username: "lab", password: password}.packet())
		return c.want(typeConnack)[1]
	}
	for i := range mostFailures {
		if got := try("guess"); got != 0x86 {
			t.Fatalf("attempt %d: 0x%02x", i, got)
		}
	}
	if got := try(secret); got != 0x9f {
		t.Errorf("after %d failures: 0x%02x, want 0x9f", mostFailures, got)
	}
	// A refusal is answered first and logged afterwards: one that is logged after the minute
	// would be a line of its own.
	logins := st.metrics.logins
	for testutil.ToFloat64(logins.WithLabelValues(loginRefused)) < mostFailures || testutil.ToFloat64(logins.WithLabelValues(loginLimited)) < 1 {
		runtime.Gosched()
	}
	ahead.Store(int64(attemptsPer))
	if got := try(secret); got != 0 {
		t.Errorf("a minute later: 0x%02x", got)
	}
	st.Stop() // a refusal is logged after it was answered
	if n := strings.Count(st.log.String(), "a login was refused"); n != 2 {
		t.Errorf("%d lines in the log, want one for each kind:\n%s", n, st.log)
	}
	if strings.Contains(st.log.String(), secret) || strings.Contains(st.log.String(), "guess") {
		t.Error("a password is in the log")
	}
}

func TestAttemptsAreBounded(t *testing.T) {
	var a attempts
	now := time.Now()
	for i := range 3 * mostSources {
		ip := net.IPv4(10, byte(i>>16), byte(i>>8), byte(i))
		a.failed(source(&net.TCPAddr{IP: ip}), now)
	}
	if len(a.failures) > mostSources {
		t.Errorf("%d addresses kept", len(a.failures))
	}
	one, two := source(&net.TCPAddr{IP: net.ParseIP("2001:db8::1")}), source(&net.TCPAddr{IP: net.ParseIP("2001:db8::2")})
	if one != two || one == source(&net.TCPAddr{IP: net.ParseIP("2001:db8:1::1")}) {
		t.Errorf("%v, %v", one, two)
	}
}

// The road takes nothing more: the connection ends, and nothing is acknowledged.
func TestRoadRefuses(t *testing.T) {
	st := open(t, func(s *Server) {
		s.offer = func(context.Context, city.Arrival) error { return io.ErrClosedPipe }
	})
	c := st.dial(version5)
	c.publish(1, 1, topic, "x")
	c.wantEnd(0x88)
}
