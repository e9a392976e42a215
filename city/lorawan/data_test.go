package lorawan

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// session11 and session10 are sessions whose keys all differ, as far as they may.
func session11() Session {
	return Session{Version: V1_1, DevAddr: DevAddr{0x26, 1, 2, 3}, FNwkSIntKey: Key{1}, SNwkSIntKey: Key{2}, NwkSEncKey: Key{3}, AppSKey: Key{4}}
}

func session10() Session { return Session10(V1_0_4, DevAddr{0x26, 1, 2, 3}, Key{1}, Key{4}) }

func TestParseDataRefuses(t *testing.T) {
	good := unhexT(t, "40f17dbe4900020001954378762b11ff0d")
	edit := func(f func(b []byte) []byte) []byte { return f(bytes.Clone(good)) }
	for _, c := range []struct {
		name  string
		frame []byte
		want  string
	}{
		{"nothing", nil, "empty"},
		{"eleven bytes", good[:11], "11 bytes, want at least 12"},
		{"256 bytes", make([]byte, 256), "the air takes 255"},
		{"another major version", edit(func(b []byte) []byte { b[0] |= 1; return b }), "major version 1"},
		{"join-request", edit(func(b []byte) []byte { b[0] = 0; return b }), "it is a join-request"},
		{"proprietary", edit(func(b []byte) []byte { b[0] = 0xe0; return b }), "it is a proprietary"},
		{"more options than bytes", edit(func(b []byte) []byte { b[5] |= 6; return b }), "6 bytes of FOpts and has 5"},
		{"options and port 0", edit(func(b []byte) []byte { b[5] |= 1; b[9] = 0; return b }), "port 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d, err := ParseData(c.frame); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("read %+v, error %v, want one with %q", d, err, c.want)
			}
		})
	}
}

func TestSealRefuses(t *testing.T) {
	good := Data{MType: ConfirmedUp, DevAddr: session11().DevAddr, HasPort: true, FPort: 2, FRMPayload: []byte{1}, FOpts: []byte{2}}
	for _, c := range []struct {
		name string
		edit func(*Session, *Data)
		want string
	}{
		{"join-request", func(_ *Session, d *Data) { d.MType = JoinRequestType }, "join-request"},
		{"another device", func(_ *Session, d *Data) { d.DevAddr[3]++ }, "of 26010204, the session of 26010203"},
		{"16 bytes of options", func(_ *Session, d *Data) { d.FOpts = make([]byte, 16) }, "more than 15"},
		{"payload without port", func(_ *Session, d *Data) { d.HasPort = false }, "needs a port"},
		{"options and port 0", func(_ *Session, d *Data) { d.FPort = 0 }, "port 0"},
		{"too long", func(_ *Session, d *Data) { d.FRMPayload = make([]byte, 242) }, "256 bytes, the air takes 255"},
		{"no AppSKey", func(s *Session, _ *Data) { s.AppSKey = Key{} }, "AppSKey"},
		{"no NwkSEncKey for options", func(s *Session, _ *Data) { s.NwkSEncKey = Key{} }, "NwkSEncKey"},
		{"no NwkSEncKey for port 0", func(s *Session, d *Data) { s.NwkSEncKey, d.FPort, d.FOpts = Key{}, 0, nil }, "NwkSEncKey"},
		{"no FNwkSIntKey", func(s *Session, _ *Data) { s.FNwkSIntKey = Key{} }, "FNwkSIntKey"},
		{"no SNwkSIntKey", func(s *Session, _ *Data) { s.SNwkSIntKey = Key{} }, "SNwkSIntKey"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, d := session11(), good
			c.edit(&s, &d)
			if b, err := s.Seal(nil, d, Binding{}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("sealed %x, error %v, want one with %q", b, err, c.want)
			}
		})
	}
	s := session11()
	good.FRMPayload = make([]byte, 241)
	if b, err := s.Seal(nil, good, Binding{}); err != nil || len(b) != MaxFrame {
		t.Errorf("the longest frame: %d bytes (%v), want %d", len(b), err, MaxFrame)
	}
}

func TestSealAppends(t *testing.T) {
	for _, s := range []Session{session10(), session11()} {
		d := Data{MType: UnconfirmedUp, DevAddr: s.DevAddr, FCnt: 70000, HasPort: true, FPort: 2, FRMPayload: []byte("elf Bytes !"), FOpts: []byte{2, 13}}
		alone, err := s.Seal(nil, d, Binding{})
		if err != nil {
			t.Fatal(err)
		}
		prefix := []byte("davor")
		both, err := s.Seal(prefix, d, Binding{})
		if err != nil || !bytes.Equal(both, append(prefix, alone...)) {
			t.Errorf("%s: appended %x (%v), want %x behind the prefix", s.Version, both, err, alone)
		}
		if string(d.FRMPayload) != "elf Bytes !" || !bytes.Equal(d.FOpts, []byte{2, 13}) {
			t.Errorf("%s: sealing changed what it was given", s.Version)
		}
	}
}

// TestNoAppSKey is a network server's view: it checks and answers, payloads stay closed.
func TestNoAppSKey(t *testing.T) {
	s := session11()
	frame, err := s.Seal(nil, Data{MType: UnconfirmedUp, DevAddr: s.DevAddr, FOpts: []byte{2}, HasPort: true, FPort: 7, FRMPayload: []byte{1}}, Binding{})
	if err != nil {
		t.Fatal(err)
	}
	s.AppSKey = Key{}
	d, err := s.Verify(frame, 0, Binding{})
	if err != nil {
		t.Fatal(err)
	}
	if commands, err := s.Commands(d); err != nil || !bytes.Equal(commands, []byte{2}) {
		t.Errorf("commands %x (%v), want 02", commands, err)
	}
	if b, err := s.Payload(d); !errors.Is(err, errNoKey) {
		t.Errorf("payload %x (%v), want %v", b, err, errNoKey)
	}
}

func TestVerifyRefuses(t *testing.T) {
	for _, s := range []Session{session10(), session11()} {
		for _, mtype := range []MType{UnconfirmedUp, UnconfirmedDown, ConfirmedUp, ConfirmedDown} {
			d := Data{MType: mtype, DevAddr: s.DevAddr, FCtrl: FCtrl{ACK: true}, FCnt: 0x10005, HasPort: true, FPort: 3, FRMPayload: []byte("elf Bytes !")}
			bind := Binding{ConfFCnt: 7, DataRate: 5, Channel: 2}
			frame, err := s.Seal(nil, d, bind)
			if err != nil {
				t.Fatal(err)
			}
			check := func(name string, frame []byte, fcnt uint32, bind Binding, s Session, want bool) {
				t.Helper()
				if _, err := s.Verify(frame, fcnt, bind); (err == nil) != want {
					t.Errorf("%s, %s, %s: %v, want it taken: %v", s.Version, mtype, name, err, want)
				}
			}
			check("as sent", frame, d.FCnt, bind, s, true)
			check("next epoch of the counter", frame, d.FCnt+1<<16, bind, s, false)
			check("another counter", frame, d.FCnt+1, bind, s, false)
			for i := range 8 * len(frame) {
				bad := bytes.Clone(frame)
				bad[i/8] ^= 1 << (i % 8)
				check("a bit changed", bad, d.FCnt, bind, s, false)
			}
			other := s
			other.FNwkSIntKey, other.SNwkSIntKey = Key{8}, Key{9}
			check("other keys", frame, d.FCnt, bind, other, false)

			// What 1.1 covers beside the frame, and 1.0 does not.
			v10, up := s.Version != V1_1, mtype.Direction() == Up
			check("another acknowledged counter", frame, d.FCnt, Binding{ConfFCnt: 8, DataRate: 5, Channel: 2}, s, v10)
			check("another data rate", frame, d.FCnt, Binding{ConfFCnt: 7, DataRate: 4, Channel: 2}, s, v10 || !up)
			check("another channel", frame, d.FCnt, Binding{ConfFCnt: 7, DataRate: 5, Channel: 3}, s, v10 || !up)
			check("acknowledged counter of another epoch", frame, d.FCnt, Binding{ConfFCnt: 7 + 1<<16, DataRate: 5, Channel: 2}, s, true)
		}
	}
}

// TestVerifySaysWhy has frames whose keys fit and that are not of this session or counter.
func TestVerifySaysWhy(t *testing.T) {
	s := session10()
	frame, err := s.Seal(nil, Data{MType: UnconfirmedUp, DevAddr: s.DevAddr, FCnt: 5}, Binding{})
	if err != nil {
		t.Fatal(err)
	}
	other := s
	other.DevAddr[3]++
	for want, err := range map[string]error{
		"of 26010203, the session of 26010204": second(other.Verify(frame, 5, Binding{})),
		"ends its counter in 5, not as 6 does": second(s.Verify(frame, 6, Binding{})),
	} {
		if err == nil || errors.Is(err, ErrMIC) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// TestOptionsWithoutPort has a port in a frame that says it has none: it does not count.
func TestOptionsWithoutPort(t *testing.T) {
	s := session11()
	frame, err := s.Seal(nil, Data{MType: UnconfirmedDown, DevAddr: s.DevAddr, FOpts: []byte{6}, FPort: 7}, Binding{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.Verify(frame, 0, Binding{})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := s.Commands(d); err != nil || !bytes.Equal(b, []byte{6}) || d.FPort != 0 {
		t.Errorf("commands %x (%v) on port %d, want 06 and none", b, err, d.FPort)
	}
}

func TestVerifyForwarded(t *testing.T) {
	s := session11()
	up := Data{MType: ConfirmedUp, DevAddr: s.DevAddr, FCnt: 3, HasPort: true, FPort: 3, FRMPayload: []byte{1, 2}}
	frame, err := s.Seal(nil, up, Binding{DataRate: 5, Channel: 2})
	if err != nil {
		t.Fatal(err)
	}
	serving := s
	serving.SNwkSIntKey = Key{} // the forwarding side does not know it
	if _, err := serving.VerifyForwarded(frame, 3); err != nil {
		t.Error(err)
	}
	for i := range 8 * len(frame) {
		bad := bytes.Clone(frame)
		bad[i/8] ^= 1 << (i % 8)
		_, err := serving.VerifyForwarded(bad, 3)
		if servingHalf := i/8 >= len(frame)-4 && i/8 < len(frame)-2; (err == nil) != servingHalf {
			t.Errorf("bit %d changed: %v", i, err)
		}
	}
	up.MType = UnconfirmedDown
	down, err := s.Seal(nil, up, Binding{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.VerifyForwarded(down, 3); err == nil {
		t.Error("a downlink counts as forwarded")
	}
	serving.FNwkSIntKey = Key{}
	if _, err := serving.VerifyForwarded(frame, 3); !errors.Is(err, errNoKey) {
		t.Errorf("without a key: %v, want %v", err, errNoKey)
	}
}

// TestRoundTrip seals any frame and reads it again.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.Custom(func(t *rapid.T) Key {
			return Key(rapid.SliceOfN(rapid.Byte(), 16, 16).Filter(func(b []byte) bool { return Key(b) != Key{} }).Draw(t, "key"))
		})
		s := Session{
			Version: rapid.SampledFrom([]Version{V1_0_3, V1_0_4, V1_1}).Draw(t, "version"), DevAddr: DevAddr(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "addr")),
			FNwkSIntKey: key.Draw(t, "f"), SNwkSIntKey: key.Draw(t, "s"), NwkSEncKey: key.Draw(t, "e"), AppSKey: key.Draw(t, "a"),
		}
		d := Data{
			MType:   rapid.SampledFrom([]MType{UnconfirmedUp, UnconfirmedDown, ConfirmedUp, ConfirmedDown}).Draw(t, "type"),
			DevAddr: s.DevAddr, FCnt: rapid.Uint32().Draw(t, "counter"),
			FCtrl: FCtrl{
				ADR: rapid.Bool().Draw(t, "adr"), ADRACKReq: rapid.Bool().Draw(t, "adrackreq"),
				ACK: rapid.Bool().Draw(t, "ack"), Pending: rapid.Bool().Draw(t, "pending"),
			},
			HasPort: rapid.Bool().Draw(t, "has port"),
		}
		if d.HasPort {
			d.FPort = rapid.Byte().Draw(t, "port")
			d.FRMPayload = rapid.SliceOfN(rapid.Byte(), 0, 227).Draw(t, "payload")
		}
		if !d.HasPort || d.FPort != 0 {
			d.FOpts = rapid.SliceOfN(rapid.Byte(), 0, MaxFOpts).Draw(t, "options")
		}
		bind := Binding{ConfFCnt: rapid.Uint32().Draw(t, "confirmed"), DataRate: rapid.Byte().Draw(t, "rate"), Channel: rapid.Byte().Draw(t, "channel")}
		frame, err := s.Seal(nil, d, bind)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Verify(frame, d.FCnt, bind)
		if err != nil {
			t.Fatal(err)
		}
		commands, err := s.Commands(got)
		if err != nil {
			t.Fatal(err)
		}
		if got.FRMPayload, err = s.Payload(got); err != nil {
			t.Fatal(err)
		}
		if got.HasPort && got.FPort == 0 {
			if !bytes.Equal(commands, d.FRMPayload) {
				t.Fatalf("commands %x, want %x", commands, d.FRMPayload)
			}
		} else {
			got.FOpts = commands
		}
		if !sameData(got, d) {
			t.Fatalf("read %+v, want %+v", got, d)
		}
	})
}

func sameData(a, b Data) bool {
	return a.MType == b.MType && a.DevAddr == b.DevAddr && a.FCtrl == b.FCtrl && a.FCnt == b.FCnt &&
		a.HasPort == b.HasPort && a.FPort == b.FPort && bytes.Equal(a.FOpts, b.FOpts) && bytes.Equal(a.FRMPayload, b.FRMPayload)
}
