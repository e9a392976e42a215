package sim

import (
	"container/heap"
	"slices"
	"time"

	"meldefunk/city/lorawan"
	"meldefunk/firmware-sim/events"
	"meldefunk/firmware-sim/mac"
	"meldefunk/firmware-sim/network"
)

// arrival is a frame on its way from the gateways to the network server.
type arrival struct {
	at       time.Time // when all gateways have delivered it
	serial   uint64
	sensor   *sensor
	frame    []byte
	radio    events.Radio
	airtime  time.Duration
	end      time.Time // of the frame on air
	fcnt     uint32
	heard    []heard
	id       events.UUID
	copies   int
	late     bool // the device has stopped listening long ago
	of       *sent
	downLost bool
}

// sent is a measurement on air, whose fate is not known yet.
type sent struct {
	SentUplink
	ways  int  // arrivals that carry it
	known bool // its fate is, and written down
}

// transmit puts on air what the device's radio wants to send at t.
func (p *play) transmit(d *sensor, t time.Time) {
	tx, ok := d.radio.Transmit(t)
	if !ok {
		return
	}
	d.battery.frame(tx.Airtime)
	d.windows = [2]mac.Window{tx.RX1, tx.RX2}
	if tx.HasTag && tx.Try == 1 {
		p.note(d, &tx)
	}
	id := d.site.device.DevEUI
	a := &arrival{sensor: d, frame: tx.PHYPayload, airtime: tx.Airtime, fcnt: tx.FCnt, end: tx.Start.Add(tx.Airtime), radio: radioOf(tx.Frequency, tx.DataRate, tx.Modulation),
		copies: 1, id: events.NewUUID(d.rng.Uint64(), d.rng.Uint64())}
	p.heard = d.site.link.receive(d.rng, &tx, func(g *gateway) bool { _, out := p.plan.gateway(FaultGateway, g.name, t); return out }, p.heard[:0])
	// Drawn always, so that one frame that is lost changes no draw of the next.
	lost, twice, downLost := d.rng.Float64() < p.city.cfg.Loss, d.rng.Float64() < p.city.cfg.Duplicates, d.rng.Float64() < p.city.cfg.Loss
	if s, now := p.plan.device(FaultLoss, id, t); now && p.plan.hits(s, id, t) {
		lost = true
		p.met(d, &tx, FaultLoss)
	} else if lost && t.Before(d.safe) {
		lost = false
	}
	if s, now := p.plan.device(FaultDuplicate, id, t); now && p.plan.hits(s, id, t) {
		a.copies = int(s.Size)
		p.met(d, &tx, FaultDuplicate)
	} else if twice {
		a.copies = 2
	}
	a.downLost = downLost && !t.Before(d.safe)
	if len(p.heard) == 0 {
		p.met(d, &tx, FaultGateway)
	}
	if lost || d.patient.silent(t) || len(p.heard) == 0 {
		return
	}
	a.at = a.end.Add(network.CollectFor)
	if p.carrier != nil {
		a.at = a.end // a real network server collects by itself
	}
	if !p.delay(a, d, &tx) {
		return
	}
	if tx.HasTag && d.sent != nil {
		a.of = d.sent
		a.of.ways++
	}
	p.serial++
	a.serial = p.serial
	heap.Push(&p.arrivals, a)
}

// delay says when the network server hears of a frame, and from whom. False: never.
func (p *play) delay(a *arrival, d *sensor, tx *mac.Transmission) bool {
	end := a.end
	var back time.Time // when the first gateway is back that could not deliver it
	onTime := p.heard[:0]
	for _, h := range p.heard {
		if s, now := p.plan.gateway(FaultGPS, h.gateway.name, end); now && !h.Time.IsZero() {
			h.Time = h.Time.Add(time.Duration(s.Size * float64(time.Second)))
			p.met(d, tx, FaultGPS)
		}
		s, cut := p.plan.gateway(FaultBackhaul, h.gateway.name, end)
		switch {
		case !cut:
			onTime = append(onTime, h)
		case !s.to.IsZero() && (back.IsZero() || s.to.Before(back)):
			back = s.to
			a.heard = append(a.heard[:0], h)
		}
	}
	if len(onTime) > 0 {
		a.heard = slices.Clone(onTime)
	} else {
		p.met(d, tx, FaultBackhaul)
		if back.IsZero() {
			return false
		}
		a.at, a.late = back, true
	}
	id := d.site.device.DevEUI
	if s, now := p.plan.device(FaultLate, id, end); now && p.plan.hits(s, id, end) {
		p.met(d, tx, FaultLate)
		if s.to.IsZero() {
			return false
		}
		if s.to.After(a.at) {
			a.at, a.late = s.to, true
		}
	}
	if a.late {
		for i := range a.heard {
			a.heard[i].Received = a.at
		}
	}
	return true
}

// note begins the record of a measurement that goes on air for the first time.
func (p *play) note(d *sensor, tx *mac.Transmission) {
	p.give(d)
	i := slices.IndexFunc(d.waiting, func(s said) bool { return s.tag == tx.Tag })
	if i < 0 {
		return
	}
	if p.manifest != nil {
		d.sent = &sent{SentUplink: d.waiting[i].what}
		d.sent.Epoch, d.sent.FCnt = d.epoch, tx.FCnt
	}
	d.waiting = slices.Delete(d.waiting, i, i+1)
}

// met notes that a fault has met the frame.
func (p *play) met(d *sensor, tx *mac.Transmission, kind FaultKind) {
	if tx.HasTag && d.sent != nil && !slices.Contains(d.sent.Faults, kind) {
		d.sent.Faults = append(d.sent.Faults, kind)
	}
}

// give closes the record of the sensor's last measurement: nobody heard it, unless it is
// still on its way.
func (p *play) give(d *sensor) {
	if s := d.sent; s != nil && s.ways == 0 {
		p.lose(s)
	}
	d.sent = nil
}

// lose writes down that nobody will ever hear of a measurement.
func (p *play) lose(s *sent) {
	s.Lost = true
	p.write(s)
}

// write puts a record into the manifest, which keeps its first error.
func (p *play) write(s *sent) {
	s.known = true
	_ = p.manifest.Uplink(&s.SentUplink)
}

// arrive lets the network server take a frame, and publishes what it makes of it.
func (p *play) arrive(a *arrival) {
	d := a.sensor
	if p.bridge != nil {
		for i := range a.heard {
			m := events.Frame{PHYPayload: a.frame, Radio: a.radio, Reception: a.heard[i].Reception}
			p.publish(a.at, p.bridge.Topic(&m), func(b []byte) []byte { return p.bridge.Append(b, &m) }, 1)
		}
	}
	p.receptions = p.receptions[:0]
	for i := range a.heard {
		p.receptions = append(p.receptions, a.heard[i].Reception)
	}
	res := p.network.Receive(a.frame, a.receptions())
	switch res.Kind {
	case network.Joined:
		session := sessionOf(res.DevEUI, res.Epoch, res.DevAddr)
		received := a.heard[0].Received
		p.event(a, 1, &events.Join{Device: d.info, Session: &session, Radio: a.radio, ID: a.id,
			Time: events.EventTime(received, p.receptions), Received: received, Published: a.at, Receptions: p.receptions})
	case network.Accepted:
		p.uplink(a, &res)
	case network.Refused:
		p.complain(a, &res)
	case network.Repeated: // told once
	}
	p.settle(a, &res)
	if res.Down != nil && !a.late && !a.downLost {
		p.answer(a, res.Down, res.Epoch)
	}
}

// uplink publishes a data frame, and what it says beside its payload.
func (p *play) uplink(a *arrival, res *network.Result) {
	d := a.sensor
	if res.Epoch != d.told {
		d.told, d.session = res.Epoch, sessionOf(res.DevEUI, res.Epoch, res.DevAddr)
	}
	received := a.heard[0].Received
	p.event(a, a.copies, &events.Up{Device: d.info, Session: &d.session, Radio: a.radio, ID: a.id,
		Time: events.EventTime(received, p.receptions), Received: received, Published: a.at,
		FCnt: res.FCnt, FPort: res.FPort, Payload: res.Payload, Confirmed: res.MType == lorawan.ConfirmedUp,
		ADR: res.FCtrl.ADR, Airtime: a.airtime, Receptions: p.receptions})
	if res.Status != nil {
		p.event(a, 1, &events.Status{Device: d.info, ID: a.id, Time: a.at, Battery: res.Status.Battery, Margin: res.Status.Margin})
	}
}

// complain publishes that a frame was refused.
func (p *play) complain(a *arrival, res *network.Result) {
	cause := events.CauseFrameMIC
	switch res.Complaints[0].Reason {
	case network.CounterBack, network.CounterReused:
		cause = events.CauseReset
	case network.NonceUsed:
		cause = events.CauseDevNonce
	case network.BadMIC:
		if res.MType == lorawan.JoinRequestType {
			cause = events.CauseJoinMIC
		}
	default:
		return // network servers keep it to themselves
	}
	p.event(a, 1, &events.Log{Device: a.sensor.info, Cause: cause, ID: a.id, Time: a.at, FCnt: res.FCnt})
}

// settle writes the truth about a measurement whose fate is known now.
func (p *play) settle(a *arrival, res *network.Result) {
	s := a.of
	if s == nil {
		return
	}
	s.ways--
	if res.Kind == network.Accepted {
		if s.Copies == 0 {
			s.Aired = a.end
			if a.late {
				s.Until = a.at
			}
		}
		s.Copies += a.copies
		if a.sensor.sent == s {
			a.sensor.sent = nil
		}
	}
	switch {
	case s.ways > 0 || a.sensor.sent == s: // another try may come, or make it
	case s.Copies > 0:
		p.write(s)
	default:
		p.lose(s)
	}
}

// answer sends a frame of the network to the device.
func (p *play) answer(a *arrival, down *network.Downlink, epoch uint32) {
	d := p.byEUI[down.DevEUI]
	w := down.Windows[0]
	d.down = &downlink{at: w.At, window: w.Number, frame: down.Frame, snr: float64(a.heard[0].SNR), epoch: epoch}
	p.queue.again(d)
}

// receptions are what the network server is told by the gateways.
func (a *arrival) receptions() []network.Reception {
	all := make([]network.Reception, len(a.heard))
	for i := range a.heard {
		h := &a.heard[i]
		all[i] = network.Reception{Gateway: h.Gateway.ID, At: a.end, GPS: h.GPS, Timestamp: h.Timestamp,
			Frequency: a.radio.Frequency, DataRate: a.radio.DataRate, RSSI: h.RSSI, SNR: h.SNR, Channel: h.Channel, RFChain: h.RFChain}
	}
	return all
}

// event puts a network server's message among those to be published.
func (p *play) event(a *arrival, copies int, e events.Event) {
	if topic := p.server.Topic(e); topic != "" {
		p.publish(a.at, topic, func(b []byte) []byte { return p.server.Append(b, e) }, copies)
	}
}

func (p *play) publish(at time.Time, topic string, write func([]byte) []byte, copies int) {
	from := len(p.body)
	p.body = write(p.body)
	for range copies {
		p.out = append(p.out, Message{At: at, Topic: topic, Body: p.body[from:len(p.body):len(p.body)]})
	}
}
