package lorawan

import (
	"bytes"
	"testing"
)

// TestPublicFrames has frames that others published with their keys: the examples of the
// JavaScript library lora-packet, some of them heard on air, and of the command-line client
// of The Things Stack.
func TestPublicFrames(t *testing.T) {
	const (
		nwkSKey = "44024241ed4ce9a68c6a8bc055233fd3"
		appSKey = "ec925802ae430ca77fd3dd73cb2cc588"
	)
	for _, c := range []struct {
		name, frame      string
		nwkSKey, appSKey string
		want             Data // its payload decrypted
	}{
		{
			"unconfirmed with payload", "40f17dbe4900020001954378762b11ff0d", nwkSKey, appSKey,
			Data{MType: UnconfirmedUp, DevAddr: addrT(t, "49be7df1"), FCnt: 2, HasPort: true, FPort: 1, FRMPayload: []byte("test")},
		},
		{
			"port without payload", "40f17dbe49000300012a3518af", nwkSKey, appSKey,
			Data{MType: UnconfirmedUp, DevAddr: addrT(t, "49be7df1"), FCnt: 3, HasPort: true, FPort: 1},
		},
		{
			"downlink with acknowledgement", "60f17dbe4920020001f9d65d27", nwkSKey, appSKey,
			Data{MType: UnconfirmedDown, DevAddr: addrT(t, "49be7df1"), FCtrl: FCtrl{ACK: true}, FCnt: 2, HasPort: true, FPort: 1},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			frame := unhexT(t, c.frame)
			s := Session10(V1_0_3, c.want.DevAddr, keyT(t, c.nwkSKey), keyT(t, c.appSKey))
			d, err := s.Verify(frame, c.want.FCnt, Binding{})
			if err != nil {
				t.Fatal(err)
			}
			if d.FRMPayload, err = s.Payload(d); err != nil {
				t.Fatal(err)
			}
			if !sameData(d, c.want) {
				t.Errorf("read %+v, want %+v", d, c.want)
			}
			if again, err := s.Seal(nil, d, Binding{}); err != nil || !bytes.Equal(again, frame) {
				t.Errorf("seals to %x (%v), want %x", again, err, frame)
			}
		})
	}
}

// TestPublicFrame11 has an uplink of 1.1 that lora-packet was given by a user.
func TestPublicFrame11(t *testing.T) {
	s := Session{
		Version: V1_1, DevAddr: addrT(t, "e0106373"),
		FNwkSIntKey: keyT(t, "e163635133105cc690cb2d57ba9c31b9"), SNwkSIntKey: keyT(t, "05ec7c795b2f0b5bcdfa710db52b9d8f"),
	}
	frame := unhexT(t, "40736310e080000000c86c36165131")
	if _, err := s.Verify(frame, 0, Binding{Channel: 1}); err != nil {
		t.Error(err)
	}
	if _, err := s.Verify(frame, 0, Binding{Channel: 2}); err == nil {
		t.Error("verified on another channel")
	}
	if _, err := s.VerifyForwarded(frame, 0); err != nil {
		t.Error(err)
	}
}

func TestPublicPortZero(t *testing.T) {
	s := Session{Version: V1_0_3, DevAddr: addrT(t, "fc00dc06")}
	s.FNwkSIntKey = keyT(t, "581c4d08ef04cda30b1fef7a8b2c74b8")
	s.SNwkSIntKey, s.NwkSEncKey = s.FNwkSIntKey, s.FNwkSIntKey
	d, err := s.Verify(unhexT(t, "4006dc00fcc07400000244925050"), 0x74, Binding{})
	if err != nil {
		t.Fatal(err)
	}
	commands, err := s.Commands(d)
	if err != nil {
		t.Fatal(err)
	}
	if len(commands) != 1 || !d.FCtrl.ADR || !d.FCtrl.ADRACKReq {
		t.Errorf("read %+v with commands %x", d, commands)
	}
}

func TestPublicJoin(t *testing.T) {
	r, err := VerifyJoinRequest(unhexT(t, "0039363463336913aa05693574323831330489c65b1304"), keyT(t, "98929b92c49edba9676d646d3b612456"))
	if err != nil {
		t.Fatal(err)
	}
	if want := (JoinRequest{JoinEUI: euiT(t, "aa13693363343639"), DevEUI: euiT(t, "3331383274356905"), DevNonce: 0x8904}); r != want {
		t.Errorf("read %+v, want %+v", r, want)
	}
	if _, err := VerifyJoinRequest(unhexT(t, "00010000000000000001000000000000000ce83685eb17"), keyT(t, "01010101010101010101010101010101")); err != nil {
		t.Error(err)
	}

	// The join-accept is published decrypted.
	plain := unhexT(t, "20386337ccbbaae7cd2c010000d9d0a6e7")
	root := keyT(t, "98929b92c49edba9676d646d3b612456")
	a := JoinAccept{JoinNonce: 0x376338, NetID: NetID{0xaa, 0xbb, 0xcc}, DevAddr: addrT(t, "012ccde7")}
	sealed, err := a.Seal(nil, root, r.Ask())
	if err != nil {
		t.Fatal(err)
	}
	block := newEngine(root).block
	block.Encrypt(sealed[1:], sealed[1:])
	if !bytes.Equal(sealed, plain) {
		t.Errorf("join-accept %x before encryption, want %x", sealed, plain)
	}
	s := DeriveSession10(root, a.JoinNonce, a.NetID, 0xf18e)
	if s.FNwkSIntKey != keyT(t, "4e3d6e6afbcc67af2ba3c8e8ec4acf4b") || s.AppSKey != keyT(t, "610897aa6f1460623443b527d3ac6a9d") {
		t.Error("other session keys of 1.0")
	}
}

// TestHeardJoin has a join that was heard on air in The Things Network and
// published with its key by A. van Bentem: request, encrypted answer, session keys.
func TestHeardJoin(t *testing.T) {
	root := keyT(t, "b6b53f4a168a7a88bdf7ea135ce9cfca")
	r, err := VerifyJoinRequest(unhexT(t, "00dc0000d07ed5b3701e6fedf57ceeaf0085cc587fe913"), root)
	if err != nil {
		t.Fatal(err)
	}
	if want := (JoinRequest{JoinEUI: euiT(t, "70b3d57ed00000dc"), DevEUI: euiT(t, "00afee7cf5ed6f1e"), DevNonce: 0xcc85}); r != want {
		t.Errorf("read %+v, want %+v", r, want)
	}
	a, err := OpenJoinAccept(unhexT(t, "204dd85ae608b87fc4889970b7d2042c9e72959b0057aed6094b16003df12de145"), root, r.Ask())
	if err != nil {
		t.Fatal(err)
	}
	list, err := NewCFList([5]uint32{867100000, 867300000, 867500000, 867700000, 867900000})
	if err != nil {
		t.Fatal(err)
	}
	want := JoinAccept{
		JoinNonce: 0xe5063a, NetID: NetID{0, 0, 0x13}, DevAddr: addrT(t, "26012e43"), RX2DataRate: 3, RXDelay: 1,
		HasCFList: true, CFList: list,
	}
	if a != want {
		t.Errorf("read %+v, want %+v", a, want)
	}
	if !a.NetID.Holds(a.DevAddr) {
		t.Errorf("%s is not of %s", a.DevAddr, a.NetID)
	}
	s := a.Session(V1_0_3, root, Key{}, r.Ask())
	if s.FNwkSIntKey != keyT(t, "2c96f7028184bb0be8aa49275290d4fc") || s.AppSKey != keyT(t, "f3a5c8f0232a38c144029c165865802c") {
		t.Error("other session keys")
	}
}

// TestPublicThings has the example of The Things Stack's command-line client, of which the
// network's key is not published.
func TestPublicThings(t *testing.T) {
	frame := base64T(t, "QD7U3QEAEgABK7VS98g=")
	d, err := ParseData(frame)
	if err != nil {
		t.Fatal(err)
	}
	want := Data{MType: UnconfirmedUp, DevAddr: addrT(t, "01ddd43e"), FCnt: 0x12, HasPort: true, FPort: 1, FRMPayload: []byte{0x2b}}
	if !sameData(d, want) {
		t.Errorf("read %+v, want %+v", d, want)
	}
}

// TestEndToEnd follows the two ways of payloads that the network server cannot read, as The
// Things Stack recorded and as ChirpStack v4 writes it: unwrap the key, decrypt.
func TestEndToEnd(t *testing.T) {
	kek := unhexT(t, "000102030405060708090a0b0c0d0e0f")
	for _, c := range []struct {
		name, wrapped, key, addr string
		fcnt                     uint32
		cipher, plain            string
	}{
		{"The Things Stack", "c1/pcU3WYskJuqjHj019E5hywxUefBql", "c50f285adc95759a04444fd5ff906da7", "00248777", 1, "ifTplw==", "01001201"},
		{"ChirpStack v4", "H6aLCoEStEeu80vY+1p7gp0+hiNx0s/l", "00112233445566778899aabbccddeeff", "0165c904", 9, "/57L1UZhIXe3w0Q=", "0ce57fff05dc04b900c810"},
	} {
		t.Run(c.name, func(t *testing.T) {
			key, err := UnwrapKey(kek, base64T(t, c.wrapped))
			if err != nil || key != keyT(t, c.key) {
				t.Fatalf("unwrapped another key (%v)", err)
			}
			b := base64T(t, c.cipher)
			CryptPayload(b, b, key, Up, addrT(t, c.addr), c.fcnt)
			if want := unhexT(t, c.plain); !bytes.Equal(b, want) {
				t.Errorf("decrypted %x, want %x", b, want)
			}
		})
	}
}
