package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/gateway-bridge/brokertest"
	"meldefunk/storage/influxtest"
)

// memoryBin is a bin whose sensor sends what it measured before along: 1300 mm now, 800 mm
// and an error code earlier.
const (
	memoryBin     = "a8404100018400f0"
	memoryPayload = "0175640382140520ce00f15365200320ce58f35365ffff"
)

func memoryMessage(t *testing.T) published {
	t.Helper()
	payload, err := hex.DecodeString(memoryPayload)
	if err != nil {
		t.Fatal(err)
	}
	const application = "6b4a2f0e-6a0b-4f7e-9b7a-1f2b3c4d5e6f"
	return published{"application/" + application + "/device/" + memoryBin + "/event/up", fmt.Appendf(nil,
		`{"deduplicationId":"3ac7e3c4-4401-4b8d-9386-a5c902f9202d","time":"2023-11-14T22:30:00Z",
		"deviceInfo":{"applicationId":%q,"devEui":%q},"devAddr":"01a2b3c4","fCnt":7,"fPort":85,"data":%q,
		"rxInfo":[{"gatewayId":"7076ff0056000001","rssi":-99,"snr":5.5}]}`,
		application, memoryBin, base64.StdEncoding.EncodeToString(payload))}
}

// agree compares every quantity and fault in SQLite with InfluxDB, both ways.
func agree(t *testing.T, p *platform, in *influxtest.Server) error {
	t.Helper()
	kept := map[string]string{}
	for _, line := range rows(t, p.database(), `SELECT dev_eui || ' ' || time, model || ' ' || faults || ' ' || measured FROM readings`) {
		key, text, _ := strings.Cut(line, "|")
		kept[key] = text
	}
	for _, kind := range city.Kinds() {
		for _, row := range in.Readings(t, kind.String()) {
			key := fmt.Sprintf("%s %d", row.Tags["dev_eui"], row.Time.UnixNano())
			text := kept[key]
			delete(kept, key)
			f := strings.SplitN(text, " ", 3)
			if len(f) != 3 {
				return fmt.Errorf("point %s is no reading, or there twice", key)
			}
			var measured map[string]float64
			if err := json.Unmarshal([]byte(f[2]), &measured); err != nil {
				return err
			}
			faults, _ := row.Fields["faults"].(string)
			if row.Tags["model"] != f[0] || faults != f[1] {
				return fmt.Errorf("%s: model %s, faults %q, want %s, %q", key, row.Tags["model"], faults, f[0], f[1])
			}
			for _, q := range city.Quantities() {
				point, there := row.Fields[q.String()]
				if yes, ok := point.(bool); ok {
					point = city.Bool(yes)
				}
				if n, measured := measured[q.String()]; there != measured || there && point != n {
					return fmt.Errorf("%s: %s is %v, want %v (%v)", key, q, point, n, measured)
				}
			}
		}
	}
	if len(kept) > 0 {
		return fmt.Errorf("%d readings are not in InfluxDB", len(kept))
	}
	return nil
}

// killReplay starts decoding again and kills it after its first commits. Its output goes
// into a pipe that is nearly full and that nobody empties, so it cannot reach its end.
func killReplay(t *testing.T, p *platform) {
	t.Helper()
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	defer in.Close()
	if _, err := in.Write(make([]byte, 64<<10-1200)); err != nil {
		t.Fatal(err)
	}
	mark := rows(t, p.database(), `SELECT reading FROM mark`)[0]
	cmd := exec.Command(p.binary, "replay", "-c", p.config, "--uplinks")
	cmd.Stdout = in
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.eventually(30*time.Second, "first commits", func() error {
		if n := rows(t, p.database(), `SELECT count(*) FROM readings WHERE id > ?`, mark)[0]; n == "0" {
			return errors.New("nothing is committed")
		}
		return nil
	})
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("it came to its end before it was killed")
	}
}

// TestCalibrationPutRight runs with a wrong calibration, mends it and decodes again:
// history, the rules' view, the board and InfluxDB agree afterwards, and nothing is
// doubled, also where a device sent values later from its memory, a mended reading says less
// than before, or decoding is killed in the middle.
func TestCalibrationPutRight(t *testing.T) {
	broker, in := brokertest.Start(t), influxtest.Start(t)
	files := recordedFiles()
	files["influx.token"] = in.Token
	right := files["devices.csv"] + memoryBin + ";milesight/em500-udl;PK-M;Papierkorb;Papierkorb mit Gedächtnis;2500;300\n"
	// At 10,000 mm empty every bin seems full: cases open and never close.
	files["devices.csv"] = strings.ReplaceAll(right, "2500;300", "10000;300")
	p := newPlatform(t, buildBinary(t, true), recordedConfig(broker.URL())+influxConfig(in), files)
	p.start()
	for _, r := range recordings {
		for _, m := range r.messages(t) {
			broker.Publish(m.topic, m.body)
		}
	}
	memory := memoryMessage(t)
	broker.Publish(memory.topic, memory.body)
	p.wantMetrics(30*time.Second, map[string]float64{`meldefunk_road_frames_total{fate="read"}`: 112, "meldefunk_influx_behind_readings": 0})
	p.eventually(30*time.Second, "InfluxDB agrees at first", func() error { return agree(t, p, in) })
	p.stop()
	open := rows(t, p.database(), `SELECT count(*) FROM cases WHERE rule = 'bin-full' AND closed IS NULL`)[0]
	if open != "8" {
		t.Fatalf("%s bins seem full with the wrong calibration, want all 8", open)
	}

	p.write("devices.csv", right)
	replay := func(want string, args ...string) {
		t.Helper()
		if out, code := run(t, append([]string{"replay", "-c", p.config}, args...)...); code != exitOK || !strings.Contains(out, want) {
			t.Errorf("replay %v: exit code %d, want %q in\n%s", args, code, want, out)
		}
	}
	const levels = `SELECT time / 1000000000, round(measured ->> 'fill_level', 1), faults FROM readings WHERE asset = 'PK-M' ORDER BY time`
	same(t, "the bin with memory, wrong", rows(t, p.database(), levels), []string{"1700000000|94.8|", "1700000600||probe_broken", "1700001000|89.7|"})
	replay("1 devices, 7 readings would change", "--dry-run", "--device", "a840410001830003")
	replay("23 devices, 31 readings would change", "--dry-run")
	killReplay(t, p)
	replay("changed, 0 can no longer be decoded", "--uplinks")
	replay("23 devices, 0 readings changed", "--uplinks")

	same(t, "the bin with memory", rows(t, p.database(), levels), []string{"1700000000|77.3|", "1700000600||probe_broken", "1700001000|54.5|"})
	expected := expectedReadings(t)
	sqliteHas(t, p, expected)
	if got := rows(t, p.database(), `SELECT count(*) FROM cases WHERE rule = 'bin-full' AND closed IS NULL`)[0]; got != "4" {
		t.Errorf("%s bins are full after it was put right, want the three of ChirpStack v4 and the one with memory", got)
	}
	p.start()
	p.eventually(30*time.Second, "InfluxDB agrees", func() error { return agree(t, p, in) })
	page, err := p.get("/anlage/chirpstack-v3-03")
	if err != nil || !strings.Contains(page, "29,1") || strings.Contains(page, "83,9") {
		t.Errorf("the board does not show the mended values: %v", err)
	}
	p.stop()

	// Without a calibration there is no level: it goes in InfluxDB too.
	p.write("devices.csv", strings.Replace(right, "Gedächtnis;2500;300", "Gedächtnis;;", 1))
	replay("1 devices, 2 readings changed", "--uplinks", "--device", memoryBin)
	p.start()
	p.eventually(30*time.Second, "InfluxDB agrees without levels", func() error { return agree(t, p, in) })
	p.stop()
	same(t, "the bin with memory, uncalibrated", rows(t, p.database(), levels),
		[]string{"1700000000||uncalibrated", "1700000600||probe_broken", "1700001000||uncalibrated"})
	sqliteHas(t, p, expected)
}
