package joinserver

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"meldefunk/city"
	"meldefunk/city/lorawan"
	"meldefunk/city/lorawan/enrol"
	"meldefunk/city/register"
)

// vector is a request to, and what counts of the answer of, the join server of brocaar/lorawan
// (backend/joinserver, as of 2022-07-15), made from random inputs. Nothing of this program had
// a part in them. Of rejoins they hold the frame alone: that library derives the keys of a
// rejoin as LoRaWAN 1.0 does, which L2 1.1 section 6.2.3 does not (TestRejoin looks at
// those). What is plain in an answer has the label "".
type vector struct {
	DevEUI, JoinEUI city.EUI
	V11             bool
	Nwk, App        lorawan.Key
	JoinNonce       uint32
	NSLabel, NSKEK  string
	ASLabel, ASKEK  string
	Request         message
	Answer          reply
}

func TestOracle(t *testing.T) {
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, v := range all {
		d := Device{DevEUI: v.DevEUI, JoinEUI: v.JoinEUI, Version: enrol.V1_0_3, KEK: v.ASLabel, Keys: enrol.RootKeys{Nwk: v.Nwk}, State: register.JoinState{JoinNonce: v.JoinNonce - 1}}
		if v.V11 {
			d.Version, d.Keys.App = enrol.V1_1_0, v.App
		}
		sender := v.Request["SenderID"].(string)
		if d.Home, err = lorawan.ParseNetID(sender); err != nil {
			t.Fatal(err)
		}
		t.Setenv("NS_TOKEN", nsToken)
		p := Peer{Name: "lns", Role: NetworkServer, ID: sender, TokenEnv: "NS_TOKEN", KEK: v.NSLabel}
		keks := bunch{}
		for label, digits := range map[string]string{v.NSLabel: v.NSKEK, v.ASLabel: v.ASKEK} {
			if label == "" {
				p.PlaintextKeys = "accepted"
			} else if keks[label], err = hex.DecodeString(digits); err != nil {
				t.Fatal(err)
			}
		}
		cfg := DefaultConfig()
		cfg.Peers = []Peer{p}
		o := openAs(t, cfg, keks, d)
		got := o.gets(v.Request)
		kind := v.Request["MessageType"].(string) + " " + v.Request["MACVersion"].(string)
		if got.Result.ResultCode != "Success" {
			t.Fatalf("%s: %+v", kind, got.Result)
		}
		if got.PHYPayload != v.Answer.PHYPayload {
			t.Errorf("%s: PHYPayload %s, want %s", kind, got.PHYPayload, v.Answer.PHYPayload)
		}
		if kind != "RejoinReq 1.1.0" {
			for name, pair := range map[string][2]*struct{ KEKLabel, AESKey string }{
				"NwkSKey": {got.NwkSKey, v.Answer.NwkSKey}, "FNwkSIntKey": {got.FNwkSIntKey, v.Answer.FNwkSIntKey},
				"SNwkSIntKey": {got.SNwkSIntKey, v.Answer.SNwkSIntKey}, "NwkSEncKey": {got.NwkSEncKey, v.Answer.NwkSEncKey},
				"AppSKey": {got.AppSKey, v.Answer.AppSKey},
			} {
				if (pair[0] == nil) != (pair[1] == nil) || pair[0] != nil && *pair[0] != *pair[1] {
					t.Errorf("%s: %s %+v, want %+v", kind, name, pair[0], pair[1])
				}
			}
		}
		seen[kind]++
	}
	if seen["JoinReq 1.0.3"] != 28 || seen["JoinReq 1.1.0"] != 14 || seen["RejoinReq 1.1.0"] != 18 {
		t.Errorf("%v", seen)
	}
}
