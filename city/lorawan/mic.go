package lorawan

import (
	"crypto/subtle"
	"encoding/hex"
	"errors"
)

// ErrMIC says that a frame is not from whom it claims to be: its integrity code was made
// with another key or another counter, or a bit was changed on the way.
var ErrMIC = errors.New("the integrity code (MIC) does not fit: another key, another counter, or a damaged frame")

// MIC is the message integrity code at the end of a frame: four bytes of an AES-CMAC, in
// the order of the air.
type MIC [4]byte

// String gives 8 lower-case hex digits.
func (m MIC) String() string { return hex.EncodeToString(m[:]) }

// is compares without telling by its duration where the difference lies.
func (m MIC) is(other MIC) bool { return subtle.ConstantTimeCompare(m[:], other[:]) == 1 }

// joinMIC is the integrity code of the messages of a join: over their bytes alone
// (L2 1.0.4 sections 6.2.5 and 6.2.6).
func joinMIC(k Key, msg []byte) MIC {
	sum := newEngine(k).cmac(nil, msg)
	return MIC(sum[:4])
}

// split parts a frame, which has at least 4 bytes, from its integrity code.
func split(frame []byte) ([]byte, MIC) {
	n := len(frame) - 4
	return frame[:n], MIC(frame[n:])
}
