package mac

import (
	"slices"

	"meldefunk/city/lorawan"
)

// Lengths of frames in bytes.
const (
	joinRequestLen   = 23
	rejoinRequestLen = 19
	// dataOverhead is what a data frame has beside FOpts and payload, the port included.
	dataOverhead = 13
)

// confirmedTries is how often a confirmed frame is sent in 1.0.3, which leaves that to the
// device and recommends this. Later versions use NbTrans.
const confirmedTries = 8

// planData chooses what the next data frame carries and gives its size. Commands go with a
// payload where both fit; where they do not, alone first, and then the payload alone, so
// that neither waits for ever.
func (d *Device) planData(p plan) (plan, int) {
	most := eu868{}.MaxPayload(p.dr)
	opts := int(d.answers.n)
	if d.mem.Introduce {
		opts += 2
	}
	p.msg = d.fitting(most)
	if p.msg < 0 {
		if !d.urgent && !d.ackOwed {
			return plan{}, 0
		}
		p.kind, p.commands = data, true
		return p, bareSize(opts)
	}
	p.kind = data
	size := dataOverhead + len(d.queue[p.msg].Payload)
	switch {
	case opts <= lorawan.MaxFOpts && opts+len(d.queue[p.msg].Payload) <= most:
		p.commands = true
		return p, size + opts
	case d.bare:
		return p, size
	}
	p.msg, p.commands = -1, true
	return p, bareSize(opts)
}

// firstData tells from when on there is a data frame to send.
func (d *Device) firstData() instant {
	if p, _ := d.planData(plan{dr: d.mem.P.DataRate}); p.kind == nothing {
		return never
	}
	return d.ready
}

// bareSize gives the size of a frame with commands alone: in FOpts, without a port, or as
// payload on port 0.
func bareSize(commands int) int {
	if commands <= lorawan.MaxFOpts {
		return dataOverhead - 1 + commands
	}
	return dataOverhead + commands
}

// size gives that of the data frame under way.
func (x *exchange) size() int {
	if x.hasPort {
		return dataOverhead + int(x.n) + len(x.msg.Payload)
	}
	return dataOverhead - 1 + int(x.n)
}

// fallsBack tells whether the next try of a confirmed frame is a data rate lower: every
// second one in 1.0.3, if there is a channel for it and the frame still fits. What is sent
// afterwards begins with the rate of the last try (L2 1.0.3, "Data-rate adaptation during
// message retransmissions").
func (d *Device) fallsBack() bool {
	x, p := &d.x, &d.mem.P
	return d.version == lorawan.V1_0_3 && x.msg.Confirmed && x.tries%2 == 0 &&
		x.dr > 0 && p.usable(x.dr-1) && x.size() <= dataOverhead+(eu868{}).MaxPayload(x.dr-1)
}

// sealData makes the frame, of what is planned or, if it is a repetition, of what it was.
func (d *Device) sealData(tx *Transmission, p plan, ch uint8) {
	x := &d.x
	if p.again {
		d.stats.Repetitions++
	} else {
		d.compose(p)
	}
	f := lorawan.Data{
		MType: lorawan.UnconfirmedUp, DevAddr: d.mem.Session.DevAddr, FCtrl: x.ctrl, FCnt: x.fcnt,
		FOpts: x.fopts[:x.n], HasPort: x.hasPort, FPort: x.msg.Port, FRMPayload: x.msg.Payload,
	}
	if x.msg.Confirmed {
		f.MType = lorawan.ConfirmedUp
	}
	frame, err := d.mem.Session.Seal(make([]byte, 0, x.size()), f, lorawan.Binding{ConfFCnt: x.confFCnt, DataRate: p.dr, Channel: ch})
	if err != nil {
		panic(err) // cannot be: the plan keeps to lengths, New and joins to keys
	}
	tx.PHYPayload, tx.MType, tx.FCnt = frame, f.MType, x.fcnt
	tx.HasTag, tx.Tag = x.carries, x.msg.Tag
}

// compose takes what a new data frame carries from queue and answers, and counts it.
func (d *Device) compose(p plan) {
	x := &d.x
	x.fcnt = d.mem.FCntUp
	d.mem.FCntUp++
	d.stats.Uplinks++
	d.rejoining.uplinks++
	x.ctrl = lorawan.FCtrl{ADR: d.profile.ADR, ADRACKReq: d.wantsAnswer(), ACK: d.ackOwed}
	x.confFCnt, d.ackOwed = d.ackFCnt, false
	if p.commands {
		d.tell()
	}
	d.urgent, d.bare = false, p.msg < 0
	d.backOff()
	x.most = d.mem.P.NbTrans
	if p.msg < 0 {
		return
	}
	x.hasPort, x.carries, x.msg = true, true, d.queue[p.msg]
	d.queue = slices.Delete(d.queue, p.msg, p.msg+1)
	if x.msg.Confirmed && d.version == lorawan.V1_0_3 {
		x.most = confirmedTries
	}
}

// tell puts the waiting commands into the frame: into FOpts where they fit, or on port 0.
func (d *Device) tell() {
	x := &d.x
	introduction := d.introduction()
	if n := len(introduction) + int(d.answers.n); n <= len(x.fopts) {
		x.n = uint8(n)
		copy(x.fopts[copy(x.fopts[:], introduction):], d.answers.bytes())
	} else {
		x.hasPort, x.msg.Payload = true, slices.Concat(introduction, d.answers.bytes())
	}
	d.answers.sent()
}

// introduction gives the command that a 1.1 device begins its frames with until it is
// answered (L2 1.1 sections 5.1 and 5.10).
func (d *Device) introduction() []byte {
	switch {
	case !d.mem.Introduce:
		return nil
	case d.abp:
		return []byte{byte(lorawan.CIDReset), 1}
	}
	d.rekeys++
	return []byte{byte(lorawan.CIDRekey), 1}
}
