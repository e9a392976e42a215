package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"meldefunk/gateway-bridge/brokertest"
)

// TestReloadAndReplay adds a device late: its messages are set aside, a bad file is
// refused while everything runs on, a good one counts at once, and a replay makes
// readings of what was set aside, once.
func TestReloadAndReplay(t *testing.T) {
	broker := brokertest.Start(t)
	p := newPlatform(t, buildBinary(t, true), recordedConfig(broker.URL())+"tickets: {routes_file: DIR/routes.yaml}\n", recordedFiles())
	p.write("routes.yaml", "routes: []\n")
	known := recordedInventory()
	without := ""
	for line := range strings.Lines(known) {
		if !strings.Contains(line, "a840410001840002") {
			without += line
		}
	}
	p.write("devices.csv", without)
	p.start()
	db := p.database()
	publish := func(n int) {
		t.Helper()
		m := v4Up(n)
		broker.Publish(m.topic, m.body)
	}
	stored := func(want string) {
		t.Helper()
		p.eventually(10*time.Second, "stored", func() error {
			if got := rows(t, db, `SELECT (SELECT count(*) FROM readings), (SELECT count(*) FROM aside)`)[0]; got != want {
				return fmt.Errorf("readings|set aside %s, want %s", got, want)
			}
			return nil
		})
	}
	publish(1)
	stored("0|1")

	p.write("devices.csv", known+"a84041;dragino/lse01;X;Baum;x;;\n")
	p.reload("reload refused; the running inventory, rules, routes, codecs and keys stay")
	publish(2)
	stored("0|2")

	p.write("devices.csv", known)
	p.reload("reloaded inventory, rules, routes, codecs and keys")
	publish(3)
	stored("1|2")

	p.write("rules.yaml", "rules: [{id: x}]\n")
	p.reload("rules.yaml:1")
	p.write("rules.yaml", recordedRules)
	p.write("routes.yaml", "routes: [{services: OS-ABF-*, unit: Bauhof, tuor: 1}]\n")
	p.reload(`routes.yaml:1: unknown key \"tuor\"`)
	p.write("routes.yaml", "routes: [{services: OS-ABF-*, unit: Bauhof}]\n")
	publish(4)
	stored("2|2")

	busy := command()
	busy.SetArgs([]string{"replay", "-c", p.config})
	if err := busy.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), "is in use by process") {
		t.Errorf("replay beside a running platform: %v", err)
	}
	p.stop()
	for i, want := range []string{"2 set aside, 2 replayed, 0 still set aside\n0 refused tickets are tried again at the next start\n", "0 set aside, 0 replayed, 0 still set aside\n0 refused tickets are tried again at the next start\n"} {
		replay := command()
		var out strings.Builder
		replay.SetOut(&out)
		replay.SetArgs([]string{"replay", "-c", p.config})
		if err := replay.ExecuteContext(t.Context()); err != nil || out.String() != want {
			t.Errorf("replay %d says %q, %v; want %q", i+1, out.String(), err, want)
		}
	}
	if got := rows(t, p.database(), `SELECT group_concat(fcnt) FROM (SELECT fcnt FROM readings ORDER BY fcnt)`)[0]; got != "1,2,3,4" {
		t.Errorf("readings of frames %s, want 1,2,3,4", got)
	}
}
