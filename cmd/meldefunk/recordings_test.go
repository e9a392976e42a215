package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/gateway-bridge/brokertest"
	"meldefunk/storage/influxtest"
)

// recording is a file of recorded MQTT traffic. See testdata/README.md for the prefix.
type recording struct {
	server, dialect, file string
	topics                string
	prefix                string // of the DevEUIs, in place of the recorded one
}

var recordings = []recording{
	{"chirpstack-v3", "chirpstack-v3", "chirpstack-v3.jsonl", `["application/1/#", "gateway/#"]`, "a8404100018300"},
	{"chirpstack-v4", "chirpstack-v4", "chirpstack-v4-generated.jsonl", `["application/6b4a2f0e-6a0b-4f7e-9b7a-1f2b3c4d5e6f/#"]`, "a8404100018400"},
	{"things", "the-things-stack-v3", "the-things-stack-v3.jsonl", `["v3/#"]`, "a8404100018500"},
}

const recordedPrefix = "a8404100018100"

type published struct {
	topic string
	body  []byte
}

// recordedLines reads a file of recorded traffic, a message a line.
func recordedLines(t testing.TB, file string) [][]byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "gateway-bridge", "testdata", "captures", file))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSpace(data), []byte("\n"))
}

// messages reads a recording, every message in it.
func (r recording) messages(t testing.TB) []published {
	t.Helper()
	var all []published
	for _, line := range recordedLines(t, r.file) {
		line = bytes.ReplaceAll(line, []byte(recordedPrefix), []byte(r.prefix))
		line = bytes.ReplaceAll(line, bytes.ToUpper([]byte(recordedPrefix)), bytes.ToUpper([]byte(r.prefix)))
		var m struct {
			Topic      string
			Payload    json.RawMessage
			PayloadStr *string `json:"payload_str"`
			PayloadB64 *string `json:"payload_b64"`
		}
		if err := json.Unmarshal(line, &m); err != nil {
			t.Fatal(err)
		}
		body := []byte(m.Payload)
		switch {
		case m.PayloadStr != nil:
			body = []byte(*m.PayloadStr)
		case m.PayloadB64 != nil:
			var err error
			if body, err = base64.StdEncoding.DecodeString(*m.PayloadB64); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, published{m.Topic, body})
	}
	if len(all) < 60 {
		t.Fatalf("%s: %d messages", r.file, len(all))
	}
	return all
}

// recordedInventory has the devices of the recordings whose models are known. The others
// (ELSYS, LHT65, a level sensor) are in nobody's inventory.
func recordedInventory() string {
	var b bytes.Buffer
	b.WriteString("DevEUI;Modell;Anlage;Art;Bezeichnung;leer_mm;voll_mm\n")
	for _, r := range recordings {
		models := map[string]string{"01": "dragino/lse01", "02": "dragino/lse01", "0a": "dragino/lse01",
			"03": "milesight/em310-udl", "04": "milesight/em310-udl", "05": "bosch/tps110", "06": "bosch/tps110"}
		if r.dialect == "chirpstack-v4" {
			models = map[string]string{"01": "dragino/lse01", "05": "dragino/lse01", "09": "dragino/lse01",
				"02": "milesight/em310-udl", "06": "milesight/em310-udl", "0a": "milesight/em310-udl",
				"03": "bosch/tps110", "07": "bosch/tps110"}
		}
		for end, model := range models {
			kind, calibration := map[string]string{"dragino/lse01": "Baum", "milesight/em310-udl": "Papierkorb", "bosch/tps110": "Stellplatz"}[model], ";"
			if kind == "Papierkorb" {
				calibration = "2500;300"
			}
			fmt.Fprintf(&b, "%s%s;%s;%s-%s;%s;%s %s;%s\n", r.prefix, end, model, r.server, end, kind, kind, end, calibration)
		}
	}
	return b.String()
}

// recordedRules open and close on the distances that the recordings hold.
const recordedRules = `
rules:
  - {id: bin-full, kind: bin, quantity: fill_level, open: ">= 40 %", clear: "<= 20 %", for: 0s, readings: 1, clear_readings: 1,
     service: OS-ABF-01, title: Papierkorb voll, advice: Leerung mit der nächsten Tour.}
  - {id: bay-blocked, kind: parking, quantity: occupied, open: "= true", clear: "= false", for: 5s, readings: 2, clear_readings: 1,
     service: OS-PRK-01, title: Ladeplatz belegt, advice: Bitte prüfen.}
`

// recordedConfig has one network server for each recording. Event times of recordings are
// believed however old they are.
func recordedConfig(broker string) string {
	config := "inventory: [DIR/devices.csv]\nrules: DIR/rules.yaml\nroad: {max_backlog: 876000h}\nnetwork_servers:\n"
	for _, r := range recordings {
		config += fmt.Sprintf("  - {name: %s, dialect: %s, broker: %q, topics: %s}\n", r.server, r.dialect, broker, r.topics)
	}
	return config
}

func recordedFiles() map[string]string {
	return map[string]string{"devices.csv": recordedInventory(), "rules.yaml": recordedRules}
}

func influxConfig(in *influxtest.Server) string {
	return fmt.Sprintf("influxdb: {url: %q, org: %q, bucket: %q, token_file: DIR/influx.token}\n", in.URL, in.Org, in.Bucket)
}

// expectedReading is a line of testdata/expected.jsonl.
type expectedReading struct {
	Server     string
	DevEUI     string `json:"dev_eui"`
	Epoch      int
	FCnt       int
	Time       *int64
	TimeSource string `json:"time_source"`
	Values     map[string]float64
}

func (e *expectedReading) key() string { return fmt.Sprintf("%s/%d/%d", e.DevEUI, e.Epoch, e.FCnt) }

func expectedReadings(t testing.TB) map[string]*expectedReading {
	t.Helper()
	f, err := os.Open("testdata/expected.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all := map[string]*expectedReading{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var e expectedReading
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		all[e.key()] = &e
	}
	if len(all) != 111 {
		t.Fatalf("%d expected readings, want 111", len(all))
	}
	return all
}

// TestRecordings publishes every recorded message of the three network servers and wants
// exactly the expected readings in SQLite and in InfluxDB, and everything else counted.
func TestRecordings(t *testing.T) {
	broker, in := brokertest.Start(t), influxtest.Start(t)
	files := recordedFiles()
	files["influx.token"] = in.Token
	p := newPlatform(t, buildBinary(t, true), recordedConfig(broker.URL())+influxConfig(in), files)
	p.start()

	total := 0
	for _, r := range recordings {
		for _, m := range r.messages(t) {
			broker.Publish(m.topic, m.body)
			total++
		}
	}
	// Broken ones among them, on topics of each network server.
	broken := []published{
		{"application/1/device/a840410001830001/event/up", []byte(`{"applicationID":"1","devEUI":"a84041`)},
		{"application/6b4a2f0e-6a0b-4f7e-9b7a-1f2b3c4d5e6f/device/a840410001840001/event/up", []byte(`[1,2,3]`)},
		{"v3/stadt-sensorik/devices/eui-a840410001850001/up", []byte("\x00\x01\x02")},
	}
	for _, m := range broken {
		broker.Publish(m.topic, m.body)
	}

	// The counts come from reading the recordings by hand (see testdata/README.md). Cases:
	// each server's 1604 mm bins open (2 + 3 + 2), those of v3 and The Things Stack close at
	// 2116 mm (2 + 2), and each server's two occupied bays open.
	want := map[string]float64{
		"meldefunk_road_acknowledged_total":                                  float64(total + len(broken)),
		`meldefunk_road_frames_total{fate="read"}`:                           111,
		`meldefunk_road_frames_total{fate="empty"}`:                          6,
		`meldefunk_road_frames_total{fate="aside"}`:                          6,
		`meldefunk_road_repeats_total`:                                       2,
		`meldefunk_road_set_aside_total{reason="unknown_device"}`:            32,
		`meldefunk_road_set_aside_total{reason="unknown_port"}`:              2,
		`meldefunk_road_set_aside_total{reason="undecodable"}`:               2,
		`meldefunk_road_set_aside_total{reason="encrypted"}`:                 2,
		`meldefunk_road_set_aside_total{reason="malformed"}`:                 3,
		`meldefunk_road_sessions_total{cause="reset"}`:                       2, // v3: the rejoined device's frame came before its join; v4: a counter starts anew without one
		`meldefunk_road_cases_opened_total`:                                  13,
		`meldefunk_road_cases_closed_total`:                                  4,
		`meldefunk_road_store_failures`:                                      0,
		`meldefunk_bridge_messages_total{event="malformed",server="things"}`: 1,
	}
	for server, events := range map[string]map[string]float64{
		"chirpstack-v3": {"up": 57, "join": 11, "status": 37, "log": 9, "txack": 3, "ack": 1, "other": 226},
		"chirpstack-v4": {"up": 41, "join": 11, "status": 3, "log": 7, "txack": 1, "ack": 2, "location": 1},
		"things":        {"up": 59, "join": 11, "txack": 11, "ack": 1},
	} {
		for event, n := range events {
			want[fmt.Sprintf("meldefunk_bridge_messages_total{event=%q,server=%q}", event, server)] = n
		}
	}
	p.wantMetrics(30*time.Second, want)

	expected := expectedReadings(t)
	p.eventually(30*time.Second, "readings in InfluxDB", func() error { return influxHas(t, in, expected) })
	p.stop()
	sqliteHas(t, p, expected)
}

// sqliteHas compares the readings in SQLite with the expected ones, one by one. The bin with
// memory is not of the recordings.
func sqliteHas(t *testing.T, p *platform, expected map[string]*expectedReading) {
	t.Helper()
	res, err := p.database().Query(`SELECT dev_eui, epoch, fcnt, time, time_source, received, measured FROM readings WHERE dev_eui <> ?`, memoryBin)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Close()
	seen := map[string]bool{}
	for res.Next() {
		var got expectedReading
		var at, received int64
		var measured string
		if err := res.Scan(&got.DevEUI, &got.Epoch, &got.FCnt, &at, &got.TimeSource, &received, &measured); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(measured), &got.Values); err != nil {
			t.Fatal(err)
		}
		e := expected[got.key()]
		switch {
		case e == nil:
			t.Errorf("%s is not expected", got.key())
			continue
		case seen[got.key()]:
			t.Errorf("%s is there twice", got.key())
		case e.TimeSource != got.TimeSource || e.Time != nil && *e.Time != at || e.Time == nil && at != received:
			t.Errorf("%s: time %d (%s), want %v (%s)", got.key(), at, got.TimeSource, e.Time, e.TimeSource)
		}
		sameValues(t, got.key(), got.Values, e.Values)
		seen[got.key()] = true
	}
	if err := res.Err(); err != nil {
		t.Fatal(err)
	}
	if len(seen) != len(expected) {
		t.Errorf("%d readings, want %d", len(seen), len(expected))
	}
}

func sameValues(t *testing.T, key string, got, want map[string]float64) {
	t.Helper()
	for q, v := range want {
		if math.Abs(got[q]-v) > 1e-9*math.Max(1, math.Abs(v)) {
			t.Errorf("%s: %s is %g, want %g", key, q, got[q], v)
		}
	}
	for q := range got {
		if q == city.OccupiedSince.String() || q == city.FormerDuration.String() {
			continue // not in a frame: the road adds them
		}
		if _, ok := want[q]; !ok {
			t.Errorf("%s: %s is not expected", key, q)
		}
	}
}

// influxHas compares the points in InfluxDB with the expected readings, one by one.
func influxHas(t *testing.T, in *influxtest.Server, expected map[string]*expectedReading) error {
	t.Helper()
	byPoint := map[string]*expectedReading{}
	untimed := map[string]*expectedReading{}
	for _, e := range expected {
		if e.Time == nil {
			untimed[fmt.Sprintf("%s/%d", e.DevEUI, e.FCnt)] = e
			continue
		}
		byPoint[fmt.Sprintf("%s@%d", e.DevEUI, *e.Time)] = e
	}
	points := 0
	for _, measurement := range []string{"bin", "soil", "parking"} {
		for _, row := range in.Readings(t, measurement) {
			points++
			fcnt, _ := row.Fields["fcnt"].(float64)
			e := byPoint[fmt.Sprintf("%s@%d", row.Tags["dev_eui"], row.Time.UnixNano())]
			if e == nil {
				e = untimed[fmt.Sprintf("%s/%g", row.Tags["dev_eui"], fcnt)]
			}
			if e == nil {
				return fmt.Errorf("point %v %v is not expected", row.Tags, row.Time)
			}
			if int(fcnt) != e.FCnt {
				return fmt.Errorf("%s: fcnt %v", e.key(), row.Fields["fcnt"])
			}
			for q, want := range e.Values {
				got, ok := row.Fields[q].(float64)
				if b, isBool := row.Fields[q].(bool); isBool {
					got, ok = 0, true
					if b {
						got = 1
					}
				}
				if !ok || math.Abs(got-want) > 1e-9*math.Max(1, math.Abs(want)) {
					return fmt.Errorf("%s: %s is %v, want %g", e.key(), q, row.Fields[q], want)
				}
			}
		}
	}
	if points != len(expected) {
		return fmt.Errorf("%d points, want %d", points, len(expected))
	}
	return nil
}
