package bridge

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"go.yaml.in/yaml/v3"
)

func TestDialects(t *testing.T) {
	seen := make(map[string]bool)
	for _, d := range Dialects() {
		if d.Name() == "" || seen[d.Name()] {
			t.Errorf("dialect %q: no name, or twice", d.Name())
		}
		seen[d.Name()] = true
		if len(d.Topics()) == 0 {
			t.Errorf("%s: no topics", d.Name())
		}
		for _, topic := range d.Topics() {
			if err := checkFilter(topic); err != nil {
				t.Errorf("%s: %s: %v", d.Name(), topic, err)
			}
		}
	}
}

func TestValidate(t *testing.T) {
	const good = "name: lns\ndialect: chirpstack-v4\nbroker: mqtts://mqtt.example\n"
	tests := map[string]struct {
		yaml string
		want []string // parts of the error; none: valid
	}{
		"least":             {good, nil},
		"loopback name":     {"name: a\ndialect: chirpstack-v3\nbroker: tcp://localhost", nil},
		"loopback v4":       {"name: a\ndialect: chirpstack-v3\nbroker: mqtt://127.0.0.53:1884", nil},
		"loopback v6":       {"name: a\ndialect: chirpstack-v3\nbroker: mqtt://[::1]:1884", nil},
		"accepted":          {"name: a\ndialect: chirpstack-v3\nbroker: mqtt://10.0.0.1\nplaintext: accepted", nil},
		"full":              {good + "client_id: us\nusername: u\npassword_file: f\nkeep_alive: 1m\nmax_message: 4096\ntopics: ['a/+/b', '$share/g/a/#']\ntls: {ca_file: a, cert_file: b, key_file: c, server_name: d}", nil},
		"empty":             {"{}", []string{"name: ", "dialect: unknown", "broker: missing"}},
		"dialect":           {"name: a\ndialect: loriot\nbroker: mqtts://h", []string{`"loriot"`, "chirpstack-v4, chirpstack-v3"}},
		"plaintext":         {"name: a\ndialect: chirpstack-v4\nbroker: mqtt://10.0.0.1", []string{"without TLS everybody on the way", "plaintext: accepted"}},
		"plaintext to name": {"name: a\ndialect: chirpstack-v4\nbroker: tcp://localhost.example", []string{"without TLS"}},
		"plaintext boolean": {"name: a\ndialect: chirpstack-v4\nbroker: mqtt://10.0.0.1\nplaintext: yes", []string{"without TLS", `the only value is "accepted"`}},
		"credentials":       {"name: a\ndialect: chirpstack-v4\nbroker: mqtts://u:canary@h", []string{"no user or password in the URL"}},
		"credentials alone": {"name: a\ndialect: chirpstack-v4\nbroker: 'mqtts://u:can%ary@h:port'", []string{"no user or password in the URL"}},
		"scheme":            {"name: a\ndialect: chirpstack-v4\nbroker: http://h", []string{`scheme "http": want mqtts, ssl, mqtt or tcp`}},
		"no scheme":         {"name: a\ndialect: chirpstack-v4\nbroker: mqtt.example:1883", []string{"want mqtts://host:port"}},
		"path":              {"name: a\ndialect: chirpstack-v4\nbroker: mqtts://h/mqtt", []string{"nothing may follow"}},
		"port":              {"name: a\ndialect: chirpstack-v4\nbroker: mqtts://h:70000", []string{"port: want 1 to 65535"}},
		"tls on plaintext":  {"name: a\ndialect: chirpstack-v4\nbroker: mqtt://localhost\ntls: {ca_file: x}", []string{"tls: has no effect"}},
		"half a key pair":   {good + "tls: {cert_file: x}", []string{"give both or neither"}},
		"two passwords":     {good + "username: u\npassword_file: f\npassword_env: E", []string{"give one of them"}},
		"password alone":    {good + "password_file: f", []string{"username: missing"}},
		"client id":         {good + "client_id: a/b", []string{"client_id"}},
		"name":              {"name: 'a b'\ndialect: chirpstack-v4\nbroker: mqtts://h", []string{`name: "a b"`}},
		"topic":             {good + "topics: [a#, '', 'a/#/b', '$share/g']", []string{`"a#"`, `""`, `"a/#/b"`, `"$share/g"`}},
		"message size":      {good + "max_message: 100000000", []string{"max_message: 100000000: want 1024 to 16777216 bytes"}},
		"wrong unit":        {good + "keep_alive: 30ms", []string{"keep_alive: 30ms", "want 5s to 1h0m0s, written with a unit"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := DefaultConfig()
			if err := yaml.Unmarshal([]byte(test.yaml), &cfg); err != nil {
				t.Fatal(err)
			}
			err := cfg.Validate()
			if (err != nil) != (len(test.want) > 0) {
				t.Fatalf("got %v, want %v", err, test.want)
			}
			for _, part := range test.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("got %q, want %q in it", err, part)
				}
			}
			if err != nil && strings.Contains(err.Error(), "can") && strings.Contains(err.Error(), "ary") {
				t.Errorf("the password is in %q", err)
			}
		})
	}
}

// flaw makes a good configuration worse.
type flaw struct {
	change func(*Config)
	want   string // part of the problem; "": it is still good
}

// validates wants each flaw to be told.
func validates(t *testing.T, good func() Config, flaws map[string]flaw) {
	t.Helper()
	for name, f := range flaws {
		t.Run(name, func(t *testing.T) {
			cfg := good()
			f.change(&cfg)
			err := cfg.Validate()
			if (err == nil) != (f.want == "") || err != nil && !strings.Contains(err.Error(), f.want) {
				t.Errorf("got %v, want %q", err, f.want)
			}
		})
	}
}

func TestZeroConfigHasDefaults(t *testing.T) {
	got := Config{Name: "lns"}.withDefaults()
	if got.MaxMessage != 262144 || got.KeepAlive != 30*time.Second || got.ClientID != "meldefunk-lns" {
		t.Errorf("got %+v", got)
	}
}

// What New finds is what `check` can tell before anything is started.
func TestNew(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	junk := filepath.Join(dir, "junk")
	for path, text := range map[string]string{empty: "\n", junk: "no PEM"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	missing := filepath.Join(dir, "missing")
	t.Setenv("BRIDGE_TEST_PASSWORD", "canary")
	tests := map[string]struct {
		change func(*Config)
		want   string // "": works
	}{
		"fine":               {func(*Config) {}, ""},
		"invalid":            {func(c *Config) { c.Name = "" }, "name: "},
		"password in env":    {func(c *Config) { c.PasswordEnv = "BRIDGE_TEST_PASSWORD" }, ""},
		"env not set":        {func(c *Config) { c.PasswordEnv = "BRIDGE_TEST_NOTHING" }, "BRIDGE_TEST_NOTHING is empty or not set"},
		"no password file":   {func(c *Config) { c.PasswordFile = missing }, "password_file: "},
		"empty password":     {func(c *Config) { c.PasswordFile = empty }, "is empty"},
		"no ca":              {func(c *Config) { c.TLS.CAFile = missing }, "tls.ca_file: "},
		"ca is none":         {func(c *Config) { c.TLS.CAFile = junk }, "no certificate in it"},
		"client certificate": {func(c *Config) { c.TLS.CertFile, c.TLS.KeyFile = junk, junk }, "tls.cert_file, tls.key_file: "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := Config{Name: "lns", Dialect: "chirpstack-v4", Broker: "mqtts://mqtt.example", Username: "u"}
			test.change(&cfg)
			s, err := New(cfg, nil, time.Now, zerolog.Nop(), prometheus.NewRegistry())
			if test.want == "" {
				if err != nil || s == nil {
					t.Fatalf("got %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
		})
	}
}

func TestSameNameTwice(t *testing.T) {
	registry := prometheus.NewRegistry()
	for i, name := range []string{"one", "two", "one"} {
		_, err := New(Config{Name: name, Dialect: "chirpstack-v4", Broker: "mqtts://h"}, nil, time.Now, zerolog.Nop(), registry)
		if (err != nil) != (i == 2) {
			t.Errorf("%d: %v", i, err)
		}
	}
}

func FuzzParseBroker(f *testing.F) {
	for _, seed := range []string{"mqtts://h", "tcp://[::1]:1", "mqtt://u:p@h", "://", "mqtt://h:", "ssl://%zz"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := parseBroker(text)
		if err == nil && (a.host == "" || a.port == "" || strings.Contains(text, "@")) {
			t.Errorf("%q accepted as %+v", text, a)
		}
	})
}
