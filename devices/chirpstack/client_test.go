package chirpstack

import (
	"context"
	"net"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"

	"meldefunk/city"
	"meldefunk/city/lorawan"
	"meldefunk/city/lorawan/enrol"
	"meldefunk/devices/chirpstack/chirpstacktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	apiKey = "eyJ0eXAiOiJKV1QCANARY.eyJhdWQiOiJjaGlycHN0YWNrCANARY"
	nwkHex = "c0ffee00c0ffee00c0ffee00c0ffee01"
	appHex = "c0ffee00c0ffee00c0ffee00c0ffee02"
	newHex = "c0ffee00c0ffee00c0ffee00c0ffee03"
	zeros  = "00000000000000000000000000000000"
	binEUI = "a840410001810001"
)

// secrets are what no error, drift or printed value may hold.
func secrets() []string { return []string{"CANARY", "c0ffee00c0ffee", "C0FFEE00C0FFEE"} }

// stack is a stand-in that answers, and a client of it.
type stack struct {
	*chirpstacktest.Server
	*Client
	tenant, application string
	other               struct{ tenant, application string } // somebody else's
}

// start runs a stand-in with two tenants, and makes a client with the API key of the first,
// whose settings may be changed before.
func start(t *testing.T, change func(*stack, *Config)) *stack {
	t.Helper()
	server, err := chirpstacktest.New()
	if err != nil {
		t.Fatal(err)
	}
	s := &stack{Server: server}
	add := func(k chirpstacktest.Kind, f chirpstacktest.Fields) string {
		id, err := server.Add(k, f)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	s.tenant = add(chirpstacktest.Tenant, chirpstacktest.Fields{"name": "Stadt"})
	s.application = add(chirpstacktest.Application, chirpstacktest.Fields{"name": "Sensorik", "tenant_id": s.tenant})
	s.other.tenant = add(chirpstacktest.Tenant, chirpstacktest.Fields{"name": "Stadtwerke"})
	s.other.application = add(chirpstacktest.Application, chirpstacktest.Fields{"name": "Sensorik", "tenant_id": s.other.tenant})
	server.Grant(apiKey, chirpstacktest.Access{Tenant: s.tenant})

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Start(l))
	t.Setenv("CHIRPSTACK_API_KEY", apiKey)
	cfg := DefaultConfig()
	cfg.Name, cfg.Address, cfg.Application, cfg.APIKeyEnv = "stadt", "http://"+l.Addr().String(), s.application, "CHIRPSTACK_API_KEY"
	if change != nil {
		change(s, &cfg)
	}
	if s.Client, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// dial makes a client of any gRPC server.
func dial(t *testing.T, address string, change func(*Config)) *Client {
	t.Helper()
	t.Setenv("CHIRPSTACK_API_KEY", apiKey)
	cfg := DefaultConfig()
	cfg.Name, cfg.Address, cfg.APIKeyEnv = "stadt", address, "CHIRPSTACK_API_KEY"
	cfg.Application = "5e7a0000-0000-4000-8000-000000000002"
	if change != nil {
		change(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// serve runs a stand-in behind options and gives its port.
func serve(t *testing.T, s *chirpstacktest.Server, options ...grpc.ServerOption) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Start(l, options...))
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func background(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func eui(t *testing.T, s string) city.EUI {
	t.Helper()
	e, err := city.ParseEUI(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func key(t *testing.T, s string) lorawan.Key {
	t.Helper()
	k, err := lorawan.ParseKey(s)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// bin is the device of the tests.
func bin(t *testing.T) enrol.Device {
	return enrol.Device{
		DevEUI: eui(t, binEUI), JoinEUI: eui(t, "a000000000000101"),
		Name: "PK-0042", Text: "Papierkorb am Markt", Tags: map[string]string{"model": "em310-udl"},
		Version: enrol.V1_0_3, Region: "EU868", Class: enrol.ClassA, Interval: 3600,
		Keys: enrol.RootKeys{Nwk: key(t, nwkHex)},
	}
}

// fields reads what the stand-in has.
func (s *stack) fields(t *testing.T, k chirpstacktest.Kind, id string) chirpstacktest.Fields {
	t.Helper()
	f, err := s.Get(k, id)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// edit changes what the stand-in has, past the client.
func (s *stack) edit(t *testing.T, k chirpstacktest.Kind, id string, change func(chirpstacktest.Fields)) {
	t.Helper()
	f := s.fields(t, k, id)
	change(f)
	if err := s.Put(k, id, f); err != nil {
		t.Fatal(err)
	}
}

// expect holds what the stand-in has against some fields; one that is nil must not be there.
func (s *stack) expect(t *testing.T, k chirpstacktest.Kind, id string, want chirpstacktest.Fields) {
	t.Helper()
	got := s.fields(t, k, id)
	if (got == nil) != (want == nil) {
		t.Errorf("%s %s: got %v, want %v", k, id, got, want)
		return
	}
	for name, v := range want {
		if !reflect.DeepEqual(got[name], v) {
			t.Errorf("%s: %s is %v, want %v", k, name, got[name], v)
		}
	}
}

// settled holds that the stand-in knows a device as wanted, and that Enrol then writes nothing.
func (s *stack) settled(t *testing.T, want enrol.Device) {
	t.Helper()
	drift, err := s.Compare(background(t), want)
	if err != nil || len(drift) > 0 {
		t.Errorf("after: drift %v, error %v; want none", drift, err)
	}
	s.Seen()
	if err := s.Enrol(background(t), want); err != nil {
		t.Error(err)
	}
	for _, method := range s.Seen() {
		if !strings.Contains(method, "/Get") && !strings.Contains(method, "/List") {
			t.Errorf("%s was called though nothing differs", method)
		}
	}
}

// told gives drift as text, and holds that it tells no secret.
func told(t *testing.T, drift []enrol.Drift) []string {
	t.Helper()
	var all []string
	for _, d := range drift {
		all = append(all, d.String())
		silent(t, d.String())
	}
	return all
}

// silent holds that a text tells no secret.
func silent(t *testing.T, text string) {
	t.Helper()
	for _, s := range secrets() {
		if strings.Contains(text, s) {
			t.Errorf("%q tells a secret", text)
		}
	}
}

// refused holds that an error is of a kind, says something, and tells no secret.
func refused(t *testing.T, err error, kind enrol.Kind, says string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one that says %q", says)
		return
	}
	if got := enrol.KindOf(err); got != kind || !strings.Contains(err.Error(), says) {
		t.Errorf("error %q is %s, want %s that says %q", err, got, kind, says)
	}
	silent(t, err.Error())
}

func (s *stack) ownProfiles(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, id := range s.IDs(chirpstacktest.Profile) {
		names = append(names, s.fields(t, chirpstacktest.Profile, id)["name"].(string))
	}
	slices.Sort(names)
	return names
}
