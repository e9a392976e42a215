package lorawan

import (
	"encoding/binary"
	"fmt"

	"meldefunk/city"
)

// RejoinRequest asks for a new session while one is under way; of 1.1 only
// (L2 1.1 section 6.2.4).
type RejoinRequest struct {
	Type    uint8    // 0: restore the context, 1: say who one is, 2: new keys
	NetID   NetID    // types 0 and 2: the network the device is in
	JoinEUI city.EUI // type 1
	DevEUI  city.EUI
	RJCount uint16 // of types 0 and 2 together, or of type 1
}

// The lengths of the frame in bytes.
const (
	rejoin02Len = 19
	rejoin1Len  = 24
)

// ParseRejoinRequest reads a frame of 19 bytes (types 0 and 2) or 24 (type 1). It does not
// check the integrity code.
func ParseRejoinRequest(frame []byte) (RejoinRequest, error) {
	if err := expect(frame, RejoinRequestType, rejoin02Len, rejoin1Len); err != nil {
		return RejoinRequest{}, err
	}
	r := RejoinRequest{Type: frame[1]}
	switch {
	case (r.Type == 0 || r.Type == 2) && len(frame) == rejoin02Len:
		r.NetID = netID(frame[2:])
		r.DevEUI = eui(frame[5:])
		r.RJCount = binary.LittleEndian.Uint16(frame[13:])
	case r.Type == 1 && len(frame) == rejoin1Len:
		r.JoinEUI = eui(frame[2:])
		r.DevEUI = eui(frame[10:])
		r.RJCount = binary.LittleEndian.Uint16(frame[18:])
	default:
		return RejoinRequest{}, fmt.Errorf("the rejoin-request of type %d has %d bytes: want type 0 or 2 with %d bytes, or type 1 with %d",
			r.Type, len(frame), rejoin02Len, rejoin1Len)
	}
	return r, nil
}

// Seal appends the frame to dst. key is the SNwkSIntKey of the session for types 0 and 2,
// the JSIntKey for type 1 (L2 1.1 sections 6.2.4.1 and 6.2.4.2). It fails for another type.
func (r RejoinRequest) Seal(dst []byte, key Key) ([]byte, error) {
	start := len(dst)
	dst = append(dst, mhdr(RejoinRequestType), r.Type)
	switch r.Type {
	case 0, 2:
		dst = appendNetID(dst, r.NetID)
	case 1:
		dst = appendEUI(dst, r.JoinEUI)
	default:
		return nil, fmt.Errorf("there is no rejoin-request of type %d: want 0, 1 or 2", r.Type)
	}
	dst = appendEUI(dst, r.DevEUI)
	dst = binary.LittleEndian.AppendUint16(dst, r.RJCount)
	mic := joinMIC(key, dst[start:])
	return append(dst, mic[:]...), nil
}

// VerifyRejoinRequest reads a frame and checks its integrity code; see Seal for the key.
// The error is ErrMIC where only that is wrong.
func VerifyRejoinRequest(frame []byte, key Key) (RejoinRequest, error) {
	r, err := ParseRejoinRequest(frame)
	if err != nil {
		return r, err
	}
	if msg, mic := split(frame); !joinMIC(key, msg).is(mic) {
		return r, fmt.Errorf("rejoin-request of %s: %w", r.DevEUI, ErrMIC)
	}
	return r, nil
}
