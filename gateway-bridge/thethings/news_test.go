package thethings

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
		{"acknowledged", "down/ack", `"downlink_ack":{}`, city.Event{Code: "ack"}},
		{"not acknowledged", "down/nack", `"downlink_nack":{}`, city.Event{Code: "nack", Severity: city.SeverityWarning}},
		{"neither", "down/nack", `"other":{}`, city.Event{}},
		{"sent", "down/sent", `"downlink_sent":{}`, city.Event{Code: "sent"}},
		{"failed", "down/failed", `"downlink_failed":{"error":{"name":"no_f_port","message_format":"no FPort"}}`,
			city.Event{Code: "failed", Severity: city.SeverityError, Detail: "no_f_port: no FPort"}},
		{"failed without words", "down/failed", `"downlink_failed":{}`, city.Event{Code: "failed", Severity: city.SeverityError}},
		{"many words", "down/failed", `"downlink_failed":{"error":{"message_format":"` + strings.Repeat("ß", 300) + `"}}`,
			city.Event{Code: "failed", Severity: city.SeverityError, Detail: strings.Repeat("ß", 200)}},
		{"invalidated", "down/invalidated", `"downlink_queue_invalidated":{}`, city.Event{Code: "invalidated", Severity: city.SeverityWarning}},
		{"location", "location/solved", `"location_solved":{"location":{"latitude":51.5,"longitude":-7.4,"accuracy":35}}`,
			city.Event{Position: &city.Position{Lat: 51.5, Lon: -7.4}}},
		{"no location", "location/solved", `"location_solved":{"service":"x"}`, city.Event{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := `{"end_device_ids":{"dev_eui":"A840410001810001"},` + tt.body + "}"
			for _, topic := range []string{"v3/a/devices/b/" + tt.event, "webhook/tts/"} {
				if topic == "webhook/tts/" && tt.name == "neither" {
					continue // nothing tells what it is
				}
				ev, err := V3{}.Parse(&city.Message{Topic: topic, Body: []byte(body)})
				got := city.Event{Severity: ev.Severity, Code: ev.Code, Detail: ev.Detail, Status: ev.Status, Position: ev.Position}
				if err != nil || !reflect.DeepEqual(got, tt.want) {
					t.Errorf("%s: got %+v, %v: want %+v", topic, got, err, tt.want)
				}
			}
		})
	}
	_, err := V3{}.Parse(&city.Message{Topic: "v3/a/devices/b/location/solved",
		Body: []byte(`{"end_device_ids":{"dev_eui":"A840410001810001"},"location_solved":{"location":{"latitude":91}}}`)})
	if err == nil || !strings.Contains(err.Error(), "location is 91 0") {
		t.Errorf("no place on earth: %v", err)
	}
}
