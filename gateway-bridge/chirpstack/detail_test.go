package chirpstack

import (
	"reflect"
	"strings"
	"testing"

	"meldefunk/city"
)

func TestWhatEventsTell(t *testing.T) {
	tests := []struct {
		name, event, body string
		want              city.Event
	}{
		{"battery", "status", `"margin":-3,"batteryLevel":0.4`, city.Event{Status: &city.Status{Battery: 0.4, HasBattery: true, Margin: -3}}},
		{"empty battery", "status", `"margin":-32,"batteryLevel":0.0`, city.Event{Status: &city.Status{HasBattery: true, Margin: -32}}},
		{"full battery", "status", `"margin":31,"batteryLevel":100`, city.Event{Status: &city.Status{Battery: 100, HasBattery: true, Margin: 31}}},
		{"external power", "status", `"margin":11,"externalPowerSource":true,"batteryLevel":0.0`, city.Event{Status: &city.Status{External: true, Margin: 11}}},
		{"battery unknown", "status", `"batteryLevelUnavailable":true,"batteryLevel":255`, city.Event{Status: &city.Status{}}},
		{"acknowledged", "ack", `"acknowledged":true`, city.Event{Code: "ack"}},
		{"timeout", "ack", `"acknowledged":false`, city.Event{Code: "nack", Severity: city.SeverityWarning}},
		{"sent", "txack", `"fCnt":4`, city.Event{Code: "sent"}},
		{"location", "location", `"location":{"latitude":-51.5,"longitude":7.4653,"altitude":98.0}`, city.Event{Position: &city.Position{Lat: -51.5, Lon: 7.4653}}},
		{"location without one", "location", `"location":null`, city.Event{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for d, device := range bothDevices {
				ev, err := d.Parse(&city.Message{Topic: tt.event, Body: []byte(device + tt.body + "}")})
				got := city.Event{Severity: ev.Severity, Code: ev.Code, Detail: ev.Detail, Status: ev.Status, Position: ev.Position}
				if err != nil || !reflect.DeepEqual(got, tt.want) {
					t.Errorf("%s: got %+v, %v: want %+v", d.Name(), got, err, tt.want)
				}
			}
		})
	}
}

// bothDevices begins an event of a device in both dialects.
var bothDevices = map[dialect]string{
	V4{}: `{"deviceInfo":{"devEui":"a840410001810001"},`,
	V3{}: `{"devEUI":"a840410001810001",`,
}

func TestWhatNoDeviceCanTell(t *testing.T) {
	for _, tt := range []struct{ name, event, body, want string }{
		{"margin", "status", `"margin":32`, "margin is 32: want -32 to 31"},
		{"margin of long ago", "status", `"margin":256`, "margin is 256: want -32 to 31"},
		{"battery", "status", `"batteryLevel":255`, "batteryLevel is 255: want 0 to 100"},
		{"battery below nothing", "status", `"batteryLevel":-1`, "batteryLevel is -1: want 0 to 100"},
		{"location", "location", `"location":{"latitude":91}`, "location is 91 0: want a latitude"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for d, device := range bothDevices {
				ev, err := d.Parse(&city.Message{Topic: tt.event, Body: []byte(device + tt.body + "}")})
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("%s: got %+v, %v: want %q", d.Name(), ev, err, tt.want)
				}
			}
		})
	}
}

func TestHowBadAnErrorIs(t *testing.T) {
	for _, tt := range []struct {
		d    dialect
		body string
		want city.Severity
	}{
		{V4{}, `"level":"INFO"`, city.SeverityInfo},
		{V4{}, `"code":"OTAA"`, city.SeverityInfo},
		{V4{}, `"level":"WARNING"`, city.SeverityWarning},
		{V4{}, `"level":"ERROR"`, city.SeverityError},
		{V4{}, `"level":"FATAL"`, city.SeverityError},
		{V3{}, `"type":"UPLINK_FCNT_RESET"`, city.SeverityWarning},
		{V3{}, `"type":"UPLINK_FCNT_RETRANSMISSION"`, city.SeverityWarning},
		{V3{}, `"type":"OTAA"`, city.SeverityError},
	} {
		event := map[dialect]string{V4{}: "log", V3{}: "error"}[tt.d]
		ev, err := tt.d.Parse(&city.Message{Topic: event, Body: []byte(bothDevices[tt.d] + tt.body + "}")})
		if err != nil || ev.Severity != tt.want {
			t.Errorf("%s %s: got %v, %v: want %v", tt.d.Name(), tt.body, ev.Severity, err, tt.want)
		}
	}
}
