package thethings

import (
	"reflect"
	"strings"
	"testing"

	"meldefunk/city"
)

// The same body means the same whether it comes over MQTT or is posted to a webhook, on
// whatever path.
func TestWebhookTellsTheSame(t *testing.T) {
	kinds := map[city.EventKind]int{}
	for _, m := range captured(t) {
		over := func(topic string) (city.Event, error) {
			return V3{}.Parse(&city.Message{Server: "ttn", Topic: topic, Body: m.Body})
		}
		want, err := over(m.Topic)
		if err != nil || want.Kind == city.EventOther {
			continue
		}
		kinds[want.Kind]++
		for _, topic := range []string{"webhook/ttn/", "webhook/ttn/up", "webhook/ttn/" + strings.SplitN(m.Topic, "/", 5)[4]} {
			got, err := over(topic)
			if err != nil {
				t.Fatalf("%s as %s: %v", m.Topic, topic, err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s as %s:\n got %+v\nwant %+v", m.Topic, topic, got, want)
			}
		}
	}
	for _, kind := range []city.EventKind{city.EventUp, city.EventJoin, city.EventAck, city.EventTxAck} {
		if kinds[kind] == 0 {
			t.Errorf("no %v in the recording", kind)
		}
	}
}
