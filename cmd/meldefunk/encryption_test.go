package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"meldefunk/city/lorawan"
	"meldefunk/gateway-bridge/brokertest"
)

// stadtKEK is the key of the recorded messages, by its label stadt-kek-1.
const stadtKEK = "000102030405060708090a0b0c0d0e0f"

// nivusCodec refuses what is no message of the recorded level sensor.
const nivusCodec = `function decodeUplink(input) {
  if (input.bytes.length !== 4 || input.bytes[0] !== 1) return {errors: ["no level message"]};
  return {data: {level: input.bytes[1] * 256 + input.bytes[2]}};
}`

const nivusMapping = `model: nivus/level
kind: bin
codec: level.js
values:
  - {field: level, quantity: distance, unit: mm}
`

const (
	thingsEncrypted = "v3/stadt-sensorik/devices/eui-a840410001810009/up"
	v4Encrypted     = "application/6b4a2f0e-6a0b-4f7e-9b7a-1f2b3c4d5e6f/device/a840410001810001/event/up"
)

// recordedUp reads a recorded message of a dialect's test data and replaces pieces of it.
func recordedUp(t testing.TB, topic, file string, changes ...string) published {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "..", "gateway-bridge", file))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(changes); i += 2 {
		if !bytes.Contains(body, []byte(changes[i])) {
			t.Fatalf("%s has no %s", file, changes[i])
		}
		body = bytes.Replace(body, []byte(changes[i]), []byte(changes[i+1]), 1)
	}
	return published{topic, bytes.TrimSpace(body)}
}

// TestEndToEndEncryption has messages whose payloads only the city can read, through
// mosquitto: set aside while the key is not there or is another, read by a replay once it
// is, and read at once from then on. Nothing that is written anywhere shows a key.
func TestEndToEndEncryption(t *testing.T) {
	broker := brokertest.Start(t)
	config := `inventory: [DIR/devices.csv]
codecs: {folder: DIR/codecs}
road: {max_backlog: 876000h}
keys: {keks: [{label: stadt-kek-1, file: DIR/stadt.key}]}
network_servers:
  - {name: things, dialect: the-things-stack-v3, broker: "` + broker.URL() + `"}
  - {name: chirpstack, dialect: chirpstack-v4, broker: "` + broker.URL() + `"}
`
	inventory := "DevEUI;Modell;Anlage;Art;Bezeichnung;leer_mm;voll_mm\n" +
		"a840410001810009;nivus/level;PK-1;Papierkorb;Pegel;2000;10\n" +
		"a840410001810001;dragino/lse01;B-1;Baum;Linde;;\n"
	p := newPlatform(t, buildBinary(t, true), config, map[string]string{
		"devices.csv": inventory,
		"stadt.key":   strings.Repeat("42", 16), // another key
	})
	p.folder("codecs")
	p.write("codecs/level.js", nivusCodec)
	p.write("codecs/level.yaml", nivusMapping)
	p.start()

	const thingsFile, v4File = "thethings/testdata/up-encrypted.json", "chirpstack/testdata/v4-up-encrypted.json"
	whole := []published{
		recordedUp(t, thingsEncrypted, thingsFile),
		recordedUp(t, v4Encrypted, v4File),
	}
	for _, m := range append(whole,
		recordedUp(t, thingsEncrypted, thingsFile, `"f_cnt":1`, `"f_cnt":2`), // garbage under another counter
		recordedUp(t, v4Encrypted, v4File, `"fCnt":9`, `"fCnt":11`, "ef1ebb71", "ef1ebb72", "stadt-kek-1", "stadt-kek-2"),
		recordedUp(t, v4Encrypted, v4File, `"fCnt":9`, `"fCnt":12`, "ef1ebb71", "ef1ebb73", `"appSKey"`, `"sessionKeyId":"01020304","without"`),
	) {
		broker.Publish(m.topic, m.body)
	}
	p.wantMetrics(20*time.Second, map[string]float64{
		`meldefunk_road_set_aside_total{reason="encrypted"}`: 5,
		`meldefunk_road_frames_total{fate="aside"}`:          5,
	})
	p.stop()
	details := strings.Join(rows(t, p.database(), `SELECT detail FROM aside`), "\n")
	for text, n := range map[string]int{
		`does not open with key encryption key "stadt-kek-1"`:                                  3,
		`key encryption key "stadt-kek-2" is not configured`:                                   1,
		`payload of a840410001810001 is end-to-end encrypted, and no wrapped key came with it`: 1,
	} {
		if strings.Count(details, text) != n {
			t.Errorf("want %d times %q in\n%s", n, text, details)
		}
	}
	const sealed = `SELECT dev_eui, fcnt, lower(hex(payload)), envelope FROM frames ORDER BY dev_eui, fcnt`
	before := rows(t, p.database(), sealed)
	if want := `a840410001810009|1|89f4e997|{"kek_label":"stadt-kek-1","wrapped":"c1/pcU3WYskJuqjHj019E5hywxUefBql","dev_addr":"00248777"}`; !slices.Contains(before, want) {
		t.Errorf("frames %q, want %q among them", before, want)
	}

	p.write("stadt.key", stadtKEK+"\n")
	out, err := exec.Command(p.binary, "replay", "-c", p.config).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "5 set aside, 2 replayed, 3 still set aside\n") {
		t.Errorf("replay says %q, %v", out, err)
	}
	p.log.add(string(out))
	wantReadings(t, p, `a840410001810001|9`, `a840410001810009|1`)
	reasons := rows(t, p.database(), `SELECT reason, count(*), max(detail LIKE '%no level message%after end-to-end decryption%') FROM aside GROUP BY reason ORDER BY reason`)
	if want := []string{"encrypted|2|0", "undecodable|1|1"}; !slices.Equal(reasons, want) {
		t.Errorf("still set aside: %q, want %q", reasons, want)
	}
	if after := rows(t, p.database(), sealed); !slices.Equal(before, after) {
		t.Errorf("the stored frames changed from\n%q to\n%q", before, after)
	}

	p.start()
	live := recordedUp(t, v4Encrypted, v4File, `"fCnt":9`, `"fCnt":13`, "ef1ebb71", "ef1ebb74", "09:19:02", "09:39:02",
		"/57L1UZhIXe3w0Q=", sealedLSE01(t, 13))
	for _, m := range append(whole, live, live) { // repeats change nothing
		broker.Publish(m.topic, m.body)
	}
	p.wantMetrics(20*time.Second, map[string]float64{
		`meldefunk_road_frames_total{fate="read"}`: 1, `meldefunk_road_repeats_total`: 3, `meldefunk_road_acknowledged_total`: 4,
	})
	p.stop()
	wantReadings(t, p, `a840410001810001|13`, `a840410001810001|9`, `a840410001810009|1`)
	// What is stored is decrypted anew.
	p.write("codecs/level.yaml", strings.Replace(nivusMapping, "unit: mm", "unit: cm", 1))
	out, err = exec.Command(p.binary, "replay", "-c", p.config, "--model", "nivus/level").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "distance 18→180") || !strings.Contains(string(out), "1 readings changed, 0 can no longer") {
		t.Errorf("replay --model says %q, %v", out, err)
	}
	p.log.add(string(out))
	p.wantNoKeys([]string{stadtKEK, strings.Repeat("42", 16), "c50f285adc95759a04444fd5ff906da7", "00112233445566778899aabbccddeeff"})
}

// sealedLSE01 is the payload of the recorded ChirpStack message under another counter.
func sealedLSE01(t *testing.T, fcnt uint32) string {
	t.Helper()
	b, err := hex.DecodeString("0ce57fff05dc04b900c810")
	if err != nil {
		t.Fatal(err)
	}
	key, err := lorawan.ParseKey("00112233445566778899aabbccddeeff")
	if err != nil {
		t.Fatal(err)
	}
	lorawan.CryptPayload(b, b, key, lorawan.Up, lorawan.DevAddr{0x01, 0x65, 0xc9, 0x04}, fcnt)
	return base64.StdEncoding.EncodeToString(b)
}

// wantReadings compares device and counter of what was read, and the values of each.
func wantReadings(t *testing.T, p *platform, want ...string) {
	t.Helper()
	if got := rows(t, p.database(), `SELECT dev_eui, fcnt FROM readings ORDER BY dev_eui, cast(fcnt AS TEXT)`); !slices.Equal(got, want) {
		t.Errorf("readings %q, want %q", got, want)
	}
	values := rows(t, p.database(), `SELECT DISTINCT json_extract(measured, '$.distance'), json_extract(measured, '$.soil_moisture'),
		json_extract(measured, '$.soil_temperature'), json_extract(measured, '$.conductivity') FROM readings ORDER BY asset DESC`)
	if want := []string{"18|||", "|15|12.09|200"}; !slices.Equal(values, want) {
		t.Errorf("values %q, want %q", values, want)
	}
}

func TestCheckKeys(t *testing.T) {
	config := good + "tickets: {system: local}\nkeys:\n  keks:\n    - label: a\n      file: DIR/a.key\n"
	for name, c := range map[string]struct {
		mode os.FileMode
		text string
		want string // "": fine
	}{
		"fine":            {0o640, stadtKEK, ""},
		"others may read": {0o644, stadtKEK, `keys: "a": file: `},
		"not a key":       {0o600, stadtKEK[1:] + "\n", "is not a key: want 32, 48 or 64 hex digits, got 31 characters"},
		"empty":           {0o600, "", "is empty or not set"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write := func(name, text string, mode os.FileMode) {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
					t.Fatal(err)
				}
			}
			write("a.key", c.text, c.mode)
			write("inventory.csv", recordedInventory(), 0o600)
			write("f.yaml", strings.NewReplacer("DIR", dir, "inventory.yaml", dir+"/inventory.csv").Replace(config), 0o600)
			err := checkAll(t.Context(), filepath.Join(dir, "f.yaml"))
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want …%s", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), stadtKEK[4:12]) {
				t.Errorf("%q shows the key", err)
			}
		})
	}
}
