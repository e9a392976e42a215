package joinserver

import (
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"meldefunk/city"
	"meldefunk/city/lorawan"
	"meldefunk/city/lorawan/enrol"
)

// Whatever is wrong with a request is told by the word the specification has for it, and costs
// the device nothing.
func TestRefused(t *testing.T) {
	sets := func(field string, value any) func(message) { return func(m message) { m[field] = value } }
	lacks := func(field string) func(message) { return func(m message) { delete(m, field) } }
	otherDevice := lorawan.JoinRequest{JoinEUI: testJS, DevEUI: city.EUI{1}}.Seal(nil, nwkKey)
	otherJoinEUI := lorawan.JoinRequest{JoinEUI: city.EUI{1}, DevEUI: testEUI}.Seal(nil, nwkKey)
	otherKey := lorawan.JoinRequest{JoinEUI: testJS, DevEUI: testEUI}.Seal(nil, appKey)
	for _, test := range []struct {
		name      string
		do        func(message)
		device    func(*Device)
		old, want string // in 1.0 and 1.1; "": as in 1.0
		why       string
	}{
		{"no protocol", lacks("ProtocolVersion"), nil, "InvalidProtocolVersion", "", "want 1.0 or 1.1"},
		{"next protocol", sets("ProtocolVersion", "2.0"), nil, "InvalidProtocolVersion", "", "want 1.0 or 1.1"},
		{"no sender", lacks("SenderID"), nil, "UnknownSender", "", "may not send JoinReq"},
		{"unknown sender", sets("SenderID", "000014"), nil, "UnknownSender", "", "may not send JoinReq"},
		{"another's sender", sets("SenderID", "60001a"), nil, "UnknownSender", "", "may not send JoinReq"},
		{"no NetID", sets("SenderID", "lns"), nil, "UnknownSender", "", "may not send JoinReq"},
		{"role", sets("MessageType", "AppSKeyReq"), nil, "UnknownSender", "", "may not send AppSKeyReq"},
		{"no receiver", lacks("ReceiverID"), nil, "UnkownReceiver", "", "want the JoinEUI"},
		{"odd receiver", sets("ReceiverID", "xyz"), nil, "UnkownReceiver", "", "want the JoinEUI"},
		{"another receiver", sets("ReceiverID", "a000000000000102"), nil, "UnkownReceiver", "", "has JoinEUI a000000000000101"},
		{"no device", lacks("DevEUI"), nil, "MalformedRequest", "MalformedMessage", "DevEUI: want 16 hex digits"},
		{"odd device", sets("DevEUI", "70b3d57ed000000g"), nil, "MalformedRequest", "MalformedMessage", "DevEUI: want hex digits"},
		{"short device", sets("DevEUI", "70b3d57ed00000"), nil, "MalformedRequest", "MalformedMessage", "got 7 bytes"},
		{"number for device", sets("DevEUI", 70), nil, "MalformedRequest", "MalformedMessage", "DevEUI: JSON value must be string type"},
		{"unknown device", func(m message) {
			m["DevEUI"], m["PHYPayload"] = city.EUI{1}.String(), hex.EncodeToString(otherDevice)
		}, nil, "UnknownDevEUI", "", "no device 0100000000000000 joins here"},
		{"other device in frame", sets("PHYPayload", hex.EncodeToString(otherDevice)), nil, "MalformedRequest", "MalformedMessage", "that of the join-request 0100000000000000"},
		{"other JoinEUI in frame", sets("PHYPayload", hex.EncodeToString(otherJoinEUI)), nil, "JoinReqFailed", "", "registered is a000000000000101"},
		{"other key", sets("PHYPayload", hex.EncodeToString(otherKey)), nil, "MICFailed", "", "integrity code"},
		{"no frame", lacks("PHYPayload"), nil, "FrameSizeError", "", "has 0 bytes"},
		{"short frame", sets("PHYPayload", "00"), nil, "FrameSizeError", "", "has 1 bytes"},
		{"other frame", sets("PHYPayload", strings.Repeat("40", 23)), nil, "MalformedRequest", "MalformedMessage", "not a join-request"},
		{"no address", lacks("DevAddr"), nil, "MalformedRequest", "MalformedMessage", "DevAddr: want 8 hex digits"},
		{"no settings", lacks("DLSettings"), nil, "MalformedRequest", "MalformedMessage", "DLSettings"},
		{"no delay", lacks("RxDelay"), nil, "MalformedRequest", "MalformedMessage", "RxDelay"},
		{"long delay", sets("RxDelay", 16), nil, "MalformedRequest", "MalformedMessage", "RxDelay"},
		{"negative delay", sets("RxDelay", -1), nil, "MalformedRequest", "MalformedMessage", "RxDelay"},
		{"short CFList", sets("CFList", "184f84"), nil, "MalformedRequest", "MalformedMessage", "CFList: want 32 hex digits, got 3 bytes"},
		{"no version", lacks("MACVersion"), nil, "MalformedRequest", "MalformedMessage", "MACVersion"},
		{"odd version", sets("MACVersion", "latest"), nil, "MalformedRequest", "MalformedMessage", "MACVersion"},
		{"next version", sets("MACVersion", "1.2.0"), nil, "MalformedRequest", "MalformedMessage", "MACVersion"},
		{"1.1 without OptNeg", sets("MACVersion", "1.1"), nil, "MalformedRequest", "MalformedMessage", "OptNeg"},
		{"OptNeg in 1.0", sets("DLSettings", "80"), nil, "MalformedRequest", "MalformedMessage", "OptNeg"},
		{"1.1 for a device of 1.0", func(m message) { m["MACVersion"], m["DLSettings"] = "1.1", "80" }, nil, "MalformedRequest", "MalformedMessage", "the device speaks 1.0.4"},
		{"rejoin in 1.0", func(m message) {
			m["MessageType"], m["PHYPayload"] = "RejoinReq", "c000"+strings.Repeat("00", 3)+"010000d07ed5b370"+strings.Repeat("00", 6)
		}, nil, "MalformedRequest", "MalformedMessage", "knows no rejoin-request"},
		{"rejoin with a join-request", sets("MessageType", "RejoinReq"), nil, "FrameSizeError", "", "has 23 bytes"},
		{"other home", nil, func(d *Device) { d.Home = lorawan.NetID{1} }, "ActivationDisallowed", "", "belongs to network 010000"},
		{"out of use", nil, func(d *Device) { d.Disabled = true }, "ActivationDisallowed", "", "out of use"},
		{"no root key", nil, func(d *Device) { d.Keys = enrol.RootKeys{} }, "JoinReqFailed", "", "root keys of the device are missing"},
		{"JoinNonces used up", nil, func(d *Device) { d.State.JoinNonce = 1<<24 - 1 }, "JoinReqFailed", "", "no JoinNonce is left"},
		{"DevNonces used up", nil, func(d *Device) { d.State.NextDevNonce = 1 << 16 }, "JoinReqFailed", "FrameReplayed", "was used before"},
		{"no KEK", nil, func(d *Device) { d.KEK = "" }, "Other", "", "in trouble"},
		{"KEK of the network server", nil, func(d *Device) { d.KEK = "ns-kek" }, "Other", "", "in trouble"},
		{"unknown KEK", nil, func(d *Device) { d.KEK = "stadt-kek-2" }, "Other", "", "in trouble"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := device(enrol.V1_0_4)
			if test.device != nil {
				test.device(&d)
			}
			o, s := open(t, d), &sensor{Device: device(enrol.V1_0_4), nonce: 41}
			before := o.state(testEUI)
			for _, protocol := range []string{"1.0", "1.1"} {
				m, _ := s.request("1.0.4")
				m["ProtocolVersion"] = protocol
				if test.do != nil {
					test.do(m)
				}
				a := o.gets(m)
				want := test.old
				if protocol == "1.1" && test.want != "" {
					want = test.want
				}
				if a.Result.ResultCode != want || !strings.Contains(a.Result.Description, test.why) {
					t.Errorf("%s: %+v, want %s, %s", protocol, a.Result, want, test.why)
				}
				if a.PHYPayload != "" || a.NwkSKey != nil || a.AppSKey != nil || a.SessionKeyID != "" || a.Lifetime != 0 {
					t.Errorf("%s: a refusal with %+v", protocol, a)
				}
			}
			if after := o.state(testEUI); o.joins != 0 || after.JoinNonce != before.JoinNonce || after.NextDevNonce != before.NextDevNonce {
				t.Errorf("it was kept: %+v", after)
			}
		})
	}
}

func TestRejoinRefused(t *testing.T) {
	seal := func(r lorawan.RejoinRequest, k lorawan.Key) string {
		frame, err := r.Seal(nil, k)
		if err != nil {
			t.Fatal(err)
		}
		return hex.EncodeToString(frame)
	}
	jsInt := lorawan.JSIntKey(nwkKey, testEUI)
	for name, test := range map[string]struct{ frame, want, why string }{
		"other network":      {seal(lorawan.RejoinRequest{NetID: lorawan.NetID{9}, DevEUI: testEUI}, jsInt), "JoinReqFailed", "in network 090000, its home is 000013"},
		"other JoinEUI":      {seal(lorawan.RejoinRequest{Type: 1, JoinEUI: city.EUI{1}, DevEUI: testEUI}, jsInt), "JoinReqFailed", "registered is a000000000000101"},
		"other key":          {seal(lorawan.RejoinRequest{Type: 1, JoinEUI: testJS, DevEUI: testEUI}, nwkKey), "MICFailed", "integrity code"},
		"other device":       {seal(lorawan.RejoinRequest{Type: 1, JoinEUI: testJS, DevEUI: city.EUI{1}}, jsInt), "MalformedRequest", "that of the rejoin-request 01"},
		"counter went back":  {seal(lorawan.RejoinRequest{Type: 1, JoinEUI: testJS, DevEUI: testEUI, RJCount: 8}, jsInt), "JoinReqFailed", "RJcount1 8 was used before: want 9 or more"},
		"length of another":  {"c001" + strings.Repeat("00", 17), "MalformedRequest", "type 1 has 19 bytes"},
		"type 3":             {"c003" + strings.Repeat("00", 17), "MalformedRequest", "type 3"},
		"not a rejoin frame": {strings.Repeat("40", 19), "MalformedRequest", "not a rejoin-request"},
	} {
		t.Run(name, func(t *testing.T) {
			d := device(enrol.V1_1_0)
			d.State.NextRJCount1 = 9
			o, s := open(t, d), &sensor{Device: d}
			frame, err := hex.DecodeString(test.frame)
			if err != nil {
				t.Fatal(err)
			}
			a := o.gets(s.wants("RejoinReq", "1.1", frame))
			if a.Result.ResultCode != test.want || !strings.Contains(a.Result.Description, test.why) || o.joins != 0 {
				t.Errorf("%+v, want %s, %s; %d joins", a.Result, test.want, test.why, o.joins)
			}
		})
	}
}

func TestAppSKeyRefused(t *testing.T) {
	d := device(enrol.V1_0_4)
	d.ByID, d.ApplicationServer = true, "as.stadt.example"
	o, s := open(t, d), &sensor{Device: d}
	m, ask := s.request("1.0.4")
	a := o.gets(m)
	s.opens(t, a, ask)
	for name, test := range map[string]struct{ sender, dev, receiver, id, want, why string }{
		"good":               {"as.stadt.example", testEUI.String(), testJS.String(), a.SessionKeyID, "Success", ""},
		"other AS":           {"as2.stadt.example", testEUI.String(), testJS.String(), a.SessionKeyID, "UnknownDevEUI", "no device"},
		"unknown AS":         {"as3.stadt.example", testEUI.String(), testJS.String(), a.SessionKeyID, "UnknownSender", "may not send AppSKeyReq"},
		"unknown device":     {"as.stadt.example", "0000000000000001", testJS.String(), a.SessionKeyID, "UnknownDevEUI", "no device"},
		"other receiver":     {"as.stadt.example", testEUI.String(), "a000000000000102", a.SessionKeyID, "UnkownReceiver", "has JoinEUI"},
		"no id":              {"as.stadt.example", testEUI.String(), testJS.String(), "", "MalformedRequest", "SessionKeyID: missing"},
		"another id":         {"as.stadt.example", testEUI.String(), testJS.String(), strings.Repeat("00", 16), "UnknownDevEUI", "no session key"},
		"an id of no length": {"as.stadt.example", testEUI.String(), testJS.String(), "00", "UnknownDevEUI", "no session key"},
	} {
		t.Run(name, func(t *testing.T) {
			a := o.getsWith(asToken, message{
				"ProtocolVersion": "1.0", "SenderID": test.sender, "ReceiverID": test.receiver, "TransactionID": 8,
				"MessageType": "AppSKeyReq", "DevEUI": test.dev, "SessionKeyID": test.id,
			})
			if a.Result.ResultCode != test.want || !strings.Contains(a.Result.Description, test.why) || (a.AppSKey != nil) != (test.want == "Success") {
				t.Errorf("%+v", a)
			}
		})
	}
}

// What is no message at all has no Result.
func TestNoMessage(t *testing.T) {
	o := open(t, device(enrol.V1_0_4))
	for _, test := range []struct {
		name, method, auth, body string
		want                     int
	}{
		{"no token", "POST", "", "{}", 401},
		{"other token", "POST", "Bearer another-token-of-16-bytes", "{}", 401},
		{"not a bearer", "POST", "Basic " + nsToken, "{}", 401},
		{"lower case", "POST", "bearer " + nsToken, `{"MessageType":"HomeNSReq"}`, 200},
		{"GET", "GET", "Bearer " + nsToken, "", 405},
		{"empty", "POST", "Bearer " + nsToken, "", 400},
		{"no JSON", "POST", "Bearer " + nsToken, "SenderID=000013", 400},
		{"no object", "POST", "Bearer " + nsToken, `["JoinReq"]`, 400},
		{"more behind", "POST", "Bearer " + nsToken, `{"MessageType":"HomeNSReq"} {}`, 400},
		{"twice the same", "POST", "Bearer " + nsToken, `{"MessageType":"HomeNSReq","MessageType":"JoinReq"}`, 400},
		{"odd header", "POST", "Bearer " + nsToken, `{"MessageType":"HomeNSReq","TransactionID":-1}`, 400},
		{"no type", "POST", "Bearer " + nsToken, "{}", 400},
		{"not a join server's", "POST", "Bearer " + nsToken, `{"MessageType":"PRStartReq"}`, 400},
		{"an answer", "POST", "Bearer " + nsToken, `{"MessageType":"JoinAns"}`, 400},
		{"too large", "POST", "Bearer " + nsToken, `{"SenderID":"` + strings.Repeat("0", largest) + `"}`, 413},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(test.method, "/", strings.NewReader(test.body))
			if test.auth != "" {
				r.Header.Set("Authorization", test.auth)
			}
			w := httptest.NewRecorder()
			o.answer(w, r)
			if w.Code != test.want || test.want != 200 && w.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if (test.want == http.StatusUnauthorized) != (w.Header().Get("WWW-Authenticate") != "") {
				t.Errorf("header %v", w.Header())
			}
		})
	}
}

// The store is in trouble: nobody is told why but the log.
func TestStoreDown(t *testing.T) {
	o, s := open(t, device(enrol.V1_0_4)), &sensor{Device: device(enrol.V1_0_4)}
	o.down = errors.New("disk full at block 17")
	m, _ := s.request("1.0.4")
	for _, a := range []reply{
		o.gets(m),
		o.gets(message{"ProtocolVersion": "1.0", "SenderID": "000013", "ReceiverID": testJS.String(), "MessageType": "HomeNSReq", "DevEUI": testEUI.String()}),
		o.getsWith(asToken, message{"ProtocolVersion": "1.0", "SenderID": "as.stadt.example", "ReceiverID": testJS.String(), "MessageType": "AppSKeyReq", "DevEUI": testEUI.String(), "SessionKeyID": strings.Repeat("00", 16)}),
	} {
		if a.Result.ResultCode != "Other" || strings.Contains(a.Result.Description, "block") {
			t.Errorf("%+v", a)
		}
	}
	if n := strings.Count(o.logs.String(), "disk full at block 17"); n != 3 {
		t.Errorf("the log tells it %d times: %s", n, o.logs.String())
	}
}
