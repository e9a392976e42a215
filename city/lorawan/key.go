package lorawan

import (
	"encoding/hex"
	"errors"
	"fmt"
)

// Key is an AES-128 key. It does not let itself be printed: every verb of fmt gives
// "key(…)", and it refuses to be marshaled; only Hex gives its digits. What fmt and
// reflection cannot be kept from is an unexported field of a printed struct: do not
// print structs that hide keys in such fields.
type Key [16]byte

// errKeyText names no digit of what it was given: it might be a key with a slip in it.
var errKeyText = errors.New("not a key: want 32 hex digits")

// ParseKey reads 32 hex digits in either case. Its error does not repeat the text.
func ParseKey(s string) (Key, error) {
	var k Key
	if len(s) != 2*len(k) {
		return k, fmt.Errorf("%w, got %d characters", errKeyText, len(s))
	}
	if _, err := hex.Decode(k[:], []byte(s)); err != nil {
		return Key{}, fmt.Errorf("%w, got another character", errKeyText)
	}
	return k, nil
}

// Hex gives the key as 32 lower-case hex digits. It is the only way to get them as text.
func (k Key) Hex() string { return hex.EncodeToString(k[:]) }

// IsZero tells whether no key was given.
func (k Key) IsZero() bool { return k == Key{} }

// String gives "key(…)".
func (k Key) String() string { return "key(…)" }

// Format writes "key(…)" whatever the verb, because %d and %#v do not ask String.
func (k Key) Format(f fmt.State, _ rune) {
	_, _ = f.Write([]byte(k.String()))
}

// MarshalText always fails, so that no key gets into JSON, YAML or a log by accident.
func (k Key) MarshalText() ([]byte, error) {
	return nil, errors.New("a key is not written as text by itself: ask for its Hex where that is meant")
}

// UnmarshalText reads what ParseKey reads.
func (k *Key) UnmarshalText(b []byte) error {
	v, err := ParseKey(string(b))
	if err != nil {
		return err
	}
	*k = v
	return nil
}
