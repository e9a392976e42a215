package open311

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
)

func TestConfigValidate(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Config)
		says   []string // none: valid
	}{
		{"https", func(c *Config) { c.Endpoint = "https://emsos.example/v2" }, nil},
		{"http to this machine", func(c *Config) { c.Endpoint = "http://[::1]:8080" }, nil},
		{"http accepted", func(c *Config) { c.Endpoint, c.Plaintext = "http://10.0.0.1", "accepted" }, nil},
		{"http", func(c *Config) { c.Endpoint = "http://10.0.0.1/v2" }, []string{"plaintext: accepted"}},
		{"http to a name that looks local", func(c *Config) { c.Endpoint = "http://localhost.example" }, []string{"plaintext: accepted"}},
		{"other scheme", func(c *Config) { c.Endpoint = "ftp://x" }, []string{"want https://host/path"}},
		{"user in URL", func(c *Config) { c.Endpoint = "https://u:geheim@x/" }, []string{"no user"}},
		{"not a URL", func(c *Config) { c.Endpoint = "https://a b:geheim@%" }, []string{"endpoint is not a URL"}},
		{"both keys", func(c *Config) { c.APIKeyEnv = "X" }, []string{"one of api_key_file and api_key_env"}},
		{"updates and paging", func(c *Config) { c.Updates, c.Paging, c.Format = "fax", "roll", "csv" }, []string{`updates "fax": want one of none, patch`, `paging "roll": want one of limit`, `format "csv"`}},
		{"terms without numbers", func(c *Config) { c.Updates = UpdatesTerms }, []string{"close_status and reopen_status"}},
		{"Klarschiff without a mailbox", func(c *Config) { c.Flavour = "klarschiff" }, []string{"needs email"}},
		{"Klarschiff", func(c *Config) { c.Flavour, c.Updates, c.Email = "klarschiff", "", "sensorik@stadt.example" }, nil},
		{"not an address", func(c *Config) { c.Email = "Sensorik <x@y.example>" }, []string{"plain address"}},
		{"name of a service that is not mapped", func(c *Config) { c.ServiceNames = map[string]string{"OS-X": "x"} }, []string{`"OS-X" is not in service_map`}},
		{"state of ours", func(c *Config) { c.StatusMap = map[string]city.Progress{"erledigt": "fertig"} }, []string{`"fertig": want one of [open in_progress`}},
		{"half an attribute", func(c *Config) { c.Constants = map[string]string{"quelle": ""} }, []string{`"quelle"`}},
		{"half a service", func(c *Config) { c.ServiceMap = map[string]string{"OS-A": " "} }, []string{`"OS-A"`}},
		{"everything at once", func(c *Config) { *c = Config{Plaintext: "ja", TokenPolls: []time.Duration{-1, time.Hour}} },
			[]string{"endpoint is missing", "api_key", "service_map is empty", `flavour ""`, "timeout 0s", `plaintext "ja"`, "token_polls: -1ns", "token_polls: 59m"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := config(t, "http://127.0.0.1")
			tt.change(&cfg)
			err := cfg.Validate()
			if (err == nil) != (len(tt.says) == 0) {
				t.Fatalf("got %v", err)
			}
			for _, s := range tt.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%q does not say %q", err, s)
				}
			}
			if err != nil && strings.Contains(err.Error(), "geheim") {
				t.Errorf("%q tells a secret", err)
			}
		})
	}
}

func TestAPIKey(t *testing.T) {
	cfg := config(t, "http://127.0.0.1")
	c := client(t, cfg, nobody)
	if c.key != secret {
		t.Errorf("key %q", c.key)
	}
	cfg.APIKeyFile = filepath.Join(t.TempDir(), "missing")
	if _, err := New(cfg, nobody); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("missing file: %v", err)
	}
	if err := os.WriteFile(cfg.APIKeyFile, []byte(" \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(cfg, nobody); err == nil || !strings.Contains(err.Error(), "is empty") {
		t.Errorf("empty file: %v", err)
	}
	cfg.APIKeyFile, cfg.APIKeyEnv = "", "MELDEFUNK_TEST_KEY"
	if _, err := New(cfg, nobody); err == nil || !strings.Contains(err.Error(), "MELDEFUNK_TEST_KEY is empty") {
		t.Errorf("empty variable: %v", err)
	}
	t.Setenv("MELDEFUNK_TEST_KEY", "k2")
	if c := client(t, cfg, nobody); c.key != "k2" {
		t.Errorf("key %q", c.key)
	}
	if _, err := New(cfg, nil); err == nil {
		t.Error("no Linked is no error")
	}
}

// A server that quotes what it was sent, plain or escaped.
func TestKeyIsHidden(t *testing.T) {
	for _, quote := range []string{secret, url.QueryEscape(secret)} {
		e := serve(t, func(_ int, w http.ResponseWriter, _ sent) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, "wrong key "+quote)
		})
		_, err := client(t, config(t, e.url), nobody).Create(t.Context(), order())
		if err == nil || strings.Contains(err.Error(), quote) || !strings.Contains(err.Error(), "wrong key <secret>") {
			t.Errorf("got %v", err)
		}
	}
}
