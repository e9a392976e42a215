package network

import (
	"maps"
	"slices"

	"meldefunk/city/lorawan"
)

// join checks a join-request and grants a session (L2 1.0.3 section 6.2, L2 1.0.4 section
// 6.2, L2 1.1 section 6.2).
func (s *Server) join(frame []byte, res *Result) {
	req, err := lorawan.ParseJoinRequest(frame)
	if err != nil {
		s.refuse(res, Malformed, "%v", err)
		return
	}
	res.DevEUI, res.JoinEUI = req.DevEUI, req.JoinEUI
	dev := s.devices[req.DevEUI]
	switch {
	case dev == nil:
		s.refuse(res, UnknownDevice, "join-request of %s", req.DevEUI)
		return
	case dev.Personalised != nil:
		s.refuse(res, NotJoining, "%s is personalised (ABP) and asks to join", req.DevEUI)
		return
	case req.JoinEUI != dev.JoinEUI:
		s.refuse(res, WrongJoinEUI, "%s names %s, registered is %s", req.DevEUI, req.JoinEUI, dev.JoinEUI)
		return
	}
	if _, err := lorawan.VerifyJoinRequest(frame, dev.root()); err != nil {
		s.refuse(res, BadMIC, "%v", err)
		return
	}
	// DevNonce was random up to 1.0.3 and may not come twice (L2 1.0.3 section 6.2.4);
	// since then it counts (L2 1.0.4 section 6.2.5, L2 1.1 section 6.2.2).
	if dev.Version == lorawan.V1_0_3 {
		if slices.Contains(dev.UsedNonces, req.DevNonce) {
			s.refuse(res, NonceUsed, "%s joins with DevNonce %d, which it used before", req.DevEUI, req.DevNonce)
			return
		}
		dev.UsedNonces = append(dev.UsedNonces, req.DevNonce)
	} else {
		if uint32(req.DevNonce) < dev.NextNonce {
			s.refuse(res, NonceUsed, "%s joins with DevNonce %d, want %d or more", req.DevEUI, req.DevNonce, dev.NextNonce)
			return
		}
		dev.NextNonce = uint32(req.DevNonce) + 1
	}
	s.grant(dev, req.Ask(), nil, res)
}

// rejoin checks a rejoin-request and grants a session (L2 1.1 section 6.2.4).
func (s *Server) rejoin(frame []byte, res *Result) {
	req, err := lorawan.ParseRejoinRequest(frame)
	if err != nil {
		s.refuse(res, Malformed, "%v", err)
		return
	}
	res.DevEUI = req.DevEUI
	dev := s.devices[req.DevEUI]
	switch {
	case dev == nil:
		s.refuse(res, UnknownDevice, "rejoin-request of %s", req.DevEUI)
		return
	case dev.Personalised != nil || dev.Version != lorawan.V1_1:
		s.refuse(res, NotJoining, "%s asks to rejoin: only devices of 1.1 that join do", req.DevEUI)
		return
	}
	res.JoinEUI = dev.JoinEUI
	if req.Type == 1 {
		s.rejoin1(frame, req, dev, res)
		return
	}
	if req.NetID != s.cfg.NetID {
		s.refuse(res, WrongNetID, "%s is in %s, this is %s", req.DevEUI, req.NetID, s.cfg.NetID)
		return
	}
	// Whether the device has heard of its next session shows in the key it signs with.
	for _, ses := range [...]*session{dev.next, dev.current} {
		if ses == nil {
			continue
		}
		if _, err := lorawan.VerifyRejoinRequest(frame, ses.Keys.SNwkSIntKey); err != nil {
			continue
		}
		if uint32(req.RJCount) < ses.NextRJ0 {
			s.refuse(res, NonceUsed, "%s rejoins with RJcount0 %d, want %d or more", req.DevEUI, req.RJCount, ses.NextRJ0)
			return
		}
		channel, ok := s.channelOf(ses, res.Frequency)
		if !ok {
			s.refuse(res, WrongRadio, "rejoin-request of %s at %d Hz: no such channel of the device", req.DevEUI, res.Frequency)
			return
		}
		res.Channel = channel
		ses.NextRJ0 = uint32(req.RJCount) + 1
		s.grant(dev, req.Ask(dev.JoinEUI), ses, res)
		return
	}
	s.refuse(res, BadMIC, "rejoin-request of %s: %v", req.DevEUI, lorawan.ErrMIC)
}

// rejoin1 checks a request of a device that says who it is.
func (s *Server) rejoin1(frame []byte, req lorawan.RejoinRequest, dev *device, res *Result) {
	if req.JoinEUI != dev.JoinEUI {
		s.refuse(res, WrongJoinEUI, "%s names %s, registered is %s", req.DevEUI, req.JoinEUI, dev.JoinEUI)
		return
	}
	if _, err := lorawan.VerifyRejoinRequest(frame, lorawan.JSIntKey(dev.NwkKey, dev.DevEUI)); err != nil {
		s.refuse(res, BadMIC, "%v", err)
		return
	}
	if uint32(req.RJCount) < dev.NextRJCount1 {
		s.refuse(res, NonceUsed, "%s rejoins with RJcount1 %d, want %d or more", req.DevEUI, req.RJCount, dev.NextRJCount1)
		return
	}
	dev.NextRJCount1 = uint32(req.RJCount) + 1
	s.grant(dev, req.Ask(dev.JoinEUI), nil, res)
}

// maxJoinNonce is the highest of 24 bits.
const maxJoinNonce = 1<<24 - 1

// grant makes a session and the join-accept that tells of it. The device's present session
// goes on until a frame of the new one is heard: the join-accept may be lost. from is the
// session that was rejoined from, nil for none.
func (s *Server) grant(dev *device, ask lorawan.JoinAsk, from *session, res *Result) {
	if dev.JoinNonce == maxJoinNonce {
		s.refuse(res, NonceUsed, "%s has joined so often that no JoinNonce is left: register it with other keys", dev.DevEUI)
		return
	}
	dev.JoinNonce++
	acc := lorawan.JoinAccept{
		JoinNonce:   dev.JoinNonce,
		NetID:       s.cfg.NetID,
		DevAddr:     s.cfg.NetID.DevAddr(s.granted),
		OptNeg:      dev.Version == lorawan.V1_1,
		RX1DROffset: s.cfg.RX1DROffset,
		RX2DataRate: s.cfg.RX2DataRate,
		RXDelay:     s.cfg.RXDelay,
	}
	s.granted++
	dev.Epoch++
	st := SessionState{
		Epoch:       dev.Epoch,
		RX1DROffset: acc.RX1DROffset, RX2DataRate: acc.RX2DataRate, RXDelay: acc.RXDelay,
		RX2Frequency: lorawan.EU868RX2Frequency,
	}
	if len(s.cfg.Channels) > 0 {
		var hz [5]uint32
		copy(hz[:], s.cfg.Channels)
		list, err := lorawan.NewCFList(hz)
		if err != nil {
			panic(err) // cannot be: New has checked the channels
		}
		acc.HasCFList, acc.CFList = true, list
		copy(st.Channels[defaultChannels:], hz[:])
	}
	if from != nil && ask.Type == 2 { // it leaves the radio as it is (L2 1.1 section 6.2.4)
		st.RX1DROffset, st.RX2DataRate, st.RXDelay = from.RX1DROffset, from.RX2DataRate, from.RXDelay
		st.RX2Frequency, st.DutyCycle = from.RX2Frequency, from.DutyCycle
		st.Channels, st.DownChannels = from.Channels, maps.Clone(from.DownChannels)
		st.Power, st.NbTrans = from.Power, from.NbTrans
	}
	frame, err := acc.Seal(nil, dev.root(), ask)
	if err != nil {
		panic(err) // cannot be: New has checked all that goes in
	}
	st.Keys = acc.Session(dev.Version, dev.root(), dev.AppKey, ask)
	if dev.AppKey.IsZero() {
		st.Keys.AppSKey = lorawan.Key{} // the join server is somebody else's, payloads stay closed
	}
	s.close(dev.next)
	dev.next = s.open(dev, st)

	res.Kind = Joined
	res.RejoinType = ask.Type
	res.DevAddr, res.Version, res.Epoch = acc.DevAddr, st.Keys.Version, st.Epoch
	// Whoever has a session listens as it does in that one, but at the time of a join.
	listens := &session{SessionState: SessionState{RX2Frequency: lorawan.EU868RX2Frequency}}
	if from != nil {
		listens = from
	}
	windows := listens.windows(res, lorawan.JoinAcceptDelay1)
	res.Down = &Downlink{DevEUI: dev.DevEUI, Uplink: res.Receptions[res.Best], Frame: frame, Join: true, Windows: windows[:]}
}

// activate makes the session that was granted the device's only one: a frame of it has
// come, so the device has heard of it.
func (s *Server) activate(ses *session, res *Result) {
	dev := ses.device
	if dev.next != ses {
		return
	}
	if dev.current != nil {
		dev.current.giveUp(res)
	}
	s.close(dev.current)
	dev.current, dev.next = ses, nil
}
