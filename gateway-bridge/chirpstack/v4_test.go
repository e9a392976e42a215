package chirpstack

import (
	"slices"
	"testing"
	"time"

	"meldefunk/city"
)

func TestV4ReadsEveryFieldOfTheSamples(t *testing.T) {
	at := func(min, sec, nsec int) time.Time { return time.Date(2026, 11, 21, 9, min, sec, nsec, time.UTC) }
	lse01 := mustEUI("a840410001810001")
	server := func(min, sec, nsec int) city.Stamp {
		return city.Stamp{At: at(min, sec, nsec), Source: city.TimeServer}
	}
	gps := func(min, sec, nsec int) city.Stamp {
		return city.Stamp{At: at(min, sec, nsec), Source: city.TimeGPS}
	}
	// The gateways of the samples have satellites; the server had each frame 35 ms later.
	behind := func(min, sec, nsec int) [2]city.Stamp {
		return [2]city.Stamp{{At: at(min, sec, nsec), Source: city.TimeGateway}, server(min, sec, nsec+35_000_000)}
	}

	checkSamples(t, V4{}, []sample{
		{"v4-up-object.json", "up", city.Event{Kind: city.EventUp, Uplink: city.Uplink{
			DevEUI: mustEUI("a840410001810002"), Session: "0165c904", FCnt: 1, FPort: 85,
			Payload: []byte{0x01, 0x75, 0x5c, 0x03, 0x82, 0x44, 0x06, 0x04, 0x00, 0x00},
			Time:    gps(16, 52, 828375123), Fallback: behind(16, 52, 828375123), Ident: 2928777150904597154,
			Radio: city.Radio{RSSI: -118, SNR: 6.5, SpreadingFactor: 7, DataRate: 5, HasDataRate: true,
				Gateways: 1, Frequency: 868100000, Gateway: "7076ff0056000001"},
		}}},
		{"v4-up-mac-only.json", "up", city.Event{Kind: city.EventUp, Uplink: city.Uplink{
			DevEUI: lse01, Session: "0165c904", FCnt: 4, Payload: []byte{},
			Time: gps(18, 18, 214375123), Fallback: behind(18, 18, 214375123), Ident: 8404548463471356474,
			Radio: city.Radio{RSSI: -94, SNR: 9.4, SpreadingFactor: 7, DataRate: 5, HasDataRate: true,
				Gateways: 1, Frequency: 868100000, Gateway: "7076ff0056000001"},
		}}},
		{"v4-up-zeros.json", "up", city.Event{Kind: city.EventUp, Uplink: city.Uplink{
			DevEUI: lse01, Session: "0165c904", FCnt: 0, FPort: 2,
			Payload: []byte{0x0c, 0xe5, 0x7f, 0xff, 0x05, 0xdc, 0x04, 0xb9, 0x00, 0xc8, 0x10},
			Time:    gps(18, 26, 745375123), Fallback: behind(18, 26, 745375123), Ident: 3166529198845169887,
			Radio: city.Radio{SpreadingFactor: 12, HasDataRate: true,
				Gateways: 1, Frequency: 868100000, Gateway: "7076ff0056000001"},
		}}},
		{"v4-up-encrypted.json", "up", city.Event{Kind: city.EventUp, Uplink: city.Uplink{
			DevEUI: lse01, Session: "0165c904", FCnt: 9, FPort: 2, Encrypted: true,
			Envelope: &city.Envelope{KEKLabel: "stadt-kek-1", DevAddr: [4]byte{0x01, 0x65, 0xc9, 0x04}, Wrapped: []byte{
				0x1f, 0xa6, 0x8b, 0x0a, 0x81, 0x12, 0xb4, 0x47, 0xae, 0xf3, 0x4b, 0xd8, 0xfb, 0x5a, 0x7b, 0x82, 0x9d, 0x3e, 0x86, 0x23, 0x71, 0xd2, 0xcf, 0xe5}},
			Payload: []byte{0xff, 0x9e, 0xcb, 0xd5, 0x46, 0x61, 0x21, 0x77, 0xb7, 0xc3, 0x44},
			Time:    gps(19, 2, 674375123), Fallback: behind(19, 2, 674375123), Ident: 12824181764613931439,
			Radio: city.Radio{RSSI: -102, SNR: 4.8, SpreadingFactor: 7, DataRate: 5, HasDataRate: true,
				Gateways: 1, Frequency: 868100000, Gateway: "7076ff0056000001"},
		}}},
		{"v4-join.json", "join", city.Event{Kind: city.EventJoin, DevEUI: lse01, Session: "0165c904",
			Time: server(15, 2, 418375123), Ident: 14029819181720680076}},
		{"v4-status.json", "status", city.Event{Kind: city.EventStatus, DevEUI: lse01, Time: server(19, 11, 854375123), Ident: 16726940132655418416,
			Status: &city.Status{Battery: 94.88, HasBattery: true, Margin: 11}}},
		{"v4-txack.json", "txack", city.Event{Kind: city.EventTxAck, DevEUI: lse01, Time: server(19, 18, 742375123), Ident: 17344423882691413956, Code: "sent"}},
		{"v4-ack.json", "ack", city.Event{Kind: city.EventAck, DevEUI: lse01, Time: server(19, 27, 310375123), Ident: 7050138879657845073, Code: "ack"}},
		{"v4-log.json", "log", city.Event{Kind: city.EventLog, DevEUI: lse01, Time: server(19, 40, 209375123), Ident: 3553818457341888223,
			Severity: city.SeverityWarning, Code: "UPLINK_F_CNT_RETRANSMISSION", Detail: "Uplink was flagged as re-transmission / frame-counter did not increment"}},
		{"v4-location.json", "location", city.Event{Kind: city.EventLocation, DevEUI: lse01, Time: server(20, 9, 725375123), Ident: 11661820217807300422,
			Position: &city.Position{Lat: 51.5136, Lon: 7.4653}}},
	})
}

func TestV4UnderstandsVariants(t *testing.T) {
	at := func(min, sec, nsec int) time.Time { return time.Date(2026, 11, 21, 9, min, sec, nsec, time.UTC) }
	const rx1 = `{"gatewayId":"7076ff0056000001","nsTime":"2026-11-21T09:16:53Z","rssi":-60,"snr":-5.0}`
	tests := []struct {
		name  string
		body  string
		check func(u city.Uplink) bool
	}{
		{"4.0 leaves every zero out",
			`{"deduplicationId":"d","deviceInfo":{"devEui":"a840410001810001"}}`,
			func(u city.Uplink) bool {
				return u.FCnt == 0 && u.FPort == 0 && len(u.Payload) == 0 && !u.Confirmed && u.Time == city.Stamp{} &&
					u.Radio.Gateways == 0 && u.Radio.HasDataRate
			}},
		{"DevEUI in upper case",
			`{"deduplicationId":"d","deviceInfo":{"devEui":"A840410001810001"}}`,
			func(u city.Uplink) bool { return u.DevEUI == mustEUI("a840410001810001") }},
		{"no gateway told a time: the server's",
			`{"deduplicationId":"d","time":"2026-11-21T09:16:52.5+00:00","deviceInfo":{"devEui":"a840410001810001"},"rxInfo":[` + rx1 + `]}`,
			func(u city.Uplink) bool { return u.Time.Source == city.TimeServer && u.Time.At.Nanosecond() == 5e8 }},
		{"GPS time of the second gateway",
			`{"deduplicationId":"d","time":"2026-11-21T09:16:52Z","deviceInfo":{"devEui":"a840410001810001"},"rxInfo":[` + rx1 + `,{"timeSinceGpsEpoch":"1479287830.828s"}]}`,
			func(u city.Uplink) bool {
				return u.Time == city.Stamp{At: at(16, 52, 0), Source: city.TimeGPS} &&
					u.Fallback == [2]city.Stamp{{At: at(16, 53, 0), Source: city.TimeServer}}
			}},
		{"GPS time is the server's time of UTC, 18 s ahead",
			`{"deduplicationId":"d","deviceInfo":{"devEui":"a840410001810001"},"rxInfo":[{"timeSinceGpsEpoch":"1479287830.828s"}]}`,
			func(u city.Uplink) bool {
				return u.Time == city.Stamp{At: at(16, 52, 828e6), Source: city.TimeGPS}
			}},
		{"a broken receiver in 2099: ChirpStack believes it, what is left is told too",
			`{"deduplicationId":"d","time":"2099-01-01T00:00:00Z","deviceInfo":{"devEui":"a840410001810001"},"rxInfo":[{"timeSinceGpsEpoch":"3754944018s","gwTime":"2026-11-21T09:16:52.9Z","nsTime":"2026-11-21T09:16:53Z"}]}`,
			func(u city.Uplink) bool {
				return u.Time == city.Stamp{At: time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC), Source: city.TimeGPS} &&
					u.Fallback == [2]city.Stamp{{At: at(16, 52, 9e8), Source: city.TimeGateway}, {At: at(16, 53, 0), Source: city.TimeServer}}
			}},
		{"kept by the gateway for an hour: time is the server's, gwTime the truth",
			`{"deduplicationId":"d","time":"2026-11-21T09:16:53Z","deviceInfo":{"devEui":"a840410001810001"},"rxInfo":[{"gwTime":"2026-11-21T08:16:53Z","nsTime":"2026-11-21T09:16:53Z"}]}`,
			func(u city.Uplink) bool {
				return u.Time == city.Stamp{At: at(-44, 53, 0), Source: city.TimeGateway} &&
					u.Fallback == [2]city.Stamp{{At: at(16, 53, 0), Source: city.TimeServer}}
			}},
		{"a gateway in 1970 and one whose clock is right",
			`{"deduplicationId":"d","time":"2026-11-21T09:16:53Z","deviceInfo":{"devEui":"a840410001810001"},"rxInfo":[{"gwTime":"1970-01-01T00:00:09Z"},{"gwTime":"2026-11-21T09:16:52.8Z"}]}`,
			func(u city.Uplink) bool { return u.Time == city.Stamp{At: at(16, 53, 0), Source: city.TimeGateway} }},
		{"every gateway by name where there are several",
			`{"deduplicationId":"d","deviceInfo":{"devEui":"a840410001810001"},"rxInfo":[` + rx1 + `,{"gatewayId":"7076ff0056000002","rssi":-110}]}`,
			func(u city.Uplink) bool {
				return slices.Equal(u.Heard, []city.Reception{{Gateway: "7076ff0056000001", RSSI: -60, SNR: -5}, {Gateway: "7076ff0056000002", RSSI: -110}})
			}},
		{"time with an offset",
			`{"deduplicationId":"d","time":"2026-11-21T10:16:52+01:00","deviceInfo":{"devEui":"a840410001810001"}}`,
			func(u city.Uplink) bool { return u.Time.At == time.Date(2026, 11, 21, 9, 16, 52, 0, time.UTC) }},
		{"best gateway by SNR, an absent SNR is 0 dB",
			`{"deduplicationId":"d","deviceInfo":{"devEui":"a840410001810001"},"rxInfo":[` + rx1 + `,{"gatewayId":"7076ff0056000002","rssi":-110},{"gatewayId":"7076ff0056000003","rssi":-50,"snr":-1.0}]}`,
			func(u city.Uplink) bool {
				return u.Radio.Gateway == "7076ff0056000002" && u.Radio.RSSI == -110 && u.Radio.SNR == 0 && u.Radio.Gateways == 3
			}},
		{"best gateway by RSSI where SNR is equal",
			`{"deduplicationId":"d","deviceInfo":{"devEui":"a840410001810001"},"rxInfo":[{"gatewayId":"7076ff0056000002","rssi":-61,"snr":-5.0},` + rx1 + `]}`,
			func(u city.Uplink) bool { return u.Radio.Gateway == "7076ff0056000001" && u.Radio.RSSI == -60 }},
		{"300 gateways count as 255, and the last may be the best",
			`{"deduplicationId":"d","deviceInfo":{"devEui":"a840410001810001"},"rxInfo":[` + repeat(rx1+",", 299) + `{"gatewayId":"7076ff0056000009","snr":9}]}`,
			func(u city.Uplink) bool { return u.Radio.Gateways == 255 && u.Radio.Gateway == "7076ff0056000009" }},
		{"LR-FHSS has no spreading factor",
			`{"deduplicationId":"d","deviceInfo":{"devEui":"a840410001810001"},"dr":8,"txInfo":{"frequency":868100000,"modulation":{"lrFhss":{"operatingChannelWidth":137000,"codeRate":"CR_2_6","gridSteps":8}}}}`,
			func(u city.Uplink) bool { return u.Radio.SpreadingFactor == 0 && u.Radio.DataRate == 8 }},
		{"FSK has no spreading factor",
			`{"deduplicationId":"d","deviceInfo":{"devEui":"a840410001810001"},"dr":7,"txInfo":{"frequency":868800000,"modulation":{"fsk":{"frequencyDeviation":25000,"datarate":50000}}}}`,
			func(u city.Uplink) bool { return u.Radio.SpreadingFactor == 0 && u.Radio.Frequency == 868800000 }},
		{"session key id of an external join server",
			`{"deduplicationId":"d","deviceInfo":{"devEui":"a840410001810001"},"joinServerContext":{"sessionKeyId":"01020304"}}`,
			func(u city.Uplink) bool { return u.Encrypted && u.Envelope == nil }},
		{"join server context with nothing in it",
			`{"deduplicationId":"d","deviceInfo":{"devEui":"a840410001810001"},"joinServerContext":{}}`,
			func(u city.Uplink) bool { return u.Encrypted && u.Envelope == nil }},
		{"key without the label of what wrapped it",
			`{"deduplicationId":"d","deviceInfo":{"devEui":"a840410001810001"},"joinServerContext":{"appSKey":{"aesKey":"AAAA"}}}`,
			func(u city.Uplink) bool { return u.Encrypted && u.Envelope == nil }},
		{"wrapped key and device address in upper case",
			`{"deduplicationId":"d","deviceInfo":{"devEui":"a840410001810001"},"devAddr":"0165C904","joinServerContext":{"sessionKeyId":"01","appSKey":{"kekLabel":"k","aesKey":"AAEC"}}}`,
			func(u city.Uplink) bool {
				e := u.Envelope
				return u.Encrypted && e != nil && e.KEKLabel == "k" && string(e.Wrapped) == "\x00\x01\x02" && e.DevAddr == [4]byte{1, 0x65, 0xc9, 4}
			}},
		{"largest counter, port and payload",
			`{"deduplicationId":"d","deviceInfo":{"devEui":"a840410001810001"},"fCnt":4294967295,"fPort":255,"confirmed":true,"data":"` + repeat("AAAA", 80) + `AAA="}`,
			func(u city.Uplink) bool {
				return u.FCnt == 1<<32-1 && u.FPort == 255 && u.Confirmed && len(u.Payload) == 242
			}},
		{"numbers of the codec with fractions, white space around",
			"\r\n {\"deduplicationId\":\"d\",\"deviceInfo\":{\"devEui\":\"a840410001810001\"},\"object\":{\"fCnt\":92.0,\"devEui\":[1e400,null]}}\n",
			func(u city.Uplink) bool { return u.FCnt == 0 }},
		{"null stands for absent",
			`{"deduplicationId":"d","deviceInfo":{"devEui":"a840410001810001"},"rxInfo":null,"data":null,"time":null,"joinServerContext":null}`,
			func(u city.Uplink) bool { return !u.Encrypted && u.Radio.Gateways == 0 && u.Time == city.Stamp{} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ev, err := V4{}.Parse(&city.Message{Topic: "application/x/device/a840410001810001/event/up", Body: []byte(tt.body)})
			if err != nil {
				t.Fatal(err)
			}
			if !tt.check(ev.Uplink) {
				t.Errorf("got %+v", ev.Uplink)
			}
		})
	}
}

func TestV4RefusesWithAReason(t *testing.T) {
	const dev = `{"deduplicationId":"d","deviceInfo":{"devEui":"a840410001810001"},`
	checkRefusals(t, V4{}, []refusal{
		{"empty", "up", "", "the message is empty"},
		{"cut off", "up", `{"deduplicationId":"d","dev`, "the JSON is cut off at byte 27"},
		{"cut off in rxInfo", "up", `{"rxInfo":[{"rssi":-1}`, "the JSON is cut off at byte 22"},
		{"trailing garbage", "up", dev + `"fCnt":1}{}`, "not valid JSON at byte 75: invalid character '{' after top-level value"},
		{"duplicate member", "up", `{"fCnt":1,"fCnt":2}`, "not valid JSON at byte 10: duplicate object member name"},
		{"duplicate member where nothing is read", "up", `{"object":{"a":1,"a":2}}`, "not valid JSON at byte 17: duplicate object member name"},
		{"invalid UTF-8", "up", "{\"devAddr\":\"\xff\"}", "not valid JSON at byte 12: invalid UTF-8"},
		{"a million arrays", "up", `{"object":` + repeat("[", 1e6), "not valid JSON at byte 10009: exceeded max depth"},
		{"a million objects", "up", `{"object":` + repeat(`{"a":`, 1e6), "not valid JSON at byte 50005: exceeded max depth"},
		{"no device", "up", `{}`, "deviceInfo.devEui is missing: messages of ChirpStack v3 need dialect chirpstack-v3"},
		{"device zero", "up", `{"deviceInfo":{"devEui":"0000000000000000"}}`, "deviceInfo.devEui is missing: messages of ChirpStack v3 need dialect chirpstack-v3"},
		{"device too short", "up", `{"deviceInfo":{"devEui":"a84041"}}`, `deviceInfo.devEui at byte 24 is "a84041": want 16 hex digits`},
		{"device is a number", "join", `{"deviceInfo":{"devEui":1234567890123456}}`, "deviceInfo.devEui at byte 24 is 1234567890123456: want 16 hex digits"},
		{"deviceInfo is an array", "up", `{"deviceInfo":[]}`, "deviceInfo at byte 14 is [: want an object"},
		{"another device than the topic", "up", `{"deviceInfo":{"devEui":"a840410001810002"}}`, "the message is of device a840410001810002, its topic of device a840410001810001"},
		{"no deduplicationId", "up", `{"deviceInfo":{"devEui":"a840410001810001"}}`, "deduplicationId is missing"},
		{"wrapped key without device address", "up", dev + `"joinServerContext":{"appSKey":{"kekLabel":"k","aesKey":"AAEC"}}}`,
			`devAddr: "" is not a device address: want 8 hex digits, like 26011bda; an end-to-end encrypted payload cannot be read without it`},
		{"wrapped key too long", "up", dev + `"joinServerContext":{"appSKey":{"kekLabel":"k","aesKey":"` + repeat("AAAA", 22) + `"}}}`,
			"joinServerContext.appSKey.aesKey has 66 bytes: want 24"},
		{"label of a key too long", "up", dev + `"joinServerContext":{"appSKey":{"kekLabel":"` + repeat("k", 257) + `","aesKey":"AAEC"}}}`,
			`joinServerContext.appSKey.kekLabel "` + repeat("k", 40) + `" has 257 bytes: want at most 256`},
		{"negative counter", "up", dev + `"fCnt":-1}`, "fCnt at byte 73 is -1: want a whole number from 0 to 4294967295"},
		{"33 bit counter", "up", dev + `"fCnt":4294967296}`, "fCnt at byte 73 is 4294967296: want a whole number from 0 to 4294967295"},
		{"counter with a fraction", "up", dev + `"fCnt":1.5}`, "fCnt at byte 73 is 1.5: want a whole number from 0 to 4294967295"},
		{"counter as string", "up", dev + `"fCnt":"7"}`, `fCnt at byte 73 is "7": want a whole number from 0 to 4294967295`},
		{"port too high", "up", dev + `"fPort":256}`, "fPort at byte 74 is 256: want a whole number from 0 to 255"},
		{"confirmed as number", "up", dev + `"confirmed":1}`, "confirmed at byte 78 is 1: want true or false"},
		{"not base64", "up", dev + `"data":"A*=="}`, `data at byte 73 is "A*==": want a string in base64`},
		{"base64 without padding", "up", dev + `"data":"AAA"}`, `data at byte 73 is "AAA": want a string in base64`},
		{"long nonsense is cut", "up", dev + `"data":"` + repeat("ä", 500) + `"}`, `data at byte 73 is "` + repeat("ä", 40) + `": want a string in base64`},
		{"payload too long", "up", dev + `"data":"` + repeat("AAAA", 81) + `"}`, "data has 243 bytes: LoRaWAN carries at most 242"},
		{"time in words", "up", dev + `"time":"gestern"}`, `time at byte 73 is "gestern": want a time like 2026-11-21T09:16:52Z`},
		{"time as number", "join", dev + `"time":1763716612}`, "time at byte 73 is 1763716612: want a time like 2026-11-21T09:16:52Z"},
		{"devAddr too long", "up", dev + `"devAddr":"0165c9040"}`, `devAddr is "0165c9040": want 8 hex digits`},
		{"devAddr not hex", "join", dev + `"devAddr":"0165c90g"}`, `devAddr is "0165c90g": want 8 hex digits`},
		{"rxInfo is an object", "up", dev + `"rxInfo":{}}`, "rxInfo at byte 75 is {: want an array"},
		{"gateway is a number", "up", dev + `"rxInfo":[{"snr":1.0},5]}`, "rxInfo.1 at byte 88 is 5: want an object"},
		{"RSSI out of range", "up", dev + `"rxInfo":[{"rssi":-99999}]}`, "rxInfo.0.rssi at byte 84 is -99999: want a whole number from -32768 to 32767"},
		{"SNR out of range", "up", dev + `"rxInfo":[{"snr":1e99}]}`, "rxInfo.0.snr at byte 83 is 1e99: want a number"},
		{"gateway id in base64", "up", dev + `"rxInfo":[{"gatewayId":"cHb/AFYAAAE="}]}`, `a gateway is called "cHb/AFYAAAE=": want 16 hex digits`},
		{"frequency as string", "up", dev + `"txInfo":{"frequency":"868100000"}}`, `txInfo.frequency at byte 88 is "868100000": want a whole number from 0 to 4294967295`},
		{"spreading factor", "up", dev + `"txInfo":{"modulation":{"lora":{"spreadingFactor":13}}}}`, "spreadingFactor is 13: want 5 to 12"},
		{"code of a log event is a number", "log", dev + `"code":4}`, "code at byte 73 is 4: want a string"},
		{"broken status event", "status", `{"margin":}`, "not valid JSON at byte 10: invalid character '}' at start of value"},
	})
}

func TestV4TellsRedeliveryFromNewDelivery(t *testing.T) {
	const body = `{"deduplicationId":"d1","deviceInfo":{"devEui":"a840410001810001"},"fCnt":7}`
	checkIdents(t, V4{}, "up", body, map[string]string{
		"another delivery": `{"deduplicationId":"d2","deviceInfo":{"devEui":"a840410001810001"},"fCnt":7}`,
		"another device":   `{"deduplicationId":"d1","deviceInfo":{"devEui":"a840410001810002"},"fCnt":7}`,
		"another counter":  `{"deduplicationId":"d1","deviceInfo":{"devEui":"a840410001810001"},"fCnt":8}`,
	})
	const join = `{"deduplicationId":"d1","deviceInfo":{"devEui":"a840410001810001"},"devAddr":"0165c904"}`
	checkIdents(t, V4{}, "join", join, map[string]string{
		"another join": `{"deduplicationId":"d2","deviceInfo":{"devEui":"a840410001810001"},"devAddr":"0165c904"}`,
	})
}
