package keys_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"meldefunk/city"
	"meldefunk/city/lorawan"
	"meldefunk/devices/keys"
)

const kekHex = "000102030405060708090a0b0c0d0e0f"

// sample is a message as a network server delivers it.
type sample struct {
	devAddr, label, wrapped, payload string
	fcnt                             uint32
	plain                            string
}

// things was recorded from The Things Stack, v4 made by the rules of ChirpStack's source.
var (
	things = sample{"00248777", "stadt-kek-1", "c1/pcU3WYskJuqjHj019E5hywxUefBql", "ifTplw==", 1, "01001201"}
	v4     = sample{"0165c904", "stadt-kek-1", "H6aLCoEStEeu80vY+1p7gp0+hiNx0s/l", "/57L1UZhIXe3w0Q=", 9, "0ce57fff05dc04b900c810"}
)

func (s sample) uplink(t testing.TB) *city.Uplink {
	t.Helper()
	addr, err := lorawan.ParseDevAddr(s.devAddr)
	if err != nil {
		t.Fatal(err)
	}
	return &city.Uplink{
		DevEUI: city.EUI{0xa8, 0x40, 0x41, 0, 1, 0x81, 0, 9}, FCnt: s.fcnt, FPort: 10, Payload: unbase64(t, s.payload), Encrypted: true,
		Envelope: &city.Envelope{KEKLabel: s.label, Wrapped: unbase64(t, s.wrapped), DevAddr: addr},
	}
}

func unbase64(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// ring loads keys, each as "label=hex", from files.
func ring(t testing.TB, pairs ...string) *keys.Ring {
	t.Helper()
	var c keys.Config
	for i, p := range pairs {
		label, key, _ := strings.Cut(p, "=")
		c.KEKs = append(c.KEKs, keys.KEK{Label: label, File: file(t, fmt.Sprintf("kek%d", i), key, 0o600)})
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	r, err := keys.Load(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func file(t testing.TB, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOpen(t *testing.T) {
	r := ring(t, "other=ffeeddccbbaa99887766554433221100", "stadt-kek-1="+kekHex)
	for name, s := range map[string]sample{"The Things Stack": things, "ChirpStack v4": v4} {
		t.Run(name, func(t *testing.T) {
			u := s.uplink(t)
			got, err := r.Open(u)
			if err != nil || hex.EncodeToString(got) != s.plain {
				t.Errorf("got %x, %v, want %s", got, err, s.plain)
			}
			if !bytes.Equal(u.Payload, unbase64(t, s.payload)) {
				t.Error("the uplink's own bytes were changed: what is kept must stay encrypted")
			}
		})
	}
}

// TestOpenAnySize has every size of KEK, the longest payload and the highest counter,
// sealed by the formulas of the specification as city/lorawan's vectors prove them.
func TestOpenAnySize(t *testing.T) {
	session := lorawan.Key{0xc5, 0x0f, 0x28, 0x5a}
	addr := lorawan.DevAddr{0x26, 0x01, 0x1b, 0xda}
	for _, size := range []int{16, 24, 32} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			kek := bytes.Repeat([]byte{byte(size)}, size)
			wrapped, err := lorawan.WrapKey(kek, session)
			if err != nil {
				t.Fatal(err)
			}
			plain := bytes.Repeat([]byte("Laub"), 61)[:242]
			u := &city.Uplink{FCnt: 1<<32 - 1, Payload: make([]byte, len(plain)), Encrypted: true,
				Envelope: &city.Envelope{KEKLabel: "k", Wrapped: wrapped, DevAddr: addr}}
			lorawan.CryptPayload(u.Payload, plain, session, lorawan.Up, addr, u.FCnt)
			got, err := ring(t, "k="+strings.ToUpper(hex.EncodeToString(kek))+"\r\n").Open(u)
			if err != nil || !bytes.Equal(got, plain) {
				t.Errorf("got %x, %v", got, err)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	r := ring(t, "stadt-kek-1="+kekHex, "alt=ffeeddccbbaa99887766554433221100")
	for name, c := range map[string]struct {
		change func(u *city.Uplink)
		want   string
	}{
		"no envelope":       {func(u *city.Uplink) { u.Envelope = nil }, "payload of a840410001810009 is end-to-end encrypted, and no wrapped key came with it"},
		"unknown label":     {func(u *city.Uplink) { u.Envelope.KEKLabel = "Stadt-KEK-1" }, `key encryption key "Stadt-KEK-1" is not configured: add it to keys.keks and replay`},
		"another KEK":       {func(u *city.Uplink) { u.Envelope.KEKLabel = "alt" }, `does not open with key encryption key "alt": it was wrapped with another one`},
		"a bit flipped":     {func(u *city.Uplink) { u.Envelope.Wrapped[23] ^= 1 }, `does not open with key encryption key "stadt-kek-1"`},
		"not wrapped":       {func(u *city.Uplink) { u.Envelope.Wrapped = u.Envelope.Wrapped[:16] }, `under key encryption key "stadt-kek-1": a wrapped key has 24 bytes, this one 16`},
		"two keys":          {func(u *city.Uplink) { u.Envelope.Wrapped = make([]byte, 40) }, `"stadt-kek-1": a wrapped key has 24 bytes, this one 40`},
		"nothing wrapped":   {func(u *city.Uplink) { u.Envelope.Wrapped = nil }, `a wrapped key has 24 bytes, this one 0`},
		"label of any size": {func(u *city.Uplink) { u.Envelope.KEKLabel = strings.Repeat("ä", 999) }, `"` + strings.Repeat("ä", 60) + `" is not configured`},
	} {
		t.Run(name, func(t *testing.T) {
			u := things.uplink(t)
			c.change(u)
			got, err := r.Open(u)
			rejection, ok := errors.AsType[*city.Rejection](err)
			if !ok || rejection.Reason != city.ReasonEncrypted || !strings.Contains(rejection.Detail, c.want) {
				t.Errorf("got %x, %v, want encrypted: …%s…", got, err, c.want)
			}
			mute(t, err.Error())
		})
	}
}

// TestOpenWithAnotherCounter shows what there is no proof against: garbage comes out.
func TestOpenWithAnotherCounter(t *testing.T) {
	r := ring(t, "stadt-kek-1="+kekHex)
	for name, change := range map[string]func(u *city.Uplink){
		"counter": func(u *city.Uplink) { u.FCnt++ },
		"address": func(u *city.Uplink) { u.Envelope.DevAddr[0]++ },
	} {
		u := things.uplink(t)
		change(u)
		if got, err := r.Open(u); err != nil || hex.EncodeToString(got) == things.plain {
			t.Errorf("%s: got %x, %v", name, got, err)
		}
	}
}

func TestOpenSideBySide(t *testing.T) {
	r := ring(t, "stadt-kek-1="+kekHex)
	u := v4.uplink(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				if got, err := r.Open(u); err != nil || hex.EncodeToString(got) != v4.plain {
					t.Errorf("got %x, %v", got, err)
					return
				}
			}
		})
	}
	all.Wait()
}

// mute fails if a text shows the key, as digits or as bytes.
func mute(t *testing.T, text string) {
	t.Helper()
	for _, digits := range []string{kekHex, kekHex[:12], kekHex[20:], "0 1 2 3 4 5", "c50f285a"} {
		if strings.Contains(strings.ToLower(text), digits) {
			t.Errorf("%q shows a key", text)
		}
	}
}

func TestRingDoesNotPrint(t *testing.T) {
	r := ring(t, "stadt-kek-1="+kekHex)
	held := struct{ r *keys.Ring }{r}
	for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%d", "%s", "%q"} {
		mute(t, fmt.Sprintf(verb, r))
		mute(t, fmt.Sprintf(verb, held))
	}
}

func BenchmarkOpen(b *testing.B) {
	r, u := ring(b, "stadt-kek-1="+kekHex), v4.uplink(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Open(u); err != nil {
			b.Fatal(err)
		}
	}
}
