package chirpstack

import (
	"testing"
	"time"

	"meldefunk/city"
)

func TestV3ReadsEveryFieldOfTheSamples(t *testing.T) {
	gateway := func(sec, usec int) city.Stamp {
		return city.Stamp{At: time.Date(2026, 11, 21, 21, 38, sec, usec*1000, time.UTC), Source: city.TimeGateway}
	}
	lse01, tps110 := mustEUI("a840410001810001"), mustEUI("a840410001810005")

	checkSamples(t, V3{}, []sample{
		{"v3-up-two-gateways.json", "up", city.Event{Kind: city.EventUp, Uplink: city.Uplink{
			DevEUI: lse01, FCnt: 3, FPort: 2,
			Payload: []byte{0x0c, 0xe5, 0x7f, 0xff, 0x05, 0xe5, 0x04, 0xb9, 0x00, 0xc8, 0x10},
			Time:    gateway(32, 798844), Ident: 1729875589884797874,
			Radio: city.Radio{RSSI: -63, SNR: -4.6, SpreadingFactor: 7, DataRate: 5, HasDataRate: true,
				Gateways: 2, Frequency: 868100000, Gateway: "7076ff0056000001"},
			Heard: []city.Reception{{Gateway: "7076ff0056000002", RSSI: -90, SNR: -5.8}, {Gateway: "7076ff0056000001", RSSI: -63, SNR: -4.6}},
		}}},
		{"v3-up-object.json", "up", city.Event{Kind: city.EventUp, Uplink: city.Uplink{
			DevEUI: mustEUI("a840410001810003"), FCnt: 0, FPort: 85,
			Payload: []byte{0x01, 0x75, 0x5c, 0x03, 0x82, 0x44, 0x06, 0x04, 0x00, 0x00},
			Time:    gateway(12, 604618), Ident: 2942954588612876717,
			Radio: city.Radio{RSSI: -65, SNR: -4, SpreadingFactor: 7, DataRate: 5, HasDataRate: true,
				Gateways: 1, Frequency: 868500000, Gateway: "7076ff0056000001"},
		}}},
		{"v3-up-mac-only.json", "up", city.Event{Kind: city.EventUp, Uplink: city.Uplink{
			DevEUI: mustEUI("a840410001810002"), FCnt: 3,
			Time: gateway(34, 211672), Ident: 3272502446147512807,
			Radio: city.Radio{RSSI: -72, SNR: -7, SpreadingFactor: 7, DataRate: 5, HasDataRate: true,
				Gateways: 1, Frequency: 868100000, Gateway: "7076ff0056000001"},
		}}},
		{"v3-up-no-time.json", "up", city.Event{Kind: city.EventUp, Uplink: city.Uplink{
			DevEUI: tps110, FCnt: 3, FPort: 1, Payload: []byte{0x01}, Ident: 12099272513906601128,
			Radio: city.Radio{RSSI: -101, SNR: -3.2, SpreadingFactor: 7, DataRate: 5, HasDataRate: true,
				Gateways: 1, Frequency: 868100000, Gateway: "7076ff0056000002"},
		}}},
		{"v3-join.json", "join", city.Event{Kind: city.EventJoin, DevEUI: lse01, Time: gateway(11, 171544), Ident: 6260239934238917566}},
		{"v3-status.json", "status", city.Event{Kind: city.EventStatus, DevEUI: lse01, Ident: 2940589132197479094,
			Status: &city.Status{Battery: 94.88, HasBattery: true, Margin: 11}}},
		{"v3-error.json", "error", city.Event{Kind: city.EventLog, DevEUI: mustEUI("a840410001810003"), Ident: 7135127389882199905,
			Severity: city.SeverityWarning, Code: "UPLINK_FCNT_RETRANSMISSION", Detail: "frame-counter did not increment"}},
		{"v3-txack.json", "txack", city.Event{Kind: city.EventTxAck, DevEUI: tps110, Ident: 17308578835066559564, Code: "sent"}},
		{"v3-up-marshaler-json.json", "up", city.Event{Kind: city.EventUp, Uplink: city.Uplink{
			DevEUI: lse01, Session: "010ae164", FCnt: 0, FPort: 2,
			Payload: []byte{0x0c, 0xe5, 0x7f, 0xff, 0x05, 0xdc, 0x04, 0xb9, 0x00, 0xc8, 0x10},
			Time:    city.Stamp{At: time.Date(2026, 11, 21, 21, 39, 56, 973982000, time.UTC), Source: city.TimeGateway}, Ident: 5880070031954422365,
			Fallback: [2]city.Stamp{{At: time.Date(2026, 11, 21, 21, 39, 57, 185654975, time.UTC), Source: city.TimeServer}},
			Radio: city.Radio{RSSI: -107, SNR: -6.5, SpreadingFactor: 7, DataRate: 5, HasDataRate: true,
				Gateways: 1, Frequency: 868300000, Gateway: "7076ff0056000001"},
		}}},
		{"v3-txack-marshaler-json.json", "txack", city.Event{Kind: city.EventTxAck, DevEUI: tps110, Ident: 14809666005286003564, Code: "sent",
			Time: city.Stamp{At: time.Date(2026, 11, 21, 21, 40, 37, 637868697, time.UTC), Source: city.TimeServer}}},
		{"v3-ack.json", "ack", city.Event{Kind: city.EventAck, DevEUI: tps110, Ident: 1988102912836299962, Code: "ack"}},
	})
}

func TestV3UnderstandsVariants(t *testing.T) {
	const head = `{"devEUI":"a840410001810001","txInfo":{"frequency":868100000,"dr":5},`
	tests := []struct {
		name  string
		body  string
		check func(u city.Uplink) bool
	}{
		{"DevEUI in upper case", `{"devEUI":"A840410001810001","txInfo":{"dr":0}}`,
			func(u city.Uplink) bool { return u.DevEUI == mustEUI("a840410001810001") }},
		{"DR 0 is SF12", `{"devEUI":"a840410001810001","txInfo":{"dr":0}}`,
			func(u city.Uplink) bool {
				return u.Radio.SpreadingFactor == 12 && u.Radio.DataRate == 0 && u.Radio.HasDataRate
			}},
		{"DR 6 is SF7", `{"devEUI":"a840410001810001","txInfo":{"dr":6}}`,
			func(u city.Uplink) bool { return u.Radio.SpreadingFactor == 7 && u.Radio.DataRate == 6 }},
		{"DR 7 is FSK", `{"devEUI":"a840410001810001","txInfo":{"dr":7}}`,
			func(u city.Uplink) bool { return u.Radio.SpreadingFactor == 0 && u.Radio.DataRate == 7 }},
		{"port without payload", head + `"fPort":5,"data":null}`,
			func(u city.Uplink) bool { return u.FPort == 5 && len(u.Payload) == 0 }},
		{"the earliest gateway time", head + `"rxInfo":[{"time":"2026-11-21T21:38:33Z"},{"time":"2026-11-21T21:38:32.5Z"},{"time":null}]}`,
			func(u city.Uplink) bool {
				return u.Time.At.Equal(time.Date(2026, 11, 21, 21, 38, 32, 5e8, time.UTC)) && u.Time.Source == city.TimeGateway
			}},
		{"the best gateway is not the first", head + `"rxInfo":[{"gatewayID":"7076ff0056000002","rssi":-50,"loRaSNR":-9.2},{"gatewayID":"7076ff0056000001","rssi":-110,"loRaSNR":4,"location":null}]}`,
			func(u city.Uplink) bool { return u.Radio.Gateway == "7076ff0056000001" && u.Radio.SNR == 4 }},
		{"300 gateways count as 255", head + `"rxInfo":[` + repeat("{},", 299) + `{}]}`,
			func(u city.Uplink) bool { return u.Radio.Gateways == 255 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ev, err := V3{}.Parse(&city.Message{Topic: "application/1/device/a840410001810001/event/up", Body: []byte(tt.body)})
			if err != nil {
				t.Fatal(err)
			}
			if !tt.check(ev.Uplink) {
				t.Errorf("got %+v", ev.Uplink)
			}
		})
	}
}

func TestV3RefusesWithAReason(t *testing.T) {
	const needsV3 = `devAddr is missing: with an application server before 3.11 set marshaler="json_v3" in section [application_server.integration] of chirpstack-application-server.toml`
	const dev = `{"devEUI":"a840410001810001","txInfo":{"frequency":868100000,"dr":5},`
	checkRefusals(t, V3{}, []refusal{
		{"empty", "up", " \n", "the message is empty"},
		{"marshaler json of old", "up", `{"devEUI":"qEBBAAGBAAE=","rxInfo":[],"data":"DOV//wXcBLkAyBA="}`, needsV3},
		{"marshaler json of old, join", "join", `{"devEUI":"qEBBAAGBAAE=","devAddr":""}`, needsV3},
		{"marshaler json, device", "up", `{"devEUI":"qEBBAAGB*AE="}`, `devEUI is "qEBBAAGB*AE=": want 16 hex digits, or 8 bytes in base64`},
		{"marshaler json, device zero", "up", `{"devEUI":"AAAAAAAAAAA="}`, `devEUI is zero`},
		{"marshaler json, address in hex", "up", `{"devEUI":"qEBBAAGBAAE=","devAddr":"010ae164"}`, `devAddr is "010ae164": want 4 bytes in base64`},
		{"marshaler json, another device than the topic", "txack", `{"devEUI":"qEBBAAGBAAU="}`, "the message is of device a840410001810005, its topic of device a840410001810001"},
		{"v4", "up", `{"deviceInfo":{"devEui":"a840410001810001"}}`, "devEUI is missing: messages of ChirpStack v4 need dialect chirpstack-v4"},
		{"not an EUI", "up", `{"devEUI":"nonsense"}`, `devEUI: "nonsense" is not an EUI: want 16 hex digits, like a840410001810001`},
		{"device zero", "up", `{"devEUI":"0000000000000000"}`, "devEUI is zero"},
		{"device is a number", "up", `{"devEUI":17}`, "devEUI at byte 10 is 17: want a string"},
		{"another device than the topic", "status", `{"devEUI":"a840410001810002"}`, "the message is of device a840410001810002, its topic of device a840410001810001"},
		{"an ack on the topic of uplinks", "up", `{"devEUI":"a840410001810001","acknowledged":true,"fCnt":5}`, "txInfo is missing: this is not an uplink"},
		{"cut off", "error", `{"devEUI":"a8404`, "the JSON is cut off at byte 16"},
		{"trailing garbage", "join", `{"devEUI":"a840410001810001"} x`, "not valid JSON at byte 30: invalid character 'x' after top-level value"},
		{"duplicate member", "up", `{"devEUI":"a840410001810001","devEUI":"a840410001810002"}`, "not valid JSON at byte 29: duplicate object member name"},
		{"a million arrays", "up", `{"object":` + repeat("[", 1e6), "not valid JSON at byte 10009: exceeded max depth"},
		{"negative counter", "up", dev + `"fCnt":-1}`, "fCnt at byte 76 is -1: want a whole number from 0 to 4294967295"},
		{"port with a fraction", "up", dev + `"fPort":2.0}`, "fPort at byte 77 is 2.0: want a whole number from 0 to 255"},
		{"not base64", "up", dev + `"data":"-_-_"}`, `data at byte 76 is "-_-_": want a string in base64`},
		{"payload too long", "up", dev + `"data":"` + repeat("AAAA", 81) + `"}`, "data has 243 bytes: LoRaWAN carries at most 242"},
		{"time of a gateway", "up", dev + `"rxInfo":[{"time":"21.11.2026"}]}`, `rxInfo.0.time at byte 87 is "21.11.2026": want a time like 2026-11-21T09:16:52Z`},
		{"rxInfo is a string", "up", dev + `"rxInfo":"x"}`, `rxInfo at byte 78 is "x": want an array`},
		{"data rate", "up", `{"devEUI":"a840410001810001","txInfo":{"dr":-1}}`, "txInfo.dr at byte 44 is -1: want a whole number from 0 to 255"},
	})
}

func TestV3TellsRedeliveryFromNewDelivery(t *testing.T) {
	const start = `{"devEUI":"a840410001810001","txInfo":{"dr":5},"fCnt":7,`
	checkIdents(t, V3{}, "up", start+`"rxInfo":[{"uplinkID":"u1"},{"uplinkID":"u2"}]}`, map[string]string{
		"another reception":   start + `"rxInfo":[{"uplinkID":"u1"},{"uplinkID":"u3"}]}`,
		"one reception fewer": start + `"rxInfo":[{"uplinkID":"u1"}]}`,
		"ids run together":    start + `"rxInfo":[{"uplinkID":"u1u2"}]}`,
	})
	checkIdents(t, V3{}, "up", start+`"rxInfo":[{}],"data":"AQ=="}`, map[string]string{
		"without uplinkIDs the whole message counts": start + `"rxInfo":[{}],"data":"Ag=="}`,
	})
	checkIdents(t, V3{}, "join", start+`"rxInfo":[{"uplinkID":"u1"}]}`, map[string]string{
		"another join": start + `"rxInfo":[{"uplinkID":"u1"}],"devAddr":"0165c904"}`,
	})
}
