package main

import (
	"strings"
	"testing"
	"time"

	"meldefunk/gateway-bridge/brokertest"
	"meldefunk/storage/influxtest"
)

// TestCalibrationPutRight runs with a wrong calibration, mends it and decodes again:
// history, the rules' view, the board and InfluxDB agree afterwards, and nothing is
// doubled.
func TestCalibrationPutRight(t *testing.T) {
	broker, in := brokertest.Start(t), influxtest.Start(t)
	files := recordedFiles()
	files["influx.token"] = in.Token
	right := files["devices.csv"]
	// At 10,000 mm empty every bin seems full: cases open and never close.
	files["devices.csv"] = strings.ReplaceAll(right, "2500;300", "10000;300")
	p := newPlatform(t, buildBinary(t, true), recordedConfig(broker.URL())+influxConfig(in), files)
	p.start()
	for _, r := range recordings {
		for _, m := range r.messages(t) {
			broker.Publish(m.topic, m.body)
		}
	}
	p.wantMetrics(30*time.Second, map[string]float64{`meldefunk_road_frames_total{fate="read"}`: 111, "meldefunk_influx_behind_readings": 0})
	p.stop()
	open := rows(t, p.database(), `SELECT count(*) FROM cases WHERE rule = 'bin-full' AND closed IS NULL`)[0]
	if open != "7" {
		t.Fatalf("%s bins seem full with the wrong calibration, want all 7", open)
	}

	p.write("devices.csv", right)
	run := func(want string, args ...string) {
		t.Helper()
		c := command()
		var out strings.Builder
		c.SetOut(&out)
		c.SetErr(&out)
		c.SetArgs(append([]string{"replay", "-c", p.config}, args...))
		if err := c.ExecuteContext(t.Context()); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("replay %v: %v, want %q in\n%s", args, err, want, out.String())
		}
	}
	run("1 devices, 7 readings would change", "--dry-run", "--device", "a840410001830003")
	run("22 devices, 29 readings would change", "--dry-run")
	run("22 devices, 29 readings changed", "--uplinks")
	run("22 devices, 0 readings changed", "--uplinks")

	expected := expectedReadings(t)
	sqliteHas(t, p, expected)
	if got := rows(t, p.database(), `SELECT count(*) FROM cases WHERE rule = 'bin-full' AND closed IS NULL`)[0]; got != "3" {
		t.Errorf("%s bins are full after it was put right, want the three of ChirpStack v4", got)
	}
	p.start()
	p.eventually(30*time.Second, "InfluxDB agrees", func() error { return influxHas(t, in, expected) })
	page, err := p.get("/anlage/chirpstack-v3-03")
	if err != nil || !strings.Contains(page, "29,1") || strings.Contains(page, "83,9") {
		t.Errorf("the board does not show the mended values: %v", err)
	}
	p.stop()
}
