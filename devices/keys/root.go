package keys

import (
	"crypto/rand"
	"errors"
	"fmt"

	"meldefunk/city/lorawan"
	"meldefunk/city/lorawan/enrol"
	"meldefunk/city/register"
)

// WrapKey wraps a key with the key encryption key of that label: 24 bytes (RFC 3394).
func (r *Ring) WrapKey(label string, key lorawan.Key) ([]byte, error) {
	k, ok := r.keks[label]
	if !ok {
		return nil, r.noKEK(label)
	}
	return k.wrap(key)
}

// UnwrapKey is the inverse of WrapKey. It fails with lorawan.ErrUnwrap where the key was
// wrapped with another key encryption key than the label says.
func (r *Ring) UnwrapKey(label string, wrapped []byte) (lorawan.Key, error) {
	k, ok := r.keks[label]
	if !ok {
		return lorawan.Key{}, r.noKEK(label)
	}
	key, err := k.unwrap(wrapped)
	if err != nil {
		return lorawan.Key{}, fmt.Errorf("key encryption key %.60q: %w", label, err)
	}
	return key, nil
}

// RewrapKey wraps with another key encryption key what one wraps now.
func (r *Ring) RewrapKey(from, to string, wrapped []byte) ([]byte, error) {
	key, err := r.UnwrapKey(from, wrapped)
	if err != nil {
		return nil, err
	}
	return r.WrapKey(to, key)
}

// Register gives the label of the key encryption key that wraps root keys in the register.
func (r *Ring) Register() (string, error) {
	labels := r.Labels()
	switch {
	case r.register != "":
		return r.register, nil
	case len(labels) == 1:
		return labels[0], nil
	case len(labels) == 0:
		return "", errors.New("no key encryption key is configured: root keys are kept wrapped only; name one under keys.keks")
	}
	return "", fmt.Errorf("keys.register does not say which of %q wraps root keys: name one that no network server has", labels)
}

// SealRoot wraps root keys for the register, with the key encryption key that Register
// names. Without keys it gives none.
func (r *Ring) SealRoot(k enrol.RootKeys) (sealed register.Keys, err error) {
	if k.None() {
		return sealed, nil
	}
	if sealed.KEK, err = r.Register(); err != nil {
		return register.Keys{}, err
	}
	for _, one := range []struct {
		key lorawan.Key
		to  *[]byte
	}{{k.Nwk, &sealed.Nwk}, {k.App, &sealed.App}} {
		if one.key.IsZero() {
			continue
		}
		if *one.to, err = r.WrapKey(sealed.KEK, one.key); err != nil {
			return register.Keys{}, err
		}
	}
	return sealed, nil
}

// OpenRoot gives root keys of the register in clear; without keys none.
func (r *Ring) OpenRoot(k register.Keys) (open enrol.RootKeys, err error) {
	if len(k.Nwk) > 0 {
		if open.Nwk, err = r.UnwrapKey(k.KEK, k.Nwk); err != nil {
			return enrol.RootKeys{}, err
		}
	}
	if len(k.App) > 0 {
		if open.App, err = r.UnwrapKey(k.KEK, k.App); err != nil {
			return enrol.RootKeys{}, err
		}
	}
	return open, nil
}

// Generate makes the root keys of a device of a LoRaWAN version from the operating system's
// random source.
func Generate(v enrol.Version) enrol.RootKeys {
	k := enrol.RootKeys{Nwk: random()}
	if v.Two() {
		k.App = random()
	}
	return k
}

// random gives a key. The zero key means that there is none, so it is not one of them.
func random() (k lorawan.Key) {
	for k.IsZero() {
		rand.Read(k[:]) // never fails: it ends the program where there is no randomness
	}
	return k
}
