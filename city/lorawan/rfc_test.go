package lorawan

import (
	"bytes"
	"errors"
	"testing"
)

// TestCMAC has the examples of RFC 4493 section 4, each cut into head and message wherever
// that is allowed.
func TestCMAC(t *testing.T) {
	key := keyT(t, "2b7e151628aed2a6abf7158809cf4f3c")
	msg := unhexT(t, "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"+
		"30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710")
	for _, c := range []struct {
		name string
		size int
		want string
	}{
		{"empty", 0, "bb1d6929e95937287fa37d129b756746"},
		{"one block", 16, "070a16b46b4d4144f79bdd9dd04a287c"},
		{"two blocks and a half", 40, "dfa66747de9ae63030ca32611497c827"},
		{"four blocks", 64, "51f0bebf7e3b9d92fc49741779363cfe"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for head := 0; head <= c.size; head += 16 {
				got := newEngine(key).cmac(msg[:head], msg[head:c.size])
				if want := unhexT(t, c.want); !bytes.Equal(got[:], want) {
					t.Errorf("head of %d bytes: %x, want %x", head, got, want)
				}
			}
		})
	}
}

// TestKeyWrap has the examples of RFC 3394 section 4.
func TestKeyWrap(t *testing.T) {
	kek := unhexT(t, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
	data := unhexT(t, "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f")
	for _, c := range []struct {
		name      string
		kek, data int
		want      string
	}{
		{"4.1", 16, 16, "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"},
		{"4.2", 24, 16, "96778b25ae6ca435f92b5b97c050aed2468ab8a17ad84e5d"},
		{"4.3", 32, 16, "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7"},
		{"4.4", 24, 24, "031d33264e15d33268f24ec260743edce1c6c7ddee725a936ba814915c6762d2"},
		{"4.5", 32, 24, "a8f9bc1612c68b3ff6e6f4fbe30e71e4769c8b80a32cb8958cd5d17d6b254da1"},
		{"4.6", 32, 32, "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := unhexT(t, c.want)
			if got, err := Wrap(kek[:c.kek], data[:c.data]); err != nil || !bytes.Equal(got, want) {
				t.Errorf("wrapped %x (%v), want %x", got, err, want)
			}
			if got, err := Unwrap(kek[:c.kek], want); err != nil || !bytes.Equal(got, data[:c.data]) {
				t.Errorf("unwrapped %x (%v), want %x", got, err, data[:c.data])
			}
		})
	}
}

func TestUnwrapRefuses(t *testing.T) {
	kek, key := bytes.Repeat([]byte{1}, 16), Key{2}
	wrapped, err := WrapKey(kek, key)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := UnwrapKey(kek, wrapped); err != nil || got != key {
		t.Fatalf("what was wrapped does not unwrap: %v", err)
	}
	for i := range 8 * len(wrapped) {
		bad := bytes.Clone(wrapped)
		bad[i/8] ^= 1 << (i % 8)
		if _, err := UnwrapKey(kek, bad); !errors.Is(err, ErrUnwrap) {
			t.Errorf("bit %d changed: %v, want %v", i, err, ErrUnwrap)
		}
	}
	if _, err := UnwrapKey(bytes.Repeat([]byte{3}, 16), wrapped); !errors.Is(err, ErrUnwrap) {
		t.Errorf("another key: %v, want %v", err, ErrUnwrap)
	}
	for name, err := range map[string]error{
		"wrap, short KEK":      second(Wrap(kek[:15], key[:])),
		"wrap, 8 bytes":        second(Wrap(kek, key[:8])),
		"wrap, 20 bytes":       second(Wrap(kek, make([]byte, 20))),
		"unwrap, short KEK":    second(Unwrap(kek[:15], wrapped)),
		"unwrap, 16 bytes":     second(Unwrap(kek, wrapped[:16])),
		"unwrap, 23 bytes":     second(Unwrap(kek, wrapped[:23])),
		"unwrap key, 32 bytes": second(UnwrapKey(kek, make([]byte, 32))),
	} {
		if err == nil || errors.Is(err, ErrUnwrap) {
			t.Errorf("%s: %v, want an error about lengths", name, err)
		}
	}
}
