package thethings

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"meldefunk/city"
	"meldefunk/city/lorawan"
	"meldefunk/city/lorawan/enrol"
	"meldefunk/devices/thethings/thethingstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	apiKey  = "NNSXS.CANARYCANARYCANARY.CANARYCANARYCANARYCANARY"
	nwkHex  = "c0ffee00c0ffee00c0ffee00c0ffee01"
	appHex  = "c0ffee00c0ffee00c0ffee00c0ffee02"
	newHex  = "c0ffee00c0ffee00c0ffee00c0ffee03"
	appID   = "stadt-sensorik"
	timeout = time.Minute
)

// secrets are what no error, drift or printed value may hold.
func secrets() []string { return []string{"CANARY", "c0ffee00c0ffee", "C0FFEE00C0FFEE"} }

func allRights() []string {
	return []string{thethingstest.Read, thethingstest.Write, thethingstest.ReadKeys, thethingstest.WriteKeys}
}

// cluster is a stand-in that answers, a client of it, and the pauses the client made.
type cluster struct {
	*thethingstest.Server
	*Client
	url string

	mu     sync.Mutex
	pauses []time.Duration
}

// start runs a stand-in and makes a client, whose settings may be changed first.
func start(t *testing.T, change func(*Config)) *cluster {
	t.Helper()
	s := thethingstest.New("EU_863_870_TTN", "EU_863_870")
	s.Grant(apiKey, appID, allRights()...)
	c := &cluster{Server: s}
	c.Client, c.url = dial(t, s, change)
	c.pause = func(_ context.Context, d time.Duration) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.pauses = append(c.pauses, d)
		return nil
	}
	t.Cleanup(func() {
		if got := c.Ignored(); len(got) > 0 {
			t.Errorf("sent fields that are not in the mask: %v", got)
		}
	})
	return c
}

// dial serves a handler and makes a client of it.
func dial(t *testing.T, h http.Handler, change func(*Config)) (*Client, string) {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = quiet()
	server.Start()
	t.Cleanup(server.Close)
	t.Setenv("TTS_API_KEY", apiKey)
	cfg := DefaultConfig()
	cfg.Name, cfg.Address, cfg.Application, cfg.APIKeyEnv = "ttn", server.URL, appID, "TTS_API_KEY"
	if change != nil {
		change(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, server.URL
}

// quiet keeps broken connections, which are wanted here, out of the tests' output.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

func key(t *testing.T, hex string) lorawan.Key {
	t.Helper()
	k, err := lorawan.ParseKey(hex)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func eui(t *testing.T, s string) city.EUI {
	t.Helper()
	e, err := city.ParseEUI(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// bin is a device of LoRaWAN 1.0.3.
func bin(t *testing.T) enrol.Device {
	t.Helper()
	return enrol.Device{
		DevEUI: eui(t, "a840410001810001"), JoinEUI: eui(t, "a000000000000101"),
		Name: "PK-0042", Text: "Papierkorb am Markt", Tags: map[string]string{"model": "em310-udl", "asset": "PK-0042"},
		Version: enrol.V1_0_3, Region: "EU868", Class: enrol.ClassA, Interval: 3600,
		Keys: enrol.RootKeys{Nwk: key(t, nwkHex)},
	}
}

// fuzzBin is a device for where there is no *testing.T to make one with.
func fuzzBin() enrol.Device {
	return enrol.Device{
		DevEUI: city.EUI{0xa8, 0x40, 0x41, 0, 1, 0x81, 0, 1}, JoinEUI: city.EUI{0xa0, 0, 0, 0, 0, 0, 1, 1},
		Version: enrol.V1_0_3, Region: "EU868", Class: enrol.ClassA, Keys: enrol.RootKeys{Nwk: lorawan.Key{1}},
	}
}

var binID = thethingstest.ID{Application: appID, Device: "eui-a840410001810001"}

func background(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	t.Cleanup(cancel)
	return ctx
}

// settled checks that a device stands as wanted: no drift, and enrolling it again writes
// nothing.
func settled(t *testing.T, c *cluster, want enrol.Device) {
	t.Helper()
	if drift, err := c.Compare(background(t), want); err != nil || len(drift) > 0 {
		t.Errorf("afterwards: drift %v, error %v; want none", drift, err)
	}
	c.Seen()
	if err := c.Enrol(background(t), want); err != nil {
		t.Errorf("enrolled again: %v", err)
	}
	for _, r := range c.Seen() {
		if r.Method != http.MethodGet {
			t.Errorf("enrolled again: %s to %s, want nothing written", r.Method, r.Registry)
		}
	}
}

// expect checks fields of a registry; nil: not there.
func expect(t *testing.T, c *cluster, r thethingstest.Registry, id thethingstest.ID, want thethingstest.Fields) {
	t.Helper()
	got := c.Get(r, id)
	if (got == nil) != (want == nil) {
		t.Errorf("%s has %v of %s, want %v", r, got, id.Device, want)
		return
	}
	for path, w := range want {
		if got[path] != w {
			t.Errorf("%s has %s = %v, want %v", r, path, got[path], w)
		}
	}
}

// wantKind checks the kind of an error, what it says, and that it holds no secret.
func wantKind(t *testing.T, err error, kind enrol.Kind, says ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one that is %s", kind)
		return
	}
	if got := enrol.KindOf(err); got != kind {
		t.Errorf("error %q is %s, want %s", err, got, kind)
	}
	for _, s := range says {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("error %q does not say %q", err, s)
		}
	}
	for _, s := range secrets() {
		if strings.Contains(err.Error(), s) {
			t.Errorf("error %q holds a secret", err)
		}
	}
}

func has(drift []enrol.Drift, want string) bool {
	return slices.ContainsFunc(drift, func(d enrol.Drift) bool { return d.String() == want })
}
