package board_test

import (
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"meldefunk/dashboards/board"
)

func TestConfig(t *testing.T) {
	for _, c := range []struct {
		name, yaml string
		wrong      []string // what the error says, nothing for a good one
	}{
		{"default", "", nil},
		{"all", "listen: '[::1]:9090'\nhosts: [board.example.org, 10.1.2.3, '2001:db8::1']\nstale_after: {bin: 3h, soil: 2h30m, parking: 90m, level: 15m, weather: 1h, air: 1h, people: 1h, door: 25h, tracker: 25h}", nil},
		{"partly", "stale_after: {bin: 3h}", nil},
		{"no port", "listen: localhost", []string{`listen: "localhost" is not host:port`}},
		{"port", "listen: localhost:http", []string{`listen: port "http"`}},
		{"open to all", "listen: :8080", []string{"can be reached from the network", "127.0.0.1:8080", "hosts: missing"}},
		{"open, with names", "listen: 0.0.0.0:8080\nhosts: [board.example.org]", []string{"without tls", "127.0.0.1:8080"}},
		{"open, with TLS", "listen: 0.0.0.0:8443\nhosts: [board.example.org]\ntls: {cert_file: a, key_file: b}", nil},
		{"half of TLS", "tls: {cert_file: a}", []string{"tls: cert_file and key_file"}},
		{"wildcard", "hosts: ['*']", []string{`hosts[0]: "*"`}},
		{"URL and port", "hosts: ['http://a', 'a:80', '']", []string{"hosts[0]", "hosts[1]", "hosts[2]"}},
		{"every problem", "listen: x\nstale_after: {bin: 0s, parking: -1h, tracker: 59s}", []string{"listen", "stale_after.bin: 0s", "stale_after.parking: -1h0m0s", "stale_after.tracker: 59s"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := board.DefaultConfig()
			if err := yaml.Unmarshal([]byte(c.yaml), &cfg); err != nil {
				t.Fatal(err)
			}
			err := cfg.Validate()
			if len(c.wrong) == 0 && err != nil {
				t.Errorf("refused: %v", err)
			}
			for _, want := range c.wrong {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want it to say %q", err, want)
				}
			}
		})
	}
	cfg := board.DefaultConfig()
	if err := yaml.Unmarshal([]byte("stale_after: {bin: 3h}"), &cfg); err != nil {
		t.Fatal(err)
	}
	if cfg.StaleAfter.Bin != 3*time.Hour || cfg.StaleAfter.Parking != 6*time.Hour || cfg.Listen != "127.0.0.1:8080" {
		t.Errorf("defaults do not stay under a partial section: %+v", cfg)
	}
}
