package main

import "crypto/rand"

// crockford is the alphabet of Douglas Crockford's base 32: no I, L, O or U, so that a
// reference can be read out on the phone.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// newRef makes up a case reference: "S-" and 40 random bits as 8 characters.
func newRef() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	for i := range b {
		b[i] = crockford[b[i]&31]
	}
	return "S-" + string(b[:])
}
