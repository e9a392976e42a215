package joinserver

import (
	"crypto/rand"
	"fmt"

	"meldefunk/city/lorawan"
	"meldefunk/city/register"
)

// lifetime is how long a session lasts, in seconds. It lasts until the next one; the protocol
// demands a number and names none for that (BI section 8). These are 68 years, the most that
// fits into every field a network server may keep it in.
const lifetime = 1<<31 - 1

// grant makes the join-accept and the keys of a session, wrapped, and what is to be kept of
// it. It keeps nothing.
func (s *Server) grant(a *asking, d *Device, ask lorawan.JoinAsk) (out body, g Grant, err error) {
	accept := a.terms.accept
	if accept.JoinNonce, err = nextJoinNonce(&d.State); err != nil {
		return out, g, err
	}
	accept.NetID, accept.DevAddr = a.peer.netID(), a.terms.addr
	if out.PHYPayload, err = accept.Seal(nil, d.Keys.Nwk, ask); err != nil {
		return out, g, fmt.Errorf("make the join-accept: %w", err)
	}
	ses := accept.Session(layer(d.Version), d.Keys.Nwk, d.Keys.App, ask)
	out.Lifetime = lifetime
	if err := s.networkKeys(&out, a.peer, &ses); err != nil {
		return out, g, err
	}
	wrapped, err := s.sealed(d.KEK, ses.AppSKey)
	if err != nil {
		return out, g, fmt.Errorf("wrap the AppSKey of %s: %w", d.DevEUI, err)
	}
	d.State.DevAddr, d.State.Joined = accept.DevAddr, s.now()
	g = Grant{DevEUI: d.DevEUI, Revision: d.Revision, State: d.State}
	if !d.ByID {
		out.AppSKey = &envelope{d.KEK, wrapped}
		return out, g, nil
	}
	g.Key = &register.SessionKey{KEK: d.KEK, Wrapped: wrapped, DevAddr: accept.DevAddr}
	_, _ = rand.Read(g.Key.ID[:]) // it never fails
	out.SessionKeyID = g.Key.ID[:]
	return out, g, nil
}

// networkKeys wraps them for the network server.
func (s *Server) networkKeys(out *body, p *Peer, ses *lorawan.Session) (err error) {
	seal := func(key lorawan.Key) *envelope {
		if err != nil {
			return nil
		}
		if p.KEK == "" { // which PlaintextKeys accepts
			return &envelope{AESKey: key[:]}
		}
		var wrapped []byte
		if wrapped, err = s.wrap(p.KEK, key); err != nil {
			err = fmt.Errorf("wrap keys for %s: %w", p.Name, err)
		}
		return &envelope{p.KEK, wrapped}
	}
	if ses.Version == lorawan.V1_1 {
		out.FNwkSIntKey, out.SNwkSIntKey, out.NwkSEncKey = seal(ses.FNwkSIntKey), seal(ses.SNwkSIntKey), seal(ses.NwkSEncKey)
	} else {
		out.NwkSKey = seal(ses.FNwkSIntKey)
	}
	return err
}

// sealed wraps an AppSKey, with a key that no network server has.
func (s *Server) sealed(label string, appSKey lorawan.Key) ([]byte, error) {
	for i := range s.cfg.Peers {
		if p := &s.cfg.Peers[i]; p.Role == NetworkServer && p.KEK == label && label != "" {
			return nil, fmt.Errorf("key encryption key %.60q is that of network server %s, which could read payloads then: give the device another", label, p.Name)
		}
	}
	return s.wrap(label, appSKey)
}

// wrap refuses to wrap with nothing, whatever the KEKs think of it.
func (s *Server) wrap(label string, key lorawan.Key) ([]byte, error) {
	if label == "" {
		return nil, fmt.Errorf("no key encryption key is named for it")
	}
	wrapped, err := s.keks.WrapKey(label, key)
	if err == nil && len(wrapped) != 24 {
		return nil, fmt.Errorf("key encryption key %.60q gave %d bytes, want 24", label, len(wrapped))
	}
	return wrapped, err
}
