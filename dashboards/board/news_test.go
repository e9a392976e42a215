package board

import (
	"testing"

	"meldefunk/city"
)

// Every kind and every code that a network server has is said in German; what later
// versions invent is shown as they spell it.
func TestNewsWords(t *testing.T) {
	for _, kind := range city.DeviceEventKinds() {
		if word := newsWord(&city.DeviceEvent{Kind: kind}); word == "" || word == string(kind) {
			t.Errorf("%s is called %q", kind, word)
		}
	}
	for _, code := range []string{
		"UNKNOWN", "DOWNLINK_PAYLOAD_SIZE", "UPLINK_CODEC", "DOWNLINK_CODEC", "OTAA", "UPLINK_F_CNT_RESET",
		"UPLINK_MIC", "UPLINK_F_CNT_RETRANSMISSION", "DOWNLINK_GATEWAY", "RELAY_NEW_END_DEVICE", "F_CNT_DOWN", "EXPIRED",
		"DOWNLINK_FCNT", "UPLINK_FCNT_RESET", "UPLINK_FCNT_RETRANSMISSION",
	} {
		if word := logWord(code); word == "" || word == code {
			t.Errorf("%s is called %q", code, word)
		}
	}
	for want, e := range map[string]city.DeviceEvent{
		"FUTURE_CODE":                                         {Kind: city.DeviceLog, Code: "FUTURE_CODE"},
		"Befehl an das Gerät nicht bestätigt":                 {Kind: city.DeviceAck, Code: "nack"},
		"Befehl an das Gerät bestätigt":                       {Kind: city.DeviceAck, Code: "ack"},
		"Befehl an das Gerät gescheitert":                     {Kind: city.DeviceDownlink, Code: "failed"},
		"Nachricht zurückgestellt: unbekannter Port":          {Kind: city.DeviceAside, Code: "unknown_port"},
		"Strom von außen, Funkreserve\u00a0−3\u00a0dB":        {Kind: city.DeviceStatus, Status: &city.Status{External: true, Margin: -3}},
		"Batteriestand unbekannt, Funkreserve\u00a00\u00a0dB": {Kind: city.DeviceStatus, Status: &city.Status{}},
		"Batterie\u00a00\u00a0%, Funkreserve\u00a011\u00a0dB": {Kind: city.DeviceStatus, Status: &city.Status{HasBattery: true, Margin: 11}},
	} {
		if got := newsWord(&e); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
