package lorawan

import (
	"crypto/aes"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrUnwrap says that what was unwrapped is not what was wrapped: the key encryption key is
// another one, or the bytes were changed.
var ErrUnwrap = errors.New("the key does not unwrap: it was wrapped with another key encryption key, or it is damaged")

// wrapIV is the value that proves the integrity of what was wrapped (RFC 3394 section 2.2.3.1).
const wrapIV = 0xa6a6a6a6a6a6a6a6

// Wrap encrypts key material under a key encryption key by AES key wrap (RFC 3394 section
// 2.2.1), as LoRaWAN Backend Interfaces 1.0 does with session keys. kek has 16, 24 or 32
// bytes; data at least 16 in steps of 8. The result is 8 bytes longer than data.
func Wrap(kek, data []byte) ([]byte, error) {
	block, err := aes.NewCipher(kek)
	if err != nil {
		return nil, fmt.Errorf("the key encryption key has %d bytes: want 16, 24 or 32", len(kek))
	}
	if len(data) < 16 || len(data)%8 != 0 {
		return nil, fmt.Errorf("cannot wrap %d bytes: want 16 or more, in steps of 8", len(data))
	}
	n := len(data) / 8
	out := make([]byte, 8+len(data))
	copy(out[8:], data)
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], wrapIV)
	for t := range 6 * n {
		r := out[8+t%n*8:][:8]
		copy(b[8:], r)
		block.Encrypt(b[:], b[:])
		copy(r, b[8:])
		binary.BigEndian.PutUint64(b[:], binary.BigEndian.Uint64(b[:])^uint64(t+1))
	}
	copy(out, b[:8])
	return out, nil
}

// Unwrap is the inverse of Wrap. It fails with ErrUnwrap under another key encryption key
// and if any bit of wrapped was changed.
func Unwrap(kek, wrapped []byte) ([]byte, error) {
	block, err := aes.NewCipher(kek)
	if err != nil {
		return nil, fmt.Errorf("the key encryption key has %d bytes: want 16, 24 or 32", len(kek))
	}
	if len(wrapped) < 24 || len(wrapped)%8 != 0 {
		return nil, fmt.Errorf("cannot unwrap %d bytes: want 24 or more, in steps of 8", len(wrapped))
	}
	n := len(wrapped)/8 - 1
	out := append([]byte(nil), wrapped[8:]...)
	var b, want [16]byte
	copy(b[:], wrapped[:8])
	for t := 6*n - 1; t >= 0; t-- {
		r := out[t%n*8:][:8]
		binary.BigEndian.PutUint64(b[:], binary.BigEndian.Uint64(b[:])^uint64(t+1))
		copy(b[8:], r)
		block.Decrypt(b[:], b[:])
		copy(r, b[8:])
	}
	binary.BigEndian.PutUint64(want[:], wrapIV)
	if subtle.ConstantTimeCompare(b[:8], want[:8]) != 1 {
		return nil, ErrUnwrap
	}
	return out, nil
}

// WrapKey wraps one key: 24 bytes.
func WrapKey(kek []byte, k Key) ([]byte, error) { return Wrap(kek, k[:]) }

// UnwrapKey unwraps one key of 24 bytes. See Unwrap for its errors.
func UnwrapKey(kek, wrapped []byte) (Key, error) {
	if len(wrapped) != 24 {
		return Key{}, fmt.Errorf("a wrapped key has 24 bytes, this one %d", len(wrapped))
	}
	b, err := Unwrap(kek, wrapped)
	if err != nil {
		return Key{}, err
	}
	return Key(b), nil
}
