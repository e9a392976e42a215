package joinserver

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"meldefunk/city/lorawan"
	"meldefunk/city/lorawan/enrol"
)

// No key gets out in clear but those that plaintext_keys gives to whom they are for: not in
// answers, refusals, the log at its most talkative, metrics, what the store is told to keep,
// or what is printed of it.
func TestSecrets(t *testing.T) {
	for _, v := range []enrol.Version{enrol.V1_0_3, enrol.V1_1_0} {
		t.Run(string(v), func(t *testing.T) {
			d := device(v)
			d.ByID, d.ApplicationServer = true, "as.stadt.example"
			o, s := open(t, d), &sensor{Device: d}
			mac := string(v)
			secrets := map[string][]byte{"NwkKey": nwkKey[:], "AppKey": appKey[:], "KEK of the network server": nsKEK, "KEK of the city": asKEK, "token": []byte(nsToken)}
			var out strings.Builder
			for round := range 3 {
				d := d
				if d.ByID = round == 0; round == 1 {
					d.KEK = "not there"
				}
				o.change(d.DevEUI, func(have *Device) { have.ByID, have.KEK = d.ByID, d.KEK })
				m, ask := s.request(mac)
				w := o.asks(nsToken, m)
				text := w.Body.String()
				out.WriteString(text)
				if round != 1 {
					a := read(t, strings.NewReader(text))
					session := s.opens(t, a, ask)
					for name, k := range map[string]lorawan.Key{"FNwkSIntKey": session.FNwkSIntKey, "SNwkSIntKey": session.SNwkSIntKey, "NwkSEncKey": session.NwkSEncKey, "AppSKey": session.AppSKey} {
						secrets[fmt.Sprintf("%s of session %d", name, round)] = k[:]
					}
				}
				m["PHYPayload"] = hex.EncodeToString(appKey[:]) // a mistake that people make
				out.WriteString(o.asks(nsToken, m).Body.String())
				m["DevEUI"], m["ReceiverID"] = hex.EncodeToString(appKey[:]), hex.EncodeToString(nwkKey[:])
				m["SenderID"] = 5
				o.asks(nsToken, m)
			}
			web := httptest.NewRecorder()
			promhttp.HandlerFor(o.reg, promhttp.HandlerOpts{}).ServeHTTP(web, httptest.NewRequest("GET", "/metrics", nil))
			kept := o.book.devices[testEUI]
			for place, text := range map[string]string{
				"answers":       out.String(),
				"log":           o.logs.String(),
				"metrics":       web.Body.String(),
				"printed":       fmt.Sprintf("%v %+v %#v", kept, kept, kept),
				"session keys":  fmt.Sprintf("%x %v", o.keys, o.keys),
				"configuration": fmt.Sprintf("%+v %#v", o.cfg, o.cfg),
			} {
				if len(text) < 50 {
					t.Errorf("%s: %q", place, text)
				}
				for name, secret := range secrets {
					for _, form := range []string{
						string(secret), hex.EncodeToString(secret), strings.ToUpper(hex.EncodeToString(secret)),
						base64.StdEncoding.EncodeToString(secret), strings.Trim(fmt.Sprint(secret), "[]"), strings.Trim(fmt.Sprintf("%#v", secret), "[]byte{}"),
					} {
						if strings.Contains(text, form) {
							t.Errorf("%s tell the %s", place, name)
						}
					}
				}
			}
			if _, err := json.Marshal(kept); err == nil {
				t.Error("a device with its keys can be written as JSON")
			}
		})
	}
}

// Two sessions share no key, whatever is replayed or lost.
func TestKeysAreNew(t *testing.T) {
	o, s := open(t, device(enrol.V1_1_0)), &sensor{Device: device(enrol.V1_1_0)}
	seen := map[string]bool{}
	for range mostJoins {
		m, ask := s.request("1.1")
		session := s.opens(t, o.gets(m), ask)
		for _, k := range []lorawan.Key{session.FNwkSIntKey, session.SNwkSIntKey, session.NwkSEncKey, session.AppSKey} {
			if seen[k.Hex()] {
				t.Fatal("a key came twice")
			}
			seen[k.Hex()] = true
		}
	}
}
