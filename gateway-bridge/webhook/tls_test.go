package webhook

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// authority signs certificates of one test.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{t: t, key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pem = pemOf("CERTIFICATE", der)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// issue signs a certificate for both ends of a connection.
func (a *authority) issue(serial int64, until time.Time) (cert, key string) {
	a.t.Helper()
	own := newKey(a.t)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "lns"},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: until,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}, a.cert, &own.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		a.t.Fatal(err)
	}
	return pemOf("CERTIFICATE", der), pemOf("PRIVATE KEY", keyDER)
}

// revoke lists serial numbers.
func (a *authority) revoke(serials ...int64) string {
	a.t.Helper()
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Hour)}
	for _, n := range serials {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: big.NewInt(n), RevocationTime: time.Now()})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, a.cert, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return pemOf("X509 CRL", der)
}

func TestClientCertificates(t *testing.T) {
	ours, theirs := newAuthority(t, "ours"), newAuthority(t, "theirs")
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	soon := time.Now().Add(time.Hour)
	cert, key := ours.issue(2, soon)
	cfg := DefaultConfig()
	cfg.TLS = TLSConfig{
		CertFile: file("server.pem", cert), KeyFile: file("server.key", key),
		ClientCAFile: file("clients.pem", ours.pem), RevokedFile: file("clients.crl", ours.revoke(7)),
	}
	st := openAs(t, cfg, []Hook{hook(t)})
	st.commit()
	roots := x509.NewCertPool()
	roots.AddCert(ours.cert)
	post := func(pair []tls.Certificate, version uint16) (int, error) {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: pair, MaxVersion: version}}
		defer transport.CloseIdleConnections()
		st.client = &http.Client{Transport: transport, Timeout: patience}
		code, _, _, err := st.try("/lns?event=up", strings.NewReader("a"))
		return code, err
	}
	pair := func(cert, key string) []tls.Certificate {
		p, err := tls.X509KeyPair([]byte(cert), []byte(key))
		if err != nil {
			t.Fatal(err)
		}
		return []tls.Certificate{p}
	}
	for name, test := range map[string]struct {
		pair    []tls.Certificate
		version uint16
		refused bool
	}{
		"good":      {pair(ours.issue(3, soon)), 0, false},
		"TLS 1.2":   {pair(ours.issue(3, soon)), tls.VersionTLS12, false},
		"TLS 1.1":   {pair(ours.issue(3, soon)), tls.VersionTLS11, true},
		"missing":   {nil, 0, true},
		"wrong CA":  {pair(theirs.issue(3, soon)), 0, true},
		"expired":   {pair(ours.issue(3, time.Now().Add(-time.Hour))), 0, true},
		"revoked":   {pair(ours.issue(7, soon)), 0, true},
		"not those": {pair(theirs.issue(7, soon)), 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			code, err := post(test.pair, test.version)
			if refused := err != nil; refused != test.refused || !refused && code != 200 {
				t.Errorf("%d, %v; want refused %v", code, err, test.refused)
			}
		})
	}

	t.Run("revoked later", func(t *testing.T) {
		file("clients.crl", ours.revoke(7, 3))
		if code, err := post(pair(ours.issue(3, soon)), 0); err == nil {
			t.Errorf("answer %d", code)
		}
	})
}

func TestConfigProblems(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ours, theirs := newAuthority(t, "ours"), newAuthority(t, "theirs")
	cert, key := ours.issue(2, time.Now().Add(time.Hour))
	certFile, keyFile, caFile := file("c.pem", cert), file("c.key", key), file("ca.pem", ours.pem)
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
		"short token":        {func(*Config) {}, &Hook{Server: "s", Path: "/s", Secret: Secret{File: file("short", "fifteen bytes..")}}, "a token of 15 bytes keeps nobody out: want at least 16"},
		"no token file":      {func(*Config) {}, &Hook{Server: "s", Path: "/s", Secret: Secret{File: filepath.Join(dir, "none")}}, "network server s: webhook.token_file: open"},
		"no token variable":  {func(*Config) {}, &Hook{Server: "s", Path: "/s", Secret: Secret{Env: "MELDEFUNK_NO_SUCH"}}, "webhook.token_env: MELDEFUNK_NO_SUCH: a token of 0 bytes"},
		"every address":      {func(c *Config) { c.Listen = ":80" }, nil, "can be reached from the network"},
		"plaintext accepted": {func(c *Config) { c.Listen, c.Plaintext = ":80", "accepted" }, nil, ""},
		"plaintext":          {func(c *Config) { c.Plaintext = "yes" }, nil, `plaintext: "yes": the only value is "accepted"`},
		"no port":            {func(c *Config) { c.Listen = "127.0.0.1" }, nil, "want host and port"},
		"half a pair":        {func(c *Config) { c.TLS.CertFile = certFile }, nil, "cert_file and key_file: give both or neither"},
		"clients alone":      {func(c *Config) { c.TLS.ClientCAFile = caFile }, nil, "client_ca_file has no effect"},
		"revoked alone":      {func(c *Config) { c.TLS.RevokedFile = caFile }, nil, "revoked_file has no effect"},
		"wide open with TLS": {func(c *Config) { c.Listen, c.TLS = ":80", TLSConfig{CertFile: certFile, KeyFile: keyFile} }, nil, ""},
		"no certificates":    {func(c *Config) { c.TLS = TLSConfig{CertFile: certFile, KeyFile: keyFile, ClientCAFile: keyFile} }, nil, "no certificate in it"},
		"no list":            {func(c *Config) { c.TLS = TLSConfig{certFile, keyFile, caFile, certFile} }, nil, "no X509 CRL in it"},
		"a stranger's list":  {func(c *Config) { c.TLS = TLSConfig{certFile, keyFile, caFile, file("crl", theirs.revoke(1))} }, nil, "not signed by an authority of client_ca_file"},
		"none in flight":     {func(c *Config) { c.InFlight = 0 }, nil, "in_flight: 0: want 1 to 1024"},
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
