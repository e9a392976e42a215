package thethings

import (
	"encoding/json"
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
	c.Name, c.Address, c.Application, c.APIKeyEnv = "ttn", "https://eu1.cloud.thethings.network", appID, "TTS_API_KEY"
	return c
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
		says   string // "": good
	}{
		{"good", func(*Config) {}, ""},
		{"registries elsewhere", func(c *Config) { c.IdentityServer = "https://eu1.cloud.thethings.industries" }, ""},
		{"plaintext accepted", func(c *Config) { c.Address, c.Plaintext = "http://tts.stadt.example", "accepted" }, ""},
		{"no name", func(c *Config) { c.Name = "" }, "name is missing"},
		{"no address", func(c *Config) { c.Address = "" }, "address is missing"},
		{"plaintext", func(c *Config) { c.NetworkServer = "http://tts.stadt.example" }, "network_server: \"http://tts.stadt.example\" would send the keys readable"},
		{"key in the address", func(c *Config) { c.Address = "https://x:CANARY@tts.example" }, "want no user"},
		{"IPv6", func(c *Config) { c.Address = "https://[::1]:8885" }, "host names and IPv4 addresses only"},
		{"control character", func(c *Config) { c.JoinServer = "https://\x7f" }, "join_server: not a URL"},
		{"application", func(c *Config) { c.Application = "Stadt" }, "application \"Stadt\": want the application's id"},
		{"no key", func(c *Config) { c.APIKeyEnv = "" }, "set one of api_key_file and api_key_env"},
		{"two keys", func(c *Config) { c.APIKeyFile = "x" }, "set one of api_key_file and api_key_env"},
		{"plaintext word", func(c *Config) { c.Plaintext = "yes" }, `want "accepted" or nothing`},
		{"keys_at", func(c *Config) { c.KeysAt = "https://join.stadt.example" }, "keys_at"},
		{"empty plan", func(c *Config) { c.FrequencyPlans = map[string]string{"EU868": ""} }, "frequency_plans"},
		{"profile", func(c *Config) { c.Profiles = map[string]Profile{"x": {PHYVersion: "1.0.2"}} }, "profiles: x: phy_version \"1.0.2\": want one of PHY_V1_0, "},
		{"timeout", func(c *Config) { c.Timeout = 0 }, "timeout 0s: want 1s to 5m"},
		{"patience", func(c *Config) { c.Patience = time.Hour }, "patience 1h0m0s: want 0s to 10m"},
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
			case err != nil && strings.Contains(err.Error(), "CANARY"):
				t.Errorf("error %q holds a secret", err)
			}
		})
	}
}

func TestNew(t *testing.T) {
	folder := t.TempDir()
	file := func(name, content string) string {
		name = filepath.Join(folder, name)
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	t.Setenv("TTS_API_KEY", "")
	for _, c := range []struct {
		name   string
		change func(*Config)
		says   string
	}{
		{"key from a file", func(c *Config) { c.APIKeyEnv, c.APIKeyFile = "", file("key", apiKey+"\n") }, ""},
		{"no file", func(c *Config) { c.APIKeyEnv, c.APIKeyFile = "", filepath.Join(folder, "none") }, "no such file"},
		{"two words", func(c *Config) { c.APIKeyEnv, c.APIKeyFile = "", file("two", apiKey+"\n"+apiKey) }, "more than one word"},
		{"no certificate", func(c *Config) { c.APIKeyEnv, c.APIKeyFile, c.CAFile = "", file("key", apiKey), file("ca", "x") }, "want PEM"},
		{"no certificate file", func(c *Config) { c.APIKeyEnv, c.APIKeyFile, c.CAFile = "", file("key", apiKey), "none" }, "ca_file"},
		{"not valid", func(c *Config) { c.Name = "" }, "name is missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := good()
			c.change(&cfg)
			cl, err := New(cfg)
			if c.says == "" {
				if err != nil || cl.key != apiKey || cl.Name() != "ttn" {
					t.Errorf("error %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "CANARY") {
				t.Errorf("error %v, want %q", err, c.says)
			}
		})
	}
}

// TestWanted describes devices that The Things Stack would not take.
func TestWanted(t *testing.T) {
	c := &Client{cfg: good(), sites: good().sites()}
	for _, tc := range []struct {
		name   string
		change func(*enrol.Device)
		kind   enrol.Kind
		says   string
	}{
		{"no DevEUI", func(d *enrol.Device) { d.DevEUI = city.EUI{} }, enrol.Refused, "no DevEUI"},
		{"version", func(d *enrol.Device) { d.Version = "1.0" }, enrol.Refused, `LoRaWAN version "1.0"`},
		{"region", func(d *enrol.Device) { d.Region = "US915" }, enrol.Missing, `region "US915": name its frequency plan`},
		{"class", func(d *enrol.Device) { d.Class = "" }, enrol.Refused, `class ""`},
		{"profile", func(d *enrol.Device) { d.Profile = "kuebel" }, enrol.Missing, `profile "kuebel"`},
		{"long name", func(d *enrol.Device) { d.Name = strings.Repeat("ü", 51) }, enrol.Refused, "51 characters"},
		{"long text", func(d *enrol.Device) { d.Text = strings.Repeat("x", 2001) }, enrol.Refused, "2001 characters"},
		{"tag in German", func(d *enrol.Device) { d.Tags = map[string]string{"Straße": "x"} }, enrol.Refused, `tag "Straße"`},
		{"tag value", func(d *enrol.Device) { d.Tags = map[string]string{"asset": strings.Repeat("x", 201)} }, enrol.Refused, "tag asset has 201"},
		{"eleven tags", func(d *enrol.Device) {
			d.Tags = map[string]string{}
			for i := range 11 {
				d.Tags[fmt.Sprintf("tag%d", i)] = "x"
			}
		}, enrol.Refused, "11 tags"},
		{"no keys", func(d *enrol.Device) { d.Keys = enrol.RootKeys{} }, enrol.Refused, "keys_at"},
		{"two keys in 1.0.3", func(d *enrol.Device) { d.Keys.App = lorawan.Key{1} }, enrol.Refused, "one root key"},
		{"AppKey alone in 1.0.3", func(d *enrol.Device) { d.Keys = enrol.RootKeys{App: lorawan.Key{1}} }, enrol.Refused, "one root key"},
		{"one key in 1.1", func(d *enrol.Device) { d.Version = enrol.V1_1_0 }, enrol.Refused, "one is missing"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := bin(t)
			tc.change(&d)
			// No cluster is there: it must be refused before anything is sent.
			wantKind(t, c.Enrol(background(t), d), tc.kind, tc.says)
			_, err := c.Compare(background(t), d)
			wantKind(t, err, tc.kind, tc.says)
		})
	}
}

func TestVersions(t *testing.T) {
	for _, v := range []enrol.Version{enrol.V1_0_0, enrol.V1_0_1, enrol.V1_0_2, enrol.V1_0_3, enrol.V1_0_4, enrol.V1_1_0} {
		if macVersion(v) == "" || canonicalPHY(phyVersion(v)) != phyVersion(v) || phyVersion(v) == "" {
			t.Errorf("version %s: %q and %q", v, macVersion(v), phyVersion(v))
		}
	}
	if got := canonicalPHY("1.0.2"); got != "" {
		t.Errorf("1.0.2 is %s, want nothing", got)
	}
}

// TestKeysAreNotPrinted prints what carries keys in every way, but to the join server.
func TestKeysAreNotPrinted(t *testing.T) {
	d := endDevice{RootKeys: &rootKeys{App: &keyEnvelope{hexKey{key(t, appHex)}}, Nwk: &keyEnvelope{hexKey{key(t, nwkHex)}}}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		for _, v := range []any{*d.RootKeys.App, d.RootKeys.Nwk.Key, d} {
			got := fmt.Sprintf(verb, v)
			if strings.Contains(strings.ToLower(got), "c0ffee") || strings.Contains(got, "192 255 238") {
				t.Errorf("%s prints %s", verb, got)
			}
		}
	}
	b, err := json.Marshal(d)
	if err != nil || !strings.Contains(string(b), `"app_key":{"key":"`+strings.ToUpper(appHex)+`"}`) {
		t.Errorf("as JSON %s, error %v", b, err)
	}
	var back endDevice
	if err := json.Unmarshal(b, &back); err != nil || back.RootKeys.app() != d.RootKeys.app() || back.RootKeys.nwk() != d.RootKeys.nwk() {
		t.Errorf("read back: %v", err)
	}
}
