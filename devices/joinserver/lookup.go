package joinserver

import (
	"context"
	"errors"

	"meldefunk/city/register"
)

// homeNS answers a HomeNSReq (BI section 12.1.1): a network server that hears a device of
// another network wants to know whose it is.
func (s *Server) homeNS(ctx context.Context, a *asking) (body, error) {
	d, err := s.store.Device(ctx, a.devEUI)
	if err != nil {
		return body{}, unknown(err, a.devEUI)
	}
	if a.peer.netID() != d.Home && !a.peer.Roaming {
		return body{}, refuse(noRoamingAgreement, "network %s may not ask for devices of others", a.peer.netID())
	}
	if a.receiver != d.JoinEUI {
		return body{}, refuse(unknownReceiver, "ReceiverID is %s, the device's join server has JoinEUI %s", a.receiver, d.JoinEUI)
	}
	return body{HNetID: d.Home.String()}, nil
}

// appSKey answers an AppSKeyReq (BI section 8 step 8). To another application server than the
// device's it is as if there were no such device.
func (s *Server) appSKey(ctx context.Context, a *asking) (body, error) {
	if len(a.SessionKeyID) == 0 {
		return body{}, refuse(malformedMessage, "SessionKeyID: missing")
	}
	d, err := s.store.Device(ctx, a.devEUI)
	if err == nil && d.ApplicationServer != a.peer.ID {
		err = register.ErrUnknown
	}
	if err != nil {
		return body{}, unknown(err, a.devEUI)
	}
	if a.receiver != d.JoinEUI {
		return body{}, refuse(unknownReceiver, "ReceiverID is %s, the device's join server has JoinEUI %s", a.receiver, d.JoinEUI)
	}
	var k register.SessionKey
	err = register.ErrUnknown
	if len(a.SessionKeyID) == len(k.ID) {
		k, err = s.store.SessionKey(ctx, a.devEUI, register.SessionKeyID(a.SessionKeyID))
	}
	if errors.Is(err, register.ErrUnknown) {
		return body{}, refuse(unknownDevEUI, "device %s has no session key of this SessionKeyID", a.devEUI)
	}
	if err != nil {
		return body{}, err
	}
	return body{DevEUI: a.devEUI.String(), AppSKey: &envelope{k.KEK, k.Wrapped}, SessionKeyID: a.SessionKeyID}, nil
}
