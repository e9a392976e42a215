package events

import (
	"reflect"
	"testing"

	"meldefunk/city"
	"meldefunk/gateway-bridge/chirpstack"
)

// TestV4MeansTheSameInBothForms lets the platform read every variant as JSON and as
// protobuf. Only what identifies an event that is no uplink may differ: its bytes.
func TestV4MeansTheSameInBothForms(t *testing.T) {
	for _, e := range v4Variants() {
		read := func(s Server) city.Event {
			ev, err := chirpstack.V4{}.Parse(&city.Message{Server: "test", Topic: s.Topic(e), Body: s.Append(nil, e), Received: noon})
			if err != nil || ev.Kind == city.EventOther {
				t.Fatalf("%s of %s: %v, %v", s.Topic(e), s.Name(), ev.Kind, err)
			}
			return ev
		}
		json, protobuf := read(V4{}), read(V4Protobuf{})
		if json.Kind != city.EventUp {
			protobuf.Ident = json.Ident
		}
		if !reflect.DeepEqual(json, protobuf) {
			t.Errorf("%s:\n    JSON %+v\nprotobuf %+v", V4{}.Topic(e), json, protobuf)
		}
	}
}
