package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/city/door/doortest"
	"meldefunk/city/lorawan"
	"meldefunk/city/lorawan/enrol"
	"meldefunk/city/register"
	"meldefunk/devices/keys"
	"meldefunk/firmware-sim/mac"
	"meldefunk/gateway-bridge/brokertest"
	"meldefunk/storage/sqlite"
)

// The key encryption keys of the tests, by their labels.
var joinKEKs = map[string]string{
	"wurzel":       canaryDigits("wurzel", 32),
	"wurzel-2":     canaryDigits("wurzel-2", 32),
	"stadt-kek-1":  canaryDigits("stadt-kek-1", 16),
	"stadt-kek-2":  canaryDigits("stadt-kek-2", 24),
	"chirpstack-1": canaryDigits("chirpstack-1", 16),
	"things-1":     canaryDigits("things-1", 32),
}

// joinTown is a platform with a join server that two network servers may ask.
type joinTown struct {
	*platform
	gate *doortest.Gate
	ring *keys.Ring

	begun int    // how often the platform was started
	url   string // where the join server answers
}

// noUplinks is a network server that is not there.
const noUplinks = `network_servers: [{name: chirpstack, dialect: chirpstack-v4, broker: "mqtt://127.0.0.1:1"}]
`

// joinSettings are those of the town without its network servers' sessions. The KEKs that are
// left out can be given.
func (town *joinTown) joinSettings(without ...string) string {
	var text strings.Builder
	text.WriteString("keys:\n  register: wurzel\n  keks:\n")
	for label := range joinKEKs {
		if !slices.Contains(without, label) {
			fmt.Fprintf(&text, "    - {label: %s, file: %s}\n", label, town.path(label+".key"))
		}
	}
	fmt.Fprintf(&text, `join_server:
  listen: 127.0.0.1:0
  kek: stadt-kek-1
  home: "000000"
  tls: {cert_file: %s, key_file: %s, client_ca_file: %s}
  peers:
    - {name: chirpstack, role: network_server, id: "000000", certificate: lns.example, kek: chirpstack-1}
    - {name: things, role: network_server, id: "000013", certificate: tts.example, kek: things-1}
`, town.gate.TLS.CertFile, town.gate.TLS.KeyFile, town.gate.TLS.ClientCAFile)
	return text.String()
}

// newJoinTown writes a configuration that ends in further settings, and keeps devices with root
// keys in the register.
func newJoinTown(t *testing.T, binary, further string, identities ...mac.Identity) *joinTown {
	t.Helper()
	town := &joinTown{gate: doortest.NewGate(t), platform: newPlatform(t, binary, "", nil)}
	var c keys.Config
	for label, digits := range joinKEKs {
		town.write(label+".key", digits+"\n")
		c.KEKs = append(c.KEKs, keys.KEK{Label: label, File: town.path(label + ".key")})
	}
	c.Register = "wurzel"
	var err error
	if town.ring, err = keys.Load(c); err != nil {
		t.Fatal(err)
	}
	town.configure(town.joinSettings() + further)
	town.folder("data")
	change := register.Change{At: time.Now(), By: "petra"}
	for i, id := range identities {
		d := register.Device{State: register.Installed, JoinEUI: id.JoinEUI, Version: enrol.V1_0_4, Region: "EU868", Class: enrol.ClassA}
		root := enrol.RootKeys{Nwk: id.AppKey}
		d.DevEUI, d.Model, d.Asset, d.Server = id.DevEUI, "dragino/lse01", fmt.Sprintf("BA-%d", i), "chirpstack"
		if id.Version == lorawan.V1_1 {
			d.Version, d.Server = enrol.V1_1_0, "things"
			root = enrol.RootKeys{Nwk: id.NwkKey, App: id.AppKey}
		}
		if d.Keys, err = town.ring.SealRoot(root); err != nil {
			t.Fatal(err)
		}
		change.Devices = append(change.Devices, d)
		change.Assets = append(change.Assets, register.Asset{Asset: city.Asset{ID: d.Asset, Kind: city.Soil}})
		change.Bindings = append(change.Bindings, register.Binding{DevEUI: d.DevEUI, Asset: d.Asset, From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
	}
	town.atStore(func(ctx context.Context, s *sqlite.Store) error { return s.ChangeRegister(ctx, change) })
	return town
}

func (town *joinTown) configure(text string) {
	town.t.Helper()
	town.write("meldefunk.yaml", fmt.Sprintf("data: %s\nboard: {listen: \"127.0.0.1:0\"}\nlog: {level: debug}\n", town.path("data"))+strings.ReplaceAll(text, "DIR", town.dir))
}

// atStore lends the store of a platform that does not run.
func (town *joinTown) atStore(do func(context.Context, *sqlite.Store) error) {
	town.t.Helper()
	s, err := sqlite.Open(town.t.Context(), town.path("data"), zerolog.Nop())
	if err != nil {
		town.t.Fatal(err)
	}
	if err := errors.Join(do(town.t.Context(), s), s.Close()); err != nil {
		town.t.Fatal(err)
	}
}

// tree is in a file of the inventory.
func (town *joinTown) tree() {
	town.write("trees.csv", "dev_eui,model,asset,kind\na8404100018100ff,dragino/lse01,BA-255,soil\n")
}

var joinAddress = regexp.MustCompile(`"address":"([^"]+)",[^\n]*"message":"join server is open"`)

// begin starts the platform and waits until its join server is open.
func (town *joinTown) begin() {
	town.t.Helper()
	town.launch()
	town.begun++
	town.eventually(10*time.Second, "join server", func() error {
		all := joinAddress.FindAllStringSubmatch(town.log.String(), -1)
		if len(all) != town.begun {
			return errors.New("it is not open")
		}
		town.url = "https://" + all[len(all)-1][1]
		return nil
	})
}

// command runs a command of the platform, beside it, and wants it to go well.
func (town *joinTown) command(args ...string) string {
	town.t.Helper()
	return town.exits(exitOK, args...)
}

// exits runs a command that is to end with a code, and gives what it says.
func (town *joinTown) exits(code int, args ...string) string {
	town.t.Helper()
	c := exec.Command(town.binary, append(args, "-c", town.config)...)
	out, err := c.CombinedOutput()
	if c.ProcessState == nil || c.ProcessState.ExitCode() != code {
		town.t.Fatalf("%q: %v, want code %d\n%s", args, err, code, out)
	}
	town.log.add(string(out))
	return string(out)
}

// playedServer is a network server as far as joins go: it knows the KEK it shares with the join
// server, and no other.
type playedServer struct {
	t      testing.TB
	client *http.Client
	token  string // it shows; "": none
	id     lorawan.NetID
	kek    []byte
	asked  uint32
}

func (town *joinTown) server(certificate, netID, label string) *playedServer {
	town.t.Helper()
	id, errID := lorawan.ParseNetID(netID)
	kek, err := hex.DecodeString(joinKEKs[label])
	if err = errors.Join(err, errID); err != nil {
		town.t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: town.client(certificate)}
	town.t.Cleanup(transport.CloseIdleConnections)
	return &playedServer{t: town.t, client: &http.Client{Transport: transport, Timeout: 10 * time.Second}, id: id, kek: kek}
}

func (town *joinTown) client(certificate string) *tls.Config { return town.gate.Client(certificate) }

// joinAnswer is what a join server says.
type joinAnswer struct {
	Result                                                 struct{ ResultCode, Description string }
	PHYPayload, SessionKeyID                               string
	NwkSKey, FNwkSIntKey, SNwkSIntKey, NwkSEncKey, AppSKey *keyEnvelope
}

type keyEnvelope struct{ KEKLabel, AESKey string }

// question is what the network server makes of a join-request: each in a message of its own.
func (n *playedServer) question(frame []byte) []byte {
	n.t.Helper()
	r, err := lorawan.ParseJoinRequest(frame)
	if err != nil {
		n.t.Fatal(err)
	}
	n.asked++
	version, settings := "1.0.4", "23"
	if n.id != (lorawan.NetID{}) {
		version, settings = "1.1", "A3"
	}
	text, err := json.Marshal(map[string]any{
		"ProtocolVersion": "1.1", "SenderID": n.id.String(), "ReceiverID": r.JoinEUI.String(), "TransactionID": n.asked,
		"MessageType": "JoinReq", "MACVersion": version, "PHYPayload": hex.EncodeToString(frame), "DevEUI": r.DevEUI.String(),
		"DevAddr": n.id.DevAddr(n.asked).String(), "DLSettings": settings, "RxDelay": 5,
	})
	if err != nil {
		n.t.Fatal(err)
	}
	return text
}

func (n *playedServer) posts(url string, message []byte) *http.Response {
	n.t.Helper()
	r, err := http.NewRequestWithContext(n.t.Context(), http.MethodPost, url, bytes.NewReader(message))
	if err != nil {
		n.t.Fatal(err)
	}
	if n.token != "" {
		r.Header.Set("Authorization", "Bearer "+n.token)
	}
	resp, err := n.client.Do(r)
	if err != nil {
		n.t.Fatal(err)
	}
	return resp
}

// asks hands a message to the join server.
func (n *playedServer) asks(url string, message []byte) (a joinAnswer) {
	n.t.Helper()
	resp := n.posts(url, message)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	if err = errors.Join(err, json.Unmarshal(text, &a)); err != nil {
		n.t.Fatalf("%v: %s", err, text)
	}
	return a
}

// session opens the network's keys. The AppSKey does not open.
func (n *playedServer) session(version lorawan.Version, a joinAnswer) lorawan.Session {
	n.t.Helper()
	open := func(e *keyEnvelope) (k lorawan.Key) {
		wrapped, err := hex.DecodeString(e.AESKey)
		if err == nil {
			k, err = lorawan.UnwrapKey(n.kek, wrapped)
		}
		if err != nil {
			n.t.Fatalf("key under %s: %v", e.KEKLabel, err)
		}
		return k
	}
	if a.AppSKey == nil || a.AppSKey.KEKLabel != "stadt-kek-1" {
		n.t.Fatalf("AppSKey: %+v", a.AppSKey)
	}
	wrapped, _ := hex.DecodeString(a.AppSKey.AESKey)
	if _, err := lorawan.UnwrapKey(n.kek, wrapped); err == nil {
		n.t.Error("the network server can open the AppSKey")
	}
	addr := n.id.DevAddr(n.asked)
	if version != lorawan.V1_1 {
		return lorawan.Session10(version, addr, open(a.NwkSKey), lorawan.Key{})
	}
	return lorawan.Session{Version: version, DevAddr: addr, FNwkSIntKey: open(a.FNwkSIntKey), SNwkSIntKey: open(a.SNwkSIntKey), NwkSEncKey: open(a.NwkSEncKey)}
}

// simDevice is a device of firmware-sim with its clock.
type simDevice struct {
	*mac.Device
	t   testing.TB
	id  mac.Identity
	now time.Time
}

func newSimDevice(t testing.TB, id mac.Identity) *simDevice {
	t.Helper()
	d, err := mac.New(id, &mac.Profile{DataRate: 5}, rand.New(rand.NewPCG(1, uint64(id.DevEUI[7]))))
	if err != nil {
		t.Fatal(err)
	}
	s := &simDevice{Device: d, t: t, id: id, now: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)}
	d.Boot(s.now)
	return s
}

// next is what the device sends next.
func (d *simDevice) next() mac.Transmission {
	d.t.Helper()
	at, ok := d.Next()
	if !ok {
		d.t.Fatal("the device has nothing to say")
	}
	d.now = at
	tx, ok := d.Transmit(at)
	if !ok {
		d.t.Fatal("the device does not send")
	}
	return tx
}

// joins hands the join-accept of an answer to the device that sent tx. The device itself
// refuses a JoinNonce that it has seen.
func (d *simDevice) joins(tx mac.Transmission, a joinAnswer) {
	d.t.Helper()
	frame, err := hex.DecodeString(a.PHYPayload)
	if a.Result.ResultCode != "Success" || err != nil {
		d.t.Fatalf("refused: %+v, %v", a.Result, err)
	}
	got, err := d.Receive(tx.RX1.Opens, mac.Reception{PHYPayload: frame, Window: 1, SNR: 7})
	if err != nil || !got.Joined {
		d.t.Fatalf("the device does not take the join-accept: %+v, %v", got, err)
	}
	d.now = tx.RX1.Opens.Add(5 * time.Second)
}

// says has the device send a payload.
func (d *simDevice) says(payload []byte) (mac.Transmission, lorawan.Data) {
	d.t.Helper()
	if err := d.Send(d.now, mac.Message{Port: 2, Payload: payload}); err != nil {
		d.t.Fatal(err)
	}
	tx := d.next()
	data, err := lorawan.ParseData(tx.PHYPayload)
	if err != nil {
		d.t.Fatal(err)
	}
	return tx, data
}

// identity is a device with root keys of its own.
func identity(v lorawan.Version, last byte) mac.Identity {
	id := mac.Identity{Version: v, DevEUI: city.EUI{0xa8, 0x40, 0x41, 0, 1, 0x81, 0, last}, JoinEUI: city.EUI{0xa0, 7: 1},
		AppKey: lorawan.Key([]byte("canary-AppKey-17"))}
	id.AppKey[15] = last
	if v == lorawan.V1_1 {
		id.NwkKey = lorawan.Key([]byte("canary-NwkKey-17"))
		id.NwkKey[15] = last
	}
	return id
}

// TestJoinToReading follows two devices from their root keys to a reading: they join at the
// city's own join server, which their network servers ask over mutual TLS and which gives
// these no key to payloads; what they send then the platform reads. Nothing is written in
// clear anywhere.
func TestJoinToReading(t *testing.T) {
	broker := brokertest.Start(t)
	old, young := identity(lorawan.V1_0_4, 1), identity(lorawan.V1_1, 9)
	servers := `inventory: [DIR/trees.csv]
road: {max_backlog: 876000h}
network_servers:
  - {name: chirpstack, dialect: chirpstack-v4, broker: "` + broker.URL() + `"}
  - {name: things, dialect: the-things-stack-v3, broker: "` + broker.URL() + `"}
`
	town := newJoinTown(t, buildBinary(t, true), servers, old, young)
	town.tree()
	if out := town.command("check"); !strings.Contains(out, "fine") {
		t.Errorf("check says %q", out)
	}
	town.begin()
	town.eventually(30*time.Second, "ready", func() error {
		ready, err := town.get("/readyz")
		if err == nil && !strings.Contains(ready, "join server") {
			t.Fatalf("of the join server nothing is said: %s", ready)
		}
		return err
	})
	chirpstack, things := town.server("lns.example", "000000", "chirpstack-1"), town.server("tts.example", "000013", "things-1")
	payload, err := hex.DecodeString("0ce57fff05dc04b900c810")
	if err != nil {
		t.Fatal(err)
	}

	secrets := []string{old.AppKey.Hex(), young.AppKey.Hex(), young.NwkKey.Hex()}
	for _, digits := range joinKEKs {
		secrets = append(secrets, digits)
	}
	sends := func(id mac.Identity, n *playedServer) (lorawan.Data, joinAnswer, []byte, *simDevice) {
		t.Helper()
		d := newSimDevice(t, id)
		request := d.next()
		a := n.asks(town.url, n.question(request.PHYPayload))
		d.joins(request, a)
		ses, _ := d.Session()
		secrets = append(secrets, ses.AppSKey.Hex(), ses.FNwkSIntKey.Hex(), ses.SNwkSIntKey.Hex(), ses.NwkSEncKey.Hex())
		tx, data := d.says(payload)
		network := n.session(id.Version, a)
		if _, err := network.Verify(tx.PHYPayload, tx.FCnt, lorawan.Binding{DataRate: tx.DataRate, Channel: tx.Channel}); err != nil {
			t.Errorf("the network server does not know the device: %v", err)
		}
		if !data.HasPort || bytes.Equal(data.FRMPayload, payload) {
			t.Fatalf("on air: port %d, % x", data.FPort, data.FRMPayload)
		}
		return data, a, request.PHYPayload, d
	}
	base := func(e *keyEnvelope) string {
		wrapped, err := hex.DecodeString(e.AESKey)
		if err != nil {
			t.Fatal(err)
		}
		return base64.StdEncoding.EncodeToString(wrapped)
	}
	data, a, replay, first := sends(old, chirpstack)
	m := recordedUp(t, v4Encrypted, "chirpstack/testdata/v4-up-encrypted.json", `"devAddr":"0165c904"`, `"devAddr":"`+data.DevAddr.String()+`"`,
		`"fCnt":9`, fmt.Sprintf(`"fCnt":%d`, data.FCnt), "/57L1UZhIXe3w0Q=", base64.StdEncoding.EncodeToString(data.FRMPayload),
		"H6aLCoEStEeu80vY+1p7gp0+hiNx0s/l", base(a.AppSKey))
	broker.Publish(m.topic, m.body)
	data, a, _, _ = sends(young, things)
	m = recordedUp(t, thingsEncrypted, "thethings/testdata/up-encrypted.json", `"dev_addr":"00248777"`, `"dev_addr":"`+strings.ToUpper(data.DevAddr.String())+`"`,
		`"f_port":10,"f_cnt":1,"frm_payload":"ifTplw=="`, fmt.Sprintf(`"f_port":2,"f_cnt":%d,"frm_payload":%q`, data.FCnt, base64.StdEncoding.EncodeToString(data.FRMPayload)),
		"c1/pcU3WYskJuqjHj019E5hywxUefBql", base(a.AppSKey))
	broker.Publish(m.topic, m.body)
	town.wantMetrics(20*time.Second, map[string]float64{
		`meldefunk_road_frames_total{fate="read"}`:                                               2,
		`meldefunk_joinserver_requests_total{peer="chirpstack",result="Success",type="JoinReq"}`: 1,
		`meldefunk_joinserver_requests_total{peer="things",result="Success",type="JoinReq"}`:     1,
	})
	if got := rows(t, town.database(), `SELECT asset, json_extract(measured, '$.soil_moisture'), json_extract(measured, '$.soil_temperature') FROM readings ORDER BY asset`); !slices.Equal(got, []string{"BA-0|15|12.09", "BA-1|15|12.09"}) {
		t.Errorf("readings %q", got)
	}

	refused := func(what string, n *playedServer, frame []byte, code string) {
		t.Helper()
		if a := n.asks(town.url, n.question(frame)); a.Result.ResultCode != code || a.PHYPayload != "" || a.AppSKey != nil || a.NwkSKey != nil {
			t.Errorf("%s: %s (%s), want %s", what, a.Result.ResultCode, a.Result.Description, code)
		}
	}
	refused("a recorded join-request", chirpstack, replay, "FrameReplayed")
	refused("somebody else's network", town.server("lns.example", "000000", "chirpstack-1"), newSimDevice(t, young).next().PHYPayload, "ActivationDisallowed")
	forged := bytes.Clone(replay)
	forged[17]++ // another DevNonce
	refused("a made-up join-request", chirpstack, forged, "MICFailed")
	resp := town.server("www.example", "000000", "chirpstack-1").posts(town.url, chirpstack.question(replay))
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a stranger's certificate: %s", resp.Status)
	}

	// Keys that the join server needs are not let go of by a reload; others come and go.
	again := func(what string) {
		t.Helper()
		first.Join(first.now)
		request := first.next()
		first.joins(request, chirpstack.asks(town.url, chirpstack.question(request.PHYPayload)))
		replay = request.PHYPayload
		if t.Failed() {
			t.Fatal(what)
		}
	}
	withdrawn := strings.Replace(town.joinSettings("chirpstack-1", "stadt-kek-2"), "kek: chirpstack-1}", "plaintext_keys: accepted}", 1)
	town.configure(withdrawn + servers) // which the running join server does not know
	town.reload(`join_server: peers: 0 (\"chirpstack\"): kek: \"chirpstack-1\" is no label under keys.keks`)
	town.configure(town.joinSettings("stadt-kek-2") + servers)
	town.reload("reloaded inventory, rules, routes, codecs and keys")
	again("after a reload")

	// Root keys that are wrapped anew stay what they are: what was used up stays so.
	nonce := func() string {
		return strings.Join(rows(t, town.database(), `SELECT join_nonce, next_dev_nonce FROM joins WHERE dev_eui = ?`, old.DevEUI.String()), "")
	}
	was := nonce()
	if out := town.command("device", "key", "rewrap", "--to", "wurzel-2", "--by", "petra"); !strings.Contains(out, "keys of 2 devices changed") {
		t.Errorf("rewrap says %q", out)
	}
	if is := nonce(); is != was {
		t.Errorf("nonces %s after a rewrap, before %s", is, was)
	}
	refused("a recorded join-request after a rewrap", chirpstack, replay, "FrameReplayed")
	again("after a rewrap")
	// So they do for a device that forgot them.
	if out := town.command("device", "key", "flush", old.DevEUI.String(), "BA-0", "--by", "petra"); !strings.Contains(out, "nonces of 1 devices begin anew") {
		t.Errorf("flush says %q", out)
	}
	if is := nonce(); !strings.HasSuffix(is, "|0") || strings.HasPrefix(is, "0|") {
		t.Errorf("nonces %s after a flush: want DevNonces from 0 and the JoinNonce as it was", is)
	}
	again("after a flush")
	town.exits(exitConflict, "device", "key", "flush", "a8404100018100ff", "--by", "petra")
	// Other root keys begin anew.
	town.command("device", "key", "rotate", old.DevEUI.String(), "--by", "petra")
	if is := nonce(); !strings.HasSuffix(is, "|0") || strings.HasPrefix(is, "0|") {
		t.Errorf("nonces %s with other root keys: want DevNonces from 0 and the JoinNonce as it was", is)
	}
	refused("with the old root key", chirpstack, replay, "MICFailed")
	town.command("device", "retire", young.DevEUI.String(), "--by", "petra")
	refused("a retired device", things, newSimDevice(t, young).next().PHYPayload, "ActivationDisallowed")
	town.stop()
	town.wantNoKeys(secrets)
}

// TestKilledWhileJoining kills the platform when a join is on the disk and the network server
// has not heard of it. The device asks again and gets in; no JoinNonce, and so no key, is given
// out twice; and the request whose answer was lost is a recorded one from then on.
func TestKilledWhileJoining(t *testing.T) {
	id := identity(lorawan.V1_0_4, 1)
	town := newJoinTown(t, buildBinary(t, true), noUplinks, id)
	device := newSimDevice(t, id)
	nonces := func() string {
		return strings.Join(rows(t, town.database(), `SELECT join_nonce FROM joins`), "")
	}
	granted := map[string]bool{}
	for round := range 3 {
		town.begin()
		n := town.server("lns.example", "000000", "chirpstack-1")
		lost := device.next()
		before := nonces()
		conn, err := tls.Dial("tcp", strings.TrimPrefix(town.url, "https://"), town.client("lns.example"))
		if err != nil {
			t.Fatal(err)
		}
		message := n.question(lost.PHYPayload)
		fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: join\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(message), message)
		town.eventually(10*time.Second, "kept", func() error {
			if nonces() == before {
				return errors.New("nothing is kept yet")
			}
			return nil
		})
		if err := town.cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		town.kill()
		conn.Close()

		town.begin()
		n = town.server("lns.example", "000000", "chirpstack-1")
		if a := n.asks(town.url, message); a.Result.ResultCode != "FrameReplayed" {
			t.Errorf("round %d: the same message after a crash: %+v", round, a.Result)
		}
		request := device.next()
		a := n.asks(town.url, n.question(request.PHYPayload))
		device.joins(request, a) // which takes no JoinNonce that is not higher
		ses, _ := device.Session()
		if granted[ses.AppSKey.Hex()] || granted[nonces()] {
			t.Errorf("round %d: a key or a nonce came twice", round)
		}
		granted[ses.AppSKey.Hex()], granted[nonces()] = true, true
		if want := fmt.Sprint(2*round + 2); nonces() != want {
			t.Errorf("round %d: JoinNonce %s, want %s", round, nonces(), want)
		}
		device.Join(device.now)
		town.kill()
	}
}

// TestKeysForAnotherApplication has the AppSKey kept for somebody else: the network server gets
// its number, and who is named for it the key, also after the keys were wrapped anew.
func TestKeysForAnotherApplication(t *testing.T) {
	id := identity(lorawan.V1_0_4, 1)
	town := newJoinTown(t, buildBinary(t, true), noUplinks, id)
	text := "inventory: [DIR/trees.csv]\n" + noUplinks + strings.Replace(town.joinSettings(), "  home:", "  application_server: as.example\n  home:", 1) +
		"    - {name: as, role: application_server, id: as.example, certificate: as.example}\n"
	town.tree()
	town.configure(text)
	town.begin()
	n, as := town.server("lns.example", "000000", "chirpstack-1"), town.server("as.example", "000000", "things-1")
	device := newSimDevice(t, id)
	request := device.next()
	a := n.asks(town.url, n.question(request.PHYPayload))
	device.joins(request, a)
	if a.AppSKey != nil || len(a.SessionKeyID) != 32 {
		t.Fatalf("the network server gets %+v and number %q", a.AppSKey, a.SessionKeyID)
	}
	ses, _ := device.Session()
	question, err := json.Marshal(map[string]any{
		"ProtocolVersion": "1.0", "SenderID": "as.example", "ReceiverID": id.JoinEUI.String(), "TransactionID": 1,
		"MessageType": "AppSKeyReq", "DevEUI": id.DevEUI.String(), "SessionKeyID": a.SessionKeyID,
	})
	if err != nil {
		t.Fatal(err)
	}
	gets := func(label string) {
		t.Helper()
		got := as.asks(town.url, question).AppSKey
		if got == nil || got.KEKLabel != label {
			t.Fatalf("got %+v, want a key under %s", got, label)
		}
		wrapped, err := hex.DecodeString(got.AESKey)
		if err != nil {
			t.Fatal(err)
		}
		if key, err := town.ring.UnwrapKey(label, wrapped); err != nil || key != ses.AppSKey {
			t.Errorf("not the session's key: %v", err)
		}
	}
	rewraps := func(to string) {
		t.Helper()
		if out := town.command("device", "key", "rewrap", "--sessions", "--to", to, "--by", "petra"); !strings.Contains(out, "1 session keys wrapped with "+to) {
			t.Errorf("rewrap says %q", out)
		}
	}
	gets("stadt-kek-1")
	rewraps("wurzel-2") // by the running platform
	gets("wurzel-2")
	town.stop()
	rewraps("stadt-kek-2")
	town.begin()
	gets("stadt-kek-2")
	town.stop()
	town.wantNoKeys([]string{ses.AppSKey.Hex(), id.AppKey.Hex(), joinKEKs["stadt-kek-1"], joinKEKs["stadt-kek-2"]})
}

// TestCheckJoinServer finds what would keep devices from joining.
func TestCheckJoinServer(t *testing.T) {
	town := newJoinTown(t, "", noUplinks, identity(lorawan.V1_0_4, 1), identity(lorawan.V1_0_4, 9))
	for name, c := range map[string]struct {
		change func()
		want   string
	}{
		"a KEK is not there": {func() {
			town.configure(noUplinks + strings.Replace(town.joinSettings("wurzel"), "register: wurzel", "register: wurzel-2", 1))
		},
			`register: root keys of 2 devices do not open, the first those of a840410001810001: key encryption key "wurzel" is not configured`},
		"another key": {func() { town.write("wurzel.key", strings.Repeat("11", 16)) },
			`register: root keys of 2 devices do not open, the first those of a840410001810001: key encryption key "wurzel": `},
		"a certificate": {func() {
			if err := os.Remove(town.gate.TLS.CertFile); err != nil {
				t.Fatal(err)
			}
		}, "join_server: tls.cert_file"},
	} {
		t.Run(name, func(t *testing.T) {
			town.configure(noUplinks + town.joinSettings())
			town.write("wurzel.key", joinKEKs["wurzel"])
			c.change()
			if err := checkAll(t.Context(), town.config); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}
