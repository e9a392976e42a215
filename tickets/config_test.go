package tickets

import (
	"math"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"meldefunk/tickets/inbox"
	"meldefunk/tickets/open311"
)

func TestConfigValidate(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Errorf("defaults: %v", err)
	}
	tests := []struct {
		name   string
		change func(*Config)
		want   []string
	}{
		{"system", func(c *Config) { c.System = "fax" }, []string{`system "fax": want one of local, open311, mail, webhook, csv`}},
		{"open311 without anything", func(c *Config) { c.System = SystemOpen311 }, []string{"endpoint is missing", "api_key_file", "service_map is empty"}},
		{"no waits", func(c *Config) { c.Backoff, c.SearchAfter = nil, nil }, []string{"backoff is empty", "search_after is empty"}},
		{"bad waits", func(c *Config) { c.Backoff = []time.Duration{0} }, []string{"backoff: 0s"}},
		{"falling search", func(c *Config) { c.SearchAfter = []time.Duration{2, 1} }, []string{"search_after: 1ns"}},
		{"everything at once", func(c *Config) { c.Jitter, c.MaxCreates, c.Poll, c.TimeZone = math.NaN(), 0, 0, "Osnabrück" },
			[]string{"jitter NaN", "max_creates 0", "poll 0s", `time_zone "Osnabrück"`}},
		{"inbox of nobody", func(c *Config) { c.Inbox.Listen = ":8092" }, []string{"inbox: listen: ", "inbox: secrets: nobody may post"}},
		{"inbox of a stranger", func(c *Config) {
			c.Inbox.Listen, c.Inbox.Secrets = "127.0.0.1:8092", map[string]inbox.Secret{"locl": {Env: "X"}}
		}, []string{`inbox: secrets: "locl" is no ticket system that is configured: want one of local`, `"local"`}},
		{"no time zone", func(c *Config) { c.TimeZone = "" }, []string{"time_zone is missing"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := DefaultConfig()
			tt.change(&cfg)
			err := cfg.Validate()
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

func TestConfigFromYAML(t *testing.T) {
	cfg := DefaultConfig()
	d := yaml.NewDecoder(strings.NewReader(`
system: open311
backoff: [1s, 1m30s]
open311:
  endpoint: https://emsos.example/georeport/v2
  api_key_env: EMSOS_KEY
  service_map: {OS-ABF-01: "3.2"}
  updates: servicerequestupdates
`))
	d.KnownFields(true)
	if err := d.Decode(&cfg); err != nil {
		t.Fatal(err)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	if len(cfg.Backoff) != 2 || cfg.Backoff[1] != 90*time.Second || cfg.Open311.Timeout != 30*time.Second ||
		cfg.Open311.Updates != open311.UpdatesRequest || cfg.MaxCreates != 3 {
		t.Errorf("got %+v", cfg)
	}
}
