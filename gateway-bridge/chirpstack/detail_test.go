package chirpstack

import (
	"testing"

	"meldefunk/city"
)

func TestWhatEventsTellInWords(t *testing.T) {
	tests := []struct {
		name, event, body, want string
	}{
		{"battery", "status", `"margin":-3,"batteryLevel":0.4`, "battery 0 %, margin -3 dB"},
		{"external power", "status", `"margin":11,"externalPowerSource":true,"batteryLevel":0.0`, "external power, margin 11 dB"},
		{"battery unknown", "status", `"batteryLevelUnavailable":true`, "battery unknown, margin 0 dB"},
		{"acknowledged", "ack", `"acknowledged":true`, "acknowledged"},
		{"timeout", "ack", `"acknowledged":false`, "not acknowledged"},
		{"sent", "txack", `"fCnt":4`, ""},
		{"location", "location", `"location":{"latitude":-51.5,"longitude":7.4653,"altitude":98.0}`, "-51.50000 7.46530"},
		{"location without one", "location", `"location":null`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for d, device := range map[dialect]string{
				V4{}: `{"deviceInfo":{"devEui":"a840410001810001"},`,
				V3{}: `{"devEUI":"a840410001810001",`,
			} {
				ev, err := d.Parse(&city.Message{Topic: tt.event, Body: []byte(device + tt.body + "}")})
				if err != nil || ev.Detail != tt.want {
					t.Errorf("%s: got %q, %v: want %q", d.Name(), ev.Detail, err, tt.want)
				}
			}
		})
	}
}
