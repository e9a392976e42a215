package mac

import "meldefunk/city/lorawan"

// ADRACKLimit and ADRACKDelay of the band, as the exponents of ADRParamSetupReq.
const (
	adrLimitExp = 6
	adrDelayExp = 5
)

// backOff counts an uplink, which may get no answer. When the network has been silent for too
// long it makes the device louder, a step each ADR_ACK_DELAY: full power, then the next
// lower data rate that a channel has, and at last no repetitions and the channels of the band
// (L2 1.0.4 section 4.3.1.1, table 9).
func (d *Device) backOff() {
	if !d.profile.ADR {
		return
	}
	p := &d.mem.P
	limit, delay := uint32(1)<<p.ADRLimitExp, uint32(1)<<p.ADRDelayExp
	d.adrCount++
	if n := d.adrCount; n >= limit+delay && (n-limit)%delay == 0 {
		switch {
		case p.Power > 0:
			p.Power = 0
		case p.lower() < p.DataRate:
			p.DataRate = p.lower()
		default:
			p.NbTrans = 1
			p.Mask |= 7
		}
	}
}

// lower gives the next lower data rate that a channel has, the same if there is none.
func (p *parameters) lower() uint8 {
	for dr := p.DataRate; dr > 0; dr-- {
		if p.usable(dr - 1) {
			return dr - 1
		}
	}
	return p.DataRate
}

// wantsAnswer tells whether ADRACKReq is set. At the lowest data rate 1.0.4 still asks, the
// other versions do not, because nothing could come of it.
func (d *Device) wantsAnswer() bool {
	p := &d.mem.P
	if !d.profile.ADR || d.adrCount < 1<<p.ADRLimitExp {
		return false
	}
	return d.mem.Session.Version == lorawan.V1_0_4 || p.lower() < p.DataRate
}
