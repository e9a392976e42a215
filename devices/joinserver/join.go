package joinserver

import (
	"bytes"
	"context"
	"errors"

	"meldefunk/city"
	"meldefunk/city/lorawan"
	"meldefunk/city/lorawan/enrol"
	"meldefunk/city/register"
)

// Lengths of frames in bytes (L2 1.1 sections 6.2.2 and 6.2.4).
const (
	joinLen     = 23
	rejoin02Len = 19
	rejoin1Len  = 24
)

// join answers a JoinReq (BI section 8).
func (s *Server) join(ctx context.Context, a *asking) (body, error) {
	if n := len(a.PHYPayload); n != joinLen {
		return body{}, refuse(frameSizeError, "PHYPayload has %d bytes: a join-request has %d", n, joinLen)
	}
	frame, err := lorawan.ParseJoinRequest(a.PHYPayload)
	if err != nil {
		return body{}, refuse(malformedMessage, "PHYPayload: %v", err)
	}
	if frame.DevEUI != a.devEUI {
		return body{}, refuse(malformedMessage, "DevEUI is %s, that of the join-request %s", a.devEUI, frame.DevEUI)
	}
	return s.granting(ctx, a, func(d *Device) (lorawan.JoinAsk, error) {
		if frame.JoinEUI != d.JoinEUI {
			return lorawan.JoinAsk{}, refuse(joinReqFailed, "the device names JoinEUI %s, registered is %s", frame.JoinEUI, d.JoinEUI)
		}
		if _, err := lorawan.VerifyJoinRequest(a.PHYPayload, d.Keys.Nwk); err != nil {
			return lorawan.JoinAsk{}, refuse(micFailed, "%v", err)
		}
		return frame.Ask(), use(&d.State, frame.DevNonce, layer(d.Version))
	})
}

// rejoin answers a RejoinReq (BI sections 11.4.1, 15; L2 1.1 section 6.2.4). The integrity code
// and RJcount0 of types 0 and 2 are of a session, and the network server's to check, which
// alone knows in which one the device is. The join server checks those of type 1.
func (s *Server) rejoin(ctx context.Context, a *asking) (body, error) {
	if n := len(a.PHYPayload); n != rejoin02Len && n != rejoin1Len {
		return body{}, refuse(frameSizeError, "PHYPayload has %d bytes: a rejoin-request has %d or %d", n, rejoin02Len, rejoin1Len)
	}
	frame, err := lorawan.ParseRejoinRequest(a.PHYPayload)
	if err != nil {
		return body{}, refuse(malformedMessage, "PHYPayload: %v", err)
	}
	if frame.DevEUI != a.devEUI {
		return body{}, refuse(malformedMessage, "DevEUI is %s, that of the rejoin-request %s", a.devEUI, frame.DevEUI)
	}
	if !a.terms.accept.OptNeg {
		return body{}, refuse(malformedMessage, "MACVersion %s knows no rejoin-request", a.MACVersion)
	}
	return s.granting(ctx, a, func(d *Device) (lorawan.JoinAsk, error) {
		ask := frame.Ask(d.JoinEUI)
		switch {
		case frame.Type == 1 && frame.JoinEUI != d.JoinEUI:
			return ask, refuse(joinReqFailed, "the device names JoinEUI %s, registered is %s", frame.JoinEUI, d.JoinEUI)
		case frame.Type == 1:
			if _, err := lorawan.VerifyRejoinRequest(a.PHYPayload, lorawan.JSIntKey(d.Keys.Nwk, d.DevEUI)); err != nil {
				return ask, refuse(micFailed, "%v", err)
			}
			return ask, useRJCount1(&d.State, frame.RJCount)
		case frame.NetID != d.Home:
			return ask, refuse(joinReqFailed, "the device is in network %s, its home is %s", frame.NetID, d.Home)
		case bytes.Equal(d.State.Rejoin, a.PHYPayload):
			return ask, refuse(frameReplayed, "this rejoin-request was granted before")
		}
		d.State.Rejoin = a.PHYPayload
		return ask, nil
	})
}

// tries is how often a join is begun anew because somebody changed the device meanwhile.
const tries = 3

// granting makes the answer to a request and keeps what it uses up. prove tells what the
// answer is to, if the request is the device's own and a new one, and notes in its state that
// it was there. The state of a request that is refused is not kept: nobody can use up a
// device's nonces with made-up frames.
func (s *Server) granting(ctx context.Context, a *asking, prove func(*Device) (lorawan.JoinAsk, error)) (body, error) {
	for range tries {
		d, err := s.store.Device(ctx, a.devEUI)
		if err != nil {
			return body{}, unknown(err, a.devEUI)
		}
		if err := a.admissible(&d); err != nil {
			return body{}, err
		}
		ask, err := prove(&d)
		if err != nil {
			return body{}, err
		}
		if !s.pace.allow(a.devEUI, s.now()) {
			return body{}, refuse(joinReqFailed, "the device joined %d times within %v: it has to wait", mostJoins, joinsPer)
		}
		granted, g, err := s.grant(a, &d, ask)
		if err != nil {
			return body{}, err
		}
		switch err := s.store.Join(ctx, g); {
		case err == nil:
			return granted, nil
		case !errors.Is(err, register.ErrChanged):
			return body{}, err
		}
	}
	return body{}, refuse(other, "the device is being changed: ask again")
}

// admissible tells whether a device may join as the peer asks for it.
func (a *asking) admissible(d *Device) error {
	switch {
	case a.receiver != d.JoinEUI:
		return refuse(unknownReceiver, "ReceiverID is %s, the device's join server has JoinEUI %s", a.receiver, d.JoinEUI)
	case a.peer.netID() != d.Home:
		return refuse(activationDisallowed, "the device belongs to network %s", d.Home)
	case d.Disabled:
		return refuse(activationDisallowed, "the device is out of use")
	case a.terms.accept.OptNeg && d.Version != enrol.V1_1_0:
		return refuse(malformedMessage, "MACVersion is %s, the device speaks %s", a.MACVersion, d.Version)
	case d.Keys.Nwk.IsZero() || a.terms.accept.OptNeg && d.Keys.App.IsZero():
		return refuse(joinReqFailed, "root keys of the device are missing here")
	}
	return nil
}

// unknown says so to the one who asked, where that is what the store's error says.
func unknown(err error, devEUI city.EUI) error {
	if errors.Is(err, register.ErrUnknown) {
		return refuse(unknownDevEUI, "no device %s joins here", devEUI)
	}
	return err
}
