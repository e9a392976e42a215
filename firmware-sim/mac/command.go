package mac

import (
	"math"

	"meldefunk/city/lorawan"
)

// obey does what the network commands, in its order, and prepares the answers. It ends at
// the first command that this version of the link layer does not know.
func (d *Device) obey(b []byte, snr float64, out *Delivery) {
	all, _, _ := lorawan.ParseCommands(lorawan.Down, b)
	for len(all) > 0 {
		if !d.knows(all[0].CID()) {
			return
		}
		if block := adrBlock(all); len(block) > 0 {
			d.linkADR(block)
			all = all[len(block):]
			continue
		}
		d.do(all[0], snr, out)
		all = all[1:]
	}
}

// knows tells whether the version of the session has a command.
func (d *Device) knows(cid lorawan.CID) bool {
	switch cid {
	case lorawan.CIDReset:
		return d.mem.Session.Version == lorawan.V1_1 && d.abp
	case lorawan.CIDRekey, lorawan.CIDForceRejoin, lorawan.CIDRejoinParamSetup:
		return d.mem.Session.Version == lorawan.V1_1 && !d.abp
	case lorawan.CIDADRParamSetup:
		return d.mem.Session.Version == lorawan.V1_1
	}
	return true
}

func (d *Device) do(c lorawan.Command, snr float64, out *Delivery) {
	p := &d.mem.P
	switch c := c.(type) {
	case lorawan.ResetConf, lorawan.RekeyConf:
		d.mem.Introduce = false
	case lorawan.LinkCheckAns:
		out.Link = Link{Margin: c.Margin, Gateways: c.Gateways}
	case lorawan.DeviceTimeAns:
		out.Time = lorawan.FromGPSEpoch(c.SinceGPSEpoch)
	case lorawan.DutyCycleReq:
		p.MaxDutyCycle = c.MaxDutyCycle
		d.answers.add(lorawan.DutyCycleAns{})
	case lorawan.RXParamSetupReq:
		d.answers.add(p.setRX(c))
	case lorawan.DevStatusReq:
		margin := int8(max(-32, min(31, math.Round(snr))))
		d.answers.add(lorawan.DevStatusAns{Battery: d.battery, Margin: margin})
	case lorawan.NewChannelReq:
		d.answers.add(p.newChannel(c))
	case lorawan.RXTimingSetupReq:
		p.RXDelay = max(1, c.Delay)
		d.answers.add(lorawan.RXTimingSetupAns{})
	case lorawan.DLChannelReq:
		d.answers.add(p.setDownlink(c))
	case lorawan.ADRParamSetupReq:
		p.ADRLimitExp, p.ADRDelayExp = c.LimitExp, c.DelayExp
		d.answers.add(lorawan.ADRParamSetupAns{})
	case lorawan.RejoinParamSetupReq:
		p.RejoinEvery, p.RejoinTimeN, p.RejoinCountN = true, c.MaxTimeN, c.MaxCountN
		d.answers.add(lorawan.RejoinParamSetupAns{TimeOK: true})
	case lorawan.ForceRejoinReq:
		d.rejoining.force(d, c)
	case lorawan.TXParamSetupReq:
		// Not of Europe: neither obeyed nor answered (L2 1.0.4 section 5.8, RP section 2.2.3).
	}
}

// setRX sets the receive windows, both or none (L2 1.0.4 section 5.4).
func (p *parameters) setRX(c lorawan.RXParamSetupReq) lorawan.RXParamSetupAns {
	ans := lorawan.RXParamSetupAns{
		Channel:     hears(c.Frequency),
		RX2DataRate: c.RX2DataRate <= lorawan.EU868MaxDR,
		RX1DROffset: c.RX1DROffset <= 5,
	}
	if ans.Channel && ans.RX2DataRate && ans.RX1DROffset {
		p.RX2Frequency, p.RX2DataRate, p.RX1DROffset = c.Frequency, c.RX2DataRate, c.RX1DROffset
	}
	return ans
}

// newChannel sets or removes a channel; the three of the band stay as they are
// (L2 1.0.4 section 5.6, RP section 2.2.2). A removal that would leave none for the data rate
// in use is refused as well: the device could not say so.
func (p *parameters) newChannel(c lorawan.NewChannelReq) lorawan.NewChannelAns {
	if c.Channel < 3 || c.Channel >= maxChannels {
		return lorawan.NewChannelAns{}
	}
	_, sends := bandOf(c.Frequency)
	ans := lorawan.NewChannelAns{
		Frequency: sends || c.Frequency == 0,
		DataRates: c.MinDR <= c.MaxDR && c.MaxDR <= lorawan.EU868MaxDR || c.Frequency == 0,
	}
	if !ans.Frequency || !ans.DataRates {
		return ans
	}
	changed := *p
	changed.removeChannel(c.Channel)
	if c.Frequency != 0 {
		changed.setChannel(int(c.Channel), c.Frequency, c.MinDR, c.MaxDR)
	}
	if !changed.usable(p.DataRate) {
		return lorawan.NewChannelAns{}
	}
	*p = changed
	return ans
}

// setDownlink sets the frequency of RX1 after uplinks on a channel (L2 1.0.4 section 5.6.2).
func (p *parameters) setDownlink(c lorawan.DLChannelReq) lorawan.DLChannelAns {
	ans := lorawan.DLChannelAns{
		Frequency:    hears(c.Frequency),
		UplinkExists: c.Channel < maxChannels && p.Up[c.Channel%maxChannels] != 0,
	}
	if ans.Frequency && ans.UplinkExists {
		p.Down[c.Channel] = c.Frequency
	}
	return ans
}
