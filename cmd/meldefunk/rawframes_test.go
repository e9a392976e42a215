package main

import (
	"bytes"
	"encoding/hex"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan"
	"meldefunk/firmware-sim/events"
	"meldefunk/gateway-bridge/brokertest"
)

// Keys that must show nowhere: of the device, wrong ones, and two KEKs.
const (
	canaryNwk  = "c0ffee0001020304c0ffee0005060708"
	canaryApp  = "deadbee5f0e1d2c3deadbee5b4a59687"
	wrongNwk   = "badc0de5011223344badc0de55667788"
	canaryKEK  = "5eaf00d1feedfacecafed00dbaddecaf"
	canaryKEK2 = "0ddba11c0c0a11ce0ddba11c0c0a11cf"
)

var (
	rathaus    = &events.Gateway{ID: city.EUI{0x70, 0x76, 0xff, 0, 0x56, 0, 0, 1}}
	wasserturm = &events.Gateway{ID: city.EUI{0x70, 0x76, 0xff, 0, 0x56, 0, 0, 2}}
)

// radioWorld sends frames of a device before real parts.
type radioWorld struct {
	t      *testing.T
	broker *brokertest.Broker
	keys   lorawan.Session
	sent   uint32 // receptions
}

func keyOf(t *testing.T, digits string) lorawan.Key {
	t.Helper()
	k, err := lorawan.ParseKey(digits)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// hear has a gateway hear a frame of the LSE01 now, or later by the gateway's clock.
func (w *radioWorld) hear(b events.Bridge, g *events.Gateway, addr lorawan.DevAddr, fcnt uint32, later time.Duration) {
	w.t.Helper()
	s := w.keys
	s.DevAddr = addr
	payload, err := hex.DecodeString("0ce57fff05dc04b900c810")
	if err != nil {
		w.t.Fatal(err)
	}
	phy, err := s.Seal(nil, lorawan.Data{MType: lorawan.UnconfirmedUp, DevAddr: addr, FCnt: fcnt, HasPort: true, FPort: 2, FRMPayload: payload}, lorawan.Binding{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.sent++
	m := &events.Frame{
		PHYPayload: phy, Radio: events.Radio{Frequency: 868100000, DataRate: 5, SpreadingFactor: 7, Bandwidth: 125000},
		Reception: events.Reception{Gateway: g, Uplink: w.sent, ID: events.UUID{byte(w.sent)}, Time: time.Now().Add(later), RSSI: -80, SNR: 5, CRC: events.CRCOK},
	}
	w.broker.Publish(b.Topic(m), b.Append(nil, m))
}

// TestRawFramesOfGateways has gateways tell of frames as they were on air, through
// mosquitto: set aside while the session's key is another, opened once it is right, and once
// each however many gateways heard them; old counters refused, others' devices dropped.
// Nothing that is written anywhere shows a key.
func TestRawFramesOfGateways(t *testing.T) {
	broker := brokertest.Start(t)
	config := `inventory: [DIR/devices.csv]
keys:
  keks: [{label: stadt-kek-1, file: DIR/stadt.key}]
  sessions: [DIR/sessions.csv]
  addresses: [26011b00/24]
network_servers:
  - {name: gateways, dialect: chirpstack-gateway, broker: "` + broker.URL() + `"}
`
	p := newPlatform(t, buildBinary(t, true), config, map[string]string{
		"devices.csv":  "DevEUI;Modell;Anlage;Art;Bezeichnung\na840410001810001;dragino/lse01;B-1;Baum;Linde\n",
		"stadt.key":    canaryKEK,
		"neu.key":      canaryKEK2,
		"sessions.csv": "dev_eui;dev_addr;version;kek;nwk_s_key;app_s_key\n",
	})
	plain := func(nwk string) string {
		return "dev_eui;dev_addr;version;nwk_s_key;app_s_key\na840410001810001;26011bda;1.0.3;" + nwk + ";" + canaryApp + "\n"
	}
	key := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(p.binary, append([]string{"key"}, append(args, "-c", p.config)...)...)
		var out, log bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &log
		if err := cmd.Run(); err != nil {
			t.Fatalf("key %v: %v: %s", args, err, log.String())
		}
		p.log.add(out.String() + log.String())
		return out.String()
	}
	wrap := func(nwk string) string {
		t.Helper()
		p.write("plain.csv", plain(nwk))
		defer os.Remove(p.path("plain.csv"))
		return key("wrap", "--kek", "stadt-kek-1", p.path("plain.csv"))
	}
	p.write("sessions.csv", wrap(wrongNwk))
	if got := key("check"); got != "stadt-kek-1: 1 sessions\n1 sessions of 1 devices: every key opens\n" {
		t.Errorf("check says %q", got)
	}
	p.start()

	addr := lorawan.DevAddr{0x26, 0x01, 0x1b, 0xda}
	v3, v4, inJSON := events.BridgeV3{}, events.BridgeV4{Prefix: "eu868"}, events.BridgeV4{Prefix: "eu868", Encoding: events.JSONOfForwarder}
	w := &radioWorld{t: t, broker: broker, keys: lorawan.Session10(lorawan.V1_0_3, addr, keyOf(t, canaryNwk), keyOf(t, canaryApp))}
	w.hear(v4, rathaus, addr, 1, 0)
	w.hear(v3, wasserturm, addr, 1, 0)
	w.hear(v4, rathaus, lorawan.DevAddr{0x26, 0x01, 0x1b, 0xdb}, 1, 0) // ours, no session
	for range 50 {
		w.hear(inJSON, rathaus, lorawan.DevAddr{0x27, 0, 0, 1}, 1, 0) // somebody else's
	}
	online := &events.ConnState{Gateway: rathaus, Online: true}
	broker.Publish(v4.Topic(online), v4.Append(nil, online))
	p.wantMetrics(20*time.Second, map[string]float64{
		`meldefunk_road_set_aside_total{reason="mic"}`:                     2,
		`meldefunk_road_set_aside_total{reason="unknown_device"}`:          1,
		`meldefunk_road_foreign_frames_total`:                              50,
		`meldefunk_bridge_messages_total{event="raw",server="gateways"}`:   53,
		`meldefunk_bridge_messages_total{event="other",server="gateways"}`: 1,
	})

	const reloaded, refused = "reloaded inventory, rules, routes, codecs and keys", "reload refused"
	p.write("sessions.csv", plain(canaryNwk)) // in clear
	p.reload(refused)
	if !strings.Contains(p.log.String(), p.path("sessions.csv")+":2: nwk_s_key: a key in clear stands here: run meldefunk key wrap") {
		t.Error("the log does not say where a key stands in clear")
	}
	p.stop()

	// Once the key is there, the frame becomes a reading, and the second gateway's a repeat.
	sealed := wrap(canaryNwk)
	p.write("sessions.csv", sealed)
	replay := func(want string) {
		t.Helper()
		out, err := exec.Command(p.binary, "replay", "-c", p.config).CombinedOutput()
		p.log.add(string(out))
		if err != nil || !strings.Contains(string(out), want) {
			t.Fatalf("replay: %v: %s", err, out)
		}
	}
	replay("3 set aside, 2 replayed, 1 still set aside")
	p.start()
	w.hear(v4, rathaus, addr, 2, 0)
	w.hear(inJSON, wasserturm, addr, 2, 0)
	w.hear(v3, wasserturm, addr, 70000, 0) // beyond 16 bits
	w.hear(v4, rathaus, addr, 2, time.Minute)
	w.hear(v4, rathaus, addr, 3, time.Minute) // never heard, and long overtaken
	p.wantMetrics(20*time.Second, map[string]float64{
		`meldefunk_road_frames_total{fate="read"}`:         2,
		`meldefunk_road_repeats_total`:                     2,
		`meldefunk_road_set_aside_total{reason="counter"}`: 1,
		`meldefunk_road_sessions_total{cause="reset"}`:     0,
	})
	w.hear(v4, rathaus, addr, 69000, time.Minute)
	w.hear(v4, rathaus, addr, 70000, time.Hour) // again, an hour later
	p.wantMetrics(20*time.Second, map[string]float64{
		`meldefunk_road_set_aside_total{reason="counter"}`: 2, `meldefunk_road_repeats_total`: 3, `meldefunk_road_frames_total{fate="read"}`: 2,
	})

	// Another KEK: configured, used, and read without a restart.
	changed, err := os.ReadFile(p.config)
	if err != nil {
		t.Fatal(err)
	}
	p.write("meldefunk.yaml", strings.Replace(string(changed), "keks: [", "keks: [{label: stadt-kek-2, file: "+p.path("neu.key")+"}, ", 1))
	p.write("sessions.csv", key("rewrap", "--from", "stadt-kek-1", "--to", "stadt-kek-2", p.path("sessions.csv")))
	p.reload(reloaded)
	w.hear(v4, rathaus, addr, 70001, time.Minute)
	p.wantMetrics(20*time.Second, map[string]float64{`meldefunk_road_frames_total{fate="read"}`: 3})
	var pages []string
	for _, path := range []string{"/", "/anlage/B-1", "/zurueckgestellt", "/metrics", "/readyz"} {
		page, err := p.get(path)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, page)
	}
	p.stop()

	replay("3 set aside, 0 replayed, 3 still set aside") // an old counter stays one
	frames := rows(t, p.database(), `SELECT fcnt, session LIKE '26011bda-____', epoch, flags & 4, envelope LIKE '%stadt-kek-_%' FROM frames ORDER BY fcnt`)
	if want := []string{"1|1|1|4|1", "2|1|1|4|1", "70000|1|1|4|1", "70001|1|1|4|1"}; !slices.Equal(frames, want) {
		t.Errorf("frames %q, want %q", frames, want)
	}
	left := rows(t, p.database(), `SELECT reason, count(*) FROM aside GROUP BY reason ORDER BY reason`)
	if want := []string{"counter|2", "unknown_device|1"}; !slices.Equal(left, want) {
		t.Errorf("still set aside %q, want %q", left, want)
	}
	p.wantNoKeys([]string{canaryNwk, canaryApp, wrongNwk, canaryKEK, canaryKEK2}, append(pages, sealed)...)
}
