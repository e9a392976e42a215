package mac

import (
	"time"

	"meldefunk/city/lorawan"
)

// rejoining is asking for a new session while one is under way (L2 1.1 section 6.2.4).
type rejoining struct {
	left   uint8 // tries
	typ    uint8 // 0 or 2
	rate   uint8
	period uint8
	at     instant // the next try

	// Of the ones RejoinParamSetupReq asks for.
	since   instant
	uplinks uint32
}

// force begins what ForceRejoinReq asks for (L2 1.1 section 5.13).
func (j *rejoining) force(d *Device, c lorawan.ForceRejoinReq) {
	rate := c.DataRate
	if !d.mem.P.usable(rate) {
		rate = d.mem.P.DataRate
	}
	j.left, j.typ, j.rate, j.period, j.at = c.MaxRetries+1, 0, rate, c.Period, d.ready
	if c.RejoinType == 2 {
		j.typ = 2
	}
}

// due tells whether a rejoin-request is to be sent, at once or at j.at. After 65,535 the
// device keeps what session it has (L2 1.1 section 6.2.4.1).
func (j *rejoining) due(d *Device) bool {
	if d.mem.Session.Version != lorawan.V1_1 || d.abp || d.mem.RJCount >= 1<<16 {
		return false
	}
	return j.left > 0 || j.periodic(d)
}

// periodic tells whether it is time for one of those RejoinParamSetupReq asks for: after so
// many seconds or uplinks, whichever is first (L2 1.1 section 5.14). They go out before the
// next uplink, so that the device need not wake for them.
func (j *rejoining) periodic(d *Device) bool {
	p := &d.mem.P
	if !p.RejoinEvery {
		return false
	}
	every := time.Second << (10 + p.RejoinTimeN)
	return j.uplinks >= 1<<(4+uint32(p.RejoinCountN)) || d.ready >= j.since.add(every)
}

func (j *rejoining) dr(d *Device) uint8 {
	if j.left > 0 && d.mem.P.usable(j.rate) {
		return j.rate
	}
	return d.mem.P.DataRate
}

// sent settles when the next try may be: 32 s times two to the power of the period after this
// one, and up to 32 s more (L2 1.1 section 5.13).
func (j *rejoining) sent(d *Device, end instant) {
	j.since, j.uplinks = end, 0
	if j.left > 0 {
		j.left--
	}
	j.at = end.add(32*time.Second<<j.period + d.between(0, 32*time.Second))
}

func (d *Device) rejoinRequest() lorawan.RejoinRequest {
	return lorawan.RejoinRequest{Type: d.x.typ, NetID: d.mem.NetID, DevEUI: d.devEUI, RJCount: d.x.nonce}
}

// sealRejoin makes a rejoin-request of type 0 or 2.
func (d *Device) sealRejoin(tx *Transmission) {
	d.x.nonce = uint16(d.mem.RJCount)
	d.mem.RJCount++
	if d.rejoining.left > 0 {
		d.x.typ = d.rejoining.typ
	}
	d.stats.JoinRequests++
	frame, err := d.rejoinRequest().Seal(make([]byte, 0, rejoinRequestLen), d.mem.Session.SNwkSIntKey)
	if err != nil {
		panic(err) // cannot be: the type is 0 or 2
	}
	tx.MType, tx.PHYPayload = lorawan.RejoinRequestType, frame
}
