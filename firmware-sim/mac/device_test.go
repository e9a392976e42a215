package mac

import (
	"math/rand/v2"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan"
)

// start is when the tests begin: a date has no part in anything.
var start = time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)

var versions = []lorawan.Version{lorawan.V1_0_3, lorawan.V1_0_4, lorawan.V1_1}

// pair is a device and its network.
type pair struct {
	t   *testing.T
	id  Identity
	d   *Device
	n   *network
	now time.Time
}

func newPair(t *testing.T, v lorawan.Version, abp bool, p Profile) *pair {
	t.Helper()
	n := &network{
		v: v, device: city.EUI{0xa8, 0x40, 0x41, 0, 1, 2, 3, 4}, joinEUI: city.EUI{0xa8, 0x40, 0x41, 0, 0, 0, 1, 0},
		appKey: [16]byte{1, 2, 3}, nwkKey: [16]byte{4, 5, 6}, addr: [4]byte{0x26, 0x01, 0x1b, 0xda}, netID: [3]byte{0, 0, 0x13},
	}
	id := Identity{Version: v, DevEUI: n.device, JoinEUI: n.joinEUI, AppKey: n.appKey, NwkKey: n.nwkKey}
	if abp {
		n.fnwk, n.snwk, n.enc, n.app = [16]byte{7}, [16]byte{7}, [16]byte{7}, [16]byte{10}
		if v == lorawan.V1_1 {
			n.snwk, n.enc = [16]byte{8}, [16]byte{9}
		}
		id.ABP = &lorawan.Session{
			Version: v, DevAddr: n.addr, FNwkSIntKey: n.fnwk, SNwkSIntKey: n.snwk, NwkSEncKey: n.enc, AppSKey: n.app,
		}
	}
	d, err := New(id, &p, rand.New(rand.NewPCG(1, uint64(v))))
	if err != nil {
		t.Fatal(err)
	}
	d.Boot(start)
	return &pair{t: t, id: id, d: d, n: n, now: start}
}

// next lets the device transmit when it wants to.
func (p *pair) next() Transmission {
	p.t.Helper()
	for range 3 {
		at, ok := p.d.Next()
		if !ok {
			p.t.Fatal("the device has nothing to send")
		}
		if at.After(p.now) {
			p.now = at
		}
		if tx, ok := p.d.Transmit(p.now); ok {
			return tx
		}
	}
	p.t.Fatalf("it does not send when it said: %v", p.now)
	return Transmission{}
}

// silent fails if the device wants to send.
func (p *pair) silent() {
	p.t.Helper()
	if at, ok := p.d.Next(); ok {
		p.t.Fatalf("it wants to send at %v", at)
	}
}

func (p *pair) send(m Message) {
	p.t.Helper()
	if err := p.d.Send(p.now, m); err != nil {
		p.t.Fatal(err)
	}
}

// say sends a payload and reads it.
func (p *pair) say(payload string) (Transmission, plainUp) {
	p.t.Helper()
	p.send(Message{Port: 2, Payload: []byte(payload)})
	tx := p.next()
	return tx, p.n.read(p.t, tx, 0)
}

// hear gives the device a frame in a window of tx.
func (p *pair) hear(tx Transmission, window uint8, frame []byte) (Delivery, error) {
	w := tx.RX1
	if window == 2 {
		w = tx.RX2
	}
	p.now = w.Opens
	return p.d.Receive(p.now, Reception{PHYPayload: frame, Window: window, SNR: 7.4})
}

func (p *pair) mustHear(tx Transmission, down plainDown) Delivery {
	p.t.Helper()
	out, err := p.hear(tx, 1, p.n.down(down))
	if err != nil {
		p.t.Fatal(err)
	}
	return out
}

func (p *pair) join() {
	p.t.Helper()
	tx := p.next()
	if out, err := p.hear(tx, 1, p.n.accept(p.t, tx.PHYPayload, 0, 0, 1, nil)); err != nil || !out.Joined {
		p.t.Fatalf("join: %+v, %v", out, err)
	}
	if p.n.v == lorawan.V1_1 { // RekeyInd is answered
		tx, up := p.say("hier")
		if len(up.commands) != 1 || up.commands[0] != (lorawan.RekeyInd{Minor: 1}) {
			p.t.Fatalf("commands %v, want RekeyInd", up.commands)
		}
		p.mustHear(tx, plainDown{port: -1, fopts: []byte{byte(lorawan.CIDRekey), 1}})
	}
}

// joined gives a device with a session.
func joined(t *testing.T, v lorawan.Version, profile Profile) *pair {
	t.Helper()
	p := newPair(t, v, false, profile)
	p.join()
	return p
}

func wire(t *testing.T, all ...lorawan.Command) []byte {
	t.Helper()
	b, err := lorawan.AppendCommands(nil, all...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// command lets the network command something and gives the answers of the next uplink.
func (p *pair) command(all ...lorawan.Command) []lorawan.Command {
	p.t.Helper()
	tx, _ := p.say("a")
	p.mustHear(tx, plainDown{port: 0, payload: wire(p.t, all...)})
	p.send(Message{Port: 2, Payload: []byte("b")})
	return p.n.read(p.t, p.next(), 0).commands
}
