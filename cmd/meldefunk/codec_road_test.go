package main

import (
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"meldefunk/gateway-bridge/brokertest"
)

// tank is a codec for a bin sensor that nobody reads natively: distance in cm, two bytes.
const tank = `function decodeUplink(input) {
  return {data: {level: {distance: input.bytes[0] * 256 + input.bytes[1]}, serial: 7}};
}`

const tankMapping = `model: acme/%[1]s
kind: bin
codec: %[1]s.js
values:
  - {field: level.distance, quantity: distance, unit: cm}
`

// codecFrame is an uplink of device 85…NN whose payload is 0x00b4: 180 cm.
func codecFrame(device, fcnt int) published {
	m := v4Up(fcnt, `"data":"AXVcA4JEBgQAAA=="`, `"data":"ALQ="`, "a840410001840002", fmt.Sprintf("a8404100018500%02d", device),
		"40f28d21-c120", fmt.Sprintf("40f28d21-c1%02d", device))
	m.topic = strings.Replace(m.topic, "a840410001840002", fmt.Sprintf("a8404100018500%02d", device), 1)
	return m
}

// TestCodecsOnTheRoad has devices with JavaScript codecs beside native ones: calibration
// counts for both, a codec that never ends delays nobody, what it could not decode is made
// good once it is mended, and a codec that is no JavaScript is refused at a reload.
func TestCodecsOnTheRoad(t *testing.T) {
	broker := brokertest.Start(t)
	config := `codecs: {folder: DIR/codecs}
inventory: [DIR/devices.csv]
network_servers:
  - {name: chirpstack, dialect: chirpstack-v4, broker: "` + broker.URL() + `"}
`
	inventory := "DevEUI;Modell;Anlage;Art;Bezeichnung;leer_mm;voll_mm\n" +
		"a840410001840002;milesight/em310-udl;PK-1;Papierkorb;native;2000;200\n" +
		"a840410001850001;acme/tank;PK-2;Papierkorb;codec;2000;200\n" +
		"a840410001850002;acme/endless;PK-3;Papierkorb;hostile;2000;200\n"
	p := newPlatform(t, buildBinary(t, false), config, map[string]string{"devices.csv": inventory})
	p.folder("codecs")
	for name, source := range map[string]string{"tank": tank, "endless": `function decodeUplink() { for (;;) {} }`} {
		p.write("codecs/"+name+".js", source)
		p.write("codecs/"+name+".yaml", fmt.Sprintf(tankMapping, name))
	}
	p.start()
	const each = 40
	for n := range each {
		for _, m := range []published{codecFrame(2, n), codecFrame(1, n), v4Up(n)} {
			broker.Publish(m.topic, m.body)
		}
	}
	db := p.database()
	stored := func(want string) {
		t.Helper()
		p.eventually(20*time.Second, "stored", func() error {
			if got := rows(t, db, `SELECT (SELECT count(*) FROM readings), (SELECT count(*) FROM aside)`)[0]; got != want {
				return fmt.Errorf("readings|set aside %s, want %s", got, want)
			}
			return nil
		})
	}
	// Three runs of the hostile codec are ended, then it is held back.
	stored(fmt.Sprintf("%d|%d", 2*each, each))
	if got := rows(t, db, `SELECT DISTINCT reason FROM aside`); len(got) != 1 || got[0] != "undecodable" {
		t.Errorf("set aside as %q, want undecodable", got)
	}
	if n := rows(t, db, `SELECT count(*) FROM aside WHERE detail LIKE '%held back%'`)[0]; n == "0" {
		t.Error("the hostile codec was never held back")
	}
	if got := rows(t, db, `SELECT DISTINCT raw FROM readings WHERE asset = 'PK-2'`); len(got) != 1 || got[0] != `{"serial":7}` {
		t.Errorf("what no field is mapped to is kept as %q, want the serial number", got)
	}
	// 180 cm in a bin of 200 to 20 cm.
	page, err := p.get("/anlage/PK-2")
	if err != nil || !strings.Contains(page, "11") {
		t.Errorf("the board does not show a fill level of 11 %%: %v", err)
	}

	p.write("codecs/endless.js", "function decodeUplink( {")
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.eventually(10*time.Second, "refused reload", func() error {
		if log := p.log.String(); !strings.Contains(log, "endless.yaml") || !strings.Contains(log, "reload refused") {
			return fmt.Errorf("the log does not say that endless.yaml is refused")
		}
		return nil
	})
	if out, err := exec.Command(p.binary, "check", "-c", p.config).CombinedOutput(); err == nil || !strings.Contains(string(out), "endless.yaml") {
		t.Errorf("check says %q, %v; want that endless.yaml is no JavaScript", out, err)
	}

	p.write("codecs/endless.js", tank)
	p.stop()
	out, err := exec.Command(p.binary, "replay", "-c", p.config).Output()
	if want := fmt.Sprintf("%d set aside, %d replayed, 0 still set aside\n", each, each); err != nil || !strings.HasPrefix(string(out), want) {
		t.Errorf("replay says %q, %v; want %q", out, err, want)
	}
	if got := rows(t, p.database(), `SELECT count(*), count(DISTINCT fcnt) FROM readings WHERE asset = 'PK-3'`)[0]; got != fmt.Sprintf("%d|%d", each, each) {
		t.Errorf("readings and frames of the mended codec: %s, want %d of each", got, each)
	}
	// The device meant millimetres all the time: what is stored is decoded again.
	p.write("codecs/tank.yaml", strings.Replace(fmt.Sprintf(tankMapping, "tank"), "unit: cm", "unit: mm", 1))
	out, err = exec.Command(p.binary, "replay", "-c", p.config, "--model", "acme/tank").Output()
	if want := fmt.Sprintf("%d readings changed", each); err != nil || !strings.Contains(string(out), want) {
		t.Errorf("replay says %q, %v; want %q", out, err, want)
	}
}
