package lorawan

import (
	"encoding/base64"
	"encoding/hex"
	"testing"

	"meldefunk/city"
)

func unhexT(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func keyT(t testing.TB, s string) Key {
	t.Helper()
	k, err := ParseKey(s)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func addrT(t testing.TB, s string) DevAddr {
	t.Helper()
	a, err := ParseDevAddr(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func euiT(t testing.TB, s string) city.EUI {
	t.Helper()
	e, err := city.ParseEUI(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func base64T(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func second[T any](_ T, err error) error { return err }
