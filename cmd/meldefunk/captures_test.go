package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"meldefunk/gateway-bridge/brokertest"
)

// capture is one file of recorded traffic on one way into the platform, and what must come
// of it. The recordings are described in ../../gateway-bridge/testdata/captures.
type capture struct {
	file    string
	dialect string
	form    string // member of a line that holds the message: "payload" is what was recorded
	way     string // "mqtt" or "webhook"

	messages int    // sent on this way
	events   string // what the dialect made of them, by kind
	readings int
	late     int // of the readings: older than the newest of their asset
	frames   string
	repeats  int
	sessions string // begun, by cause
	aside    string // by reason, arrivals
	told     string // device events stored, by kind; of devices in the inventory only
}

// Where a number is not plain from the files, the reason stands beside it.
var captures = []capture{
	// One frame of …05 was heard without any time: it is of now, and the 8 that follow it in
	// the recording are late. The frame after the rejoin comes before its join: a counter seen twice, so a
	// session of its own.
	{file: "chirpstack-v3.jsonl", dialect: "chirpstack-v3", form: "payload", way: "mqtt",
		messages: 344, events: "ack 1, join 11, log 9, other 226, status 37, txack 3, up 57",
		readings: 41, late: 8, frames: "aside 2, empty 2, read 41", repeats: 0,
		sessions: "first 1, join 6, reset 1", aside: "undecodable 1, unknown_device 12, unknown_port 1",
		told: "ack 1, aside 2, join 8, log 7, reset 1, status 29, txack 3"},
	{file: "chirpstack-v3.jsonl", dialect: "chirpstack-v3", form: "payload", way: "webhook",
		messages: 118, events: "ack 1, join 11, log 9, status 37, txack 3, up 57",
		readings: 41, late: 8, frames: "aside 2, empty 2, read 41", repeats: 0,
		sessions: "first 1, join 6, reset 1", aside: "undecodable 1, unknown_device 12, unknown_port 1",
		told: "ack 1, aside 2, join 8, log 7, reset 1, status 29, txack 3"},
	// A choice of the same messages as each marshaler writes them: 3 of the 11 joins, and 7 of
	// the late ones. With the other two marshalers every message tells its time, and a join
	// names another session than the frames before it.
	{file: "chirpstack-v3-marshalers-generated.jsonl", dialect: "chirpstack-v3", form: "json_v3", way: "mqtt",
		messages: 53, events: "ack 1, join 3, location 1, log 9, status 4, txack 3, up 32",
		readings: 25, late: 7, frames: "aside 2, empty 2, read 25", repeats: 0,
		sessions: "first 6, join 1, reset 1", aside: "undecodable 1, unknown_device 3, unknown_port 1",
		told: "ack 1, aside 2, join 3, location 1, log 7, reset 1, status 4, txack 3"},
	{file: "chirpstack-v3-marshalers-generated.jsonl", dialect: "chirpstack-v3", form: "json_v3", way: "webhook",
		messages: 53, events: "ack 1, join 3, location 1, log 9, status 4, txack 3, up 32",
		readings: 25, late: 7, frames: "aside 2, empty 2, read 25", repeats: 0,
		sessions: "first 6, join 1, reset 1", aside: "undecodable 1, unknown_device 3, unknown_port 1",
		told: "ack 1, aside 2, join 3, location 1, log 7, reset 1, status 4, txack 3"},
	{file: "chirpstack-v3-marshalers-generated.jsonl", dialect: "chirpstack-v3", form: "payload", way: "mqtt",
		messages: 53, events: "ack 1, join 3, location 1, log 9, status 4, txack 3, up 32",
		readings: 25, late: 0, frames: "aside 2, empty 2, read 25", repeats: 0,
		sessions: "first 6, join 3, reset 1", aside: "undecodable 1, unknown_device 3, unknown_port 1",
		told: "ack 1, aside 2, join 3, location 1, log 7, reset 1, status 4, txack 3"},
	{file: "chirpstack-v3-marshalers-generated.jsonl", dialect: "chirpstack-v3", form: "payload", way: "webhook",
		messages: 53, events: "ack 1, join 3, location 1, log 9, status 4, txack 3, up 32",
		readings: 25, late: 0, frames: "aside 2, empty 2, read 25", repeats: 0,
		sessions: "first 6, join 3, reset 1", aside: "undecodable 1, unknown_device 3, unknown_port 1",
		told: "ack 1, aside 2, join 3, location 1, log 7, reset 1, status 4, txack 3"},
	{file: "chirpstack-v3-marshalers-generated.jsonl", dialect: "chirpstack-v3", form: "protobuf", way: "mqtt",
		messages: 53, events: "ack 1, join 3, location 1, log 9, status 4, txack 3, up 32",
		readings: 25, late: 0, frames: "aside 2, empty 2, read 25", repeats: 0,
		sessions: "first 6, join 3, reset 1", aside: "undecodable 1, unknown_device 3, unknown_port 1",
		told: "ack 1, aside 2, join 3, location 1, log 7, reset 1, status 4, txack 3"},
	{file: "chirpstack-v3-marshalers-generated.jsonl", dialect: "chirpstack-v3", form: "protobuf", way: "webhook",
		messages: 53, events: "ack 1, join 3, location 1, log 9, status 4, txack 3, up 32",
		readings: 25, late: 0, frames: "aside 2, empty 2, read 25", repeats: 0,
		sessions: "first 6, join 3, reset 1", aside: "undecodable 1, unknown_device 3, unknown_port 1",
		told: "ack 1, aside 2, join 3, location 1, log 7, reset 1, status 4, txack 3"},
	// Repeats: one frame under two regions, and one more of the same counter and content. A
	// counter begins anew without a join, with one that was there already.
	{file: "chirpstack-v4-generated.jsonl", dialect: "chirpstack-v4", form: "payload", way: "mqtt",
		messages: 66, events: "ack 2, join 11, location 1, log 7, status 3, txack 1, up 41",
		readings: 29, late: 0, frames: "aside 2, empty 2, read 29", repeats: 2,
		sessions: "join 8, reset 1", aside: "encrypted 2, unknown_device 6",
		told: "ack 2, aside 2, join 9, location 1, log 7, reset 1, status 3, txack 1"},
	{file: "chirpstack-v4-generated.jsonl", dialect: "chirpstack-v4", form: "payload", way: "webhook",
		messages: 66, events: "ack 2, join 11, location 1, log 7, status 3, txack 1, up 41",
		readings: 29, late: 0, frames: "aside 2, empty 2, read 29", repeats: 2,
		sessions: "join 8, reset 1", aside: "encrypted 2, unknown_device 6",
		told: "ack 2, aside 2, join 9, location 1, log 7, reset 1, status 3, txack 1"},
	{file: "chirpstack-v4-generated.jsonl", dialect: "chirpstack-v4", form: "protobuf", way: "mqtt",
		messages: 66, events: "ack 2, join 11, location 1, log 7, status 3, txack 1, up 41",
		readings: 29, late: 0, frames: "aside 2, empty 2, read 29", repeats: 2,
		sessions: "join 8, reset 1", aside: "encrypted 2, unknown_device 6",
		told: "ack 2, aside 2, join 9, location 1, log 7, reset 1, status 3, txack 1"},
	{file: "chirpstack-v4-generated.jsonl", dialect: "chirpstack-v4", form: "protobuf", way: "webhook",
		messages: 66, events: "ack 2, join 11, location 1, log 7, status 3, txack 1, up 41",
		readings: 29, late: 0, frames: "aside 2, empty 2, read 29", repeats: 2,
		sessions: "join 8, reset 1", aside: "encrypted 2, unknown_device 6",
		told: "ack 2, aside 2, join 9, location 1, log 7, reset 1, status 3, txack 1"},
	{file: "the-things-stack-v3.jsonl", dialect: "the-things-stack-v3", form: "payload", way: "mqtt",
		messages: 82, events: "ack 1, join 11, txack 11, up 59",
		readings: 41, late: 0, frames: "aside 2, empty 2, read 41", repeats: 0,
		sessions: "join 8", aside: "undecodable 1, unknown_device 14, unknown_port 1",
		told: "ack 1, aside 2, join 8, txack 9"},
	{file: "the-things-stack-v3.jsonl", dialect: "the-things-stack-v3", form: "payload", way: "webhook",
		messages: 82, events: "ack 1, join 11, txack 11, up 59",
		readings: 41, late: 0, frames: "aside 2, empty 2, read 41", repeats: 0,
		sessions: "join 8", aside: "undecodable 1, unknown_device 14, unknown_port 1",
		told: "ack 1, aside 2, join 8, txack 9"},
}

// messagesIn reads those messages of a recording that it has in a form. What is recorded
// once, as text or as bytes, is "payload" in either case.
func (c capture) messagesIn(t *testing.T) []published {
	t.Helper()
	var all []published
	for _, line := range recordedLines(t, c.file) {
		var m struct {
			Topic    string
			Payload  json.RawMessage `json:"payload"`
			Text     string          `json:"payload_str"`
			Bytes    []byte          `json:"payload_b64"`
			Protobuf []byte          `json:"payload_protobuf_b64"`
			JSONV3   json.RawMessage `json:"payload_json_v3"`
		}
		if err := json.Unmarshal(line, &m); err != nil {
			t.Fatal(err)
		}
		body := append(append([]byte(m.Payload), m.Text...), m.Bytes...)
		switch c.form {
		case "protobuf":
			body = m.Protobuf
		case "json_v3":
			body = m.JSONV3
		}
		// What network servers post are the events of devices.
		if c.way == "webhook" && !strings.HasPrefix(m.Topic, "v3/") && (!strings.HasPrefix(m.Topic, "application/") || !strings.Contains(m.Topic, "/event/")) {
			continue
		}
		all = append(all, published{m.Topic, body})
	}
	return all
}

// send has the platform hear every message, in order.
func (c capture) send(t *testing.T, messages []published, client mqtt.Client, url string) {
	t.Helper()
	for _, m := range messages {
		if c.way == "webhook" {
			if code, text, err := postTo(url, "ns", m, false, false); code != http.StatusOK {
				t.Fatalf("%s: %d %s %v", m.topic, code, text, err)
			}
			continue
		}
		token := client.Publish(m.topic, 1, false, m.body)
		if !token.WaitTimeout(10*time.Second) || token.Error() != nil {
			t.Fatalf("%s: %v", m.topic, token.Error())
		}
	}
}

// inventory has the devices of the recordings whose models are known, on their recorded EUIs.
func (c capture) inventory() string {
	inventory := recordedInventory()
	for _, r := range recordings {
		if r.dialect == c.dialect {
			inventory = strings.ReplaceAll(inventory, r.prefix, recordedPrefix)
		}
	}
	return inventory
}

// TestCaptures sends every recording alone, in each form and on each way that it can come,
// and wants exact counts.
func TestCaptures(t *testing.T) {
	binary := buildBinary(t, true)
	for _, c := range captures {
		t.Run(c.file+"/"+c.form+"/"+c.way, func(t *testing.T) {
			var config, url string
			var client mqtt.Client
			files := map[string]string{"devices.csv": c.inventory(), "rules.yaml": recordedRules, "token": hookToken}
			if c.way == "webhook" {
				config, url = hookConfig(t, map[string]string{"ns": c.dialect})
			} else {
				broker := brokertest.Start(t)
				client = broker.Client("network-server")
				config = fmt.Sprintf("road: {max_backlog: 876000h}\nnetwork_servers:\n  - {name: ns, dialect: %s, broker: %q, topics: [\"#\"]}\n", c.dialect, broker.URL())
			}
			p := newPlatform(t, binary, config+"inventory: [DIR/devices.csv]\nrules: DIR/rules.yaml\n", files)
			p.start()
			messages := c.messagesIn(t)
			if len(messages) != c.messages {
				t.Errorf("%d messages sent, want %d", len(messages), c.messages)
			}
			c.send(t, messages, client, url)
			p.wantMetrics(30*time.Second, map[string]float64{"meldefunk_road_acknowledged_total": float64(len(messages))})
			metrics, err := p.metrics()
			if err != nil {
				t.Fatal(err)
			}
			p.stop()

			got := c
			got.messages = len(messages)
			got.events = bySeries(metrics, `meldefunk_bridge_messages_total{event="`)
			got.repeats = int(metrics["meldefunk_road_repeats_total"])
			db := p.database()
			scan := func(into any, query string) {
				t.Helper()
				if err := db.QueryRow(query).Scan(into); err != nil {
					t.Fatal(err)
				}
			}
			scan(&got.readings, `SELECT count(*) FROM readings`)
			scan(&got.late, `SELECT count(*) FROM readings WHERE flags & 1`)
			by := func(column, count, table string) string {
				return strings.Join(rows(t, db, fmt.Sprintf(`SELECT %s || ' ' || %s FROM %s GROUP BY %s ORDER BY 1`, column, count, table, column)), ", ")
			}
			got.frames = by("fate", "count(*)", "frames")
			got.sessions = by("cause", "count(*)", "sessions")
			got.aside = by("reason", "sum(count)", "aside")
			got.told = by("kind", "sum(count)", "device_events")
			if got != c {
				t.Errorf("\n got %+v\nwant %+v", got, c)
			}
		})
	}
}

// bySeries lists the series with a prefix that are not 0: "join 11, up 57".
func bySeries(metrics map[string]float64, prefix string) string {
	var all []string
	for series, n := range metrics {
		if rest, ok := strings.CutPrefix(series, prefix); ok && n > 0 {
			label, _, _ := strings.Cut(rest, `"`)
			all = append(all, fmt.Sprintf("%s %g", label, n))
		}
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}
