package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"meldefunk/gateway-bridge/brokertest"
)

// sampleTime is the time of the sample; unless a case changes it, it becomes the present.
const sampleTime = "2026-11-21T09:16:52.828375"

// v4Up is a ChirpStack v4 uplink of device 84…02, a bin; the cases change one thing of it.
func v4Up(fcnt int, change ...string) published {
	body := fmt.Sprintf(`{"deduplicationId":"40f28d21-c120-4be8-b15e-%012d","time":"`+sampleTime+`+00:00",`+
		`"deviceInfo":{"tenantName":"Stadt","applicationId":"6b4a2f0e-6a0b-4f7e-9b7a-1f2b3c4d5e6f","deviceName":"em310-udl-02",`+
		`"devEui":"a840410001840002"},"devAddr":"0165c904","adr":true,"dr":5,"fCnt":%d,"fPort":85,"confirmed":false,`+
		`"data":"AXVcA4JEBgQAAA==","rxInfo":[{"gatewayId":"7076ff0056000001","uplinkId":1,"rssi":-118,"snr":6.5}],`+
		`"txInfo":{"frequency":868100000,"modulation":{"lora":{"bandwidth":125000,"spreadingFactor":7,"codeRate":"CR_4_5"}}}}`, fcnt, fcnt)
	body = strings.NewReplacer(change...).Replace(body)
	body = strings.Replace(body, sampleTime, time.Now().UTC().Format("2006-01-02T15:04:05.000000"), 1)
	return published{"application/6b4a2f0e-6a0b-4f7e-9b7a-1f2b3c4d5e6f/device/a840410001840002/event/up", []byte(body)}
}

// TestBadInput sends what should not be and wants each to end as a reading or set aside
// with its reason; a good message after each shows that the road goes on.
func TestBadInput(t *testing.T) {
	broker := brokertest.Start(t)
	p := newPlatform(t, buildBinary(t, true), recordedConfig(broker.URL()), recordedFiles())
	// Times are judged here as in production.
	config := strings.Replace(recordedConfig(broker.URL()), "road: {max_backlog: 876000h}\n", "", 1)
	p.write("meldefunk.yaml", fmt.Sprintf("data: %s\nboard: {listen: \"127.0.0.1:0\"}\n", p.path("data"))+strings.ReplaceAll(config, "DIR", p.dir))
	p.start()
	db := p.database()

	big := v4Up(0)
	big.body = append(bytes.TrimSuffix(big.body, []byte("}")), fmt.Sprintf(`,"object":{"x":%q}}`, strings.Repeat("x", 10<<20))...)
	elsewhere := func(m published, topic string) published { m.topic = topic; return m }
	n := 0
	next := func() int { n += 2; return n }

	for _, c := range []struct {
		name   string
		send   published
		reason string // set aside; "": a reading
		detail string // a part of it
		time   string // of the reading: event (as sent) or received
	}{
		{"as it should be", v4Up(next()), "", "", "event"},
		{"upper-case EUI", v4Up(next(), "a840410001840002", "A840410001840002"), "", "", "event"},
		{"time in 1970", v4Up(next(), sampleTime, "1970-01-01T00:00:00"), "", "", "received"},
		{"time in 2099", v4Up(next(), sampleTime, "2099-01-01T00:00:00"), "", "", "received"},
		{"truncated JSON", published{v4Up(0).topic, v4Up(next()).body[:300]}, "malformed", "", ""},
		{"no JSON", published{v4Up(0).topic, []byte("hello")}, "malformed", "", ""},
		{"nothing", published{v4Up(0).topic, nil}, "malformed", "", ""},
		{"wrong type", v4Up(next(), `"fCnt":`, `"fCnt":"x","was":`), "malformed", "fCnt", ""},
		{"counter too large", v4Up(next(), `"fCnt":`, `"fCnt":4294967296,"was":`), "malformed", "fCnt", ""},
		{"port too large", v4Up(next(), `"fPort":85`, `"fPort":300`), "malformed", "fPort", ""},
		{"EUI in base64", v4Up(next(), `"a840410001840002"`, `"qEBBAAGEAAI="`), "malformed", "16 hex digits", ""},
		{"EUI of another device than the topic's", v4Up(next(), `"a840410001840002"`, `"a840410001840006"`), "malformed", "topic", ""},
		{"payload no base64", v4Up(next(), "AXVcA4JEBgQAAA==", "%%%"), "malformed", "data", ""},
		{"10 MB", big, "too_large", "262144", ""},
		{"unknown device", elsewhere(v4Up(next(), "a840410001840002", "a8404100018400ff"), strings.Replace(v4Up(0).topic, "0002", "00ff", 1)), "unknown_device", "inventory", ""},
		{"unknown port", v4Up(next(), `"fPort":85`, `"fPort":86`), "unknown_port", "85", ""},
		{"payload too short", v4Up(next(), "AXVcA4JEBgQAAA==", "AQ=="), "undecodable", "", ""},
		{"payload garbage", v4Up(next(), "AXVcA4JEBgQAAA==", "3q2+7w=="), "undecodable", "", ""},
		{"payload longer than LoRaWAN allows", v4Up(next(), "AXVcA4JEBgQAAA==", strings.Repeat("AAAA", 100)), "malformed", "242", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := rows(t, db, `SELECT (SELECT count(*) FROM readings), (SELECT count(*) FROM aside)`)[0]
			broker.Publish(c.send.topic, c.send.body)
			good := v4Up(next() - 1)
			broker.Publish(good.topic, good.body)
			var readings, asides int
			if _, err := fmt.Sscanf(before, "%d|%d", &readings, &asides); err != nil {
				t.Fatal(err)
			}
			wantReadings, wantAsides := readings+1, asides+1
			if c.reason == "" {
				wantReadings, wantAsides = readings+2, asides
			}
			p.eventually(15*time.Second, "both on the road", func() error {
				if now := rows(t, db, `SELECT (SELECT count(*) FROM readings), (SELECT count(*) FROM aside)`)[0]; now != fmt.Sprintf("%d|%d", wantReadings, wantAsides) {
					return fmt.Errorf("readings|set aside is %s, want %d|%d", now, wantReadings, wantAsides)
				}
				return nil
			})
			if c.reason == "" {
				source := rows(t, db, `SELECT time_source FROM readings ORDER BY id DESC LIMIT 1 OFFSET 1`)[0]
				if (source == "received") != (c.time == "received") {
					t.Errorf("time source %s, want %s", source, c.time)
				}
				return
			}
			got := rows(t, db, `SELECT reason, detail, length(body) FROM aside ORDER BY last_seen DESC, received DESC LIMIT 1`)[0]
			reason, rest, _ := strings.Cut(got, "|")
			if reason != c.reason || !strings.Contains(rest, c.detail) || strings.HasPrefix(rest, "|") {
				t.Errorf("set aside as %s, want %s with %q", got, c.reason, c.detail)
			}
		})
	}

	// What was set aside is shown, and an empty payload is neither a mistake nor a reading.
	page, err := p.get("/zurueckgestellt")
	if err != nil || !strings.Contains(page, "inventory") {
		t.Errorf("the board does not show what was set aside: %v", err)
	}
	empty := v4Up(next(), `"data":"AXVcA4JEBgQAAA=="`, `"data":""`)
	broker.Publish(empty.topic, empty.body)
	p.wantMetrics(10*time.Second, map[string]float64{`meldefunk_road_frames_total{fate="empty"}`: 1, "meldefunk_road_store_failures": 0})
	p.stop()
}
