package influx

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

func TestValidate(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Config)
		want   []string // texts in the error; none: valid
	}{
		{"well", func(*Config) {}, nil},
		{"not there", func(c *Config) { *c = DefaultConfig() }, nil},
		{"IPv6 loopback", func(c *Config) { c.URL = "http://[::1]:8086" }, nil},
		{"localhost", func(c *Config) { c.URL = "http://localhost:8086/" }, nil},
		{"https", func(c *Config) { c.URL = "https://influx.example/base" }, nil},
		{"plaintext accepted", func(c *Config) { c.URL, c.Plaintext = "http://10.0.0.5:8086", "accepted" }, nil},
		{"everything but the url", func(c *Config) { c.URL = "" }, []string{"url: missing"}},
		{"plaintext", func(c *Config) { c.URL = "http://influx.example:8086" }, []string{"unencrypted; use https, or set plaintext: accepted"}},
		{"a name that looks local", func(c *Config) { c.URL = "http://localhost.example:8086" }, []string{"unencrypted"}},
		{"a word too many", func(c *Config) { c.Plaintext = "yes" }, []string{`plaintext: "yes"`}},
		{"password in url", func(c *Config) { c.URL = "https://me:hunter2@influx.example" }, []string{"url: holds a user name or password"}},
		{"query in url", func(c *Config) { c.URL = "https://influx.example/?org=x" }, []string{"after ?"}},
		{"no scheme", func(c *Config) { c.URL = "influx.example:8086" }, []string{"url: not an address"}},
		{"other scheme", func(c *Config) { c.URL = "ftp://influx.example" }, []string{"url: not an address"}},
		{"both tokens", func(c *Config) { c.TokenEnv = "X" }, []string{"exactly one"}},
		{"everything at once", func(c *Config) {
			*c = Config{URL: "http://influx.example", Batch: 20_001, Timeout: time.Millisecond, Compression: "zip"}
		}, []string{"url:", "org:", "bucket:", "token_file, token_env:", "batch: 20001", "timeout: 1ms", `compression: "zip"`, "spool: full"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := testConfig(t)
			tt.change(&cfg)
			err := cfg.Validate()
			if len(tt.want) == 0 {
				if err != nil {
					t.Errorf("got %v", err)
				}
				return
			}
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want %q in it", err, want)
				}
			}
			if got := strings.Count(err.Error(), "\n") + 1; got != len(tt.want) {
				t.Errorf("%d problems told, want %d: %v", got, len(tt.want), err)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error tells the password: %v", err)
			}
		})
	}
}

func TestToken(t *testing.T) {
	tests := []struct {
		name, content string
		want          string // the token
		says          string // or the error
	}{
		{"one line", "abc==\n", "abc==", ""},
		{"windows", "abc==\r\n", "abc==", ""},
		{"empty", " \n", "", "is empty"},
		{"two lines", "s3cret\nmore", "", "is not a token"},
		{"umlaut", "s3cretä", "", "is not a token"},
		{"header injection", "s3cret\rX: y", "", "is not a token"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "token")
			if err := os.WriteFile(file, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Setenv("MELDEFUNK_TEST_TOKEN", tt.content)
			for _, cfg := range []Config{{TokenFile: file}, {TokenEnv: "MELDEFUNK_TEST_TOKEN"}} {
				got, err := cfg.token()
				if got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
				if tt.says == "" && err != nil || tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)) {
					t.Errorf("got %v, want %q", err, tt.says)
				}
				if err != nil && strings.Contains(err.Error(), "s3cret") {
					t.Errorf("the error tells the token: %v", err)
				}
			}
		})
	}
}

func TestConfigReadsYAML(t *testing.T) {
	cfg := DefaultConfig()
	d := yaml.NewDecoder(strings.NewReader(`
url: https://influx.example:8086
org: stadt
bucket: meldefunk
token_file: /etc/meldefunk/influx.token
timeout: 10s
compression: gzip
`))
	d.KnownFields(true)
	if err := d.Decode(&cfg); err != nil {
		t.Fatal(err)
	}
	if err := cfg.Validate(); err != nil || cfg.Timeout != 10*time.Second || cfg.Batch != 5000 || cfg.Compression != "gzip" {
		t.Errorf("%v, %+v", err, cfg)
	}
}
