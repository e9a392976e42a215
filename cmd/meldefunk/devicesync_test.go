package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"meldefunk/city"
	"meldefunk/city/lorawan"
	"meldefunk/city/lorawan/enrol"
	"meldefunk/city/register"
	"meldefunk/devices/chirpstack/chirpstacktest"
	"meldefunk/devices/enrolment"
	"meldefunk/devices/keys"
	"meldefunk/devices/thethings/thethingstest"
)

// syncTown is a register whose devices belong to two network servers, half of them each, the
// settings with both, and what they were told.
type syncTown struct {
	config     string // without data and inventory
	thingsURL  string
	settings   settings
	ring       *keys.Ring
	source     enrolment.Source
	chirpstack *chirpstacktest.Server
	things     *thethingstest.Server

	mu   sync.Mutex
	told map[string]register.Registration
}

const syncDevices = 60

func newSyncTown(t *testing.T) *syncTown {
	t.Helper()
	s := &syncTown{told: map[string]register.Registration{}}
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
	s.chirpstack.Grant("canary-chirpstack", chirpstacktest.Access{Tenant: tenant})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.chirpstack.Start(l))
	s.things = thethingstest.New("EU_863_870_TTN")
	s.things.Grant("canary-things", "stadt-sensorik", thethingstest.Read, thethingstest.Write, thethingstest.ReadKeys, thethingstest.WriteKeys)
	things := httptest.NewUnstartedServer(s.things)
	things.Config.ErrorLog = log.New(io.Discard, "", 0)
	things.Start()
	t.Cleanup(things.Close)
	s.thingsURL = things.URL

	t.Setenv("CHIRPSTACK_KEY", "canary-chirpstack")
	t.Setenv("THINGS_KEY", "canary-things")
	t.Setenv("STADT_KEK_2", strings.Repeat("ab", 32))
	kek := filepath.Join(t.TempDir(), "kek")
	if err := os.WriteFile(kek, []byte("000102030405060708090a0b0c0d0e0f"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.config = fmt.Sprintf(`keys: {register: stadt-kek-1, keks: [{label: stadt-kek-1, file: %q}, {label: stadt-kek-2, env: STADT_KEK_2}]}
network_servers:
  - name: stadt
    dialect: chirpstack-v4
    broker: mqtt://127.0.0.1
    provisioning: {kind: chirpstack, address: "http://%s", application: %s, api_key_env: CHIRPSTACK_KEY}
  - name: ttn
    dialect: the-things-stack-v3
    broker: mqtt://127.0.0.1
    provisioning: {kind: thethings, address: %q, application: stadt-sensorik, api_key_env: THINGS_KEY}
`, kek, l.Addr(), application, things.URL)
	if s.settings, err = parseSettings("f.yaml", []byte("inventory: [x]\n"+s.config)); err != nil {
		t.Fatal(err)
	}
	if s.ring, err = keys.Load(s.settings.Keys); err != nil {
		t.Fatal(err)
	}
	s.source = enrolment.Source{Open: s.ring.OpenRoot, Asset: func(id string) (*city.Asset, bool) {
		return &city.Asset{ID: id, Name: "Papierkorb " + id, Address: "Domhof 4"}, true
	}}
	for i := range syncDevices {
		version := []enrol.Version{enrol.V1_0_3, enrol.V1_0_4, enrol.V1_1_0}[i%3]
		sealed, err := s.ring.SealRoot(canaryRoot(i, version))
		if err != nil {
			t.Fatal(err)
		}
		s.source.Snapshot.Devices = append(s.source.Snapshot.Devices, register.Device{
			Device: city.Device{DevEUI: city.EUI{0xa8, 6: byte(i >> 8), 7: byte(i)}, Model: "milesight/em310-udl", Asset: fmt.Sprintf("PK-%04d", i), Server: []string{"stadt", "ttn"}[i%2]},
			State:  register.Installed, JoinEUI: city.EUI{0xa0, 7: 1}, Version: version, Keys: sealed,
		})
	}
	return s
}

// canaryRoot are the root keys of a device, which must show nowhere but at the network servers.
func canaryRoot(i int, v enrol.Version) enrol.RootKeys {
	key := func(last byte) lorawan.Key {
		return lorawan.Key{0xc0, 0xff, 0xee, 0xc0, 0xff, 0xee, 0xc0, 0xff, 0xee, 13: byte(i >> 8), 14: byte(i), 15: last}
	}
	k := enrol.RootKeys{Nwk: key(1)}
	if v.Two() {
		k.App = key(2)
	}
	return k
}

// sync does what the settings say, once, and gives what became of it.
func (s *syncTown) sync(t *testing.T, verify bool) (enrolment.Plan, enrolment.Report) {
	t.Helper()
	targets, closeTargets, err := s.settings.targets()
	if err != nil {
		t.Fatal(err)
	}
	defer closeTargets()
	from := s.source
	for _, r := range s.told {
		from.Told = append(from.Told, r)
	}
	e := enrolment.Engine{Config: enrolment.DefaultConfig(), Now: time.Now, Keep: func(all []register.Registration) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, r := range all {
			s.told[r.DevEUI.String()+" "+r.Server] = r
		}
		return nil
	}}
	e.Attempts = 1 // what breaks off is for the next run
	p := enrolment.Make(from, targets)
	if verify {
		if r := e.Verify(t.Context(), &p); r.Exit() != enrolment.ExitOK {
			t.Errorf("comparing: %s: %v", r.Exit(), r.Results[0].Err)
		}
	}
	r, err := e.Apply(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if said := fmt.Sprintf("%+v %+v %+v", p, r.Entries(), s.told); strings.Contains(said, "c0ffee") || strings.Contains(said, "canary") {
		t.Error("a key is told")
	}
	return p, r
}

// TestDeviceSync fills a ChirpStack and a Things Stack, as strict as the real ones, with the
// real clients. Six writes break off, before and after they are done, one in each registry;
// the next run mends their devices, and the one after it has nothing to do.
func TestDeviceSync(t *testing.T) {
	s := newSyncTown(t)
	s.chirpstack.Fail(chirpstacktest.Fault{Method: "DeviceService/Create", After: true, Code: codes.Unavailable, Message: "gone"})
	s.chirpstack.Fail(chirpstacktest.Fault{Method: "DeviceService/CreateKeys", Code: codes.Internal, Message: "database is locked"})
	s.chirpstack.Fail(chirpstacktest.Fault{Method: "DeviceService/CreateKeys", After: true, Code: codes.Unavailable, Message: "gone"})
	s.things.Fail(thethingstest.Fault{Registry: thethingstest.Join, Method: "PUT", Status: 503})
	s.things.Fail(thethingstest.Fault{Registry: thethingstest.Network, Method: "PUT", After: true, Status: 500})
	s.things.Fail(thethingstest.Fault{Registry: thethingstest.Application, Method: "PUT"})
	p, r := s.sync(t, false)
	if p.Count(enrolment.Create) != syncDevices || r.Count(enrolment.Failed) != 6 || r.Count(enrolment.Done) != syncDevices-6 || r.Exit() != enrolment.ExitPartial {
		t.Errorf("%d to make, %d failed, %d done: %s", p.Count(enrolment.Create), r.Count(enrolment.Failed), r.Count(enrolment.Done), r.Exit())
	}
	p, r = s.sync(t, false)
	if p.Todo() != 6 || r.Count(enrolment.Done) != 6 || r.Exit() != enrolment.ExitOK {
		t.Errorf("%d to mend, %d done: %s", p.Todo(), r.Count(enrolment.Done), r.Exit())
	}
	if p, _ := s.sync(t, true); p.Todo() != 0 || p.Count(enrolment.Nothing) != syncDevices || len(p.Drifts()) != 0 {
		t.Errorf("%d left to do, drift %v", p.Todo(), p.Drifts())
	}
	s.holds(t, syncDevices/2, syncDevices/2)

	// Another key that wraps root keys is no matter for network servers.
	c, err := s.ring.Rotate(s.source.Snapshot, "stadt-kek-1", "stadt-kek-2")
	if err != nil || len(c.Devices) != syncDevices {
		t.Fatalf("%d devices wrapped anew, %v", len(c.Devices), err)
	}
	s.source.Snapshot.Devices = c.Devices
	if p, _ := s.sync(t, false); p.Todo() != 0 {
		t.Errorf("with another key encryption key %d are left to do", p.Todo())
	}
	// One device gets new root keys, one changes its network server, one of each is retired,
	// and somebody has renamed one and removed another behind our back.
	renewed, err := s.ring.Renew(s.source.Snapshot, s.source.Snapshot.Devices[0].DevEUI)
	if err != nil {
		t.Fatal(err)
	}
	devices := s.source.Snapshot.Devices
	devices[0] = renewed.Devices[0]
	devices[2].Server = "ttn"
	devices[4].State, devices[5].State = register.Retired, register.Retired
	renamed, err := s.chirpstack.Get(chirpstacktest.Device, devices[6].DevEUI.String())
	if err != nil {
		t.Fatal(err)
	}
	renamed["name"] = "Keller"
	if err := s.chirpstack.Put(chirpstacktest.Device, devices[6].DevEUI.String(), renamed); err != nil {
		t.Fatal(err)
	}
	s.things.Put(thethingstest.Join, thethingstest.ID{Application: "stadt-sensorik", Device: "eui-" + devices[7].DevEUI.String()}, nil)
	p, r = s.sync(t, true)
	var drift []string
	for _, step := range p.Drifts() {
		drift = append(drift, step.Name+" "+step.Drift[0].String())
	}
	told := strings.Join(drift, "\n")
	if p.Count(enrolment.Remove) != 3 || p.Todo() != 7 || r.Count(enrolment.Done) != 7 || r.Exit() != enrolment.ExitOK ||
		!strings.Contains(told, "PK-0006 device: name is Keller, want PK-0006") || !strings.Contains(told, "PK-0007 join server is missing") {
		t.Errorf("%d to do, %d done: %s\n%s", p.Todo(), r.Count(enrolment.Done), r.Exit(), told)
	}
	s.holds(t, syncDevices/2-2, syncDevices/2)
	if p, _ := s.sync(t, true); p.Todo() != 0 || len(p.Drifts()) != 0 {
		t.Errorf("%d left to do, drift %v", p.Todo(), p.Drifts())
	}
}

// holds fails unless each server has so many devices, whole.
func (s *syncTown) holds(t *testing.T, chirpstack, things int) {
	t.Helper()
	if d, k := s.chirpstack.IDs(chirpstacktest.Device), s.chirpstack.IDs(chirpstacktest.Keys); len(d) != chirpstack || len(k) != chirpstack {
		t.Errorf("ChirpStack has %d devices and keys of %d, want %d", len(d), len(k), chirpstack)
	}
	for _, r := range []thethingstest.Registry{thethingstest.Identity, thethingstest.Join, thethingstest.Network, thethingstest.Application} {
		if n := s.things.Count(r); n != things {
			t.Errorf("registry %s has %d devices, want %d", r, n, things)
		}
	}
}

// TestDeviceSyncOfAThousand imports a thousand devices and tells two network servers of them,
// with the commands. Three registrations break off half way; the next sync mends them, and the
// one after it has nothing to do. Then each way in which it can end.
func TestDeviceSyncOfAThousand(t *testing.T) {
	s := newSyncTown(t)
	p := newPlatform(t, "", s.config, map[string]string{"delivery.csv": delivery(func(row int, f map[string]string) {
		f["server"] = []string{"stadt", "ttn"}[row%2]
	})})
	device := func(code int, want string, args ...string) string {
		t.Helper()
		began := time.Now()
		out, errs, got := runWith(t, "", append(append([]string{"device"}, args...), "-c", p.config)...)
		t.Logf("device %s: %v", strings.Join(args, " "), time.Since(began).Round(time.Millisecond))
		if out += errs; got != code || !strings.Contains(out, want) {
			t.Fatalf("exit code %d, want %d and %q:\n%s", got, code, want, tail(out, 2000))
		}
		for _, secret := range []string{"c0ffee", "canary"} {
			if strings.Contains(strings.ToLower(out), secret) {
				t.Error("a key is told")
			}
		}
		return out
	}
	device(exitOK, "1000 created", "import", p.path("delivery.csv"))
	device(exitOK, "1000 to create, 0 to update", "sync", "--plan")

	s.chirpstack.Fail(chirpstacktest.Fault{Method: "DeviceService/CreateKeys", Code: codes.FailedPrecondition, Message: "broke off"})
	s.things.Fail(thethingstest.Fault{Registry: thethingstest.Join, Method: "PUT", Status: 422})
	s.things.Fail(thethingstest.Fault{Registry: thethingstest.Application, Method: "PUT", Status: 422})
	out := device(exitPartial, "997 done, 3 failed, 0 untried", "sync")
	if !strings.Contains(out, "3 of 1000 devices could not be told") {
		t.Errorf("%s", tail(out, 500))
	}
	device(exitOK, "3 to create, 0 to update, 0 to remove, 997 as they should be", "sync", "--plan")
	device(exitOK, "3 done, 0 failed, 0 untried", "sync")
	s.holds(t, 500, 500)
	device(exitOK, "0 done, 0 failed, 0 untried", "sync")
	if out := device(exitOK, "", "sync", "--json", "--plan", "PK-0000"); strings.Count(out, "\n") != 1 || !strings.Contains(out, `"action":"nothing"`) {
		t.Errorf("one device: %s", out)
	}

	// Somebody works on the network server by hand.
	const drifted = "24e124713b000000" // PK-0000
	fields, err := s.chirpstack.Get(chirpstacktest.Device, drifted)
	if err != nil {
		t.Fatal(err)
	}
	fields["name"] = "Keller"
	if err := s.chirpstack.Put(chirpstacktest.Device, drifted, fields); err != nil {
		t.Fatal(err)
	}
	device(exitPartial, "name is Keller", "sync", "--plan", "--verify", "PK-0000")
	device(exitOK, "1 done", "sync", "--verify", "PK-0000")
	device(exitOK, "0 to update", "sync", "--plan", "--verify", "PK-0000")

	// One is retired: what was told is said, and taken back.
	device(exitOK, "stadt knows it still; meldefunk device sync tells it", "retire", "PK-0000")
	device(exitOK, "1 to remove", "sync", "--plan")
	device(exitOK, "1 done", "sync", drifted)
	s.holds(t, 499, 500)

	device(exitNotFound, "want one with provisioning: stadt, ttn", "sync", "--server", "elsewhere")
	device(exitNotFound, "is no DevEUI", "sync", "PK-9999")
	p.write("more.csv", "dev_eui;join_eui;app_key;model;server\n24e124713bffffff;70b3d57ed0000001;C0FFEE15600DF00D0102030405060708;milesight/em310-udl;stadt\n")
	device(exitOK, "1 created", "import", p.path("more.csv"))
	t.Setenv("CHIRPSTACK_KEY", "another")
	device(exitUnauthorized, "1 failed", "sync")
	t.Setenv("CHIRPSTACK_KEY", "canary-chirpstack")
	whole, err := os.ReadFile(p.config)
	if err != nil {
		t.Fatal(err)
	}
	broken := func(from, to string) {
		t.Helper()
		changed := strings.Replace(string(whole), from, to, 1)
		if changed == string(whole) {
			t.Fatalf("there is no %s", from)
		}
		p.write("meldefunk.yaml", changed)
	}
	broken("stadt-sensorik", "stadt-andere")
	device(exitUnauthorized, "", "sync", "--server", "ttn", "--plan", "--verify", "PK-0001")
	broken(s.thingsURL, "http://127.0.0.1:1")
	device(exitUnreachable, "", "sync", "--server", "ttn", "--plan", "--verify", "PK-0001")
}
