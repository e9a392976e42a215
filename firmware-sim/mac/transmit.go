package mac

import (
	"time"

	"meldefunk/city/lorawan"
)

// Transmission is a frame that goes on air.
type Transmission struct {
	PHYPayload []byte // its own memory
	MType      lorawan.MType
	FCnt       uint32 // of data frames
	Try        uint8  // 1 for the first; repetitions have the same FCnt
	HasTag     bool   // it carries a Message
	Tag        uint64 // of the Message

	Start      time.Time
	Airtime    time.Duration
	Channel    uint8
	Frequency  uint32 // Hz
	DataRate   uint8  // its number in the band
	Modulation lorawan.DataRate
	Power      int // dBm EIRP

	RX1, RX2 Window
}

// Window is when and how the device listens.
type Window struct {
	Opens     time.Time
	Frequency uint32 // Hz
	DataRate  uint8
}

// kind is what an exchange is about.
type kind uint8

const (
	nothing kind = iota
	join
	rejoin
	data
)

// exchange is the last frame sent, with its repetitions and receive windows.
type exchange struct {
	kind     kind
	more     bool // it is sent again at again, unless something comes
	open     bool // its windows are not past, as far as is known, and nothing came
	dr       uint8
	tries    uint8
	most     uint8 // tries
	sentAt   instant
	rx1      instant
	rxDR     [2]uint8
	again    instant
	nonce    uint16 // of a join- or rejoin-request
	typ      uint8  // of a rejoin-request
	ctrl     lorawan.FCtrl
	confFCnt uint32
	fcnt     uint32
	fopts    [lorawan.MaxFOpts]byte
	n        uint8 // bytes in fopts
	hasPort  bool  // msg is a payload, or on port 0 commands that do not fit fopts
	carries  bool  // msg is from the queue
	acked    bool
	msg      Message
}

// rx2 gives when the second window opens.
func (x *exchange) rx2() instant { return x.rx1.add(time.Second) }

// Next gives when the device wants to transmit, as things stand; false if it has nothing to
// say. It may be in the past, and changes with Send, Transmit and Receive.
func (d *Device) Next() (time.Time, bool) {
	if !d.on {
		return time.Time{}, false
	}
	p := d.plan()
	if p.kind == nothing {
		return time.Time{}, false
	}
	c, _ := d.choose(p.from, p.dr, p.airtime, p.kind == join, false)
	if c.from == never {
		return time.Time{}, false
	}
	return c.from.time(), true
}

// plan is what comes next.
type plan struct {
	kind     kind
	again    bool // a repetition
	from     instant
	dr       uint8
	airtime  time.Duration
	msg      int // in the queue; -1: none
	commands bool
}

// plan decides without changing anything.
func (d *Device) plan() plan {
	p := plan{msg: -1, dr: d.mem.P.DataRate, from: d.ready}
	size := 0
	switch {
	case !d.mem.Joined:
		if !d.canJoin() {
			return plan{}
		}
		p.kind, p.dr, p.from, size = join, d.joining.dr(d.profile), max(p.from, d.joining.at), joinRequestLen
	case d.x.more:
		p.kind, p.again, p.from, p.dr = data, true, max(p.from, d.x.again), d.x.dr
		if d.fallsBack() {
			p.dr--
		}
		size = d.x.size()
	case d.rejoining.due(d) && d.rejoining.at <= max(d.ready, d.firstData()):
		p.kind, p.dr, p.from, size = rejoin, d.rejoining.dr(d), max(p.from, d.rejoining.at), rejoinRequestLen
	default:
		if p, size = d.planData(p); p.kind == nothing {
			return p
		}
	}
	r, _ := eu868{}.DataRate(p.dr)
	airtime, err := r.Airtime(lorawan.Up, size)
	if err != nil {
		panic(err) // cannot be: sizes and rates are of the band
	}
	p.airtime = airtime
	return p
}

// Transmit sends what is due. It is false if nothing is due yet: ask Next again. The caller
// carries the frame; what the network sends in the two windows it gives to Receive.
func (d *Device) Transmit(now time.Time) (Transmission, bool) {
	t := at(now)
	if !d.on {
		return Transmission{}, false
	}
	d.settle(t)
	p := d.plan()
	if p.kind == nothing || p.from > t {
		return Transmission{}, false
	}
	c, ok := d.choose(t, p.dr, p.airtime, p.kind == join, true)
	if !ok {
		return Transmission{}, false
	}
	if !p.again {
		d.x = exchange{kind: p.kind}
	} else if p.dr < d.x.dr { // it fell back
		d.mem.P.DataRate = min(d.mem.P.DataRate, p.dr)
	}
	x := &d.x
	x.tries++
	x.dr, x.sentAt, x.open = p.dr, t, true
	tx := Transmission{
		Try: x.tries, Start: now, Airtime: p.airtime, DataRate: p.dr,
		Channel: c.channel, Frequency: d.mem.P.Up[c.channel],
	}
	tx.Modulation, _ = eu868{}.DataRate(p.dr)
	power := d.mem.P.Power
	end := t.add(p.airtime)
	switch p.kind {
	case join:
		power = 0
		d.sealJoin(&tx)
		d.windows(&tx, end.add(lorawan.JoinAcceptDelay1), lorawan.EU868RX2Frequency, lorawan.EU868RX2DataRate, 0)
	case rejoin:
		d.sealRejoin(&tx)
		d.windows(&tx, end.add(lorawan.JoinAcceptDelay1), d.mem.P.RX2Frequency, d.mem.P.RX2DataRate, d.mem.P.RX1DROffset)
	case data:
		d.sealData(&tx, p, c.channel)
		d.windows(&tx, end.add(time.Duration(d.mem.P.RXDelay)*time.Second), d.mem.P.RX2Frequency, d.mem.P.RX2DataRate, d.mem.P.RX1DROffset)
	}
	tx.Power, _ = eu868{}.TXPower(power)
	d.duty.add(t, tx.Frequency, p.airtime, d.mem.P.MaxDutyCycle)
	d.spend(TXCurrent(tx.Power), p.airtime)
	d.ready = x.rx2().add(listening(x.rxDR[1]))
	d.after(end, p)
	return tx, true
}

// windows sets when the device listens, and counts what that costs.
func (d *Device) windows(tx *Transmission, rx1 instant, rx2 uint32, rx2DR, offset uint8) {
	hz := d.mem.P.Down[tx.Channel]
	if hz == 0 || d.x.kind == join {
		hz = tx.Frequency
	}
	rx1DR, _ := eu868{}.RX1(tx.DataRate, offset)
	d.x.rx1, d.x.rxDR = rx1, [2]uint8{rx1DR, rx2DR}
	tx.RX1 = Window{Opens: rx1.time(), Frequency: hz, DataRate: rx1DR}
	tx.RX2 = Window{Opens: d.x.rx2().time(), Frequency: rx2, DataRate: rx2DR}
	d.spend(rxCurrent, listening(rx1DR)+listening(rx2DR))
}

// The time between a confirmed frame's second window and its repetition, drawn anew each
// time (ACK_TIMEOUT of 1.0.3, RETRANSMIT_TIMEOUT since; RP section 2.2.9).
const (
	ackTimeoutMin = 1 * time.Second
	ackTimeoutMax = 3 * time.Second
)

// after settles what follows a frame that ends at end.
func (d *Device) after(end instant, p plan) {
	x := &d.x
	switch x.kind {
	case join:
		d.joining.sent(d, end, p.airtime)
	case rejoin:
		d.rejoining.sent(d, end)
	case data:
		if x.more = x.tries < x.most; x.msg.Confirmed {
			x.again = x.rx2().add(d.between(ackTimeoutMin, ackTimeoutMax))
			d.ready = x.again
		} else if x.more {
			x.again = d.ready.add(d.between(0, time.Second)) // so that two devices do not collide for ever
		}
	}
}

// settle ends what is past at t: an exchange of which nothing more is sent or heard, and a
// session of 1.1 that the network never confirmed (L2 1.1 section 5.10).
func (d *Device) settle(t instant) {
	if d.x.more || t < d.ready {
		return
	}
	d.giveUp()
	if d.mem.Introduce && d.rekeys >= lorawan.ADRACKLimit {
		d.leave(t)
	}
}

// failed tells whether the last exchange was a payload that should have been acknowledged,
// was not, and is not sent again.
func (x *exchange) failed() bool { return x.carries && x.msg.Confirmed && !x.acked && !x.more }

// giveUp ends the last exchange, whatever was left to do.
func (d *Device) giveUp() {
	d.x.more = false
	failed, m := d.x.failed(), d.x.msg
	d.x = exchange{}
	if !failed {
		return
	}
	d.stats.Unacknowledged++
	if d.profile.KeepUnacknowledged {
		d.putBack(m)
	}
}
