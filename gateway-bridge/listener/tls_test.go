package listener

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city/door"
	"meldefunk/city/door/doortest"
)

// folder writes files of one test.
type folder struct {
	t   *testing.T
	dir string
}

func (f folder) file(name, text string) string {
	path := filepath.Join(f.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
	return path
}

// With client certificates nobody comes in without one that is good, and each network server
// only with its own.
func TestClientCertificates(t *testing.T) {
	ours, theirs := doortest.NewAuthority(t, "ours"), doortest.NewAuthority(t, "theirs")
	f := folder{t, t.TempDir()}
	soon := time.Now().Add(time.Hour)
	cert, key := ours.Issue("meldefunk", 2, soon)
	cfg := DefaultConfig()
	cfg.TLS = door.TLS{
		CertFile: f.file("server.pem", cert), KeyFile: f.file("server.key", key),
		ClientCAFile: f.file("clients.pem", ours.PEM), RevokedFile: f.file("clients.crl", ours.Revoke(7)),
	}
	both, alone := lab(t), lab(t)
	both.Certificate = "lns.example.org"
	alone.Server, alone.Username, alone.Certificate = "alone", "", "application-1"
	st := openAs(t, cfg, []Publisher{both, alone})
	st.Commit()
	roots := x509.NewCertPool()
	roots.AddCert(ours.Cert)
	pair := func(cert, key string) []tls.Certificate {
		p, err := tls.X509KeyPair([]byte(cert), []byte(key))
		if err != nil {
			t.Fatal(err)
		}
		return []tls.Certificate{p}
	}
	lns := func(a *doortest.Authority, serial int64, until time.Time) []tls.Certificate {
		return pair(a.Issue("lns.example.org", serial, until))
	}
	// publish tells whether a message was acknowledged.
	publish := func(username string, pair []tls.Certificate, version uint16) error {
		o := st.options().SetUsername(username)
		if username == "" {
			o.SetPassword("")
		}
		o.Servers = nil
		o.AddBroker("mqtts://" + st.address).SetTLSConfig(&tls.Config{RootCAs: roots, Certificates: pair, MaxVersion: version})
		client := mqtt.NewClient(o)
		defer client.Disconnect(0)
		if token := client.Connect(); token.WaitTimeout(patience) && token.Error() != nil {
			return token.Error()
		}
		token := client.Publish(topic, 1, false, "x")
		if !token.WaitTimeout(patience) {
			t.Error("no answer")
		}
		return token.Error()
	}
	for name, test := range map[string]struct {
		username string
		pair     []tls.Certificate
		version  uint16
		refused  bool
	}{
		"good":                     {"lab", lns(ours, 3, soon), 0, false},
		"alternative name":         {"lab", pair(ours.Issue("x", 3, soon, "lns.example.org")), 0, false},
		"certificate alone":        {"", pair(ours.Issue("application-1", 3, soon)), 0, false},
		"TLS 1.2":                  {"lab", lns(ours, 3, soon), tls.VersionTLS12, false},
		"TLS 1.1":                  {"lab", lns(ours, 3, soon), tls.VersionTLS11, true},
		"missing":                  {"lab", nil, 0, true},
		"wrong CA":                 {"lab", lns(theirs, 3, soon), 0, true},
		"expired":                  {"lab", lns(ours, 3, time.Now().Add(-time.Hour)), 0, true},
		"revoked":                  {"lab", lns(ours, 7, soon), 0, true},
		"another's certificate":    {"lab", pair(ours.Issue("other.example.org", 3, soon)), 0, true},
		"no password":              {"", lns(ours, 3, soon), 0, true},
		"nobody's certificate":     {"", pair(ours.Issue("application-2", 3, soon)), 0, true},
		"password of somebody":     {"root", lns(ours, 3, soon), 0, true},
		"the name in another case": {"", pair(ours.Issue("Application-1", 3, soon)), 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			if err := publish(test.username, test.pair, test.version); (err != nil) != test.refused {
				t.Errorf("%v; want refused: %v", err, test.refused)
			}
		})
	}
	t.Run("revoked later", func(t *testing.T) {
		f.file("clients.crl", ours.Revoke(7, 3))
		if err := publish("lab", lns(ours, 3, soon), 0); err == nil {
			t.Error("taken")
		}
	})
	t.Run("without TLS", func(t *testing.T) {
		c := st.raw(version311)
		c.write(hello{version: version311, id: "x", username: "lab", password: secret}.packet())
		if kind, packet, err := c.read(); err == nil && kind == typeConnack {
			t.Errorf("CONNACK %x", packet)
		}
	})
}

func TestConfigProblems(t *testing.T) {
	f := folder{t, t.TempDir()}
	ours := doortest.NewAuthority(t, "ours")
	cert, key := ours.Issue("x", 2, time.Now().Add(time.Hour))
	pair := door.TLS{CertFile: f.file("c.pem", cert), KeyFile: f.file("c.key", key)}
	asking := pair
	asking.ClientCAFile = f.file("ca.pem", ours.PEM)
	good := lab(t)
	certified := func(server, name string) Publisher { return Publisher{Server: server, Certificate: name} }
	for name, test := range map[string]struct {
		change func(*Config)
		others []Publisher
		want   string // "": none
	}{
		"good":                  {func(*Config) {}, nil, ""},
		"every address":         {func(c *Config) { c.Listen = ":1883" }, nil, "can be reached from the network"},
		"plaintext accepted":    {func(c *Config) { c.Listen, c.Plaintext = ":1883", "accepted" }, nil, ""},
		"with TLS":              {func(c *Config) { c.Listen, c.TLS = ":8883", pair }, nil, ""},
		"no port":               {func(c *Config) { c.Listen = "127.0.0.1" }, nil, "want host and port"},
		"half a pair":           {func(c *Config) { c.TLS.CertFile = "x" }, nil, "tls: cert_file and key_file: give both or neither"},
		"clients alone":         {func(c *Config) { c.TLS.ClientCAFile = "x" }, nil, "tls: client_ca_file has no effect"},
		"no such file":          {func(c *Config) { c.TLS = door.TLS{CertFile: "none", KeyFile: "none"} }, nil, "tls.cert_file, tls.key_file: open none"},
		"no connections":        {func(c *Config) { c.MaxConnections = 0 }, nil, "max_connections: 0: want 1 to 4096"},
		"keep-alive":            {func(c *Config) { c.KeepAlive = time.Second }, nil, "keep_alive: 1s: want 5s to 1h0m0s"},
		"same username":         {func(*Config) {}, []Publisher{{Server: "two", Username: "lab", Password: good.Password}}, `network server two: listen.username: "lab" is that of network server lab, too`},
		"short password":        {func(*Config) {}, []Publisher{{Server: "two", Username: "two", Password: door.Secret{File: f.file("short", "fifteen bytes..")}}}, "a password of 15 bytes keeps nobody out: want at least 16"},
		"no password":           {func(*Config) {}, []Publisher{{Server: "two", Username: "two", Password: door.Secret{Env: "MELDEFUNK_NO_SUCH"}}}, "network server two: listen.password_env: MELDEFUNK_NO_SUCH"},
		"certificate not asked": {func(*Config) {}, []Publisher{certified("two", "a")}, "listen.client_certificate: nobody is asked for one: give mqtt_listener.tls.client_ca_file"},
		"certificates":          {func(c *Config) { c.TLS = asking }, []Publisher{certified("two", "a"), certified("three", "b")}, ""},
		"same certificate":      {func(c *Config) { c.TLS = asking }, []Publisher{certified("two", "a"), certified("three", "a")}, `network server three: listen.client_certificate: "a" is that of network server two, too`},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := DefaultConfig()
			test.change(&cfg)
			_, err := New(cfg, append([]Publisher{good}, test.others...), nil, time.Now, zerolog.Nop(), prometheus.NewRegistry())
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
