package mac

import "meldefunk/city/lorawan"

// adrBlock gives the LinkADRReqs at the beginning: those in a row are one request.
func adrBlock(all []lorawan.Command) (block []lorawan.LinkADRReq) {
	for _, c := range all {
		req, ok := c.(lorawan.LinkADRReq)
		if !ok {
			break
		}
		block = append(block, req)
	}
	return block
}

// keep says, as data rate or power, that it stays as it is.
const keep = 15

// linkADR takes a block as a whole or not at all, and answers each of its requests with the
// same (L2 1.0.4 section 5.2). The masks apply one after the other; data rate, power and
// NbTrans are those of the last. A device without ADR takes the mask only, and says
// so.
func (d *Device) linkADR(block []lorawan.LinkADRReq) {
	p := &d.mem.P
	last := block[len(block)-1]
	if last.DataRate == keep || !d.profile.ADR {
		last.DataRate = p.DataRate
	}
	if last.TXPower == keep || !d.profile.ADR {
		last.TXPower = p.Power
	}
	if !d.profile.ADR {
		last.NbTrans = p.NbTrans
	}
	mask, ok := p.masked(block)
	_, power := eu868{}.TXPower(last.TXPower)
	ans := lorawan.LinkADRAns{ChannelMask: ok, DataRate: p.carries(mask, last.DataRate), Power: power}
	if ans.ChannelMask && ans.DataRate && ans.Power {
		p.Mask, p.DataRate, p.Power = mask, last.DataRate, last.TXPower
		switch {
		case last.NbTrans > 0:
			p.NbTrans = last.NbTrans
		case d.mem.Session.Version != lorawan.V1_1: // where 0 means 1; in 1.1 it keeps
			p.NbTrans = 1
		}
	}
	if !d.profile.ADR {
		ans.DataRate, ans.Power = false, false
	}
	for range block {
		d.answers.add(ans)
	}
}

// masked gives the channels a block leaves on; false if one of its masks names a channel
// there is not, is of another region, or leaves none on (RP section 2.2.5).
func (p *parameters) masked(block []lorawan.LinkADRReq) (uint16, bool) {
	mask, defined := p.Mask, p.defined()
	for _, req := range block {
		switch {
		case req.ChMaskCntl == 6:
			mask = defined
		case req.ChMaskCntl == 0 && req.ChMask&^defined == 0:
			mask = req.ChMask
		default:
			return p.Mask, false
		}
	}
	if mask == 0 {
		return p.Mask, false
	}
	return mask, true
}
