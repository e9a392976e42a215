package network

import (
	"time"

	"meldefunk/city/lorawan"
)

// window makes a receive window that opens some time after the uplink.
func window(number uint8, up *Reception, after time.Duration, hz uint32, dr uint8) Window {
	w := Window{Number: number, At: up.At.Add(after), After: after, Frequency: hz, DataRate: dr}
	if sub, ok := band.SubBand(hz); ok {
		w.Power = sub.MaxERP + 2 // an ERP is 2.15 dB less than the same EIRP
	}
	return w
}

// windows gives both windows after an uplink (L2 1.0.4 section 3.3), the first of which opens
// after a time.
func (ses *session) windows(res *Result, delay time.Duration) [2]Window {
	up := &res.Receptions[res.Best]
	dr, ok := band.RX1(res.DataRate, ses.RX1DROffset)
	if !ok {
		dr = res.DataRate // cannot be: both were checked
	}
	hz := up.Frequency
	if other := ses.DownChannels[res.Channel]; other != 0 {
		hz = other
	}
	return [2]Window{
		window(1, up, delay, hz, dr),
		window(2, up, delay+time.Second, ses.RX2Frequency, ses.RX2DataRate),
	}
}

// answer sends what has to be sent after a frame, if anything. answers are those to MAC
// commands in it.
func (s *Server) answer(ses *session, up *lorawan.Data, answers []lorawan.Command, res *Result) {
	dev := ses.device
	windows := ses.windows(res, time.Duration(ses.RXDelay)*time.Second)
	room := max(band.MaxPayload(windows[0].DataRate), band.MaxPayload(windows[1].DataRate))

	var item *Item
	if queue := dev.Queue; res.Kind == Accepted && len(queue) > 0 {
		if len(queue[0].Payload) > room {
			s.fault(res, DownlinkTooBig, "%d bytes for %s, at most %d fit", len(queue[0].Payload), dev.DevEUI, room)
			dev.Queue = queue[1:]
		} else {
			item = &queue[0]
		}
	}
	options, err := lorawan.AppendCommands(nil, answers...)
	if err != nil {
		panic(err) // cannot be: the answers are made here, within their ranges
	}
	// Answers are due now; a payload can wait.
	if item != nil && len(item.Payload)+len(options) > room {
		item = nil
	}
	space := room
	if item != nil {
		space = room - len(item.Payload)
	}
	var requests []byte
	if res.Kind == Accepted {
		requests = s.requests(ses, res, min(space, lorawan.MaxFOpts)-len(options))
	}
	options = append(options, requests...)

	if !up.MType.Confirmed() && !up.FCtrl.ADRACKReq && ses.Sticky == 0 && len(options) == 0 && item == nil {
		return
	}
	d := lorawan.Data{
		MType:   lorawan.UnconfirmedDown,
		DevAddr: ses.Keys.DevAddr,
		FCtrl:   lorawan.FCtrl{ADR: s.cfg.ADR, ACK: up.MType.Confirmed()},
		FOpts:   options,
	}
	down := &Downlink{DevEUI: dev.DevEUI, Uplink: res.Receptions[res.Best]}
	waiting := len(dev.Queue)
	counter := &ses.Down
	if item != nil {
		d.HasPort, d.FPort, d.FRMPayload = true, item.Port, item.Payload
		if item.Confirmed {
			d.MType = lorawan.ConfirmedDown
		}
		if ses.Keys.Version == lorawan.V1_1 { // payloads of applications have their own counter (L2 1.1 section 4.3.1.5)
			counter = &ses.AppDown
		}
		down.Item = item.ID
		waiting--
	}
	d.FCtrl.Pending = waiting > 0
	d.FCnt = *counter
	down.FCnt = d.FCnt
	down.Frame, err = ses.Keys.Seal(nil, d, lorawan.Binding{ConfFCnt: up.FCnt})
	if err != nil {
		s.fault(res, NoKey, "downlink for %s: %v", dev.DevEUI, err)
		if item != nil {
			dev.Queue = dev.Queue[1:]
		}
		return
	}
	*counter++
	if item != nil {
		if item.Confirmed {
			ses.Awaiting, ses.Conf, ses.ConfItem = true, d.FCnt, item.ID
		}
		dev.Queue = dev.Queue[1:]
	}
	if len(requests) > 0 && !answerless(requests) {
		ses.Requested = requests
	}
	size := len(d.FOpts) + len(d.FRMPayload)
	for _, w := range windows {
		if size <= band.MaxPayload(w.DataRate) {
			down.Windows = append(down.Windows, w)
		}
	}
	res.Down = down
}

// requests gives the MAC commands that the network wants to send, as many as fit into some
// bytes. Those that were not answered are sent again, ever less often.
func (s *Server) requests(ses *session, res *Result, space int) []byte {
	if ses.Pause > 0 {
		ses.Pause--
		return nil
	}
	var out []byte
	add := func(c lorawan.Command) bool {
		if ses.Declined>>c.CID()&1 == 1 {
			return false
		}
		b, err := lorawan.AppendCommands(out, c)
		if err != nil {
			panic(err) // cannot be: they are made here, within their ranges
		}
		if len(b) > space {
			return false
		}
		out = b
		return true
	}
	dev := ses.device
	if len(dev.Wishes) > 0 {
		out = s.wish(ses, res, space)
		if len(out) > 0 {
			return out // alone, so that a command which is answered by silence harms no other
		}
	}
	if ses.RX1DROffset != s.cfg.RX1DROffset || ses.RX2DataRate != s.cfg.RX2DataRate || ses.RX2Frequency != s.cfg.RX2Frequency {
		add(lorawan.RXParamSetupReq{RX1DROffset: s.cfg.RX1DROffset, RX2DataRate: s.cfg.RX2DataRate, Frequency: s.cfg.RX2Frequency})
	}
	if ses.RXDelay != s.cfg.RXDelay {
		add(lorawan.RXTimingSetupReq{Delay: s.cfg.RXDelay})
	}
	for i := defaultChannels; i < maxChannels; i++ {
		if hz := s.cfg.channel(i); hz != 0 && ses.Channels[i] != hz && !add(lorawan.NewChannelReq{Channel: uint8(i), Frequency: hz, MaxDR: maxChannelDR}) {
			break
		}
	}
	if ses.DutyCycle != s.cfg.MaxDutyCycle {
		add(lorawan.DutyCycleReq{MaxDutyCycle: s.cfg.MaxDutyCycle})
	}
	if s.cfg.ADR && res.FCtrl.ADR {
		if req, ok := ses.adapt(res.DataRate); ok {
			add(req)
		}
	}
	if s.cfg.StatusEvery > 0 && !res.At.Before(ses.NextStatus) {
		add(lorawan.DevStatusReq{})
	}
	return out
}

// wish gives the command that somebody has asked for, if it fits. One that is not answered
// in time is given up.
func (s *Server) wish(ses *session, res *Result, space int) []byte {
	dev := ses.device
	w := &dev.Wishes[0]
	if len(w.Command) > space {
		return nil
	}
	out := append([]byte(nil), w.Command...)
	w.Tries++
	silent := answerless(out)
	if !silent && w.Tries <= maxTries {
		return out
	}
	dev.Wishes = dev.Wishes[1:]
	if !silent {
		s.fault(res, NoAnswer, "%s does not answer command 0x%02x", dev.DevEUI, out[0])
		return nil
	}
	return out
}

// answerless tells of a request that no MAC command answers, but a rejoin-request.
func answerless(request []byte) bool { return lorawan.CID(request[0]) == lorawan.CIDForceRejoin }
