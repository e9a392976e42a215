package keys_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan"
	"meldefunk/devices/keys"
)

var (
	abp     = city.EUI{0xa8, 0x40, 0x41, 0, 1, 0x81, 0, 1}
	abpAddr = lorawan.DevAddr{0x26, 0x01, 0x1b, 0xda}
	abpKeys = lorawan.Session10(lorawan.V1_0_3, abpAddr, testKey(0x11), testKey(0x22))
)

func testKey(b byte) lorawan.Key { return lorawan.Key(bytes.Repeat([]byte{b}, 16)) }

// line writes a session as a row of a file whose keys are in clear.
func line(devEUI city.EUI, s lorawan.Session, fcnt uint32, resets string) string {
	if s.Version == lorawan.V1_1 {
		return fmt.Sprintf("%s;%s;1.1;;%s;%s;%s;%d;%s\n", devEUI, s.DevAddr, s.FNwkSIntKey.Hex(), s.SNwkSIntKey.Hex(), s.AppSKey.Hex(), fcnt, resets)
	}
	return fmt.Sprintf("%s;%s;%s;%s;;;%s;%d;%s\n", devEUI, s.DevAddr, s.Version, s.FNwkSIntKey.Hex(), s.AppSKey.Hex(), fcnt, resets)
}

const sessionsHeader = "dev_eui;dev_addr;version;nwk_s_key;f_nwk_s_int_key;s_nwk_s_int_key;app_s_key;fcnt_up;counter_resets\n"

// withSessions makes a ring whose file of sessions was wrapped from these lines.
func withSessions(t testing.TB, addresses string, lines ...string) *keys.Ring {
	t.Helper()
	c := keys.Config{KEKs: []keys.KEK{{Label: "stadt-kek-1", File: file(t, "kek", kekHex, 0o600)}}}
	r, err := keys.Load(c)
	if err != nil {
		t.Fatal(err)
	}
	text := sessionsHeader
	for _, l := range lines {
		text += l
	}
	sealed, _, err := r.Wrap("stadt-kek-1", "plain.csv", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	c.Sessions = []string{file(t, "sessions.csv", string(sealed), 0o644)}
	if addresses != "" {
		var p keys.Prefix
		if err := p.UnmarshalText([]byte(addresses)); err != nil {
			t.Fatal(err)
		}
		c.Addresses = []keys.Prefix{p}
	}
	if r, err = keys.Load(c); err != nil {
		t.Fatal(err)
	}
	return r
}

func heard(phy []byte) *city.RawFrame {
	return &city.RawFrame{
		Server: "gw", PHYPayload: phy, Received: time.Unix(1, 0), Ident: 7, Time: city.Stamp{At: time.Unix(2, 0), Source: city.TimeGateway},
		Radio: city.Radio{Gateways: 1, RSSI: -50, DataRate: 5, HasDataRate: true},
	}
}

func nothing(city.EUI, string) (uint32, bool) { return 0, false }

func after(last uint32) func(city.EUI, string) (uint32, bool) {
	return func(city.EUI, string) (uint32, bool) { return last, true }
}

// seal makes a frame of a session on port 10 with payload "Laub".
func seal(t testing.TB, s lorawan.Session, fcnt uint32, bind lorawan.Binding) []byte {
	t.Helper()
	b, err := s.Seal(nil, lorawan.Data{MType: lorawan.UnconfirmedUp, DevAddr: s.DevAddr, FCnt: fcnt, HasPort: true, FPort: 10, FRMPayload: []byte("Laub")}, bind)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestOpenFrameVectors opens frames that another program made (see city/lorawan), half of
// them of LoRaWAN 1.1, and refuses each with one bit changed.
func TestOpenFrameVectors(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "city", "lorawan", "testdata", "vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		Kind, Addr, F, S, E, A, Frame, Payload string
		V11                                    bool
		MType, DR                              uint8
		Port                                   int // -1: none
		FCnt                                   uint32
	}
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	opened := map[bool]int{}
	for _, v := range all {
		if v.Kind != "data" || lorawan.MType(v.MType).Direction() != lorawan.Up {
			continue
		}
		key := func(s string) lorawan.Key {
			k, err := lorawan.ParseKey(s)
			if err != nil {
				t.Fatal(err)
			}
			return k
		}
		addr, err := lorawan.ParseDevAddr(v.Addr)
		if err != nil {
			t.Fatal(err)
		}
		s := lorawan.Session10(lorawan.V1_0_4, addr, key(v.F), key(v.A))
		if v.V11 {
			s = lorawan.Session{Version: lorawan.V1_1, DevAddr: addr, FNwkSIntKey: key(v.F), SNwkSIntKey: key(v.S), AppSKey: key(v.A)}
		}
		r := withSessions(t, "", line(abp, s, 0, ""))
		phy, err := hex.DecodeString(v.Frame)
		if err != nil {
			t.Fatal(err)
		}
		f := heard(phy)
		f.Radio.DataRate = v.DR
		u, err := r.OpenFrame(f, after(max(v.FCnt, 1)-1))
		if err != nil {
			t.Errorf("%s: %v", v.Frame, err)
			continue
		}
		var payload []byte
		if u.Encrypted {
			if payload, err = r.Open(&u); err != nil {
				t.Error(err)
			}
		}
		want, wantPort := v.Payload, uint8(max(v.Port, 0))
		if wantPort == 0 {
			want = "" // MAC commands
		}
		if u.FCnt != v.FCnt || u.FPort != wantPort || hex.EncodeToString(payload) != want || u.DevEUI != abp || !u.Proven ||
			u.Confirmed != (v.MType == 4) || !strings.HasPrefix(u.Session, v.Addr+"-") || u.Ident != 7 || u.Time != f.Time || u.Radio != f.Radio {
			t.Errorf("%s: got %+v, %x, want counter %d, port %d, %s", v.Frame, u, payload, v.FCnt, wantPort, want)
		}
		opened[v.V11]++
		f.PHYPayload = bytes.Clone(phy)
		f.PHYPayload[len(phy)-1] ^= 1
		wantReason(t, r, f, after(v.FCnt), city.ReasonMIC)
	}
	if opened[false] != 30 || opened[true] != 30 {
		t.Errorf("opened %v, want 30 of each version", opened)
	}
}

func wantReason(t *testing.T, r *keys.Ring, f *city.RawFrame, last func(city.EUI, string) (uint32, bool), want city.Reason) city.Uplink {
	t.Helper()
	u, err := r.OpenFrame(f, last)
	rejection, ok := errors.AsType[*city.Rejection](err)
	if !ok || rejection.Reason != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if err != nil {
		mute(t, err.Error())
		if strings.Contains(err.Error(), "1111111111") || strings.Contains(err.Error(), "2222222222") {
			t.Errorf("%q shows a key", err)
		}
	}
	return u
}

func TestOpenFrameCounters(t *testing.T) {
	const no, yes = "no", "yes"
	for name, c := range map[string]struct {
		sent   uint32
		last   func(city.EUI, string) (uint32, bool)
		fcnt   uint32 // of the file
		resets string
		want   bool
	}{
		"first":                         {0, nothing, 0, no, true},
		"first heard is the 300th":      {300, nothing, 0, no, true},
		"next":                          {6, after(5), 0, no, true},
		"the same again":                {5, after(5), 0, no, true},
		"overtaken":                     {4, after(5), 0, no, true},
		"over 16 bits":                  {65536, after(65535), 0, no, true},
		"a gap of 32,768":               {70000 + 32768, after(70000), 0, no, true},
		"a gap of 65,536":               {70000 + 65536, after(70000), 0, no, true},
		"the widest gap":                {70000 + 32767 + 2*65536, after(70000), 0, no, true},
		"beyond the window":             {70000 + 32768 + 2*65536, after(70000), 0, no, false},
		"two rounds behind":             {100, after(131072 + 32867), 0, no, true},
		"beyond the window behind":      {100, after(131072 + 32869), 0, no, false},
		"counts anew, as allowed":       {100, after(1_000_000), 0, yes, true},
		"the last that is counted":      {1<<32 - 1, after(1<<32 - 2), 0, no, true},
		"unheard, high":                 {1_000_000, nothing, 0, no, false},
		"unheard, high, as the file is": {1_000_000, nothing, 990_000, no, true},
		"heard counts before the file":  {20, after(10), 990_000, no, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := withSessions(t, "", line(abp, abpKeys, c.fcnt, c.resets))
			f := heard(seal(t, abpKeys, c.sent, lorawan.Binding{}))
			u, err := r.OpenFrame(f, c.last)
			if !c.want {
				wantReason(t, r, f, c.last, city.ReasonMIC)
				return
			}
			if err != nil || u.FCnt != c.sent || u.Proven != (c.resets == no) {
				t.Errorf("got %d, proven %v, %v, want %d", u.FCnt, u.Proven, err, c.sent)
			}
		})
	}
}

func TestOpenFrameRefuses(t *testing.T) {
	r := withSessions(t, "26011b00/24", line(abp, abpKeys, 0, ""))
	other := abpKeys
	other.FNwkSIntKey, other.SNwkSIntKey = testKey(0x33), testKey(0x33)
	if u := wantReason(t, r, heard(seal(t, other, 1, lorawan.Binding{})), nothing, city.ReasonMIC); u.DevEUI != abp {
		t.Errorf("the only device of the address is not named: %s", u.DevEUI)
	}
	wantReason(t, r, heard([]byte("\x40short")), nothing, city.ReasonMalformed)
	near, far := abpKeys, abpKeys
	near.DevAddr[3], far.DevAddr[2] = 0xdb, 0x1c
	wantReason(t, r, heard(seal(t, near, 1, lorawan.Binding{})), nothing, city.ReasonUnknownDevice)
	if _, err := r.OpenFrame(heard(seal(t, far, 1, lorawan.Binding{})), nothing); !errors.Is(err, city.ErrForeign) {
		t.Errorf("got %v, want foreign", err)
	}
	if _, err := (&keys.Ring{}).OpenFrame(heard(seal(t, near, 1, lorawan.Binding{})), nothing); !errors.Is(err, city.ErrForeign) {
		t.Errorf("got %v of nothing configured, want foreign", err)
	}
}

// TestOpenFrame11 has the halves of the integrity code: the second alone is not enough
// where the first can be checked.
func TestOpenFrame11(t *testing.T) {
	s := lorawan.Session{Version: lorawan.V1_1, DevAddr: abpAddr, FNwkSIntKey: testKey(0x11), SNwkSIntKey: testKey(0x44), NwkSEncKey: testKey(0x55), AppSKey: testKey(0x22)}
	r := withSessions(t, "", line(abp, s, 0, ""))
	bind := lorawan.Binding{DataRate: 5, Channel: 7}
	good := seal(t, s, 9, bind)
	if u, err := r.OpenFrame(heard(good), after(8)); err != nil || u.FCnt != 9 {
		t.Errorf("got %+v, %v", u, err)
	}
	f := heard(good)
	f.Radio.HasDataRate = false
	if u, err := r.OpenFrame(f, after(8)); err != nil || u.FCnt != 9 {
		t.Errorf("without a data rate: got %+v, %v", u, err)
	}
	f = heard(good)
	f.Radio.DataRate = 3
	wantReason(t, r, f, after(8), city.ReasonMIC)
	for at := len(good) - 4; at < len(good); at++ {
		bad := bytes.Clone(good)
		bad[at] ^= 1
		wantReason(t, r, heard(bad), after(8), city.ReasonMIC)
	}
	wantReason(t, r, heard(seal(t, s, 9, lorawan.Binding{DataRate: 5, Channel: 16})), after(8), city.ReasonMIC)
}

// TestOpenFrameSharedAddress has two devices with one address, as happens in networks
// without a NetID of their own.
func TestOpenFrameSharedAddress(t *testing.T) {
	twin, twinKeys := city.EUI{9}, lorawan.Session10(lorawan.V1_0_4, abpAddr, testKey(0x77), testKey(0x78))
	r := withSessions(t, "", line(abp, abpKeys, 0, ""), line(twin, twinKeys, 0, ""))
	for want, s := range map[city.EUI]lorawan.Session{abp: abpKeys, twin: twinKeys} {
		if u, err := r.OpenFrame(heard(seal(t, s, 3, lorawan.Binding{})), nothing); err != nil || u.DevEUI != want {
			t.Errorf("got %s, %v, want %s", u.DevEUI, err, want)
		}
	}
	third := lorawan.Session10(lorawan.V1_0_4, abpAddr, testKey(0x79), testKey(0x78))
	if u := wantReason(t, r, heard(seal(t, third, 3, lorawan.Binding{})), nothing, city.ReasonMIC); !u.DevEUI.IsZero() {
		t.Errorf("%s is named, and could be the other", u.DevEUI)
	}
}

// TestSessionToken wants sessions to be named by address and keys, whatever wraps them.
func TestSessionToken(t *testing.T) {
	name := func(s lorawan.Session) string {
		r := withSessions(t, "", line(abp, s, 0, ""))
		u, err := r.OpenFrame(heard(seal(t, s, 3, lorawan.Binding{})), nothing)
		if err != nil {
			t.Fatal(err)
		}
		return u.Session
	}
	rekeyed := abpKeys
	rekeyed.AppSKey = testKey(0x23)
	if a, b := name(abpKeys), name(abpKeys); a != b || len(a) != 13 {
		t.Errorf("got %q and %q, want the same", a, b)
	}
	if a, b := name(abpKeys), name(rekeyed); a == b {
		t.Errorf("got %q of either key", a)
	}
}

func BenchmarkOpenFrame(b *testing.B) {
	v11 := lorawan.Session{Version: lorawan.V1_1, DevAddr: abpAddr, FNwkSIntKey: testKey(0x11), SNwkSIntKey: testKey(0x44), AppSKey: testKey(0x22)}
	for name, s := range map[string]lorawan.Session{"1.0": abpKeys, "1.1": v11} {
		b.Run(name, func(b *testing.B) {
			r := withSessions(b, "", line(abp, s, 0, ""))
			f := heard(seal(b, s, 9, lorawan.Binding{DataRate: 5, Channel: 7}))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.OpenFrame(f, after(8)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
