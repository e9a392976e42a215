package joinserver

import (
	"encoding/hex"
	"testing"

	"meldefunk/city/lorawan"
	"meldefunk/city/lorawan/enrol"
)

// key unwraps one of an answer.
func key(t *testing.T, name string, e *struct{ KEKLabel, AESKey string }, label string, kek []byte) lorawan.Key {
	t.Helper()
	if e == nil || e.KEKLabel != label {
		t.Fatalf("%s: %+v, want one wrapped with %s", name, e, label)
	}
	wrapped, err := hex.DecodeString(e.AESKey)
	if err != nil {
		t.Fatal(err)
	}
	k, err := lorawan.UnwrapKey(kek, wrapped)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return k
}

// The whole way: a device joins, the network server gets its keys and no other, an uplink
// passes it encrypted, and the city alone can read it.
func TestEndToEnd(t *testing.T) {
	for _, test := range []struct {
		name    string
		version enrol.Version
		mac     string
		speaks  lorawan.Version
	}{
		{"1.0.2", enrol.V1_0_2, "1.0.2", lorawan.V1_0_3},
		{"1.0.3", enrol.V1_0_3, "1.0.3", lorawan.V1_0_3},
		{"1.0.4", enrol.V1_0_4, "1.0.4", lorawan.V1_0_4},
		{"1.1", enrol.V1_1_0, "1.1", lorawan.V1_1},
		{"1.1.0 as ChirpStack writes it", enrol.V1_1_0, "1.1.0", lorawan.V1_1},
		{"1.1 device in a 1.0 network", enrol.V1_1_0, "1.0.3", lorawan.V1_0_4},
	} {
		for _, byID := range []bool{false, true} {
			name := test.name + ", wrapped"
			if byID {
				name = test.name + ", by id"
			}
			t.Run(name, func(t *testing.T) {
				d := device(test.version)
				d.ByID, d.ApplicationServer = byID, "as.stadt.example"
				o, s := open(t, d), &sensor{Device: d}
				m, ask := s.request(test.mac)
				a := o.gets(m)
				field := s.opens(t, a, ask)
				if field.Version != test.speaks || a.Lifetime == 0 || a.MessageType != "JoinAns" || a.TransactionID != 7 ||
					a.SenderID != testJS.String() || a.ReceiverID != "000013" || a.ProtocolVersion != "1.0" {
					t.Errorf("session of %s, answer %+v", field.Version, a)
				}

				// What the network server has of it.
				network := lorawan.Session{Version: field.Version, DevAddr: field.DevAddr}
				if field.Version == lorawan.V1_1 {
					network.FNwkSIntKey = key(t, "FNwkSIntKey", a.FNwkSIntKey, "ns-kek", nsKEK)
					network.SNwkSIntKey = key(t, "SNwkSIntKey", a.SNwkSIntKey, "ns-kek", nsKEK)
					network.NwkSEncKey = key(t, "NwkSEncKey", a.NwkSEncKey, "ns-kek", nsKEK)
					if a.NwkSKey != nil {
						t.Error("a NwkSKey in 1.1")
					}
				} else {
					k := key(t, "NwkSKey", a.NwkSKey, "ns-kek", nsKEK)
					network.FNwkSIntKey, network.SNwkSIntKey, network.NwkSEncKey = k, k, k
					if a.FNwkSIntKey != nil || a.SNwkSIntKey != nil || a.NwkSEncKey != nil {
						t.Error("keys of 1.1 in 1.0")
					}
				}

				// An uplink, on air and at the network server.
				bind := lorawan.Binding{DataRate: 5, Channel: 1}
				up := lorawan.Data{MType: lorawan.UnconfirmedUp, DevAddr: field.DevAddr, FCnt: 3, HasPort: true, FPort: 2, FRMPayload: []byte("voll: 87 %")}
				air, err := field.Seal(nil, up, bind)
				if err != nil {
					t.Fatal(err)
				}
				heard, err := network.Verify(air, 3, bind)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := network.Payload(heard); err == nil {
					t.Error("the network server can read the payload")
				}

				// The city.
				if byID {
					if a.AppSKey != nil || len(a.SessionKeyID) != 32 {
						t.Fatalf("AppSKey %v, SessionKeyID %q", a.AppSKey, a.SessionKeyID)
					}
					answer := o.getsWith(asToken, message{
						"ProtocolVersion": "1.1", "SenderID": "as.stadt.example", "ReceiverID": testJS.String(), "TransactionID": 8,
						"MessageType": "AppSKeyReq", "DevEUI": testEUI.String(), "SessionKeyID": "0x" + a.SessionKeyID,
					})
					if answer.Result.ResultCode != "Success" || answer.MessageType != "AppSKeyAns" || answer.SessionKeyID != a.SessionKeyID ||
						answer.DevEUI != testEUI.String() || answer.ProtocolVersion != "1.1" || answer.ReceiverID != "as.stadt.example" {
						t.Fatalf("answer %+v", answer)
					}
					a = answer
				} else if a.SessionKeyID != "" {
					t.Error("a SessionKeyID that nobody can ask for")
				}
				app := key(t, "AppSKey", a.AppSKey, "stadt-kek-1", asKEK)
				plain := make([]byte, len(heard.FRMPayload))
				lorawan.CryptPayload(plain, heard.FRMPayload, app, lorawan.Up, heard.DevAddr, heard.FCnt)
				if string(plain) != "voll: 87 %" {
					t.Errorf("read %q", plain)
				}
				if st := o.state(testEUI); st.JoinNonce != 1 || st.DevAddr != field.DevAddr || !st.Joined.Equal(start) {
					t.Errorf("state %+v", st)
				}
			})
		}
	}
}

// Rejoin-requests of all types, each after the other, as a device in a session sends them.
func TestRejoin(t *testing.T) {
	o, s := open(t, device(enrol.V1_1_0)), &sensor{Device: device(enrol.V1_1_0)}
	m, ask := s.request("1.1")
	session := s.opens(t, o.gets(m), ask)
	for i, typ := range []uint8{0, 2, 1, 1, 0} {
		r := lorawan.RejoinRequest{Type: typ, NetID: testNet, JoinEUI: testJS, DevEUI: testEUI, RJCount: uint16(i)}
		sign := session.SNwkSIntKey
		if typ == 1 {
			r.NetID, sign = lorawan.NetID{}, lorawan.JSIntKey(nwkKey, testEUI)
		}
		frame, err := r.Seal(nil, sign)
		if err != nil {
			t.Fatal(err)
		}
		m := s.wants("RejoinReq", "1.1", frame)
		a := o.gets(m)
		if a.MessageType != "RejoinAns" {
			t.Errorf("%+v", a)
		}
		session = s.opens(t, a, r.Ask(testJS))
		if k := key(t, "SNwkSIntKey", a.SNwkSIntKey, "ns-kek", nsKEK); k != session.SNwkSIntKey {
			t.Error("the network server and the device have different keys")
		}
		if k := key(t, "AppSKey", a.AppSKey, "stadt-kek-1", asKEK); k != session.AppSKey {
			t.Error("the city and the device have different keys")
		}
		m["TransactionID"] = 8
		if a := o.gets(m); a.Result.ResultCode != "JoinReqFailed" {
			t.Errorf("type %d again: %+v", typ, a.Result)
		}
		m["ProtocolVersion"] = "1.1"
		if a := o.gets(m); a.Result.ResultCode != "FrameReplayed" {
			t.Errorf("type %d again in 1.1: %+v", typ, a.Result)
		}
	}
	if st := o.state(testEUI); st.JoinNonce != 6 || st.NextRJCount1 != 4 {
		t.Errorf("state %+v", st)
	}
}

func TestHomeNS(t *testing.T) {
	o := open(t, device(enrol.V1_0_4))
	for _, test := range []struct{ name, token, sender, dev, want string }{
		{"its own network", nsToken, "000013", testEUI.String(), "Success"},
		{"one that may ask", otherToken, "0x60001a", testEUI.String(), "Success"},
		{"one that may not", otherToken, "60001B", testEUI.String(), "NoRoamingAgreement"},
		{"unknown device", otherToken, "60001a", "0000000000000001", "UnknownDevEUI"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := o.getsWith(test.token, message{
				"ProtocolVersion": "1.1", "SenderID": test.sender, "SenderNSID": "70b3d57ed0ffff01", "ReceiverID": testJS.String(), "TransactionID": 9,
				"MessageType": "HomeNSReq", "DevEUI": test.dev, "SenderToken": "0xBEEF", "VSExtension": message{"VendorID": "ec656e", "Object": message{}},
			})
			want := ""
			if test.want == "Success" {
				want = "000013"
			}
			if a.Result.ResultCode != test.want || a.HNetID != want || a.MessageType != "HomeNSAns" || a.ReceiverToken != "beef" || a.ReceiverNSID != "70b3d57ed0ffff01" {
				t.Errorf("%+v", a)
			}
		})
	}
	if o.joins != 0 {
		t.Error("it was kept as a join")
	}
}
