package joinserver

import (
	"bytes"
	"encoding/json"
	"testing"

	"meldefunk/city/lorawan/enrol"
)

// Whatever a peer sends is answered in the form of the specification, or refused as no
// message; and nothing is granted but what the device itself has signed.
func FuzzMessage(f *testing.F) {
	s := &sensor{Device: device(enrol.V1_1_0)}
	for _, mac := range []string{"1.1", "1.0.3"} {
		m, _ := s.request(mac)
		text, err := json.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
		f.Add(text[:len(text)-1])
		f.Add(bytes.Replace(text, []byte("JoinReq"), []byte("RejoinReq"), 1))
		f.Add(bytes.Replace(text, []byte("JoinReq"), []byte("HomeNSReq"), 1))
		f.Add(bytes.Replace(text, []byte(`"5"`), []byte(`1e400`), 1))
	}
	f.Add([]byte(`{"ProtocolVersion":"1.1","MessageType":"AppSKeyReq","SenderID":"as.stadt.example","ReceiverID":"0xA000000000000101","DevEUI":"70b3d57ed0000001","SessionKeyID":"00"}`))
	f.Add([]byte(`{"MessageType":"JoinReq","SenderToken":"0x","SenderID":"0x000013"}`))
	f.Add(bytes.Repeat([]byte(`{"A":`), 3000))
	o := open(f, device(enrol.V1_1_0))
	f.Fuzz(func(t *testing.T, text []byte) {
		o.logs.Reset()
		joins := o.joins
		for _, token := range []string{nsToken, asToken} {
			w := o.sends(token, text)
			switch w.Code {
			case 200:
				a := read(t, w.Body)
				if (a.Result.ResultCode == "Success") != (a.PHYPayload != "" || a.HNetID != "" || a.AppSKey != nil) {
					t.Errorf("%+v", a)
				}
				if a.Result.ResultCode != "Success" && a.Result.Description == "" {
					t.Errorf("refused without a reason: %+v", a)
				}
			case 400, 413:
			default:
				t.Errorf("status %d: %s", w.Code, w.Body)
			}
		}
		if o.joins > joins {
			for _, signed := range [][]byte{[]byte("0001010000000000a0"), []byte("c0")} {
				if bytes.Contains(bytes.ToLower(text), signed) {
					return
				}
			}
			t.Errorf("granted: %s", text)
		}
	})
}
