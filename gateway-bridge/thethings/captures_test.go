package thethings

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

// captured reads the messages of the recording.
func captured(tb testing.TB) []city.Message {
	tb.Helper()
	const name = "the-things-stack-v3.jsonl"
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
	want := map[city.EventKind]int{city.EventUp: 59, city.EventJoin: 11, city.EventAck: 1, city.EventTxAck: 11}

	got := map[city.EventKind]int{}
	uplinks := map[uint64]bool{}
	for i, m := range captured(t) {
		ev, err := V3{}.Parse(&m)
		if err != nil {
			t.Errorf("line %d, %s: %v", i+1, m.Topic, err)
			continue
		}
		got[ev.Kind]++
		if ev.Kind == city.EventUp {
			uplinks[ev.Uplink.Ident] = true
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("kinds: got %v, want %v", got, want)
	}
	if len(uplinks) != want[city.EventUp] {
		t.Errorf("%d uplinks have %d identities", want[city.EventUp], len(uplinks))
	}
}

func BenchmarkParse(b *testing.B) {
	var ups []city.Message
	size := 0
	for _, m := range captured(b) {
		if ev, err := (V3{}).Parse(&m); err == nil && ev.Kind == city.EventUp {
			ups = append(ups, m)
			size += len(m.Body)
		}
	}
	b.ReportAllocs()
	b.SetBytes(int64(size / len(ups)))
	for i := 0; b.Loop(); i++ {
		if _, err := (V3{}).Parse(&ups[i%len(ups)]); err != nil {
			b.Fatal(err)
		}
	}
}
