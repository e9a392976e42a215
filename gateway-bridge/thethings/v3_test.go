package thethings

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"meldefunk/city"
)

const topic = "v3/stadt-sensorik/devices/eui-a840410001810001/"

func repeat(s string, n int) string { return strings.Repeat(s, n) }

func mustEUI(s string) city.EUI {
	e, err := city.ParseEUI(s)
	if err != nil {
		panic(err)
	}
	return e
}

// Identities are written down because they are stored: a later version must find the same.
func TestV3ReadsEveryFieldOfTheSamples(t *testing.T) {
	received := time.Date(2026, 11, 21, 22, 30, 0, 0, time.UTC)
	server := func(min, sec, nsec int) city.Stamp {
		return city.Stamp{At: time.Date(2026, 11, 21, 22, min, sec, nsec, time.UTC), Source: city.TimeServer}
	}
	lse01, tps110 := mustEUI("a840410001810001"), mustEUI("a840410001810005")

	tests := []struct {
		file, event string
		want        city.Event
	}{
		{"up-two-gateways.json", "up", city.Event{Kind: city.EventUp, Uplink: city.Uplink{
			DevEUI: lse01, Session: "AaIAJaopIR1THbmCh4Pb1g==", FCnt: 3, FPort: 2, Confirmed: true,
			Payload: []byte{0x0c, 0xe5, 0x7f, 0xff, 0x05, 0xe5, 0x04, 0xb9, 0x00, 0xc8, 0x10},
			Time:    server(7, 38, 867528849), Ident: 1256742740471159990,
			Radio: city.Radio{RSSI: -71, SNR: 2.7, SpreadingFactor: 7, Gateways: 2, Frequency: 868300000, Gateway: "gw-wasserturm"},
			Heard: []city.Reception{{Gateway: "gw-rathaus", RSSI: -91, SNR: -5.6}, {Gateway: "gw-wasserturm", RSSI: -71, SNR: 2.7}},
		}}},
		{"up-first.json", "up", city.Event{Kind: city.EventUp, Uplink: city.Uplink{
			DevEUI: lse01, Session: "AaIAJaopIR1THbmCh4Pb1g==", FCnt: 0, FPort: 2,
			Payload: []byte{0x0c, 0xe5, 0x7f, 0xff, 0x05, 0xdc, 0x04, 0xb9, 0x00, 0xc8, 0x10},
			Time:    server(7, 17, 176718038), Ident: 16927837013506734004,
			Radio: city.Radio{RSSI: -75, SNR: 4.7, SpreadingFactor: 7, Gateways: 1, Frequency: 868300000, Gateway: "gw-rathaus"},
		}}},
		{"up-object.json", "up", city.Event{Kind: city.EventUp, Uplink: city.Uplink{
			DevEUI: mustEUI("a840410001810003"), Session: "AaIAJcmUbmYElTQKzTTadA==", FCnt: 3, FPort: 85,
			Payload: []byte{0x01, 0x75, 0x5c, 0x03, 0x82, 0x44, 0x07, 0x04, 0x00, 0x01},
			Time:    server(7, 46, 990571034), Ident: 17291936570827282020,
			Radio: city.Radio{RSSI: -88, SNR: 2.2, SpreadingFactor: 7, Gateways: 1, Frequency: 868100000, Gateway: "gw-rathaus"},
		}}},
		{"up-mac-only.json", "up", city.Event{Kind: city.EventUp, Uplink: city.Uplink{
			DevEUI: mustEUI("a840410001810002"), Session: "AaIAJbqUydwvV8+LATl0xg==", FCnt: 3,
			Time: server(7, 40, 283555737), Ident: 8835797787894826174,
			Radio: city.Radio{RSSI: -95, SNR: -3.3, SpreadingFactor: 7, Gateways: 1, Frequency: 868500000, Gateway: "gw-rathaus"},
		}}},
		{"up-encrypted.json", "up", city.Event{Kind: city.EventUp, Uplink: city.Uplink{
			DevEUI: mustEUI("a840410001810009"), Session: "AaIAKPq03/Es+cIEEVGeng==", FCnt: 1, FPort: 10, Encrypted: true,
			Envelope: &city.Envelope{KEKLabel: "stadt-kek-1", DevAddr: [4]byte{0x00, 0x24, 0x87, 0x77}, Wrapped: []byte{
				0x73, 0x5f, 0xe9, 0x71, 0x4d, 0xd6, 0x62, 0xc9, 0x09, 0xba, 0xa8, 0xc7, 0x8f, 0x4d, 0x7d, 0x13, 0x98, 0x72, 0xc3, 0x15, 0x1e, 0x7c, 0x1a, 0xa5}},
			Payload: []byte{0x89, 0xf4, 0xe9, 0x97},
			Time:    server(10, 32, 394694336), Ident: 1832836605725509663,
			Radio: city.Radio{RSSI: -115, SNR: 9.3, SpreadingFactor: 7, Gateways: 2, Frequency: 868500000, Gateway: "gw-rathaus"},
			Heard: []city.Reception{{Gateway: "gw-rathaus", RSSI: -115, SNR: 9.3}, {Gateway: "gw-wasserturm", RSSI: -91, SNR: 8.7}},
		}}},
		{"join.json", "join", city.Event{Kind: city.EventJoin, DevEUI: lse01, Session: "AaIAJaopIR1THbmCh4Pb1g==",
			Time: server(6, 38, 119709024), Ident: 1682942809870125599}},
		{"down-queued.json", "down/queued", city.Event{Kind: city.EventTxAck, DevEUI: tps110, Time: server(8, 0, 302088078), Ident: 10251675275523911901, Code: "queued"}},
		{"down-failed.json", "down/failed", city.Event{Kind: city.EventTxAck, DevEUI: tps110, Time: server(8, 11, 227868255), Ident: 5168850234807767613,
			Severity: city.SeverityError, Code: "failed", Detail: "no_f_port: no FPort"}},
		{"down-ack.json", "down/ack", city.Event{Kind: city.EventAck, DevEUI: tps110, Time: server(8, 3, 424589803), Ident: 8471441365350356041, Code: "ack"}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			body, err := os.ReadFile(filepath.Join("testdata", tt.file))
			if err != nil {
				t.Fatal(err)
			}
			body = bytes.TrimSpace(body)
			m := city.Message{Server: "stadt", Topic: topic + tt.event, Body: body, Received: received}
			got, err := V3{}.Parse(&m)
			if err != nil {
				t.Fatal(err)
			}
			want := tt.want
			if want.Kind == city.EventUp {
				want.Uplink.Server, want.Uplink.Received = "stadt", received
				want.DevEUI, want.Time, want.Ident = want.Uplink.DevEUI, want.Uplink.Time, want.Uplink.Ident
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("\n got %+v\nwant %+v", got, want)
			}
			clear(body)
			if !bytes.Equal(got.Uplink.Payload, want.Uplink.Payload) || got.Session != want.Session || got.Uplink.Session != want.Uplink.Session {
				t.Error("the event keeps bytes of the message")
			}
		})
	}
}

func TestV3UnderstandsVariants(t *testing.T) {
	const ids = `{"end_device_ids":{"dev_eui":"A840410001810001"},`
	tests := []struct {
		name  string
		body  string
		check func(u city.Uplink) bool
	}{
		{"DevEUI in lower case", `{"end_device_ids":{"dev_eui":"a840410001810001"},"uplink_message":{}}`,
			func(u city.Uplink) bool { return u.DevEUI == mustEUI("a840410001810001") }},
		{"nothing but the device", ids + `"uplink_message":{}}`,
			func(u city.Uplink) bool {
				return u.FCnt == 0 && u.FPort == 0 && len(u.Payload) == 0 && u.Time == city.Stamp{} && u.Ident != 0 &&
					!u.Encrypted && !u.Simulated && !u.Confirmed && !u.Radio.HasDataRate
			}},
		{"port without payload", ids + `"uplink_message":{"f_port":5}}`,
			func(u city.Uplink) bool { return u.FPort == 5 && len(u.Payload) == 0 }},
		{"end-to-end encrypted, and no key came", ids + `"uplink_message":{"app_s_key":{"kek_label":"k"}}}`,
			func(u city.Uplink) bool { return u.Encrypted && u.Envelope == nil }},
		{"null in place of the key", ids + `"uplink_message":{"app_s_key":null}}`,
			func(u city.Uplink) bool { return !u.Encrypted && u.Envelope == nil }},
		{"simulated in the console", ids + `"simulated":true,"uplink_message":{"f_port":5}}`,
			func(u city.Uplink) bool { return u.Simulated }},
		{"no time of the network server: the application server's", ids + `"received_at":"2026-11-21T22:07:39Z","uplink_message":{}}`,
			func(u city.Uplink) bool {
				return u.Time.At.Equal(time.Date(2026, 11, 21, 22, 7, 39, 0, time.UTC)) && u.Time.Source == city.TimeServer
			}},
		{"times of gateways do not count", ids + `"uplink_message":{"rx_metadata":[{"time":"1970-01-01T00:00:00Z"}],"settings":{"time":"1970-01-01T00:00:00Z"}}}`,
			func(u city.Uplink) bool { return u.Time == city.Stamp{} }},
		{"RSSI with a fraction, absent SNR is 0 dB", ids + `"uplink_message":{"rx_metadata":[{"rssi":-50,"snr":-1.5},{"gateway_ids":{"gateway_id":"packetbroker"},"rssi":-91.6}]}}`,
			func(u city.Uplink) bool { return u.Radio.RSSI == -92 && u.Radio.Gateway == "packetbroker" }},
		{"RSSI beyond 16 bits", ids + `"uplink_message":{"rx_metadata":[{"rssi":-1e9}]}}`,
			func(u city.Uplink) bool { return u.Radio.RSSI == -32768 }},
		{"best gateway by RSSI where SNR is equal", ids + `"uplink_message":{"rx_metadata":[{"gateway_ids":{"gateway_id":"a"},"rssi":-50},{"gateway_ids":{"gateway_id":"b"},"rssi":-40},{"gateway_ids":{"gateway_id":"c"},"rssi":-60}]}}`,
			func(u city.Uplink) bool { return u.Radio.Gateway == "b" && u.Radio.Gateways == 3 }},
		{"300 gateways count as 255", ids + `"uplink_message":{"rx_metadata":[` + repeat("{},", 299) + `{"snr":1}]}}`,
			func(u city.Uplink) bool { return u.Radio.Gateways == 255 && u.Radio.SNR == 1 }},
		{"FSK has no spreading factor", ids + `"uplink_message":{"settings":{"data_rate":{"fsk":{"bit_rate":50000}},"frequency":"868800000"}}}`,
			func(u city.Uplink) bool { return u.Radio.SpreadingFactor == 0 && u.Radio.Frequency == 868800000 }},
		{"largest counter, port and payload", ids + `"uplink_message":{"f_cnt":4294967295,"f_port":255,"frm_payload":"` + repeat("AAAA", 80) + `AAA="}}`,
			func(u city.Uplink) bool { return u.FCnt == 1<<32-1 && u.FPort == 255 && len(u.Payload) == 242 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ev, err := V3{}.Parse(&city.Message{Topic: topic + "up", Body: []byte(tt.body)})
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
	const up = `{"end_device_ids":{"dev_eui":"A840410001810001"},"uplink_message":{`
	tests := []struct{ name, event, body, want string }{
		{"empty", "up", "", "the message is empty"},
		{"protobuf", "up", "\x0a\x1f\x0a\x14eui", `not a JSON object, begins with "\n\x1f\n\x14eui": set the format to JSON`},
		{"null", "up", "null", `not a JSON object, begins with "null": set the format to JSON`},
		{"cut off", "up", up + `"f_port":2,"frm_pay`, "the JSON is cut off at byte 86"},
		{"trailing garbage", "up", up + `}}]`, "not valid JSON at byte 69: invalid character ']' after top-level value"},
		{"duplicate member", "up", up + `"f_cnt":1,"f_cnt":2}}`, "not valid JSON at byte 77: duplicate object member name"},
		{"a million arrays", "up", `{"decoded_payload":` + repeat("[", 1e6), "not valid JSON at byte 10018: exceeded max depth"},
		{"no DevEUI", "up", `{"end_device_ids":{"device_id":"abp-17"},"uplink_message":{}}`, `end_device_ids.dev_eui is missing: give device "abp-17" a DevEUI`},
		{"not an EUI", "join", `{"end_device_ids":{"dev_eui":"abp-17"}}`, `end_device_ids.dev_eui at byte 29 is "abp-17": want 16 hex digits`},
		{"a join on the topic of uplinks", "up", `{"end_device_ids":{"dev_eui":"A840410001810001"},"join_accept":{}}`, "uplink_message is missing"},
		{"an uplink on the topic of joins", "join", up + `}}`, "join_accept is missing"},
		{"uplink_message is an array", "up", `{"uplink_message":[]}`, "uplink_message at byte 18 is [: want an object"},
		{"wrapped key without device address", "up", up + `"app_s_key":{"kek_label":"k","encrypted_key":"AAEC"}}}`,
			`end_device_ids.dev_addr: "" is not a device address: want 8 hex digits, like 26011bda; an end-to-end encrypted payload cannot be read without it`},
		{"wrapped key too long", "up", up + `"app_s_key":{"kek_label":"k","encrypted_key":"` + repeat("AAAA", 22) + `"}}}`,
			"app_s_key.encrypted_key has 66 bytes: want 24"},
		{"label of a key too long", "up", up + `"app_s_key":{"kek_label":"` + repeat("k", 257) + `","encrypted_key":"AAEC"}}}`,
			`app_s_key.kek_label "` + repeat("k", 40) + `" has 257 bytes: want at most 256`},
		{"key is true", "up", up + `"app_s_key":true}}`, "uplink_message.app_s_key at byte 79 is true: want an object"},
		{"negative counter", "up", up + `"f_cnt":-1}}`, "uplink_message.f_cnt at byte 75 is -1: want a whole number from 0 to 4294967295"},
		{"33 bit counter", "up", up + `"f_cnt":4294967296}}`, "uplink_message.f_cnt at byte 75 is 4294967296: want a whole number from 0 to 4294967295"},
		{"counter with a fraction", "up", up + `"f_cnt":3.0}}`, "uplink_message.f_cnt at byte 75 is 3.0: want a whole number from 0 to 4294967295"},
		{"port too high", "up", up + `"f_port":256}}`, "uplink_message.f_port at byte 76 is 256: want a whole number from 0 to 255"},
		{"not base64", "up", up + `"frm_payload":"-_-_"}}`, `uplink_message.frm_payload at byte 81 is "-_-_": want a string in base64`},
		{"payload too long", "up", up + `"frm_payload":"` + repeat("AAAA", 81) + `"}}`, "frm_payload has 243 bytes: LoRaWAN carries at most 242"},
		{"time", "up", up + `"received_at":"gestern"}}`, `uplink_message.received_at at byte 81 is "gestern": want a time like 2026-11-21T09:16:52Z`},
		{"frequency as number", "up", up + `"settings":{"frequency":868300000}}}`, "uplink_message.settings.frequency at byte 91 is 868300000: want a whole number from 0 to 4294967295 in quotes"},
		{"spreading factor", "up", up + `"settings":{"data_rate":{"lora":{"spreading_factor":4}}}}}`, "spreading_factor is 4: want 5 to 12"},
		{"rx_metadata is an object", "up", up + `"rx_metadata":{}}}`, "uplink_message.rx_metadata at byte 81 is {: want an array"},
		{"SNR as string", "up", up + `"rx_metadata":[{},{"snr":"NaN"}]}}`, `uplink_message.rx_metadata.1.snr at byte 92 is "NaN": want a number`},
		{"gateway id too long", "up", up + `"rx_metadata":[{"gateway_ids":{"gateway_id":"` + repeat("g", 50) + `"}}]}}`, `gateway_id "` + repeat("g", 40) + `" has 50 characters: want at most 36`},
		{"session key id too long", "up", up + `"session_key_id":"` + repeat("k", 257) + `"}}`, `session_key_id "` + repeat("k", 40) + `" has 257 characters: want at most 256`},
		{"session key id of a join too long", "join", `{"end_device_ids":{"dev_eui":"A840410001810001"},"join_accept":{"session_key_id":"` + repeat("k", 257) + `"}}`, `session_key_id "` + repeat("k", 40) + `" has 257 characters: want at most 256`},
		{"simulated as string", "up", `{"simulated":"true"}`, `simulated at byte 13 is "true": want true or false`},
		{"broken acknowledgement", "down/ack", `{"downlink_ack":}`, "not valid JSON at byte 16: invalid character '}' at start of value"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ev, err := V3{}.Parse(&city.Message{Topic: topic + tt.event, Body: []byte(tt.body)})
			rejection, ok := errors.AsType[*city.Rejection](err)
			if !ok {
				t.Fatalf("got %+v, %v: want a rejection", ev, err)
			}
			if rejection.Reason != city.ReasonMalformed || rejection.Detail != tt.want {
				t.Errorf("\n got %v\nwant malformed: %s", rejection, tt.want)
			}
		})
	}
}

func TestV3TellsRedeliveryFromNewDelivery(t *testing.T) {
	ident := func(event, body string) uint64 {
		ev, err := V3{}.Parse(&city.Message{Topic: topic + event, Body: []byte(`{"end_device_ids":{"dev_eui":"A840410001810001"},` + body)})
		if err != nil {
			t.Fatal(err)
		}
		if ev.Ident == 0 || ev.Kind == city.EventUp && ev.Ident != ev.Uplink.Ident {
			t.Fatalf("identities %d and %d of one delivery", ev.Ident, ev.Uplink.Ident)
		}
		return ev.Ident
	}
	tests := []struct {
		name, event, a, b string
		same              bool
	}{
		{"redelivery", "up", `"uplink_message":{"session_key_id":"AQ==","f_cnt":7}}`, `"uplink_message":{"session_key_id":"AQ==","f_cnt":7}}`, true},
		{"only the correlation ids differ", "up", `"correlation_ids":["a"],"uplink_message":{"f_cnt":7}}`, `"correlation_ids":["b"],"uplink_message":{"f_cnt":7}}`, true},
		{"another session", "up", `"uplink_message":{"session_key_id":"AQ==","f_cnt":7}}`, `"uplink_message":{"session_key_id":"Ag==","f_cnt":7}}`, false},
		{"another counter", "up", `"uplink_message":{"session_key_id":"AQ==","f_cnt":7}}`, `"uplink_message":{"session_key_id":"AQ==","f_cnt":8}}`, false},
		{"another payload", "up", `"uplink_message":{"frm_payload":"AQ=="}}`, `"uplink_message":{"frm_payload":"Ag=="}}`, false},
		{"another join", "join", `"join_accept":{"session_key_id":"AQ=="}}`, `"join_accept":{"session_key_id":"Ag=="}}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if a, b := ident(tt.event, tt.a), ident(tt.event, tt.b); (a == b) != tt.same {
				t.Errorf("identities %d and %d", a, b)
			}
		})
	}
}

func TestTopics(t *testing.T) {
	if name := (V3{}).Name(); name != "the-things-stack-v3" {
		t.Errorf("name %q", name)
	}
	if topics := (V3{}).Topics(); !slices.Equal(topics, []string{"v3/+/devices/+/#"}) {
		t.Errorf("topics %q", topics)
	}
	tests := []struct {
		topic string
		want  city.EventKind
	}{
		{"v3/stadt/devices/bin-1/up", city.EventUp},
		{"v3/stadt@ttn/devices/bin-1/up", city.EventUp},
		{"v3/devices/devices/devices/up", city.EventUp},
		{"v3/up/devices/up/join", city.EventJoin},
		{"v3/stadt/devices/bin-1/down/ack", city.EventAck},
		{"v3/stadt/devices/bin-1/down/nack", city.EventAck},
		{"v3/stadt/devices/bin-1/down/queued", city.EventTxAck},
		{"v3/stadt/devices/bin-1/down/sent", city.EventTxAck},
		{"v3/stadt/devices/bin-1/down/failed", city.EventTxAck},
		{"v3/stadt/devices/bin-1/down/invalidated", city.EventTxAck},
		{"v3/stadt/devices/bin-1/location/solved", city.EventLocation},
		{"v3/stadt/devices/bin-1/up/normalized", city.EventOther},
		{"v3/stadt/devices/bin-1/service/data", city.EventOther},
		{"v3/stadt/devices/bin-1/down/push", city.EventOther},
		{"v3/stadt/devices/bin-1/down/replace", city.EventOther},
		{"v3/stadt/devices/bin-1", city.EventOther},
		{"v3/stadt/gateways/gw-1/up", city.EventOther},
		{"", city.EventOther},
	}
	for _, tt := range tests {
		if got := kindOf(tt.topic); got != tt.want {
			t.Errorf("topic %q: got %v, want %v", tt.topic, got, tt.want)
		}
	}
}

func TestOtherTopicsMayCarryAnything(t *testing.T) {
	for _, body := range []string{"", "\x0a\x07protobuf", "text", `{"downlinks":[`} {
		ev, err := V3{}.Parse(&city.Message{Topic: topic + "down/push", Body: []byte(body)})
		if err != nil || !reflect.DeepEqual(ev, city.Event{}) {
			t.Errorf("body %q: got %+v, %v", body, ev, err)
		}
	}
}

func FuzzV3(f *testing.F) {
	for i, m := range captured(f) {
		if i%5 == 0 {
			f.Add(m.Topic, m.Body)
		}
	}
	f.Add(topic+"up", []byte(`{"uplink_message":{"rx_metadata":[{"rssi":[]`))
	f.Fuzz(func(t *testing.T, topic string, body []byte) {
		original := bytes.Clone(body)
		ev, err := V3{}.Parse(&city.Message{Topic: topic, Body: body})
		if !bytes.Equal(body, original) {
			t.Fatal("the message was changed")
		}
		if err != nil {
			rejection, ok := errors.AsType[*city.Rejection](err)
			if !ok || rejection.Reason != city.ReasonMalformed || rejection.Detail == "" {
				t.Fatalf("got %#v: want a rejection with a detail", err)
			}
			if n := utf8.RuneCountInString(rejection.Detail); n > 300 {
				t.Fatalf("detail of %d characters: %s", n, rejection.Detail)
			}
			return
		}
		u := ev.Uplink
		switch {
		case ev.Kind == city.EventOther:
			return
		case ev.DevEUI.IsZero() || ev.Ident == 0:
			t.Fatalf("no device or identity: %+v", ev)
		case ev.Kind == city.EventUp && (u.DevEUI != ev.DevEUI || u.Ident == 0):
			t.Fatalf("no device or identity: %+v", u)
		case len(u.Payload) > 242, len(u.Session) > 256, len(u.Radio.Gateway) > 36, u.Radio.SpreadingFactor > 12:
			t.Fatalf("too long or too much: %+v", u)
		case len(ev.Session) > 256:
			t.Fatalf("too long: %+v", ev)
		}
		again, err := V3{}.Parse(&city.Message{Topic: topic, Body: body})
		if err != nil || !reflect.DeepEqual(again, ev) {
			t.Fatalf("the second time %+v, %v", again, err)
		}
	})
}
