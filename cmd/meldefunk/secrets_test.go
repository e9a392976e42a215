package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"meldefunk/city"
	"meldefunk/city/lorawan"
	"meldefunk/devices/chirpstack/chirpstacktest"
	"meldefunk/devices/thethings/thethingstest"
	"meldefunk/firmware-sim/mac"
	"meldefunk/gateway-bridge/brokertest"
)

// secretTown is a platform in which everything that is secret is a canary.
type secretTown struct {
	*joinTown
	canaries   canaries
	broker     *brokertest.Broker
	chirpstack *chirpstacktest.Server
	things     *thethingstest.Server
	old, young mac.Identity
	settings   string
}

func newSecretTown(t *testing.T) *secretTown {
	t.Helper()
	s := &secretTown{canaries: canaries{}, broker: brokertest.Start(t)}
	for label, digits := range joinKEKs {
		kek, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		s.canaries["KEK "+label] = kek
	}
	key := func(name string) lorawan.Key {
		s.canaries[name] = canary(name, 16)
		s.canaries["half of "+name] = canary(name, 15) // a slip in a sheet
		return lorawan.Key(canary(name, 16))
	}
	s.old, s.young = identity(lorawan.V1_0_4, 1), identity(lorawan.V1_1, 9)
	s.old.AppKey, s.young.AppKey, s.young.NwkKey = key("AppKey of 1.0"), key("AppKey of 1.1"), key("NwkKey of 1.1")
	token := func(name string) string {
		text := "token-" + canaryDigits(name, 12)
		s.canaries[name] = []byte(text)
		return text
	}

	s.joinTown = newJoinTown(t, buildBinary(t, false), noUplinks)
	s.tree()
	s.folder("out")
	var err error
	if s.chirpstack, err = chirpstacktest.New(); err != nil {
		t.Fatal(err)
	}
	tenant, err := s.chirpstack.Add(chirpstacktest.Tenant, chirpstacktest.Fields{"name": "Stadt"})
	if err != nil {
		t.Fatal(err)
	}
	application, err := s.chirpstack.Add(chirpstacktest.Application, chirpstacktest.Fields{"name": "Sensorik", "tenant_id": tenant})
	if err != nil {
		t.Fatal(err)
	}
	s.write("chirpstack.token", token("API key of ChirpStack"))
	s.chirpstack.Grant(string(s.canaries["API key of ChirpStack"]), chirpstacktest.Access{Tenant: tenant})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.chirpstack.Start(l))
	s.things = thethingstest.New("EU_863_870_TTN")
	s.write("things.token", token("API key of The Things Stack"))
	s.things.Grant(string(s.canaries["API key of The Things Stack"]), "stadt-sensorik", thethingstest.Read, thethingstest.Write, thethingstest.ReadKeys, thethingstest.WriteKeys)
	things := httptest.NewUnstartedServer(s.things)
	things.Config.ErrorLog = log.New(io.Discard, "", 0)
	things.Start()
	t.Cleanup(things.Close)
	s.write("lns.token", token("token of a peer"))
	token("token of a stranger")

	s.settings = `inventory: [DIR/trees.csv]
road: {max_backlog: 876000h}
` + strings.Replace(s.joinSettings(), "certificate: lns.example", "certificate: lns.example, token_file: DIR/lns.token", 1) + `network_servers:
  - name: chirpstack
    dialect: chirpstack-v4
    broker: ` + s.broker.URL() + `
    provisioning: {kind: chirpstack, address: "http://` + l.Addr().String() + `", application: ` + application + `, api_key_file: DIR/chirpstack.token, timeout: 2s}
  - name: things
    dialect: the-things-stack-v3
    broker: ` + s.broker.URL() + `
    provisioning: {kind: thethings, address: "` + things.URL + `", application: stadt-sensorik, api_key_file: DIR/things.token, timeout: 2s}
`
	s.configure(s.settings)
	return s
}

// sheet writes lines for device import.
func (s *secretTown) sheet(name string, lines ...string) string {
	s.write(name, strings.Join(lines, "\n")+"\n")
	return s.path(name)
}

// imports takes devices over, after sheets in which a key stands where it should not.
func (s *secretTown) imports() {
	one, two := s.old.DevEUI.String(), s.young.DevEUI.String()
	app, nwk := s.old.AppKey.Hex(), s.young.NwkKey.Hex()
	spaced := strings.ToUpper(app[:8] + "-" + app[8:16] + " " + app[16:])
	for i, lines := range [][]string{
		{"dev_eui;model;app_key", app + ";dragino/lse01;" + one},
		{"dev_eui;app_key;model", one + ";dragino/lse01;" + app},
		{"dev_eui;model;join_eui", one + ";dragino/lse01;" + app},
		{"dev_eui;model;serial", one + ";dragino/lse01;" + spaced},
		{"dev_eui;model;note", one + ";dragino/lse01;" + spaced},
		{"dev_eui;model;asset;kind", one + ";dragino/lse01;" + app + ";Baum"},
		{"dev_eui;model;app_key", one + ";dragino/lse01;" + app[:30]},
		{"dev_eui;model;app_key", one + ";dragino/lse01;" + app + "00"},
		{"dev_eui;model;nwk_key", one + ";dragino/lse01;" + nwk},
		{"dev_eui;model;app_key", one + ";dragino/lse01;" + app + ";" + nwk},
		{"dev_eui;model;" + app, one + ";dragino/lse01;x"},
		{"dev_eui;model;app_key", one + `;dragino/lse01;"` + app, nwk},
	} {
		name := fmt.Sprintf("bad%d.csv", i)
		s.exits(exitUsage, "device", "import", s.sheet(name, lines...), "--by", "petra", "--result", s.path("out/result-"+name))
	}
	s.write("bad.yaml", "devices:\n  - dev_eui: "+one+"\n    model: dragino/lse01\n    app_key: ["+app+"]\n")
	s.exits(exitUsage, "device", "import", s.path("bad.yaml"), "--by", "petra")
	s.exits(exitUsage, "device", "add", "dev_eui="+one, "model=dragino/lse01", "note="+app, "--by", "petra")

	const header = "dev_eui;join_eui;model;asset;kind;server;lorawan_version;app_key;nwk_key;since"
	good := s.sheet("good.csv", header,
		one+";a000000000000001;dragino/lse01;BA-0;Baum;chirpstack;1.0.4;"+spaced+";;2026-01-01",
		two+";a000000000000001;dragino/lse01;BA-1;Baum;things;1.1;"+s.young.AppKey.Hex()+";"+nwk+";2026-01-01")
	s.command("device", "import", good, "--dry-run", "--by", "petra")
	s.command("device", "import", good, "--json", "--by", "petra", "--result", s.path("out/result.csv"))
	s.command("device", "import", good, "--by", "petra", "--excel", "--result", s.path("out/result-excel.csv"))
	code := "LSE01;a840410001810005;a000000000000001;" + s.young.AppKey.Hex()
	s.command("device", "add", "--scan", code, "model=dragino/lse01", "server=chirpstack", "--by", "petra")
	s.keys("a840410001810005", true)
	s.write("keys.txt", "app_key="+app+"\n")
	s.command("device", "set", "a840410001810005", "note=neu", "--keys-from", s.path("keys.txt"), "--by", "petra")
}

// keys shows which keys a device has. What is revealed is for the asker alone.
func (s *secretTown) keys(device string, reveal bool) {
	s.t.Helper()
	args := []string{"device", "key", "show", device}
	if !reveal {
		s.command(args...)
		return
	}
	log := s.log
	s.log = &logBuffer{}
	out := s.command(append(args, "--reveal", "--by", "petra")...)
	s.log = log
	if len(s.canaries.found(out)) == 0 {
		s.t.Errorf("what is revealed is no canary: nothing is proven here")
	}
}

// tells has network servers told, which refuse, break off, and quote keys.
func (s *secretTown) tells() {
	quoted := "invalid key " + s.old.AppKey.Hex() + " of " + string(s.canaries["API key of ChirpStack"]) + strings.Repeat(" again", 40) + s.old.AppKey.Hex()
	s.chirpstack.Fail(chirpstacktest.Fault{Method: "DeviceService/CreateKeys", Code: codes.InvalidArgument, Message: quoted})
	s.things.Fail(thethingstest.Fault{Registry: thethingstest.Join, Method: "PUT", Status: 400})
	s.exits(exitPartial, "device", "sync", "--by", "petra", "--json")
	token, err := os.ReadFile(s.path("chirpstack.token"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.write("chirpstack.token", string(s.canaries["token of a stranger"]))
	s.exits(exitUnauthorized, "device", "sync", "--by", "petra", "--server", "chirpstack")
	s.write("chirpstack.token", string(token))
	for _, args := range [][]string{{"--plan"}, {}, {"--plan", "--verify"}} {
		s.command(append([]string{"device", "sync", "--by", "petra"}, args...)...)
	}
	for _, id := range []mac.Identity{s.old, s.young} {
		keys := fmt.Sprint(s.things.Get(thethingstest.Join, thethingstest.ID{Application: "stadt-sensorik", Device: "eui-" + id.DevEUI.String()}))
		if have, err := s.chirpstack.Get(chirpstacktest.Keys, id.DevEUI.String()); err == nil {
			keys += fmt.Sprint(have)
		}
		if len(s.canaries.found(keys)) == 0 {
			s.t.Errorf("the network server of %s has no canary: nothing is proven here", id.DevEUI)
		}
	}
}

// asks has devices join, rightly and wrongly.
func (s *secretTown) asks() {
	lns := s.server("lns.example", "000000", "chirpstack-1")
	lns.token = string(s.canaries["token of a peer"])
	d := newSimDevice(s.t, s.old)
	request := d.next()
	d.joins(request, lns.asks(s.url, lns.question(request.PHYPayload)))
	ses, _ := d.Session()
	s.canaries["AppSKey"], s.canaries["NwkSKey"] = ses.AppSKey[:], ses.FNwkSIntKey[:]
	wrong := s.old
	wrong.AppKey = s.young.AppKey
	var texts [][]byte
	texts = append(texts, lns.question(newSimDevice(s.t, wrong).next().PHYPayload))
	for _, field := range []string{"PHYPayload", "DevEUI", "ReceiverID", "SenderID", "SenderToken", "DevAddr", "MessageType", "MACVersion"} {
		var m map[string]any
		if err := json.Unmarshal(lns.question(request.PHYPayload), &m); err != nil {
			s.t.Fatal(err)
		}
		m[field] = s.old.AppKey.Hex()
		text, err := json.Marshal(m)
		if err != nil {
			s.t.Fatal(err)
		}
		texts = append(texts, text)
	}
	texts = append(texts, []byte(s.old.AppKey.Hex()), []byte(`{"`+s.old.AppKey.Hex()+`":`))
	ask := func(n *playedServer, text []byte) {
		resp := n.posts(s.url, text)
		defer resp.Body.Close()
		said, err := io.ReadAll(resp.Body)
		if err != nil {
			s.t.Fatal(err)
		}
		var a joinAnswer
		if json.Unmarshal(said, &a) == nil && a.Result.ResultCode == "Success" && len(a.PHYPayload) > 0 {
			s.t.Errorf("granted: %s", text)
		}
		s.log.add(a.Result.Description)
	}
	for _, text := range texts {
		ask(lns, text)
	}
	lns.token = string(s.canaries["token of a stranger"])
	ask(lns, texts[0])
}

// publishes has uplinks set aside.
func (s *secretTown) publishes() {
	const v4File = "chirpstack/testdata/v4-up-encrypted.json"
	for _, m := range []published{
		recordedUp(s.t, v4Encrypted, v4File), // another key wraps it
		recordedUp(s.t, v4Encrypted, v4File, `"fCnt":9`, `"fCnt":11`, "ef1ebb71", "ef1ebb72", "stadt-kek-1", "stadt-kek-9"),
		{v4Encrypted, []byte(`{"data":`)},
	} {
		s.broker.Publish(m.topic, m.body)
	}
	s.wantMetrics(20*time.Second, map[string]float64{`meldefunk_road_set_aside_total{reason="encrypted"}`: 2, `meldefunk_road_set_aside_total{reason="malformed"}`: 1})
}

// prints makes everything that leaves the house.
func (s *secretTown) prints() {
	one := s.old.DevEUI.String()
	s.command("device", "label", "--all", "--pdf", s.path("out/labels.pdf"))
	s.command("device", "label", "--all", "--png", s.path("out/labels"))
	s.command("device", "label", one)
	for _, form := range []string{"csv", "excel", "yaml", "geojson"} {
		s.command("device", "export", "--form", form, "--out", s.path("out/export."+form))
	}
	for _, form := range []string{"table", "json", "csv"} {
		s.command("device", "list", "-o", form)
	}
	s.command("device", "show", one)
	s.command("device", "show", one, "--json")
	s.keys(one, false)
	s.exits(exitFailure, "device", "verify", one, "--json")
	s.command("aside", "list")
	s.command("aside", "list", "--json")
	s.command("key", "check")
	s.command("device", "key", "rewrap", "--to", "wurzel-2", "--by", "petra")
	s.command("device", "key", "rotate", "a840410001810005", "--by", "petra")

	revealed := s.path("revealed.csv")
	s.command("device", "export", "--reveal", "--out", revealed, "--by", "petra", "--reason", "Umzug")
	info, err := os.Stat(revealed)
	if err != nil || info.Mode().Perm() != 0o600 || len(s.canaries.found(opened(s.t, revealed))) == 0 {
		s.t.Errorf("revealed: %v, %v", info, err)
	}
}

// errs makes mistakes in the configuration.
func (s *secretTown) errs() {
	kek := joinKEKs["stadt-kek-1"]
	const refused = "reload refused"
	for _, change := range [][2]string{
		{s.path("stadt-kek-1.key"), kek}, // a key in place of its file
		{"label: stadt-kek-1", "label: " + kek},
		{"label: stadt-kek-1", kek + ": 1"},
		{"token_file: DIR/lns.token", "token: " + string(s.canaries["token of a peer"])},
		{"token_file: DIR/lns.token", "token_env: " + string(s.canaries["token of a peer"])},
		{"api_key_file: DIR/chirpstack.token", "api_key: " + string(s.canaries["API key of ChirpStack"])},
	} {
		broken := strings.Replace(s.settings, change[0], change[1], 1)
		if broken == s.settings {
			s.t.Fatalf("nothing to replace: %s", change[0])
		}
		s.configure(broken)
		s.exits(exitUsage, "check")
		if strings.Contains(broken, "keks") && strings.Contains(change[0], "stadt-kek-1") {
			s.reload(refused)
		}
	}
	s.configure(s.settings)
	for _, text := range []string{kek[1:], kek + kek[:2], "0x" + kek, kek + "\n" + kek} {
		s.write("stadt-kek-1.key", text)
		s.exits(exitUsage, "check")
		s.reload(refused)
	}
	s.write("stadt-kek-1.key", kek)
	s.sheet("trees.csv", "dev_eui,model,asset,kind,app_key", "a8404100018100ff,dragino/lse01,BA-255,soil,"+s.old.AppKey.Hex())
	s.exits(exitUsage, "check")
	s.reload(refused)
	s.tree()
}

// TestNoSecretGetsOut runs everything that has to do with devices where all that is secret is a
// canary, goes wrong wherever it can, and looks for the canaries in everything that is
// written, printed, served or logged.
func TestNoSecretGetsOut(t *testing.T) {
	s := newSecretTown(t)
	s.begin()
	s.imports()
	s.tells()
	s.asks()
	s.publishes()
	s.prints()
	s.errs()
	pages := []string{"/", "/anlage/BA-0", "/anlage/" + s.old.AppKey.Hex()[:8], "/meldungen", "/stummschaltungen", "/regeln", "/zurueckgestellt", "/readyz", "/metrics", "/healthz"}
	served := map[string]string{}
	for _, page := range pages {
		text, err := s.get(page)
		if err != nil {
			text += err.Error()
		}
		served["page "+page] = text
	}
	look := func(when string, texts map[string]string) {
		t.Helper()
		for _, folder := range []string{"data", "out"} {
			for _, name := range filesBelow(t, s.path(folder)) {
				texts[strings.TrimPrefix(name, s.dir)] = opened(t, name)
			}
		}
		for where, text := range texts {
			if told := s.canaries.found(text); len(told) > 0 {
				t.Errorf("%s: %s tells %s:\n%s", when, where, strings.Join(told, ", "), strings.Join(s.canaries.lines(text), ""))
			}
		}
		t.Logf("%s: %d canaries looked for in %d texts", when, len(s.canaries), len(texts))
	}
	served["log and printed"] = s.log.String()
	for _, file := range []string{"data/meldefunk.db-wal", "out/labels.pdf", filepath.Join("out/labels", city.EUI(s.old.DevEUI).String()+".png"), "out/result.csv"} {
		if info, err := os.Stat(s.path(file)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v, %v: nothing is proven of it", file, info, err)
		}
	}
	look("running", served)
	s.stop()
	look("stopped", map[string]string{"log and printed": s.log.String()})
}
