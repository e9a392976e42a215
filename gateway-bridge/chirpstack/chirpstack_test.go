package chirpstack

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

func repeat(s string, n int) string { return strings.Repeat(s, n) }

func mustEUI(s string) city.EUI {
	e, err := city.ParseEUI(s)
	if err != nil {
		panic(err)
	}
	return e
}

// sample is a message of testdata, the event of its topic, and what it means. Identities
// are written down because they are stored: a later version must find the same.
type sample struct {
	file, event string
	want        city.Event
}

func checkSamples(t *testing.T, d dialect, samples []sample) {
	t.Helper()
	received := time.Date(2026, 11, 21, 22, 0, 0, 0, time.UTC)
	for _, s := range samples {
		t.Run(s.file, func(t *testing.T) {
			body, err := os.ReadFile(filepath.Join("testdata", s.file))
			if err != nil {
				t.Fatal(err)
			}
			body = bytes.TrimSpace(body)
			m := city.Message{Server: "stadt", Topic: "application/x/device/any/event/" + s.event, Body: body, Received: received}
			got, err := d.Parse(&m)
			if err != nil {
				t.Fatal(err)
			}
			want := s.want
			if want.Kind == city.EventUp {
				want.Uplink.Server, want.Uplink.Received = "stadt", received
				want.DevEUI, want.Time, want.Ident = want.Uplink.DevEUI, want.Uplink.Time, want.Uplink.Ident
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("\n got %+v\nwant %+v", got, want)
			}
			clear(body)
			if !bytes.Equal(got.Uplink.Payload, want.Uplink.Payload) || got.Session != want.Session || got.Code != want.Code || got.Detail != want.Detail {
				t.Error("the event keeps bytes of the message")
			}
		})
	}
}

// refusal is a body on a topic of device a840410001810001 and the detail of its rejection.
type refusal struct{ name, event, body, want string }

func checkRefusals(t *testing.T, d dialect, refusals []refusal) {
	t.Helper()
	for _, r := range refusals {
		t.Run(r.name, func(t *testing.T) {
			m := city.Message{Topic: "application/x/device/a840410001810001/event/" + r.event, Body: []byte(r.body)}
			ev, err := d.Parse(&m)
			rejection, ok := errors.AsType[*city.Rejection](err)
			if !ok {
				t.Fatalf("got %+v, %v: want a rejection", ev, err)
			}
			if rejection.Reason != city.ReasonMalformed || rejection.Detail != r.want {
				t.Errorf("\n got %v\nwant malformed: %s", rejection, r.want)
			}
		})
	}
}

// checkIdents wants the same identity for the same body and other ones for the others.
func checkIdents(t *testing.T, d dialect, event, body string, others map[string]string) {
	t.Helper()
	ident := func(body string) uint64 {
		ev, err := d.Parse(&city.Message{Topic: "application/x/device/any/event/" + event, Body: []byte(body)})
		if err != nil {
			t.Fatal(err)
		}
		if ev.Ident == 0 || ev.Kind == city.EventUp && ev.Ident != ev.Uplink.Ident {
			t.Fatalf("identities %d and %d of one delivery", ev.Ident, ev.Uplink.Ident)
		}
		return ev.Ident
	}
	first := ident(body)
	if again := ident(body); again != first {
		t.Errorf("redelivery: %d, then %d", first, again)
	}
	for name, other := range others {
		if ident(other) == first {
			t.Errorf("%s: same identity", name)
		}
	}
}

func TestTopicsThatAreNotDeviceEvents(t *testing.T) {
	for _, d := range []dialect{V4{}, V3{}} {
		for _, topic := range []string{
			"", "/", "up/", "application", "$SYS/broker/load",
			"application/1/device/a840410001810001/command/down",
			"application/1/device/a840410001810001/event/integration",
			"application/1/device/a840410001810001/event/",
			"gateway/7076ff0056000001/event/up",
			"gateway/7076ff0056000001/event/ack",
			"gateway/7076ff0056000001/state/conn",
			"eu868/gateway/7076ff0056000001/event/up",
			"eu868/gateway/7076ff0056000001/command/down",
		} {
			ev, err := d.Parse(&city.Message{Topic: topic, Body: []byte("\n\x07protobuf")})
			if err != nil || !reflect.DeepEqual(ev, city.Event{}) {
				t.Errorf("%s, topic %q: got %+v, %v", d.Name(), topic, ev, err)
			}
		}
	}
}

func TestTopicsOfAnOperatorsOwn(t *testing.T) {
	const v4 = `{"deduplicationId":"d","deviceInfo":{"devEui":"a840410001810001"}}`
	const v3 = `{"devEUI":"a840410001810001","txInfo":{"frequency":868100000,"dr":5}}`
	tests := []struct {
		dialect     dialect
		topic, body string
		ok          bool
	}{
		{V4{}, "up", v4, true},
		{V4{}, "stadt/sensoren/wasser/up", v4, true},
		{V4{}, "stadt/device/a840410001810001/up", v4, true},
		{V4{}, "stadt/device/A840410001810001/up", v4, true},
		{V4{}, "stadt/device/a840410001810002/up", v4, false},
		{V3{}, "application/1/device/a840410001810001/rx", v3, true},
		{V3{}, "application/1/device/a840410001810002/rx", v3, false},
	}
	for _, tt := range tests {
		ev, err := tt.dialect.Parse(&city.Message{Topic: tt.topic, Body: []byte(tt.body)})
		if ok := err == nil && ev.Kind == city.EventUp; ok != tt.ok {
			t.Errorf("%s, topic %q: got %v, %v", tt.dialect.Name(), tt.topic, ev.Kind, err)
		}
	}
}

func TestNamesAndTopics(t *testing.T) {
	for d, name := range map[dialect]string{V4{}: "chirpstack-v4", V3{}: "chirpstack-v3"} {
		if d.Name() != name || !slices.Equal(d.Topics(), []string{"application/+/device/+/event/+"}) {
			t.Errorf("got %s %v", d.Name(), d.Topics())
		}
	}
}

func FuzzV4(f *testing.F) { fuzz(f, V4{}, "chirpstack-v4-generated.jsonl") }

func FuzzV3(f *testing.F) { fuzz(f, V3{}, "chirpstack-v3.jsonl", v3Generated) }

func fuzz(f *testing.F, d dialect, files ...string) {
	for _, file := range files {
		json, protobuf := capturedInBoth(f, file)
		for i, m := range append(json, protobuf...) {
			if i%7 == 0 {
				f.Add(m.Topic, m.Body)
			}
		}
	}
	f.Add("application/1/device/a840410001810001/event/up", []byte("\x0a\x01d\x1a\xff\xff\xff\xff\x07"))
	f.Add("application/1/device/a840410001810001/event/up", []byte(`{"rxInfo":[{"rssi":[]`))
	f.Fuzz(func(t *testing.T, topic string, body []byte) {
		original := bytes.Clone(body)
		ev, err := d.Parse(&city.Message{Topic: topic, Body: body})
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
		case len(u.Payload) > 242, len(u.Session) > 8, len(u.Radio.Gateway) > 16, u.Radio.SpreadingFactor > 12:
			t.Fatalf("too long or too much: %+v", u)
		case utf8.RuneCountInString(ev.Detail) > 200, utf8.RuneCountInString(ev.Code) > 40, len(ev.Session) > 8:
			t.Fatalf("too long: %+v", ev)
		}
		again, err := d.Parse(&city.Message{Topic: topic, Body: body})
		if err != nil || !reflect.DeepEqual(again, ev) {
			t.Fatalf("the second time %+v, %v", again, err)
		}
	})
}
