package chirpstack

import (
	"bufio"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"meldefunk/city"
)

// dialect is what V4 and V3 have in common, for tests that hold for both.
type dialect interface {
	Name() string
	Topics() []string
	Parse(m *city.Message) (city.Event, error)
}

// captured reads the messages of a recording of gateway-bridge/testdata/captures.
func captured(tb testing.TB, name string) []city.Message {
	all, _ := capturedInBoth(tb, name)
	return all
}

// capturedInBoth reads a recording, and those of its messages again that it has as
// protobuf too.
func capturedInBoth(tb testing.TB, name string) (all, protobuf []city.Message) {
	tb.Helper()
	all, protobuf, _ = capturedInAll(tb, name)
	return all, protobuf
}

// capturedInAll reads a recording, and its messages again as protobuf and in json_v3
// where it has them in these forms.
func capturedInAll(tb testing.TB, name string) (all, protobuf, jsonV3 []city.Message) {
	tb.Helper()
	f, err := os.Open(filepath.Join("..", "testdata", "captures", name))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var line struct {
			T       time.Time
			Topic   string
			Payload json.RawMessage
			Text    string          `json:"payload_str"`
			Bytes   []byte          `json:"payload_b64"`
			Wire    []byte          `json:"payload_protobuf_b64"`
			JSONV3  json.RawMessage `json:"payload_json_v3"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			tb.Fatalf("%s:%d: %v", name, len(all)+1, err)
		}
		body := append(append([]byte(line.Payload), line.Text...), line.Bytes...)
		m := city.Message{Server: "test", Topic: line.Topic, Body: body, Received: line.T}
		all = append(all, m)
		if m.Body = line.Wire; m.Body != nil {
			protobuf = append(protobuf, m)
		}
		if m.Body = line.JSONV3; m.Body != nil {
			jsonV3 = append(jsonV3, m)
		}
	}
	return all, protobuf, jsonV3
}

func TestEveryCapturedMessageIsUnderstood(t *testing.T) {
	tests := []struct {
		dialect dialect
		file    string
		want    map[city.EventKind]int
	}{
		{V4{}, "chirpstack-v4-generated.jsonl", map[city.EventKind]int{
			city.EventUp: 41, city.EventJoin: 11, city.EventStatus: 3, city.EventAck: 2,
			city.EventTxAck: 1, city.EventLog: 7, city.EventLocation: 1,
		}},
		{V3{}, "chirpstack-v3.jsonl", map[city.EventKind]int{
			city.EventUp: 57, city.EventJoin: 11, city.EventStatus: 37, city.EventAck: 1,
			city.EventTxAck: 3, city.EventLog: 9, city.EventOther: 226,
		}},
		{V3{}, v3Generated, map[city.EventKind]int{
			city.EventUp: 32, city.EventJoin: 3, city.EventStatus: 4, city.EventAck: 1,
			city.EventTxAck: 3, city.EventLog: 9, city.EventLocation: 1,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			got := map[city.EventKind]int{}
			uplinks := map[uint64]bool{}
			for i, m := range captured(t, tt.file) {
				ev, err := tt.dialect.Parse(&m)
				if err != nil {
					t.Errorf("line %d, %s: %v", i+1, m.Topic, err)
					continue
				}
				got[ev.Kind]++
				if ev.Kind == city.EventUp {
					uplinks[ev.Uplink.Ident] = true
				}
			}
			if !maps.Equal(got, tt.want) {
				t.Errorf("kinds: got %v, want %v", got, tt.want)
			}
			if len(uplinks) != tt.want[city.EventUp] {
				t.Errorf("%d uplinks have %d identities", tt.want[city.EventUp], len(uplinks))
			}
		})
	}
}

// sameInBothForms wants the same event of two messages that say the same. What identifies
// an event that is no uplink is its bytes.
func sameInBothForms(t *testing.T, d dialect, json, protobuf *city.Message) city.Event {
	t.Helper()
	want, err := d.Parse(json)
	if err != nil {
		t.Fatalf("%s, JSON: %v", json.Topic, err)
	}
	got, err := d.Parse(protobuf)
	if err != nil {
		t.Fatalf("%s, protobuf: %v", protobuf.Topic, err)
	}
	if want.Kind != city.EventUp {
		if got.Ident == 0 || got.Ident == want.Ident {
			t.Errorf("%s: identities %d and %d", json.Topic, want.Ident, got.Ident)
		}
		got.Ident = want.Ident
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n    JSON %+v\nprotobuf %+v", json.Topic, want, got)
	}
	return want
}

func TestV4MeansTheSameInBothForms(t *testing.T) {
	json, protobuf := capturedInBoth(t, "chirpstack-v4-generated.jsonl")
	if len(json) != 66 || len(protobuf) != len(json) {
		t.Fatalf("%d messages as JSON, %d as protobuf", len(json), len(protobuf))
	}
	kinds := map[city.EventKind]int{}
	for i := range json {
		kinds[sameInBothForms(t, V4{}, &json[i], &protobuf[i]).Kind]++
	}
	if len(kinds) != 7 || kinds[city.EventOther] != 0 {
		t.Errorf("kinds: %v", kinds)
	}
}

// v3Generated has messages of chirpstack-v3.jsonl as the other two marshalers would have
// written them, made with the types of chirpstack-api v3.
const v3Generated = "chirpstack-v3-marshalers-generated.jsonl"

// TestV3MeansTheSameInAllForms compares what the three marshalers make of an event:
// json_v3 leaves out session, confirmed flag and the server's time, and is equal else.
func TestV3MeansTheSameInAllForms(t *testing.T) {
	json, protobuf, jsonV3 := capturedInAll(t, v3Generated)
	if len(json) != 53 || len(protobuf) != len(json) || len(jsonV3) != len(json) {
		t.Fatalf("%d messages as json, %d as protobuf, %d as json_v3", len(json), len(protobuf), len(jsonV3))
	}
	confirmed := 0
	for i := range json {
		got := sameInBothForms(t, V3{}, &json[i], &protobuf[i])
		want, err := V3{}.Parse(&jsonV3[i])
		if err != nil {
			t.Fatal(err)
		}
		switch got.Kind {
		case city.EventUp:
			if len(got.Uplink.Session) != 8 {
				t.Errorf("%s: session %q", json[i].Topic, got.Uplink.Session)
			}
			if got.Uplink.Confirmed {
				confirmed++
			}
			got.Uplink.Session, got.Uplink.Confirmed = "", false
		case city.EventJoin:
			if len(got.Session) != 8 {
				t.Errorf("%s: session %q", json[i].Topic, got.Session)
			}
			got.Session = ""
			got.Ident = want.Ident
		default:
			got.Ident = want.Ident
		}
		if (want.Time == city.Stamp{}) {
			if got.Time.Source != city.TimeServer || json[i].Received.Sub(got.Time.At).Abs() > time.Second {
				t.Errorf("%s: time %v", json[i].Topic, got.Time)
			}
			got.Time, got.Uplink.Time = want.Time, want.Uplink.Time
		}
		got.Uplink.Fallback = want.Uplink.Fallback // json_v3 does not tell when it was published
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n   json %+v\njson_v3 %+v", json[i].Topic, got, want)
		}
	}
	if confirmed != 2 {
		t.Errorf("%d confirmed uplinks", confirmed)
	}
}

func BenchmarkParse(b *testing.B) {
	for _, bb := range []struct {
		dialect dialect
		file    string
	}{{V4{}, "chirpstack-v4-generated.jsonl"}, {V3{}, "chirpstack-v3.jsonl"}, {V3{}, v3Generated}} {
		json, protobuf := capturedInBoth(b, bb.file)
		for form, all := range map[string][]city.Message{"json": json, "protobuf": protobuf} {
			var ups []city.Message
			size := 0
			for _, m := range all {
				if ev, err := bb.dialect.Parse(&m); err == nil && ev.Kind == city.EventUp {
					ups = append(ups, m)
					size += len(m.Body)
				}
			}
			if len(ups) == 0 {
				continue // not recorded in this form
			}
			b.Run(bb.file+"/"+form, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(size / len(ups)))
				for i := 0; b.Loop(); i++ {
					if _, err := bb.dialect.Parse(&ups[i%len(ups)]); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
