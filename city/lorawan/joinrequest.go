package lorawan

import (
	"encoding/binary"
	"fmt"

	"meldefunk/city"
)

// JoinRequest asks for a session (L2 1.0.4 section 6.2.5, L2 1.1 section 6.2.2).
type JoinRequest struct {
	JoinEUI  city.EUI // of the join server; AppEUI in 1.0.3
	DevEUI   city.EUI
	DevNonce uint16 // counts a device's requests in 1.0.4 and 1.1, random in 1.0.3
}

// joinRequestLen is the length of the frame in bytes.
const joinRequestLen = 23

// ParseJoinRequest reads a frame of 23 bytes. It does not check the integrity code.
func ParseJoinRequest(frame []byte) (JoinRequest, error) {
	if err := expect(frame, JoinRequestType, joinRequestLen); err != nil {
		return JoinRequest{}, err
	}
	return JoinRequest{
		JoinEUI:  eui(frame[1:]),
		DevEUI:   eui(frame[9:]),
		DevNonce: binary.LittleEndian.Uint16(frame[17:]),
	}, nil
}

// Seal appends the frame to dst. root is the AppKey in 1.0, the NwkKey in 1.1.
func (r JoinRequest) Seal(dst []byte, root Key) []byte {
	start := len(dst)
	dst = append(dst, mhdr(JoinRequestType))
	dst = appendEUI(dst, r.JoinEUI)
	dst = appendEUI(dst, r.DevEUI)
	dst = binary.LittleEndian.AppendUint16(dst, r.DevNonce)
	mic := joinMIC(root, dst[start:])
	return append(dst, mic[:]...)
}

// VerifyJoinRequest reads a frame and checks its integrity code under the root key, the
// AppKey in 1.0, the NwkKey in 1.1. The error is ErrMIC where only that is wrong.
func VerifyJoinRequest(frame []byte, root Key) (JoinRequest, error) {
	r, err := ParseJoinRequest(frame)
	if err != nil {
		return r, err
	}
	if msg, mic := split(frame); !joinMIC(root, msg).is(mic) {
		return r, fmt.Errorf("join-request of %s: %w", r.DevEUI, ErrMIC)
	}
	return r, nil
}
