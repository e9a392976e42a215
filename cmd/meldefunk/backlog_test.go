package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"meldefunk/gateway-bridge/brokertest"
)

const (
	backlogEnv     = "MELDEFUNK_BACKLOG" // how many messages wait; the full size is 2000000
	backlogDevices = 2000
	backlogSize    = 1400 // bytes of a body
	mostMemory     = 200  // MB
)

// TestBacklog lets 200,000 messages (or as many as MELDEFUNK_BACKLOG says) wait in mosquitto
// while the platform is away, and InfluxDB never comes. The platform must drain them in the
// order of each device, throttle nobody, and stay small.
func TestBacklog(t *testing.T) {
	long(t, "a minute")
	count := 200_000
	if text := os.Getenv(backlogEnv); text != "" {
		var err error
		if count, err = strconv.Atoi(text); err != nil || count < backlogDevices {
			t.Fatalf("%s=%s: want a number of messages from %d on", backlogEnv, text, backlogDevices)
		}
	}
	var inventory strings.Builder
	inventory.WriteString("DevEUI;Modell;Anlage;Art;Bezeichnung;leer_mm;voll_mm\n")
	for d := range backlogDevices {
		fmt.Fprintf(&inventory, "%s;milesight/em310-udl;PK-%d;Papierkorb;bin;2000;200\n", backlogEUI(d), d)
	}
	broker := brokertest.Start(t)
	config := `inventory: [DIR/devices.csv]
network_servers: [{name: city, dialect: chirpstack-v4, broker: "` + broker.URL() + `"}]
influxdb: {url: "http://127.0.0.1:1", org: stadt, bucket: meldefunk, token_file: DIR/influx.token}
`
	p := newPlatform(t, buildBinary(t, false), config, map[string]string{"devices.csv": inventory.String(), "influx.token": "none"})
	p.start() // the session exists from now on
	p.stop()
	began := time.Now()
	waiting := publishBacklog(t, broker, count)
	t.Logf("%d messages, %d MB, published in %s", count, waiting/1e6, time.Since(began).Round(time.Second))

	began = time.Now()
	p.launch()
	largest := watchMemory(t, p, func() bool {
		got, err := p.metrics()
		return err == nil && got["meldefunk_road_acknowledged_total"] >= float64(count)
	})
	took := time.Since(began)
	t.Logf("drained in %s, %.0f/s, resident at most %d MB", took.Round(time.Second), float64(count)/took.Seconds(), largest/1000)
	if largest > mostMemory*1000 {
		t.Errorf("resident memory was %d kB, want less than %d MB", largest, mostMemory)
	}
	p.stop()
	broker.Kill() // a soft end would save gigabytes first
	db := p.database()
	if got, want := rows(t, db, `SELECT (SELECT count(*) FROM frames), (SELECT count(*) FROM readings), (SELECT count(*) FROM aside)`)[0], fmt.Sprintf("%d|%d|0", count, count); got != want {
		t.Errorf("frames|readings|set aside: %s, want %s", got, want)
	}
	if got := rows(t, db, `SELECT count(*) FROM frames a JOIN frames b ON b.dev_eui = a.dev_eui AND b.epoch = a.epoch AND b.fcnt = a.fcnt + 1 WHERE b.id < a.id`)[0]; got != "0" {
		t.Errorf("%s frames came before the one they follow", got)
	}
}

func backlogEUI(device int) string { return fmt.Sprintf("a84041000184%04x", device) }

// publishBacklog queues frames of all devices in turn, a minute apart, and gives the bytes.
func publishBacklog(t *testing.T, broker *brokertest.Broker, count int) (size int) {
	t.Helper()
	client := broker.Client("backlog")
	defer client.Disconnect(250)
	newest := time.Now()
	tokens := make([]mqtt.Token, 0, 1000)
	for n := range count {
		device, fcnt := n%backlogDevices, n/backlogDevices
		at := newest.Add(time.Duration(fcnt-count/backlogDevices) * time.Minute)
		body := fmt.Appendf(nil, `{"deduplicationId":"40f28d21-c120-4be8-b15e-%012d","time":%q,`+
			`"deviceInfo":{"tenantName":"Stadt","deviceName":"em310-udl","devEui":%q},"devAddr":"%08x","adr":true,"dr":5,"fCnt":%d,"fPort":85,"confirmed":false,`+
			`"data":"AXVcA4JEBgQAAA==","rxInfo":[{"gatewayId":"7076ff0056000001","uplinkId":1,"rssi":-118,"snr":6.5}],`+
			`"txInfo":{"frequency":868100000,"modulation":{"lora":{"bandwidth":125000,"spreadingFactor":7,"codeRate":"CR_4_5"}}},"object":{"x":"`,
			n, at.UTC().Format(time.RFC3339Nano), backlogEUI(device), device, fcnt)
		body = append(append(body, bytes.Repeat([]byte("x"), backlogSize-len(body)-3)...), `"}}`...)
		size += len(body)
		topic := "application/6b4a2f0e-6a0b-4f7e-9b7a-1f2b3c4d5e6f/device/" + backlogEUI(device) + "/event/up"
		if tokens = append(tokens, client.Publish(topic, 1, false, body)); len(tokens) == cap(tokens) || n == count-1 {
			for _, token := range tokens {
				if token.Wait(); token.Error() != nil {
					t.Fatal(token.Error())
				}
			}
			tokens = tokens[:0]
		}
	}
	return size
}

// watchMemory reads the platform's resident memory five times a second until it is done,
// and gives the largest, in kB.
func watchMemory(t *testing.T, p *platform, done func() bool) (largest int64) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Minute)
	for n := 0; ; n++ {
		largest = max(largest, p.memory("VmRSS"))
		if n%5 == 0 && done() {
			return largest
		}
		if time.Now().After(deadline) {
			t.Fatal("not drained within half an hour")
		}
		time.Sleep(200 * time.Millisecond)
	}
}
