package chirpstack

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan"
	"meldefunk/city/lorawan/enrol"
)

func good() Config {
	c := DefaultConfig()
	c.Name, c.Address, c.APIKeyEnv = "stadt", "https://chirpstack.stadt.example", "CHIRPSTACK_API_KEY"
	c.Application = "5e7a0000-0000-4000-8000-000000000002"
	return c
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
		says   string // "": good
	}{
		{"good", func(*Config) {}, ""},
		{"loopback", func(c *Config) { c.Address = "http://localhost:8080/" }, ""},
		{"plaintext accepted", func(c *Config) { c.Address, c.Plaintext = "http://10.0.0.5:8080", "accepted" }, ""},
		{"names", func(c *Config) { c.Tenant, c.Application = "Stadt", "Sensorik" }, ""},
		{"no name", func(c *Config) { c.Name = "" }, "name is missing"},
		{"no address", func(c *Config) { c.Address = "" }, "address: it is missing"},
		{"plaintext", func(c *Config) { c.Address = "http://10.0.0.5:8080" }, "would send the keys readable over the network"},
		{"path", func(c *Config) { c.Address = "https://stadt.example/chirpstack" }, "want no path"},
		{"key in the address", func(c *Config) { c.Address = "https://x:CANARY@stadt.example" }, "want no user"},
		{"no application", func(c *Config) { c.Application = "" }, "application is missing"},
		{"application by name alone", func(c *Config) { c.Application = "Sensorik" }, `application "Sensorik" is a name: say of which tenant`},
		{"no key", func(c *Config) { c.APIKeyEnv = "" }, "set one of api_key_file and api_key_env"},
		{"two keys", func(c *Config) { c.APIKeyFile = "x" }, "set one of api_key_file and api_key_env"},
		{"plaintext word", func(c *Config) { c.Plaintext = "yes" }, `want "accepted" or nothing`},
		{"timeout", func(c *Config) { c.Timeout = time.Hour }, "timeout 1h0m0s: want 1s to 5m"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := good()
			c.change(&cfg)
			err := cfg.Validate()
			switch {
			case c.says == "" && err != nil:
				t.Error(err)
			case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
				t.Errorf("error %v, want %q", err, c.says)
			case err != nil:
				silent(t, err.Error())
			}
		})
	}
}

func TestAPIKey(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	for _, c := range []struct{ name, content, says string }{
		{"line feed at the end", apiKey + "\n", ""},
		{"empty", " \n", "file " + file + " is empty"},
		{"two lines", apiKey + "\n" + apiKey + "\n", "holds more than one word"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := os.WriteFile(file, []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			cfg := good()
			cfg.APIKeyEnv, cfg.APIKeyFile = "", file
			client, err := New(cfg)
			switch {
			case c.says == "" && (err != nil || client.key != apiKey):
				t.Errorf("error %v", err)
			case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
				t.Errorf("error %v, want %q", err, c.says)
			case err != nil:
				silent(t, err.Error())
			}
		})
	}
	cfg := good()
	cfg.APIKeyEnv, cfg.APIKeyFile = "", file+"x"
	if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), "API key: open ") {
		t.Errorf("error %v for a file that is not there", err)
	}
	cfg = good()
	t.Setenv("CHIRPSTACK_API_KEY", apiKey)
	cfg.CAFile = file
	if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), "no certificate in it") {
		t.Errorf("error %v for a CA file without a certificate", err)
	}
	if said := fmt.Sprintf("%+v", good()); strings.Contains(said, "CANARY") {
		t.Errorf("settings print %q", said)
	}
}

// TestRefused describes devices that ChirpStack would not take, or would take though they
// could not join.
func TestRefused(t *testing.T) {
	s := start(t, nil)
	for _, c := range []struct {
		name   string
		change func(*enrol.Device)
		says   string
	}{
		{"no DevEUI", func(d *enrol.Device) { d.DevEUI = city.EUI{} }, "it has no DevEUI"},
		{"version", func(d *enrol.Device) { d.Version = "1.0" }, `LoRaWAN version "1.0"`},
		{"region", func(d *enrol.Device) { d.Region = "eu868" }, `region "eu868"`},
		{"class", func(d *enrol.Device) { d.Class = "a" }, `class "a"`},
		{"class B", func(d *enrol.Device) { d.Class = enrol.ClassB }, "class B needs ping slots"},
		{"long name", func(d *enrol.Device) { d.Name = strings.Repeat("ä", 101) }, "its name has 101 characters, ChirpStack takes 100"},
		{"not UTF-8", func(d *enrol.Device) { d.Text = "\xff" }, "is not a text"},
		{"zero byte", func(d *enrol.Device) { d.Tags = map[string]string{"a": "\x00"} }, "is not a text"},
		{"tag without a name", func(d *enrol.Device) { d.Tags = map[string]string{"": "x"} }, "a tag has no name"},
		{"no keys", func(d *enrol.Device) { d.Keys = enrol.RootKeys{} }, "it has no keys"},
		{"1.0.x with two keys", func(d *enrol.Device) { d.Keys.App = d.Keys.Nwk }, "LoRaWAN 1.0.3 has one root key"},
		{"1.0.x with the key as AppKey", func(d *enrol.Device) { d.Keys.App, d.Keys.Nwk = d.Keys.Nwk, lorawan.Key{} }, "LoRaWAN 1.0.3 has one root key"},
		{"1.1 with one key", func(d *enrol.Device) { d.Version = enrol.V1_1_0 }, "LoRaWAN 1.1 has two root keys"},
		{"1.1 without NwkKey", func(d *enrol.Device) {
			d.Version, d.Keys.App, d.Keys.Nwk = enrol.V1_1_0, d.Keys.Nwk, lorawan.Key{}
		}, "LoRaWAN 1.1 has two root keys"},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := bin(t)
			c.change(&want)
			refused(t, s.Enrol(background(t), want), enrol.Refused, c.says)
			_, err := s.Compare(background(t), want)
			refused(t, err, enrol.Refused, c.says)
		})
	}
	if seen := s.Seen(); len(seen) > 0 {
		t.Errorf("ChirpStack was asked: %q", seen)
	}
	want := bin(t)
	want.Name = strings.Repeat("ä", 100)
	if err := s.Enrol(background(t), want); err != nil {
		t.Errorf("a name of 100 characters: %v", err)
	}
}
