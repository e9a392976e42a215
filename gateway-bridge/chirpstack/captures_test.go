package chirpstack

import (
	"bufio"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
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
	tb.Helper()
	f, err := os.Open(filepath.Join("..", "testdata", "captures", name))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	var all []city.Message
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var line struct {
			T       time.Time
			Topic   string
			Payload json.RawMessage
			Text    string `json:"payload_str"`
			Bytes   []byte `json:"payload_b64"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			tb.Fatalf("%s:%d: %v", name, len(all)+1, err)
		}
		body := append(append([]byte(line.Payload), line.Text...), line.Bytes...)
		all = append(all, city.Message{Server: "test", Topic: line.Topic, Body: body, Received: line.T})
	}
	return all
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

func BenchmarkParse(b *testing.B) {
	for _, bb := range []struct {
		dialect dialect
		file    string
	}{{V4{}, "chirpstack-v4-generated.jsonl"}, {V3{}, "chirpstack-v3.jsonl"}} {
		var ups []city.Message
		size := 0
		for _, m := range captured(b, bb.file) {
			if ev, err := bb.dialect.Parse(&m); err == nil && ev.Kind == city.EventUp {
				ups = append(ups, m)
				size += len(m.Body)
			}
		}
		b.Run(bb.dialect.Name(), func(b *testing.B) {
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
