package mac

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"meldefunk/city/lorawan"
)

func TestReceiveRefuses(t *testing.T) {
	for _, v := range versions {
		for _, c := range []struct {
			name  string
			frame func(p *pair) []byte
			want  error
			count func(Stats) uint32
		}{
			{"a bit off", func(p *pair) []byte {
				f := p.n.down(plainDown{port: 2, payload: []byte("a")})
				f[9] ^= 1
				return f
			}, lorawan.ErrMIC, func(s Stats) uint32 { return s.BadMIC }},
			{"another address", func(p *pair) []byte {
				p.n.addr[0]++
				return p.n.down(plainDown{port: 2, payload: []byte("a")})
			}, ErrForeign, func(s Stats) uint32 { return s.Foreign }},
			{"a counter of yesterday", func(p *pair) []byte {
				return p.n.downAt(plainDown{port: 2, payload: []byte("a")}, 4)
			}, ErrCounter, func(s Stats) uint32 { return s.BadCounter }},
			{"an uplink", func(p *pair) []byte {
				f := p.n.down(plainDown{port: 2, payload: []byte("a")})
				f[0] = 2 << 5
				return f
			}, ErrForeign, func(s Stats) uint32 { return s.Foreign }},
			{"nothing", func(*pair) []byte { return nil }, nil, func(s Stats) uint32 { return s.Malformed }},
			{"half a frame", func(p *pair) []byte { return p.n.down(plainDown{port: -1})[:9] }, nil, func(s Stats) uint32 { return s.Malformed }},
		} {
			t.Run(c.name+"/"+v.String(), func(t *testing.T) {
				p := joined(t, v, Profile{DataRate: 5})
				p.d.mem.FCntDown, p.d.mem.AFCntDown, p.n.nDown, p.n.aDown = 5, 5, 5, 5
				tx, _ := p.say("a")
				frame := c.frame(p)
				before := *p.d
				_, err := p.hear(tx, 1, frame)
				if err == nil || c.want != nil && !errors.Is(err, c.want) || c.count(p.d.Stats()) != 1 {
					t.Errorf("error %v, %+v", err, p.d.Stats())
				}
				if before.stats = p.d.stats; !reflect.DeepEqual(before, *p.d) {
					t.Error("it changed more than its counts")
				}
			})
		}
	}
}

func TestWindows(t *testing.T) {
	for _, c := range []struct {
		name   string
		window uint8
		shift  time.Duration // from the opening of the window
		hears  bool
	}{
		{"RX1", 1, 0, true},
		{"RX2", 2, 0, true},
		{"RX1, a little early", 1, -15 * time.Millisecond, true},
		{"RX1, too early", 1, -25 * time.Millisecond, false},
		{"RX1, too late", 1, 100 * time.Millisecond, false},
		{"RX2, late but open at SF12", 2, 250 * time.Millisecond, true},
		{"RX2, too late", 2, 300 * time.Millisecond, false},
		{"window 3", 3, 0, false},
		{"window 0", 0, 0, false},
	} {
		p := joined(t, lorawan.V1_0_3, Profile{DataRate: 5})
		tx, _ := p.say("a")
		at := tx.RX1.Opens
		if c.window == 2 {
			at = tx.RX2.Opens
		}
		_, err := p.d.Receive(at.Add(c.shift), Reception{PHYPayload: p.n.down(plainDown{port: -1}), Window: c.window})
		if (err == nil) != c.hears || err != nil && !errors.Is(err, ErrUnheard) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	p := joined(t, lorawan.V1_0_3, Profile{DataRate: 5})
	tx, _ := p.say("a")
	p.mustHear(tx, plainDown{port: -1})
	if _, err := p.hear(tx, 2, p.n.down(plainDown{port: -1})); !errors.Is(err, ErrUnheard) {
		t.Errorf("RX2 after a frame in RX1: %v", err)
	}
}

// TestBusy: while it listens to a long frame the device does not send.
func TestBusy(t *testing.T) {
	p := newPair(t, lorawan.V1_0_3, true, Profile{DataRate: 5, Channels: []uint32{867100000, 869525000}})
	tx, _ := p.say("a")
	if _, err := p.hear(tx, 2, p.n.down(plainDown{port: 1, payload: make([]byte, 40)})); err != nil {
		t.Fatal(err)
	}
	p.send(Message{Port: 1})
	if at, _ := p.d.Next(); at.Sub(tx.RX2.Opens) < 2*time.Second {
		t.Errorf("it wants to send %v after a frame of more than 2 s began", at.Sub(tx.RX2.Opens))
	}
}

func TestDownCounter(t *testing.T) {
	for _, c := range []struct {
		v          lorawan.Version
		next, sent uint32
		ok         bool
	}{
		{lorawan.V1_0_3, 0, 0, true},
		{lorawan.V1_0_3, 10, 9, false},
		{lorawan.V1_0_3, 10, 10, true},
		{lorawan.V1_0_3, 65535, 65536, true},
		{lorawan.V1_0_3, 65536, 65535, false},
		{lorawan.V1_0_3, 10, 10 + 16383, true},
		{lorawan.V1_0_3, 10, 10 + 16384, false},
		{lorawan.V1_0_4, 10, 10 + 16384, true},
		{lorawan.V1_0_4, 10, 10 + 32767, true},
		{lorawan.V1_0_4, 100010, 100010 + 40000, false}, // cannot be told from one long ago
		{lorawan.V1_1, 1<<17 + 5, 1<<17 + 4, false},
		{lorawan.V1_1, 1<<17 + 5, 1<<17 + 6, true},
	} {
		p := joined(t, c.v, Profile{DataRate: 5})
		p.d.mem.FCntDown = c.next
		tx, _ := p.say("a")
		_, err := p.hear(tx, 1, p.n.downAt(plainDown{port: -1}, c.sent))
		if (err == nil) != c.ok {
			t.Errorf("%s: %d after %d: %v", c.v, c.sent, c.next, err)
		}
		if want := c.sent + 1; c.ok && p.d.mem.FCntDown != want {
			t.Errorf("%s: the next is %d, want %d", c.v, p.d.mem.FCntDown, want)
		}
	}
	t.Run("two counters in 1.1", func(t *testing.T) {
		p := joined(t, lorawan.V1_1, Profile{DataRate: 5})
		p.d.mem.FCntDown, p.n.nDown = 40, 40
		tx, _ := p.say("a")
		if out := p.mustHear(tx, plainDown{port: 7, payload: []byte("x"), fopts: wire(t, lorawan.DevStatusReq{})}); string(out.Payload) != "x" {
			t.Errorf("%+v", out)
		}
		if _, up := p.say("b"); len(up.commands) != 1 {
			t.Errorf("%+v", up)
		}
		if p.d.mem.FCntDown != 40 || p.d.mem.AFCntDown != 1 {
			t.Errorf("next %d and %d, want 40 and 1", p.d.mem.FCntDown, p.d.mem.AFCntDown)
		}
	})
}

func TestMargin(t *testing.T) {
	for snr, want := range map[float64]int8{7.4: 7, -19.6: -20, -40: -32, 50: 31} {
		p := joined(t, lorawan.V1_0_4, Profile{DataRate: 5})
		tx, _ := p.say("a")
		p.now = tx.RX1.Opens
		if _, err := p.d.Receive(p.now, Reception{PHYPayload: p.n.down(plainDown{port: -1, fopts: []byte{6}}), Window: 1, SNR: snr}); err != nil {
			t.Fatal(err)
		}
		if _, up := p.say("b"); !slices.Equal(up.commands, all{lorawan.DevStatusAns{Battery: 255, Margin: want}}) {
			t.Errorf("SNR %v: %+v", snr, up.commands)
		}
	}
}

func TestCharge(t *testing.T) {
	p := newPair(t, lorawan.V1_0_3, true, Profile{DataRate: 5})
	p.say("elf Bytes !")
	// 61.696 ms of SF7 at 16 dBm EIRP, which are 13.85 dBm from the radio; windows of eight
	// symbols at SF7 and SF12.
	sent := 61.696e-3 * (20 + (13.85-7)*9/6)
	listened := 8 * (128/125e3 + 4096/125e3) * 10.8
	if got, want := p.d.Charge(), (sent+listened)/3600; math.Abs(got-want) > 1e-12 {
		t.Errorf("%v mAh, want %v", got, want)
	}
	if got := TXCurrent(2); got != 20 {
		t.Errorf("2 dBm draw %v mA", got)
	}
	before := p.d.Charge()
	tx, _ := p.say("elf Bytes !")
	p.mustHear(tx, plainDown{port: -1})
	// Down: 12 bytes without checksum at SF7, 8+12.25 symbols and 4 blocks of 5; no RX2.
	heard := (12.25 + 8 + 20) * 128 / 125e3 * 10.8
	if got, want := p.d.Charge()-before, (sent+heard)/3600; math.Abs(got-want) > 1e-12 {
		t.Errorf("with a downlink %v mAh, want %v", got, want)
	}
}

// FuzzReceive: whatever comes, the device goes on, and changes nothing but its counts unless
// the frame is its network's.
func FuzzReceive(f *testing.F) {
	f.Add([]byte{}, uint8(0), false)
	f.Add([]byte{0x20}, uint8(1), true)
	f.Add([]byte("\x60\xda\x1b\x01\x26\x05\x00\x00\x03\x00\x00\x00\x00\x01\x02\x03\x04"), uint8(2), false)
	f.Add([]byte(strings.Repeat("\x20", 33)), uint8(2), true)
	f.Fuzz(func(t *testing.T, frame []byte, v uint8, joins bool) {
		p := newPair(t, versions[v%3], !joins, Profile{ADR: true, DataRate: 5})
		if !joins {
			p.send(Message{Port: 1, Confirmed: true})
		}
		tx := p.next()
		before := *p.d
		if _, err := p.hear(tx, 1, frame); err == nil {
			t.Fatalf("it took %x", frame)
		}
		if before.stats = p.d.stats; !reflect.DeepEqual(before, *p.d) {
			t.Error("it changed more than its counts")
		}
	})
}

// FuzzCommands: whatever a network commands, with right keys, the device can still speak.
func FuzzCommands(f *testing.F) {
	f.Add([]byte{3, 0x50, 7, 0, 1, 3, 0xf0, 1, 0, 0x60}, uint8(1), false)
	f.Add([]byte{7, 3, 0, 0, 0, 0, 5, 1, 2, 3, 4}, uint8(0), true)
	f.Add([]byte{0x0e, 0xff, 0xff, 0x0f, 0xff, 0x0c, 0xff, 4, 15}, uint8(2), true)
	f.Fuzz(func(t *testing.T, commands []byte, v uint8, confirmed bool) {
		if len(commands) > 200 {
			return
		}
		p := joined(t, versions[v%3], Profile{ADR: true, DataRate: 5, Queue: 4})
		tx, _ := p.say("a")
		if _, err := p.hear(tx, 1, p.n.down(plainDown{port: 0, payload: commands, confirmed: confirmed})); err != nil {
			t.Fatal(err)
		}
		p.send(Message{Port: 1, Payload: []byte("b"), Confirmed: confirmed})
		for range 12 {
			if _, ok := p.d.Next(); !ok {
				break
			}
			p.next()
		}
		if err := p.d.mem.check(p.d); err != nil {
			t.Errorf("after %x: %v", commands, err)
		}
	})
}
