package webhook

import (
	"crypto/tls"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city/door"
	"meldefunk/city/door/doortest"
)

func TestClientCertificates(t *testing.T) {
	gate, cfg := doortest.NewGate(t), DefaultConfig()
	cfg.TLS = gate.TLS
	st := openAs(t, cfg, []Hook{hook(t)})
	st.Commit()
	gate.Try(t, "lns", func(t *testing.T, client *tls.Config) error {
		transport := &http.Transport{TLSClientConfig: client}
		defer transport.CloseIdleConnections()
		st.client = &http.Client{Transport: transport, Timeout: patience}
		code, _, _, err := st.try("/lns?event=up", strings.NewReader("a"))
		if err == nil && code != 200 {
			t.Errorf("answered %d", code)
		}
		return err
	})
}

func TestConfigProblems(t *testing.T) {
	file := func(name, text string) string { return doortest.File(t, name, text) }
	ours, theirs := doortest.NewAuthority(t, "ours"), doortest.NewAuthority(t, "theirs")
	cert, key := ours.Issue("lns", 2, time.Now().Add(time.Hour))
	certFile, keyFile, caFile := file("c.pem", cert), file("c.key", key), file("ca.pem", ours.PEM)
	good := hook(t)
	at := func(path string) Hook { h := good; h.Server, h.Path = "other", path; return h }
	tests := map[string]struct {
		change func(*Config)
		second *Hook
		want   string // "": none
	}{
		"good":               {func(*Config) {}, nil, ""},
		"beside":             {func(*Config) {}, new(at("/lnsx")), ""},
		"same path":          {func(*Config) {}, new(at("/lns")), "network server other: webhook.path /lns and /lns of network server lab overlap"},
		"within":             {func(*Config) {}, new(at("/lns/up")), "overlap"},
		"short token":        {func(*Config) {}, &Hook{Server: "s", Path: "/s", Secret: Secret{Secret: door.Secret{File: file("short", "fifteen bytes..")}}}, "a token of 15 bytes keeps nobody out: want at least 16"},
		"no token file":      {func(*Config) {}, &Hook{Server: "s", Path: "/s", Secret: Secret{Secret: door.Secret{File: filepath.Join(t.TempDir(), "none")}}}, "network server s: webhook.token_file: open"},
		"no token variable":  {func(*Config) {}, &Hook{Server: "s", Path: "/s", Secret: Secret{Secret: door.Secret{Env: "MELDEFUNK_NO_SUCH"}}}, "webhook.token_env: MELDEFUNK_NO_SUCH: a token of 0 bytes"},
		"every address":      {func(c *Config) { c.Listen = ":80" }, nil, "can be reached from the network"},
		"plaintext accepted": {func(c *Config) { c.Listen, c.Plaintext = ":80", "accepted" }, nil, ""},
		"plaintext":          {func(c *Config) { c.Plaintext = "yes" }, nil, `plaintext: "yes": the only value is "accepted"`},
		"no port":            {func(c *Config) { c.Listen = "127.0.0.1" }, nil, "want host and port"},
		"half a pair":        {func(c *Config) { c.TLS.CertFile = certFile }, nil, "cert_file and key_file: give both or neither"},
		"clients alone":      {func(c *Config) { c.TLS.ClientCAFile = caFile }, nil, "client_ca_file has no effect"},
		"revoked alone":      {func(c *Config) { c.TLS.RevokedFile = caFile }, nil, "revoked_file has no effect"},
		"wide open with TLS": {func(c *Config) { c.Listen, c.TLS = ":80", door.TLS{CertFile: certFile, KeyFile: keyFile} }, nil, ""},
		"no certificates":    {func(c *Config) { c.TLS = door.TLS{CertFile: certFile, KeyFile: keyFile, ClientCAFile: keyFile} }, nil, "no certificate in it"},
		"no list": {func(c *Config) {
			c.TLS = door.TLS{CertFile: certFile, KeyFile: keyFile, ClientCAFile: caFile, RevokedFile: certFile}
		}, nil, "no X509 CRL in it"},
		"a stranger's list": {func(c *Config) {
			c.TLS = door.TLS{CertFile: certFile, KeyFile: keyFile, ClientCAFile: caFile, RevokedFile: file("crl", theirs.Revoke(1))}
		}, nil, "not signed by an authority of client_ca_file"},
		"none in flight": {func(c *Config) { c.InFlight = 0 }, nil, "in_flight: 0: want 1 to 1024"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cfg, hooks := DefaultConfig(), []Hook{good}
			test.change(&cfg)
			if test.second != nil {
				hooks = append(hooks, *test.second)
			}
			_, err := New(cfg, hooks, nil, time.Now, zerolog.Nop(), prometheus.NewRegistry())
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
	if _, err := New(DefaultConfig(), []Hook{good}, nil, time.Now, zerolog.Nop(), twice(t)); !errors.As(err, new(prometheus.AlreadyRegisteredError)) {
		t.Errorf("registered twice: %v", err)
	}
}

// twice is a registry that has the metrics already.
func twice(t *testing.T) *prometheus.Registry {
	t.Helper()
	reg := prometheus.NewRegistry()
	if _, err := newMetrics(reg); err != nil {
		t.Fatal(err)
	}
	return reg
}
