// Package keys opens what is encrypted for the city. It holds the city's key encryption
// keys, with which network servers wrap the session keys they cannot read (docs/adr/0009),
// and the wrapped session keys of devices whose frames come from gateways as they were on
// air (docs/adr/0012). With the same keys it seals the root keys of devices for the register
// (docs/adr/0016).
//
// It does not know network servers, the inventory or what a payload means.
package keys

import (
	"errors"

	"meldefunk/city"
	"meldefunk/city/lorawan"
)

// Ring holds key encryption keys by label, and sessions by address. It does not change, and
// any number of goroutines may ask it.
type Ring struct {
	// keks has the keys as functions, because fmt shows what it finds in a struct's fields
	// and cannot look into those.
	keks      map[string]kek
	register  string // label of the one for root keys; "": the only one
	sessions  map[lorawan.DevAddr][]session
	order     []place // of the sessions in their files
	addresses []Prefix
}

// Open decrypts the payload of an uplink, whose own bytes stay as they are. An error is a
// *city.Rejection with reason encrypted that names the label: the frame can be replayed
// when the key is there. Nothing proves that the counter or the payload are right: a network
// server that lies about them, or has another session's key, makes garbage, which is for
// the decoder to refuse.
//
// A session key is unwrapped anew for each payload: that takes two microseconds in all, and
// no session key is held in memory.
func (r *Ring) Open(u *city.Uplink) ([]byte, error) {
	e := u.Envelope
	if e == nil {
		return nil, refuse("payload of %s is end-to-end encrypted, and no wrapped key came with it: "+
			"have the join server wrap the AppSKey instead of keeping it under a session key id", u.DevEUI)
	}
	k, ok := r.keks[e.KEKLabel]
	if !ok {
		return nil, refuse("payload of %s is end-to-end encrypted and key encryption key %.60q is not configured: "+
			"add it to keys.keks and replay", u.DevEUI, e.KEKLabel)
	}
	key, err := k.unwrap(e.Wrapped)
	switch {
	case errors.Is(err, lorawan.ErrUnwrap):
		return nil, refuse("session key of %s does not open with key encryption key %.60q: it was wrapped with another one, "+
			"or it is damaged; compare the key with the join server's and replay", u.DevEUI, e.KEKLabel)
	case err != nil: // of its length
		return nil, refuse("session key of %s under key encryption key %.60q: %s", u.DevEUI, e.KEKLabel, err)
	}
	plain := make([]byte, len(u.Payload))
	lorawan.CryptPayload(plain, u.Payload, key, lorawan.Up, e.DevAddr, u.FCnt)
	return plain, nil
}

func refuse(format string, args ...any) error {
	return city.Reject(city.ReasonEncrypted, format, args...)
}
