package lorawan

import (
	"encoding/binary"

	"meldefunk/city"
)

// The first byte of the block a key is derived from (L2 1.1 sections 6.1.1.4 and 6.2.3).
const (
	fromFNwkSInt = 1 + iota // also the NwkSKey of 1.0
	fromAppS
	fromSNwkSInt
	fromNwkSEnc
	fromJSEnc
	fromJSInt
)

// derive encrypts a block under a root key.
func derive(root Key, block []byte) Key {
	e := newEngine(root)
	copy(e.x[:], block)
	e.block.Encrypt(e.x[:], e.x[:])
	return e.x
}

// JSIntKey gives the key that proves rejoin-requests of type 1 and join-accepts of 1.1, for
// the lifetime of the device (L2 1.1 section 6.1.1.4).
func JSIntKey(nwkKey Key, devEUI city.EUI) Key {
	return derive(nwkKey, appendEUI([]byte{fromJSInt}, devEUI))
}

// JSEncKey gives the key that encrypts join-accepts which answer rejoin-requests, for the
// lifetime of the device (L2 1.1 section 6.1.1.4).
func JSEncKey(nwkKey Key, devEUI city.EUI) Key {
	return derive(nwkKey, appendEUI([]byte{fromJSEnc}, devEUI))
}

// DeriveSession10 gives the keys of a session of 1.0 (L2 1.0.4 section 6.2.6). root is the
// AppKey, or the NwkKey of a 1.1 device in a 1.0 network (L2 1.1 section 6.2.3). The three
// network keys are one, the NwkSKey. Version and DevAddr are left to the caller. Of
// joinNonce the lower 24 bits count.
func DeriveSession10(root Key, joinNonce uint32, net NetID, devNonce uint16) Session {
	block := func(from byte) []byte {
		b := appendNetID(appendUint24([]byte{from}, joinNonce), net)
		return binary.LittleEndian.AppendUint16(b, devNonce)
	}
	nwkSKey := derive(root, block(fromFNwkSInt))
	return Session{
		FNwkSIntKey: nwkSKey,
		SNwkSIntKey: nwkSKey,
		NwkSEncKey:  nwkSKey,
		AppSKey:     derive(root, block(fromAppS)),
	}
}

// DeriveSession11 gives the keys of a session of 1.1 (L2 1.1 section 6.2.3). nonce is the
// DevNonce of the join-request, or the RJcount of the rejoin-request. Version and DevAddr
// are left to the caller. Of joinNonce the lower 24 bits count.
func DeriveSession11(nwkKey, appKey Key, joinNonce uint32, joinEUI city.EUI, nonce uint16) Session {
	block := func(from byte) []byte {
		b := appendEUI(appendUint24([]byte{from}, joinNonce), joinEUI)
		return binary.LittleEndian.AppendUint16(b, nonce)
	}
	return Session{
		FNwkSIntKey: derive(nwkKey, block(fromFNwkSInt)),
		SNwkSIntKey: derive(nwkKey, block(fromSNwkSInt)),
		NwkSEncKey:  derive(nwkKey, block(fromNwkSEnc)),
		AppSKey:     derive(appKey, block(fromAppS)),
	}
}

// Session gives the session this join-accept grants to a device that speaks v. A device of
// 1.1 in a network of 1.0 (no OptNeg) speaks 1.0.4 in it, and derives all from nwkKey. A 1.0
// device has its AppKey in nwkKey.
func (a JoinAccept) Session(v Version, nwkKey, appKey Key, ask JoinAsk) Session {
	var s Session
	switch {
	case v == V1_1 && a.OptNeg:
		s = DeriveSession11(nwkKey, appKey, a.JoinNonce, ask.JoinEUI, ask.Nonce)
	case v == V1_1:
		s = DeriveSession10(nwkKey, a.JoinNonce, a.NetID, ask.Nonce)
		v = V1_0_4
	default:
		s = DeriveSession10(nwkKey, a.JoinNonce, a.NetID, ask.Nonce)
	}
	s.Version, s.DevAddr = v, a.DevAddr
	return s
}
