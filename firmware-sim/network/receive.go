package network

import (
	"encoding/binary"
	"math/bits"

	"meldefunk/city/lorawan"
)

// Receive takes a frame as one or several gateways heard it (see Collector) and tells what
// it is and what has to be sent. The result shares the receptions, not the frame. It never
// fails: what cannot be accepted is a Result of kind Refused.
func (s *Server) Receive(frame []byte, heard []Reception) Result {
	res := Result{Receptions: heard}
	if len(heard) == 0 {
		s.refuse(&res, Malformed, "no gateway heard the frame")
		return res
	}
	for i := range heard {
		b, r := &heard[res.Best], &heard[i]
		if r.SNR > b.SNR || r.SNR == b.SNR && r.RSSI > b.RSSI {
			res.Best = i
		}
	}
	best := &heard[res.Best]
	res.At, res.Frequency, res.DataRate = best.At, best.Frequency, best.DataRate
	t, err := lorawan.TypeOf(frame)
	if err != nil {
		s.refuse(&res, Malformed, "%v", err)
		return res
	}
	res.MType = t
	switch t {
	case lorawan.JoinRequestType:
		if s.joinRadio(&res) {
			s.join(frame, &res)
		}
	case lorawan.RejoinRequestType:
		if best.DataRate > maxChannelDR {
			s.refuse(&res, WrongRadio, "rejoin-request with DR%d: want DR0 to DR%d", best.DataRate, maxChannelDR)
			return res
		}
		s.rejoin(frame, &res)
	case lorawan.UnconfirmedUp, lorawan.ConfirmedUp:
		s.data(frame, &res)
	default:
		s.refuse(&res, Malformed, "a %s is nothing that a device sends to its network", t)
	}
	return res
}

// joinRadio checks that a join-request is on one of the channels for it, with DR0 to DR5
// (RP section 2.2.2).
func (s *Server) joinRadio(res *Result) bool {
	for i, hz := range band.DefaultChannels() {
		if res.Frequency == hz && res.DataRate <= maxChannelDR {
			res.Channel = uint8(i)
			return true
		}
	}
	s.refuse(res, WrongRadio, "join-request at %d Hz with DR%d: want one of the three channels to join on, DR0 to DR%d", res.Frequency, res.DataRate, maxChannelDR)
	return false
}

// Ports (L2 1.0.4 section 4.3.2).
const (
	maxAppPort = 223
	testPort   = 224 // of the certification test
)

// data checks a data frame and takes it in.
func (s *Server) data(frame []byte, res *Result) {
	d, err := lorawan.ParseData(frame)
	if err != nil {
		s.refuse(res, Malformed, "%v", err)
		return
	}
	res.DevAddr, res.FCtrl, res.FCnt, res.HasPort, res.FPort = d.DevAddr, d.FCtrl, d.FCnt, d.HasPort, d.FPort
	// Several devices may share an address: the integrity code tells which it is. Where
	// none fits, the answer is for the last one looked at.
	failed := UnknownAddress
	var owner *session
	for ses := s.sessions[d.DevAddr]; ses != nil; ses = ses.sibling {
		full, verdict := s.try(ses, frame, &d, res)
		switch verdict {
		case 0:
			s.take(ses, frame, full, res)
			return
		case BadMIC:
			failed, owner = BadMIC, ses
			continue
		case WrongRadio:
			if owner == nil {
				failed = WrongRadio
			}
			continue
		}
		// The integrity code is right, the counter is not.
		s.identify(ses, res)
		s.refuse(res, verdict, "%s sends counter %d (%d on air) after %d", ses.device.DevEUI, full.FCnt, d.FCnt, ses.Up)
		return
	}
	switch failed {
	case BadMIC:
		if owner.sibling == nil && s.sessions[d.DevAddr] == owner {
			s.identify(owner, res)
		}
		s.refuse(res, BadMIC, "frame of %s with counter %d on air; last was %d", d.DevAddr, d.FCnt, owner.Up)
	case WrongRadio:
		s.refuse(res, WrongRadio, "frame of %s at %d Hz with DR%d: no such channel of the device", d.DevAddr, res.Frequency, res.DataRate)
	default:
		s.refuse(res, UnknownAddress, "frame of %s", d.DevAddr)
	}
}

// identify fills in whose frame it is.
func (s *Server) identify(ses *session, res *Result) {
	dev := ses.device
	res.DevEUI, res.JoinEUI = dev.DevEUI, dev.JoinEUI
	res.Version, res.Epoch = ses.Keys.Version, ses.Epoch
}

// try checks a frame against a session: 0 if it is to be taken in, as new or as a repeat.
// The data returned has its full counter and is still encrypted.
func (s *Server) try(ses *session, frame []byte, d *lorawan.Data, res *Result) (lorawan.Data, Reason) {
	channel, ok := s.channelOf(ses, res.Frequency)
	if !ok || res.DataRate > maxChannelDR {
		return *d, WrongRadio
	}
	bind := lorawan.Binding{ConfFCnt: ses.Conf, DataRate: res.DataRate, Channel: channel}
	if !ses.Heard {
		full, err := ses.Keys.Verify(frame, d.FCnt, bind)
		if err != nil {
			return *d, BadMIC
		}
		res.Channel = channel
		return full, 0
	}
	want := lorawan.FullFCnt(ses.Up, uint16(d.FCnt))
	if want == ses.Up { // a repeat still acknowledges what it did the first time
		bind.ConfFCnt = ses.UpConf
	}
	full, err := ses.Keys.Verify(frame, want, bind)
	if err != nil {
		// A personalised device that has lost its counter starts again at zero, whatever
		// the upper half was.
		if !ses.device.AllowReset || want == d.FCnt {
			return *d, BadMIC
		}
		if full, err = ses.Keys.Verify(frame, d.FCnt, bind); err != nil {
			return *d, BadMIC
		}
	}
	res.Channel = channel
	// A device that repeats its last frame may do so on another channel, and in 1.1 the
	// integrity code knows: so the frame is compared without it.
	switch repeat := full.FCnt == ses.Up && digest(frame) == ses.Digest; {
	case repeat, full.FCnt > ses.Up && full.FCnt-ses.Up <= gapOf(ses.Keys.Version):
		return full, 0
	case full.FCnt > ses.Up:
		return full, CounterGap
	case ses.device.AllowReset:
		return full, 0
	case full.FCnt == ses.Up:
		return full, CounterReused
	}
	return full, CounterBack
}

// gapOf is how far the counter may be ahead of the last one (lorawan.MaxFCntGap).
func gapOf(v lorawan.Version) uint32 {
	if v == lorawan.V1_0_3 {
		return lorawan.MaxFCntGap
	}
	return 1<<32 - 1
}

// channelOf gives the number of the device's channel with a frequency. A channel that was
// asked for counts as well: the device may have added it, and its answer be lost.
func (s *Server) channelOf(ses *session, hz uint32) (uint8, bool) {
	if hz == 0 {
		return 0, false
	}
	for i, have := range ses.Channels {
		if have == hz {
			return uint8(i), true
		}
	}
	for i := range maxChannels {
		if s.cfg.channel(i) == hz {
			return uint8(i), true
		}
	}
	return 0, false
}

// take fills in the result of a frame that is genuine, notes what it tells, and answers.
func (s *Server) take(ses *session, frame []byte, d lorawan.Data, res *Result) {
	s.identify(ses, res)
	res.FCnt = d.FCnt
	if d.FPort > testPort {
		s.refuse(res, BadPort, "%s sends on port %d", res.DevEUI, d.FPort)
		return
	}
	if n := len(d.FOpts) + len(d.FRMPayload); n > band.MaxPayload(res.DataRate) {
		s.refuse(res, TooLong, "%s sends %d bytes with DR%d, at most %d fit", res.DevEUI, n, res.DataRate, band.MaxPayload(res.DataRate))
		return
	}
	repeat := ses.Heard && d.FCnt == ses.Up && digest(frame) == ses.Digest
	if repeat {
		res.Kind = Repeated
		if d.MType.Confirmed() || d.FCtrl.ADRACKReq {
			s.answer(ses, &d, nil, res) // the answer to the first was not heard
		}
		return
	}
	res.Kind = Accepted
	s.activate(ses, res)
	first := !ses.Heard
	switch {
	case ses.Heard && d.FCnt <= ses.Up:
		ses.giveUp(res)
		s.reset(ses)
		res.Epoch = ses.Epoch
	case ses.Heard:
		res.Lost = d.FCnt - ses.Up - 1
	case ses.device.Personalised == nil:
		res.Lost = d.FCnt
	}
	ses.Heard, ses.Up, ses.Digest, ses.UpConf = true, d.FCnt, digest(frame), ses.Conf
	s.payload(ses, d, res)
	s.acknowledged(ses, d.FCtrl.ACK, res)
	ses.note(res)
	answers := s.commands(ses, d, first, res)
	s.answer(ses, &d, answers, res)
}

// reset begins a personalised device anew that has lost its memory: counter and radio are
// as they were when it was made.
func (s *Server) reset(ses *session) {
	dev := ses.device
	dev.Epoch++
	keep := SessionState{
		Keys: ses.Keys, Epoch: dev.Epoch, Down: ses.Down, AppDown: ses.AppDown, NextStatus: ses.NextStatus,
		RXDelay: 1, RX2Frequency: lorawan.EU868RX2Frequency,
	}
	for i, hz := range band.DefaultChannels() {
		keep.Channels[i] = hz
	}
	ses.SessionState = keep
}

// payload decrypts what the frame carries for the application.
func (s *Server) payload(ses *session, d lorawan.Data, res *Result) {
	if !d.HasPort || d.FPort == 0 {
		return
	}
	if ses.Keys.AppSKey.IsZero() {
		res.Payload, res.Encrypted = append([]byte(nil), d.FRMPayload...), true
		return
	}
	b, err := ses.Keys.Payload(d)
	if err != nil {
		panic(err) // cannot be: the key is there
	}
	res.Payload = b
}

// acknowledged settles what became of the last confirmed downlink. A device of class A
// acknowledges in its next frame or never (L2 1.0.4 section 4.3.1.2).
func (s *Server) acknowledged(ses *session, ack bool, res *Result) {
	switch {
	case ses.Awaiting:
		res.Ack = &Ack{ID: ses.ConfItem, FCnt: ses.Conf, Acknowledged: ack}
		ses.Awaiting = false
	case ack:
		s.fault(res, UnaskedACK, "%s acknowledges in frame %d", res.DevEUI, res.FCnt)
	}
}

// giveUp settles the last confirmed downlink of a session that ends: whether the device has
// heard it nobody will know.
func (ses *session) giveUp(res *Result) {
	if ses.Awaiting {
		res.Ack = &Ack{ID: ses.ConfItem, FCnt: ses.Conf}
		ses.Awaiting = false
	}
}

// digest is a fingerprint of a frame without its MIC, eight bytes at a time. It tells
// repeats from other frames whose integrity codes are right, so it need not withstand
// forgers. frame has at least 12 bytes.
func digest(frame []byte) uint64 {
	const odd = 0x9e3779b97f4a7c15 // 2^64 over the golden ratio
	b := frame[:len(frame)-4]
	h := uint64(len(b))
	for len(b) >= 8 {
		h = bits.RotateLeft64((h^binary.LittleEndian.Uint64(b))*odd, 29)
		b = b[8:]
	}
	for _, c := range b {
		h = bits.RotateLeft64((h^uint64(c))*odd, 29)
	}
	return h
}
