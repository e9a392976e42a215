package network

import (
	"bytes"
	"math"

	"meldefunk/city/lorawan"
)

// maxTries is how often a request is sent that nobody answers.
const maxTries = 8

// own are the commands that a device sends of its own accord: bit n is CID n.
const own = 1<<lorawan.CIDLinkCheck | 1<<lorawan.CIDDeviceTime | 1<<lorawan.CIDRekey | 1<<lorawan.CIDReset

// commands takes in what a device says in MAC commands and gives the answers it waits for
// (L2 1.0.4 section 5, L2 1.1 section 5).
func (s *Server) commands(ses *session, d lorawan.Data, first bool, res *Result) []lorawan.Command {
	raw, err := ses.Keys.Commands(d)
	if err != nil {
		panic(err) // cannot be: every session has its network keys
	}
	res.Commands, _, err = lorawan.ParseCommands(lorawan.Up, raw)
	if err != nil {
		s.fault(res, BadCommand, "%s: %v", res.DevEUI, err)
	}
	asked, _, err := lorawan.ParseCommands(lorawan.Down, ses.Requested)
	if err != nil {
		panic(err) // cannot be: Requested is what this network sent
	}
	if ses.Requested != nil {
		ses.unanswered(len(asked))
	}
	var answers []lorawan.Command
	var sticky, told uint16
	rekeyed := false
	for _, c := range res.Commands {
		bit := uint16(1) << c.CID()
		if own&bit != 0 {
			if told&bit != 0 {
				continue // one answer says it all, and the answers fit into one downlink
			}
			told |= bit
		}
		switch c := c.(type) {
		case lorawan.LinkCheckReq:
			answers = append(answers, linkCheck(res))
		case lorawan.DeviceTimeReq:
			answers = append(answers, lorawan.DeviceTimeAns{SinceGPSEpoch: lorawan.SinceGPSEpoch(res.At)})
		case lorawan.RekeyInd:
			if ses.Keys.Version != lorawan.V1_1 || ses.device.Personalised != nil {
				s.fault(res, BadCommand, "%s sends RekeyInd, which is for devices of 1.1 that join", res.DevEUI)
				continue
			}
			rekeyed, ses.Rekeyed = true, true
			answers = append(answers, lorawan.RekeyConf{Minor: min(c.Minor, 1)})
		case lorawan.ResetInd:
			if ses.Keys.Version != lorawan.V1_1 || ses.device.Personalised == nil {
				s.fault(res, BadCommand, "%s sends ResetInd, which is for personalised devices of 1.1", res.DevEUI)
				continue
			}
			asked = nil // what it was asked it has forgotten
			ses.forget()
			answers = append(answers, lorawan.ResetConf{Minor: min(c.Minor, 1)})
		default:
			sticky |= bit
			asked = s.answered(ses, c, asked, res)
		}
	}
	if res.Status != nil {
		ses.NextStatus = res.At.Add(s.cfg.StatusEvery)
	}
	// A window that was moved has to be confirmed by a downlink; until one comes the
	// device repeats its answer (L2 1.0.4 section 5.4 and 5.7).
	ses.Sticky = sticky & (1<<lorawan.CIDRXParamSetup | 1<<lorawan.CIDRXTimingSetup | 1<<lorawan.CIDDLChannel)
	if first && ses.Keys.Version == lorawan.V1_1 && ses.device.Personalised == nil && !rekeyed {
		s.fault(res, MissingRekey, "first frame of %s in session %d", res.DevEUI, ses.Epoch)
	}
	return answers
}

// linkCheck tells a device how well it is heard (L2 1.0.4 section 5.1).
func linkCheck(res *Result) lorawan.LinkCheckAns {
	margin := res.Receptions[res.Best].SNR - requiredSNR(res.DataRate)
	return lorawan.LinkCheckAns{
		Margin:   uint8(math.Round(float64(min(max(margin, 0), 254)))),
		Gateways: uint8(min(len(res.Receptions), 255)),
	}
}

// requiredSNR is what a data rate needs to be understood, in dB (SX1276 data sheet, table
// 13). FSK has no such figure and counts as the fastest LoRa.
func requiredSNR(dr uint8) float32 { return -20 + 2.5*float32(min(dr, maxChannelDR)) }

// unanswered closes the books on the requests of the last downlink. commands opens them
// again for each that is answered.
func (ses *session) unanswered(requests int) {
	ses.Requested = nil
	if requests > 0 {
		ses.Tries = min(ses.Tries+1, maxTries)
		ses.Pause = 1<<min(ses.Tries, 6) - 1
	}
}

// answered takes an answer in and gives the requests that are still open. Requests are
// answered in their order (L2 1.0.4 section 5).
func (s *Server) answered(ses *session, c lorawan.Command, asked []lorawan.Command, res *Result) []lorawan.Command {
	at := 0
	for at < len(asked) && asked[at].CID() != c.CID() {
		at++
	}
	if at == len(asked) {
		if ses.Sticky>>c.CID()&1 == 0 {
			s.fault(res, UnaskedAnswer, "%s sends %T in frame %d", res.DevEUI, c, res.FCnt)
		}
		return asked
	}
	req := asked[at]
	ses.Tries, ses.Pause = 0, 0
	ses.device.granted(req)
	if !ses.apply(req, c, res) {
		ses.Declined |= 1 << c.CID()
		s.fault(res, AnswerRefused, "%s answers %+v with %+v", res.DevEUI, req, c)
	}
	return append(asked[:at:at], asked[at+1:]...)
}

// granted takes a request from the list of wishes.
func (d *device) granted(req lorawan.Command) {
	b, err := lorawan.AppendCommands(nil, req)
	if err != nil || len(d.Wishes) == 0 || !bytes.Equal(b, d.Wishes[0].Command) {
		return
	}
	d.Wishes = d.Wishes[1:]
}

// apply notes what the device has changed; false if it declined.
func (ses *session) apply(req, ans lorawan.Command, res *Result) bool {
	switch a := ans.(type) {
	case lorawan.LinkADRAns:
		if !a.ChannelMask || !a.DataRate || !a.Power {
			ses.Histories = 0 // think it over on new frames
			return false
		}
		r, _ := req.(lorawan.LinkADRReq)
		ses.Power, ses.Histories = r.TXPower, 0
		if r.NbTrans > 0 {
			ses.NbTrans = r.NbTrans
		}
	case lorawan.DutyCycleAns:
		r, _ := req.(lorawan.DutyCycleReq)
		ses.DutyCycle = r.MaxDutyCycle
	case lorawan.RXParamSetupAns:
		if !a.Channel || !a.RX2DataRate || !a.RX1DROffset {
			return false
		}
		r, _ := req.(lorawan.RXParamSetupReq)
		ses.RX1DROffset, ses.RX2DataRate, ses.RX2Frequency = r.RX1DROffset, r.RX2DataRate, r.Frequency
	case lorawan.RXTimingSetupAns:
		r, _ := req.(lorawan.RXTimingSetupReq)
		ses.RXDelay = max(r.Delay, 1)
	case lorawan.DevStatusAns:
		res.Status = &DeviceStatus{Battery: a.Battery, Margin: a.Margin}
	case lorawan.NewChannelAns:
		if !a.Frequency || !a.DataRates {
			return false
		}
		r, _ := req.(lorawan.NewChannelReq)
		if int(r.Channel) < maxChannels {
			ses.Channels[r.Channel] = r.Frequency
			delete(ses.DownChannels, r.Channel) // L2 1.1 section 5.7
		}
	case lorawan.DLChannelAns:
		if !a.Frequency || !a.UplinkExists {
			return false
		}
		r, _ := req.(lorawan.DLChannelReq)
		if ses.DownChannels == nil {
			ses.DownChannels = map[uint8]uint32{}
		}
		if int(r.Channel) < maxChannels {
			ses.DownChannels[r.Channel] = r.Frequency
		}
	}
	return true
}

// forget puts the radio back to what a personalised device has from the start
// (L2 1.1 section 5.1).
func (ses *session) forget() {
	ses.RX1DROffset, ses.RX2DataRate, ses.RXDelay, ses.DutyCycle = 0, 0, 1, 0
	ses.RX2Frequency = lorawan.EU868RX2Frequency
	ses.Channels = [maxChannels]uint32{}
	for i, hz := range band.DefaultChannels() {
		ses.Channels[i] = hz
	}
	ses.DownChannels = nil
	ses.Power, ses.NbTrans, ses.Histories = 0, 0, 0
	ses.Sticky, ses.Declined, ses.Tries, ses.Pause = 0, 0, 0, 0
}
