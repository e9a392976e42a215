package main

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"meldefunk/city/register"
	"meldefunk/decoders"
	"meldefunk/devices"
	sim "meldefunk/firmware-sim"
	"meldefunk/gateway-bridge/brokertest"
)

const smallCity = `seed: 4
bins: 12
trees: 5
bays: 3
period: 30m
story: false
faults:
  - {kind: gateway_outage, share: 0.3, from: 2h, for: 1h}
truth: {bin_over: [90]}
`

// TestSimCommand goes through what is wrong on the command line or in the file.
func TestSimCommand(t *testing.T) {
	dir := write(t, map[string]string{
		"city.yaml":    smallCity,
		"bad.yaml":     smallCity + "loss: 2\ndialect: loriot\n",
		"unknown.yaml": smallCity + "sensors: 3\n",
		"fault.yaml":   strings.Replace(smallCity, "share: 0.3", "share: 3", 1),
	})
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(in("r.csv"), nil, 0o644); err != nil { // whose mode must not stay
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"into a file", []string{in("city.yaml"), "--out", in("a.jsonl"), "--for", "24h"}, exitOK, "messages written to"},
		{"so many", []string{in("city.yaml"), "--out", in("a.jsonl"), "--count", "10", "--json"}, exitOK, `{"messages":10}`},
		{"inventory only", []string{in("city.yaml"), "--inventory", in("i.csv"), "--registrations", in("r.csv")}, exitOK, ""},
		{"nowhere", []string{in("city.yaml")}, exitUsage, "where to?"},
		{"two ways", []string{in("city.yaml"), "--out", "-", "--udp", "127.0.0.1:1"}, exitUsage, "where to?"},
		{"no end", []string{in("city.yaml"), "--out", "-"}, exitUsage, "has no end"},
		{"speed", []string{"--mqtt", "mqtt://127.0.0.1:1", "--speed", "0"}, exitUsage, "--speed 0 is out of range"},
		{"rate without broker", []string{"--out", "-", "--for", "1h", "--rate", "5"}, exitUsage, "go with --mqtt"},
		{"time", []string{"--out", "-", "--for", "1h", "--from", "yesterday"}, exitUsage, `"yesterday" is no time`},
		{"before the epoch", []string{"--out", "-", "--for", "1h", "--from", "1969-01-01T00:00:00Z"}, exitUsage, "want a time from 2000 to 2099"},
		{"for centuries", []string{"--out", "-", "--for", "999999h"}, exitUsage, "--for 999999h0m0s is too long"},
		{"password", []string{"--mqtt", "mqtt://u:secret@127.0.0.1:1"}, exitFailure, "connect to mqtt://u:xxxxx@127.0.0.1:1"},
		{"two files", []string{"a", "b"}, exitUsage, "takes one file"},
		{"no such file", []string{in("nowhere.yaml"), "--out", "-", "--for", "1h"}, exitUsage, "no such file"},
		{"what and where", []string{in("bad.yaml"), "--out", "-", "--for", "1h"}, exitUsage, in("bad.yaml") + ":10: loss is 2"},
		{"dialect", []string{in("bad.yaml"), "--out", "-", "--for", "1h"}, exitUsage, in("bad.yaml") + `:11: dialect: is "loriot"`},
		{"unknown key", []string{in("unknown.yaml"), "--out", "-", "--for", "1h"}, exitUsage, in("unknown.yaml") + ":10: field sensors"},
		{"fault", []string{in("fault.yaml"), "--out", "-", "--for", "1h"}, exitUsage, in("fault.yaml") + ":8: faults.0: gateway_outage: share is 3"},
		{"nobody there", []string{in("city.yaml"), "--mqtt", "mqtt://127.0.0.1:1"}, exitFailure, "connect to mqtt://127.0.0.1:1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, code := run(t, append([]string{"sim"}, c.args...)...)
			if code != c.code || !strings.Contains(out, c.want) {
				t.Errorf("exit code %d, want %d with %q in\n%s", code, c.code, c.want, out)
			}
		})
	}
	// The inventory is one that this platform takes.
	known, err := devices.Load([]string{in("i.csv")}, register.Snapshot{}, decoders.New())
	if err != nil || known.DeviceCount() != 20 {
		t.Errorf("inventory: %v", err)
	}
	keys, err := os.Stat(in("r.csv"))
	if err != nil || keys.Mode().Perm() != 0o600 {
		t.Errorf("the file of keys: %v, %v; want it for its owner only", keys, err)
	}
}

// TestSimSameSeedSameFiles plays twice and wants the same bytes, traffic and truth.
func TestSimSameSeedSameFiles(t *testing.T) {
	dir := write(t, map[string]string{"city.yaml": smallCity})
	var files [2][2]string
	for i := range files {
		traffic, truth := filepath.Join(dir, "traffic"), filepath.Join(dir, "truth")
		if out, code := run(t, "sim", filepath.Join(dir, "city.yaml"), "--from", "2026-03-28T12:00:00Z", "--for", "48h", "--out", traffic, "--manifest", truth); code != exitOK {
			t.Fatal(out)
		}
		for k, path := range []string{traffic, truth} {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files[i][k] = string(text)
		}
	}
	if files[0] != files[1] || len(files[0][0]) < 100_000 {
		t.Errorf("two plays differ, or say next to nothing: %d and %d bytes of traffic", len(files[0][0]), len(files[1][0]))
	}
	truth, err := sim.ReadManifest(strings.NewReader(files[0][1]))
	if err != nil {
		t.Fatal(err)
	}
	ups, lost := 0, 0
	for lines := bufio.NewScanner(strings.NewReader(files[0][0])); lines.Scan(); {
		var m struct{ Topic string }
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(m.Topic, "/up") {
			ups++
		}
	}
	want := 0
	for _, u := range truth.Uplinks {
		want += u.Copies
		if u.Lost {
			lost++
		}
	}
	// Frames without a measurement (answers to the network) are published too.
	if ups < want || lost == 0 {
		t.Errorf("%d uplinks published, %d of measurements by the manifest, %d lost", ups, want, lost)
	}
}

// TestSimSpeedSameTruth plays the same time of the city into a file and, far faster than it
// can be published, to a broker: the truth is the same, to the end.
func TestSimSpeedSameTruth(t *testing.T) {
	broker := brokertest.Start(t)
	dir := write(t, map[string]string{"city.yaml": smallCity})
	var truths [2]string
	for i, way := range [][]string{{"--out", filepath.Join(dir, "traffic")}, {"--mqtt", broker.URL(), "--speed", "100000"}} {
		truth := filepath.Join(dir, "truth")
		args := append([]string{"sim", filepath.Join(dir, "city.yaml"), "--from", "2026-03-28T12:00:00Z", "--for", "48h", "--manifest", truth}, way...)
		if out, code := run(t, args...); code != exitOK {
			t.Fatal(out)
		}
		text, err := os.ReadFile(truth)
		if err != nil {
			t.Fatal(err)
		}
		truths[i] = string(text)
	}
	if truths[0] != truths[1] || len(truths[0]) < 100_000 {
		t.Errorf("%d bytes of truth beside a file, %d beside a broker, or they differ", len(truths[0]), len(truths[1]))
	}
}

// TestSimLoad publishes at a rate against a real broker and wants what the subscriber gets.
func TestSimLoad(t *testing.T) {
	broker := brokertest.Start(t)
	dir := write(t, map[string]string{"city.yaml": smallCity})
	out, code := run(t, "sim", filepath.Join(dir, "city.yaml"), "--mqtt", broker.URL(), "--rate", "2000", "--count", "3000", "--json")
	var got struct{ Load loadSummary }
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != exitOK {
		t.Fatalf("exit code %d: %v\n%s", code, err, out)
	}
	if s := got.Load; s.Messages != 3000 || s.Rate > 2100 || s.Rate < 200 || s.P50 <= 0 || s.P99 < s.P50 || s.Max < s.P99 {
		t.Errorf("%+v", s)
	}
}
