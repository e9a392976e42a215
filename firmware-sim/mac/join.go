package mac

import (
	"fmt"
	"time"

	"meldefunk/city/lorawan"
)

// joining is how far the device has come with it since power-up.
type joining struct {
	since instant       // of the back-off
	at    instant       // the next try
	onAir time.Duration // in this stage of the back-off
	stage uint32
	tries uint32
}

func (d *Device) startJoining(t instant) {
	d.joining = joining{since: t, at: t.add(d.between(0, bootSpread))}
	d.rekeys = 0
}

// The back-off of joins: how long they may be on air in the first hour, the ten hours after
// it, and each day from then on (L2 1.0.4 section 7; L2 1.0.3 likewise).
const (
	firstHour  = time.Hour
	tenHours   = 10 * time.Hour
	joinBudget = 36 * time.Second
	dayBudget  = 8700 * time.Millisecond
)

// backOffStage gives the number of the stage some time after power-up, when it ends, the
// budget of time on air it has, and one part of what the device may send in it.
func backOffStage(e time.Duration) (stage uint32, ends, budget, one time.Duration) {
	switch {
	case e < firstHour:
		return 0, firstHour, joinBudget, 100
	case e < firstHour+tenHours:
		return 1, firstHour + tenHours, joinBudget, 1000
	}
	day := (e - firstHour - tenHours) / (24 * time.Hour)
	return 2 + uint32(day), firstHour + tenHours + (day+1)*24*time.Hour, dayBudget, 10000
}

// dr gives the data rate of the next join-request: a step slower every two tries, then from
// the start again, so that it is heard at last and does not fill the air at first.
func (j *joining) dr(p *Profile) uint8 {
	return p.DataRate - uint8(j.tries/2%(uint32(p.DataRate)+1))
}

// canJoin tells whether there is a DevNonce left. Where they count there are 65,536.
func (d *Device) canJoin() bool { return !d.abp && d.mem.DevNonce < 1<<16 }

// sent settles when the next try may be, after one that ended at end.
func (j *joining) sent(d *Device, end instant, onAir time.Duration) {
	e := time.Duration(end - j.since)
	stage, ends, budget, one := backOffStage(e)
	if stage != j.stage {
		j.stage, j.onAir = stage, 0
	}
	j.onAir += onAir
	j.tries++
	// As long as the share of this stage asks and up to half as much more, a different time
	// for each device and try.
	pause := onAir * one
	j.at = max(d.ready, end.add(pause+d.between(0, pause/2)))
	r, _ := eu868{}.DataRate(j.dr(d.profile))
	next, err := r.Airtime(lorawan.Up, joinRequestLen)
	if err != nil {
		panic(err) // cannot be: sizes and rates are of the band
	}
	if time.Duration(j.at-j.since) < ends && j.onAir+next > budget {
		j.at = j.since.add(ends + d.between(0, pause/2))
	}
}

// root gives the key a device joins with.
func (d *Device) root() lorawan.Key {
	if d.version == lorawan.V1_1 {
		return d.nwkKey
	}
	return d.appKey
}

// sealJoin makes a join-request. DevNonce is random in 1.0.3 (L2 1.0.3 section 6.2.4), later
// a counter that begins at 0 (L2 1.0.4 section 6.2.5).
func (d *Device) sealJoin(tx *Transmission) {
	nonce := uint16(d.mem.DevNonce)
	if d.version == lorawan.V1_0_3 {
		nonce = uint16(d.rng.Uint32())
	} else {
		d.mem.DevNonce++
	}
	d.x.nonce = nonce
	d.stats.JoinRequests++
	r := lorawan.JoinRequest{JoinEUI: d.joinEUI, DevEUI: d.devEUI, DevNonce: nonce}
	tx.MType, tx.PHYPayload = lorawan.JoinRequestType, r.Seal(make([]byte, 0, joinRequestLen), d.root())
}

// acceptJoin takes a join-accept.
func (d *Device) acceptJoin(frame []byte) error {
	ask := lorawan.JoinRequest{JoinEUI: d.joinEUI, DevEUI: d.devEUI, DevNonce: d.x.nonce}.Ask()
	if d.x.kind == rejoin {
		ask = d.rejoinRequest().Ask(d.joinEUI)
	}
	a, err := lorawan.OpenJoinAccept(frame, d.root(), ask)
	if err != nil {
		return err
	}
	// A counter since 1.0.4 (L2 1.0.4 section 6.2.6), which keeps old ones from being played
	// again; random before.
	if d.version != lorawan.V1_0_3 && d.mem.HasJoinNonce && a.JoinNonce <= d.mem.JoinNonce {
		return fmt.Errorf("join-accept for %s with JoinNonce %d after %d: %w", d.devEUI, a.JoinNonce, d.mem.JoinNonce, ErrNonce)
	}
	if d.x.kind == rejoin && !a.OptNeg {
		return fmt.Errorf("join-accept for %s: a rejoin-request is answered by a network of 1.1 only: %w", d.devEUI, ErrForeign)
	}
	m := &d.mem
	root := d.root()
	m.JoinNonce, m.HasJoinNonce, m.RJCount = a.JoinNonce, true, 0
	m.Joined, m.NetID = true, a.NetID
	m.Session = a.Session(d.version, root, d.appKey, ask)
	m.FCntUp, m.FCntDown, m.AFCntDown = 0, 0, 0
	m.Introduce = m.Session.Version == lorawan.V1_1
	if d.x.kind == join || d.x.typ == 0 { // type 2 changes keys, not settings (L2 1.1 section 6.2.4)
		m.P.grant(d, a)
	}
	d.answers, d.urgent, d.ackOwed, d.bare = answers{}, false, false, false
	d.adrCount, d.rekeys = 0, 0
	d.rejoining = rejoining{since: d.x.sentAt}
	d.stats.Joins++
	return nil
}

// grant makes the settings those of a join-accept. What the band does not know is left at its
// default. The data rate is the one the network has just answered.
func (p *parameters) grant(d *Device, a lorawan.JoinAccept) {
	*p = (&Profile{DataRate: min(5, d.x.dr)}).parameters()
	if !d.profile.ADR {
		p.DataRate = d.profile.DataRate
	}
	p.RXDelay = max(1, a.RXDelay)
	if a.RX1DROffset <= 5 {
		p.RX1DROffset = a.RX1DROffset
	}
	if a.RX2DataRate <= lorawan.EU868MaxDR {
		p.RX2DataRate = a.RX2DataRate
	}
	if !a.HasCFList {
		return
	}
	list, err := a.CFList.Frequencies()
	if err != nil {
		return
	}
	for i, hz := range list {
		if _, ok := bandOf(hz); ok {
			p.setChannel(3+i, hz, 0, 5)
		}
	}
}
