package joinserver

import (
	"slices"

	"meldefunk/city/lorawan"
	"meldefunk/city/register"
)

// MaxDevNonces is how many are remembered of a device that makes its DevNonces up (LoRaWAN
// up to 1.0.3). L2 1.0.3 section 6.2.4 wants "a certain number" of them: these are 8 KiB, and
// eleven years of joining once a day. Of a device that joins all the time older ones are
// forgotten rather than all 65,536 used up, after which it could never join again.
const MaxDevNonces = 4096

// use takes the DevNonce of a join-request whose integrity code was right. One that was there
// before is a recorded frame that somebody sends again.
func use(st *register.JoinState, nonce uint16, v lorawan.Version) error {
	if v != lorawan.V1_0_3 { // it counts (L2 1.0.4 section 6.2.5, L2 1.1 section 6.2.2)
		if uint32(nonce) < st.NextDevNonce {
			return refuse(frameReplayed, "DevNonce %d was used before: want %d or more; a device that forgot its count needs them flushed: meldefunk device key flush", nonce, st.NextDevNonce)
		}
		st.NextDevNonce = uint32(nonce) + 1
		return nil
	}
	if slices.Contains(st.DevNonces, nonce) {
		return refuse(frameReplayed, "DevNonce %d was used before", nonce)
	}
	first := max(0, len(st.DevNonces)+1-MaxDevNonces)
	st.DevNonces = append(slices.Clone(st.DevNonces[first:]), nonce) // the store's own stays as it is
	return nil
}

// useRJCount1 takes the counter of a rejoin-request of type 1, which counts for the lifetime
// of the device (L2 1.1 section 6.2.4.2).
func useRJCount1(st *register.JoinState, count uint16) error {
	if uint32(count) < st.NextRJCount1 {
		return refuse(frameReplayed, "RJcount1 %d was used before: want %d or more", count, st.NextRJCount1)
	}
	st.NextRJCount1 = uint32(count) + 1
	return nil
}

// maxJoinNonce is the highest of 24 bits.
const maxJoinNonce = 1<<24 - 1

// nextJoinNonce takes the next one. No two sessions of a device have the same, and so never
// the same keys.
func nextJoinNonce(st *register.JoinState) (uint32, error) {
	if st.JoinNonce >= maxJoinNonce {
		return 0, refuse(joinReqFailed, "the device has joined so often that no JoinNonce is left: give it new root keys")
	}
	st.JoinNonce++
	return st.JoinNonce, nil
}
