package mac

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"meldefunk/city/lorawan"
)

func TestSendRefuses(t *testing.T) {
	p := joined(t, lorawan.V1_0_3, Profile{})
	var long *TooLongError
	for _, c := range []struct {
		name string
		m    Message
		ok   func(error) bool
	}{
		{"port 0", Message{}, func(err error) bool { return errors.Is(err, ErrPort) }},
		{"port 224", Message{Port: 224}, func(err error) bool { return errors.Is(err, ErrPort) }},
		{"too long for DR0", Message{Port: 1, Payload: make([]byte, 52)}, func(err error) bool { return errors.As(err, &long) && long.Max == 51 }},
		{"just fits", Message{Port: 223, Payload: make([]byte, 51)}, func(err error) bool { return err == nil }},
	} {
		if err := p.d.Send(p.now, c.m); !c.ok(err) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	p.d.Off()
	if err := p.d.Send(p.now, Message{Port: 1}); !errors.Is(err, ErrOff) {
		t.Errorf("off: %v", err)
	}
	p.silent()
	if _, ok := p.d.Transmit(p.now.Add(time.Hour)); ok {
		t.Error("it sends although it is off")
	}
}

// TestQueue: without a network the last readings are kept, and sent in their order later.
func TestQueue(t *testing.T) {
	p := newPair(t, lorawan.V1_0_4, false, Profile{Queue: 3, DataRate: 5})
	for i := range 5 {
		p.send(Message{Port: 1, Payload: []byte{byte(i)}, Tag: uint64(i)})
	}
	if p.d.Queued() != 3 || p.d.Stats().Dropped != 2 {
		t.Errorf("%d wait, %+v", p.d.Queued(), p.d.Stats())
	}
	p.join()
	for i := 2; i < 5; i++ {
		tx := p.next()
		if up := p.n.read(t, tx, 0); up.payload[0] != byte(i) || !tx.HasTag || tx.Tag != uint64(i) || tx.FCnt != uint32(i-2) {
			t.Errorf("%+v %+v, want payload %d", tx, up, i)
		}
	}
	p.silent()
}

// TestWaitsForRate: what no longer fits waits, and what fits passes it.
func TestWaitsForRate(t *testing.T) {
	p := joined(t, lorawan.V1_0_4, Profile{ADR: true, DataRate: 5, Queue: 3})
	p.send(Message{Port: 1, Payload: make([]byte, 100)})
	p.d.mem.P.DataRate = 0
	p.silent()
	if _, up := p.say("kurz"); string(up.payload) != "kurz" {
		t.Errorf("%+v", up)
	}
	p.d.mem.P.DataRate = 3
	if up := p.n.read(t, p.next(), 0); len(up.payload) != 100 {
		t.Errorf("%+v", up)
	}
}

func TestConfirmed(t *testing.T) {
	for _, v := range versions {
		t.Run(v.String(), func(t *testing.T) {
			p := joined(t, v, Profile{DataRate: 5, Queue: 2})
			p.d.mem.P.NbTrans = 3
			p.send(Message{Port: 9, Payload: []byte("bitte"), Confirmed: true, Tag: 77})
			p.send(Message{Port: 9, Payload: []byte("danach")})
			tries := 3
			rates := []uint8{5, 5, 5}
			if v == lorawan.V1_0_3 {
				tries, rates = 8, []uint8{5, 5, 4, 4, 3, 3, 2, 2}
			}
			var last Transmission
			for i := range tries {
				tx := p.next()
				up := p.n.read(t, tx, 0)
				if up.mtype != 4 || string(up.payload) != "bitte" || tx.Try != uint8(i+1) || tx.DataRate != rates[i] || i > 0 && tx.FCnt != last.FCnt {
					t.Errorf("try %d: %+v %+v, want DR%d", i+1, tx, up, rates[i])
				}
				if gap := tx.Start.Sub(last.RX2.Opens); i > 0 && gap < time.Second {
					t.Errorf("try %d comes %v after RX2", i+1, gap)
				}
				last = tx
			}
			p.d.mem.P.NbTrans = 1
			next := p.next()
			if up := p.n.read(t, next, 0); string(up.payload) != "danach" || up.mtype != 2 || next.DataRate != last.DataRate {
				t.Errorf("%+v %+v, want the next payload at the data rate of the last try", next, up)
			}
			if got := p.d.Stats(); got.Unacknowledged != 1 || got.Repetitions != uint32(tries-1) {
				t.Errorf("%+v", got)
			}

			p.send(Message{Port: 9, Confirmed: true, Tag: 78})
			tx := p.next()
			p.n.read(t, tx, 0)
			out := p.mustHear(tx, plainDown{port: 4, payload: []byte("gut"), ack: true})
			if !out.Acked || out.Tag != 78 || !out.Data || out.Port != 4 || string(out.Payload) != "gut" {
				t.Errorf("%+v", out)
			}
			p.silent()
		})
	}
}

// TestAckTimeout: the pause before a repetition is 1 to 3 s, and not always the same.
func TestAckTimeout(t *testing.T) {
	p := joined(t, lorawan.V1_0_4, Profile{DataRate: 5})
	low, high := time.Hour, time.Duration(0)
	for range 200 {
		p.send(Message{Port: 1, Confirmed: true})
		tx := p.next()
		gap := p.d.ready.time().Sub(tx.RX2.Opens)
		low, high = min(low, gap), max(high, gap)
	}
	if low < time.Second || high > 3*time.Second || low > 1200*time.Millisecond || high < 2800*time.Millisecond {
		t.Errorf("from %v to %v", low, high)
	}
}

// TestFallback: only 1.0.3 falls back, and not below what carries the frame.
func TestFallback(t *testing.T) {
	for _, c := range []struct {
		v    lorawan.Version
		size int
		want uint8 // the data rate of the eighth try
	}{{lorawan.V1_0_3, 51, 2}, {lorawan.V1_0_3, 52, 3}, {lorawan.V1_0_3, 116, 4}, {lorawan.V1_0_4, 1, 5}, {lorawan.V1_1, 1, 5}} {
		p := joined(t, c.v, Profile{DataRate: 5})
		p.d.mem.P.NbTrans = 8
		p.send(Message{Port: 1, Payload: make([]byte, c.size), Confirmed: true})
		var tx Transmission
		for range 8 {
			tx = p.next()
		}
		if p.silent(); tx.DataRate != c.want || p.d.DataRate() != c.want {
			t.Errorf("%s, %d bytes: DR%d, want DR%d", c.v, c.size, tx.DataRate, c.want)
		}
	}
}

func TestConfirmedDownlinkWithoutAck(t *testing.T) {
	for _, v := range versions {
		p := joined(t, v, Profile{DataRate: 5})
		p.d.mem.P.NbTrans = 4
		p.send(Message{Port: 9, Confirmed: true})
		p.mustHear(p.next(), plainDown{port: -1})
		_, more := p.d.Next()
		if want := v == lorawan.V1_0_3; more != want {
			t.Errorf("%s: repeated %v, want %v", v, more, want)
		}
	}
}

func TestKeepUnacknowledged(t *testing.T) {
	p := joined(t, lorawan.V1_0_4, Profile{DataRate: 5, Queue: 2, KeepUnacknowledged: true})
	p.send(Message{Port: 1, Payload: []byte("1"), Confirmed: true, Tag: 1})
	p.next()
	p.silent() // it waits for the next reading
	p.now = p.now.Add(time.Hour)
	p.send(Message{Port: 1, Payload: []byte("2"), Confirmed: true, Tag: 2})
	for tag := uint64(1); tag <= 2; tag++ {
		tx := p.next()
		if tx.Tag != tag || tx.FCnt != uint32(tag) {
			t.Errorf("%+v, want tag %d with a counter of its own", tx, tag)
		}
		p.n.read(t, tx, 0)
		if out := p.mustHear(tx, plainDown{port: -1, ack: true}); !out.Acked || out.Tag != tag {
			t.Errorf("%+v", out)
		}
	}
	p.silent()
}

// TestKeepsLast: where the queue is full it is the older payloads that go.
func TestKeepsLast(t *testing.T) {
	p := joined(t, lorawan.V1_0_4, Profile{DataRate: 5, Queue: 2, KeepUnacknowledged: true})
	p.send(Message{Port: 1, Confirmed: true, Tag: 1})
	p.next()
	p.send(Message{Port: 1, Tag: 2})
	p.send(Message{Port: 1, Tag: 3})
	p.now = p.now.Add(time.Hour)
	p.send(Message{Port: 1, Tag: 4})
	for tag := uint64(3); tag <= 4; tag++ {
		if tx := p.next(); tx.Tag != tag {
			t.Errorf("tag %d, want %d", tx.Tag, tag)
		}
	}
	if got := p.d.Stats(); got.Dropped != 2 || got.Unacknowledged != 1 {
		t.Errorf("%+v", got)
	}
}

// TestRepetitionTooLong: a data rate that does not carry the frame any more ends its tries.
func TestRepetitionTooLong(t *testing.T) {
	p := joined(t, lorawan.V1_0_3, Profile{ADR: true, DataRate: 5})
	p.send(Message{Port: 1, Payload: make([]byte, 200), Confirmed: true})
	p.mustHear(p.next(), plainDown{port: -1, fopts: wire(t, lorawan.LinkADRReq{DataRate: 0, ChMask: 7, NbTrans: 1})})
	p.silent()
	if tx, up := p.say("kurz"); tx.DataRate != 0 || len(up.commands) != 1 || p.d.Stats().Unacknowledged != 1 {
		t.Errorf("%+v %+v %+v", tx, up, p.d.Stats())
	}
}

func TestNbTrans(t *testing.T) {
	p := joined(t, lorawan.V1_1, Profile{DataRate: 5})
	p.d.mem.P.NbTrans = 3
	p.send(Message{Port: 1, Payload: []byte("x")})
	first := p.next()
	p.n.read(t, first, 0)
	channels := map[uint8]bool{first.Channel: true}
	for range 2 {
		tx := p.next()
		if p.n.read(t, tx, 0); tx.FCnt != first.FCnt {
			t.Errorf("counter %d, want %d", tx.FCnt, first.FCnt)
		}
		if tx.Start.Before(first.RX2.Opens) {
			t.Error("it repeats before its windows are closed")
		}
		channels[tx.Channel] = true
	}
	if p.silent(); len(channels) < 2 {
		t.Errorf("channels %v: want it to hop", channels)
	}
	p.send(Message{Port: 1})
	tx := p.next()
	p.n.read(t, tx, 0)
	p.mustHear(tx, plainDown{port: -1})
	p.silent()
}

// TestAcknowledges: a confirmed downlink is acknowledged soon, with a frame of its own where
// there is nothing else to say.
func TestAcknowledges(t *testing.T) {
	for _, v := range versions {
		p := joined(t, v, Profile{DataRate: 5})
		tx, _ := p.say("a")
		const counter = 5
		p.d.mem.FCntDown, p.d.mem.AFCntDown, p.n.nDown, p.n.aDown = counter, counter, counter, counter
		p.mustHear(tx, plainDown{port: 3, confirmed: true, payload: []byte("b")})
		heard := p.now
		tx = p.next()
		if up := p.n.read(t, tx, counter); !up.ack || up.hasPort || tx.HasTag || tx.Start.Sub(heard) > 10*time.Second {
			t.Errorf("%s: %+v after %v", v, up, tx.Start.Sub(heard))
		}
		p.silent()
		if _, up := p.say("c"); up.ack {
			t.Errorf("%s: acknowledged twice", v)
		}
	}
}

func TestPending(t *testing.T) {
	p := joined(t, lorawan.V1_0_4, Profile{DataRate: 5})
	tx, _ := p.say("a")
	p.mustHear(tx, plainDown{port: -1, pending: true})
	if up := p.n.read(t, p.next(), 0); up.hasPort {
		t.Errorf("%+v, want an empty frame", up)
	}
	p.silent()
}

// TestCommandsAndPayload: where both do not fit, commands go first, then the payload.
func TestCommandsAndPayload(t *testing.T) {
	p := joined(t, lorawan.V1_0_4, Profile{ADR: true})
	tx, _ := p.say("a")
	p.mustHear(tx, plainDown{port: -1, fopts: wire(t, lorawan.RXTimingSetupReq{Delay: 2}, lorawan.DevStatusReq{})})
	p.send(Message{Port: 2, Payload: make([]byte, 51)})
	tx = p.next()
	if up := p.n.read(t, tx, 0); up.hasPort || len(up.commands) != 2 {
		t.Fatalf("%+v, want the two answers alone", up)
	}
	tx = p.next()
	if up := p.n.read(t, tx, 0); len(up.payload) != 51 || len(up.commands) != 0 {
		t.Fatalf("%+v, want the payload alone", up)
	}
	tx, up := p.say("kurz")
	if len(up.commands) != 1 || up.commands[0] != (lorawan.RXTimingSetupAns{}) {
		t.Fatalf("commands %v, want the one that is repeated", up.commands)
	}
	p.mustHear(tx, plainDown{port: -1})
	if _, up := p.say("still"); len(up.commands) != 0 {
		t.Errorf("commands %v after a downlink", up.commands)
	}
}

// TestUntold: what was never told is not forgotten when a downlink comes.
func TestUntold(t *testing.T) {
	p := joined(t, lorawan.V1_0_4, Profile{ADR: true})
	p.d.AskLink()
	p.send(Message{Port: 2, Payload: make([]byte, 51)})
	p.mustHear(p.next(), plainDown{port: -1, fopts: wire(t, lorawan.RXTimingSetupReq{Delay: 2})})
	tx := p.next()
	if up := p.n.read(t, tx, 0); len(up.payload) != 51 {
		t.Fatalf("%+v, want the payload", up)
	}
	p.mustHear(tx, plainDown{port: -1})
	if _, up := p.say("a"); len(up.commands) != 1 {
		t.Errorf("commands %v, want RXTimingSetupAns", up.commands)
	}
}

// TestAirtime compares with Semtech AN1200.13 as it is written, in floating point.
func TestAirtime(t *testing.T) {
	for dr := range uint8(6) {
		for _, size := range []int{0, 1, 11, 24, 51} {
			p := newPair(t, lorawan.V1_0_3, true, Profile{DataRate: dr})
			p.send(Message{Port: 1, Payload: make([]byte, size)})
			tx := p.next()
			sf := float64(12 - dr)
			symbol := math.Pow(2, sf) / 125e3
			de := 0.0
			if sf >= 11 {
				de = 1
			}
			n := 8 + math.Max(0, math.Ceil((8*float64(len(tx.PHYPayload))-4*sf+28+16)/(4*(sf-2*de)))*5)
			want := (8+4.25)*symbol + n*symbol
			if got := tx.Airtime.Seconds(); math.Abs(got-want) > 1e-9 || len(tx.PHYPayload) != 13+size {
				t.Errorf("SF%v, %d bytes: %v s, want %v", sf, len(tx.PHYPayload), got, want)
			}
			if tx.Modulation.SpreadingFactor != 12-dr || tx.Modulation.Bandwidth != 125e3 {
				t.Errorf("DR%d is %v", dr, tx.Modulation)
			}
		}
	}
}

// TestVectors seals what brocaar/lorawan sealed: the vectors of package lorawan, those of
// them that a device could send.
func TestVectors(t *testing.T) {
	b, err := os.ReadFile("../../city/lorawan/testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		t.Fatal(err)
	}
	done := 0
	for _, r := range raw {
		if !strings.Contains(string(r), `"kind":"data"`) {
			continue // other kinds have other fields under the same names
		}
		var c struct {
			V11                   bool
			F, S, E, A            lorawan.Key
			Addr                  lorawan.DevAddr
			MType, Port           int
			FCnt, Conf            uint32
			DR, Ch                uint8
			ADR, ADRACKReq, Ack   bool
			Pending               bool
			FOpts, Payload, Frame string
		}
		if err := json.Unmarshal(r, &c); err != nil {
			t.Fatalf("%s: %v", r, err)
		}
		up := c.MType == int(lorawan.UnconfirmedUp) || c.MType == int(lorawan.ConfirmedUp)
		fopts := unhex(t, c.FOpts)
		if !up || c.Pending || c.Port < 1 || c.DR > 7 {
			continue
		}
		done++
		v := lorawan.V1_0_4
		if c.V11 {
			v = lorawan.V1_1
		}
		p := newPair(t, v, true, Profile{})
		p.d.mem.Session = lorawan.Session{Version: v, DevAddr: c.Addr, FNwkSIntKey: c.F, SNwkSIntKey: c.S, NwkSEncKey: c.E, AppSKey: c.A}
		p.d.x = exchange{
			kind: data, fcnt: c.FCnt, confFCnt: c.Conf, hasPort: true, carries: true,
			ctrl: lorawan.FCtrl{ADR: c.ADR, ADRACKReq: c.ADRACKReq, ACK: c.Ack}, n: uint8(len(fopts)),
			msg: Message{Port: uint8(c.Port), Payload: unhex(t, c.Payload), Confirmed: c.MType == int(lorawan.ConfirmedUp)},
		}
		copy(p.d.x.fopts[:], fopts)
		var tx Transmission
		p.d.sealData(&tx, plan{again: true, dr: c.DR}, c.Ch)
		if got := hex.EncodeToString(tx.PHYPayload); got != c.Frame {
			t.Errorf("frame %s, want %s", got, c.Frame)
		}
	}
	if done < 20 {
		t.Errorf("only %d vectors were of use", done)
	}
}
